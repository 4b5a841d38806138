# SPDX-License-Identifier: Apache-2.0
"""The seal of one store: every record but the root is bound to the store's id.

::

    sealed = 2 (1 byte) || store id (16 bytes) || the record as the application's seal sealed it for its place
    place  = store key || base64url(store id)                 authenticated by the application's seal

A record that was sealed for a staging store therefore cannot be read in production's table, even under the same ring of
keys. The id precedes the sealed bytes, so that keys are never tried in turn. While a re-sealing replaces an older id,
records with either id are read, and only the new id is written.
"""

from __future__ import annotations

import os
from typing import Final

from .._secret import SecretBytes
from ..context import Root
from ..encoding import base64url
from ..sealing import VERSIONS, NotSealed, RecordSeal, Seal, SealedElsewhere

STORE_ID: Final = 16
"""Bytes of a store id."""
_BOUND: Final = b"\x02"
_HEAD: Final = 1 + STORE_ID


def new_store_id() -> bytes:
    """Return a random id."""
    return os.urandom(STORE_ID)


def store_id_of(sealed: bytes) -> bytes | None:
    """Return the store id that a record claims, unverified; None where it has none."""
    return sealed[1:_HEAD] if sealed[:1] == _BOUND and len(sealed) >= _HEAD else None


class StoreSeal:
    """A `ram_mfa.sealing.Seal` whose records are bound to one store.

    Args:
        seal: the application's seal.
        root: the root record of the store.
    """

    __slots__ = ("_ids", "_seal")

    def __init__(self, seal: Seal, root: Root) -> None:
        self._seal = seal
        store_ids = (root.store_id,) if root.older is None else (root.store_id, root.older)
        self._ids = tuple((_BOUND + one, base64url.encode(one)) for one in store_ids)

    def for_record(self, key: str, /) -> RecordSeal:
        """Return the seal of the record under a store key."""
        (head, store_id), *older = self._ids
        older_seals = {older_head: self._seal.for_record(key + older_id) for older_head, older_id in older}
        return _BoundRecordSeal(head, self._seal.for_record(key + store_id), older_seals)


class _BoundRecordSeal:
    __slots__ = ("_head", "_older", "_seal")

    def __init__(self, head: bytes, seal: RecordSeal, older: dict[bytes, RecordSeal]) -> None:
        self._head, self._seal, self._older = head, seal, older

    def seal(self, record: bytes, /) -> bytes:
        return self._head + self._seal.seal(record)

    def unseal(self, sealed: bytes, /) -> SecretBytes:
        head, rest = sealed[:_HEAD], sealed[_HEAD:]
        if head == self._head:
            return self._seal.unseal(rest)
        if head in self._older:
            return self._older[head].unseal(rest)
        if not head or head[0] >= VERSIONS:
            raise NotSealed("not sealed")
        raise SealedElsewhere("bound to another store")

    def is_current(self, sealed: bytes, /) -> bool:
        return sealed[:_HEAD] == self._head and self._seal.is_current(sealed[_HEAD:])
