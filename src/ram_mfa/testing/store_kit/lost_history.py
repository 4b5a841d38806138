# SPDX-License-Identifier: Apache-2.0
"""A view of another history, or beside another record, neither reads nor writes (S12)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from ...errors import HistoryLost
from .failure import NotTriedError, StoreCheckFailed, expect, needs
from .store_pair import Bench, ordinary_bytes
from .twins import byte_twins
from .watch import Handle, has_views

NO_NAMES = "the store has no incarnation() and at()"
NO_PINS = "the store's at() takes no beside="


def present(handle: Handle) -> str:
    """Return the present name of the history.

    Raises:
        NotTriedError: the store has none.
    """
    needs(has_views(handle), NO_NAMES)
    return handle.incarnation()


def pinned(handle: Handle, pin: tuple[str, bytes], name: str | None = None) -> Handle:
    """Return a view beside a record, of the present history or the one that is named.

    Raises:
        NotTriedError: the store makes none.
    """
    name = present(handle) if name is None else name
    try:
        return handle.at(name, beside=pin)
    except TypeError:
        raise NotTriedError(NO_PINS) from None


def views(bench: Bench) -> None:
    """A view of the present works like the store; a view of another history raises, and nothing lands."""
    store = bench.a
    now = present(store)
    expect(store.incarnation() == now == bench.b.incarnation(), "S12", "the name changes although no history was lost")
    _works(bench, store.at(now), "of the present history")
    key, value = bench.record()
    near = (now + "1", now[:-1], now.upper() + "x")
    # A name of parts, one for each server of a cluster, is compared with the one that has the record.
    for name in ("another history", "%", "", *(near if now and "," not in now else ())):
        if name != now:
            refuses(bench, store.at(name), (key, value), now, "of another history")


def pins(bench: Bench) -> None:
    """A view beside a record works while that record is as it was, and raises where it is another or gone."""
    pin, value = bench.record("r")
    _works(bench, pinned(bench.a, (pin, value)), "beside a record")
    now = bench.a.incarnation()
    key, held = bench.record()
    old = pinned(bench.a, (pin, value))
    expect(old.load(key) == held, "S12", "a view beside a record does not read")
    for handle in (bench.b, bench.a):
        new = ordinary_bytes()
        expect(handle.swap(pin, value, new), "S1", "a swap from the record's bytes did not land")
        refuses(bench, old, (key, held), now, "beside a record that was replaced")
        old = pinned(bench.a, (pin, new))
        expect(old.load(key) == held, "S12", "a view beside a record does not read")
        value = new
    expect(bench.b.swap(pin, value, None), "S13", "deleting a record did not land")
    refuses(bench, old, (key, held), now, "beside a record that was deleted")
    other, _ = bench.record("r")
    for place in (other, bench.key("r")):
        refuses(bench, pinned(bench.a, (place, value)), (key, held), now, "beside a record under another key")
    bench.put(bench.key("r"), None, value)
    refuses(bench, old, (key, held), now, "beside a record whose bytes stand under another key only")


def pins_apart(bench: Bench) -> None:
    """The record beside a view is compared byte by byte."""
    key, held = bench.record()
    for alike, value, twin in byte_twins():
        pin = bench.key("r")
        bench.put(pin, None, twin)
        told = f"beside a record that is alike in {alike}"
        refuses(bench, pinned(bench.a, (pin, value)), (key, held), bench.a.incarnation(), told, few=True)
        bench.put(pin, twin, None)


def new_histories(bench: Bench) -> None:
    """Where the engine begins another history, the name is another each time, and every older view raises."""
    begin = bench.faults.new_history
    needs(begin, "no hook: Faults(new_history=...)")
    assert begin is not None
    names = [present(bench.a)]
    expect(names[0], "S12", "an engine that begins another history has no name for the one before")
    key, held = bench.record()
    views = [handle.at(names[0]) for handle in (bench.a, bench.b)]
    for view in views:
        expect(view.load(key) == held, "S12", "a view of the present history does not read")
    for _ in range(2):
        begin()
        name = _again(bench, bench.a.incarnation)
        expect(name not in names, "S12", "another history has a name that another one had")
        expect(_again(bench, bench.b.incarnation) == name, "S12", "two handles call one history by two names")
        names.append(name)
        for view in views:
            _again(bench, lambda view=view: _quiet(view, key))  # type: ignore[misc]
            refuses(bench, view, (key, held), name, "of a history before")
        views.append(bench.a.at(name))
        _works(bench, views[-1], "of the present history")


def _quiet(view: Handle, key: str) -> None:
    with contextlib.suppress(HistoryLost):
        view.load(key)


def _again(bench: Bench, call: Callable[[], Any]) -> Any:
    from .durability import patiently

    return patiently(bench, call)


def _works(bench: Bench, view: Handle, which: str) -> None:
    """Check that a view does what the store does."""
    told = f"a view {which}"
    key, value = bench.record()
    expect(view.load(key) == value, "S12", f"{told} does not read")
    expect(not view.swap(key, value + b"2", value + b"1"), "S12", f"{told} lands a swap from other bytes")
    expect(not view.swap(key, value + b"2", None), "S12", f"{told} lands a delete from other bytes")  # noqa: S608
    expect(not view.swap(key, None, None), "S1", f"swap(key, None, None) is not False on {told}")
    expect(view.swap(key, value, value), "S12", f"{told} does not write the same again")
    expect(view.swap(key, value, value + b"1"), "S12", f"{told} does not write")
    expect(bench.b.load(key) == value + b"1", "S12", f"{told} does not write to the store")
    expect(not view.swap(key, value, value), "S12", f"{told} lands a stale swap")
    expect(not view.swap(key, None, value), "S12", f"{told} creates over a record")
    fresh = bench.key()
    expect(view.load(fresh) is None, "S12", f"{told} reads what is not there")
    expect(not view.swap(fresh, value, value), "S12", f"{told} replaces what is not there")
    expect(not view.swap(fresh, value, None), "S12", f"{told} deletes what is not there")
    expect(view.swap(fresh, None, value), "S12", f"{told} does not create")
    expect(bench.b.load(fresh) == value, "S12", f"{told} does not create in the store")
    expect(view.swap(fresh, value, None), "S12", f"{told} does not delete")
    expect(bench.b.load(fresh) is None, "S12", f"{told} does not delete in the store")


def refuses(bench: Bench, view: Handle, record: tuple[str, bytes], now: str, which: str, *, few: bool = False) -> None:
    """Check that a view raises whatever it is asked, and changes nothing."""
    told = f"a view {which}"
    (key, held), fresh = record, bench.key()
    for what, call in _everything(view, key, held, fresh):
        _lost(now, call, f"{told} answers a {what}")
        if few and what == "delete":
            break
    for place in (key, fresh):
        with contextlib.suppress(HistoryLost):
            expect(not view.swap(place, None, None), "S1", f"swap(key, None, None) is not False on {told}")
    expect(bench.b.load(key) == held, "S12", f"a swap on {told} landed")
    expect(bench.b.load(fresh) is None, "S12", f"a create on {told} landed")


def _everything(view: Handle, key: str, held: bytes, fresh: str) -> Iterator[tuple[str, Callable[[], object]]]:
    yield "load", lambda: view.load(key)
    yield "replacement", lambda: view.swap(key, held, held + b"2")
    yield "create", lambda: view.swap(fresh, None, held)
    yield "delete", lambda: view.swap(key, held, None)
    yield "load of an absent record", lambda: view.load(fresh)
    yield "swap of the same bytes", lambda: view.swap(key, held, held)
    yield "create over a record", lambda: view.swap(key, None, held)
    yield "replacement from other bytes", lambda: view.swap(key, held + b"no", held)
    yield "delete from other bytes", lambda: view.swap(key, held + b"no", None)
    yield "replacement of an absent record", lambda: view.swap(fresh, held, held + b"2")
    yield "delete of an absent record", lambda: view.swap(fresh, held, None)


def _lost(now: str, call: Callable[[], object], found: str) -> None:
    try:
        call()
    except HistoryLost as lost:
        expect(lost.incarnation == now, "S12", "HistoryLost does not name the present history")
    else:
        raise StoreCheckFailed("S12", found)
