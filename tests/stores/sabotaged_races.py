# SPDX-License-Identifier: Apache-2.0
"""Stores with narrow windows, with memories of their own, and with listings and errors that are not right."""

from __future__ import annotations

import threading

from ram_mfa.errors import StoreUnavailable, StoreUncertain
from tests.stores.sabotaged import Honest


class NarrowWindow(Honest):
    """Compares and then writes, a line apart: a dictionary without a lock."""

    breaks = ("S1", "S7", "S13")

    def swap(self, key, old, new, /, check=None):
        if check is not None or self.engine.full or not self.engine.answers or self.engine.stopped:
            return super().swap(key, old, new, check)
        if (old is None and new is None) or self.engine.records.get(key) != old:
            return False
        self.engine.write(key, new)
        return True


class LocksInItsHandle(Honest):
    """Holds a lock of its own handle, so that two handles race."""

    breaks = ("S1", "S7", "S13")

    def __init__(self, engine):
        super().__init__(engine)
        self.lock = threading.Lock()

    def swap(self, key, old, new, /, check=None):
        with self.lock:
            if check is not None or self.engine.full or not self.engine.answers or self.engine.stopped:
                return super().swap(key, old, new, check)
            if (old is None and new is None) or self.engine.records.get(key) != old:
                return False
            self.engine.write(key, new)
            return True


class RemembersAbsence(Honest):
    """Remembers which keys have no record."""

    breaks = ("S2", "S7", "S13", "S5")

    def __init__(self, engine):
        super().__init__(engine)
        self.absent = set()

    def load(self, key, /, check=None):
        if key in self.absent:
            return None
        found = super().load(key, check)
        if found is None:
            self.absent.add(key)
        return found

    def swap(self, key, old, new, /, check=None):
        landed = super().swap(key, old, new, check)
        if landed:
            self.absent.discard(key)
        return landed


class LagsBehind(Honest):
    """Reads from a replica that has the last write only when it is asked for the second time."""

    breaks = ("S2",)
    caught_by = "creating"

    def __init__(self, engine):
        super().__init__(engine)
        self.past = engine.__dict__.setdefault("past", {})

    def load(self, key, /, check=None):
        found = super().load(key, check)
        return self.past.pop(key, found)

    def swap(self, key, old, new, /, check=None):
        landed = super().swap(key, old, new, check)
        if landed:
            self.past[key] = old
        return landed


class UncommittedPerThread(Honest):
    """Keeps what a thread wrote in that thread's transaction until its next write."""

    breaks = ("S1", "S2", "S7", "S13", "S10")

    def __init__(self, engine):
        super().__init__(engine)
        self.mine = threading.local()

    def load(self, key, /, check=None):
        return vars(self.mine).get(key) or super().load(key, check)

    def swap(self, key, old, new, /, check=None):
        landed = super().swap(key, old, new, check)
        if landed and new is not None:
            setattr(self.mine, key, new)
        elif landed:
            vars(self.mine).pop(key, None)
        return landed


class SharesACursor(Honest):
    """Sends its questions through one cursor, without a lock."""

    breaks = ("S1", "S2", "S6", "S5", "S7", "S13")

    asked = None

    def load(self, key, /, check=None):
        self.asked = key
        found = self.engine.records.get(key)
        if found is None:
            return super().load(key, check)
        return super().load(self.asked, check)


class BusyIsFalse(Honest):
    """Answers False where another thread holds the lock."""

    breaks = ("S1", "S7", "S13")

    def __init__(self, engine):
        super().__init__(engine)
        self.busy = engine.__dict__.setdefault("busy", threading.Lock())

    def swap(self, key, old, new, /, check=None):
        if not self.busy.acquire(blocking=False):
            return False
        try:
            return super().swap(key, old, new, check)
        finally:
            self.busy.release()


class ListsAPage(Honest):
    """Names the first thousand keys, as a LIMIT without a second page does."""

    breaks = ("S9",)

    def keys(self, kind, /):
        for number, key in enumerate(super().keys(kind)):
            if number < 1000:
                yield key


class ListsAllKinds(Honest):
    """Names all keys."""

    breaks = ("S11",)

    def keys(self, kind, /):
        return iter(self.ask(lambda: sorted(self.engine.records)))


class ListsNothingWhenItFails(Honest):
    """Ends a listing where the engine does not answer."""

    breaks = ("S9",)

    def keys(self, kind, /):
        try:
            yield from super().keys(kind)
        except StoreUnavailable:
            return


class ListsWithALock(Honest):
    """Holds the lock while somebody walks over the keys."""

    breaks = ("S14",)

    def __init__(self, engine):
        super().__init__(engine)
        self.gate = threading.Semaphore()

    def keys(self, kind, /):
        with self.gate:
            yield from super().keys(kind)

    def swap(self, key, old, new, /, check=None):
        with self.gate:
            return super().swap(key, old, new, check)


class InterruptedIsAbsent(Honest):
    """Finds nothing where its statement was interrupted: NULL for a subquery that was cut off."""

    breaks = ("S2", "S6")

    def load(self, key, /, check=None):
        try:
            return self.engine.load(key, check)
        except InterruptedError:
            return None
        except OSError as error:
            raise StoreUnavailable(str(error)) from error


class InterruptedIsLost(Honest):
    """Takes an interrupted swap for a lost race, though it was applied."""

    breaks = ("S4", "S2", "S1")

    def swap(self, key, old, new, /, check=None):
        landed = super().swap(key, old, new, check)
        return landed and not (self.engine.interrupting and self.engine.dice.random() < 0.2)


class UncertainIsNothing(Honest):
    """Raises StoreUncertain for whatever fails, a load too."""

    breaks = ("S2", "S16", "S4")

    def load(self, key, /, check=None):
        try:
            return super().load(key, check)
        except StoreUnavailable as error:
            raise StoreUncertain("failed") from error


class ColdOnly(Honest):
    """Writes to the disk what was replaced at least once; a record that was only created is lost."""

    breaks = ("S3",)

    def swap(self, key, old, new, /, check=None):
        landed = super().swap(key, old, new, check)
        if landed and old is None and len(new) != 300:
            self.engine.disk.pop(key, None)
        return landed


ALL = [
    found
    for found in list(globals().values())
    if isinstance(found, type) and issubclass(found, Honest) and found is not Honest
]
