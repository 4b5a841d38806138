# SPDX-License-Identifier: Apache-2.0
"""Kinds, tickets, challenges and refusals, shared by errors, records and verbs.

Plain frozen values and closed enums; nothing here decides anything.
"""

from __future__ import annotations

import enum
from typing import Any, Final, NoReturn

import attrs

from .encoding import base64url
from .errors import MalformedMessage, MFAError

MAX_USER: Final = 1_024
"""Bytes of a user id in UTF-8."""


class Kind(enum.Enum):
    """A kind of MFA device; the service's API calls them ``VMFA`` and ``U2F``."""

    VIRTUAL = "virtual MFA device"
    SECURITY_KEY = "security key"


class Ticket(str):
    """An opaque, JSON-safe, URL-safe string that names its user and carries one ceremony from its begin to its finish.

    It belongs in the form, not in the session. ``Ticket(form["ticket"]).user`` says whose record to load and proves
    nothing; the verb that takes the ticket verifies it. After the first 88 characters it holds the user id, base64url
    of UTF-8.
    """

    __slots__ = ()

    HEAD = 88
    """The number of characters before the user id."""

    @property
    def user(self) -> str:
        """The user id that the ticket claims to be for.

        Raises:
            MalformedMessage: it is not a ticket.
        """
        raw = base64url.decode(self[self.HEAD :], message="ticket", field="user", limit=2_048)
        try:
            user = raw.decode()
        except UnicodeDecodeError:
            user = ""
        if not user or len(raw) > MAX_USER:
            raise MalformedMessage("ticket", "user", "not the id of a user", offset=self.HEAD)
        return user

    def __repr__(self) -> str:
        return "<ticket>"

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a ticket is not pickled: store it as a string")


class Advice(enum.Enum):
    """Advice to the person; each reason maps to one."""

    RETYPE = "try again"
    WAIT = "come back later"
    START_OVER = "start over"
    PROVE_AGAIN = "prove yourself again"
    BIND_AGAIN = "bind a device first"
    ASK_ADMINISTRATOR = "ask an administrator"
    NOT_ALLOWED = "not allowed"
    ALREADY_DONE = "already done"


class Reason(enum.Enum):
    """The reason of a refusal, for the log. ``advice`` is its one translation for the person."""

    # What was typed or tapped
    WRONG_CODE = "wrong code"
    REPLAYED_CODE = "code used before"
    ALREADY_SENT = "the code of this ticket was sent before, as a double click does"
    RESYNC_NEEDED = "a code of the future was accepted: the device must be resynchronised"
    REBIND_NEEDED = "too many codes of the future were accepted: the device must be bound again"
    WRONG_ANSWER = "wrong answer of a security key"
    CLONED_KEY = "sign count went back"
    WRONG_RECOVERY_CODE = "wrong or used recovery code"
    WRONG_EVIDENCE = "evidence of another kind than asked for"
    UNKNOWN_DEVICE = "no such device"
    NAME_THE_DEVICE = "several devices: one must be named"
    TWO_CODES_NEEDED = "two consecutive codes are asked of this browser"
    # Too much
    THROTTLED = "too many wrong answers"
    NEW_BROWSERS_CLOSED = "too many wrong codes of new browsers: only a known one may send codes"
    DEVICE_DISABLED = "device disabled after too many wrong codes"
    DEVICE_NOT_ALLOWED = "the policy no longer allows the bound device"
    # Tickets and receipts
    FOREIGN_TICKET = "ticket not made for this"
    EXPIRED_TICKET = "ticket expired"
    SPENT_TICKET = "ticket used before"
    FUTURE_TICKET = "ticket issued in the future: a clock is wrong"
    CLOCK_SET_BACK = "a ticket of the future was used before: all tickets end"
    OFFER_GONE = "offer expired, used or withdrawn"
    BAD_RECEIPT = "receipt not valid for this"
    PROOF_NEEDED = "a fresh proof is needed"
    SESSION_ENDED = "session ended: devices, password, record or history of the store changed since"
    REBIND_FIRST = "a recovery code was used: a device must be bound first"
    NOT_REQUIRED = "MFA is no longer required at this logon"
    # The state of the account
    NO_ROOT = "no root record: the store was never created"
    BAD_USER_ID = "not the id of a user"
    NO_ACCOUNT = "user without a record"
    ACCOUNT_EXISTS = "user has a record"
    NO_DEVICE = "no device bound"
    OTHER_KIND_BOUND = "a device of another kind is bound"
    TOO_MANY_DEVICES = "as many devices bound as the policy allows"
    CREDENTIAL_TAKEN = "the security key is bound by somebody, or was"
    OTHER_APP_ID = "a security key under another AppID is bound"
    BAD_IMPORT = "not a device that can be imported"
    WEAK_SECRET = "secret shorter than 128 bits or parameters out of bounds"
    BAD_NAME = "name not 1 to 64 printable characters"
    BAD_REGISTRATION = "registration of a security key not accepted"
    BAD_SESSION = "session string that is the user id"
    OUTBOX_FULL = "too many events wait to be delivered"
    NOTHING_TO_DO = "nothing there to change"
    MOVING = "record being moved to another user id"
    CLOCK = "a clock is wrong"
    # Authority
    NOT_AUTHORISED = "the policy does not allow this actor"
    NO_RECOVERY_CODES = "the policy has no recovery codes"
    KIND_NOT_ALLOWED = "the policy does not allow this kind of device"

    @property
    def advice(self) -> Advice:
        """The advice to show to the person."""
        return _ADVICE[self]


_ADVICE = {
    Reason.WRONG_CODE: Advice.RETYPE,
    Reason.REPLAYED_CODE: Advice.RETYPE,
    Reason.ALREADY_SENT: Advice.RETYPE,
    Reason.RESYNC_NEEDED: Advice.ASK_ADMINISTRATOR,
    Reason.REBIND_NEEDED: Advice.BIND_AGAIN,
    Reason.WRONG_ANSWER: Advice.RETYPE,
    Reason.CLONED_KEY: Advice.ASK_ADMINISTRATOR,
    Reason.WRONG_RECOVERY_CODE: Advice.RETYPE,
    Reason.WRONG_EVIDENCE: Advice.RETYPE,
    Reason.UNKNOWN_DEVICE: Advice.RETYPE,
    Reason.NAME_THE_DEVICE: Advice.RETYPE,
    Reason.TWO_CODES_NEEDED: Advice.RETYPE,
    Reason.THROTTLED: Advice.WAIT,
    Reason.NEW_BROWSERS_CLOSED: Advice.ASK_ADMINISTRATOR,
    Reason.DEVICE_DISABLED: Advice.ASK_ADMINISTRATOR,
    Reason.DEVICE_NOT_ALLOWED: Advice.ASK_ADMINISTRATOR,
    Reason.FOREIGN_TICKET: Advice.START_OVER,
    Reason.EXPIRED_TICKET: Advice.START_OVER,
    Reason.SPENT_TICKET: Advice.START_OVER,
    Reason.FUTURE_TICKET: Advice.START_OVER,
    Reason.CLOCK_SET_BACK: Advice.START_OVER,
    Reason.OFFER_GONE: Advice.START_OVER,
    Reason.BAD_RECEIPT: Advice.PROVE_AGAIN,
    Reason.PROOF_NEEDED: Advice.PROVE_AGAIN,
    Reason.SESSION_ENDED: Advice.START_OVER,
    Reason.REBIND_FIRST: Advice.BIND_AGAIN,
    Reason.NOT_REQUIRED: Advice.START_OVER,
    Reason.NO_ROOT: Advice.ASK_ADMINISTRATOR,
    Reason.BAD_USER_ID: Advice.START_OVER,
    Reason.NO_ACCOUNT: Advice.ASK_ADMINISTRATOR,
    Reason.ACCOUNT_EXISTS: Advice.ALREADY_DONE,
    Reason.NO_DEVICE: Advice.BIND_AGAIN,
    Reason.OTHER_KIND_BOUND: Advice.NOT_ALLOWED,
    Reason.TOO_MANY_DEVICES: Advice.NOT_ALLOWED,
    Reason.CREDENTIAL_TAKEN: Advice.NOT_ALLOWED,
    Reason.OTHER_APP_ID: Advice.NOT_ALLOWED,
    Reason.BAD_IMPORT: Advice.RETYPE,
    Reason.WEAK_SECRET: Advice.NOT_ALLOWED,
    Reason.BAD_NAME: Advice.RETYPE,
    Reason.BAD_REGISTRATION: Advice.RETYPE,
    Reason.BAD_SESSION: Advice.ASK_ADMINISTRATOR,
    Reason.OUTBOX_FULL: Advice.WAIT,
    Reason.NOTHING_TO_DO: Advice.ALREADY_DONE,
    Reason.MOVING: Advice.WAIT,
    Reason.CLOCK: Advice.WAIT,
    Reason.NOT_AUTHORISED: Advice.NOT_ALLOWED,
    Reason.NO_RECOVERY_CODES: Advice.NOT_ALLOWED,
    Reason.KIND_NOT_ALLOWED: Advice.NOT_ALLOWED,
}


@attrs.frozen
class Challenge:
    """A challenge of a begin: answer it with evidence, in the same session, before it expires.

    Attributes:
        id: the ticket for the finish; ``id.user`` says whose record to load.
        kinds: the kinds of device that may answer.
        devices: (device id, name) of each bound device that may answer, in the order of binding.
        options: WebAuthn request options, JSON-ready, where a security key may answer; else None.
        u2f: the sign request of the U2F JavaScript API, where a key registered through U2F may answer; else None.
        may_remember: whether the policy allows this machine to be remembered.
        expires_at: seconds since the epoch.
        retry_after: seconds until a code can be accepted, where too many wrong ones closed the gate; else None.
            Security keys do not wait.
        logon: of a logon's begin: the first-factor ticket, with which `ResumeLogon` asks again where the page is
            loaded again. None of a step-up, and in a refusal's ``next_challenge`` while the one of the begin is valid.
        codes: how many consecutive codes this browser sends at once: 1, or 2 (`TOTPCodes`) where a policy with known
            browsers asks that of new ones; 0 where it may send none, though its user can elsewhere.
        recovery_codes: of a logon: whether a `RecoveryCode` may answer, even where no device may.
    """

    id: Ticket
    kinds: tuple[Kind, ...]
    devices: tuple[tuple[str, str], ...]
    options: dict[str, Any] | None = attrs.field(repr=False)
    u2f: dict[str, Any] | None = attrs.field(repr=False)
    may_remember: bool
    expires_at: float
    retry_after: float | None = None
    logon: Ticket | None = None
    codes: int = 1
    recovery_codes: bool = False


@attrs.frozen
class Refusal:
    """The reason of a refusal and its details, as a value.

    Attributes:
        reason: for the log.
        retry_after: seconds until another try can succeed; 0 if waiting does not help or is not needed.
        next_challenge: a fresh challenge where another try is allowed and the old one is spent; else None.
        check: which check of a security key's answer failed, for the log; else None.
        rebind: after a recovery code, where the policy admits nobody before a bind: the ticket for `Rebinding`.
    """

    reason: Reason
    retry_after: float = 0
    next_challenge: Challenge | None = None
    check: str | None = None
    rebind: Ticket | None = None

    @property
    def advice(self) -> Advice:
        """The advice to show to the person."""
        return self.reason.advice


class Refused(MFAError):
    """The verb was refused, and the effects of the refusal are durable.

    Attributes:
        refusal: the value: a reason for the log, an advice for the person, and when to come back.
    """

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal

    def __str__(self) -> str:
        return f"{self.refusal.reason.value} ({self.refusal.advice.value})"
