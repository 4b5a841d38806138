# SPDX-License-Identifier: Apache-2.0
"""Processes that race, each with the service opened for itself, and the people they race for.

Workers are forked from a server process that has no threads and has loaded the package: thirty-two of them start in
the time of one interpreter. Each runs one function to its end and sends what it returned.
"""

from __future__ import annotations

import hashlib
import multiprocessing
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Self

import attrs

from ram_mfa import (
    MFA,
    AESGCMSeal,
    AfterRecovery,
    BeginLogon,
    Challenge,
    ConfirmVirtualDevice,
    FinishLogon,
    MakeRecoveryCodes,
    MFAError,
    MFAPolicy,
    OfferVirtualDevice,
    Operation,
    Owner,
    Proof,
    Reason,
    RecoveryCode,
    RecoveryCodes,
    Refused,
    ThrottlePolicy,
    TOTPCode,
    TOTPPolicy,
    Unbind,
)
from ram_mfa.otp import KeyURI
from ram_mfa.stores.sqlite import SQLiteStore, Synchronous
from ram_mfa.testing.authenticator_app import AuthenticatorApp
from ram_mfa.testing.clock import ManualClock
from ram_mfa.testing.enrolment import enrolled, proved

from .service import ROOT, SEAL, SESSION

_context: Any = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    ["pytest", "ram_mfa", "ram_mfa.stores.sqlite", "ram_mfa.stores.memory", "ram_mfa.testing.enrolment"]
)

PATIENCE = 120.0
"""Seconds after which a barrier gives up: one of the processes is gone."""
ALL_THE_TIME = 60.0
"""The deadline of a perform and of a store where the race is the point and a busy machine is not."""


@attrs.frozen
class Worker:
    """What a worker knows of itself.

    Attributes:
        number: from 0 on.
        tell: sends something to the one who started the crew, before the end.
    """

    number: int
    tell: Callable[[Any], None]


class Workers:
    """Worker processes, from the entry of the block to its end.

    Args:
        work: called in each as ``work(me, *arguments)``, from its module.
        count: how many.
        arguments: the same for all.
    """

    def __init__(self, work: Callable[..., Any], count: int, *arguments: Any) -> None:
        self._ends, self._workers = [], []
        self._arguments = arguments  # a barrier lives as long as somebody here holds it
        for number in range(count):
            here, there = _context.Pipe()
            worker = _context.Process(target=_work, args=(work, number, there, arguments), daemon=True)
            self._ends.append((here, there))
            self._workers.append(worker)

    def __enter__(self) -> Self:
        for worker, (_, there) in zip(self._workers, self._ends, strict=True):
            worker.start()
            there.close()
        return self

    def results(self) -> list[Any]:
        """Return what each returned, in the order of their numbers."""
        told = [here.recv() for here, _ in self._ends]
        for worker in self._workers:
            worker.join()
        for landed, result in told:
            assert landed, f"a process ended in {result}"
        return [result for _, result in told]

    @property
    def ends(self) -> list[Any]:
        """The connections to each, for what they send while they run."""
        return [here for here, _ in self._ends]

    def kill(self) -> None:
        """Kill them all with SIGKILL, whatever they are at."""
        for worker in self._workers:
            worker.kill()

    def __exit__(self, *_: object) -> None:
        for worker, (here, _) in zip(self._workers, self._ends, strict=True):
            worker.kill()
            worker.join()
            here.close()


def _work(work: Callable[..., Any], number: int, there: Any, arguments: tuple[Any, ...]) -> None:
    try:
        result = work(Worker(number, there.send), *arguments)
    except BaseException as error:  # noqa: BLE001 - told to the process that started this one
        for argument in arguments:
            getattr(argument, "abort", int)()
        there.send((False, f"{type(error).__name__}: {error}"))
    else:
        there.send((True, result))


def barrier(parties: int) -> Any:
    """Return a barrier for that many processes."""
    return _context.Barrier(parties)


def flag() -> Any:
    """Return an event that processes see."""
    return _context.Event()


def shared_time(start: float) -> Any:
    """Return a time whose ``.value`` processes see and set."""
    return _context.Value("d", start)


class CountingStore(SQLiteStore):
    """An SQLite store that counts the swaps that were asked of this object, and those that landed."""

    asked = 0
    landed = 0

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        self.asked += 1
        landed = super().swap(key, old, new)
        self.landed += landed
        return landed

    def at(self, incarnation: str, /, *, beside: tuple[str, bytes] | None = None) -> Any:
        """Return a view whose swaps are counted too; where nothing is pinned they come to the store's own."""
        view = super().at(incarnation, beside=beside)
        return view if beside is None else CountedView(self, view)


@attrs.frozen
class CountedView:
    """A view of a counting store."""

    store: CountingStore
    view: Any

    def load(self, key: str, /) -> bytes | None:
        found: bytes | None = self.view.load(key)
        return found

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        self.store.asked += 1
        landed: bool = self.view.swap(key, old, new)
        self.store.landed += landed
        return landed


@attrs.frozen
class ServiceOnFile:
    """A service on an SQLite file, opened by each process for itself.

    Attributes:
        file: the SQLite file.
        policy: its policy.
        start: what every process's clock shows first, seconds since the epoch.
        patient: whether stores and performs wait for as long as it takes.
        synchronous: of the file.
    """

    file: str
    policy: MFAPolicy
    start: float = 1_700_000_000.0
    patient: bool = True
    synchronous: Synchronous = "FULL"

    def clock(self) -> ManualClock:
        """Return a clock that shows the start."""
        return ManualClock(self.start)

    def open(
        self, clock: Callable[[], float], *, create: bool = False, seal: AESGCMSeal = SEAL
    ) -> tuple[MFA, CountingStore]:
        """Return the service, and its store."""
        deadline = ALL_THE_TIME if self.patient else 5.0
        store = CountingStore(self.file, synchronous=self.synchronous, deadline=deadline)
        return MFA(store, self.policy, seal=seal, clock=clock, deadline=deadline, create=create), store


@attrs.frozen
class ServiceOnEngine:
    """A service on an engine's store, which each process makes for itself.

    Attributes:
        maker: opens the store, with a deadline of ALL_THE_TIME; can be pickled.
        policy: its policy.
    """

    maker: Callable[[], Any]
    policy: MFAPolicy = MFAPolicy.ram(issuer="Example")

    def clock(self) -> ManualClock:
        """Return a clock that shows the start."""
        return ManualClock(1_700_000_000.0)

    def open(self, clock: Callable[[], float], *, create: bool = False) -> tuple[MFA, Any]:
        """Return the service, and its store."""
        store = self.maker()
        return MFA(store, self.policy, seal=SEAL, clock=clock, deadline=ALL_THE_TIME, create=create), store


LOSERS = {Reason.REPLAYED_CODE.name, Reason.ALREADY_SENT.name}


def one_wins(outcomes: Iterable[Sequence[str]], losers: Collection[str] = LOSERS) -> None:
    """Check that each round has one proof, and that everybody else was told that the code or the ticket is used up."""
    for number, told in enumerate(outcomes):
        assert Counter(told)["proof"] == 1, f"round {number}: {told}"
        assert set(told) <= {*losers, "proof"}, f"round {number}: {told}"


def eight_processes_submit_one_code(place: ServiceOnFile | ServiceOnEngine, rounds: int) -> tuple[Any, float]:
    """Check that in each round exactly one of eight is let in, with one ticket for all or one for each.

    Returns:
        The store, still open, and what the clock showed in the last round.
    """
    clock = place.clock()
    mfa, store = place.open(clock, create=True)
    uri = bind(mfa, "alice", clock.now)
    tickets = []
    for number in range(rounds):
        clock.advance(60)
        tickets.append(begin(mfa, "alice") if number % 2 else "")
    with Workers(submit_one_code, 8, place, barrier(8), uri, tickets) as crew:
        outcomes = list(zip(*crew.results(), strict=True))
    assert len(outcomes) == rounds
    one_wins(outcomes)
    return store, clock.now


RECOVERY = MFAPolicy.ram(issuer="Example", recovery_codes=RecoveryCodes(count=16, after_use=AfterRecovery.SUGGEST_BIND))
"""A policy with as many recovery codes as can be, which log on."""


def eight_processes_use_each_recovery_code(place: ServiceOnFile | ServiceOnEngine, rounds: int) -> list[Sequence[str]]:
    """Check that in each round exactly one of eight uses the code, with one ticket for all or one for each.

    Args:
        place: a service under `RECOVERY`.
        rounds: as many codes are used up, 16 of a user.

    Returns:
        What the eight submissions of each round came to.
    """
    clock = place.clock()
    mfa, store = place.open(clock, create=True)
    codes: list[tuple[str, str]] = []
    for number in range((rounds + 15) // 16):
        user = f"user {number}"
        clock.advance(60)
        phone = enrolled(mfa, user)
        receipt = proved(mfa, user, phone, operation=Operation.RECOVERY, session=SESSION).receipt
        sheet = mfa.perform(user, MakeRecoveryCodes(by=Owner(receipt, session=SESSION)))
        codes += [(user, str(code)) for code in sheet.codes]
    start, turns = clock.now, []
    for number, (user, code) in enumerate(codes[:rounds]):
        clock.advance(60)
        turns.append((user, code, begin(mfa, user) if number % 2 else ""))
    with Workers(use_each_recovery_code, 8, place, barrier(8), start, turns) as crew:
        outcomes = list(zip(*crew.results(), strict=True))
    assert len(outcomes) == rounds
    one_wins(outcomes, {"WRONG_RECOVERY_CODE", "SPENT_TICKET", "WRONG_EVIDENCE"})  # the last where none is left
    store.close()
    return outcomes


def limits(*, free_attempts: int = 5, max_per_day: int = 20, max_consecutive: int = 100, digits: int = 6) -> MFAPolicy:
    """Return a policy with these limits on wrong codes."""
    throttle = ThrottlePolicy(free_attempts=free_attempts, max_per_day=max_per_day, max_consecutive=max_consecutive)
    return MFAPolicy.ram(issuer="Example", totp=TOTPPolicy(digits=digits), throttle=throttle)


def wrong_codes(phone: AuthenticatorApp, moments: Sequence[float], count: int, *, first: int = 0) -> list[str]:
    """Return different codes, none of which the phone shows in the windows of any of these moments."""
    digits = len(phone.code_at(0))
    shown = {phone.code_at(moment + step * phone.period) for moment in moments for step in range(-3, 4)}
    found = (code for code in (f"{number:0{digits}}" for number in range(first, 10**digits)) if code not in shown)
    return [code for code, _ in zip(found, range(count), strict=False)]


def bind(mfa: MFA, user: str, now: float) -> str:
    """Bind a virtual device by an administrator with the code before the present one, and return its key URI."""
    offer = mfa.perform(user, OfferVirtualDevice(ROOT, account_name=user, session=SESSION, create=True))
    phone = AuthenticatorApp.scan(offer.key_uri)
    code = phone.code_at(now - phone.period)
    mfa.perform(user, ConfirmVirtualDevice([code], offer=offer.id, by=ROOT, session=SESSION))
    return str(offer.key_uri)


def begin(mfa: MFA, user: str) -> str:
    """Begin a logon, and return its ticket as the text that travels."""
    asked = mfa.perform(user, BeginLogon(session=SESSION))
    assert isinstance(asked, Challenge), asked
    return str(asked.id)


def finish(mfa: MFA, user: str, ticket: str, code: str | RecoveryCode) -> str:
    """Finish a logon, and return ``proof``, or why not: the name of the reason, or of the error."""
    try:
        evidence = code if isinstance(code, RecoveryCode) else TOTPCode(code)
        proof = mfa.perform(user, FinishLogon(ticket, evidence, session=SESSION))
    except Refused as refused:
        return refused.refusal.reason.name
    except MFAError as error:
        return type(error).__name__
    assert isinstance(proof, Proof)
    return "proof"


# What the workers of tests/properties/test_code_races.py do


def submit_one_code(worker: Worker, place: ServiceOnFile, meet: Any, uri: str, tickets: Sequence[str]) -> list[str]:
    """In each round submit the code that all submit: on the round's own ticket, or on one of this process's."""
    clock = place.clock()
    mfa, store = place.open(clock)
    phone = AuthenticatorApp.scan(uri)
    outcomes = []
    for ticket in tickets:
        clock.advance(2 * phone.period)
        mine = ticket or begin(mfa, "alice")
        code = phone.code_at(clock.now)
        meet.wait(PATIENCE)
        outcomes.append(finish(mfa, "alice", mine, code))
    store.close()
    return outcomes


def use_each_recovery_code(
    worker: Worker, place: ServiceOnFile, meet: Any, start: float, turns: Sequence[tuple[str, str, str]]
) -> list[str]:
    """In each round use the code that all use: on the round's own ticket, or on one of this process's."""
    del worker
    clock = place.clock()
    clock.advance(start - clock.now)
    mfa, store = place.open(clock)
    outcomes = []
    for user, code, ticket in turns:
        clock.advance(60)
        mine = ticket or begin(mfa, user)
        meet.wait(PATIENCE)
        outcomes.append(finish(mfa, user, mine, RecoveryCode(code)))
    store.close()
    return outcomes


def offer_and_confirm(worker: Worker, place: ServiceOnFile, meet: Any, users: Sequence[str]) -> list[str]:
    """In each round offer a device to the round's user, and confirm it when all have: what the confirmation came to."""
    mfa, store = place.open(place.clock())
    session = f"the session of browser {worker.number}"
    outcomes = []
    for user in users:
        meet.wait(PATIENCE)
        offer = mfa.perform(user, OfferVirtualDevice(ROOT, account_name=user, session=session, create=True))
        code = AuthenticatorApp.scan(offer.key_uri).code_at(place.start)
        meet.wait(PATIENCE)
        try:
            mfa.perform(user, ConfirmVirtualDevice([code], offer=offer.id, by=ROOT, session=session))
        except Refused as refused:
            outcomes.append(refused.refusal.reason.name)
        else:
            outcomes.append("bound")
    store.close()
    return outcomes


def guess(worker: Worker, place: ServiceOnFile, meet: Any, codes: Sequence[str]) -> tuple[list[str], int]:
    """Submit wrong codes, one after the other; return the outcomes, and how many swaps landed."""
    mfa, store = place.open(place.clock())
    ticket = begin(mfa, "alice")
    meet.wait(PATIENCE)
    outcomes = [finish(mfa, "alice", ticket, code) for code in codes]
    store.close()
    return outcomes, store.landed


def flood(worker: Worker, place: ServiceOnFile, meet: Any, over: Any, codes: Sequence[str]) -> tuple[list[str], int]:
    """Begin and guess: first one wrong code among twenty begins, then wrong codes and begins until it is over."""
    mfa, store = place.open(place.clock())
    ticket = begin(mfa, "alice")
    outcomes = []
    meet.wait(PATIENCE)
    for turn in range(20):
        ticket = begin(mfa, "alice")
        if turn == worker.number % 20:
            outcomes.append(finish(mfa, "alice", ticket, codes[0]))
    meet.wait(PATIENCE)
    meet.wait(PATIENCE)  # between the two the owner looks at what was counted
    turn = 0
    while not over.is_set():
        turn += 1
        outcomes.append(finish(mfa, "alice", ticket, codes[turn % len(codes)]))
        ticket = begin(mfa, "alice")
    store.close()
    return outcomes, store.landed


# What the workers of tests/properties/test_kills.py do


def live(worker: Worker, place: ServiceOnFile, users: Sequence[str]) -> None:
    """Bind, log on, guess and unbind without end; tell each action once it is acknowledged, and nothing before."""
    clock = place.clock()
    mfa, _ = place.open(clock)
    user = users[worker.number]
    while True:
        uri = bind(mfa, user, clock.now)
        worker.tell(("bound", clock.now, uri))
        phone = AuthenticatorApp.scan(uri)
        for turn in range(12):
            clock.advance(60)
            guess_now = turn % 4 == 2
            code = wrong_codes(phone, [clock.now], 1)[0] if guess_now else phone.code_at(clock.now)
            outcome = finish(mfa, user, begin(mfa, user), code)
            assert outcome == ("WRONG_CODE" if guess_now else "proof")
            worker.tell((outcome, clock.now, code))
        clock.advance(60)
        mfa.perform(user, Unbind(by=ROOT))
        worker.tell(("unbound", clock.now, ""))


# What the workers of tests/properties/test_rotation.py do


def phone_of(user: str) -> AuthenticatorApp:
    """Return the phone of a user whose secret is made from the user id: see ``uri_of``."""
    return AuthenticatorApp.scan(uri_of(user))


def uri_of(user: str) -> str:
    """Return the key URI of that user."""
    return str(KeyURI("totp", "Example", user, hashlib.sha1(user.encode()).digest()))


def ring(seal_with: str) -> AESGCMSeal:
    """Return a seal under the old key or the new one, with both in its ring."""
    return AESGCMSeal({"old": b"o" * 32, "new": b"n" * 32}, seal_with=seal_with)


def keep_logging_on(
    worker: Worker, place: ServiceOnFile, meet: Any, over: Any, groups: Sequence[tuple[str, Sequence[str]]]
) -> float:
    """Log the users of the own group on, one after the other and again, until it is over, and once at least.

    Args:
        me: whose number names the group.
        place: where.
        meet: passed once the service is open.
        over: when to stop, behind the pass that it is in.
        groups: the key that is sealed with, and the users.

    Returns:
        the moment of the last pass.
    """
    key_id, users = groups[worker.number]
    clock = place.clock()
    mfa, store = place.open(clock, seal=ring(key_id))
    phones = [(user, phone_of(user)) for user in users]
    meet.wait(PATIENCE)
    while True:
        clock.advance(60)
        for user, phone in phones:
            outcome = "FOREIGN_TICKET"
            for _ in range(4):  # where a re-sealing ends the ticket, one starts over
                if outcome == "FOREIGN_TICKET":
                    outcome = finish(mfa, user, begin(mfa, user), phone.code_at(clock.now))
            assert outcome == "proof", outcome
        if over.is_set():
            store.close()
            return clock.now
