# SPDX-License-Identifier: Apache-2.0
"""Re-sealing a store under the present key of the ring, and under a new store id where one is asked for.

Order, model-checked: (1) the root record in one swap, with a new ticket key, sealed under the present key; where the
store gets a new id, ``older`` names the one to which records may still be bound; (2) users and claims; (3) the root
record with nothing older, unless history was lost since (1): then (2) again. A crash in between goes on at (2). From
(1) on, no process writes under the old id: its views are pinned to the root record. Where they are not, (2) waits until
every view that was open has ended.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import attrs

from ..context import Root
from ..errors import StoreContended, UnreadableRecord
from .binding import new_store_id, store_id_of
from .effects import Plan, listed, load, next_key, swap
from .loop import Engine
from .records import ROOT_KEY, unsealed
from .store_session import MAX_AGE

_TURNS: Final = 64
MAX_NAMED_KEYS: Final = 100

Progress = Callable[["Resealed"], Any] | None


@attrs.frozen
class Resealed:
    """What a re-sealing came to.

    Attributes:
        seen: records looked at, the root record among them.
        resealed: records that were not sealed under the present key, or bound to another id, and now are.
        unreadable: how many could not be read.
        keys: the store keys of the first hundred of those.
    """

    seen: int
    resealed: int
    unreadable: int
    keys: tuple[str, ...]


def resealing(engine: Engine, progress: Progress, *, new_store: bool = False) -> Plan[Resealed]:
    """Plan to write the root record anew, and then every user and claim that is not sealed under the present key.

    Args:
        engine: over the store.
        progress: called after each record with the figures so far.
        new_store: whether the store gets a new id. Where an earlier change of the id was broken off, that one is
            finished first.
    """
    opening = engine.opening
    before = yield from opening.afresh(opening.ready)
    if new_store and before.root.older is not None:
        broken_off = yield from resealing(engine, progress)
        if broken_off.unreadable:
            return broken_off
        before = yield from opening.afresh(opening.ready)
    current = opening.seal.for_record(ROOT_KEY).is_current(before.sealed)
    root = yield from opening.rewrite(_with_a_new_id if new_store else _as_it_is)
    if root.older is not None and not before.pinned:
        yield opening.pause, (MAX_AGE + engine.deadline,)
    resealed = 0 if current else 1
    for _ in range(_TURNS):
        done = yield from _walked(engine, progress, Resealed(1, resealed, 0, ()))
        if root.older is None or done.unreadable:
            return done
        root = yield from opening.rewrite(partial(_finished, root.history))
        if root.older is None:
            return done
        resealed = done.resealed  # history was lost on the way, and perhaps what the walk wrote
    raise StoreContended


def adopting(engine: Engine) -> Plan[None]:
    """Plan to give a root record that was made anew the id that the store's records are bound to.

    Only an operator may say that they are this store's: see ``store create --unsafe-new-root``.
    """
    opening = engine.opening
    for kind in ("u", "c"):
        keys = listed(opening.store, kind)
        while (key := (yield from next_key(keys))) is not None:
            opened = yield from opening.afresh(opening.ready)
            found = yield from load(opened.plain, key)
            store_id = None if found is None else store_id_of(found)
            if store_id is not None:
                yield from opening.rewrite(partial(attrs.evolve, store_id=store_id))
                return


def _as_it_is(root: Root) -> Root:
    return root


def _with_a_new_id(root: Root) -> Root:
    return root if root.older is not None else attrs.evolve(root, store_id=new_store_id(), older=root.store_id)


def _finished(history: bytes, root: Root) -> Root:
    return attrs.evolve(root, older=None) if root.history == history else root


def _walked(engine: Engine, progress: Progress, done: Resealed) -> Plan[Resealed]:
    for kind in ("u", "c"):
        keys = listed(engine.opening.store, kind)
        while (key := (yield from next_key(keys))) is not None:
            done = yield from engine.opening.afresh(partial(_resealed, engine, key, done))
            if progress is not None:
                progress(done)
    return done


def _resealed(engine: Engine, key: str, done: Resealed) -> Plan[Resealed]:
    opened = yield from engine.opening.ready()
    seal = opened.seal.for_record(key)
    done = attrs.evolve(done, seen=done.seen + 1)
    for _ in range(_TURNS):
        sealed = yield from load(opened.view, key)
        if sealed is None or seal.is_current(sealed):
            return done
        try:
            record = unsealed(key, seal, sealed, bytes)
        except UnreadableRecord:
            return attrs.evolve(done, unreadable=done.unreadable + 1, keys=(*done.keys, key)[:MAX_NAMED_KEYS])
        if (yield from swap(opened.view, key, sealed, seal.seal(record))):
            return attrs.evolve(done, resealed=done.resealed + 1)
    raise StoreContended
