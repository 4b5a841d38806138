# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import threading
from functools import partial
from pathlib import Path
from typing import ClassVar

import attrs
import pytest

from ram_mfa.stores.memory import AsyncMemoryStore
from ram_mfa.stores.sqlite import SQLiteStore
from ram_mfa.testing import Faults, StoreCheckFailed, check_async_store, check_store
from ram_mfa.testing.store_kit.histories import Call, linearizable
from tests.stores import sabotaged, sabotaged_async, sabotaged_contents, sabotaged_races, sabotaged_views
from tests.support.races import ALL_THE_TIME

SYNC = [*sabotaged.ALL, *sabotaged_races.ALL, *sabotaged_contents.ALL, *sabotaged_views.ALL]
AWAITED = sabotaged_async.ALL


def faults(store, engine):
    """What is done to a store's engine. Only where calls are to hang is the patience short, since it is waited for."""
    return attrs.evolve(engine.faults, patience=3.0 if "S14" in store.breaks else 60.0)


def failure(store, engine, **how):
    """Run the kit on a store that it must not pass, and return how it fails."""
    with pytest.raises(StoreCheckFailed) as caught:
        check_store(lambda: store(engine), **({"rounds": 10, "faults": faults(store, engine)} | how))
    return caught.value


class TestCheckStore:
    @pytest.mark.requirement("S1", "S2", "S3", "S4", "S5", "S9", "S10", "S12", "S13", "S14", "S16", "A27")
    def test_passes_an_honest_store(self):
        """A store that keeps every promise passes, with every failure inflicted on it; what lacks a hook is told."""
        engine, lines = sabotaged.Engine(), []
        opened = []

        def hurried():
            opened.append(sabotaged.Honest(engine))
            return opened[-1]

        given = attrs.evolve(faults(sabotaged.Honest, engine), short_deadline=hurried)
        report = check_store(lambda: sabotaged.Honest(engine), rounds=10, faults=given, progress=lines.append)
        assert len(opened) == 1
        assert not engine.records
        assert set(report.not_tried) == {
            *("foreign_places", "racing_processes", "fresh_across_processes", "pins_across_processes"),
            *("survives_process_kill", "histories_across_processes"),
        }
        assert "no hook: Faults(foreign=...)" in report.not_tried["foreign_places"]
        assert "NOT TRIED  foreign_places: no hook" in str(report)
        assert {"one_winner", "pins", "new_histories", "while_interrupted"} <= set(report.kept)
        assert any(line.startswith("one_winner (S1): kept") for line in lines)
        assert any("NOT TRIED" in line for line in lines)

    @pytest.mark.requirement("A27")
    @pytest.mark.parametrize("store", SYNC, ids=lambda store: store.__name__)
    def test_catches_a_sabotaged_store(self, store):
        """Each store that breaks a promise is caught, and the promise that it breaks, and the check, are named."""
        failed = failure(store, sabotaged.Engine())
        assert failed.promise in store.breaks, str(failed)
        assert failed.check == (store.caught_by or failed.check), str(failed)
        assert str(failed).startswith(failed.promise + ": ")
        assert str(failed).endswith(f"[check {failed.check}]")

    @pytest.mark.requirement("A27")
    def test_there_are_many(self):
        assert len(SYNC) >= 60
        assert len(AWAITED) >= 12
        assert all(store.__doc__ and store.breaks for store in SYNC + AWAITED)

    def test_every_promise_of_a_store_is_broken_by_one(self):
        """What no sabotaged store breaks, nobody knows to be checked."""
        broken = {store.breaks[0] for store in SYNC}
        assert broken >= {f"S{number}" for number in range(1, 17) if number != 15}

    @pytest.mark.requirement("A27")
    def test_some_checks_only(self):
        """``only`` runs the checks that it names, and refuses a name that there is not."""
        engine = sabotaged.Engine()
        store = lambda: sabotaged.NoCompare(engine)
        assert check_store(store, only=["first_records"]).kept == ("first_records",)
        with pytest.raises(StoreCheckFailed, match=r"\[check absence\]"):
            check_store(store, only="absence")
        with pytest.raises(ValueError, match="there is no check rases; there are first_records"):
            check_store(store, only=["rases"])

    @pytest.mark.requirement("A27", "S15")
    def test_a_foreign_place(self):
        """A place that holds something else has to be refused; one that is not is named."""
        engine = sabotaged.Engine()

        def refused():
            raise ValueError("another table")

        def crossing():
            raise RuntimeError("no such column")

        make = lambda: sabotaged.Honest(engine)
        only = ["foreign_places"]
        assert check_store(make, faults=Faults(foreign=[refused]), only=only).kept == ("foreign_places",)
        for foreign, promise in ((make, "S15"), (crossing, "S16")):
            with pytest.raises(StoreCheckFailed) as caught:
                check_store(make, faults=Faults(foreign=[refused, foreign]), only=only)
            assert caught.value.promise == promise


_over = threading.Event()


def hang():
    """Hang until the test is over, and then end the thread."""
    _over.wait()
    raise SystemExit


@pytest.fixture
def hanging():
    """End the threads that hang when the test is over."""
    _over.clear()
    yield
    _over.set()


class Hangs(sabotaged.Honest):
    """Hangs once there are some records."""

    def load(self, key, /, check=None):
        if len(self.engine.records) > 20:
            hang()
        return super().load(key, check)


class HangsInRaces(sabotaged.Honest):
    """Hangs in threads that are not the first."""

    def swap(self, key, old, new, /, check=None):
        if threading.current_thread().name != "store kit":
            hang()
        return super().swap(key, old, new, check)


class HangsWhenClosed(sabotaged.Honest):
    def close(self):
        hang()


class NeverLands(sabotaged.Honest):
    """Says in threads that it lost every race."""

    def swap(self, key, old, new, /, check=None):
        return threading.current_thread().name == "store kit" and super().swap(key, old, new, check)


class Leaks(sabotaged.Honest):
    """Opens a file at each call."""

    opened: ClassVar[list] = []

    def load(self, key, /, check=None):
        self.opened.append(Path(os.devnull).open())  # noqa: SIM115
        return super().load(key, check)


class Leaves(sabotaged.Honest):
    """Ends its thread by SystemExit."""

    def load(self, key, /, check=None):
        raise SystemExit(3)


class KillsItsProcess:
    """A file with records, for processes; the process that uses it as the third ends."""

    def __init__(self, path, deadly):
        self.store = SQLiteStore(path, deadline=ALL_THE_TIME)
        self.deadly = deadly
        self.calls = 0

    def load(self, key, /):
        self.calls += 1
        if self.deadly != os.getpid() and self.calls > 3:
            os._exit(9)
        return self.store.load(key)

    def swap(self, key, old, new, /):
        return self.store.swap(key, old, new)

    def close(self):
        self.store.close()


class TestItEnds:
    """A run ends whatever the store does, and says what it did."""

    @pytest.mark.requirement("A27", "S14")
    @pytest.mark.usefixtures("hanging")
    @pytest.mark.parametrize("store", [Hangs, HangsInRaces, HangsWhenClosed])
    def test_on_a_store_that_hangs(self, store):
        failed = failure(store, sabotaged.Engine(), faults=Faults(patience=1.0), rounds=2)
        assert failed.promise == "S14"
        assert "hang" in failed.found or "end" in failed.found

    @pytest.mark.requirement("A27")
    def test_on_a_race_that_nobody_wins(self):
        only = ["no_lost_update"]
        failed = failure(NeverLands, sabotaged.Engine(), faults=Faults(patience=3.0), only=only)
        assert failed.promise == "S1"

    @pytest.mark.requirement("A27")
    def test_when_its_time_is_over(self):
        failed = failure(sabotaged.Honest, sabotaged.Engine(), seconds=0.3)
        assert "within the 0.3 s" in failed.found

    @pytest.mark.requirement("A27")
    def test_on_a_store_that_leaks(self):
        failed = failure(Leaks, sabotaged.Engine(), only=["no_leaks"])
        assert (failed.promise, failed.check) == ("S14", "no_leaks")
        while Leaks.opened:
            Leaks.opened.pop().close()

    @pytest.mark.requirement("A27")
    def test_on_a_store_that_leaves(self):
        assert failure(Leaves, sabotaged.Engine()).promise == "S16"

    @pytest.mark.requirement("A27")
    @pytest.mark.parametrize("check", ["racing_processes", "fresh_across_processes", "survives_process_kill"])
    def test_on_a_store_that_kills_its_process(self, check, tmp_path):
        make = partial(KillsItsProcess, tmp_path / "mfa.db", os.getpid())
        if check == "survives_process_kill":
            assert check_store(make, processes=2, rounds=4, only=[check]).kept == (check,)  # it loads nothing there
            return
        with pytest.raises(StoreCheckFailed) as caught:
            check_store(make, processes=3, rounds=8, only=[check], faults=Faults(patience=2 * ALL_THE_TIME))
        assert "ended with code 9" in caught.value.found


class TestCheckAsyncStore:
    @pytest.mark.requirement("A27")
    def test_passes_an_honest_store(self):
        """The same promises, kept by a store that is awaited, opened by a plain function or a coroutine function."""
        engine = sabotaged.Engine()
        opened = []

        async def hurried():
            opened.append(sabotaged_async.Honest(engine))
            return opened[-1]

        given = attrs.evolve(faults(sabotaged_async.Honest, engine), short_deadline=hurried)
        check_async_store(lambda: sabotaged_async.Honest(engine), rounds=4, tasks=20, faults=given)
        assert len(opened) == 1
        assert not engine.records
        store = AsyncMemoryStore()

        async def make():
            return store

        report = check_async_store(make, rounds=4, tasks=20, only=["absence", "two_loops"])
        assert report.kept == ("absence",)
        assert "one loop" in report.not_tried["two_loops"]

    @pytest.mark.requirement("A27")
    @pytest.mark.parametrize("store", AWAITED, ids=lambda store: store.__name__)
    def test_catches_a_sabotaged_store(self, store):
        """Races between awaits, what a cancelled call leaves behind, and a loop that is held up."""
        engine = sabotaged.Engine()
        with pytest.raises(StoreCheckFailed) as caught:
            check_async_store(
                lambda: store(engine), rounds=4, tasks=60, faults=faults(store, engine), only=store.checks
            )
        assert caught.value.promise in store.breaks, str(caught.value)
        assert caught.value.check


def load(began, ended, found):
    return Call(began, ended, is_load=True, old=found)


def swap(began, ended, old, new, applied):
    return Call(began, ended, is_load=False, old=old, new=new, applied=applied)


class TestLinearizable:
    """The checker itself, on histories whose verdict is known."""

    def test_overlapping_calls_may_take_effect_in_either_order(self):
        assert linearizable([swap(0, 9, None, b"a", True), load(1, 3, b"a"), load(4, 6, b"a")], None)
        assert linearizable([swap(0, 9, None, b"a", True), load(1, 3, None), load(4, 6, b"a")], None)

    def test_no_call_sees_the_past(self):
        """A load that found the new record is not followed by one that finds the old."""
        assert not linearizable([swap(0, 9, None, b"a", True), load(1, 3, b"a"), load(4, 6, None)], None)
        assert not linearizable([swap(0, 1, None, b"a", True), load(2, 3, None)], None)

    def test_two_swaps_from_the_same_bytes_do_not_both_land(self):
        assert not linearizable([swap(0, 9, b"a", b"b", True), swap(1, 8, b"a", b"c", True)], b"a")
        assert linearizable([swap(0, 9, b"a", b"b", True), swap(1, 8, b"a", b"c", False)], b"a")

    def test_a_swap_that_fails_found_other_bytes(self):
        assert not linearizable([swap(0, 1, b"a", b"b", False)], b"a")
        assert linearizable([swap(0, 1, b"x", b"b", False)], b"a")

    def test_a_deleted_record_can_be_created_again(self):
        assert linearizable([swap(0, 1, b"a", None, True), load(2, 3, None), swap(4, 5, None, b"a", True)], b"a")
