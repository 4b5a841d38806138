# SPDX-License-Identifier: Apache-2.0
"""System checks that report faults of a project's settings and database before the first logon.

https://docs.djangoproject.com/en/stable/topics/checks/

ATOMIC_REQUESTS is of no account to a store, which has connections of its own, but on SQLite, where a request's
transaction locks the whole file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as Caution
from django.db import connections as requests

from ...errors import StoreUnavailable
from .connections import aliases
from .engines import VENDORS, NotMigrated
from .store import DjangoStore, default_alias


def check_settings(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """Look at the settings of each alias that has a store, without connecting."""
    del app_configs
    return [message for alias in _ours() for message in _of_alias(alias)]


def check_database(app_configs: Any = None, *, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Look at the databases themselves; Django asks for it by ``check --database`` and by ``migrate``."""
    del app_configs
    messages: list[CheckMessage] = []
    for alias in sorted(set(databases or ()) & set(_ours())):
        if alias not in requests.settings or requests[alias].vendor not in VENDORS:
            continue
        store = DjangoStore(alias)
        try:
            store.probe()
        except NotMigrated as error:  # no error: migrate itself runs these checks first
            hint = f"python manage.py migrate ram_mfa --database {alias}"
            messages.append(Caution(str(error), hint=hint, obj=_obj(alias), id="ram_mfa.W002"))
        except StoreUnavailable as error:
            messages.append(Error(str(error), obj=_obj(alias), id="ram_mfa.E010"))
        finally:
            store.close()
    return messages


def _ours() -> list[str]:
    return sorted({default_alias(), *(alias for alias in aliases() if alias in requests.settings)})


def _obj(alias: str) -> str:
    return f"DATABASES[{alias!r}]"


def _of_alias(alias: str) -> list[CheckMessage]:
    if alias not in requests.settings:
        hint = "RAM_MFA_DATABASE names the alias that records are kept under."
        return [Error(f"DATABASES has no alias {alias!r}.", hint=hint, obj="RAM_MFA_DATABASE", id="ram_mfa.E001")]
    vendor = requests[alias].vendor
    if vendor not in VENDORS:
        problem = f"No store can be on {vendor}: only on SQLite, PostgreSQL, MariaDB and MySQL."
        return [Error(problem, obj=_obj(alias), id="ram_mfa.E002")]
    return _PER_VENDOR.get(vendor, _nothing)(alias)


def _nothing(_alias: str) -> list[CheckMessage]:
    return []


def _of_sqlite(alias: str) -> list[CheckMessage]:
    path = _file(alias)
    if path is None:
        hint = "Give it a file; in tests, where SQLite is in memory by default, a TEST NAME."
        return [Error("The records would be in memory.", hint=hint, obj=_obj(alias), id="ram_mfa.E003")]
    sharing = {other for other in requests.settings if other != alias and _file(other) == path}
    if alias == "default":  # where the requests are, if no router says otherwise
        sharing.add(alias)
    if not sharing:
        return []
    hint = "Give the records an alias with a file of its own, and name it in RAM_MFA_DATABASE."
    if any(requests.settings[other]["ATOMIC_REQUESTS"] for other in sharing):
        problem = "Each request's transaction locks the file of the records, and every verb in it waits in vain."
        return [Error(problem, hint=hint, obj=_obj(alias), id="ram_mfa.E004")]
    problem = "A transaction that writes locks the file of the records, and a verb in it waits in vain."
    return [Caution(problem, hint=hint, obj=_obj(alias), id="ram_mfa.W001")]


def _file(alias: str) -> Path | None:
    """Return the file of an alias; None where it has none."""
    name = str(requests.settings[alias]["NAME"])
    if requests[alias].vendor != "sqlite" or not name or ":memory:" in name or "mode=memory" in name:
        return None
    return Path(name.removeprefix("file:").partition("?")[0] if name.startswith("file:") else name).resolve()


def _of_postgresql(alias: str) -> list[CheckMessage]:
    from django.db.backends.postgresql.psycopg_any import is_psycopg3

    if is_psycopg3:
        return []
    problem = "On PostgreSQL only psycopg 3 tells of a cancelled wait for a standby."
    return [Error(problem, hint="Install psycopg 3 in place of psycopg2.", obj=_obj(alias), id="ram_mfa.E005")]


_PER_VENDOR = {"sqlite": _of_sqlite, "postgresql": _of_postgresql}
