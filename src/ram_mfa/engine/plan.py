# SPDX-License-Identifier: Apache-2.0
"""What a plan is, and how one walks over a store's keys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Any, Final, TypeVar

from ..store import AsyncStore, Store, has_listing

T = TypeVar("T")

Call = tuple[Callable[..., Any], tuple[Any, ...]]
"""A function of the outside world and its arguments; the driver sends back its result, or throws its exception."""
Plan = Generator[Call, Any, T]
AnyStore = Store | AsyncStore

_END: Final = object()


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
