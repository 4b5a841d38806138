# SPDX-License-Identifier: Apache-2.0
"""The small frozen values that a policy is made of, each with one concern, each legal or not built at all.

No option bags: a choice of behaviours is a type or an enum. Every default is the safest of the service's own.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Final

import attrs

from ..otp import Algorithm
from ..units import DAY, HOUR, MINUTE
from ..words import Kind

LONGEST_PERIOD: Final = 120
"""Seconds: NIST SP 800-63B-4 section 3.1.4.1, a nonce changes at least every two minutes (requirement O9)."""
WIDEST_WINDOW: Final = 2
"""Steps back and forward: RFC 6238 section 5.2 (requirement O8)."""
FARTHEST_DRIFT: Final = 10
"""Steps: RFC 6238 section 6 (requirement O11)."""
HIGHEST_CAP: Final = 100
"""Consecutive failures: NIST SP 800-63B-4 section 3.2.2 (requirement O13)."""


def _kinds(kinds: Iterable[Kind]) -> frozenset[Kind]:
    return frozenset(kinds)


def _between(name: str, value: float, least: float, most: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ValueError(f"{name} must be a number from {least} to {most}")


class Requirement(enum.Enum):
    """Of whom MFA is required at logon. A bound device is always asked for."""

    NOBODY = "nobody"
    PER_USER = "per user"
    EVERYBODY = "everybody"


class Unopened(enum.Enum):
    """What a logon of a user without a record comes to."""

    REFUSE = "refuse"
    MUST_BIND = "must bind"
    NOT_REQUIRED = "not required"


class SelfManagement(enum.Enum):
    """Whether users may bind, unbind, rename and resynchronise their own devices."""

    ALLOWED = "allowed"
    NOT_ALLOWED = "not allowed"


class AdministratorProof(enum.Enum):
    """Whether an administrator shows the receipt of a step-up on the administrator's own account."""

    NOT_ASKED = "not asked"
    ASKED = "asked"


class KindRule(enum.Enum):
    """Whether devices of several kinds may be bound at once."""

    ONE_KIND = "one kind"
    ANY_MIX = "any mix"


@attrs.frozen(kw_only=True)
class DevicePolicy:
    """Which devices may be bound, and how many.

    Attributes:
        kinds: those allowed.
        rule: one kind per user (the service's rule: to change kinds, unbind first) or any mix.
        most: devices per user, 1 to 16.
    """

    kinds: frozenset[Kind] = attrs.field(default=frozenset(Kind), converter=_kinds)
    rule: KindRule = KindRule.ONE_KIND
    most: int = 1

    def __attrs_post_init__(self) -> None:
        if not self.kinds:
            raise ValueError("at least one kind of device must be allowed")
        _between("most", self.most, 1, 16)


@attrs.frozen(kw_only=True)
class TOTPPolicy:
    """How virtual devices are made and their codes weighed.

    Attributes:
        algorithm, digits, period: of new devices; a bound device keeps its own.
        backward, forward: steps accepted beside the current one, 0 to 2 each.
        codes: how many consecutive codes confirm a bind, 1 or 2.
        drift: steps that a resync may set, 0 to 10.
    """

    algorithm: Algorithm = Algorithm.SHA1
    digits: int = 6
    period: int = 30
    backward: int = 1
    forward: int = 1
    codes: int = 1
    drift: int = FARTHEST_DRIFT

    def __attrs_post_init__(self) -> None:
        _between("digits", self.digits, 6, 8)
        _between("period", self.period, 1, LONGEST_PERIOD)
        _between("backward", self.backward, 0, WIDEST_WINDOW)
        _between("forward", self.forward, 0, WIDEST_WINDOW)
        _between("codes", self.codes, 1, 2)
        _between("drift", self.drift, 0, FARTHEST_DRIFT)

    @property
    def window(self) -> int:
        """How many steps are accepted at one moment."""
        return self.backward + 1 + self.forward


@attrs.frozen(kw_only=True)
class ThrottlePolicy:
    """How wrong codes are slowed and stopped; it can be set, never switched off.

    Attributes:
        free: consecutive wrong codes of a device without a delay.
        first_delay, longest_delay: seconds that the gate stays closed after that, doubling from one to the other.
        per_day: wrong codes per account in any rolling 24 hours, which a success does not reset.
        cap: consecutive wrong codes that disable a device until it is unbound and bound again.
    """

    free: int = 5
    first_delay: float = 30
    longest_delay: float = HOUR
    per_day: int = 20
    cap: int = HIGHEST_CAP

    def __attrs_post_init__(self) -> None:
        _between("free", self.free, 1, HIGHEST_CAP)
        _between("first_delay", self.first_delay, 1, DAY)
        _between("longest_delay", self.longest_delay, self.first_delay, DAY)
        _between("per_day", self.per_day, 1, 1_000)
        _between("cap", self.cap, 1, HIGHEST_CAP)

    def delay(self, failures: int) -> float:
        """Return for how many seconds the gate closes behind the ``failures``-th consecutive wrong code."""
        if failures < self.free:
            return 0
        return min(self.first_delay * float(1 << min(failures - self.free, 64)), self.longest_delay)


@attrs.frozen(kw_only=True)
class RememberMachine:
    """How machines are remembered: the MFA step of a logon is skipped on them.

    NIST SP 800-63B-4 section 5.1 does not accept that in place of authentication at AAL2 beyond 24 hours
    (requirement B15); it is not allowed unless a policy holds this value.

    Attributes:
        seconds: absolute, from the proof on; 7 days by default, 90 days at the most.
        most: machines per user, 1 to 32; the oldest goes.
    """

    seconds: float = 7 * DAY
    most: int = 10

    def __attrs_post_init__(self) -> None:
        _between("seconds", self.seconds, 1, 90 * DAY)
        _between("most", self.most, 1, 32)


@attrs.frozen(kw_only=True)
class Lifetimes:
    """How long what is handed out lives, in seconds.

    Attributes:
        challenge: of a logon or step-up.
        enrolment: the right to bind at logon.
        offer: from an offer to its confirmation; 10 minutes at the most (requirement B9).
        receipt: of a step-up.
        password: how old a password check may be for a first device.
    """

    challenge: float = 5 * MINUTE
    enrolment: float = 10 * MINUTE
    offer: float = 10 * MINUTE
    receipt: float = 5 * MINUTE
    password: float = 10 * MINUTE

    def __attrs_post_init__(self) -> None:
        for name in ("challenge", "enrolment", "offer", "receipt", "password"):
            _between(name, getattr(self, name), 1, 10 * MINUTE)
