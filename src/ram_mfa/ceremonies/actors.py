# SPDX-License-Identifier: Apache-2.0
"""Who asks for a deed: an administrator, the owner of the account, or a user who must bind at logon.

An actor is a claim, not a right: `ram_mfa.ceremonies.authority` verifies it inside the verb.
"""

from __future__ import annotations

import enum
import hashlib
from typing import Final, Self

import attrs

from .._secret import SecretText, Unpickled
from .._validation import instance_of, number, optional
from . import _fields

_LATEST: Final = 2**40
"""Seconds since the epoch; no clock of a machine that works shows a later moment."""


class Role(enum.Enum):
    """As what an actor stands before the account; the columns of the authority table."""

    ADMINISTRATOR = "Administrator"
    UNSAFE_ADMINISTRATOR = "UnsafeAdministrator"
    OWNER = "Owner(receipt)"
    FIRST_DEVICE_OWNER = "Owner.first_device(...)"
    ENROLLING = "Enrolment(ticket)"


@attrs.frozen
class Administrator(Unpickled):
    """The cloud account, or a RAM user with administrative rights; the application has checked that it is.

    Attributes:
        name: 1 to 128 printable characters, kept as who did it; where a receipt is shown, the
            administrator's own user id.
        receipt: of a step-up for `Operation.ADMINISTER` on the administrator's own account, where the policy asks.
        session: in which that step-up was made.
    """

    name: str = attrs.field(validator=_fields.is_administrator_name)
    receipt: str | None = attrs.field(default=None, repr=False, validator=_fields.is_optional_text)
    session: str | None = attrs.field(default=None, repr=False, validator=optional(_fields.is_session))

    @property
    def role(self) -> Role:
        """The column of the authority table."""
        return Role.ADMINISTRATOR

    @property
    def label(self) -> str:
        """What records and events call the actor."""
        return f"administrator {self.name}"


@attrs.frozen
class UnsafeAdministrator:
    """An administrator that proves nothing where the policy asks for proof: for scripts, by its name.

    Attributes:
        name: 1 to 128 printable characters, kept as who did it.
    """

    name: str = attrs.field(validator=_fields.is_administrator_name)

    @property
    def role(self) -> Role:
        """The column of the authority table."""
        return Role.UNSAFE_ADMINISTRATOR

    @property
    def label(self) -> str:
        """What records and events call the actor."""
        return f"unproved administrator {self.name}"


@attrs.frozen
class Owner(Unpickled):
    """The user, managing their own devices.

    Attributes:
        receipt: of a step-up for the deed's own operation (`Operation.BIND`, `UNBIND`, `RENAME`, `RESYNC`,
            `MACHINES`), spent by the deed; None for a first device.
        session: the session of that step-up.
        password_at: for a first device, when the password was checked; else None.
    """

    receipt: str | None = attrs.field(repr=False, validator=_fields.is_optional_text)
    session: str = attrs.field(kw_only=True, repr=False, validator=_fields.is_session)
    password_at: float | None = attrs.field(default=None, kw_only=True, validator=optional(number(0, _LATEST)))

    @classmethod
    def first_device(cls, password_at: float, *, session: str) -> Self:
        """Return the owner of an account without a device, whose password was checked at most 10 minutes ago.

        Args:
            password_at: when it was checked, seconds since the epoch.
            session: the application's session string.
        """
        return cls(None, session=session, password_at=password_at)

    @property
    def role(self) -> Role:
        """The column of the authority table."""
        return Role.OWNER if self.password_at is None else Role.FIRST_DEVICE_OWNER

    @property
    def label(self) -> str:
        """What records and events call the actor."""
        return "owner"


@attrs.frozen
class Enrolment(Unpickled):
    """A user of whom MFA is required, at logon, with what `MustBind` handed out: the right to bind, and nothing else.

    Attributes:
        ticket: ``MustBind.id``, as it came back in the form.
        session: the session of that logon.
    """

    ticket: SecretText = attrs.field(converter=_fields.as_typed, repr=False)
    session: str = attrs.field(kw_only=True, repr=False, validator=_fields.is_session)

    @property
    def role(self) -> Role:
        """The column of the authority table."""
        return Role.ENROLLING

    @property
    def label(self) -> str:
        """What records and events call the actor."""
        return "owner at logon"


Actor = Administrator | UnsafeAdministrator | Owner | Enrolment
is_actor: Final = instance_of(Administrator, UnsafeAdministrator, Owner, Enrolment)
"""The validator of every verb's ``by``."""


def actor_digest(actor: Actor, session: str) -> bytes:
    """Return 32 bytes that tell apart who asked, in which session: an offer is confirmed by the same only."""
    digest = hashlib.sha256()
    for part in (actor.label, session):
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(4, "big") + data)
    return digest.digest()
