# SPDX-License-Identifier: Apache-2.0
"""The frozen values that a policy consists of, each with one concern, and valid once it is built.

A choice of behaviours is a type or an enum, never a flag. Every default is the safest that the service allows.
"""

from __future__ import annotations

import enum
from typing import Final

import attrs

from .._validation import as_frozenset, each, member_of, number, whole
from .._warning import warn_caller
from ..otp import Algorithm
from ..refusals import Kind

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY
"""Spans of time, in seconds."""

MAX_PERIOD: Final = 120
"""Seconds: NIST SP 800-63B-4 section 3.1.4.1, a nonce changes at least every two minutes (requirement O9)."""
MAX_WINDOW: Final = 2
"""Steps back and forward: RFC 6238 section 5.2 (requirement O8)."""
MAX_DRIFT: Final = 10
"""Steps: RFC 6238 section 6 (requirement O11)."""
MAX_CONSECUTIVE: Final = 100
"""Consecutive failures: NIST SP 800-63B-4 section 3.2.2 (requirement O13)."""


class Requirement(enum.Enum):
    """Of whom MFA is required at logon. A bound device is always asked for."""

    NOBODY = "nobody"
    PER_USER = "per user"
    EVERYBODY = "everybody"


class UnknownUsers(enum.Enum):
    """The outcome of a logon of a user without a record."""

    REFUSE = "refuse"
    MUST_BIND = "must bind"
    NOT_REQUIRED = "not required"


class SelfManagement(enum.Enum):
    """Permission for users to bind, unbind, rename and resynchronise their own devices."""

    ALLOWED = "allowed"
    NOT_ALLOWED = "not allowed"


class NewBrowserRule(enum.Enum):
    """The treatment of codes from new browsers once too many of their wrong codes are unforgiven."""

    TWO_CODES = "two codes"
    CLOSE = "close"
    DISABLE = "disable"


class AdministratorProof(enum.Enum):
    """Demand for the receipt of a step-up on the administrator's own account."""

    NOT_ASKED = "not asked"
    ASKED = "asked"


class KindRule(enum.Enum):
    """Rule on devices of several kinds, bound at once."""

    ONE_KIND = "one kind"
    ANY_MIX = "any mix"


class DisallowedDevices(enum.Enum):
    """The treatment of bound devices of a kind or model that the policy no longer allows, and of their machines."""

    REFUSE = "refuse"
    KEEP = "keep"


@attrs.frozen(kw_only=True)
class DevicePolicy:
    """Which devices may be bound, and how many.

    Attributes:
        kinds: those allowed.
        disallowed: what becomes of bound devices of another kind, or of a security key's model that `AttestationPolicy`
            does not allow: refused at once, together with the machines that they proved, or kept until they are
            unbound. Whoever is left without a device that may answer needs an administrator.
        rule: one kind per user (the service's rule: to change kinds, unbind first) or any mix.
        max_devices: devices per user, 1 to 16.
    """

    kinds: frozenset[Kind] = attrs.field(
        default=frozenset(Kind), converter=as_frozenset, validator=each(frozenset, member_of(Kind), least=1)
    )
    rule: KindRule = attrs.field(default=KindRule.ONE_KIND, validator=member_of(KindRule))
    max_devices: int = attrs.field(default=1, validator=whole(1, 16))
    disallowed: DisallowedDevices = attrs.field(
        default=DisallowedDevices.REFUSE, validator=member_of(DisallowedDevices)
    )


class UnsupportedByAppsWarning(UserWarning):
    """A policy whose codes popular apps compute wrongly: an algorithm, digits or a period that they ignore.

    Google Authenticator on Android, Microsoft Authenticator, Authy and others show codes of SHA1, 6 digits and 30
    seconds whatever a key URI says, and such a bind is never confirmed. Where all users have an app that heeds the URI:
    ``warnings.simplefilter("ignore", UnsupportedByAppsWarning)``.
    """


@attrs.frozen(kw_only=True)
class TOTPPolicy:
    """Parameters of virtual devices and of the verification of their codes.

    Attributes:
        algorithm, digits, period: of new devices; a bound device keeps its own. Others than the defaults are warned of
            (`UnsupportedByAppsWarning`): popular apps ignore them.
        backward, forward: steps accepted besides the current one, 0 to 2 each.
        codes: how many consecutive codes confirm a bind, 1 or 2.
        drift: steps that a resync may set, 0 to 10.
    """

    algorithm: Algorithm = attrs.field(default=Algorithm.SHA1, validator=member_of(Algorithm))
    digits: int = attrs.field(default=6, validator=whole(6, 8))
    period: int = attrs.field(default=30, validator=whole(1, MAX_PERIOD))
    backward: int = attrs.field(default=1, validator=whole(0, MAX_WINDOW))
    forward: int = attrs.field(default=1, validator=whole(0, MAX_WINDOW))
    codes: int = attrs.field(default=1, validator=whole(1, 2))
    drift: int = attrs.field(default=MAX_DRIFT, validator=whole(0, MAX_DRIFT))

    def __attrs_post_init__(self) -> None:
        unusual = {"algorithm": self.algorithm is not Algorithm.SHA1, "digits": self.digits != 6}
        unusual["period"] = self.period != 30
        names = [name for name, differs in unusual.items() if differs]
        if names:
            warn_caller(
                f"popular authenticator apps ignore {', '.join(names)} in a key URI, and show codes of SHA1, 6 digits "
                "and 30 seconds, which never pass: see UnsupportedByAppsWarning",
                UnsupportedByAppsWarning,
            )

    @property
    def window(self) -> int:
        """The number of steps accepted at one time."""
        return self.backward + 1 + self.forward


@attrs.frozen(kw_only=True)
class ThrottlePolicy:
    """Limits on wrong codes: they can be set, never switched off.

    Attributes:
        free_attempts: consecutive wrong codes of a device without a delay.
        first_delay, max_delay: seconds that the gate stays closed after that, doubling from one to the other.
        max_per_day: wrong codes per account in any rolling 24 hours, which a success does not reset.
        max_consecutive: consecutive wrong codes that disable a device until it is unbound and bound again.
    """

    free_attempts: int = attrs.field(default=5, validator=whole(1, MAX_CONSECUTIVE))
    first_delay: float = attrs.field(default=30, validator=number(1, DAY))
    max_delay: float = attrs.field(default=HOUR, validator=number(1, DAY))
    max_per_day: int = attrs.field(default=20, validator=whole(1, 1_000))
    max_consecutive: int = attrs.field(default=MAX_CONSECUTIVE, validator=whole(1, MAX_CONSECUTIVE))

    def __attrs_post_init__(self) -> None:
        if self.max_delay < self.first_delay:
            raise ValueError("ThrottlePolicy.max_delay must be at least first_delay")

    def delay(self, failures: int) -> float:
        """Return for how many seconds the gate closes after the ``failures``-th consecutive wrong code."""
        if failures < self.free_attempts:
            return 0
        return min(self.first_delay * float(1 << min(failures - self.free_attempts, 64)), self.max_delay)


@attrs.frozen(kw_only=True)
class RememberMachine:
    """Rules for remembered machines: the MFA step of a logon is skipped on them.

    NIST SP 800-63B-4 section 5.1 does not accept that in place of authentication at AAL2 beyond 24 hours
    (requirement B15); it is not allowed unless a policy holds this value.

    Attributes:
        lifetime: seconds, absolute, from the proof on; 7 days by default, 90 days at the most.
        max_machines: machines per user, 1 to 32; the oldest goes.
    """

    lifetime: float = attrs.field(default=7 * DAY, validator=number(1, 90 * DAY))
    max_machines: int = attrs.field(default=10, validator=whole(1, 32))


@attrs.frozen(kw_only=True)
class KnownBrowsers:
    """Rules that distinguish a browser that has proved a logon from one that has not, so that the owner gets in.

    Whoever has a user's password can send wrong codes all day. Those of new browsers close the gate for new browsers
    only: a known browser skips nothing, but its codes have a gate of their own, without delays.

    Attributes:
        lifetime: seconds for which a browser is known after a logon's proof; 90 days by default and at the most.
        max_per_token: wrong codes of one known browser in any rolling 24 hours; beyond it counts as a new browser.
        max_per_day: wrong codes of all known browsers of an account in any rolling 24 hours.
        closes_at: consecutive wrong codes of a device at which the gate of new browsers closes, below
            `ThrottlePolicy.max_consecutive`: so no new browser disables a device. It opens again with any success.
        max_unforgiven: wrong codes of new browsers from which ``beyond`` applies; one of them is forgiven a week.
        beyond: what is then asked of a new browser: two consecutive codes at once; or its gate stays closed; or the
            device is disabled.
    """

    lifetime: float = attrs.field(default=90 * DAY, validator=number(HOUR, 90 * DAY))
    max_per_token: int = attrs.field(default=3, validator=whole(1, 20))
    max_per_day: int = attrs.field(default=20, validator=whole(1, 1_000))
    closes_at: int = attrs.field(default=80, validator=whole(1, MAX_CONSECUTIVE - 1))
    max_unforgiven: int = attrs.field(default=60, validator=whole(1, MAX_CONSECUTIVE))
    beyond: NewBrowserRule = attrs.field(default=NewBrowserRule.TWO_CODES, validator=member_of(NewBrowserRule))


_LIFETIME: Final = number(1, 10 * MINUTE)


@attrs.frozen(kw_only=True)
class Lifetimes:
    """Lifetimes of what is handed out, in seconds.

    Attributes:
        challenge: of a logon or step-up.
        enrolment: the right to bind at logon.
        offer: from an offer to its confirmation; 10 minutes at the most (requirement B9).
        receipt: of a step-up.
        password: of a first-factor ticket: how long a password check resumes a logon, or binds a first device.
    """

    challenge: float = attrs.field(default=5 * MINUTE, validator=_LIFETIME)
    enrolment: float = attrs.field(default=10 * MINUTE, validator=_LIFETIME)
    offer: float = attrs.field(default=10 * MINUTE, validator=_LIFETIME)
    receipt: float = attrs.field(default=5 * MINUTE, validator=_LIFETIME)
    password: float = attrs.field(default=10 * MINUTE, validator=_LIFETIME)

    @property
    def longest(self) -> float:
        """The longest lifetime of a ticket, an offer or a receipt, in seconds."""
        return max(self.challenge, self.enrolment, self.offer, self.receipt, self.password)
