# SPDX-License-Identifier: Apache-2.0
"""Actors that request an action: an administrator, the account's owner, or a user who must bind at logon.

An actor is a claim, not a right: `ram_mfa.ceremonies.authority` verifies it inside the verb.
"""

from __future__ import annotations

import enum
import hashlib
from typing import Final, Self

import attrs

from .._secret import SecretText, Unpickled
from .._validation import instance_of, optional
from . import fields
from .password_marks import is_password_mark


class Role(enum.Enum):
    """The role in which an actor requests an action; the columns of the permission table."""

    ADMINISTRATOR = "Administrator"
    UNSAFE_ADMINISTRATOR = "UnsafeAdministrator"
    OWNER = "Owner(receipt)"
    FIRST_DEVICE_OWNER = "Owner.first_device(...)"
    ENROLLING = "Enrolment(ticket)"
    REBINDING = "Rebinding(ticket)"


@attrs.frozen
class Administrator(Unpickled):
    """The cloud account, or a RAM user with administrative rights; the application has checked that it is.

    Attributes:
        name: 1 to 128 printable characters, recorded as the actor; where a receipt is shown, the
            administrator's own user id.
        receipt: of a step-up for `Operation.ADMINISTER` on the administrator's own account, where the policy asks.
        session: the session of that step-up.
    """

    name: str = attrs.field(validator=fields.is_administrator_name)
    receipt: str | None = attrs.field(default=None, repr=False, validator=fields.is_optional_text)
    session: str | None = attrs.field(default=None, repr=False, validator=optional(fields.is_session))

    @property
    def role(self) -> Role:
        """The actor's column in the permission table."""
        return Role.ADMINISTRATOR

    @property
    def label(self) -> str:
        """The actor's name in records and events."""
        return f"administrator {self.name}"


@attrs.frozen
class UnsafeAdministrator:
    """An administrator who gives no proof even where the policy asks for one: for scripts.

    Attributes:
        name: 1 to 128 printable characters, recorded as the actor.
    """

    name: str = attrs.field(validator=fields.is_administrator_name)

    @property
    def role(self) -> Role:
        """The actor's column in the permission table."""
        return Role.UNSAFE_ADMINISTRATOR

    @property
    def label(self) -> str:
        """The actor's name in records and events."""
        return f"unproved administrator {self.name}"


@attrs.frozen
class Owner(Unpickled):
    """The user, managing their own devices.

    Attributes:
        receipt: of a step-up for the action's own operation (`Operation.BIND`, `UNBIND`, `RENAME`, `RESYNC`,
            `MACHINES`, `ADMIT_BROWSER`, `UNLOCK`), spent by the action; None for a first device.
        session: the session of that step-up, or of that logon.
        first_factor: for a first device, the first-factor ticket of the logon; else None.
        password_mark: for a first device, the user's password mark now, or None.
    """

    receipt: str | None = attrs.field(repr=False, validator=fields.is_optional_text)
    session: str = attrs.field(kw_only=True, repr=False, validator=fields.is_session)
    first_factor: str | None = attrs.field(default=None, kw_only=True, repr=False, validator=fields.is_optional_text)
    password_mark: str | None = attrs.field(default=None, kw_only=True, repr=False, validator=is_password_mark)

    @classmethod
    def first_device(cls, ticket: str, *, session: str, password_mark: str | None = None) -> Self:
        """Return the owner of an account without a device, whose password was right at most 10 minutes ago.

        Args:
            ticket: the first-factor ticket, `NotRequired.logon` or `MustBind.logon`, as the browser sent it.
            session: the session of that logon.
            password_mark: the user's mark now. Where it is given, the ticket is foreign unless it is the same as at
                the begin; where not, the ticket ends with `PasswordChanged`, and with its ten minutes.
        """
        return cls(None, session=session, first_factor=fields.as_typed(ticket), password_mark=password_mark)

    @property
    def role(self) -> Role:
        """The actor's column in the permission table."""
        return Role.OWNER if self.first_factor is None else Role.FIRST_DEVICE_OWNER

    @property
    def label(self) -> str:
        """The actor's name in records and events."""
        return "owner"


@attrs.frozen
class Enrolment(Unpickled):
    """A user of whom MFA is required, at logon; the ticket of `MustBind` gives the right to bind and nothing else.

    Attributes:
        ticket: ``MustBind.id``, as the form returned it.
        session: the session of that logon.
    """

    ticket: SecretText = attrs.field(converter=fields.as_typed, repr=False)
    session: str = attrs.field(kw_only=True, repr=False, validator=fields.is_session)

    @property
    def role(self) -> Role:
        """The actor's column in the permission table."""
        return Role.ENROLLING

    @property
    def label(self) -> str:
        """The actor's name in records and events."""
        return "owner at logon"


@attrs.frozen
class Rebinding(Unpickled):
    """A user who used a recovery code; the ticket gives the right to bind one device in place of all others.

    Attributes:
        ticket: ``Proof.rebind`` or ``Refusal.rebind``, as the form returned it.
        session: the session of that logon.
    """

    ticket: SecretText = attrs.field(converter=fields.as_typed, repr=False)
    session: str = attrs.field(kw_only=True, repr=False, validator=fields.is_session)

    @property
    def role(self) -> Role:
        """The actor's column in the permission table."""
        return Role.REBINDING

    @property
    def label(self) -> str:
        """The actor's name in records and events."""
        return "owner by recovery code"


Actor = Administrator | UnsafeAdministrator | Owner | Enrolment | Rebinding
is_actor: Final = instance_of(Administrator, UnsafeAdministrator, Owner, Enrolment, Rebinding)
"""The validator of every verb's ``by``."""


def actor_digest(actor: Actor, session: str) -> bytes:
    """Return a 32-byte digest of actor and session; an offer can be confirmed only under the same digest."""
    digest = hashlib.sha256()
    for part in (actor.label, session):
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(4, "big") + data)
    return digest.digest()
