# SPDX-License-Identifier: Apache-2.0
"""What a view with a pinned record promises, tried on any store: `at(name, beside=(key, value))`."""

from __future__ import annotations

import secrets
import threading
import time

import pytest

from ram_mfa.errors import HistoryLost
from tests.support import rounds

ROOT, OTHER = "r" + "Y" * 43, "r" + "Z" * 43


def fresh_key():
    return "u" + secrets.token_urlsafe(32)


def put(store, key, value):
    """Make a record what it should be, whatever it was."""
    while not ((old := store.load(key)) == value or store.swap(key, old, value)):
        pass


def refused(store, view, key, held):
    """Whatever is asked of the view is HistoryLost with the present name, and changes nothing."""
    for call in (
        lambda: view.load(key),
        lambda: view.swap(key, None, b"new"),
        lambda: view.swap(key, held, b"new"),
        lambda: view.swap(key, b"not it", b"new"),
        lambda: view.swap(key, held, None),
    ):
        with pytest.raises(HistoryLost) as lost:
            call()
        assert lost.value.incarnation == store.incarnation()
        assert store.load(key) == held


def check_one_after_another(store):
    """The words under a pin that holds, that differs, that is absent, and that stands under another key."""
    key, root = fresh_key(), secrets.token_bytes(200)
    put(store, ROOT, root)
    put(store, OTHER, None)
    name = store.incarnation()
    view = store.at(name, beside=(ROOT, root))
    assert view.load(key) is None
    assert view.swap(key, None, None) is False
    assert view.swap(key, b"old", b"new") is False
    assert view.swap(key, b"old", None) is False
    assert view.swap(key, None, b"1") is True
    assert view.swap(key, None, b"2") is False
    assert view.load(key) == b"1"
    assert view.swap(key, b"2", b"3") is False
    assert view.swap(key, b"1", b"1") is True
    assert view.swap(key, b"1", b"2") is True
    assert view.load(ROOT) == root
    put(store, ROOT, secrets.token_bytes(200))
    refused(store, view, key, b"2")
    put(store, ROOT, root + b"\0")
    refused(store, view, key, b"2")
    put(store, ROOT, None)
    refused(store, view, key, b"2")
    put(store, OTHER, root)
    refused(store, view, key, b"2")
    refused(store, store.at(name, beside=(ROOT, b"")), key, b"2")
    put(store, ROOT, root)
    assert view.swap(key, b"2", None) is True
    assert view.load(key) is None
    assert store.at(name).swap(key, None, b"3") is True
    wrong = store.at(name + "x", beside=(ROOT, root))
    refused(store, wrong, key, b"3")


def check_between_load_and_swap(store):
    """The pinned record changes between the load and the swap, and is restored with the user's record as it was."""
    key, root, after = fresh_key(), secrets.token_bytes(200), secrets.token_bytes(200)
    put(store, ROOT, root)
    put(store, key, b"0")
    view = store.at(store.incarnation(), beside=(ROOT, root))
    held = view.load(key)
    assert store.swap(key, held, b"accepted")
    put(store, key, held)  # a backup is put back ...
    put(store, ROOT, after)  # ... and declared
    with pytest.raises(HistoryLost):
        view.swap(key, held, b"accepted twice")
    assert store.load(key) == held


def check_race(make):
    """While one handle swaps the pinned record to and fro, each pinned swap lands whole, loses, or is HistoryLost.

    No answer is wrong: one writer alone owns the user's record, so False would be a lie; and a swap that was refused
    has changed nothing.
    """
    mine, others = make(), make()
    key, roots = fresh_key(), [secrets.token_bytes(200) for _ in range(2)]
    put(others, ROOT, roots[0])
    put(mine, key, b"before")
    done, failures = threading.Event(), []

    def flip():
        try:
            turn = 0
            while not done.is_set():
                assert others.swap(ROOT, roots[turn % 2], roots[1 - turn % 2])
                turn += 1
        except BaseException as error:
            failures.append(error)
            raise

    flipper = threading.Thread(target=flip)
    flipper.start()
    try:
        view, held, applied, refusals = mine.at(mine.incarnation(), beside=(ROOT, roots[0])), b"before", 0, 0
        wanted, number, until = rounds(400), 0, time.monotonic() + 60
        while min(applied, refusals) < wanted and time.monotonic() < until:
            new, number = b"%d" % number, number + 1
            try:
                assert view.swap(key, held, new) is True
                held, applied = new, applied + 1
            except HistoryLost:
                refusals += 1
            assert mine.load(key) == held
            if failures:
                break
    finally:
        done.set()
        flipper.join(60)
    assert not failures
    assert applied, "the pinned root was never as the view has it"
    assert refusals, "the pinned root never changed"


async def awaited(store):
    """The same under an awaited store, in short."""
    key, root = fresh_key(), secrets.token_bytes(200)

    async def put_it(at, value):
        while not ((old := await store.load(at)) == value or await store.swap(at, old, value)):
            pass

    await put_it(ROOT, root)
    name = await store.incarnation()
    view = store.at(name, beside=(ROOT, root))
    assert await view.load(key) is None
    assert await view.swap(key, None, b"1") is True
    assert await view.swap(key, b"2", b"3") is False
    assert await view.swap(key, None, None) is False
    assert await view.load(key) == b"1"
    assert await view.swap(key, b"1", b"2") is True
    for other in (root[::-1], None):
        await put_it(ROOT, other)
        for call in (
            lambda: view.load(key),
            lambda: view.swap(key, None, b"new"),
            lambda: view.swap(key, b"2", b"new"),
            lambda: view.swap(key, b"2", None),
        ):
            with pytest.raises(HistoryLost) as lost:
                await call()
            assert lost.value.incarnation == name
        assert await store.load(key) == b"2"
    await put_it(ROOT, root)
    assert await view.swap(key, b"2", None) is True
