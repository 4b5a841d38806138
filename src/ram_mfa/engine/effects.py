# SPDX-License-Identifier: Apache-2.0
"""Effects, generators that yield calls to the outside world, and the calls to a store among them.

Invariant: an answer of a store counts only if it is exactly what `ram_mfa.store` promises; anything else is an error.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Any, Final, TypeVar

from ..codec import MAX_SIZE
from ..errors import StoreUnavailable, StoreUncertain, UnreadableRecord
from ..store import AsyncStore, Store, has_listing

T = TypeVar("T")

Call = tuple[Callable[..., Any], tuple[Any, ...]]
"""A function of the outside world and its arguments; the driver sends back its result, or throws its exception."""
Effects = Generator[Call, Any, T]
"""A generator that yields calls, and returns a value of type T."""
AnyStore = Store | AsyncStore

MAX_SEALED: Final = MAX_SIZE + 4_096
"""Bytes; the largest answer of a load that is accepted."""
MAX_TIME: Final = 2.0**53
"""Seconds since the epoch; no working clock of a server shows a later time."""
MAX_NAME: Final = 1_024
"""Characters; the longest name of a history."""

_END: Final = object()


def load(view: AnyStore, key: str) -> Effects[bytes | None]:
    """Load the record under a key.

    Raises:
        StoreUnavailable: the answer is neither bytes nor None.
        UnreadableRecord: it is larger than any record.
    """
    sealed = yield view.load, (key,)
    if sealed is None:
        return None
    if not isinstance(sealed, bytes):
        raise StoreUnavailable(_describe("load", sealed, "bytes or None"))
    if len(sealed) > MAX_SEALED:
        raise UnreadableRecord(key, "too large")
    return sealed


def swap(view: AnyStore, key: str, old: bytes | None, new: bytes | None) -> Effects[bool]:
    """Swap a record; return whether the swap was applied.

    Raises:
        StoreUncertain: the answer is neither True nor False, so the outcome is unknown.
    """
    applied = yield view.swap, (key, old, new)
    if applied is True or applied is False:
        return applied
    raise StoreUncertain(_describe("swap", applied, "True or False"))


def history_name(store: Any) -> Effects[str]:
    """Ask a store for the name of its present history.

    Raises:
        StoreUnavailable: the answer is not a name.
    """
    name = yield store.incarnation, ()
    if not isinstance(name, str) or len(name) > MAX_NAME:
        raise StoreUnavailable(_describe("incarnation", name, f"a string of at most {MAX_NAME} characters"))
    return name


def store_time(store: Any) -> Effects[float]:
    """Read the clock of a store's server: seconds since the epoch.

    Raises:
        StoreUnavailable: the answer is not a time.
    """
    at = yield store.clock, ()
    if isinstance(at, bool) or not isinstance(at, int | float) or not -MAX_TIME < at < MAX_TIME:
        raise StoreUnavailable(_describe("clock", at, "a finite number of seconds"))
    return at


def list_keys(store: AnyStore, kind: str) -> Iterator[str] | AsyncIterator[str]:
    """Return an iterator over the keys of one kind of record; nothing is read yet.

    Raises:
        TypeError: the store lists no keys.
    """
    if not has_listing(store):
        raise TypeError("this store lists no keys: it has no keys(kind)")
    return store.keys(kind)


def next_key(keys: Iterator[str] | AsyncIterator[str]) -> Effects[str | None]:
    """Take the next key of a listing; None at its end."""
    key = yield (anext if isinstance(keys, AsyncIterator) else next), (keys, _END)
    return None if key is _END else key


def _describe(method: str, answer: Any, expected: str) -> str:
    """Describe an answer that no store may give, without quoting it."""
    kind = type(answer).__name__
    if inspect.iscoroutine(answer):
        answer.close()
        kind = "coroutine that nobody awaited"
    return f"the store's {method} must return {expected}, and returned a {kind}"
