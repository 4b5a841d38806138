# SPDX-License-Identifier: Apache-2.0
"""Outcomes of a logon and of a step-up: frozen values in closed unions, with no secret in any repr.

`NotRequired`, `Remembered` and `Proof`, and no other outcome, carry ``.user``: an application that logs on
``outcome.user`` and nothing else lets a type checker catch a forgotten case. Match an outcome by its type; every one
is truthy, so that ``if bound.proof:`` tests whether there is one.
"""

from __future__ import annotations

import enum

import attrs

from .._secret import SecretText
from ..policy import PolicyRule
from ..refusals import Challenge, Kind, Ticket
from .operation import Operation


class ProofOf(enum.Enum):
    """The purpose of a proof; a proof of one is never valid for another."""

    LOGON = "logon"
    STEP_UP = "step-up"


@attrs.frozen
class NotRequired:
    """No MFA at this logon.

    Attributes:
        user: whom to log on.
        why: the policy's rule that decided.
        session_mark: to keep with the user in the application's session, for `CheckSession`.
        logon: a first-factor ticket, with which `Owner.first_device` binds a device.
    """

    user: str
    why: PolicyRule
    session_mark: str = attrs.field(repr=False)
    logon: Ticket


@attrs.frozen
class Remembered:
    """The MFA step of this logon is skipped on a remembered machine.

    Attributes:
        user: whom to log on.
        machine: the id of the machine.
        until: when it is forgotten, seconds since the epoch.
        session_mark: to keep with the user in the application's session, for `CheckSession`.
    """

    user: str
    machine: str
    until: float
    session_mark: str = attrs.field(repr=False)


@attrs.frozen
class Proof:
    """The outcome of a successful proof. It is never an argument: later verbs take its ``receipt``, and verify it.

    Attributes:
        user: the user id of who proved themselves.
        purpose: a logon or a step-up.
        operation: the operation of a step-up, else None.
        device: the id of the device; None where a recovery code was used.
        kind: its kind, or None.
        at: seconds since the epoch.
        phishing_resistant: whether the evidence was bound to the site; never for a code (NIST SP 800-63B-4, 3.2.5).
        machine: the token for this machine's cookie where one was asked for and allowed, else None.
        receipt: opaque; `SpendReceipt`, `Owner` and `Administrator` take a step-up's; no verb takes a logon's.
        session_mark: of a logon: to keep with the user in the application's session, for `CheckSession`; None of a
            step-up, which begins no session.
        browser: of a logon, where the policy distinguishes known browsers: the token that makes this browser a known
            one, for `add_to_browser_cookie`; else None.
        rebind: after a recovery code: the ticket for `Rebinding`, to bind a device in place of all others; else None.
    """

    user: str
    purpose: ProofOf
    operation: Operation | None
    device: str | None
    kind: Kind | None
    at: float
    phishing_resistant: bool
    machine: SecretText | None = attrs.field(repr=False)
    receipt: SecretText = attrs.field(repr=False)
    session_mark: str | None = attrs.field(repr=False)
    browser: SecretText | None = attrs.field(repr=False, default=None)
    rebind: Ticket | None = None


Admission = NotRequired | Remembered | Proof


@attrs.frozen
class MustBind:
    """MFA is required and no device is bound: the user may bind one, and nothing else.

    Attributes:
        id: the enrolment ticket, for ``Enrolment(id, session=...)``.
        kinds: the kinds to choose from.
        expires_at: seconds since the epoch.
        logon: the first-factor ticket, with which `ResumeLogon` asks again where the page is loaded again.
    """

    id: Ticket
    kinds: tuple[Kind, ...]
    expires_at: float
    logon: Ticket


LogonStart = NotRequired | Remembered | MustBind | Challenge
