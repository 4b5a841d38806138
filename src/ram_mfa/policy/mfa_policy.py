# SPDX-License-Identifier: Apache-2.0
"""`MFAPolicy`: one frozen value that governs bind, logon, unbind and remember, and says why.

The service's own rules are `MFAPolicy.ram`; NIST SP 800-63B-4 and AWS IAM have presets too. A combination
whose guess probability is above the bound cannot be built.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final, Self

import attrs

from .._validation import instance_of, member_of, number, optional, text, whole
from ..errors import MalformedMessage
from ..otp import KeyURI
from ..refusals import Kind
from .decision import Decision, PolicyRule
from .recovery_codes import RecoveryCodes
from .relying_party import RelyingParty
from .security_keys import SecurityKeyPolicy
from .values import (
    DAY,
    AdministratorProof,
    DevicePolicy,
    DisallowedDevices,
    KindRule,
    KnownBrowsers,
    Lifetimes,
    RememberMachine,
    Requirement,
    SelfManagement,
    ThrottlePolicy,
    TOTPPolicy,
    UnknownUsers,
)

GUESS_BOUND: Final = Fraction(3, 10_000)
"""The highest probability of a successful guess per account in 24 hours, RFC 4226's modulo bias left out."""
MAX_CLOCK_SKEW: Final = 300


def _yes(rule: PolicyRule, reason: str) -> Decision:
    return Decision(allowed=True, rule=rule, reason=reason)


def _no(rule: PolicyRule, reason: str) -> Decision:
    return Decision(allowed=False, rule=rule, reason=reason)


_KEPT: Final = _yes(PolicyRule.DISALLOWED, "bound devices are kept whatever the policy allows to be bound")
_ALLOWED: Final = _yes(PolicyRule.DISALLOWED, "the policy allows this kind and model")


def guess_probability(*, digits: int, window: int, max_per_day: int) -> Fraction:
    """Return the probability that guessing for 24 hours at one account meets a code.

    Args:
        digits: of a code.
        window: steps accepted at one time.
        max_per_day: wrong codes allowed in any 24 hours.
    """
    return Fraction(max_per_day * window, 10**digits)


@attrs.frozen(kw_only=True)
class MFAPolicy:
    """The administrator's decisions.

    Attributes:
        issuer: the name that authenticator apps show; 1 to 64 characters, no colon, no control characters.
        relying_party: the site that security keys are bound to; None where no security key may be bound.
        requirement: of whom MFA is required at logon.
        unknown_users: the outcome of a logon of a user without a record.
        devices, totp, throttle, lifetimes, security_keys: see there.
        self_management: whether users manage their own devices.
        administrator_proof: whether administrators prove themselves for each action.
        remember: how machines are remembered; None: not allowed.
        known_browsers: how known browsers are distinguished from new ones; None: they are not.
        recovery_codes: how recovery codes are made and used; None: there are none.
        outbox: how many undelivered events a record holds; 0: events are reported once and not stored.
        clock_skew: the largest difference between the clocks of the application's hosts, in seconds.
    """

    issuer: str = attrs.field(validator=text(1, 64))
    relying_party: RelyingParty | None = attrs.field(default=None, validator=optional(instance_of(RelyingParty)))
    requirement: Requirement = attrs.field(default=Requirement.PER_USER, validator=member_of(Requirement))
    unknown_users: UnknownUsers = attrs.field(default=UnknownUsers.REFUSE, validator=member_of(UnknownUsers))
    devices: DevicePolicy = attrs.field(default=DevicePolicy(), validator=instance_of(DevicePolicy))
    totp: TOTPPolicy = attrs.field(default=TOTPPolicy(), validator=instance_of(TOTPPolicy))
    throttle: ThrottlePolicy = attrs.field(default=ThrottlePolicy(), validator=instance_of(ThrottlePolicy))
    self_management: SelfManagement = attrs.field(default=SelfManagement.ALLOWED, validator=member_of(SelfManagement))
    administrator_proof: AdministratorProof = attrs.field(
        default=AdministratorProof.NOT_ASKED, validator=member_of(AdministratorProof)
    )
    remember: RememberMachine | None = attrs.field(default=None, validator=optional(instance_of(RememberMachine)))
    known_browsers: KnownBrowsers | None = attrs.field(default=None, validator=optional(instance_of(KnownBrowsers)))
    recovery_codes: RecoveryCodes | None = attrs.field(default=None, validator=optional(instance_of(RecoveryCodes)))
    lifetimes: Lifetimes = attrs.field(default=Lifetimes(), validator=instance_of(Lifetimes))
    security_keys: SecurityKeyPolicy = attrs.field(
        default=SecurityKeyPolicy(), validator=instance_of(SecurityKeyPolicy)
    )
    outbox: int = attrs.field(default=0, validator=whole(0, 256))
    clock_skew: float = attrs.field(default=60, validator=number(0, MAX_CLOCK_SKEW))

    def __attrs_post_init__(self) -> None:
        try:
            KeyURI("totp", self.issuer, "account", bytes(16))
        except MalformedMessage as error:
            raise ValueError(f"MFAPolicy.issuer cannot stand in a key URI: {error.problem}") from None
        if self.requirement is Requirement.NOBODY and self.unknown_users is UnknownUsers.MUST_BIND:
            # Begun and broken off, such a bind leaves a record of a user of whom MFA is not required
            raise ValueError("where MFA is required of nobody, users without a record cannot be made to bind")
        known = self.known_browsers
        if known is not None and known.closes_at >= self.throttle.max_consecutive:
            raise ValueError("KnownBrowsers.closes_at must be below ThrottlePolicy.max_consecutive")
        if not self.guessable_device_allowed(digits=self.totp.digits):
            raise ValueError(
                f"a guess would succeed with probability {float(self.guess_probability):.1e} a day: "
                f"fewer wrong codes per day, a narrower window or more digits bring it to {float(GUESS_BOUND):.0e}"
            )

    # Presets

    @classmethod
    def ram(cls, *, issuer: str, **choices: Any) -> Self:
        """Return the rules of the Resource Access Management service.

        MFA is required per user; one kind of device per user and one device of it; users manage their own; one code
        confirms; no machine is remembered unless ``remember=RememberMachine()`` says so.

        Args:
            issuer: the name that authenticator apps show.
            choices: any other attribute of `MFAPolicy`.
        """
        return cls(issuer=issuer, **choices)

    @classmethod
    def nist_aal2(cls, *, issuer: str, **choices: Any) -> Self:
        """Return rules in the sense of NIST SP 800-63B-4 at AAL2.

        MFA is required of everybody, several devices of one kind may be bound, and a machine is remembered for 24
        hours at the most (sections 2.2.3 and 5.1; requirements B10, B15).
        """
        rules: dict[str, Any] = {
            "requirement": Requirement.EVERYBODY,
            "devices": DevicePolicy(max_devices=5),
            "totp": TOTPPolicy(codes=2),
        }
        policy = cls(issuer=issuer, **(rules | choices))
        if policy.remember is not None and policy.remember.lifetime > DAY:
            raise ValueError("at AAL2 a machine is remembered for 24 hours at the most")
        return policy

    @classmethod
    def aws(cls, *, issuer: str, **choices: Any) -> Self:
        """Return rules in the manner of AWS IAM: up to eight devices of any mix, two consecutive codes confirm."""
        rules: dict[str, Any] = {
            "devices": DevicePolicy(rule=KindRule.ANY_MIX, max_devices=8),
            "totp": TOTPPolicy(codes=2),
        }
        return cls(issuer=issuer, **(rules | choices))

    # Questions

    @property
    def guess_probability(self) -> Fraction:
        """The probability that guessing for 24 hours meets a code of a device bound under this policy."""
        return guess_probability(digits=self.totp.digits, window=self.totp.window, max_per_day=self._wrong_codes)

    @property
    def _wrong_codes(self) -> int:
        """The most wrong codes in 24 hours; with known browsers, a new password allows new browsers theirs twice."""
        new, known = self.throttle.max_per_day, self.known_browsers
        return new if known is None else 2 * new + known.max_per_day

    def guessable_device_allowed(self, *, digits: int) -> bool:
        """Return whether a device of so many digits stays below the bound."""
        window = self.totp.window
        return guess_probability(digits=digits, window=window, max_per_day=self._wrong_codes) <= GUESS_BOUND

    def wrong_codes_per_day(self, *, digits: int) -> int:
        """Return how many wrong codes are allowed in 24 hours where a device of so many digits is bound.

        A device keeps its digits when the policy asks for more, so that the bound on guessing is met by fewer codes.
        With known browsers, these are the codes of new ones.
        """
        bound = int(GUESS_BOUND * 10**digits / self.totp.window)
        return min(self.throttle.max_per_day, bound if self.known_browsers is None else bound // 3)

    def wrong_codes_of_known_browsers(self, *, digits: int) -> int:
        """Return how many wrong codes of known browsers are allowed in 24 hours, as for `wrong_codes_per_day`."""
        if self.known_browsers is None:
            return 0
        bound = int(GUESS_BOUND * 10**digits / self.totp.window)
        return min(self.known_browsers.max_per_day, bound - 2 * self.wrong_codes_per_day(digits=digits))

    def require_relying_party(self) -> RelyingParty:
        """Return the relying party, where `may_use` has allowed security keys.

        Raises:
            LookupError: the policy names none.
        """
        if self.relying_party is None:
            raise LookupError("the policy names no relying party")
        return self.relying_party

    def kinds(self) -> tuple[Kind, ...]:
        """Return the kinds that may be bound, in the order of `Kind`; security keys need a relying party."""
        return tuple(kind for kind in Kind if self.may_use(kind).allowed)

    def may_use(self, kind: Kind) -> Decision:
        """Decide whether devices of a kind may be bound at all."""
        if kind not in self.devices.kinds:
            return _no(PolicyRule.KIND, f"the policy does not allow a {kind.value}")
        if kind is Kind.SECURITY_KEY and self.relying_party is None:
            return _no(PolicyRule.RELYING_PARTY, "the policy names no relying party for security keys")
        return _yes(PolicyRule.KIND, f"the policy allows a {kind.value}")

    def may_answer(self, kind: Kind, *, models: tuple[str, ...] = (), through_u2f: bool = False) -> Decision:
        """Decide whether a bound device may answer; how an attestation was verified at its bind is not asked again.

        Args:
            kind: of the device.
            models: the names of its model that a security key's attestation proved.
            through_u2f: whether it is a security key that was registered through U2F.
        """
        if kind is Kind.SECURITY_KEY and self.relying_party is None:
            return self.may_use(kind)
        if through_u2f and self.security_keys.verifies_users:
            return _no(PolicyRule.USER_VERIFICATION, "a key registered through U2F cannot verify its user")
        if self.devices.disallowed is DisallowedDevices.KEEP:
            return _KEPT
        if kind not in self.devices.kinds:
            return _no(PolicyRule.DISALLOWED, f"the policy no longer allows a {kind.value}")
        attestation = self.security_keys.attestation
        accepted, denied = attestation.accepted, attestation.denied
        if kind is Kind.SECURITY_KEY and (
            not denied.isdisjoint(models) or (accepted is not None and accepted.isdisjoint(models))
        ):
            return _no(PolicyRule.DISALLOWED, "the policy no longer allows this model")
        return _ALLOWED

    def may_bind(self, kind: Kind, *, bound: tuple[Kind, ...]) -> Decision:
        """Decide whether one more device of a kind may be bound besides those of the kinds in ``bound``."""
        usable = self.may_use(kind)
        if not usable.allowed:
            return usable
        if self.devices.rule is not KindRule.ANY_MIX and any(other is not kind for other in bound):
            return _no(PolicyRule.ONE_KIND, "one kind of device per user: unbind first to change kinds")
        if len(bound) >= self.devices.max_devices:
            return _no(PolicyRule.MAX_DEVICES, f"{self.devices.max_devices} bound, as many as the policy allows")
        return _yes(PolicyRule.MAX_DEVICES, f"{len(bound)} of {self.devices.max_devices} bound")

    def must_use_mfa(self, *, required: bool) -> Decision:
        """Decide whether MFA is required at logon of a user with that setting; ``allowed`` means: it is required."""
        if self.requirement is Requirement.NOBODY:
            return _no(PolicyRule.REQUIRED_OF_NOBODY, "MFA is required of nobody")
        if self.requirement is Requirement.PER_USER and not required:
            return _no(PolicyRule.REQUIRED_PER_USER, "no administrator requires MFA of this user")
        if self.requirement is Requirement.PER_USER:
            return _yes(PolicyRule.REQUIRED_PER_USER, "an administrator requires MFA of this user")
        return _yes(PolicyRule.REQUIRED_OF_EVERYBODY, "MFA is required of everybody")

    def may_manage_self(self) -> Decision:
        """Decide whether users manage their own devices."""
        if self.self_management is SelfManagement.ALLOWED:
            return _yes(PolicyRule.SELF_MANAGED, "users manage their own devices")
        return _no(PolicyRule.NOT_SELF_MANAGED, "only an administrator manages devices")

    def may_remember(self) -> Decision:
        """Decide whether a machine may be remembered."""
        if self.remember is None:
            return _no(PolicyRule.NOT_REMEMBERED, "the policy remembers no machine")
        return _yes(PolicyRule.REMEMBERED, f"a machine is remembered for {self.remember.lifetime:g} seconds")
