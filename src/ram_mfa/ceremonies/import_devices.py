# SPDX-License-Identifier: Apache-2.0
"""Import of devices bound by another library: a virtual device's otpauth URI, or a U2F registration.

An import is a bind by an administrator, without a confirmation: the user has used the device before. It follows
the same rules for kinds and numbers of devices, and is reported as a bind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from .._secret import SecretText
from .._validation import is_flag, optional, whole
from ..account import MAX_SECRET, MIN_SECRET, Account, SecurityKey, VirtualMFADevice
from ..context import Context
from ..encoding import base64url
from ..encoding.json import load_object
from ..errors import MalformedMessage
from ..otp import KeyURI
from ..policy.values import MAX_DRIFT, MAX_PERIOD
from ..refusals import Kind, Reason
from ..rules import fields
from ..rules.account_changes import check_name, may_bind, new_account, with_bound
from ..rules.actors import Actor, is_actor
from ..rules.authority import Action, authorise
from ..rules.security_key_check import TRANSPORTS
from ..rules.security_key_options import under_another_app_id
from ..rules.usable import is_allowed
from ..rules.verb import Claim, Transition, Verb, refused
from ..rules.views import Bound, bound_view
from ..u2f import VERSION, AppID, RegistrationResponse, load_p256
from ..u2f.messages import MAX_KEY_HANDLE

_MESSAGE: Final = "registration kept by another library"
_MAX_LENGTH: Final = 16_384
"""Characters of JSON; a key handle and a public key have about 430."""
MAX_KEY_URI: Final = 24_576
"""Characters of an imported key URI; a real device's has about 150."""
_WORDS: Final = {transport.value: word for transport, word in TRANSPORTS.items()}


_is_int: Final = whole(-(2**63), 2**63 - 1)


def _admit(account: Account | None, context: Context, by: Actor, kind: Kind, *, create: bool) -> Account | Reason:
    grant = authorise(account, context, by, Action.IMPORT)
    if isinstance(grant, Reason):
        return grant
    if account is None and not create:
        return Reason.NO_ACCOUNT
    current = new_account(context, required=True) if account is None else account
    return may_bind(current, context, kind) or current


@attrs.frozen
class ImportVirtualDevice(Verb[Bound]):
    """Bind a virtual device that another library bound.

    Attributes:
        key_uri: its ``otpauth://totp`` URI; at least 128 bits, 6 to 8 digits, a period of at most 120 seconds.
        last_step: the highest time step that the other library accepted; None if unknown: then no code of the
            present window passes.
        drift: steps by which the app's clock is ahead, -10 to 10.
        name: the device's name; the kind's own where there is none.
        by: who asks.
        create: whether a record is made for a user without one, with MFA required; otherwise such a user is refused.
    """

    key_uri: SecretText = attrs.field(converter=fields.as_typed, repr=False)
    last_step: int | None = attrs.field(kw_only=True, validator=optional(_is_int))
    drift: int = attrs.field(default=0, kw_only=True, validator=_is_int)
    name: str | None = attrs.field(default=None, kw_only=True, validator=fields.is_optional_text)
    by: Actor = attrs.field(kw_only=True, validator=is_actor)
    create: bool = attrs.field(default=False, kw_only=True, validator=is_flag)

    def __call__(self, account: Account | None, context: Context) -> Transition[Bound]:
        """Return the transition to a bound device."""
        actor = self.by.label
        admitted = _admit(account, context, self.by, Kind.VIRTUAL, create=self.create)
        if isinstance(admitted, Reason):
            return refused(account, context, admitted, actor=actor)
        uri = _parse(self.key_uri)
        if uri is None or uri.kind != "totp" or uri.period is None:
            return refused(account, context, Reason.BAD_IMPORT, actor=actor)
        weak = not MIN_SECRET <= len(uri.secret) <= MAX_SECRET or not 1 <= uri.period <= MAX_PERIOD
        if weak or not context.policy.guessable_device_allowed(digits=uri.digits):
            return refused(account, context, Reason.WEAK_SECRET, actor=actor)
        name = check_name(self.name, Kind.VIRTUAL)
        if name is None:
            return refused(account, context, Reason.BAD_NAME, actor=actor)
        last_step = self._last_step(int(context.now // uri.period), context.policy.totp.forward)
        if last_step is None:
            return refused(account, context, Reason.BAD_IMPORT, actor=actor)
        device = VirtualMFADevice(
            id=base64url.encode(context.draw("device", 16)),
            name=name,
            secret=uri.secret,
            algorithm=uri.algorithm,
            digits=uri.digits,
            period=uri.period,
            last_step=last_step,
            accepted=(),
            floor=last_step,
            drift=self.drift,
            failures=0,
            closed_until=0,
            disabled_at=None,
            bound_at=context.now,
            bound_by=actor,
            last_used_at=None,
            history=context.root.history,
        )
        bound, event = with_bound(admitted, context, device, actor)
        return Transition(bound, bound_view(device, context.policy), events=(event,))

    def _last_step(self, current: int, forward: int) -> int | None:
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
class ImportSecurityKey(Verb[Bound]):
    """Bind a U2F key that another library registered; browsers then use it through the ``appid`` extension.

    Attributes:
        registration: the JSON that python-u2flib-server keeps (text or dict: ``keyHandle`` and ``publicKey`` in
            base64url), or the raw registration message (bytes). Its signature can no longer be verified: the
            administrator vouches for it.
        app_id: the AppID that it was registered under.
        name: the device's name; the kind's own where there is none.
        by: who asks.
        create: whether a record is made for a user without one, with MFA required; otherwise such a user is refused.
    """

    registration: Any = attrs.field(repr=False)
    app_id: str = attrs.field(kw_only=True, validator=fields.is_text)
    name: str | None = attrs.field(default=None, kw_only=True, validator=fields.is_optional_text)
    by: Actor = attrs.field(kw_only=True, validator=is_actor)
    create: bool = attrs.field(default=False, kw_only=True, validator=is_flag)

    def __call__(self, account: Account | None, context: Context) -> Transition[Bound]:
        """Return the transition to a bound key, with the claim on its key handle."""
        actor, party = self.by.label, context.policy.relying_party
        admitted = _admit(account, context, self.by, Kind.SECURITY_KEY, create=self.create)
        if isinstance(admitted, Reason):
            return refused(account, context, admitted, actor=actor)
        name = check_name(self.name, Kind.SECURITY_KEY)
        if name is None:
            return refused(account, context, Reason.BAD_NAME, actor=actor)
        registered = _parse_registration(self.registration, self.app_id)
        if registered is None or party is None:
            return refused(account, context, Reason.BAD_IMPORT, actor=actor)
        key_handle, public_key, transports = registered
        key = SecurityKey(
            credential_id=key_handle,
            name=name,
            public_key=public_key,
            sign_count=0,
            rp_id=None,
            app_id=self.app_id,
            transports=transports,
            backup_eligible=None,
            attestation="none",
            models=(),
            cloned_at=None,
            bound_at=context.now,
            bound_by=actor,
            last_used_at=None,
        )
        if not is_allowed(key, context.policy):
            return refused(account, context, Reason.DEVICE_NOT_ALLOWED, actor=actor)
        if under_another_app_id(admitted, self.app_id):
            return refused(account, context, Reason.OTHER_APP_ID, actor=actor)
        if admitted.device(key.id) is not None:
            return refused(account, context, Reason.CREDENTIAL_TAKEN, actor=actor)
        bound, event = with_bound(admitted, context, key, actor)
        return Transition(
            bound, bound_view(key, context.policy), claims=(Claim(party.id, key_handle),), events=(event,)
        )


def _parse_registration(registration: object, app_id: str) -> tuple[bytes, bytes, tuple[str, ...]] | None:
    """Return key handle, point and transports; None if the registration is invalid or of another AppID."""
    try:
        AppID.parse(app_id)
        if isinstance(registration, bytes):
            raw = RegistrationResponse.parse(registration)
            return raw.key_handle, raw.public_key, ()
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
    return key_handle, public_key, _transports(stored.get("transports"))


def _transports(named: object) -> tuple[str, ...]:
    """Return WebAuthn's names of the transports; one without a name there is left out."""
    if not isinstance(named, list | tuple):
        return ()
    return tuple(dict.fromkeys(_WORDS[name] for name in named if isinstance(name, str) and name in _WORDS))
