# SPDX-License-Identifier: Apache-2.0
"""Plans, which are generators of calls to the outside world, and the calls of a store that they make.

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
Plan = Generator[Call, Any, T]
AnyStore = Store | AsyncStore

MAX_SEALED: Final = MAX_SIZE + 4_096
"""Bytes; the longest answer of a load that is looked at."""
MAX_TIME: Final = 2.0**53
"""Seconds since the epoch; no server's clock shows a later moment."""
MAX_NAME: Final = 1_024
"""Characters; the longest name of a history."""

_END: Final = object()


def load(view: AnyStore, key: str) -> Plan[bytes | None]:
    """Plan the record under a key.

    Raises:
        StoreUnavailable: the answer is neither bytes nor None.
        UnreadableRecord: it is larger than any record.
    """
    found = yield view.load, (key,)
    if found is None:
        return None
    if not isinstance(found, bytes):
        raise StoreUnavailable(_broken("load", found, "bytes or None"))
    if len(found) > MAX_SEALED:
        raise UnreadableRecord(key, "too large")
    return found


def swap(view: AnyStore, key: str, old: bytes | None, new: bytes | None) -> Plan[bool]:
    """Plan a swap; return whether it was applied.

    Raises:
        StoreUncertain: the answer is neither True nor False, so nobody knows what happened.
    """
    applied = yield view.swap, (key, old, new)
    if applied is True or applied is False:
        return applied
    raise StoreUncertain(_broken("swap", applied, "True or False"))


def history_name(store: Any) -> Plan[str]:
    """Plan the name that a store's engine gives to its present history.

    Raises:
        StoreUnavailable: the answer is no such name.
    """
    name = yield store.incarnation, ()
    if not isinstance(name, str) or len(name) > MAX_NAME:
        raise StoreUnavailable(_broken("incarnation", name, f"a string of at most {MAX_NAME} characters"))
    return name


def store_time(store: Any) -> Plan[float]:
    """Plan what a store's own clock shows, in seconds since the epoch.

    Raises:
        StoreUnavailable: the answer is no moment.
    """
    at = yield store.clock, ()
    if isinstance(at, bool) or not isinstance(at, int | float) or not -MAX_TIME < at < MAX_TIME:
        raise StoreUnavailable(_broken("clock", at, "a finite number of seconds"))
    return at


def listed(store: AnyStore, kind: str) -> Iterator[str] | AsyncIterator[str]:
    """Return the listing of a kind of record, not begun.

    Raises:
        TypeError: the store lists no keys.
    """
    if not has_listing(store):
        raise TypeError("this store lists no keys: it has no keys(kind)")
    return store.keys(kind)


def next_key(keys: Iterator[str] | AsyncIterator[str]) -> Plan[str | None]:
    """Plan the next key of a listing; None at its end."""
    key = yield (anext if isinstance(keys, AsyncIterator) else next), (keys, _END)
    return None if key is _END else key


def _broken(method: str, answer: Any, expected: str) -> str:
    """Return the sentence about an answer that no store may give; nothing of the answer itself is in it."""
    kind = type(answer).__name__
    if inspect.iscoroutine(answer):
        answer.close()
        kind = "coroutine that nobody awaited"
    return f"the store's {method} must return {expected}, and returned a {kind}"
