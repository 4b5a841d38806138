# SPDX-License-Identifier: Apache-2.0
"""Every exception of the library, sorted by who is to blame.

::

    MFAError
      MalformedMessage(ValueError)   the peer's bytes are not that message
      VerificationError              well formed, but a check failed
      Refused                        evidence weighed, remembered, refused
      UnreadableRecord               the store gave back what this library never wrote
      StoreUncertain                 a swap may or may not have landed
      StoreUnavailable               the store did not answer: nothing was decided
      StoreContended                 the deadline passed while others kept writing
      HistoryLost                    the engine may have lost acknowledged writes

A developer's own configuration raises ``TypeError`` or ``ValueError`` when it is built, never later.
No message, field or attribute of these ever holds a secret, a code or a token.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .words import Refusal


class MFAError(Exception):
    """The root of every error that this library raises about the world outside the program."""


class MalformedMessage(MFAError, ValueError):
    """The peer's bytes are not that message.

    Attributes:
        message: which message was expected, such as ``"U2F registration response"``.
        field: the part of it that is wrong, such as ``"key handle"``.
        offset: where in the bytes (or characters) the trouble starts; None where there is no such place.
        problem: what is wrong with it, in a few words, without any of its content.
    """

    def __init__(self, message: str, field: str, problem: str, *, offset: int | None = None) -> None:
        super().__init__(message, field, problem, offset)
        self.message = message
        self.field = field
        self.problem = problem
        self.offset = offset

    def __str__(self) -> str:
        where = "" if self.offset is None else f" at offset {self.offset}"
        return f"{self.message}: {self.field}{where}: {self.problem}"

    def __reduce__(self) -> tuple[Any, ...]:
        return _malformed, (self.message, self.field, self.problem, self.offset)


def _malformed(message: str, field: str, problem: str, offset: int | None) -> MalformedMessage:
    return MalformedMessage(message, field, problem, offset=offset)


class Check(enum.Enum):
    """The check that a well-formed message failed."""

    TYPE = "type"
    CHALLENGE = "challenge"
    ORIGIN = "origin"
    CROSS_ORIGIN = "cross origin"
    TOP_ORIGIN = "top origin"
    RP_ID_HASH = "RP ID hash"
    APP_ID = "AppID"
    USER_PRESENCE = "user presence"
    USER_VERIFICATION = "user verification"
    BACKUP_STATE = "backup state"
    ALGORITHM = "algorithm"
    CREDENTIAL_ID = "credential id"
    USER_HANDLE = "user handle"
    SIGN_COUNT = "sign count"
    SIGNATURE = "signature"
    ATTESTATION = "attestation"
    ATTESTATION_FORMAT = "attestation format"
    CERTIFICATE = "certificate"
    TRUST_PATH = "trust path"
    MODEL = "model"


class VerificationError(MFAError):
    """A well-formed message failed a check.

    Attributes:
        check: which one.
        problem: what was found, in a few words, without any of the message's content.
    """

    def __init__(self, check: Check, problem: str) -> None:
        super().__init__(check, problem)
        self.check = check
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.check.value}: {self.problem}"


class Refused(MFAError):
    """The verb was refused, and what had to be remembered of it is durable.

    Attributes:
        refusal: the value: a reason for the log, an advice for the person, and when to come back.
    """

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal

    def __str__(self) -> str:
        return f"{self.refusal.reason.value} ({self.refusal.advice.value})"


class UnreadableRecord(MFAError):
    """The store gave back bytes that this library never wrote there, or the seal is broken.

    Attributes:
        key: the store key of the record.
        problem: what could not be read.
    """

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(key, problem)
        self.key = key
        self.problem = problem

    def __str__(self) -> str:
        return f"record {self.key}: {self.problem}"


class StoreUncertain(MFAError):
    """A swap may or may not have landed; what was asked is refused and the next attempt reads afresh."""

    def __init__(self) -> None:
        super().__init__("the outcome of a write is unknown")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()


class StoreUnavailable(MFAError):
    """The store did not answer a load, or answered a swap with the certainty that nothing landed."""


class StoreContended(MFAError):
    """Others kept writing this record until the deadline passed; nothing of this attempt landed."""

    def __init__(self) -> None:
        super().__init__("the deadline passed while the record kept changing")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()


class HistoryLost(MFAError):
    """The engine runs on another incarnation than the one it was opened with: acknowledged writes may be gone.

    Raised by a store out of ``load`` or ``swap``, where nothing landed, and handled by the loop.

    Attributes:
        incarnation: what the engine calls its present history.
    """

    def __init__(self, incarnation: str) -> None:
        super().__init__(incarnation)
        self.incarnation = incarnation
