# SPDX-License-Identifier: Apache-2.0
"""Stores whose views compare too little, too early or too late, or whose histories have no names of their own."""

from __future__ import annotations

import zlib

from ram_mfa.errors import HistoryLost
from tests.stores.sabotaged import Honest, View


class Sabotaged(Honest):
    """Makes views of another class than the honest ones."""

    breaks = ("S12",)
    view: type[View] = View

    def at(self, incarnation, /, *, beside=None):
        return self.view(self, incarnation, beside)


class _ComparesBefore(View):
    def load(self, key, /):
        self.check()
        return self.store.load(key)

    def swap(self, key, old, new, /):
        self.check()
        return self.store.swap(key, old, new)


class ComparesBefore(Sabotaged):
    """Compares name and pin in a statement of their own, before the one that reads or writes."""

    view = _ComparesBefore


class _ReadsFirst(View):
    def load(self, key, /):
        found = self.store.load(key)
        self.check()
        return found


class ReadsFirst(Sabotaged):
    """Reads first, and compares afterwards."""

    view = _ReadsFirst


class _WritesFirst(View):
    def swap(self, key, old, new, /):
        landed = self.store.swap(key, old, new)
        self.check()
        return landed


class WritesFirst(Sabotaged):
    """Writes first, and compares afterwards."""

    view = _WritesFirst


class IgnoresThePin(Sabotaged):
    """Takes ``beside`` and does nothing with it."""

    def at(self, incarnation, /, *, beside=None):
        return View(self, incarnation, None)


class IgnoresTheName(Sabotaged):
    """Compares the pin only."""

    def at(self, incarnation, /, *, beside=None):
        return View(self, incarnation, beside) if beside else View(self, self.engine.name, None)


class _Alike(View):
    def check(self):
        engine = self.store.engine
        if self.beside is not None:
            key, value = self.beside
            found = engine.records.get(key)
            if found is None or self.of(found) != self.of(value):
                raise HistoryLost(engine.name)
        if engine.name != self.incarnation:
            raise HistoryLost(engine.name)

    def of(self, value):
        return zlib.crc32(value)


class PinByChecksum(Sabotaged):
    """Compares a checksum of the pin."""

    view = _Alike


class _ByLength(_Alike):
    def of(self, value):
        return len(value)


class PinByLength(Sabotaged):
    """Compares the length of the pin."""

    view = _ByLength


class _ByPrefix(_Alike):
    def of(self, value):
        return value[:200]


class PinByPrefix(Sabotaged):
    """Compares the first bytes of the pin."""

    view = _ByPrefix


class _Present(_Alike):
    def of(self, value):
        return bool(value)


class PinIsThere(Sabotaged):
    """Looks whether the pin is there, and not what it is."""

    view = _Present


class _AbsentPasses(View):
    def check(self):
        if self.beside is None or self.beside[0] in self.store.engine.records:
            super().check()


class AbsentPinPasses(Sabotaged):
    """Takes an absent pin for one that is as it was: NULL = NULL is not false."""

    view = _AbsentPasses


class _Anywhere(View):
    def check(self):
        engine = self.store.engine
        lost = self.beside is not None and self.beside[1] not in engine.records.values()
        if lost or engine.name != self.incarnation:
            raise HistoryLost(engine.name)


class PinAnywhere(Sabotaged):
    """Looks for the pin's bytes under any key."""

    view = _Anywhere


class _OnlySome(View):
    words: tuple[str, ...] = ()

    def load(self, key, /):
        return self.store.load(key, check=self.check if "load" in self.words else None)

    def swap(self, key, old, new, /):
        word = "create" if old is None else "delete" if new is None else "replace"
        return self.store.swap(key, old, new, check=self.check if word in self.words else None)


def only(*words):
    return type("_Only", (_OnlySome,), {"words": words})


class NotInLoads(Sabotaged):
    """Compares in swaps only."""

    view = only("create", "replace", "delete")


class NotInCreates(Sabotaged):
    """Compares in UPDATE and DELETE, and forgot INSERT."""

    view = only("load", "replace", "delete")


class NotInDeletes(Sabotaged):
    """Compares in UPDATE and INSERT, and forgot DELETE."""

    view = only("load", "replace", "create")


class NotInReplacements(Sabotaged):
    """Compares in INSERT and DELETE, and forgot UPDATE."""

    view = only("load", "create", "delete")


class _FalseForLost(View):
    def swap(self, key, old, new, /):
        try:
            return super().swap(key, old, new)
        except HistoryLost:
            return False


class FalseForLost(Sabotaged):
    """Answers False where the history is another: the loop then reads, and goes on."""

    view = _FalseForLost


class _NoneForLost(View):
    def load(self, key, /):
        try:
            return super().load(key)
        except HistoryLost:
            return None


class NoneForLost(Sabotaged):
    """Finds nothing where the history is another: a join without a row."""

    view = _NoneForLost


class _AbsentIsLost(View):
    def load(self, key, /):
        found = super().load(key)
        if found is None:
            raise HistoryLost(self.incarnation)
        return found


class AbsentIsLost(Sabotaged):
    """Takes an absent record for a lost history."""

    view = _AbsentIsLost


class _LosingIsLost(View):
    def swap(self, key, old, new, /):
        landed = super().swap(key, old, new)
        if not landed and (old, new) != (None, None):
            raise HistoryLost(self.incarnation)
        return landed


class LosingIsLost(Sabotaged):
    """Takes a swap that lost for a lost history."""

    view = _LosingIsLost


class _WrongName(View):
    def check(self):
        try:
            super().check()
        except HistoryLost:
            raise HistoryLost(self.incarnation) from None


class NamesTheOldHistory(Sabotaged):
    """Raises with the name that the view was made with."""

    view = _WrongName


class CachesTheName(Honest):
    """Asks for the name once in a process."""

    breaks = ("S12",)

    def incarnation(self):
        if not hasattr(self, "cached"):
            self.cached = super().incarnation()
        return self.cached


class CachesTheNameInViews(Sabotaged):
    """Compares a name that it read once for each connection."""

    def __init__(self, engine):
        super().__init__(engine)
        self.cached = engine.name

    def at(self, incarnation, /, *, beside=None):
        if incarnation not in (self.cached, self.engine.name):
            return View(self, incarnation, beside)
        return View(self, self.engine.name, beside) if incarnation != self.engine.name else _Cached(self, beside)


class _Cached(View):
    def __init__(self, store, beside):
        super().__init__(store, store.engine.name, beside)

    def check(self):
        self.incarnation = self.store.engine.name
        super().check()


class NamesComeBack(Honest):
    """Calls its histories by the server's name: after a failover and back, it is the first one's."""

    breaks = ("S12",)

    def incarnation(self):
        return self.ask(lambda: f"server {self.engine.history % 2}")

    def at(self, incarnation, /, *, beside=None):
        return _ByServer(self, incarnation, beside)


class _ByServer(View):
    def check(self):
        engine = self.store.engine
        name = f"server {engine.history % 2}"
        lost = self.beside is not None and engine.records.get(self.beside[0]) != self.beside[1]
        if name != self.incarnation or lost:
            raise HistoryLost(name)


class NumbersItsHistories(Honest):
    """Names its histories by numbers."""

    breaks = ("S12",)

    def incarnation(self):
        return self.engine.history


class StoppedClock(Honest):
    """Shows the moment at which it was opened."""

    breaks = ("S12",)

    def __init__(self, engine):
        super().__init__(engine)
        self.now = super().clock()

    def clock(self):
        return self.now


class OwnClock(Honest):
    """Shows the host's clock where the server does not answer."""

    breaks = ("S16",)

    def clock(self):
        return __import__("time").time()


class OwnName(Honest):
    """Remembers the name where the server does not answer."""

    breaks = ("S12",)

    def incarnation(self):
        return self.engine.name


ALL = [
    found
    for found in list(globals().values())
    if isinstance(found, type) and issubclass(found, Honest) and found not in (Honest, Sabotaged)
]
