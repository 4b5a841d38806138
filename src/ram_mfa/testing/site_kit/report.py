# SPDX-License-Identifier: Apache-2.0
"""The report of `check_site`: each promise kept, broken, or not tried."""

from __future__ import annotations

import enum

import attrs


class Result(enum.Enum):
    """The result of trying a promise."""

    KEPT = "kept"
    BROKEN = "broken"
    NOT_TRIED = "not tried"


@attrs.frozen
class SiteRow:
    """One promise.

    Attributes:
        name: of it.
        promise: in a sentence.
        result: what became of it.
        detail: what was found where it is broken, or what is missing where it was not tried.
    """

    name: str
    promise: str
    result: Result
    detail: str = ""


@attrs.frozen
class SiteReport:
    """The promises in their order.

    Attributes:
        rows: one for each.
    """

    rows: tuple[SiteRow, ...]

    @property
    def broken(self) -> tuple[str, ...]:
        """The names of the broken promises."""
        return tuple(row.name for row in self.rows if row.result is Result.BROKEN)

    @property
    def not_tried(self) -> tuple[str, ...]:
        """The names of the promises that were not tried, which are not kept either."""
        return tuple(row.name for row in self.rows if row.result is Result.NOT_TRIED)

    def __str__(self) -> str:
        return "\n".join(
            f"{row.result.value:9} {row.name}: {row.promise}{f' [{row.detail}]' if row.detail else ''}"
            for row in self.rows
        )


class NotTried(Exception):
    """Raised by a promise for which the site has not what it takes."""
