# SPDX-License-Identifier: Apache-2.0
"""How the kit says that a promise is broken."""

from __future__ import annotations


class StoreCheckFailed(AssertionError):
    """A store broke a promise.

    Attributes:
        promise: which one, such as ``"S1"``; the list is in ``ram_mfa.store``.
        found: what it did.
    """

    def __init__(self, promise: str, found: str) -> None:
        super().__init__(promise, found)
        self.promise = promise
        self.found = found

    def __str__(self) -> str:
        return f"{self.promise}: {self.found}"


def expect(kept: object, promise: str, found: str) -> None:
    """Raise ``StoreCheckFailed`` where a promise is not kept."""
    if not kept:
        raise StoreCheckFailed(promise, found)
