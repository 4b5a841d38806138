# SPDX-License-Identifier: Apache-2.0
"""The record of one user: a frozen value in which every list is bounded.

This module has no clock, policy or decision: the verbs of `ram_mfa.ceremonies` turn an `Account` into the next one, and
`ram_mfa.codec` serialises it.
"""

from __future__ import annotations

from typing import ClassVar, Final

import attrs

from ._secret import SecretBytes
from .browsers import NO_BROWSERS, Browsers
from .encoding import base64url
from .events import Event
from .otp import Algorithm
from .recovery_code_set import RecoveryCodeSet
from .refusals import Kind

MAX_DEVICES: Final = 16
MAX_OFFERS: Final = 4
MAX_SPENT: Final = 8
MAX_ACCEPTED: Final = 8
MAX_OLD_MARKS: Final = 8
MAX_MODELS: Final = 2
MAX_MACHINES: Final = 32
MAX_WRONG_CODES: Final = 1_000
MAX_EVENTS: Final = 257
"""As many as a policy's outbox holds, and the count of those that were dropped."""
OFFER_TRIES: Final = 10
MIN_SECRET: Final = 16
"""Bytes, 128 bits: RFC 4226 section 4, R6 (requirement O3)."""
MIN_SHORT_SECRET: Final = 10
"""Bytes, 80 bits: the shortest secret of an imported device, by ``unsafe_short_secret``; it is shown as weak."""
MAX_SECRET: Final = 1_024
"""Bytes; far above any that an app takes."""
OLD_MARK: Final = 16
"""Bytes kept of the digest of a password mark that was seen before."""
MAX_HANDLE: Final = 64
HISTORY: Final = 16
"""Bytes of the id of a history of the store."""
NO_EPOCH: Final = bytes(16)
"""The epoch of a user without a record, and of a record that an enrolment began, until its first bind."""

STAMP: Final = 32
"""Bytes of a stamp, which identifies one ticket: issue and expiry (8 bytes each, microseconds since the
epoch), and 16 random bytes. Stamps sort by their issue."""


def issued_at(stamp: bytes) -> int:
    """Return when the ticket of a stamp was issued, in microseconds since the epoch."""
    return int.from_bytes(stamp[:8], "big")


def expires_at(stamp: bytes) -> int:
    """Return when the ticket of a stamp expires, in microseconds since the epoch."""
    return int.from_bytes(stamp[8:16], "big")


@attrs.frozen
class VirtualMFADevice:
    """An authenticator app's entry, speaking RFC 6238.

    Attributes:
        id: 22 characters, random.
        name: as the user sees it.
        secret: at least 16 bytes, or 10 where an import allowed it by name; never handed out after the offer.
        algorithm, digits, period: the parameters it was bound with, never a global setting (requirement O6).
        last_step: the time step accepted last; -1 before the first. No logon takes a code of a step up to it. Only a
            resynchronisation lowers it, and only from a step that lies in the future (a clock was wrong).
        accepted: the highest steps of which a code was accepted, ascending; none of them is ever accepted again.
        floor: no code of a step up to it is ever accepted: it rises to each step that falls out of ``accepted``.
        drift: steps by which the app's clock is ahead; set by a resync only.
        failures: consecutive wrong codes.
        closed_until: no code is verified before that time (seconds since the epoch).
        disabled_at: when too many consecutive wrong codes disabled it, or None.
        bound_at, bound_by, last_used_at: seconds since the epoch, the actor, seconds since the epoch or None.
        history: 16 bytes, the id of the store's history in which it was bound; only losses after that concern it.
    """

    kind: ClassVar[Kind] = Kind.VIRTUAL
    id: str
    name: str
    secret: SecretBytes = attrs.field(repr=False)
    algorithm: Algorithm
    digits: int
    period: int
    last_step: int
    accepted: tuple[int, ...]
    floor: int
    drift: int
    failures: int
    closed_until: float
    disabled_at: float | None
    bound_at: float
    bound_by: str
    last_used_at: float | None
    history: bytes


@attrs.frozen
class SecurityKey:
    """A U2F or WebAuthn credential.

    Attributes:
        credential_id: the credential id, which for U2F is the key handle; 1 to 1023 bytes.
        name: as the user sees it.
        public_key: the point of a P-256 key (X9.62, 65 bytes), the COSE key of any other.
        sign_count: the highest count seen; a lower one is never stored.
        rp_id: the RP ID it was registered for, or None where it was registered through U2F.
        app_id: the AppID it was registered for through U2F, or None.
        transports: hints for the browser.
        backup_eligible: whether it may be copied, as its WebAuthn registration says; None where it was registered
            through U2F, which has no such flag.
        backup_state: whether it was copied when it was last used (``backupState`` of WebAuthn's credential record);
            None where it was registered through U2F.
        uv_initialized: whether it has ever verified its user (``uvInitialized``); False where it was registered
            through U2F.
        attestation: the attestation verdict at registration (``none``, ``self``, ``unverified`` or ``trusted``).
        models: the names of its model that its attestation proved (at most two), as `AttestationPolicy` lists them.
        cloned_at: when its sign count last went back, or None.
        disabled_at: never: wrong answers of a security key are bounded by the tickets they spend.
        bound_at, bound_by, last_used_at: as for a virtual device.
    """

    kind: ClassVar[Kind] = Kind.SECURITY_KEY
    disabled_at: ClassVar[None] = None
    credential_id: bytes
    name: str
    public_key: bytes
    sign_count: int
    rp_id: str | None
    app_id: str | None
    transports: tuple[str, ...]
    backup_eligible: bool | None
    backup_state: bool | None
    uv_initialized: bool
    attestation: str
    models: tuple[str, ...]
    cloned_at: float | None
    bound_at: float
    bound_by: str
    last_used_at: float | None

    @property
    def id(self) -> str:
        """The credential id, base64url."""
        return base64url.encode(self.credential_id)

    @property
    def model(self) -> str:
        """The model that a trusted attestation proved, or empty."""
        return self.models[-1] if self.models and self.attestation == "trusted" else ""


Device = VirtualMFADevice | SecurityKey


@attrs.frozen
class _Offered:
    """The fields of an offer of either kind.

    Attributes:
        stamp: 32 bytes, its ticket's.
        actor: 32 bytes, a digest of who asked, in which session; only the same may confirm.
        tries: wrong confirmations left.
        name, account_name: as asked for.
        history: 16 bytes, the id of the store's history in which it was made; in another one it is not open.
    """

    stamp: bytes
    actor: bytes
    tries: int
    name: str
    account_name: str
    history: bytes


@attrs.frozen
class OfferedVirtualDevice(_Offered):
    """A virtual device offered and not bound yet; it is valid for its own confirmation only.

    Attributes:
        secret, algorithm, digits, period: as for a bound one.
        codes: how many consecutive codes confirm it.
    """

    kind: ClassVar[Kind] = Kind.VIRTUAL
    secret: SecretBytes = attrs.field(repr=False)
    algorithm: Algorithm
    digits: int
    period: int
    codes: int


@attrs.frozen
class OfferedSecurityKey(_Offered):
    """A challenge for the registration of a security key; it is valid for its own confirmation only.

    Attributes:
        claimed: SHA-256 of the credential id that a confirmation claimed, or empty: it binds no other.
    """

    kind: ClassVar[Kind] = Kind.SECURITY_KEY
    claimed: bytes


Offer = OfferedVirtualDevice | OfferedSecurityKey


@attrs.frozen
class Machine:
    """A remembered machine; of its handle only the digest is kept.

    Attributes:
        digest: SHA-256 of the 256-bit handle.
        label: as the user sees it.
        remembered_at, expires_at: seconds since the epoch; absolute.
        history: 16 bytes, the id of the store's history in which it was proved; after a later loss it does not count.
        device: 16 bytes, a digest of the id of the device that proved it; without that device it does not count.
        password_mark: SHA-256 of the application's mark of the password at that time.
    """

    digest: bytes = attrs.field(repr=False)
    label: str
    remembered_at: float
    expires_at: float
    history: bytes
    device: bytes
    password_mark: bytes = attrs.field(repr=False)

    @property
    def id(self) -> str:
        """The id in lists and for `ForgetMachine`, derived from the digest, which gives no access."""
        return base64url.encode(self.digest[:12])


@attrs.frozen
class Account:
    """The record of a user.

    Attributes:
        user: the user id, checked against the store key.
        handle: WebAuthn's ``user.id``, 32 random bytes, or the 1 to 64 of an imported credential.
        epoch: 16 random bytes, new with every bind, unbind, reset and password change; tickets and receipts are
            bound to it.
        created_at: seconds since the epoch.
        required: whether an administrator requires MFA of this user.
        devices: bound ones, in the order of binding.
        offers: open ones, the oldest first.
        answered: stamps of the tickets answered rightly and of the receipts spent, in the order of spending.
        failed: stamps of the tickets answered wrongly by a security key, in that order too.
        not_before: tickets issued up to that microsecond are refused.
        machines: remembered ones, the oldest first.
        wrong: times of the wrong codes of the last 24 hours, the oldest first; those of known browsers are in
            ``browsers``.
        password_mark: digest of the last mark seen, or None.
        old_marks: the first 16 bytes of the digests of the marks seen before it, the oldest first.
        outbox: events committed and not delivered yet, the oldest first.
        moved_to: the user id that this record is being moved to, or None.
        reserved_for: the user id whose record will arrive in this place, which is no account yet; or None.
        reservation: 16 bytes: of the place that this record departed for, or that this record is; or None.
        browsers: what is counted of known and new browsers.
        recovery: the unused recovery codes, or None.
    """

    user: str
    handle: bytes
    epoch: bytes = attrs.field(repr=False)
    created_at: float
    required: bool
    devices: tuple[Device, ...]
    offers: tuple[Offer, ...]
    answered: tuple[bytes, ...]
    failed: tuple[bytes, ...]
    not_before: int
    machines: tuple[Machine, ...]
    wrong: tuple[float, ...]
    password_mark: bytes | None = attrs.field(repr=False)
    old_marks: tuple[bytes, ...] = attrs.field(repr=False)
    outbox: tuple[Event, ...]
    moved_to: str | None
    reserved_for: str | None = None
    reservation: bytes | None = attrs.field(repr=False, default=None)
    browsers: Browsers = NO_BROWSERS
    recovery: RecoveryCodeSet | None = None

    def device(self, device_id: str) -> Device | None:
        """Return the bound device of that id, or None."""
        return next((device for device in self.devices if device.id == device_id), None)

    def with_device(self, device: Device) -> Account:
        """Return the account with the device of the same id replaced."""
        return attrs.evolve(self, devices=self.devices_with(device))

    def devices_with(self, device: Device) -> tuple[Device, ...]:
        """Return the devices with the one of the same id replaced."""
        return tuple([device if bound.id == device.id else bound for bound in self.devices])
