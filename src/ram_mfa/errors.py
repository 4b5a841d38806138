# SPDX-License-Identifier: Apache-2.0
"""Every exception of the library, sorted by who is to blame.

::

    MFAError
      MalformedMessage(ValueError)   the peer's bytes are not that message
      VerificationError              well formed, but a check failed
      Refused                        evidence verified, recorded, refused
      UnreadableRecord               the store gave back what this library never wrote
      StoreError                     the store failed; nothing passed
        StoreUncertain               a swap may or may not have been applied
        StoreUnavailable             the store did not answer: nothing was decided
        StoreContended               the deadline passed while others kept writing
        HistoryLost                  the engine may have lost acknowledged writes

A developer's own configuration raises ``TypeError`` or ``ValueError`` when it is built, never later.
No message, field or attribute of these ever holds a secret, a code or a token.
"""

from __future__ import annotations

import enum
from typing import Any


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
    METADATA = "metadata"


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


class UnreadableRecord(MFAError):
    """The store gave back bytes that this library never wrote there, or the seal is broken.

    Attributes:
        key: the store key of the record.
        problem: what could not be read.
    """

    def __init__(self, key: str, problem: str = "it cannot be read") -> None:
        super().__init__(key, problem)
        self.key = key
        self.problem = problem

    def __str__(self) -> str:
        return f"record {self.key}: {self.problem}"


class StoreError(MFAError):
    """An error of a store. It takes any text, or the driver's exception, and never fails to be built.

    Attributes:
        detail: the text, for the log. "" where none was given.
    """

    def __init__(self, *details: object) -> None:
        super().__init__(*map(str, details))
        self.detail = ": ".join(self.args)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self.args


class StoreUncertain(StoreError):
    """A swap may or may not have been applied; what was asked is refused and the next attempt reads afresh.

    ``StoreUncertain()``, ``StoreUncertain("the reply was lost")``: the message is the same for all of them, so that
    what is shown of one does not depend on what was asked.
    """

    def __str__(self) -> str:
        return "the outcome of a write is unknown"


class StoreUnavailable(StoreError):
    """The store did not answer a load, or answered a swap with the certainty that nothing was applied.

    ``StoreUnavailable()``, ``StoreUnavailable("connection refused")``: the message is the text.
    """

    def __str__(self) -> str:
        return self.detail or "the store did not answer"


class StoreContended(StoreError):
    """Others kept writing this record until the deadline passed; nothing of this attempt was applied.

    Raised by the library, not by a store. The message is the same for all of them.
    """

    def __str__(self) -> str:
        return "the deadline passed while the record kept changing"


class HistoryLost(StoreError):
    """The engine runs on another history than the one it was opened with: acknowledged writes may be gone.

    Raised by a view of a store out of ``load`` or ``swap``, where nothing was read or changed, and handled by the loop:
    ``HistoryLost("the present name")``, ``HistoryLost(name, "another timeline")``.

    Attributes:
        incarnation: what the engine calls its present history.
    """

    def __init__(self, incarnation: str, *details: object) -> None:
        super().__init__(*details)
        self.incarnation = incarnation

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.incarnation, *self.args)

    def __str__(self) -> str:
        return f"the history is another one now: {self.incarnation}"
