# SPDX-License-Identifier: Apache-2.0
"""The list of checks, and how they run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ...errors import MFAError
from ...store import Store
from .bench import Bench
from .contents import keys_apart, nothing_goes, untouched
from .durability import outlives_a_kill, outlives_its_handle
from .failure import StoreCheckFailed
from .failures import while_full, while_paused, while_replies_are_lost, while_stopped
from .faults import Faults
from .histories import histories
from .listing import listing
from .lost_history import views
from .plain import absence, creating, deleting, replacing
from .processes import StartMethod, process_race
from .races import no_lost_update, one_winner, reads_are_fresh
from .room import nothing_piles_up

Checks = tuple[tuple[str, Callable[[Bench], None]], ...]

HEALTHY: Checks = (
    ("S1", absence),
    ("S7", creating),
    ("S1", replacing),
    ("S13", deleting),
    ("S5", untouched),
    ("S11", keys_apart),
    ("S9", nothing_goes),
    ("S9", nothing_piles_up),
    ("S10", outlives_its_handle),
    ("S2", reads_are_fresh),
    ("S1", one_winner),
    ("S1", no_lost_update),
    ("S1", histories),
    ("S11", listing),
    ("S12", views),
)
"""Each check, with the promise that is broken where it ends in an error of the store's own."""

FAULTY: Checks = (
    ("S4", while_replies_are_lost),
    ("S14", while_paused),
    ("S16", while_stopped),
    ("S4", while_full),
    ("S3", outlives_a_kill),
)
"""Likewise, of an engine that something is done to."""


def check_store(
    make: Callable[[], Store],
    *,
    rounds: int = 20,
    processes: int = 0,
    start_method: StartMethod = "spawn",
    faults: Faults | None = None,
) -> None:
    """Check a store against the promises of ``ram_mfa.store``; return where it kept all that was checked.

    The checks write under fresh random keys and delete them afterwards, so they may run beside other records; they
    write up to some thousand records and stop at the first broken promise. A store that is ``Listing`` or
    ``Incarnated`` is checked as such.

    Args:
        make: opens a handle on one and the same set of records. It is called several times, and may return the same
            object each time. A handle that has a ``close`` is closed in the end.
        rounds: how many rounds each race runs, and a measure of how many records are written besides; 30 and more
            write a thousand.
        processes: how many processes race, each of which calls ``make``; 0 leaves them out.
        start_method: how these are started; all but ``fork`` need a ``make`` that can be pickled.
        faults: what may be done to the engine; without them failures are not checked (S3, S4, S14, S16).

    Raises:
        StoreCheckFailed: a promise is broken.
    """
    bench = Bench(make, rounds, faults or Faults())
    together: Checks = ()
    if processes:
        together = (("S1", partial(process_race, processes=processes, start_method=start_method)),)
    try:
        for promise, check in HEALTHY + together + FAULTY:
            run_check(promise, check, bench)
    finally:
        bench.close()


def run_check(promise: str, check: Callable[[Bench], None], bench: Bench) -> None:
    """Run one check; whatever it ends in but success is ``StoreCheckFailed``."""
    try:
        check(bench)
    except StoreCheckFailed:
        raise
    except MFAError as error:
        raise StoreCheckFailed(promise, f"the store ended a check in {type(error).__name__}: {error}") from error
    except Exception as error:
        raise StoreCheckFailed("S16", f"a {type(error).__name__} crosses the protocol: {error}") from error
