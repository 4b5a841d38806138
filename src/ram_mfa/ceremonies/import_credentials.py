# SPDX-License-Identifier: Apache-2.0
"""Import of a WebAuthn credential that another library registered.

Web Authentication Level 3, "Terminology", credential record (https://www.w3.org/TR/webauthn-3/#credential-record). An
authenticator may send the user handle of the registration with an assertion, so the handle is imported too.
"""

from __future__ import annotations

from typing import Final

import attrs

from .._validation import as_tuple, each, instance_of, is_flag, octets, optional, whole
from ..account import MAX_HANDLE, Account, SecurityKey
from ..context import Context
from ..errors import MalformedMessage, VerificationError
from ..refusals import Kind, Reason
from ..rules import fields
from ..rules.devices import is_allowed
from ..rules.security_key_check import NewKey
from ..rules.security_key_options import security_keys
from ..webauthn import load_public_key
from ..webauthn.credentials import MAX_CREDENTIAL_ID
from .import_devices import ImportDevice

MAX_TRANSPORTS: Final = 16
_MAX_PUBLIC_KEY: Final = 8_192
_TRANSPORTS: Final = frozenset({"usb", "nfc", "ble", "smart-card", "hybrid", "internal"})
"""#enum-transport; a browser ignores others."""


@attrs.frozen
class ImportCredential(ImportDevice):
    """Bind a security key that another library registered through WebAuthn.

    Its registration is not verified again: the administrator vouches for it.

    Attributes:
        credential_id: 1 to 1,023 bytes.
        public_key: the COSE key.
        rp_id: the RP ID it was registered for; the policy's relying party must have the same.
        sign_count: the highest signature counter that the other library accepted; 0 if unknown.
        user_handle: WebAuthn's ``user.id`` of the registration, 1 to 64 bytes; None if unknown: then a discoverable
            credential, which sends it back, cannot log on. It becomes the handle of the record, which has one for all
            of its keys.
        transports: hints for the browser; unknown ones are left out.
        backup_eligible: whether the credential may be copied; None if unknown.
        backup_state: whether it was copied when it was last used; None if unknown.
        name: the device's name; the kind's own where there is none.
        by: who asks.
        create: whether a record is made for a user without one, with MFA required; otherwise such a user is refused.
    """

    kind = Kind.SECURITY_KEY
    credential_id: bytes = attrs.field(validator=octets(1, MAX_CREDENTIAL_ID), repr=False)
    public_key: bytes = attrs.field(kw_only=True, validator=octets(1, _MAX_PUBLIC_KEY), repr=False)
    rp_id: str = attrs.field(kw_only=True, validator=fields.is_text)
    sign_count: int = attrs.field(default=0, kw_only=True, validator=whole(0, 2**32 - 1))
    user_handle: bytes | None = attrs.field(
        default=None, kw_only=True, validator=optional(octets(1, MAX_HANDLE)), repr=False
    )
    transports: tuple[str, ...] = attrs.field(
        default=(), kw_only=True, converter=as_tuple, validator=each(tuple, instance_of(str), most=MAX_TRANSPORTS)
    )
    backup_eligible: bool | None = attrs.field(default=None, kw_only=True, validator=optional(is_flag))
    backup_state: bool | None = attrs.field(default=None, kw_only=True, validator=optional(is_flag))

    def read(self, account: Account, context: Context, name: str) -> SecurityKey | Reason:
        """Return the registered key, or why it may not be bound."""
        party = context.policy.require_relying_party()
        try:
            public_key = load_public_key(self.public_key)
        except (MalformedMessage, VerificationError):
            return Reason.BAD_IMPORT
        if self.rp_id != party.id or not self._fits(account):
            return Reason.BAD_IMPORT
        key = NewKey(
            credential_id=self.credential_id,
            public_key=public_key.point or self.public_key,
            sign_count=self.sign_count,
            rp_id=self.rp_id,
            app_id=None,
            transports=tuple(dict.fromkeys(one for one in self.transports if one in _TRANSPORTS)),
            backup_eligible=self.backup_eligible,
            backup_state=None if self.backup_eligible is None else self.backup_state,
            uv_initialized=False,
            attestation="none",
            models=(),
        ).bound(context, name=name, bound_by=self.by.label, last_used_at=None)
        if not is_allowed(key, context.policy):
            return Reason.DEVICE_NOT_ALLOWED
        return Reason.CREDENTIAL_TAKEN if account.device(key.id) is not None else key

    def prepare(self, account: Account) -> Account:
        """Return the account with the handle of the registration."""
        return account if self.user_handle is None else attrs.evolve(account, handle=self.user_handle)

    def _fits(self, account: Account) -> bool:
        """Return whether the record can have the handle: its keys of WebAuthn were registered under one."""
        registered = any(key.rp_id is not None for key in security_keys(account))
        return not registered or self.user_handle in {None, account.handle}
