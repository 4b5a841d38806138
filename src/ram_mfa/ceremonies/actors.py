# SPDX-License-Identifier: Apache-2.0
"""Who asks for a deed: an administrator, the owner of the account, or a user who must bind at logon.

An actor is a claim, not a right: `ram_mfa.ceremonies.authority` verifies it inside the verb.
"""

from __future__ import annotations

import enum
import hashlib
from typing import Self

import attrs

from .._secret import SecretText, Unpickled


def checked_session(session: object) -> None:
    """Check the application's session string.

    Raises:
        ValueError: it is no string, or empty: sessions that are all the same bind nothing.
    """
    if not isinstance(session, str) or not session:
        raise ValueError("session must be a string of the application's, kept for one browser: see new_session()")


class Stance(enum.Enum):
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
        name: 1 to 128 characters, kept as who did it. Where a receipt is shown it is the administrator's own user id.
        receipt: of a step-up for `Operation.ADMINISTER` on the administrator's own account, where the policy asks.
        session: in which that step-up was made.
    """

    name: str
    receipt: str | None = attrs.field(default=None, repr=False)
    session: str | None = attrs.field(default=None, repr=False)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.name, str) or not 1 <= len(self.name) <= 128:
            raise ValueError("the name of an administrator is 1 to 128 characters")
        self.name.encode()  # half a character cannot be written down

    @property
    def stance(self) -> Stance:
        """The column of the authority table."""
        return Stance.ADMINISTRATOR

    @property
    def label(self) -> str:
        """What records and events call the actor."""
        return f"administrator {self.name}"


@attrs.frozen
class UnsafeAdministrator:
    """An administrator that proves nothing where the policy asks for proof: for scripts, by its name.

    Attributes:
        name: 1 to 128 characters, kept as who did it.
    """

    name: str

    __attrs_post_init__ = Administrator.__attrs_post_init__

    @property
    def stance(self) -> Stance:
        """The column of the authority table."""
        return Stance.UNSAFE_ADMINISTRATOR

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

    receipt: str | None = attrs.field(repr=False)
    session: str = attrs.field(kw_only=True, repr=False)
    password_at: float | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        checked_session(self.session)

    @classmethod
    def first_device(cls, password_at: float, *, session: str) -> Self:
        """Return the owner of an account without a device, whose password was checked at most 10 minutes ago.

        Args:
            password_at: when it was checked, seconds since the epoch.
            session: the application's session string.
        """
        return cls(None, session=session, password_at=password_at)

    @property
    def stance(self) -> Stance:
        """The column of the authority table."""
        return Stance.OWNER if self.password_at is None else Stance.FIRST_DEVICE_OWNER

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

    ticket: str = attrs.field(converter=SecretText, repr=False)
    session: str = attrs.field(kw_only=True, repr=False)

    def __attrs_post_init__(self) -> None:
        checked_session(self.session)

    @property
    def stance(self) -> Stance:
        """The column of the authority table."""
        return Stance.ENROLLING

    @property
    def label(self) -> str:
        """What records and events call the actor."""
        return "owner at logon"


Actor = Administrator | UnsafeAdministrator | Owner | Enrolment


def actor_digest(actor: Actor, session: str) -> bytes:
    """Return 32 bytes that tell apart who asked, in which session: an offer is confirmed by the same only."""
    digest = hashlib.sha256()
    for part in (actor.label, session):
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(4, "big") + data)
    return digest.digest()
