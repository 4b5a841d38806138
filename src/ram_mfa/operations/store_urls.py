# SPDX-License-Identifier: Apache-2.0
"""Stores by URL: parsing, opening, and hiding the password in messages.

::

    /path, path, sqlite:///path      SQLiteStore
    postgresql://...                 PostgresStore
    redis://... rediss://...         RedisStore on one server
    redis+cluster://... rediss+...   RedisStore on a Cluster
    redis+sentinel://h:p,h:p/name/0  RedisStore on the master that Sentinels know by that name, its database after it
    sqlalchemy+URL                   SQLAlchemyStore, with SQLAlchemy's own URL after the plus

Invariant: a URL may hold a password, even if it is malformed. It is therefore parsed before a driver sees it, and no
message repeats a part of a URL that could not be parsed.
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
_UNREADABLE: Final = (
    "the store's URL cannot be parsed: percent-encode special characters in user name, password and options"
)


class Opened(Store, Listing, Protocol):
    """An open store that lists its keys."""

    def close(self) -> None:
        """Close its connections."""
        ...


@runtime_checkable
class _Creatable(Protocol):
    def create_table(self) -> None:
        """Make the table where there is none."""
        ...


@attrs.frozen
class StoreOptions:
    """The options with which a store is opened.

    Attributes:
        deadline: seconds for each call.
        create: whether the file or the table may be made.
        replicas: the number of Redis replicas that must acknowledge a swap; None for the store's default.
        unsafe_settings: the names of Redis settings that may be unsafe.
    """

    deadline: float
    create: bool
    replicas: int | None = None
    unsafe_settings: Sequence[str] = ()


@attrs.frozen
class Address:
    """The address of a store.

    Attributes:
        url: the whole URL.
        secrets: the strings that no message may repeat.
    """

    url: SecretText = attrs.field(repr=False)
    secrets: tuple[str, ...] = attrs.field(repr=False)
    _maker: Callable[[str, StoreOptions], Any] = attrs.field(repr=False)

    def open(self, options: StoreOptions) -> Opened:
        """Open the store; with ``create`` also make the file or table that holds the records.

        Raises:
            Usage: the driver is missing, or the URL or the configuration of the server is not usable.
            StoreUnavailable: the store does not answer, or does not exist.
        """
        try:
            store: Opened = self._maker(str(self.url), options)
        except ImportError as error:
            raise Usage(f"this store needs a package that is not installed: {error.name or 'its driver'}") from None
        except (ValueError, TypeError) as error:  # the store's own message
            raise Usage(self.hide(str(error))) from None
        if options.create and isinstance(store, _Creatable):
            store.create_table()
        return store

    def hide(self, text: str) -> str:
        """Return a message without the secrets of the URL."""
        return hidden(text, self.secrets)


def hidden(text: str, secrets: Sequence[str]) -> str:
    """Return a text without the secrets, and without user name and password of any URL in it."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return _CREDENTIALS.sub(rf"\1{HIDDEN}@", text)


def parse_address(text: str) -> Address:
    """Return the address that a URL or a path gives.

    Raises:
        Usage: it gives none.
    """
    text = text.strip()
    scheme, separator, rest = text.partition("://")
    if not separator:
        if not text or _CONNINFO.search(text):
            raise Usage("give the store as a URL, or as the path of an SQLite file")
        return Address(SecretText(text), (), _sqlite)
    if scheme == "sqlite":
        return Address(SecretText(_sqlite_path(rest)), (), _sqlite)
    if scheme.startswith("sqlalchemy+"):
        inner = text.removeprefix("sqlalchemy+")
        return Address(SecretText(inner), _secrets_of(inner), _sqlalchemy)
    maker = _SCHEMES.get(scheme)
    if maker is None:
        known = ", ".join(["a path", "sqlite", *_SCHEMES, "sqlalchemy+..."])
        raise Usage(f"unknown scheme of a store's URL; known are {known}")
    return Address(SecretText(text), _secrets_of(text), maker)


def _secrets_of(url: str) -> tuple[str, ...]:
    """Return the passwords in a URL, percent-encoded and decoded.

    Raises:
        Usage: the URL is ambiguous about its password.
    """
    try:
        parts = urlsplit(url)
        options = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise Usage(_UNREADABLE) from None
    # A password with an unencoded slash, question mark or @ would be split and fail one of these tests.
    hosts_valid = all(_HOST.fullmatch(host) for host in parts.netloc.rpartition("@")[2].split(","))
    if not hosts_valid or parts.netloc.count("@") > 1 or "@" in parts.path + parts.query or parts.fragment:
        raise Usage(_UNREADABLE)
    in_options = [value for name, value in options if "pass" in name.lower() or "secret" in name.lower()]
    raw = parts.netloc.rpartition("@")[0].partition(":")[2]
    return tuple(dict.fromkeys(filter(None, [raw, unquote(raw), *in_options])))


def _sqlite_path(rest: str) -> str:
    """Return the path of ``sqlite:///path``; as in SQLAlchemy, four slashes make it absolute."""
    if not rest.startswith("/") or rest == "/" or "?" in rest:
        raise Usage("give an SQLite store as sqlite:///path, with four slashes for an absolute path, or as a path")
    return unquote(rest[1:])


def _sqlite(path: str, options: StoreOptions) -> Any:
    from ..stores.sqlite import SQLiteStore

    if not options.create:
        _require_table(path)
    return SQLiteStore(path, deadline=options.deadline)


def _require_table(path: str) -> None:
    """Check that a file holds the table, without making either, as opening the store would.

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


def _postgresql(url: str, options: StoreOptions) -> Any:
    import psycopg.conninfo

    from ..stores.postgres import PostgresStore

    try:
        psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.Error:
        raise Usage(_UNREADABLE) from None
    return PostgresStore(url, size=1, deadline=options.deadline)


def _redis(url: str, options: StoreOptions) -> Any:
    import redis

    return _on_redis(redis.Redis, url, options)


def _redis_cluster(url: str, options: StoreOptions) -> Any:
    import redis

    return _on_redis(redis.RedisCluster, url.replace("+cluster", "", 1), options)


def _redis_sentinel(url: str, options: StoreOptions) -> Any:
    from redis import sentinel as driver

    make_sentinels: Any = driver.Sentinel  # without types of its own
    parts = urlsplit(url)
    credentials, _, hosts = parts.netloc.rpartition("@")
    name, _, database = parts.path.removeprefix("/").partition("/")
    given = dict(parse_qsl(parts.query))
    if not name or not (database or "0").isdecimal() or not given.keys() <= {"sentinel_username", "sentinel_password"}:
        raise Usage("give Sentinels as redis+sentinel://host:port,host:port/name, and a database as /name/0")
    sentinels = [urlsplit(f"//{host}") for host in hosts.split(",")]
    user, _, password = credentials.partition(":")
    settings = {**_timeouts(options), "ssl": parts.scheme.startswith("rediss")}
    own = {option.removeprefix("sentinel_"): value for option, value in given.items()}
    found = make_sentinels(
        [(one.hostname or "localhost", one.port or 26379) for one in sentinels], sentinel_kwargs={**settings, **own}
    )
    named = {"username": unquote(user) or None, "password": unquote(password) or None, "db": int(database or 0)}
    return _redis_store(found.master_for(unquote(name), **named, **settings), options)


def _timeouts(options: StoreOptions) -> dict[str, Any]:
    return {"socket_timeout": options.deadline, "socket_connect_timeout": options.deadline}


def _redis_store(client: Any, options: StoreOptions) -> Any:
    from ..stores.redis import RedisStore

    return RedisStore(client, replicas=options.replicas, unsafe_settings=options.unsafe_settings)


def _on_redis(client: Any, url: str, options: StoreOptions) -> Any:
    from redis.exceptions import RedisClusterException, RedisError

    try:
        connected = client.from_url(url, **_timeouts(options))
    except (RedisError, RedisClusterException) as error:  # a Cluster's client asks for the layout when it is built
        raise StoreUnavailable(f"Redis: {error}") from error
    return _redis_store(connected, options)


def _sqlalchemy(url: str, options: StoreOptions) -> Any:
    import sqlalchemy as sa
    from sqlalchemy.exc import ArgumentError

    from ..stores.sqlalchemy import SQLAlchemyStore

    try:
        parsed = sa.make_url(url)
        engine = sa.create_engine(parsed, pool_reset_on_return=None)
    except (ArgumentError, ValueError):
        raise Usage("SQLAlchemy cannot parse this URL, or does not know its database") from None
    if parsed.get_backend_name() == "sqlite" and parsed.database and not options.create:
        _require_table(parsed.database)
    return SQLAlchemyStore(engine, deadline=options.deadline)


_SCHEMES: Final[dict[str, Callable[[str, StoreOptions], Any]]] = {
    "postgresql": _postgresql,
    "postgres": _postgresql,
    "redis": _redis,
    "rediss": _redis,
    "redis+cluster": _redis_cluster,
    "rediss+cluster": _redis_cluster,
    "redis+sentinel": _redis_sentinel,
    "rediss+sentinel": _redis_sentinel,
}
