# SPDX-License-Identifier: Apache-2.0
"""Access to sealed records in a store without the engine."""

from __future__ import annotations

from typing import Any

from ram_mfa.codec import decode_root
from ram_mfa.engine.binding import StoreSeal
from ram_mfa.engine.records import ROOT_KEY
from ram_mfa.sealing import RecordSeal


class AsStored:
    """A seal bound to the store's id, as the engine binds it for all records but the root record.

    Args:
        seal: the application's seal.
        store: the store from which the root record is read each time.
        opens: the seal that opens the root record, where it is another one.
    """

    def __init__(self, seal: Any, store: Any, *, opens: Any = None) -> None:
        self._seal, self._store, self._opens = seal, store, opens or seal

    def for_record(self, key: str, /) -> RecordSeal:
        """Return the seal of the record under a store key."""
        if key[:1] == "r":
            return self._seal.for_record(key)
        root = decode_root(self._opens.for_record(ROOT_KEY).unseal(self._store.load(ROOT_KEY)))
        return StoreSeal(self._seal, root).for_record(key)
