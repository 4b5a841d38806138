# SPDX-License-Identifier: Apache-2.0
"""Migration of users in bulk from another library, with a report of every row.

Each user moves whole, in one swap, and only if the user has no record yet. A run that was stopped is therefore resumed
by the same call, and a run that is repeated changes nothing.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import attrs

from .account import MAX_DEVICES
from .ceremonies.import_devices import ImportDevice
from .ceremonies.import_users import ImportedUser, ImportUser
from .errors import UnreadableRecord
from .from_other_libraries import Incoming, LeftBehind
from .mfa import MFA, AsyncMFA
from .refusals import Reason, Refused

_OF_ONE_USER: Final = {Reason.ACCOUNT_EXISTS, Reason.CREDENTIAL_TAKEN, Reason.BAD_USER_ID, Reason.MOVING}
"""The refusals that concern one user; any other ends the run."""
_TOO_MANY: Final = "more devices than a record holds"


class MigrationResult(enum.Enum):
    """The outcome of a row."""

    MOVED = "moved"
    SKIPPED = "user has a record"
    REFUSED = "refused"
    LEFT_BEHIND = "left behind"


@attrs.frozen
class MigratedRow:
    """A row of the report.

    Attributes:
        user: the user id here.
        source: names the row, as `Incoming.source`.
        result: what became of it; in a dry run, what would.
        why: why it was not moved; empty where it was.
    """

    user: str
    source: str
    result: MigrationResult
    why: str = ""


@attrs.frozen
class MigrationReport:
    """The report of a migration.

    Attributes:
        rows: of every row, in the order of the users' first rows.
        dry_run: whether nothing was written.
    """

    rows: tuple[MigratedRow, ...]
    dry_run: bool

    def count(self, result: MigrationResult) -> int:
        """Return how many rows came to a result."""
        return sum(row.result is result for row in self.rows)


def migrate(
    mfa: MFA,
    rows: Iterable[Incoming],
    *,
    dry_run: bool = False,
    progress: Callable[[MigratedRow], Any] | None = None,
) -> MigrationReport:
    """Move users from another library; repeat the call after a crash.

    A user who has a record is skipped, so that a device unbound since an earlier run does not return. All rows are read
    before the first user moves, and all rows of a user belong in the same call.

    Args:
        mfa: of the users.
        rows: as `read_rows` yields them, of several tables if need be.
        dry_run: whether to write nothing, and report what would move. It does not see that another user holds a
            security key.
        progress: called with each row of the report, after it is durable.

    Raises:
        Refused: the actor may not import, or the store has no root record. Users before it have moved.
        StoreUnavailable, StoreUncertain, StoreContended: the store failed; users before it have moved.
    """
    mfa.open()
    report = _Report(progress)
    for user, group in _by_user(rows):
        verb = _verb(group, dry_run=dry_run)
        outcome: _Outcome = None
        if verb is not None:
            try:
                outcome = mfa.perform(user, verb)
            except (Refused, UnreadableRecord) as error:
                outcome = _of_one_user(error)
        report.add(group, outcome)
    return MigrationReport(tuple(report.rows), dry_run)


async def migrate_async(
    mfa: AsyncMFA,
    rows: Iterable[Incoming],
    *,
    dry_run: bool = False,
    progress: Callable[[MigratedRow], Any] | None = None,
) -> MigrationReport:
    """Do as `migrate`, awaited; the rows are read before the first user moves, so fetch them beforehand."""
    await mfa.open()
    report = _Report(progress)
    for user, group in _by_user(rows):
        verb = _verb(group, dry_run=dry_run)
        outcome: _Outcome = None
        if verb is not None:
            try:
                outcome = await mfa.perform(user, verb)
            except (Refused, UnreadableRecord) as error:
                outcome = _of_one_user(error)
        report.add(group, outcome)
    return MigrationReport(tuple(report.rows), dry_run)


_Outcome = ImportedUser | Reason | UnreadableRecord | None


def _by_user(rows: Iterable[Incoming]) -> Iterator[tuple[str, list[Incoming]]]:
    groups: dict[str, list[Incoming]] = {}
    for row in rows:
        if not isinstance(row, Incoming):
            raise TypeError("rows are Incoming, as read_rows yields them")
        groups.setdefault(row.user, []).append(row)
    yield from groups.items()


def _imports(group: list[Incoming]) -> list[ImportDevice]:
    return [row.device for row in group if isinstance(row.device, ImportDevice)][:MAX_DEVICES]


def _verb(group: list[Incoming], *, dry_run: bool) -> ImportUser | None:
    """Return the import of a user, or None where no row can be imported."""
    devices = _imports(group)
    return ImportUser(devices, by=devices[0].by, dry_run=dry_run) if devices else None


def _of_one_user(error: Refused | UnreadableRecord) -> Reason | UnreadableRecord:
    """Return why one user was refused; raise what concerns all of them."""
    if isinstance(error, UnreadableRecord):
        return error
    if error.refusal.reason not in _OF_ONE_USER:
        raise error
    return error.refusal.reason


class _Report:
    def __init__(self, progress: Callable[[MigratedRow], Any] | None) -> None:
        self.rows: list[MigratedRow] = []
        self._progress = progress

    def add(self, group: list[Incoming], outcome: _Outcome) -> None:
        """Add the rows of one user."""
        results = iter(outcome.results) if isinstance(outcome, ImportedUser) else None
        for row in group:
            if isinstance(row.device, LeftBehind):
                result, why = MigrationResult.LEFT_BEHIND, row.device.why
            elif results is None:
                result, why = _whole_user(outcome)
            else:
                result, why = _one_device(next(results, _TOO_MANY))
            line = MigratedRow(row.user, row.source, result, why)
            self.rows.append(line)
            if self._progress is not None:
                self._progress(line)


def _whole_user(outcome: _Outcome) -> tuple[MigrationResult, str]:
    if outcome is Reason.ACCOUNT_EXISTS:
        return MigrationResult.SKIPPED, outcome.value
    return MigrationResult.REFUSED, outcome.value if isinstance(outcome, Reason) else str(outcome)


def _one_device(result: object) -> tuple[MigrationResult, str]:
    if isinstance(result, Reason):
        return MigrationResult.REFUSED, result.value
    return (MigrationResult.REFUSED, result) if isinstance(result, str) else (MigrationResult.MOVED, "")
