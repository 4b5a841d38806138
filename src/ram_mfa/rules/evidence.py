# SPDX-License-Identifier: Apache-2.0
"""Evidence of a second factor, and its verification: every path to a proof goes through this module (V11).

A wrong code counts against the throttle; a right one consumes its time step. A security key's answer spends its
ticket, right or wrong. The constructors accept whatever people typed or browsers sent, without raising.
"""

from __future__ import annotations

from typing import Any, Final

import attrs

from .._secret import SecretText
from .._validation import instance_of
from ..account import Account, Device, VirtualMFADevice
from ..context import Context
from ..events import Event, EventType
from ..refusals import Kind, Reason, Refusal
from . import fields, security_key_check, unforgiven
from .browser_tokens import Sender
from .devices import is_allowed, select_device
from .throttle import CODES_OF_NEW_BROWSERS, count_wrong, find_gate
from .tickets import Opened, spend, spend_failed
from .totp_check import match_one, match_pair, with_accepted
from .verb import Transition, refused


@attrs.frozen
class TOTPCode:
    """The code that an authenticator app shows.

    Attributes:
        code: as typed.
        device: the id of the virtual device; needed where several are bound.
    """

    code: SecretText = attrs.field(converter=fields.as_typed, repr=False)
    device: str | None = attrs.field(default=None, validator=fields.is_optional_text)


@attrs.frozen
class TOTPCodes:
    """Two consecutive codes that an authenticator app showed, where a challenge asks for two (`Challenge.codes`).

    Attributes:
        codes: as typed, in the order in which the app showed them.
        device: the id of the virtual device; needed where several are bound.
    """

    codes: tuple[SecretText, ...] = attrs.field(converter=fields.as_codes, repr=False)
    device: str | None = attrs.field(default=None, validator=fields.is_optional_text)


@attrs.frozen
class Assertion:
    """A security key's answer through WebAuthn.

    Attributes:
        response: the JSON of the browser's ``PublicKeyCredential``, as text or as a dict.
    """

    response: Any = attrs.field(repr=False)


@attrs.frozen
class U2FSignature:
    """A security key's answer through the U2F JavaScript API's messages, from a native or legacy client.

    Attributes:
        response: the JSON of the sign response, as text or as a dict.
    """

    response: Any = attrs.field(repr=False)


Evidence = TOTPCode | TOTPCodes | Assertion | U2FSignature
is_evidence: Final = instance_of(TOTPCode, TOTPCodes, Assertion, U2FSignature)
"""The validator of ``evidence``: it checks the class only, not the content."""


@attrs.frozen
class Accepted:
    """Valid evidence.

    Attributes:
        account: the next account, with the code or ticket spent.
        device: the device used, in its new state.
    """

    account: Account
    device: Device


def verify_evidence(
    evidence: Evidence, account: Account, context: Context, ticket: Opened, sender: Sender
) -> Accepted | Transition[Any]:
    """Return the account with valid evidence spent, or the transition of the refusal.

    Args:
        evidence: a code, or a security key's answer.
        account: the account as it is.
        context: policy, time, entropy and the root record.
        ticket: the challenge that it answers.
        sender: the browser that sends it, which selects the gate for codes.
    """
    if isinstance(evidence, TOTPCode | TOTPCodes):
        return _verify_code(evidence, account, context, ticket, sender)
    if isinstance(evidence, Assertion | U2FSignature):
        return _verify_key(evidence, account, context, ticket)
    return refused(account, context, Reason.WRONG_EVIDENCE)


def _verify_code(
    evidence: TOTPCode | TOTPCodes, account: Account, context: Context, ticket: Opened, sender: Sender
) -> Accepted | Transition[Any]:
    virtual = tuple([device for device in account.devices if isinstance(device, VirtualMFADevice)])
    knows_browsers = context.policy.known_browsers is not None
    if not virtual or (isinstance(evidence, TOTPCodes) and not knows_browsers):
        return refused(account, context, Reason.WRONG_EVIDENCE)
    device = select_device(virtual, evidence.device)
    if isinstance(device, Reason):
        return refused(account, context, device)
    if not is_allowed(device, context.policy):
        return refused(account, context, Reason.DEVICE_NOT_ALLOWED, device=device.id)
    gate = find_gate(account, device, context, sender)
    if gate.refusal is not None:
        return refused(account, context, gate.refusal, device=device.id)
    if isinstance(evidence, TOTPCode):
        if gate.codes != 1:  # not even compared: the answer is the same for a right code and for a wrong one
            return refused(account, context, Reason.TWO_CODES_NEEDED, device=device.id)
        sent = 1
        step, why_not = match_one(device, evidence.code, context)
    else:
        sent = CODES_OF_NEW_BROWSERS
        step, why_not = match_pair(device, evidence.codes, context)
    if step is None:
        counted, refusal, events = count_wrong(account, device, context, sender, gate, codes=sent)
        return refused(counted, context, refusal, device=device.id, events=events)
    if why_not is not None:
        # A code of a spent time step never passes, so replaying it is not a guess: nothing is counted or written.
        return refused(account, context, why_not, device=device.id)
    accepted, floor = with_accepted(device.accepted, device.floor, *range(step - sent + 1, step + 1))
    used = attrs.evolve(
        device,
        last_step=step,
        accepted=accepted,
        floor=floor,
        failures=0,
        closed_until=0,
        last_used_at=context.now,
    )
    if knows_browsers and not gate.known:
        account = unforgiven.forgive_session(account, context, sender.session)
    return Accepted(spend(account, context, ticket.stamp, device=used), used)


def _verify_key(
    evidence: Assertion | U2FSignature, account: Account, context: Context, ticket: Opened
) -> Accepted | Transition[Any]:
    keys = [device for device in account.devices if device.kind is Kind.SECURITY_KEY]
    if not keys:
        return refused(account, context, Reason.WRONG_EVIDENCE)
    party = context.policy.relying_party
    if party is None or not any(is_allowed(key, context.policy) for key in keys):
        return refused(account, context, Reason.DEVICE_NOT_ALLOWED)
    if isinstance(evidence, Assertion):
        answer = security_key_check.check_assertion(evidence.response, account, context, party, ticket.challenge)
    else:
        answer = security_key_check.check_u2f_signature(evidence.response, account, context, party, ticket.challenge)
    if isinstance(answer, security_key_check.ValidAnswer):
        used = attrs.evolve(answer.key, last_used_at=context.now)
        return Accepted(spend(account, context, ticket.stamp, device=used), used)

    after = spend_failed(account, context, ticket.stamp)
    if not isinstance(after, Account):
        return refused(account, context, Refusal(Reason.THROTTLED, after))
    device: str | None = None
    events: tuple[Event, ...] = ()
    if answer.cloned is not None:
        device = answer.cloned.id
        after = attrs.evolve(after.with_device(attrs.evolve(answer.cloned, cloned_at=context.now)), machines=())
        events = (context.event(EventType.KEY_CLONED, device=device),)
    return refused(after, context, answer.refusal, device=device, events=events)
