# SPDX-License-Identifier: Apache-2.0
"""A view of another incarnation neither reads nor writes (S12)."""

from __future__ import annotations

from collections.abc import Callable

from ...errors import HistoryLost
from ...store import has_history
from .bench import Bench
from .failure import StoreCheckFailed, expect


def views(bench: Bench) -> None:
    """A view of the present works like the store; a view of another history raises, and nothing lands."""
    store = bench.a
    if not has_history(store):
        return
    now = store.incarnation()
    expect(type(now) is str, "S12", "an incarnation is not a name")
    expect(store.incarnation() == now, "S12", "the incarnation changes although no history was lost")
    key, value = bench.record()
    present, past = store.at(now), store.at("another history")
    expect(present.load(key) == value, "S12", "a view of the present history does not read")
    expect(present.swap(key, value, value + b"1") is True, "S12", "a view of the present history does not write")
    expect(present.swap(key, value, value) is False, "S12", "a view of the present history lands a stale swap")
    expect(present.swap(key, None, value) is False, "S12", "a view of the present history creates over a record")
    fresh = bench.key()
    expect(present.load(fresh) is None, "S12", "a view of the present history reads what is not there")
    expect(present.swap(fresh, None, value) is True, "S12", "a view of the present history does not create")
    expect(present.swap(fresh, value, None) is True, "S12", "a view of the present history does not delete")
    value += b"1"
    _lost(now, lambda: past.load(key))
    _lost(now, lambda: past.load(fresh))
    for old, new in ((value, value + b"2"), (value, None), (None, value), (value + b"no", value)):
        _lost(now, lambda old=old, new=new: past.swap(key, old, new))  # type: ignore[misc]
        _lost(now, lambda old=old, new=new: past.swap(fresh, old, new))  # type: ignore[misc]
    expect(past.swap(key, None, None) is False, "S1", "swap(key, None, None) is not False on a view")
    expect(bench.b.load(key) == value, "S12", "a swap on a view of another history landed")
    expect(bench.b.load(fresh) is None, "S12", "a create on a view of another history landed")


def _lost(now: str, call: Callable[[], object]) -> None:
    try:
        call()
    except HistoryLost as lost:
        expect(lost.incarnation == now, "S12", "HistoryLost does not name the present history")
    else:
        raise StoreCheckFailed("S12", "a view of another history answers")
