# SPDX-License-Identifier: Apache-2.0
"""What verbs hand out: frozen values, in closed unions, with no secret in any repr.

`NotRequired`, `Remembered` and `Proof`, and no other outcome, carry ``.user``: an application logs on
``outcome.user`` and nothing else, so that a type checker catches the careless ``else``.
"""

from __future__ import annotations

import enum
from typing import Any, ClassVar

import attrs

from .._secret import SecretText
from ..account import Account, Device, Machine, SecurityKey, expires_at
from ..words import Challenge, Kind, Ticket


@attrs.frozen
class Operation:
    """A sensitive operation of the application, such as ``Operation("server.delete", "i-0815")``.

    Attributes:
        name: what is to be done; names that begin with ``mfa.`` are the library's own.
        subject: what it is to be done to, or None.
    """

    BIND: ClassVar[Operation]
    UNBIND: ClassVar[Operation]
    RENAME: ClassVar[Operation]
    RESYNC: ClassVar[Operation]
    MACHINES: ClassVar[Operation]
    ADMINISTER: ClassVar[Operation]

    name: str
    subject: str | None = None

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.name, str) or not 1 <= len(self.name) <= 200:
            raise ValueError("the name of an operation is 1 to 200 characters")
        if self.subject is not None and not isinstance(self.subject, str):
            raise TypeError("the subject of an operation is a string or None")
        f"{self.name}{self.subject}".encode()  # half a character cannot be written down


Operation.BIND = Operation("mfa.bind")
Operation.UNBIND = Operation("mfa.unbind")
Operation.RENAME = Operation("mfa.rename")
Operation.RESYNC = Operation("mfa.resync")
Operation.MACHINES = Operation("mfa.machines")
Operation.ADMINISTER = Operation("mfa.administer")


class ProofOf(enum.Enum):
    """What a proof is of; one is never good for another."""

    LOGON = "logon"
    STEP_UP = "step-up"


@attrs.frozen
class NotRequired:
    """No MFA at this logon.

    Attributes:
        user: whom to log on.
        why: the policy's rule that says so.
    """

    user: str
    why: str

    def __bool__(self) -> bool:
        raise TypeError("an outcome is matched by its type, never by its truth")


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

    __bool__ = NotRequired.__bool__


@attrs.frozen
class Proof:
    """What success hands out. It is never an argument: later verbs take its ``receipt``, and verify it.

    Attributes:
        user: who proved themselves.
        purpose: what the proof is of.
        operation: the operation of a step-up, else None.
        device: the id of the device.
        kind: its kind.
        at: seconds since the epoch.
        phishing_resistant: whether the evidence was bound to the site; never for a code (NIST SP 800-63B-4, 3.2.5).
        machine: the token for this machine's cookie where one was asked for and allowed, else None.
        receipt: opaque; a step-up's is taken by `Spend` and `Owner`, a logon's by nothing.
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

    __bool__ = NotRequired.__bool__


Admission = NotRequired | Remembered | Proof


@attrs.frozen
class MustBind:
    """MFA is required and no device is bound: the user gets the right to bind one, and nothing else.

    Attributes:
        id: the enrolment ticket, for ``Enrolment(id, session=...)``.
        kinds: the kinds to choose from.
        expires_at: seconds since the epoch.
    """

    id: Ticket
    kinds: tuple[Kind, ...]
    expires_at: float

    __bool__ = NotRequired.__bool__


LogonStart = NotRequired | Remembered | MustBind | Challenge


@attrs.frozen
class DeviceView:
    """A bound device as anybody who manages it may see it.

    Attributes:
        id, name, kind: what to call it.
        bound_at, bound_by, last_used_at: seconds since the epoch, the actor, seconds since the epoch or None.
        disabled: whether too many wrong codes disabled it.
        model: what a trusted attestation says it is; else empty.
        cloned_at: when a security key's count last went back, or None.
    """

    id: str
    name: str
    kind: Kind
    bound_at: float
    bound_by: str
    last_used_at: float | None
    disabled: bool
    model: str
    cloned_at: float | None


@attrs.frozen
class Bound(DeviceView):
    """A device just bound.

    Attributes:
        proof: of the logon, where an `Enrolment` bound it; else None.
    """

    proof: Proof | None


def _facts(device: Device) -> dict[str, Any]:
    key = device if isinstance(device, SecurityKey) else None
    return {
        "id": device.id,
        "name": device.name,
        "kind": device.kind,
        "bound_at": device.bound_at,
        "bound_by": device.bound_by,
        "last_used_at": device.last_used_at,
        "disabled": device.disabled_at is not None,
        "model": key.model if key else "",
        "cloned_at": key.cloned_at if key else None,
    }


def device_view(device: Device) -> DeviceView:
    """Return what may be seen of a device."""
    return DeviceView(**_facts(device))


def bound_view(device: Device, proof: Proof | None) -> Bound:
    """Return what a bind hands out."""
    return Bound(**_facts(device), proof=proof)


@attrs.frozen
class MachineView:
    """A remembered machine as its owner may see it.

    Attributes:
        id: for `ForgetMachine`.
        label: what the user called it.
        remembered_at, expires_at: seconds since the epoch.
        this: whether it is the one whose token was presented.
    """

    id: str
    label: str
    remembered_at: float
    expires_at: float
    this: bool


def machine_view(machine: Machine, *, this: bool) -> MachineView:
    """Return what may be seen of a machine."""
    return MachineView(machine.id, machine.label, machine.remembered_at, machine.expires_at, this)


@attrs.frozen
class AccountView:
    """An account as its owner or an administrator may see it: never a secret, never a handle.

    Attributes:
        user: the user id.
        required: whether an administrator requires MFA of this user.
        must_bind: whether the next logon comes to `MustBind`.
        devices, machines: bound and remembered ones, the oldest first.
        waiting: the kinds of the open offers.
        created_at: seconds since the epoch.
    """

    user: str
    required: bool
    must_bind: bool
    devices: tuple[DeviceView, ...]
    machines: tuple[MachineView, ...]
    waiting: tuple[Kind, ...]
    created_at: float


def account_view(account: Account, *, must_bind: bool, now: float, this: bytes | None = None) -> AccountView:
    """Return what may be seen of an account; ``this`` is the digest of the presented machine's handle."""
    return AccountView(
        user=account.user,
        required=account.required,
        must_bind=must_bind,
        devices=tuple(device_view(device) for device in account.devices),
        machines=tuple(machine_view(one, this=one.digest == this) for one in account.machines if one.expires_at > now),
        waiting=tuple(offer.kind for offer in account.offers if expires_at(offer.stamp) > now * 1_000_000),
        created_at=account.created_at,
    )


@attrs.frozen
class VirtualDeviceOffer:
    """What the user needs to put the device into an authenticator app; nothing is bound yet.

    Attributes:
        id: the ticket that `ConfirmVirtualDevice` takes.
        key_uri: the otpauth URI, for the QR code.
        setup_key: the secret in groups of four, to type.
        account_name: the account, to type beside it.
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
    """What the browser or a legacy client needs to register a security key; nothing is bound yet.

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
