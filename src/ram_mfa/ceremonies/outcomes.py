# SPDX-License-Identifier: Apache-2.0
"""Outcomes of verbs: frozen values in closed unions, with no secret in any repr.

`NotRequired`, `Remembered` and `Proof`, and no other outcome, carry ``.user``: an application that logs on
``outcome.user`` and nothing else lets a type checker catch a forgotten case. Match an outcome by its type; every one
is truthy, so that ``if bound.proof:`` tests whether there is one.
"""

from __future__ import annotations

import enum
from typing import Any, ClassVar

import attrs

from .._secret import SecretText
from .._validation import name, optional, text
from ..refusals import Challenge, Kind, Ticket


@attrs.frozen
class Operation:
    """A sensitive operation of the application, such as ``Operation("server.delete", "i-0815")``.

    Attributes:
        name: what is to be done, 1 to 200 printable characters; names that begin with ``mfa.`` are the library's own.
        subject: what it is to be done to, at most 4,096 characters, or None.
    """

    BIND: ClassVar[Operation]
    UNBIND: ClassVar[Operation]
    RENAME: ClassVar[Operation]
    RESYNC: ClassVar[Operation]
    MACHINES: ClassVar[Operation]
    ADMINISTER: ClassVar[Operation]

    name: str = attrs.field(validator=name(200))
    subject: str | None = attrs.field(default=None, validator=optional(text()))


Operation.BIND = Operation("mfa.bind")
Operation.UNBIND = Operation("mfa.unbind")
Operation.RENAME = Operation("mfa.rename")
Operation.RESYNC = Operation("mfa.resync")
Operation.MACHINES = Operation("mfa.machines")
Operation.ADMINISTER = Operation("mfa.administer")


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
    """

    user: str
    why: str


@attrs.frozen
class Remembered:
    """The MFA step of this logon is skipped on a remembered machine.

    Attributes:
        user: whom to log on.
        machine: the id of the machine.
        until: when it is forgotten, seconds since the epoch.
    """

    user: str
    machine: str
    until: float


@attrs.frozen
class Proof:
    """The outcome of a successful proof. It is never an argument: later verbs take its ``receipt``, and verify it.

    Attributes:
        user: the user id of who proved themselves.
        purpose: a logon or a step-up.
        operation: the operation of a step-up, else None.
        device: the id of the device.
        kind: its kind.
        at: seconds since the epoch.
        phishing_resistant: whether the evidence was bound to the site; never for a code (NIST SP 800-63B-4, 3.2.5).
        machine: the token for this machine's cookie where one was asked for and allowed, else None.
        receipt: opaque; `SpendReceipt`, `Owner` and `Administrator` take a step-up's; no verb takes a logon's.
    """

    user: str
    purpose: ProofOf
    operation: Operation | None
    device: str
    kind: Kind
    at: float
    phishing_resistant: bool
    machine: SecretText | None = attrs.field(repr=False)
    receipt: SecretText = attrs.field(repr=False)


Admission = NotRequired | Remembered | Proof


@attrs.frozen
class MustBind:
    """MFA is required and no device is bound: the user may bind one, and nothing else.

    Attributes:
        id: the enrolment ticket, for ``Enrolment(id, session=...)``.
        kinds: the kinds to choose from.
        expires_at: seconds since the epoch.
    """

    id: Ticket
    kinds: tuple[Kind, ...]
    expires_at: float


LogonStart = NotRequired | Remembered | MustBind | Challenge


@attrs.frozen
class VirtualDeviceOffer:
    """The data that an authenticator app needs to hold the device; nothing is bound yet.

    Attributes:
        id: the ticket that `ConfirmVirtualDevice` takes.
        key_uri: the otpauth URI, for the QR code.
        setup_key: the secret in groups of four, to type.
        account_name: the account name, to type with it.
        codes: how many consecutive codes confirm the bind.
        expires_at: seconds since the epoch.
    """

    id: Ticket
    key_uri: SecretText = attrs.field(repr=False)
    setup_key: SecretText = attrs.field(repr=False)
    account_name: str
    codes: int
    expires_at: float


@attrs.frozen
class SecurityKeyOffer:
    """The request with which a browser or a legacy client registers a security key; nothing is bound yet.

    Attributes:
        id: the ticket that `ConfirmSecurityKey` takes.
        options: WebAuthn creation options, bare and JSON-ready, for ``parseCreationOptionsFromJSON``.
        u2f: the U2F JavaScript API's register request, where the relying party has an AppID; else None.
        expires_at: seconds since the epoch.
    """

    id: Ticket
    options: dict[str, Any] = attrs.field(repr=False)
    u2f: dict[str, Any] | None = attrs.field(repr=False)
    expires_at: float
