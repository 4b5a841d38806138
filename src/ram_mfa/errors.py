# SPDX-License-Identifier: Apache-2.0
"""Every exception of the library, sorted by who is to blame.

::

    MFAError
      MalformedMessage(ValueError)   the peer's bytes are not that message
      VerificationError              well formed, but a check failed
      Refused                        evidence verified, recorded, refused
      UnreadableRecord               the store returned bytes that this library did not write
      StoreError                     the store failed; nothing passed
        StoreUncertain               a swap may or may not have been applied
        StoreUnavailable             the store did not answer: nothing was decided
        StoreContended               the deadline passed while others kept writing
        HistoryLost                  the database may have lost acknowledged writes

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
        offset: the position of the problem in the bytes (or characters); None if there is no such position.
        problem: a few words on what is wrong, without any of the content.
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
    """The store returned bytes that this library did not write under that key, or the seal is broken.

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
        detail: the text, for the log; "" if none was given.
    """

    def __init__(self, *details: object) -> None:
        super().__init__(*map(str, details))
        self.detail = ": ".join(self.args)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self.args


class StoreUncertain(StoreError):
    """A swap may or may not have been applied; there is no outcome, and the next attempt loads the record again.

    ``StoreUncertain()``, ``StoreUncertain("the reply was lost")``: the message is constant, so that it reveals
    nothing about the request.
    """

    def __str__(self) -> str:
        return "the outcome of a write is unknown"


class StoreUnavailable(StoreError):
    """The store did not answer a load, or it is certain that it did not apply a swap.

    ``StoreUnavailable()``, ``StoreUnavailable("connection refused")``: the message is the text.
    """

    def __str__(self) -> str:
        return self.detail or "the store did not answer"


class StoreContended(StoreError):
    """Other calls kept writing this record until the deadline passed; nothing of this attempt was applied.

    Raised by the library, not by a store. The message is the same for all of them.
    """

    def __str__(self) -> str:
        return "the deadline passed while the record kept changing"


class HistoryLost(StoreError):
    """The database is on another history than the view: acknowledged writes may be lost.

    Raised by ``load`` or ``swap`` of a view, which then read or changed nothing, and handled by the loop:
    ``HistoryLost("the present name")``, ``HistoryLost(name, "another timeline")``.

    Attributes:
        incarnation: the name of the database's present history.
    """

    def __init__(self, incarnation: str, *details: object) -> None:
        super().__init__(*details)
        self.incarnation = incarnation

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.incarnation, *self.args)

    def __str__(self) -> str:
        return f"the store is on another history: {self.incarnation}"
