# SPDX-License-Identifier: Apache-2.0
"""Attacks by somebody who has the password, simulated on the library's own verbs, by day and by year.

The verbs are called as the pure functions that they are, so that a year of attacks takes seconds. The attacker always
sends a wrong code: what is counted is how many were verified, each of which would have been right with a probability
of ``window / 10^digits``.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

import attrs

from ram_mfa import (
    AdmitBrowser,
    BeginLogon,
    Challenge,
    FinishLogon,
    MFAPolicy,
    Proof,
    Reason,
    TOTPCode,
    TOTPCodes,
    add_to_browser_cookie,
)
from ram_mfa._secret import SecretBytes
from ram_mfa.account import Account
from ram_mfa.context import Context, Root
from ram_mfa.engine.records import user_key
from ram_mfa.otp import TOTP
from ram_mfa.policy.values import DAY
from ram_mfa.rules.devices import new_virtual_device
from ram_mfa.rules.new_account import new_account

from .service import ROOT

START = 1_700_000_000.0
THIEF = "the session of somebody who knows the password"
WRONG, WRONG_PAIR = TOTPCode("no code"), TOTPCodes(["no code", "no code"])
SESSION = "the session of one browser, number {}"
OWNER_PER_DAY = 8
"""Logons of the owner: between the ninth and the twentieth hour of each day."""


@attrs.frozen
class Result:
    """What an attack came to.

    Attributes:
        passed, logons: the owner's logons that passed, and all of them.
        verified: the attacker's single codes that were verified; each is right with 3 in 1,000,000.
        pairs: the attacker's pairs that were verified; each is right with 3 in 10^12.
        disabled: the day on which the device was disabled; None where it never was.
        most: the most of the attacker's single codes that were verified within any 24 hours.
    """

    passed: int
    logons: int
    verified: int
    pairs: int
    disabled: float | None
    most: int

    @property
    def share(self) -> float:
        """The share of the owner's logons that passed."""
        return self.passed / self.logons

    @property
    def probability(self) -> float:
        """The probability that one of the attacker's codes was right."""
        return float(1 - (1 - 3e-6) ** self.verified * (1 - 3e-12) ** self.pairs)

    def __str__(self) -> str:
        disabled = "no" if self.disabled is None else f"day {self.disabled:.1f}"
        return (
            f"{self.passed} of {self.logons} ({self.share:.1%}), p {self.probability:.1e}, disabled {disabled}, "
            f"{self.verified} codes and {self.pairs} pairs, at most {self.most} in 24 h"
        )


def no_mark(now: float) -> str | None:
    """Return no password mark, whatever the time is."""
    del now
    return None


@attrs.define
class Attack:
    """One account, its owner and an attacker who has the password.

    Attributes:
        policy: in force.
        days: how long.
        per_day: wrong codes that the attacker tries to send in a day.
        hours: from which to which hour of the day, evenly.
        eager: whether the attacker comes back as soon as the gate opens.
        owner: ``known`` (one browser, all the time), ``new`` (another one each time) or ``admitted``.
        stolen: whether the attacker has each of the owner's tokens as well.
        mark: returns the password mark at a time.
    """

    policy: MFAPolicy
    days: int
    per_day: float
    hours: tuple[float, float] = (0, 24)
    eager: bool = False
    owner: str = "known"
    stolen: bool = False
    mark: Callable[[float], str | None] = no_mark

    _now: float = START
    _account: Account = attrs.field(init=False)
    _totp: TOTP = attrs.field(init=False, factory=lambda: TOTP(b"12345678901234567890"))
    _root: Root = attrs.field(init=False)
    _cookie: str | None = attrs.field(init=False, default=None)
    _turn: int = attrs.field(init=False, default=0)
    _times: list[float] = attrs.field(init=False, factory=list)

    def __attrs_post_init__(self) -> None:
        self._root = Root(SecretBytes(b"t" * 32), SecretBytes(b"b" * 32), "", b"h" * 16, (), b"s" * 16)
        context = self._context()
        device = new_virtual_device(context, self._totp, name="Phone", bound_by="administrator root", last_step=-1)
        self._account = attrs.evolve(new_account(context, required=True), devices=(device,))

    def _context(self) -> Context:
        self._turn += 1
        entropy = SecretBytes(self._turn.to_bytes(32, "big"))
        return Context(self.policy, self._now, entropy, self._root, "alice", user_key("", "alice"))

    def perform(self, verb: Any) -> Any:
        """Call a verb on the account as it is, and keep the account that it returns."""
        transition = verb(self._account, self._context())
        self._account = transition.account
        return transition.outcome

    def _log_on(self, evidence: Any, *, session: str, cookie: str | None) -> tuple[Any, int]:
        mark = self.mark(self._now)
        ask = self.perform(BeginLogon(session, browser=cookie, password_mark=mark))
        if not isinstance(ask, Challenge):
            return ask, 0
        sent = evidence(ask.codes)
        finish = FinishLogon(ask.id, sent, session=session, browser=cookie, password_mark=mark)
        outcome = self.perform(finish)
        return outcome, ask.codes

    def run(self) -> Result:
        """Return what the attack came to."""
        passed = logons = verified = pairs = 0
        disabled: float | None = None
        events: list[tuple[float, str]] = []
        first = START - START % DAY + DAY
        if self.owner == "known":  # the owner has logged on before the attack begins
            self._now = first - 3_600
            outcome, _ = self._log_on(self._right, session=SESSION.format(0), cookie=None)
            assert isinstance(outcome, Proof)
            self._cookie = str(add_to_browser_cookie(None, outcome.browser)) if outcome.browser else None
        for day in range(self.days):
            for turn in range(OWNER_PER_DAY):
                events.append((first + day * DAY + (9 + 11 * turn / (OWNER_PER_DAY - 1)) * 3_600 + 7, "owner"))
        span = (self.hours[1] - self.hours[0]) * 3_600
        interval = span / self.per_day
        events.append((first + self.hours[0] * 3_600, "thief"))
        heapq.heapify(events)
        end = first + self.days * DAY
        while events:
            self._now, who = heapq.heappop(events)
            if self._now >= end:
                continue
            if who == "owner":
                logons += 1
                passed += self._owner_logs_on(logons)
            else:
                was_disabled = self._account.devices[0].disabled_at is not None
                outcome, codes = self._log_on(self._wrong, session=THIEF, cookie=self._cookie if self.stolen else None)
                if outcome.reason in {Reason.WRONG_CODE, Reason.DEVICE_DISABLED} and codes and not was_disabled:
                    pairs += codes == 2
                    verified += codes == 1
                    self._times += [self._now] * (codes == 1)
                wait = outcome.retry_after if self.eager else 0
                after = self._now + (min(interval, wait) if wait > 0 else interval)
                if not self.hours[0] * 3_600 <= (after - first) % DAY < self.hours[1] * 3_600:
                    after = first + ((after - first) // DAY + 1) * DAY + self.hours[0] * 3_600
                heapq.heappush(events, (after, "thief"))
            if disabled is None and self._account.devices[0].disabled_at is not None:
                disabled = (self._now - first) / DAY
                if self.days > 60:  # nothing changes any more
                    break
        return Result(passed, logons, verified, pairs, disabled, self._most())

    def _owner_logs_on(self, number: int) -> bool:
        session, cookie = SESSION.format(number), self._cookie if self.owner == "known" else None
        if self.owner == "admitted":
            cookie = str(self.perform(AdmitBrowser(ROOT, password_mark=self.mark(self._now))).token)
        outcome, _ = self._log_on(self._right, session=session, cookie=cookie)
        if isinstance(outcome, Proof) and self.owner == "known" and outcome.browser:
            self._cookie = str(add_to_browser_cookie(self._cookie, outcome.browser))
        return isinstance(outcome, Proof)

    def _right(self, codes: int) -> TOTPCode | TOTPCodes:
        if codes == 2:
            return TOTPCodes([self._totp.at(self._now - 30), self._totp.at(self._now)])
        return TOTPCode(self._totp.at(self._now))

    @staticmethod
    def _wrong(codes: int) -> TOTPCode | TOTPCodes:
        return WRONG_PAIR if codes == 2 else WRONG

    def _most(self) -> int:
        """Return the most wrong single codes that were verified within any 24 hours."""
        most = start = 0
        for end, at in enumerate(self._times):
            while self._times[start] <= at - DAY:
                start += 1
            most = max(most, end - start + 1)
        return most
