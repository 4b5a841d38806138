# SPDX-License-Identifier: Apache-2.0
"""Re-sealing of a store under the present key of the ring, and under a new store id where one is requested.

The order is model-checked:

1. The root record is written in one swap, with a new ticket key, sealed under the present key. If the store gets a new
   id, ``older`` holds the id to which records may still be bound.
2. Users' records and claims are re-sealed.
3. ``older`` is cleared, unless history was lost since 1; then 2 is repeated.

A re-sealing repeated after a crash continues at 2. After 1 no process writes under the old id, since views are pinned
to the root record. Where they are not, 2 waits until every view that was open is too old to be used.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import attrs

from ..context import Root
from ..errors import StoreContended, UnreadableRecord
from .binding import new_store_id, store_id_of
from .effects import Effects, list_keys, load, next_key, swap
from .loop import Engine
from .records import ROOT_KEY, unseal_record
from .store_session import MAX_AGE

_MAX_TURNS: Final = 64
MAX_NAMED_KEYS: Final = 100
"""The most store keys in a result."""

Progress = Callable[["Resealed"], Any] | None


@attrs.frozen
class Resealed:
    """The figures of a re-sealing.

    Attributes:
        records: the number of records read, the root record included.
        resealed: the number of records among them that were sealed under another key, or bound to another id, before.
        unreadable: the number of records that could not be read.
        keys: the store keys of the first hundred unreadable records.
    """

    records: int
    resealed: int
    unreadable: int
    keys: tuple[str, ...]


def reseal(engine: Engine, progress: Progress, *, new_store: bool = False) -> Effects[Resealed]:
    """Rewrite the root record, and then every user's record and claim that is not sealed under the present key.

    Args:
        engine: the loop over the store.
        progress: called after each record with the figures so far, or None.
        new_store: whether the store gets a new id. An earlier change of the id that was interrupted is finished first.
    """
    session = engine.session
    before = yield from session.retry_on_loss(session.open)
    if new_store and before.root.older is not None:
        interrupted = yield from reseal(engine, progress)
        if interrupted.unreadable:
            return interrupted
        before = yield from session.retry_on_loss(session.open)
    current = session.seal.for_record(ROOT_KEY).is_current(before.sealed)
    root = yield from session.rewrite_root(_renew_id if new_store else _keep_id)
    if root.older is not None and not before.pinned:
        yield session.pause, (MAX_AGE + engine.deadline,)
    resealed = 0 if current else 1
    for _ in range(_MAX_TURNS):
        result = yield from _walk(engine, progress, Resealed(1, resealed, 0, ()))
        if root.older is None or result.unreadable:
            return result
        root = yield from session.rewrite_root(partial(_drop_older_id, root.history))
        if root.older is None:
            return result
        resealed = result.resealed  # history was lost meanwhile, and with it perhaps what was written
    raise StoreContended


def adopt_store_id(engine: Engine) -> Effects[None]:
    """Give a newly made root record the store id to which the store's records are bound.

    Only an operator may decide that the records are this store's: see ``store create --unsafe-new-root``.
    """
    session = engine.session
    for kind in ("u", "c"):
        keys = list_keys(session.store, kind)
        while (key := (yield from next_key(keys))) is not None:
            open_store = yield from session.retry_on_loss(session.open)
            sealed = yield from load(open_store.plain, key)
            store_id = None if sealed is None else store_id_of(sealed)
            if store_id is not None:
                yield from session.rewrite_root(partial(attrs.evolve, store_id=store_id))
                return


def _keep_id(root: Root) -> Root:
    return root


def _renew_id(root: Root) -> Root:
    return root if root.older is not None else attrs.evolve(root, store_id=new_store_id(), older=root.store_id)


def _drop_older_id(history: bytes, root: Root) -> Root:
    return attrs.evolve(root, older=None) if root.history == history else root


def _walk(engine: Engine, progress: Progress, result: Resealed) -> Effects[Resealed]:
    for kind in ("u", "c"):
        keys = list_keys(engine.session.store, kind)
        while (key := (yield from next_key(keys))) is not None:
            result = yield from engine.session.retry_on_loss(partial(_reseal_record, engine, key, result))
            if progress is not None:
                progress(result)
    return result


def _reseal_record(engine: Engine, key: str, result: Resealed) -> Effects[Resealed]:
    open_store = yield from engine.session.open()
    seal = open_store.seal.for_record(key)
    result = attrs.evolve(result, records=result.records + 1)
    for _ in range(_MAX_TURNS):
        sealed = yield from load(open_store.view, key)
        if sealed is None or seal.is_current(sealed):
            return result
        try:
            record = unseal_record(key, seal, sealed, bytes)
        except UnreadableRecord:
            return attrs.evolve(result, unreadable=result.unreadable + 1, keys=(*result.keys, key)[:MAX_NAMED_KEYS])
        if (yield from swap(open_store.view, key, sealed, seal.seal(record))):
            return attrs.evolve(result, resealed=result.resealed + 1)
    raise StoreContended
