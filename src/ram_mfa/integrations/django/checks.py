# SPDX-License-Identifier: Apache-2.0
"""System checks that report problems of a project's settings and database before the first logon.

https://docs.djangoproject.com/en/stable/topics/checks/

ATOMIC_REQUESTS does not affect a store, which has connections of its own, except on SQLite, where a request's
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
    """Check the settings of each alias with a store, without connecting."""
    del app_configs
    return [message for alias in _store_aliases() for message in _check_alias(alias)]


def check_database(app_configs: Any = None, *, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Check the databases themselves; Django runs this for ``check --database`` and for ``migrate``."""
    del app_configs
    messages: list[CheckMessage] = []
    for alias in sorted(set(databases or ()) & set(_store_aliases())):
        if alias not in requests.settings or requests[alias].vendor not in VENDORS:
            continue
        store = DjangoStore(alias)
        try:
            store.probe()
        except NotMigrated as error:  # not an error, since migrate itself runs these checks first
            hint = f"python manage.py migrate ram_mfa --database {alias}"
            messages.append(Caution(str(error), hint=hint, obj=_obj(alias), id="ram_mfa.W002"))
        except StoreUnavailable as error:
            messages.append(Error(str(error), obj=_obj(alias), id="ram_mfa.E010"))
        finally:
            store.close()
    return messages


def _store_aliases() -> list[str]:
    return sorted({default_alias(), *(alias for alias in aliases() if alias in requests.settings)})


def _obj(alias: str) -> str:
    return f"DATABASES[{alias!r}]"


def _check_alias(alias: str) -> list[CheckMessage]:
    if alias not in requests.settings:
        hint = "RAM_MFA_DATABASE names the alias of the database with the records."
        return [Error(f"DATABASES has no alias {alias!r}.", hint=hint, obj="RAM_MFA_DATABASE", id="ram_mfa.E001")]
    vendor = requests[alias].vendor
    if vendor not in VENDORS:
        problem = f"A store cannot use {vendor}: only SQLite, PostgreSQL, MariaDB and MySQL."
        return [Error(problem, obj=_obj(alias), id="ram_mfa.E002")]
    return _VENDOR_CHECKS.get(vendor, _no_check)(alias)


def _no_check(_alias: str) -> list[CheckMessage]:
    return []


def _check_sqlite(alias: str) -> list[CheckMessage]:
    path = _file(alias)
    if path is None:
        hint = "Give it a file; in tests, where SQLite is in memory by default, set TEST NAME."
        return [Error("The records would be in memory.", hint=hint, obj=_obj(alias), id="ram_mfa.E003")]
    sharing = {other for other in requests.settings if other != alias and _file(other) == path}
    if alias == "default":  # which requests use, unless a router says otherwise
        sharing.add(alias)
    if not sharing:
        return []
    hint = "Keep the records under an alias with a file of its own, and name it in RAM_MFA_DATABASE."
    if any(requests.settings[other]["ATOMIC_REQUESTS"] for other in sharing):
        problem = "Each request's transaction locks the file of the records, and every verb in it times out."
        return [Error(problem, hint=hint, obj=_obj(alias), id="ram_mfa.E004")]
    problem = "A transaction that writes locks the file of the records, and a verb in it times out."
    return [Caution(problem, hint=hint, obj=_obj(alias), id="ram_mfa.W001")]


def _file(alias: str) -> Path | None:
    """Return the file of an alias; None if it has none."""
    name = str(requests.settings[alias]["NAME"])
    if requests[alias].vendor != "sqlite" or not name or ":memory:" in name or "mode=memory" in name:
        return None
    return Path(name.removeprefix("file:").partition("?")[0] if name.startswith("file:") else name).resolve()


def _check_postgresql(alias: str) -> list[CheckMessage]:
    from django.db.backends.postgresql.psycopg_any import is_psycopg3

    if is_psycopg3:
        return []
    problem = "On PostgreSQL only psycopg 3 reports a cancelled wait for a standby."
    return [Error(problem, hint="Install psycopg 3 instead of psycopg2.", obj=_obj(alias), id="ram_mfa.E005")]


_VENDOR_CHECKS = {"sqlite": _check_sqlite, "postgresql": _check_postgresql}
