# SPDX-License-Identifier: Apache-2.0
"""Stores that each break one promise, the way real ones have: the kit must catch every one of them.

Each class says in ``breaks`` which promises the kit may name, and in ``faults`` what has to be done to its engine
before it shows.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
import weakref

from ram_mfa.errors import HistoryLost, StoreUnavailable, StoreUncertain
from ram_mfa.testing import Faults


class Engine:
    """A little engine in memory: handles talk to it, and it can be stopped, cut off, paused, filled and killed."""

    def __init__(self):
        self.records = {}
        self.disk = {}  # what survives a kill
        self.lock = threading.RLock()
        self.running = threading.Event()
        self.running.set()
        self.answers = True
        self.lose_one = False
        self.interrupting = False
        self.stopped = False
        self.full = False
        self.behind = 0  # bytes that were replaced and take room still
        self.history = 1
        self.deadline = 0.05
        self.dice = random.Random(1)

    @property
    def name(self):
        return f"history {self.history}"

    def load(self, key, check=None):
        self.reach()
        with self.lock:
            if check is not None:
                check()
            found = self.records.get(key)
        self.reply()
        return found

    def swap(self, key, old, new, check=None):
        self.reach()
        with self.lock:
            if old is None and new is None:
                return False
            if check is not None:
                check()
            landed = self.records.get(key) == old
            if landed and new is not None and self.full and len(new) > 100_000:
                raise OSError("no space left on device")
            if landed:
                self.write(key, new)
        self.reply()
        return landed

    def write(self, key, new):
        for place in (self.records, self.disk):
            if new is None:
                place.pop(key, None)
            else:
                place[key] = new

    def reach(self):
        if self.stopped:
            raise ConnectionRefusedError("nobody listens")
        if not self.running.wait(self.deadline):
            raise TimeoutError("no answer")
        if self.interrupting and self.dice.random() < 0.3:
            raise InterruptedError("the statement was interrupted")

    def reply(self):
        if self.lose_one:
            self.lose_one = False
            raise ConnectionResetError("the reply is lost")
        if not self.answers:
            raise ConnectionResetError("the reply is lost")

    # what a test may do to it

    @contextlib.contextmanager
    def silence(self):
        self.running.clear()
        yield
        self.running.set()

    @contextlib.contextmanager
    def flag(self, name, value):
        before = getattr(self, name)
        setattr(self, name, value)
        yield
        setattr(self, name, before)

    def restart(self):
        with self.flag("stopped", True), self.lock:
            self.records = dict(self.disk)

    def new_history(self):
        with self.lock:
            self.history += 1

    @property
    def faults(self):
        return Faults(
            restart=self.restart,
            stopped=lambda: self.flag("stopped", True),
            paused=self.silence,
            replies_lost=lambda: self.flag("answers", False),
            one_reply_lost=lambda: self.flag("lose_one", True),
            interrupted=lambda: self.flag("interrupting", True),
            full=lambda: self.flag("full", True),
            new_history=self.new_history,
            size=self.size,
        )

    def size(self):
        with self.lock:
            return self.behind + sum(map(len, self.records.values()))


class Honest:
    """A store on the little engine that keeps every promise: the kit must pass it."""

    breaks: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    caught_by = ""
    """The check that has to find it, where that is known for certain."""

    def __init__(self, engine):
        self.engine = engine

    def load(self, key, /, check=None):
        try:
            return self.engine.load(key, check)
        except OSError as error:
            raise StoreUnavailable(str(error)) from error

    def swap(self, key, old, new, /, check=None):
        try:
            return self.engine.swap(key, old, new, check)
        except ConnectionResetError as error:
            raise StoreUncertain from error
        except OSError as error:
            raise StoreUnavailable(str(error)) from error

    def ask(self, answer):
        try:
            self.engine.reach()
            found = answer()
            self.engine.reply()
        except OSError as error:
            raise StoreUnavailable(str(error)) from error
        return found

    def keys(self, kind, /):
        last = kind
        while True:
            page = self.ask(lambda last=last: self.page(kind, last))
            if not page:
                return
            yield from page
            last = page[-1]

    def page(self, kind, last):
        with self.engine.lock:
            return sorted(key for key in self.engine.records if key.startswith(kind) and key > last)[:50]

    def incarnation(self):
        return self.ask(lambda: self.engine.name)

    def clock(self):
        return self.ask(time.time)

    def at(self, incarnation, /, *, beside=None):
        return View(self, incarnation, beside)


class View:
    """What an honest store makes: all is compared by the engine, in the statement itself."""

    def __init__(self, store, incarnation, beside):
        self.store = store
        self.incarnation = incarnation
        self.beside = beside

    def load(self, key, /):
        return self.store.load(key, check=self.check)

    def swap(self, key, old, new, /):
        return self.store.swap(key, old, new, check=self.check)

    def check(self):
        engine = self.store.engine
        if engine.name != self.incarnation:
            raise HistoryLost(engine.name)
        if self.beside is not None and engine.records.get(self.beside[0]) != self.beside[1]:
            raise HistoryLost(engine.name)


class NoCompare(Honest):
    """Writes whatever the record is, as a plain SET does."""

    breaks = ("S1", "S7", "S8")

    def swap(self, key, old, new, /, check=None):
        with self.engine.lock:
            return super().swap(key, self.engine.records.get(key), new, check)


class LostUpdate(Honest):
    """Reads, compares, and then writes: SELECT and UPDATE under READ COMMITTED, or GET and SET."""

    breaks = ("S1", "S7", "S13")

    def swap(self, key, old, new, /, check=None):
        if self.load(key) != old or (old is None and new is None):
            return False
        time.sleep(0.0005)
        with self.engine.lock:
            self.engine.write(key, new)
        return True


class StaleRead(Honest):
    """Reads from a replica that is one question behind."""

    breaks = ("S2",)
    caught_by = "replacing"

    def __init__(self, engine):
        super().__init__(engine)
        self.seen = {}

    def load(self, key, /, check=None):
        now = super().load(key, check)
        then = self.seen.get(key, now)
        self.seen[key] = now
        return then


class StaleSnapshot(Honest):
    """Reads within one long transaction per thread: REPEATABLE READ without autocommit."""

    breaks = ("S2", "S1", "S13")

    def __init__(self, engine):
        super().__init__(engine)
        self.thread = threading.local()

    def load(self, key, /, check=None):
        snapshot = self.thread.__dict__.setdefault("snapshot", {})
        if key not in snapshot:
            snapshot[key] = super().load(key, check)
        return snapshot[key]

    def swap(self, key, old, new, /, check=None):
        landed = super().swap(key, old, new, check)
        if landed:
            self.thread.__dict__.setdefault("snapshot", {})[key] = new
        return landed


class DeadlineOfTheCache(Honest):
    """Answers from its memory where the engine does not answer."""

    breaks = ("S2",)

    def __init__(self, engine):
        super().__init__(engine)
        self.seen = {}

    def load(self, key, /, check=None):
        try:
            self.seen[key] = super().load(key, check)
        except StoreUnavailable:
            if key not in self.seen:
                raise
        return self.seen[key]


class Eviction(Honest):
    """Makes room when it is full, as allkeys-lru does."""

    breaks = ("S9", "S5")

    def swap(self, key, old, new, /, check=None):
        landed = super().swap(key, old, new, check)
        with self.engine.lock:
            while len(self.engine.records) > 500:
                self.engine.write(next(iter(self.engine.records)), None)
        return landed


class PilesUp(Honest):
    """Moves what is larger than 2 kB out of its row, and leaves it there until somebody vacuums."""

    breaks = ("S9",)

    def swap(self, key, old, new, /, check=None):
        landed = super().swap(key, old, new, check)
        if landed and new is not None and len(new) > 2_048:
            with self.engine.lock:
                self.engine.behind += len(new)
        return landed


class EarlyAcknowledgement(Honest):
    """Says yes before it is on the disk: appendfsync everysec, synchronous_commit off."""

    breaks = ("S3", "S13")

    def swap(self, key, old, new, /, check=None):
        with self.engine.lock:
            before = dict.get(self.engine.disk, key)
            landed = super().swap(key, old, new, check)
            if landed:
                if before is None:
                    self.engine.disk.pop(key, None)
                else:
                    self.engine.disk[key] = before
        return landed


class UndeletedAfterAll(Honest):
    """Deletes only in memory."""

    breaks = ("S13",)

    def swap(self, key, old, new, /, check=None):
        with self.engine.lock:
            landed = super().swap(key, old, new, check)
            if landed and new is None:
                self.engine.disk[key] = old
        return landed


class RolledBack(Honest):
    """Writes within the caller's transaction, which ends with the handle."""

    breaks = ("S10", "S13", "S2")

    def __init__(self, engine):
        super().__init__(engine)
        self.undo = []
        weakref.finalize(self, roll_back, engine, self.undo)

    def swap(self, key, old, new, /, check=None):
        landed = super().swap(key, old, new, check)
        if landed:
            self.undo.append((key, old))
        return landed

    def close(self):
        roll_back(self.engine, self.undo)


def roll_back(engine, undo):
    while undo:
        engine.write(*undo.pop())


class SwallowedError(Honest):
    """Takes every error for a lost race."""

    breaks = ("S4", "S16")

    def swap(self, key, old, new, /, check=None):
        try:
            return super().swap(key, old, new, check)
        except (StoreUnavailable, StoreUncertain):
            return False


class HopefulError(Honest):
    """Takes a lost reply for a yes."""

    breaks = ("S4",)

    def swap(self, key, old, new, /, check=None):
        try:
            return super().swap(key, old, new, check)
        except StoreUncertain:
            return True


class CertainOfNothing(Honest):
    """Says that nothing landed where it cannot know."""

    breaks = ("S4",)

    def swap(self, key, old, new, /, check=None):
        try:
            return super().swap(key, old, new, check)
        except StoreUncertain as error:
            raise StoreUnavailable("the connection was lost") from error


class ClientRetry(Honest):
    """Asks again after a lost reply, as many drivers do by themselves, and finds its own bytes there."""

    breaks = ("S4",)

    def swap(self, key, old, new, /, check=None):
        for _ in range(3):
            try:
                return self.engine.swap(key, old, new, check)
            except ConnectionResetError as error:
                lost = error
            except OSError as error:
                raise StoreUnavailable(str(error)) from error
        raise StoreUncertain from lost


class DriverError(Honest):
    """Lets the driver's exceptions through."""

    breaks = ("S16", "S2")

    def swap(self, key, old, new, /, check=None):
        return self.engine.swap(key, old, new, check)


class NoDeadline(Honest):
    """Waits for as long as it takes."""

    breaks = ("S14",)

    def swap(self, key, old, new, /, check=None):
        self.engine.running.wait()
        return super().swap(key, old, new, check)


class LateLanding(Honest):
    """Gives up, says that nothing landed, and leaves the write in the queue."""

    breaks = ("S10",)

    def __init__(self, engine):
        super().__init__(engine)
        self.queue = engine.__dict__.setdefault("queue", {})

    def load(self, key, /, check=None):
        found = super().load(key, check)
        if key in self.queue:  # it lands after the next look at the record, however long that takes
            self.engine.swap(key, *self.queue.pop(key))
        return found

    def swap(self, key, old, new, /, check=None):
        try:
            return super().swap(key, old, new, check)
        except StoreUnavailable:
            if not self.engine.running.is_set():
                self.queue[key] = old, new
            raise


class FoldedKeys(Honest):
    """Folds case, as MySQL's default collation does."""

    breaks = ("S11",)

    def load(self, key, /, check=None):
        return super().load(key.lower(), check)

    def swap(self, key, old, new, /, check=None):
        return super().swap(key.lower(), old, new, check)


class CutKeys(Honest):
    """Keeps the first 43 characters of a key."""

    breaks = ("S11",)

    def load(self, key, /, check=None):
        return super().load(key[:43], check)

    def swap(self, key, old, new, /, check=None):
        return super().swap(key[:43], old, new, check)


class TruncatedBlob(Honest):
    """Cuts a value at 65,535 bytes and says nothing, as a BLOB does outside of strict mode."""

    breaks = ("S5",)

    def swap(self, key, old, new, /, check=None):
        return super().swap(key, old and old[:65_535], new and new[:65_535], check)


class TextValues(Honest):
    """Ends a value at its trailing zeros, as a padded column does."""

    breaks = ("S1",)
    caught_by = "replacing"

    def swap(self, key, old, new, /, check=None):
        return super().swap(key, old and old.rstrip(b"\0"), new and new.rstrip(b"\0"), check)


class NotBytes(Honest):
    """Hands out the driver's own kind of buffer."""

    breaks = ("S5",)

    def load(self, key, /, check=None):
        found = super().load(key, check)
        return None if found is None else memoryview(found)


class TornRead(Honest):
    """Writes a record in two halves."""

    breaks = ("S6", "S1")

    def swap(self, key, old, new, /, check=None):
        if old is None or new is None:
            return super().swap(key, old, new, check)
        with self.engine.lock:
            if self.engine.records.get(key) != old:
                return False
            self.engine.write(key, new[: len(new) // 2] + old[len(new) // 2 :])
        time.sleep(0.0002)
        with self.engine.lock:
            self.engine.write(key, new)
        return True


class CreateOverwrites(Honest):
    """Creates by INSERT OR REPLACE."""

    breaks = ("S7",)

    def swap(self, key, old, new, /, check=None):
        if old is None and new is not None:
            with self.engine.lock:
                return super().swap(key, self.engine.records.get(key), new, check)
        return super().swap(key, old, new, check)


class DeleteResurrects(Honest):
    """Marks a record deleted, and lets the next reader of the old bytes have it back."""

    breaks = ("S13", "S1")

    def swap(self, key, old, new, /, check=None):
        if new is None and old is not None:
            return self.engine.records.get(key) == old
        return super().swap(key, old, new, check)


class NothingIsSomething(Honest):
    """swap(key, None, None) compares None with None."""

    breaks = ("S1",)

    def swap(self, key, old, new, /, check=None):
        if old is None and new is None:
            return self.load(key) is None
        return super().swap(key, old, new, check)


class CountsChanges(Honest):
    """swap(key, x, x) changes no row, and so is False: MySQL without FOUND_ROWS."""

    breaks = ("S1",)

    def swap(self, key, old, new, /, check=None):
        return super().swap(key, old, new, check) and old != new


class TruthyAnswer(Honest):
    """Answers with the driver's row count."""

    breaks = ("S1", "S7")

    def swap(self, key, old, new, /, check=None):
        return int(super().swap(key, old, new, check))


class ListingByOffset(Honest):
    """Pages by OFFSET: what is written meanwhile shifts the pages."""

    breaks = ("S11", "S9")

    def keys(self, kind, /):
        offset = 0
        while True:
            with self.engine.lock:
                page = sorted(key for key in self.engine.records if key.startswith(kind))[offset : offset + 20]
            if not page:
                return
            yield from page
            offset += len(page)
            time.sleep(0.0005)


class ListingTwice(Honest):
    """Scans the engine's own table, where a write moves a record behind the cursor: SCAN without a memory of it."""

    breaks = ("S11",)

    def keys(self, kind, /):
        for number, key in enumerate(super().keys(kind)):
            yield key
            if number % 97 == 96:
                yield key


class ViewWithoutComparison(Honest):
    """Has a name for its history and never compares it."""

    breaks = ("S12",)

    def at(self, incarnation, /, *, beside=None):
        return self


class ViewThatOnlyReads(Honest):
    """Compares when it loads, and lands whatever comes later."""

    breaks = ("S12",)

    def at(self, incarnation, /, *, beside=None):
        view = View(self, incarnation, beside)
        view.swap = self.swap
        return view


ALL = [found for found in list(globals().values()) if isinstance(found, type) and issubclass(found, Honest)][1:]
