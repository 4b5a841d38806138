# SPDX-License-Identifier: Apache-2.0
"""Import of devices bound by another library: a virtual device's otpauth URI, or a U2F registration.

An import is a bind by an administrator, without a confirmation: the user has used the device before. It follows
the same rules for kinds and numbers of devices, and is reported as a bind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import attrs

from .._secret import SecretText
from .._validation import is_flag, optional, whole
from ..account import MAX_SECRET, MIN_SECRET, MIN_SHORT_SECRET, Account, Device, SecurityKey, VirtualMFADevice
from ..context import Context
from ..encoding import base64url
from ..encoding.json import load_object
from ..errors import MalformedMessage
from ..otp import TOTP, KeyURI
from ..policy.values import MAX_DRIFT, MAX_PERIOD
from ..refusals import Kind, Reason
from ..rules import fields
from ..rules.actors import Actor, is_actor
from ..rules.authority import Action, Grant
from ..rules.device_binding import bind
from ..rules.devices import is_allowed, is_device_name, may_bind, new_virtual_device
from ..rules.new_account import new_account
from ..rules.security_key_check import TRANSPORTS, NewKey
from ..rules.security_key_options import under_another_app_id
from ..rules.verb import ActorVerb, Transition
from ..rules.views import Bound
from ..u2f import VERSION, AppID, RegistrationResponse, load_p256
from ..u2f.messages import MAX_KEY_HANDLE

_MESSAGE: Final = "registration kept by another library"
_MAX_LENGTH: Final = 16_384
"""Characters of JSON; a key handle and a public key have about 430."""
MAX_KEY_URI: Final = 24_576
"""Characters of an imported key URI; a real device's has about 150."""
_WORDS: Final = {transport.value: word for transport, word in TRANSPORTS.items()}


_is_int: Final = whole(-(2**63), 2**63 - 1)


@attrs.frozen
class ImportDevice(ActorVerb[Bound]):
    """Bind a device that another library bound; the part that all kinds share."""

    action = Action.IMPORT
    kind: ClassVar[Kind]
    name: str | None = attrs.field(default=None, kw_only=True, validator=fields.is_optional_text)
    by: Actor = attrs.field(kw_only=True, validator=is_actor)
    create: bool = attrs.field(default=False, kw_only=True, validator=is_flag)

    def perform(self, account: Account, context: Context, grant: Grant) -> Transition[Bound] | Reason:
        """Return the transition to a bound device."""
        del grant
        forbidden = may_bind(account, context.policy, self.kind)
        if forbidden is not None:
            return forbidden
        name = self.kind.value if self.name is None else self.name
        device = self.read(account, context, name) if is_device_name(name) else Reason.BAD_NAME
        return device if isinstance(device, Reason) else bind(self.prepare(account), context, device, by=self.by)

    def perform_without_record(self, context: Context, grant: Grant) -> Transition[Bound] | Reason:
        """Return the transition to a record with a bound device, where one may be made."""
        if not self.create:
            return Reason.NO_ACCOUNT
        return self.perform(new_account(context, required=True), context, grant)

    def read(self, account: Account, context: Context, name: str) -> Device | Reason:
        """Return the device to bind, or why it may not be bound."""
        raise NotImplementedError

    def prepare(self, account: Account) -> Account:
        """Return the account to bind the device in."""
        return account


@attrs.frozen
class ImportVirtualDevice(ImportDevice):
    """Bind a virtual device that another library bound.

    Attributes:
        key_uri: its ``otpauth://totp`` URI; at least 128 bits, 6 to 8 digits, a period of at most 120 seconds.
        unsafe_short_secret: whether a secret of 80 bits or more is bound too, as some libraries made them; `Describe`
            and the credential report show such a device as weak.
        last_step: the highest time step that the other library accepted; None if unknown: then no code of the
            present window passes.
        drift: steps by which the app's clock is ahead, -10 to 10.
        name: the device's name; the kind's own where there is none.
        by: who asks.
        create: whether a record is made for a user without one, with MFA required; otherwise such a user is refused.
    """

    kind = Kind.VIRTUAL
    key_uri: SecretText = attrs.field(converter=fields.as_typed, repr=False)
    last_step: int | None = attrs.field(kw_only=True, validator=optional(_is_int))
    drift: int = attrs.field(default=0, kw_only=True, validator=_is_int)
    unsafe_short_secret: bool = attrs.field(default=False, kw_only=True, validator=is_flag)

    def read(self, account: Account, context: Context, name: str) -> VirtualMFADevice | Reason:
        """Return the device of the key URI, or why it may not be bound."""
        del account
        uri = _parse(self.key_uri)
        if uri is None or uri.kind != "totp" or uri.period is None:
            return Reason.BAD_IMPORT
        shortest = MIN_SHORT_SECRET if self.unsafe_short_secret else MIN_SECRET
        weak = not shortest <= len(uri.secret) <= MAX_SECRET or not 1 <= uri.period <= MAX_PERIOD
        if weak or not context.policy.guessable_device_allowed(digits=uri.digits):
            return Reason.WEAK_SECRET
        last_step = self._last_step(current=int(context.now // uri.period), forward=context.policy.totp.forward)
        if last_step is None:
            return Reason.BAD_IMPORT
        return new_virtual_device(
            context,
            TOTP(uri.secret, uri.algorithm, uri.digits, uri.period),
            name=name,
            bound_by=self.by.label,
            last_step=last_step,
            floor=last_step,
            drift=self.drift,
        )

    def _last_step(self, *, current: int, forward: int) -> int | None:
        """Return the time step up to which no code passes; None if ``last_step`` or ``drift`` is out of bounds."""
        if not -MAX_DRIFT <= self.drift <= MAX_DRIFT:
            return None
        if self.last_step is None:
            return current + max(self.drift, 0) + forward
        fine = -1 <= self.last_step <= current + MAX_DRIFT + forward
        return self.last_step if fine else None


def _parse(text: str) -> KeyURI | None:
    if len(text) > MAX_KEY_URI:
        return None
    try:
        return KeyURI.parse(text)
    except MalformedMessage:
        return None


@attrs.frozen
class ImportSecurityKey(ImportDevice):
    """Bind a U2F key that another library registered; browsers then use it through the ``appid`` extension.

    Attributes:
        registration: the JSON that python-u2flib-server keeps (text or dict: ``keyHandle`` and ``publicKey`` in
            base64url), or the raw registration message (bytes). Its signature can no longer be verified: the
            administrator vouches for it.
        app_id: the AppID that it was registered under.
        sign_count: the highest counter that the other library accepted; 0 if unknown.
        name: the device's name; the kind's own where there is none.
        by: who asks.
        create: whether a record is made for a user without one, with MFA required; otherwise such a user is refused.
    """

    kind = Kind.SECURITY_KEY
    registration: Any = attrs.field(repr=False)
    app_id: str = attrs.field(kw_only=True, validator=fields.is_text)
    sign_count: int = attrs.field(default=0, kw_only=True, validator=whole(0, 2**32 - 1))

    def read(self, account: Account, context: Context, name: str) -> SecurityKey | Reason:
        """Return the registered key, or why it may not be bound."""
        new = _parse_registration(self.registration, self.app_id)
        if new is None:
            return Reason.BAD_IMPORT
        new = attrs.evolve(new, sign_count=self.sign_count)
        key = new.bound(context, name=name, bound_by=self.by.label, last_used_at=None)
        if not is_allowed(key, context.policy):
            return Reason.DEVICE_NOT_ALLOWED
        if under_another_app_id(account, self.app_id):
            return Reason.OTHER_APP_ID
        return Reason.CREDENTIAL_TAKEN if account.device(key.id) is not None else key


def _parse_registration(registration: object, app_id: str) -> NewKey | None:
    """Return the key; None if the registration is invalid or of another AppID."""
    try:
        AppID.parse(app_id)
        if isinstance(registration, bytes):
            raw = RegistrationResponse.parse(registration)
            return _new_key(app_id, key_handle=raw.key_handle, public_key=raw.public_key)
        stored = registration
        if isinstance(stored, str):
            stored = load_object(stored, message=_MESSAGE, limit=_MAX_LENGTH)
        if not isinstance(stored, Mapping) or stored.get("appId", app_id) != app_id:
            return None
        if stored.get("version", VERSION) != VERSION:
            return None
        key_handle = base64url.decode(stored.get("keyHandle", ""), message=_MESSAGE, field="keyHandle")
        public_key = base64url.decode(stored.get("publicKey", ""), message=_MESSAGE, field="publicKey")
        load_p256(public_key)
    except ValueError:
        return None
    if not 1 <= len(key_handle) <= MAX_KEY_HANDLE:
        return None
    transports = _transports(stored.get("transports"))
    return _new_key(app_id, key_handle=key_handle, public_key=public_key, transports=transports)


def _new_key(app_id: str, *, key_handle: bytes, public_key: bytes, transports: tuple[str, ...] = ()) -> NewKey:
    return NewKey(
        credential_id=key_handle,
        public_key=public_key,
        sign_count=0,
        rp_id=None,
        app_id=app_id,
        transports=transports,
        backup_eligible=None,
        backup_state=None,
        uv_initialized=False,
        attestation="none",
        models=(),
    )


def _transports(named: object) -> tuple[str, ...]:
    """Return WebAuthn's names of the transports; one without a name there is left out."""
    if not isinstance(named, list | tuple):
        return ()
    return tuple(dict.fromkeys(_WORDS[name] for name in named if isinstance(name, str) and name in _WORDS))
