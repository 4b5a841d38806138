# SPDX-License-Identifier: Apache-2.0
"""Functions that bind a device, or log on with one, in one call, for tests whose subject is something else.

Each function is a plan of verbs, which one of two short drivers performs: for `MFA` or for `AsyncMFA`. Everything is
bound and proved by the verbs that an application performs.
"""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from typing import Any, TypeVar, overload

from .._secret import SecretText
from ..ceremonies import (
    Actor,
    Administrator,
    Assertion,
    BeginLogon,
    BeginStepUp,
    ConfirmSecurityKey,
    ConfirmVirtualDevice,
    Evidence,
    FinishLogon,
    FinishStepUp,
    MakeRecoveryCodes,
    OfferSecurityKey,
    OfferVirtualDevice,
    Operation,
    Owner,
    Proof,
    RecoveryCodeSheet,
    TOTPCode,
    Verb,
)
from ..mfa import MFA, AsyncMFA, new_session
from ..policy import MFAPolicy
from ..refusals import Challenge, Reason, Refused
from .authenticator_app import AuthenticatorApp
from .security_key import SoftSecurityKey

T = TypeVar("T")
Device = AuthenticatorApp | SoftSecurityKey
_Plan = Generator[Verb[Any], Any, T]
"""Generator that yields verbs, and is sent their outcomes or thrown their refusals."""

_ADMINISTRATOR = Administrator("the test")


@overload
def enrolled(mfa: MFA, user: str, *, by: Actor = ..., name: str | None = ...) -> AuthenticatorApp: ...
@overload
def enrolled(
    mfa: AsyncMFA, user: str, *, by: Actor = ..., name: str | None = ...
) -> Coroutine[Any, Any, AuthenticatorApp]: ...
def enrolled(
    mfa: MFA | AsyncMFA, user: str, *, by: Actor = _ADMINISTRATOR, name: str | None = None
) -> AuthenticatorApp | Coroutine[Any, Any, AuthenticatorApp]:
    """Bind a virtual device, and return the phone that holds it; await the result where ``mfa`` is an `AsyncMFA`.

    The bind consumes the oldest codes that the policy accepts. So where the policy accepts the previous code, and asks
    for one code at binding, the present code still logs on.

    Args:
        mfa: where it is bound.
        user: the user id; a record is opened where there is none.
        by: the actor who binds; an administrator without a receipt where left out.
        name: the device's name.

    Raises:
        Refused: the policy does not allow it.
    """
    return _performed(mfa, user, _enrolling(_policy(mfa), _now(mfa), user, by, name))


@overload
def enrolled_key(
    mfa: MFA, user: str, *, key: SoftSecurityKey | None = ..., by: Actor = ..., name: str | None = ...
) -> SoftSecurityKey: ...
@overload
def enrolled_key(
    mfa: AsyncMFA, user: str, *, key: SoftSecurityKey | None = ..., by: Actor = ..., name: str | None = ...
) -> Coroutine[Any, Any, SoftSecurityKey]: ...
def enrolled_key(
    mfa: MFA | AsyncMFA,
    user: str,
    *,
    key: SoftSecurityKey | None = None,
    by: Actor = _ADMINISTRATOR,
    name: str | None = None,
) -> SoftSecurityKey | Coroutine[Any, Any, SoftSecurityKey]:
    """Bind a security key on the first of the policy's origins, and return it; await where ``mfa`` is an `AsyncMFA`.

    Args:
        mfa: where it is bound.
        user: the user id; a record is opened where there is none.
        key: the key; a new U2F key where left out.
        by: the actor who binds; an administrator without a receipt where left out.
        name: the device's name.

    Raises:
        Refused: the policy does not allow it.
    """
    return _performed(mfa, user, _enrolling_key(_policy(mfa), user, key or SoftSecurityKey(), by, name))


@overload
def proved(
    mfa: MFA, user: str, device: Device, *, operation: Operation | None = ..., session: str | None = ...
) -> Proof: ...
@overload
def proved(
    mfa: AsyncMFA, user: str, device: Device, *, operation: Operation | None = ..., session: str | None = ...
) -> Coroutine[Any, Any, Proof]: ...
def proved(
    mfa: MFA | AsyncMFA,
    user: str,
    device: Device,
    *,
    operation: Operation | None = None,
    session: str | None = None,
) -> Proof | Coroutine[Any, Any, Proof]:
    """Log on, or step up, with a device, and return the proof; await the result where ``mfa`` is an `AsyncMFA`.

    The phone sends the first unused code, from the present one on. Once the newest code that the policy accepts is
    used, advance the clock.

    Args:
        mfa: where the device is bound.
        user: the user id.
        device: the result of `enrolled` or `enrolled_key`; the user's only device.
        operation: the sensitive operation to step up for; None logs on.
        session: the application's session string; a new one where left out.

    Raises:
        Refused: the evidence was refused.
    """
    return _performed(mfa, user, _proving(_policy(mfa), _now(mfa), device, operation, session))


@overload
def recovery_sheet(mfa: MFA, user: str, device: Device) -> RecoveryCodeSheet: ...
@overload
def recovery_sheet(mfa: AsyncMFA, user: str, device: Device) -> Coroutine[Any, Any, RecoveryCodeSheet]: ...
def recovery_sheet(
    mfa: MFA | AsyncMFA, user: str, device: Device
) -> RecoveryCodeSheet | Coroutine[Any, Any, RecoveryCodeSheet]:
    """Make recovery codes after a step-up with a device; await the result where ``mfa`` is an `AsyncMFA`.

    Args:
        mfa: where the device is bound, under a policy with recovery codes.
        user: the user id.
        device: as for `proved`.

    Raises:
        Refused: the evidence was refused, or the policy has no recovery codes.
    """
    return _performed(mfa, user, _making_codes(_policy(mfa), _now(mfa), device))


def _making_codes(policy: MFAPolicy, now: float, device: Device) -> _Plan[RecoveryCodeSheet]:
    session = new_session()
    proof = yield from _proving(policy, now, device, Operation.RECOVERY, session)
    sheet: RecoveryCodeSheet = yield MakeRecoveryCodes(by=Owner(proof.receipt, session=session))
    return sheet


def _enrolling(policy: MFAPolicy, now: float, user: str, by: Actor, name: str | None) -> _Plan[AuthenticatorApp]:
    session = _session_of(by)
    offer = yield OfferVirtualDevice(by, account_name=_account_name(user), name=name, session=session, create=True)
    phone = AuthenticatorApp.scan(offer.key_uri)
    oldest = policy.totp.backward + offer.codes - 1
    codes = tuple(map(SecretText, phone.codes_at(now - oldest * phone.period, offer.codes)))
    yield ConfirmVirtualDevice(codes, offer=offer.id, by=by, session=session)
    return phone


def _enrolling_key(
    policy: MFAPolicy, user: str, key: SoftSecurityKey, by: Actor, name: str | None
) -> _Plan[SoftSecurityKey]:
    session = _session_of(by)
    offer = yield OfferSecurityKey(by, account_name=_account_name(user), name=name, session=session, create=True)
    answer = key.create(offer.options, _origin(policy))
    yield ConfirmSecurityKey(answer, offer=offer.id, by=by, session=session)
    return key


def _proving(
    policy: MFAPolicy,
    now: float,
    device: Device,
    operation: Operation | None,
    session: str | None,
) -> _Plan[Proof]:
    session = session or new_session()
    asked = yield BeginLogon(session=session) if operation is None else BeginStepUp(operation, session=session)
    assert isinstance(asked, Challenge), f"no challenge: {asked!r}"

    def finish(evidence: Evidence) -> Verb[Proof]:
        if operation is None:
            return FinishLogon(asked.id, evidence, session=session)
        return FinishStepUp(asked.id, evidence, operation=operation, session=session)

    if isinstance(device, SoftSecurityKey):
        assert asked.options is not None, "the challenge is for no security key"
        proof: Proof = yield finish(Assertion(device.get(asked.options, _origin(policy))))
        return proof
    for ahead in range(policy.totp.forward):
        try:
            proof = yield finish(TOTPCode(device.code_at(now + ahead * device.period)))
        except Refused as refused:
            if refused.refusal.reason is not Reason.REPLAYED_CODE:
                raise
        else:
            return proof
    proof = yield finish(TOTPCode(device.code_at(now + policy.totp.forward * device.period)))
    return proof


def _account_name(user: str) -> str:
    """Return an account name that an app can show for any user id."""
    shown = "".join(character for character in user if character.isprintable() and character != ":").strip()
    return shown[:64].strip() or "user"


def _session_of(by: Actor) -> str:
    """Return the session that an actor's own proof belongs to, or a new one."""
    return getattr(by, "session", None) or new_session()


def _origin(policy: MFAPolicy) -> str:
    assert policy.relying_party is not None, "the policy has no relying party"
    return policy.relying_party.origins[0]


def _policy(mfa: MFA | AsyncMFA) -> MFAPolicy:
    return mfa._engine.policy()  # noqa: SLF001 - the engine has no public accessor for it


def _now(mfa: MFA | AsyncMFA) -> float:
    return mfa._engine.session.now()  # noqa: SLF001 - the phone uses the clock of its server


@overload
def _performed(mfa: MFA, user: str, plan: _Plan[T]) -> T: ...
@overload
def _performed(mfa: AsyncMFA, user: str, plan: _Plan[T]) -> Coroutine[Any, Any, T]: ...
def _performed(mfa: MFA | AsyncMFA, user: str, plan: _Plan[T]) -> T | Coroutine[Any, Any, T]:
    """Perform a plan's verbs for a user, one after the other."""
    return _awaited(mfa, user, plan) if isinstance(mfa, AsyncMFA) else _called(mfa, user, plan)


def _called(mfa: MFA, user: str, plan: _Plan[T]) -> T:
    try:
        verb = next(plan)
        while True:
            try:
                outcome = mfa.perform(user, verb)
            except Refused as refused:
                verb = plan.throw(refused)
            else:
                verb = plan.send(outcome)
    except StopIteration as done:
        value: T = done.value
        return value


async def _awaited(mfa: AsyncMFA, user: str, plan: _Plan[T]) -> T:
    try:
        verb = next(plan)
        while True:
            try:
                outcome = await mfa.perform(user, verb)
            except Refused as refused:
                verb = plan.throw(refused)
            else:
                verb = plan.send(outcome)
    except StopIteration as done:
        value: T = done.value
        return value
