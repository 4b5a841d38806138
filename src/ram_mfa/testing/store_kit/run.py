# SPDX-License-Identifier: Apache-2.0
"""The list of checks, and how they run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from ...errors import MFAError
from ...store import Store
from . import (
    contents,
    durability,
    failures,
    freshness,
    housekeeping,
    keyspace,
    listing,
    lost_history,
    pin_races,
    plain,
    races,
)
from . import processes as process_checks
from .faults import Faults
from .histories import histories
from .interruptions import while_interrupted
from .remote import StartMethod
from .results import AbandonedError, NotTriedError, StoreCheckFailed, StoreReport
from .space_reuse import space_is_reused
from .store_pair import StorePair
from .watchdog import Watchdog

Check = tuple[str, Callable[[StorePair], None]]
Checks = tuple[Check, ...]

HEALTHY: Checks = (
    ("S9", housekeeping.first_records),
    ("S1", plain.absence),
    ("S7", plain.creating),
    ("S1", plain.replacing),
    ("S13", plain.deleting),
    ("S8", plain.stale_swaps),
    ("S1", plain.returning_value),
    ("S5", contents.contents_unchanged),
    ("S1", contents.distinct_values),
    ("S11", keyspace.distinct_keys),
    ("S11", keyspace.malformed_keys_refused),
    ("S11", keyspace.every_kind),
    ("S9", keyspace.no_eviction),
    ("S9", space_is_reused),
    ("S10", durability.survives_close),
    ("S2", freshness.fresh_reads),
    ("S2", freshness.fresh_absence),
    ("S2", freshness.fresh_across_threads),
    ("S1", freshness.record_per_thread),
    ("S6", freshness.reads_while_written),
    ("S1", races.one_winner),
    ("S1", races.no_lost_update),
    ("S7", races.create_and_delete),
    ("S1", histories),
    ("S11", listing.listing),
    ("S9", listing.listing_and_writing),
    ("S12", lost_history.views),
    ("S12", lost_history.pins),
    ("S12", lost_history.distinct_pins),
    ("S12", pin_races.no_write_after_pin_changed),
    ("S12", pin_races.no_read_after_pin_changed),
    ("S12", housekeeping.clock),
    ("S14", housekeeping.no_leaks),
    ("S15", housekeeping.foreign_places),
)
"""Each check, and the promise that is broken where the check ends in an exception of the store."""

IN_PROCESSES: Checks = (
    ("S1", process_checks.racing_processes),
    ("S2", process_checks.fresh_across_processes),
    ("S12", process_checks.pins_across_processes),
    ("S3", process_checks.survives_process_kill),
)
"""The same for the checks that need several processes."""

FAULTY: Checks = (
    ("S4", failures.while_one_reply_is_lost),
    ("S4", failures.while_replies_are_lost),
    ("S4", while_interrupted),
    ("S14", failures.while_paused),
    ("S16", failures.while_stopped),
    ("S4", failures.while_full),
    ("S12", lost_history.new_histories),
    ("S12", process_checks.histories_across_processes),
    ("S3", durability.survives_engine_kill),
    ("S9", housekeeping.untouched_records),
)
"""The same for the checks that make the engine fail."""

_MAX_CLEARING: Final = 150.0


def check_store(
    make: Callable[[], Store],
    *,
    rounds: int = 20,
    processes: int = 0,
    start_method: StartMethod = "spawn",
    faults: Faults | None = None,
    only: Iterable[str] = (),
    progress: Callable[[str], object] | None = None,
    seconds: float | None = None,
) -> StoreReport:
    """Check a store against the promises of ``ram_mfa.store``; return what was tried and what was not.

    The checks write under fresh random keys and delete them afterwards, so other records may be present; they
    write up to some thousand records and stop at the first broken promise. The capabilities that a store has
    (``keys``, ``incarnation`` and ``at``, ``clock``) are checked too.

    Args:
        make: opens a handle on one and the same set of records. It is called several times, and may return the same
            object each time. A handle that has a ``close`` is closed in the end.
        rounds: how many rounds each race runs, and a measure of how many records are written besides.
        processes: how many processes race, each of which calls ``make``; 0 leaves them out.
        start_method: how these are started; all but ``fork`` need a ``make`` that can be pickled.
        faults: what may be done to the engine; without them failures are not tried (S3, S4, S14, S15, S16).
        only: the names of the checks to run, as a failure and the report give them; all where it is empty.
        progress: called with a line of text as each check begins and ends; ``print`` will do.
        seconds: after how many the run ends whatever the store does; by default 300, and 15 for each round. A call
            that hangs ends it sooner: after ``Faults.patience``.

    Raises:
        StoreCheckFailed: a promise is broken.
        ValueError: ``only`` names a check that there is not.
    """
    checks = select_checks(HEALTHY + IN_PROCESSES + FAULTY, only)
    seconds = 300 + 15.0 * rounds if seconds is None else seconds
    faults = faults or Faults()

    def pair() -> StorePair:
        return StorePair(make, rounds, faults, processes, start_method, seconds, make_failing=faults.short_deadline)

    return run(pair, checks, progress or _ignore, Watchdog(faults.patience, seconds))


def select_checks(checks: Checks, only: Iterable[str]) -> Checks:
    """Return the checks of these names, in their order; all where none is named."""
    names = {only} if isinstance(only, str) else set(only)
    unknown = names - {check.__name__ for _, check in checks}
    if unknown:
        known = ", ".join(check.__name__ for _, check in checks)
        raise ValueError(f"there is no check {', '.join(sorted(unknown))}; there are {known}")
    return tuple((promise, check) for promise, check in checks if not names or check.__name__ in names)


def run(
    make: Callable[[], StorePair], checks: Checks, progress: Callable[[str], object], watch: Watchdog
) -> StoreReport:
    """Run checks on a pair of handles, and close them."""
    opened: list[StorePair] = []
    watch.run(lambda: opened.append(make()))
    pair = opened[0]
    passed: list[str] = []
    not_tried: dict[str, str] = {}
    failed = True
    try:
        for promise, check in checks:
            name, began = check.__name__, time.monotonic()
            progress(f"{name} ({promise}) ...")
            try:
                run_check(promise, check, pair)
            except NotTriedError as missing:
                not_tried[name] = str(missing)
                progress(f"{name} ({promise}): NOT TRIED: {missing}")
            else:
                passed.append(name)
                progress(f"{name} ({promise}): kept, {time.monotonic() - began:.1f} s")
        failed = False
    except StoreCheckFailed as error:
        progress(f"{error.check} ({error.promise}): BROKEN: {error.found}")
        raise
    finally:
        _close(pair, failed=failed)
    return StoreReport(tuple(passed), not_tried)


def run_check(promise: str, check: Callable[[StorePair], None], pair: StorePair) -> None:
    """Run one check, and turn every exception but NotTriedError into ``StoreCheckFailed``."""
    name = getattr(check, "__name__", "")
    try:
        pair.watch.run(lambda: check(pair))
    except StoreCheckFailed as error:
        error.check = error.check or name
        raise
    except NotTriedError:
        raise
    except MFAError as error:
        found = f"the store ended a check in {type(error).__name__}: {error}"
        raise StoreCheckFailed(promise, found, name) from error
    except (Exception, SystemExit, AbandonedError) as error:
        found = f"a {type(error).__name__} crosses the protocol: {error}"
        raise StoreCheckFailed("S16", found, name) from error


def _close(pair: StorePair, *, failed: bool) -> None:
    """Close the handles, with a bound on the time that this may take."""
    if pair.watch.stopped:
        for remote in pair.remotes:
            remote.end()
        return
    try:
        pair.watch.run(pair.close, 10.0 if failed else _MAX_CLEARING)
    except (Exception, SystemExit, AbandonedError) as error:
        if not failed:
            found = f"closing the store ends in {type(error).__name__}: {error}"
            raise StoreCheckFailed("S14", found, "closing") from error


def _ignore(_: Any) -> None:
    return None
