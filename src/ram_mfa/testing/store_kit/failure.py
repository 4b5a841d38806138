# SPDX-License-Identifier: Apache-2.0
"""The kit's exceptions for a broken promise, and for a promise that it could not try."""

from __future__ import annotations


class StoreCheckFailed(AssertionError):
    """A store broke a promise.

    Attributes:
        promise: which one, such as ``"S1"``; the list is in ``ram_mfa.store``.
        found: what it did.
        check: the name of the check, as ``only=`` takes it; "" outside of a run.
    """

    def __init__(self, promise: str, found: str, check: str = "") -> None:
        super().__init__(promise, found, check)
        self.promise = promise
        self.found = found
        self.check = check

    def __str__(self) -> str:
        return f"{self.promise}: {self.found}" + (f" [check {self.check}]" if self.check else "")


class NotTriedError(Exception):
    """A check cannot be made with what it was given; its text says what is missing."""


class AbandonedError(BaseException):
    """The run is over, and this thread of it calls the store no more."""


def expect(kept: object, promise: str, found: str) -> None:
    """Raise ``StoreCheckFailed`` where a promise is not kept."""
    if not kept:
        raise StoreCheckFailed(promise, found)


def needs(given: object, what: str) -> None:
    """End a check as not tried where what it needs was not given."""
    if not given:
        raise NotTriedError(what)
