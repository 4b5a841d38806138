# SPDX-License-Identifier: Apache-2.0
"""Asynchronous stores that each break one promise: what tasks, cancellations and the event loop bring to light."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import time

from ram_mfa.errors import HistoryLost, StoreUnavailable, StoreUncertain


class Honest:
    """A store on the little engine, awaited, that keeps every promise: the kit must pass it."""

    breaks: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()  # all, where none is named: a store that waits takes long in the others

    def __init__(self, engine):
        self.engine = engine

    async def load(self, key, /, check=None):
        await self.travel()
        return await self.ask(lambda: self.engine.load(key, check))

    async def swap(self, key, old, new, /, check=None):
        await self.travel()
        try:
            return await self.ask(lambda: self.engine.swap(key, old, new, check))
        except StoreUnavailable as error:
            if isinstance(error.__cause__, ConnectionResetError):
                raise StoreUncertain from error
            raise

    async def travel(self):
        await asyncio.sleep(0)

    async def ask(self, question):
        for _ in range(50):
            if self.engine.running.is_set():
                break
            await asyncio.sleep(0.001)
        else:
            raise StoreUnavailable("no answer")
        try:
            return question()
        except OSError as error:
            raise StoreUnavailable(str(error)) from error

    async def keys(self, kind, /):
        with self.engine.lock:
            named = sorted(key for key in self.engine.records if key.startswith(kind))
        for key in named:
            await self.ask(self.reached)
            if key in self.engine.records:
                yield key
        await self.ask(self.reached)

    def reached(self):
        self.engine.reach()
        self.engine.reply()

    async def incarnation(self):
        await self.ask(self.reached)
        return self.engine.name

    def at(self, incarnation, /, *, beside=None):
        return View(self, incarnation, beside)


class View:
    def __init__(self, store, incarnation, beside):
        self.store, self.incarnation, self.beside = store, incarnation, beside

    async def load(self, key, /):
        return await self.store.load(key, check=self.check)

    async def swap(self, key, old, new, /):
        return await self.store.swap(key, old, new, check=self.check)

    def check(self):
        engine = self.store.engine
        if engine.name != self.incarnation:
            raise HistoryLost(engine.name)
        if self.beside is not None and engine.records.get(self.beside[0]) != self.beside[1]:
            raise HistoryLost(engine.name)


async def turns(number):
    """Wait for some turns of the loop, which are as many on a busy machine."""
    for _ in range(number):
        await asyncio.sleep(0)


class TornByTasks(Honest):
    """Awaits between its comparison and its write."""

    breaks = ("S1", "S7")

    async def swap(self, key, old, new, /, check=None):
        if await self.load(key, check) != old or old is new is None:
            return False
        await asyncio.sleep(0)
        with self.engine.lock:
            return await super().swap(key, self.engine.records.get(key), new, check)


class CancelledWritesRubbish(Honest):
    """Leaves half of a record behind when it is cancelled."""

    breaks = ("S5",)

    async def travel(self):
        await asyncio.sleep(0)

    async def swap(self, key, old, new, /, check=None):
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.engine.write(key, b"half")
            raise
        return await super().swap(key, old, new, check)


class CancelledRaises(Honest):
    """Turns a cancellation into an error of its own."""

    breaks = ("S16",)

    async def travel(self):
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError as error:
            raise RuntimeError("cancelled") from error


class CancelledSaysNothingLanded(Honest):
    """Writes, and says that nothing landed when it is cancelled before it has the reply."""

    breaks = ("S4",)

    async def swap(self, key, old, new, /, check=None):
        landed = await super().swap(key, old, new, check)
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError as error:
            raise StoreUnavailable("cancelled") from error
        return landed


class CancelledSaysFalse(Honest):
    """Swallows a cancellation, and answers False though it has written."""

    breaks = ("S4",)

    async def swap(self, key, old, new, /, check=None):
        landed = await super().swap(key, old, new, check)
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            return False
        return landed


class LateShield(Honest):
    """Shields its write from a cancellation, which then lands when its caller is gone."""

    breaks = ("S10",)
    checks = ("cancelled_tasks",)

    async def swap(self, key, old, new, /, check=None):
        return await asyncio.shield(self.late(key, old, new, check))

    async def late(self, key, old, new, check):
        await turns(50)
        return await super().swap(key, old, new, check)


class LateTask(Honest):
    """Leaves the write to a task of its own, and does not take it along when it is cancelled."""

    breaks = ("S10",)
    checks = ("cancelled_tasks",)

    async def swap(self, key, old, new, /, check=None):
        task = asyncio.ensure_future(self.late(key, old, new, check))
        done, _ = await asyncio.wait([task])
        return done.pop().result()

    async def late(self, key, old, new, check):
        await turns(50)
        return await super().swap(key, old, new, check)


class IgnoresCancellation(Honest):
    """Begins again when it is cancelled, without an end."""

    breaks = ("S14",)

    async def travel(self):
        while True:
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                await asyncio.Event().wait()
            else:
                return


class LeavesTheLock(Honest):
    """Takes a lock by hand, and does not give it back when it is cancelled."""

    breaks = ("S14",)

    def __init__(self, engine):
        super().__init__(engine)
        self.lock = asyncio.Lock()

    async def swap(self, key, old, new, /, check=None):
        await self.lock.acquire()
        landed = await super().swap(key, old, new, check)
        self.lock.release()
        return landed


class LeaksConnections(Honest):
    """Takes a connection out of its pool, and does not bring it back when it is cancelled."""

    breaks = ("S14",)

    def __init__(self, engine):
        super().__init__(engine)
        self.pool = asyncio.Semaphore(10)

    async def travel(self):
        await self.pool.acquire()
        await asyncio.sleep(0)
        self.pool.release()


class BlocksTheLoop(Honest):
    """Calls a driver that blocks, from within a coroutine."""

    breaks = ("S14",)
    checks = ("loop_is_free",)

    async def travel(self):
        time.sleep(0.003)  # noqa: ASYNC251 (this is the sabotage)


class BlocksWhileItWaits(Honest):
    """Waits for the engine in the loop's own thread."""

    breaks = ("S14",)
    checks = ("loop_is_free_while_paused",)

    def __init__(self, engine):
        super().__init__(engine)
        engine.deadline = 0.5

    async def ask(self, question):
        try:
            return question()
        except OSError as error:
            raise StoreUnavailable(str(error)) from error


class SharesAConnection(Honest):
    """Sends and reads on one connection, and takes another task's reply for its own."""

    breaks = ("S1", "S2", "S5", "S6", "S7", "S13")

    key = None

    async def load(self, key, /, check=None):
        self.key = key
        await asyncio.sleep(0)
        return await self.ask(lambda: self.engine.load(self.key, check))


class SharesAStatement(Honest):
    """Keeps what it is about to write in the object itself."""

    breaks = ("S1", "S2", "S5", "S6", "S7", "S13")

    async def swap(self, key, old, new, /, check=None):
        self.value = new
        await asyncio.sleep(0)
        return await super().swap(key, old, self.value, check)


_seen = contextvars.ContextVar("seen")


class CachesInTheTask(Honest):
    """Remembers in a context variable what a task has loaded."""

    breaks = ("S1", "S2", "S6", "S5", "S13")

    async def load(self, key, /, check=None):
        cache = _seen.get(None)
        if cache is None:
            cache = {}
            _seen.set(cache)
        if key not in cache:
            cache[key] = await super().load(key, check)
        return cache[key]


class OneTaskCancelsAll(Honest):
    """Collects swaps into one batch, which a cancellation of one of them cancels."""

    breaks = ("S14",)
    checks = ("cancelled_crowd",)

    batch = None

    async def swap(self, key, old, new, /, check=None):
        if self.batch is None or self.batch.done():
            self.batch = asyncio.ensure_future(turns(20))
        await self.batch
        return await super().swap(key, old, new, check)


class ForgetsToAwait(Honest):
    """Answers with a coroutine that nobody awaited."""

    breaks = ("S1", "S7")

    async def swap(self, key, old, new, /, check=None):
        again = super().swap(key, old, new, check)
        await again
        late = asyncio.sleep(0)
        with contextlib.closing(late):
            return late


class HangsWhileSilent(Honest):
    """Waits for as long as it takes."""

    breaks = ("S14",)

    async def ask(self, question):
        while not self.engine.running.is_set():  # noqa: ASYNC110 (the event is one of threads)
            await asyncio.sleep(0.001)
        return await super().ask(question)


class ForgetsThePinInSwaps(Honest):
    """Compares name and pin in loads only."""

    breaks = ("S12",)

    def at(self, incarnation, /, *, beside=None):
        view = View(self, incarnation, beside)
        view.swap = self.swap
        return view


class NoCompare(Honest):
    """Writes whatever the record is."""

    breaks = ("S1", "S7", "S8")

    async def swap(self, key, old, new, /, check=None):
        return await super().swap(key, self.engine.records.get(key), new, check)


ALL = [found for found in list(globals().values()) if isinstance(found, type) and issubclass(found, Honest)][1:]
