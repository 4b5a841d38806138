# SPDX-License-Identifier: Apache-2.0
"""The store that a URL names.

::

    /path, path, sqlite:///path      SQLiteStore
    postgresql://...                 PostgresStore
    redis://... rediss://...         RedisStore on one server
    redis+cluster://... rediss+...   RedisStore on a Cluster
    sqlalchemy+URL                   SQLAlchemyStore, with SQLAlchemy's own URL behind the plus

The room's rule: a URL may hold a password, also where it is misspelt. So it is taken apart before a driver sees it,
and no message repeats a part of one that was not understood.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable
from urllib.parse import parse_qsl, unquote, urlsplit

import attrs

from .._secret import SecretText
from ..errors import StoreUnavailable
from ..store import Listing, Store
from .exit_codes import Missing
from .secret_files import Usage

HIDDEN: Final = "***"
_CONNINFO: Final = re.compile(r"\b(host|hostaddr|dbname|user|password|service)\s*=")
_CREDENTIALS: Final = re.compile(r"(://)[^\s/]*@")
_HOST: Final = re.compile(r"(\[[0-9a-fA-F:.%]+\]|[^:\[\]]*)(:\d*)?")
_UNREADABLE: Final = "the store's URL cannot be read: percent-encode what is special in user name, password and options"


class Opened(Store, Listing, Protocol):
    """A store that lists its keys, as all of these do."""

    def close(self) -> None:
        """Close its connections."""
        ...


@runtime_checkable
class _InATable(Protocol):
    def create_table(self) -> None:
        """Make the table where there is none."""
        ...


@attrs.frozen
class Terms:
    """How a store is opened, beside where it is.

    Attributes:
        deadline: seconds for each call.
        create: whether the file or the table may be made.
        replicas: how many replicas of Redis must have a swap; None: the store's own default.
        unsafe_settings: what may be unsafe in the configuration of Redis.
    """

    deadline: float
    create: bool
    replicas: int | None = None
    unsafe_settings: Sequence[str] = ()


@attrs.frozen
class Address:
    """Where a store is.

    Attributes:
        url: the whole of it.
        secrets: what no message may repeat.
    """

    url: SecretText = attrs.field(repr=False)
    secrets: tuple[str, ...] = attrs.field(repr=False)
    _maker: Callable[[str, Terms], Any] = attrs.field(repr=False)

    def open(self, terms: Terms) -> Opened:
        """Open the store; with ``create`` also make what holds the records.

        Raises:
            Usage: the driver is missing, or the URL or the configuration of the server is not usable.
            StoreUnavailable: the store does not answer, or is not there.
        """
        try:
            store: Opened = self._maker(str(self.url), terms)
        except ImportError as error:
            raise Usage(f"this store needs a package that is not installed: {error.name or 'its driver'}") from None
        except (ValueError, TypeError) as error:  # the stores' own words for what cannot be
            raise Usage(self.hide(str(error))) from None
        if terms.create and isinstance(store, _InATable):
            store.create_table()
        return store

    def hide(self, text: str) -> str:
        """Return a message without the secrets of the URL."""
        return hidden(text, self.secrets)


def hidden(text: str, secrets: Sequence[str]) -> str:
    """Return a text in which no secret stands, and no URL's user name and password."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return _CREDENTIALS.sub(rf"\1{HIDDEN}@", text)


def address_of(text: str) -> Address:
    """Return where the store is that a URL or a path names.

    Raises:
        Usage: it names none.
    """
    text = text.strip()
    scheme, separator, rest = text.partition("://")
    if not separator:
        if not text or _CONNINFO.search(text):
            raise Usage("the store is given as a URL, or as the path of an SQLite file")
        return Address(SecretText(text), (), _sqlite)
    if scheme == "sqlite":
        return Address(SecretText(_sqlite_path(rest)), (), _sqlite)
    if scheme.startswith("sqlalchemy+"):
        inner = text.removeprefix("sqlalchemy+")
        return Address(SecretText(inner), _secrets_of(inner), _sqlalchemy)
    maker = _SCHEMES.get(scheme)
    if maker is None:
        known = ", ".join(["a path", "sqlite", *_SCHEMES, "sqlalchemy+..."])
        raise Usage(f"no store has a URL that begins so; there are {known}")
    return Address(SecretText(text), _secrets_of(text), maker)


def _secrets_of(url: str) -> tuple[str, ...]:
    """Return the passwords in a URL, as they stand there and as they are.

    Raises:
        Usage: one cannot tell what is the password.
    """
    try:
        parts = urlsplit(url)
        options = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise Usage(_UNREADABLE) from None
    # A password with a slash, a question mark or an @ in it would come apart into one of these.
    well = all(_HOST.fullmatch(host) for host in parts.netloc.rpartition("@")[2].split(","))
    if not well or parts.netloc.count("@") > 1 or "@" in parts.path + parts.query or parts.fragment:
        raise Usage(_UNREADABLE)
    found = [value for name, value in options if "pass" in name.lower() or "secret" in name.lower()]
    raw = parts.netloc.rpartition("@")[0].partition(":")[2]
    return tuple(dict.fromkeys(filter(None, [raw, unquote(raw), *found])))


def _sqlite_path(rest: str) -> str:
    """Return the path of ``sqlite:///path``, as SQLAlchemy reads it: four slashes make it absolute."""
    if not rest.startswith("/") or rest == "/" or "?" in rest:
        raise Usage("an SQLite store is given as sqlite:///path, with four slashes for an absolute one, or as a path")
    return unquote(rest[1:])


def _sqlite(path: str, terms: Terms) -> Any:
    from ..stores.sqlite import SQLiteStore

    if not terms.create:
        _table_in(path)
    return SQLiteStore(path, deadline=terms.deadline)


def _table_in(path: str) -> None:
    """Look whether a file holds the table, and leave alone what does not: a store would make both.

    Raises:
        Missing: there is no such file, or no such table in it.
        StoreUnavailable: it cannot be read.
    """
    file = Path(path)
    if not file.is_file():
        raise Missing("SQLite: there is no such file")
    try:
        with contextlib.closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'ram_mfa'").fetchone()
    except sqlite3.Error as error:
        raise StoreUnavailable(f"SQLite: {error}") from error
    if found is None:
        raise Missing("SQLite: the file holds no table ram_mfa")


def _postgresql(url: str, terms: Terms) -> Any:
    import psycopg.conninfo

    from ..stores.postgres import PostgresStore

    try:
        psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.Error:
        raise Usage(_UNREADABLE) from None
    return PostgresStore(url, size=1, deadline=terms.deadline)


def _redis(url: str, terms: Terms) -> Any:
    import redis

    return _on_redis(redis.Redis, url, terms)


def _redis_cluster(url: str, terms: Terms) -> Any:
    import redis

    return _on_redis(redis.RedisCluster, url.replace("+cluster", "", 1), terms)


def _on_redis(client: Any, url: str, terms: Terms) -> Any:
    from redis.exceptions import RedisClusterException, RedisError

    from ..stores.redis import RedisStore

    settings = {"socket_timeout": terms.deadline, "socket_connect_timeout": terms.deadline}
    try:
        connected = client.from_url(url, **settings)
    except (RedisError, RedisClusterException) as error:  # a Cluster's client asks for the layout at once
        raise StoreUnavailable(f"Redis: {error}") from error
    return RedisStore(connected, replicas=terms.replicas, unsafe_settings=terms.unsafe_settings)


def _sqlalchemy(url: str, terms: Terms) -> Any:
    import sqlalchemy as sa
    from sqlalchemy.exc import ArgumentError

    from ..stores.sqlalchemy import SQLAlchemyStore

    try:
        parsed = sa.make_url(url)
        engine = sa.create_engine(parsed, pool_reset_on_return=None)
    except (ArgumentError, ValueError):
        raise Usage("SQLAlchemy does not read this URL, or knows no such database") from None
    if parsed.get_backend_name() == "sqlite" and parsed.database and not terms.create:
        _table_in(parsed.database)
    return SQLAlchemyStore(engine, deadline=terms.deadline)


_SCHEMES: Final[dict[str, Callable[[str, Terms], Any]]] = {
    "postgresql": _postgresql,
    "postgres": _postgresql,
    "redis": _redis,
    "rediss": _redis,
    "redis+cluster": _redis_cluster,
    "rediss+cluster": _redis_cluster,
}
