# SPDX-License-Identifier: Apache-2.0
"""The results of checks: the report of a run, and the exceptions that end a check."""

from __future__ import annotations

import attrs


@attrs.frozen
class StoreReport:
    """The checks of a run in which no promise was broken. Its text has a line for each.

    Attributes:
        kept: the names of the checks that passed.
        not_tried: the names of the checks that could not be made, and what each would need. These promises are not
            proved.
    """

    kept: tuple[str, ...]
    not_tried: dict[str, str]

    def __str__(self) -> str:
        lines = [f"kept       {name}" for name in self.kept]
        lines += [f"NOT TRIED  {name}: {why}" for name, why in self.not_tried.items()]
        return "\n".join(lines)


class StoreCheckFailed(AssertionError):
    """The failure of a check: a store broke a promise.

    Attributes:
        promise: which one, such as ``"S1"``; the list is in ``ram_mfa.store``.
        found: what was observed.
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
    """The end of a check that lacks something; its text says what is missing."""


class AbandonedError(BaseException):
    """The end of a thread whose run is over: it calls the store no more."""


def expect(kept: object, promise: str, found: str) -> None:
    """Raise ``StoreCheckFailed`` where a promise is not kept."""
    if not kept:
        raise StoreCheckFailed(promise, found)


def require(given: object, missing: str) -> None:
    """End a check as not tried where something that it needs was not given."""
    if not given:
        raise NotTriedError(missing)
