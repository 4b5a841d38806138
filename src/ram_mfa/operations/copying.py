# SPDX-License-Identifier: Apache-2.0
"""The copy of a store into another one: resumable, and verified record by record.

The records of the target are bound to an id of its own. Until its root record is written, every MFA refuses the target,
and a copy that was interrupted goes on under the id of the records that are already there. The root record comes last,
with new keys and a loss of history noted, once a whole walk has found nothing left to copy.

Invariant: a target with a root record is never written to.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Final

import attrs

from .._secret import SecretBytes
from ..codec import encode_root
from ..context import Root
from ..engine.binding import StoreSeal, new_store_id, store_id_of
from ..engine.records import ROOT_KEY, unseal_record
from ..errors import UnreadableRecord
from ..refusals import Reason, Refusal, Refused
from ..sealing import Seal
from ..store import Listing, Store, has_clock, has_history
from .store_urls import Opened

_KINDS: Final = ("u", "c")
_MAX_SKEW: Final = 60.0
"""Seconds by which this host's clock may differ from the target's: the default of a policy's ``clock_skew``."""


@attrs.frozen
class Copied:
    """The figures of one walk.

    Attributes:
        records: the number of records read from the source.
        written: the number of those that were not in the target, or differed there.
        deleted: the number of records of the target that were no longer in the source.
    """

    records: int = 0
    written: int = 0
    deleted: int = 0


@attrs.frozen
class Copy:
    """A copy of one store into another.

    Attributes:
        source: lists the records to read; nothing is written to it.
        target: lists the records written, and has no root record.
        reader, writer: their views, which raise `HistoryLost` where writes may have been lost since the copy began.
        seal: under the whole ring; its first key seals the target.
        root: the source's root record.
        new_root: the target's root record, which is written last.
    """

    source: Listing
    target: Listing
    reader: Store
    writer: Store
    seal: Seal
    root: Root
    new_root: Root

    @classmethod
    def begin(cls, source: Opened, target: Opened, seal: Seal, root: Root) -> Copy:
        """Return a copy, which goes on with an interrupted one.

        Raises:
            Refused: this host's clock differs from the target's.
        """
        now, name = time.time(), _history_of(target)
        reader, writer = _view(source, root.incarnation), _view(target, name)
        if abs(_clock_of(target, now) - now) > _MAX_SKEW:
            raise Refused(Refusal(Reason.CLOCK))
        new_root = attrs.evolve(
            root.after_loss(at=now, incarnation=name, history=os.urandom(16)),
            ticket_key=SecretBytes(os.urandom(32)),
            browser_key=SecretBytes(os.urandom(32)),
            store_id=_store_id_in(target, writer) or new_store_id(),
        )
        return cls(source, target, reader, writer, seal, root, new_root)

    def walk(self, progress: Callable[[int], None]) -> Copied:
        """Copy every record that is missing or differs in the target, and delete those that the source has no more.

        Raises:
            UnreadableRecord: a record of the source cannot be read.
        """
        done = Copied()
        source_seal, target_seal = StoreSeal(self.seal, self.root), StoreSeal(self.seal, self.new_root)
        for key in _keys(self.source):
            sealed = self.reader.load(key)
            if sealed is None:
                continue
            record = unseal_record(key, source_seal.for_record(key), sealed, SecretBytes)
            done = attrs.evolve(done, records=done.records + 1)
            progress(done.records)
            present, seal = self.writer.load(key), target_seal.for_record(key)
            if present is not None and seal.is_current(present):
                try:
                    if unseal_record(key, seal, present, SecretBytes) == record:
                        continue
                except UnreadableRecord:  # what another copy left half written is written anew
                    pass
            self.writer.swap(key, present, seal.seal(record))  # one not applied is found by the next walk
            done = attrs.evolve(done, written=done.written + 1)
        for key in _keys(self.target):
            present = self.writer.load(key)
            if present is not None and self.reader.load(key) is None:
                self.writer.swap(key, present, None)
                done = attrs.evolve(done, deleted=done.deleted + 1)
        return done

    def finish(self) -> bool:
        """Write the target's root record; return whether it was written, and not another one before it."""
        now = time.time()
        *earlier, last = self.new_root.losses
        losses = (*earlier, attrs.evolve(last, at=max(now, last.at)))
        root = attrs.evolve(self.new_root, losses=losses)
        sealed = self.seal.for_record(ROOT_KEY).seal(encode_root(root))
        return self.writer.swap(ROOT_KEY, None, sealed) is True


def _history_of(store: Opened) -> str:
    return store.incarnation() if has_history(store) else ""


def _view(store: Opened, name: str) -> Store:
    return store.at(name) if has_history(store) else store


def _clock_of(store: Opened, now: float) -> float:
    """Return the time of the store's server; ``now`` where it has no clock of its own."""
    return store.clock() if has_clock(store) else now


def _keys(store: Listing) -> Iterator[str]:
    for kind in _KINDS:
        yield from store.keys(kind)


def _store_id_in(target: Listing, writer: Store) -> bytes | None:
    """Return the id to which the records of an interrupted copy are bound; None where there are none."""
    for key in _keys(target):
        sealed = writer.load(key)
        store_id = None if sealed is None else store_id_of(sealed)
        if store_id is not None:
            return store_id
    return None
