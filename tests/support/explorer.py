# SPDX-License-Identifier: Apache-2.0
"""Every interleaving of a few processes that may crash at any moment, over the engine's own plans.

A plan is a generator that yields the calls it needs, so what it asks for next is a function of what it was answered
before. Hence a state of the whole is data: the world (the store's records), and what each process was answered. From
each state every process may take its next step, or crash, and the world may turn by itself (a promotion). A state that
many interleavings lead to is walked once; the interleavings are counted. One step is one call of the store. Nothing is
drawn here: entropy and nonces are streams by process, so that one history of a process always asks for the same.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, Protocol
from unittest import mock

import attrs

from ram_mfa import HistoryLost, MFAError, MFAPolicy, Refusal, Refused, StoreUncertain, UnsafePlaintext, Verb
from ram_mfa.engine.loop import Engine
from ram_mfa.engine.store_session import StoreSession

SEAL = UnsafePlaintext()
"""Of every store explored: what the records say is looked at after each step."""

Program = Generator[tuple[Callable[..., Any], tuple[Any, ...]], Any, Any]
"""What a process does: the plans of verbs one after the other, with what it tells the world in between (`note`)."""


class Broken(Exception):
    """A law does not hold in this state."""


# What processes hold in place of a store, and call


class Words:
    """A store's words to be said: the explorer does what they ask on a world, and nothing else ever does."""

    view: str | None = None
    beside: tuple[str, bytes] | None = None

    def load(self, key: str, /) -> bytes | None:
        raise AssertionError("the explorer loads")

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        raise AssertionError("the explorer swaps")


class View(Words):
    """The words of one incarnation, pinned to one record or not."""

    def __init__(self, incarnation: str, beside: tuple[str, bytes] | None = None) -> None:
        self.view, self.beside = incarnation, beside


class IncarnatedWords(Words):
    """The words of a store with views: they compare the history's name and the root record in each statement."""

    def incarnation(self) -> str:
        raise AssertionError("the explorer asks")

    def at(self, incarnation: str, /, *, beside: tuple[str, bytes] | None = None) -> View:
        return View(incarnation, beside)


class ClockedWords(IncarnatedWords):
    """The words of a store with views on a server that has a clock."""

    def clock(self) -> float:
        raise AssertionError("the explorer asks")


class NamedWords(IncarnatedWords):
    """The words of a store whose views compare the history's name only."""

    def at(self, incarnation: str, /) -> View:  # type: ignore[override]
        return View(incarnation)


def note(*words: Any) -> None:
    """Called by a program through a yield: what its user has been told, and the law may look at."""
    raise AssertionError("the explorer takes notes")


def _tell(event: Any) -> None:
    raise AssertionError("the explorer tells")


def _pause(seconds: float) -> None:
    raise AssertionError("the explorer waits for nobody")


@attrs.frozen
class Call:
    """One step that a process asks for.

    Attributes:
        word: ``load``, ``swap``, ``incarnation``, or ``tell`` (the observers, after the swap).
        view: the incarnation that must be in force inside the statement; None where none is compared.
        arguments: of the word.
        beside: a key and the record that must stand under it inside the statement; None where none is compared.
    """

    word: str
    view: str | None
    arguments: tuple[Any, ...]
    beside: tuple[str, bytes] | None = None


@attrs.frozen
class Answer:
    """What a call came to: a value, or an exception raised.

    Attributes:
        value: what it returned; of an exception its arguments.
        raised: the class of the exception, or None.
        now: what the world's clock showed then.
    """

    value: Any
    raised: type[Exception] | None = None
    now: float = 0


# Worlds: what calls are made on


class World(Protocol):
    """All that the processes share: a frozen, hashable value."""

    @property
    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    def answers(self, call: Call) -> Iterator[tuple[Answer, World]]:
        """Yield everything that a call may come to, with the world after it."""
        ...

    def turns(self) -> Iterator[tuple[str, World]]:
        """Yield everything that may happen by itself, by name, with the world after it."""
        ...


Records = tuple[tuple[str, bytes], ...]
"""Key and record, sorted: what stands in a store."""


def replaced(records: Records, key: str, new: bytes | None) -> Records:
    """Return the records with one replaced, or deleted."""
    rest = dict(records)
    if new is None:
        rest.pop(key, None)
    else:
        rest[key] = new
    return tuple(sorted(rest.items()))


@attrs.frozen(cache_hash=True)
class Memory:
    """A store as the protocol promises it.

    Attributes:
        records: what stands in it.
        lost: how many replies to swaps may still be lost: the swap landed or did not, and nobody is told.
        now: what the clock shows.
    """

    records: Records
    lost: int = 0
    now: float = 1_700_000_000.0

    def answers(self, call: Call) -> Iterator[tuple[Answer, World]]:
        """See `World`."""
        if call.word == "incarnation":
            yield Answer("", now=self.now), self
            return
        if call.beside is not None and self.find(call.beside[0]) != call.beside[1]:
            yield Answer(("",), HistoryLost, self.now), self
            return
        if call.word == "load":
            yield Answer(self.find(*call.arguments), now=self.now), self
            return
        key, old, new = call.arguments
        fits = self.find(key) == old and not (old is None and new is None)
        after = attrs.evolve(self, records=replaced(self.records, key, new)) if fits else self
        yield Answer(fits, now=self.now), after
        if self.lost:
            for world in {after, self}:
                yield Answer((), StoreUncertain, self.now), attrs.evolve(world, lost=self.lost - 1)

    def find(self, key: str) -> bytes | None:
        """Return the record under a key."""
        return next((record for found, record in self.records if found == key), None)

    def turns(self) -> Iterator[tuple[str, World]]:
        """See `World`: nothing happens by itself."""
        return iter(())


# Processes


@attrs.frozen
class Desk:
    """What a process works with: an engine of its own.

    Attributes:
        engine: with the root record read.
        store: the words that the engine's opening holds.
    """

    engine: Engine
    store: Words

    def perform(self, user: str, verb: Verb[Any]) -> Program:
        """Plan a verb; return its outcome, or the refusal."""
        try:
            return (yield from self.engine.perform_verb(user, verb))
        except Refused as refused:
            return refused.refusal

    def action(self, user: str, verb: Verb[Any], done: Any) -> Program:
        """Plan a verb, and note what its user was told: ``done``, or the name of the reason, or of the error."""
        try:
            outcome = yield from self.perform(user, verb)
        except StoreUncertain as error:
            outcome = error
        if isinstance(outcome, Refusal):
            yield note, (outcome.reason.name,)
        else:
            yield note, (type(outcome).__name__ if isinstance(outcome, MFAError) else done,)
        return outcome


@attrs.frozen
class Process:
    """One that acts; what it keeps it shares with nobody.

    Attributes:
        name: by which traces call it.
        program: what it does.
        skew: by how much its clock is ahead of the world's.
    """

    name: str
    program: Callable[[Desk], Program]
    skew: float = 0


class _Node:
    """Where a process stands: what it was answered so far, what it asks for next, and what it noted.

    Attributes:
        call: what it asks for; None where it has ended.
        notes: what it noted.
    """

    __slots__ = ("_answer", "_children", "_history", "_plan", "call", "notes")

    def __init__(self, history: _History, answer: tuple[_Node, Answer] | None, plan: _Plan) -> None:
        self._history, self._answer = history, answer
        self._children: dict[Answer, _Node] = {}
        self._plan: _Plan | None = plan
        self.call, self.notes = plan.call, tuple(plan.notes)

    def after(self, answer: Answer) -> _Node:
        """Return where it stands after one more answer."""
        child = self._children.get(answer)
        if child is None:
            plan = self._plan or self._history.again(self._answers())
            self._plan = None
            plan.answer(answer)
            child = self._children[answer] = _Node(self._history, (self, answer), plan)
        return child

    def crashed(self) -> _Node:
        """Return where it stands when it is gone: what it noted is what people remember."""
        return self._history.gone(self.notes)

    def _answers(self) -> list[Answer]:
        answers, node = [], self
        while node._answer is not None:
            node, answer = node._answer
            answers.append(answer)
        return answers[::-1]


class _Plan:
    """A program that runs, up to the call that it waits for."""

    def __init__(self, history: _History) -> None:
        self._history = history
        self._drawn = 0
        self._now = history.world.now
        self.call: Call | None = None
        self.notes: list[Any] = []
        self._program: Program = iter(())  # type: ignore[assignment]
        with history.draws_from(self):
            self._program = history.program(self)
            self._to_the_next(self._program.__next__)

    def answer(self, answer: Answer) -> None:
        """Go on with the answer to the call."""
        self._now = answer.now
        with self._history.draws_from(self):
            if answer.raised is None:
                self._to_the_next(lambda: self._program.send(answer.value))
            else:
                raised = answer.raised(*answer.value)
                self._to_the_next(lambda: self._program.throw(raised))

    def _to_the_next(self, go: Callable[[], tuple[Callable[..., Any], tuple[Any, ...]]]) -> None:
        try:
            function, arguments = go()
            while function in (note, _pause):
                self.notes.extend(arguments if function is note else ())
                function, arguments = self._program.send(None)
        except StopIteration:
            self.call = None
            return
        except MFAError as error:
            self.call = None
            self.notes.append(error.refusal.reason.name if isinstance(error, Refused) else type(error).__name__)
            return
        if function is _tell:
            self.call = Call("tell", None, ())
        else:
            words: Words = function.__self__  # type: ignore[attr-defined]
            self.call = Call(function.__name__, words.view, arguments, words.beside)

    def clock(self) -> float:
        """Return what the process's clock shows."""
        return self._now + self._history.process.skew

    def draw(self, size: int) -> bytes:
        """Return the next bytes of the process's stream."""
        self._drawn += 1
        label = f"{self._history.process.name} {self._drawn}".encode()
        return hashlib.shake_256(label).digest(size)


class _History:
    """One process's program: begun anew for each history that is not the one at hand."""

    def __init__(self, process: Process, world: World, make: Callable[[Callable[[], float]], Desk]) -> None:
        self.process, self.world, self._make = process, world, make
        self._gone: dict[tuple[Any, ...], _Node] = {}

    def program(self, plan: _Plan) -> Program:
        """Return the program at a desk whose engine has opened the world as it was."""
        desk = self._make(plan.clock)
        settle(desk.engine.session.open(), self.world)
        return self.process.program(desk)

    def again(self, answers: Sequence[Answer]) -> _Plan:
        """Return the program after these answers."""
        plan = _Plan(self)
        for answer in answers:
            plan.answer(answer)
        return plan

    def gone(self, notes: tuple[Any, ...]) -> _Node:
        """Return the one node of a crash after these notes."""
        if notes not in self._gone:
            node = object.__new__(_Node)
            node.call, node.notes = None, notes
            self._gone[notes] = node
        return self._gone[notes]

    @staticmethod
    def draws_from(plan: _Plan) -> Any:
        return mock.patch.object(os, "urandom", plan.draw)


def settle(plan: Program, world: Any) -> tuple[Any, Any]:
    """Drive a plan alone to its end, each call answered with what it comes to as a rule.

    Returns:
        What the plan returned, and the world after it.
    """
    try:
        function, arguments = next(plan)
        while True:
            if function in (note, _tell, _pause):
                function, arguments = plan.send(None)
                continue
            words: Words = function.__self__  # type: ignore[attr-defined]
            answer, world = next(iter(world.answers(Call(function.__name__, words.view, arguments, words.beside))))
            function, arguments = plan.send(answer.value)
    except StopIteration as done:
        return done.value, world


def desks(
    policy: MFAPolicy,
    *,
    store: type[Words] = IncarnatedWords,
    engine: type[Engine] = Engine,
    create: bool = False,
) -> Callable[[Callable[[], float]], Desk]:
    """Return what makes desks: engines over one store that know nothing of one another.

    Args:
        policy: of the service.
        store: whose words the engines say.
        engine: the loop, or a sabotaged one.
        create: whether a missing root record is made.
    """

    def make(clock: Callable[[], float]) -> Desk:
        words = store()
        opening = StoreSession(words, SEAL, clock, _pause, lambda: policy.clock_skew, create=create, monotonic=clock)
        return Desk(engine(opening, lambda: policy, "", _tell, _pause, 600.0), words)

    return make


# The walk

Law = Callable[[Any, World, World, tuple[tuple[Any, ...], ...]], Any]
"""Looks at one step: what it remembers of the way here, the world before, the world after, what each process noted.
Returns what is to be remembered, and raises `Broken`."""


@attrs.frozen
class Explored:
    """What an exploration came to.

    Attributes:
        states: how many were walked.
        steps: how many steps lead from one to another.
        interleavings: how many ways there are from the start to an end, each an order of steps, crashes and turns;
            0 where the walk ended early.
        endings: what the processes had noted at the ends.
        broken: which law does not hold, or None.
        trace: the steps that lead there.
    """

    states: int
    steps: int
    interleavings: int
    endings: frozenset[tuple[tuple[Any, ...], ...]]
    broken: str | None = None
    trace: tuple[str, ...] = ()

    def __str__(self) -> str:
        size = f"{self.states:,} states, {self.steps:,} steps"
        if self.broken is None:
            return f"{size}, {float(self.interleavings):.3g} interleavings"
        return "\n  ".join([f"{self.broken} ({size} walked)", *self.trace])


def explore(
    processes: Sequence[Process],
    world: World,
    make: Callable[[Callable[[], float]], Desk],
    *,
    law: Law,
    memory: Any = None,
    crashes: bool = True,
) -> Explored:
    """Walk every interleaving of the processes' steps, crashes and the world's turns.

    Args:
        processes: who acts.
        world: as it is at the start.
        make: makes a desk for a process, by its clock.
        law: looks at each step.
        memory: what the law remembers at the start.
        crashes: whether processes crash.
    """
    start = (
        world,
        tuple(_Node(history, None, _Plan(history)) for history in (_History(a, world, make) for a in processes)),
    )
    ways: dict[Any, int] = {}
    endings: set[tuple[tuple[Any, ...], ...]] = set()
    steps = 0
    # A frame is a state with what is left to try from it, how many ways to an end were found, and how it was reached.
    walk: list[list[Any]] = [[(*start, memory), None, 0, ""]]
    while walk:
        frame = walk[-1]
        state, untried = frame[0], frame[1]
        if untried is None:
            untried = frame[1] = _next_states(processes, state, crashes=crashes)
        for label, after, nodes in untried:
            steps += 1
            notes = tuple(node.notes for node in nodes)
            try:
                remembered = law(state[2], state[0], after, notes)
            except Broken as broken:
                trace = (*(one[3] for one in walk[1:]), label)
                return Explored(
                    len(ways) + len(walk), steps, sum(ways.values()), frozenset(endings), str(broken), trace
                )
            found = (after, nodes, remembered)
            if found in ways:
                frame[2] += ways[found]
                continue
            walk.append([found, None, 0, label])
            break
        else:
            walk.pop()
            if frame[2] == 0:  # nobody has anything left to do
                frame[2] = 1
                endings.add(tuple(node.notes for node in state[1]))
            ways[state] = frame[2]
            if walk:
                walk[-1][2] += frame[2]
    return Explored(len(ways), steps, ways[(*start, memory)], frozenset(endings))


def _next_states(
    processes: Sequence[Process], state: Any, *, crashes: bool
) -> Iterator[tuple[str, World, tuple[_Node, ...]]]:
    world, nodes, _ = state
    live = [place for place, node in enumerate(nodes) if node.call is not None]
    telling = [place for place in live if nodes[place].call.word == "tell"]
    if telling:
        # Telling touches nothing that others see: in which order it happens makes no difference to anybody.
        place = telling[0]
        label = f"{processes[place].name}: tell"
        yield label, world, _with(nodes, place, nodes[place].after(Answer(None, now=world.now)))
        if crashes:
            yield f"{processes[place].name} crashes", world, _with(nodes, place, nodes[place].crashed())
        return
    for place in live:
        node, name = nodes[place], processes[place].name
        for answer, after in world.answers(node.call):
            yield f"{name}: {_named(node.call)} -> {_come_to(answer)}", after, _with(nodes, place, node.after(answer))
        if crashes:
            yield f"{name} crashes", world, _with(nodes, place, node.crashed())
    if live:
        for label, after in world.turns():
            yield label, after, nodes


def _with(nodes: tuple[_Node, ...], place: int, node: _Node) -> tuple[_Node, ...]:
    return (*nodes[:place], node, *nodes[place + 1 :])


def _named(call: Call) -> str:
    at = "" if call.view is None else f" at {call.view}"
    return f"{call.word}{at} " + " ".join(_short(argument) for argument in call.arguments)


def _come_to(answer: Answer) -> str:
    return _short(answer.value) if answer.raised is None else answer.raised.__name__


def _short(value: Any) -> str:
    if isinstance(value, bytes):
        return f"#{hashlib.sha256(value).hexdigest()[:6]}"
    return value[:6] if isinstance(value, str) else str(value)
