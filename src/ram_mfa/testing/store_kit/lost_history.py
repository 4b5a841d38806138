# SPDX-License-Identifier: Apache-2.0
"""Views of a lost history, or with a changed pinned record, which neither read nor write (S12)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from ...errors import HistoryLost
from .look_alikes import look_alike_values
from .results import NotTriedError, StoreCheckFailed, expect, require
from .store_pair import StorePair, ordinary_bytes
from .watchdog import Handle, has_views

NO_NAMES = "the store has no incarnation() and at()"
NO_PINS = "the store's at() takes no beside="


def present_name(handle: Handle) -> str:
    """Return the name of the present history.

    Raises:
        NotTriedError: the store has none.
    """
    require(has_views(handle), NO_NAMES)
    return handle.incarnation()


def pinned_view(handle: Handle, pin: tuple[str, bytes], name: str | None = None) -> Handle:
    """Return a view that is pinned to a record, of the present history or the named one.

    Raises:
        NotTriedError: the store makes none.
    """
    name = present_name(handle) if name is None else name
    try:
        return handle.at(name, beside=pin)
    except TypeError:
        raise NotTriedError(NO_PINS) from None


def views(pair: StorePair) -> None:
    """Treat a view of the present history like the store; raise on a view of another, and apply nothing."""
    store = pair.a
    now = present_name(store)
    expect(store.incarnation() == now == pair.b.incarnation(), "S12", "the name changes although no history was lost")
    _check_view(pair, store.at(now), "of the present history")
    key, value = pair.record()
    near = (now + "1", now[:-1], now.upper() + "x")
    # A name of parts, one for each server of a cluster, is compared with the one that has the record.
    for name in ("another history", "%", "", *(near if now and "," not in now else ())):
        if name != now:
            check_refusals(pair, store.at(name), (key, value), now, "of another history")


def pins(pair: StorePair) -> None:
    """Serve a view while its pinned record is unchanged, and raise once that is replaced or deleted."""
    pin, value = pair.record("r")
    _check_view(pair, pinned_view(pair.a, (pin, value)), "pinned to a record")
    now = pair.a.incarnation()
    key, held = pair.record()
    old = pinned_view(pair.a, (pin, value))
    expect(old.load(key) == held, "S12", "a view pinned to a record does not read")
    for handle in (pair.b, pair.a):
        new = ordinary_bytes()
        expect(handle.swap(pin, value, new), "S1", "a swap from the record's bytes was not applied")
        check_refusals(pair, old, (key, held), now, "pinned to a record that was replaced")
        old = pinned_view(pair.a, (pin, new))
        expect(old.load(key) == held, "S12", "a view pinned to a record does not read")
        value = new
    expect(pair.b.swap(pin, value, None), "S13", "deleting a record was not applied")
    check_refusals(pair, old, (key, held), now, "pinned to a record that was deleted")
    other, _ = pair.record("r")
    for place in (other, pair.key("r")):
        check_refusals(
            pair, pinned_view(pair.a, (place, value)), (key, held), now, "pinned to a record under another key"
        )
    pair.put(pair.key("r"), None, value)
    check_refusals(pair, old, (key, held), now, "pinned to a record whose bytes are under another key only")


def distinct_pins(pair: StorePair) -> None:
    """Compare the pinned record of a view byte by byte."""
    key, held = pair.record()
    for alike, value, twin in look_alike_values():
        pin = pair.key("r")
        pair.put(pin, None, twin)
        problem = f"pinned to a record that is equal in {alike}"
        check_refusals(pair, pinned_view(pair.a, (pin, value)), (key, held), pair.a.incarnation(), problem, few=True)
        pair.put(pin, twin, None)


def new_histories(pair: StorePair) -> None:
    """Name each new history of the engine differently, and raise on every older view."""
    begin = pair.faults.new_history
    require(begin, "no hook: Faults(new_history=...)")
    assert begin is not None
    names = [present_name(pair.a)]
    expect(names[0], "S12", "an engine that begins another history has no name for the one before")
    key, held = pair.record()
    views = [handle.at(names[0]) for handle in (pair.a, pair.b)]
    for view in views:
        expect(view.load(key) == held, "S12", "a view of the present history does not read")
    for _ in range(2):
        begin()
        name = _retry(pair, pair.a.incarnation)
        expect(name not in names, "S12", "another history has a name that another one had")
        expect(_retry(pair, pair.b.incarnation) == name, "S12", "two handles call one history by two names")
        names.append(name)
        for view in views:
            _retry(pair, lambda view=view: _load_once(view, key))  # type: ignore[misc]
            check_refusals(pair, view, (key, held), name, "of an earlier history")
        views.append(pair.a.at(name))
        _check_view(pair, views[-1], "of the present history")


def _load_once(view: Handle, key: str) -> None:
    with contextlib.suppress(HistoryLost):
        view.load(key)


def _retry(pair: StorePair, call: Callable[[], Any]) -> Any:
    from .durability import retry_unavailable

    return retry_unavailable(pair, call)


def _check_view(pair: StorePair, view: Handle, which: str) -> None:
    """Check that a view behaves like the store."""
    problem = f"a view {which}"
    key, value = pair.record()
    expect(view.load(key) == value, "S12", f"{problem} does not read")
    expect(not view.swap(key, value + b"2", value + b"1"), "S12", f"{problem} applies a swap from other bytes")
    expect(not view.swap(key, value + b"2", None), "S12", f"{problem} applies a delete from other bytes")  # noqa: S608
    expect(not view.swap(key, None, None), "S1", f"swap(key, None, None) is not False on {problem}")
    expect(view.swap(key, value, value), "S12", f"{problem} does not write the same again")
    expect(view.swap(key, value, value + b"1"), "S12", f"{problem} does not write")
    expect(pair.b.load(key) == value + b"1", "S12", f"{problem} does not write to the store")
    expect(not view.swap(key, value, value), "S12", f"{problem} applies a stale swap")
    expect(not view.swap(key, None, value), "S12", f"{problem} creates over an existing record")
    fresh = pair.key()
    expect(view.load(fresh) is None, "S12", f"{problem} reads what is not there")
    expect(not view.swap(fresh, value, value), "S12", f"{problem} replaces what is not there")
    expect(not view.swap(fresh, value, None), "S12", f"{problem} deletes what is not there")
    expect(view.swap(fresh, None, value), "S12", f"{problem} does not create")
    expect(pair.b.load(fresh) == value, "S12", f"{problem} does not create in the store")
    expect(view.swap(fresh, value, None), "S12", f"{problem} does not delete")
    expect(pair.b.load(fresh) is None, "S12", f"{problem} does not delete in the store")


def check_refusals(
    pair: StorePair, view: Handle, record: tuple[str, bytes], now: str, which: str, *, few: bool = False
) -> None:
    """Check that every call on a view raises HistoryLost and changes nothing."""
    problem = f"a view {which}"
    (key, held), fresh = record, pair.key()
    for what, call in _every_call(view, key, held, fresh):
        _check_lost(now, call, f"{problem} answers a {what}")
        if few and what == "delete":
            break
    for place in (key, fresh):
        with contextlib.suppress(HistoryLost):
            expect(not view.swap(place, None, None), "S1", f"swap(key, None, None) is not False on {problem}")
    expect(pair.b.load(key) == held, "S12", f"a swap on {problem} was applied")
    expect(pair.b.load(fresh) is None, "S12", f"a create on {problem} was applied")


def _every_call(view: Handle, key: str, held: bytes, fresh: str) -> Iterator[tuple[str, Callable[[], object]]]:
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


def _check_lost(now: str, call: Callable[[], object], found: str) -> None:
    try:
        call()
    except HistoryLost as lost:
        expect(lost.incarnation == now, "S12", "HistoryLost does not name the present history")
    else:
        raise StoreCheckFailed("S12", found)
