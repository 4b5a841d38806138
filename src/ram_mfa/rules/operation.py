# SPDX-License-Identifier: Apache-2.0
"""Sensitive operations of the application, and those of this library that a step-up may be for."""

from __future__ import annotations

from typing import ClassVar

import attrs

from .._validation import name, optional, text


@attrs.frozen
class Operation:
    """A sensitive operation of the application, such as ``Operation("server.delete", "i-0815")``.

    Attributes:
        name: what is to be done, 1 to 200 printable characters; names that begin with ``mfa.`` are the library's own.
        subject: what it is to be done to, at most 4,096 characters, or None.
    """

    BIND: ClassVar[Operation]
    UNBIND: ClassVar[Operation]
    RENAME: ClassVar[Operation]
    RESYNC: ClassVar[Operation]
    MACHINES: ClassVar[Operation]
    ADMIT_BROWSER: ClassVar[Operation]
    UNLOCK: ClassVar[Operation]
    RECOVERY: ClassVar[Operation]
    ADMINISTER: ClassVar[Operation]

    name: str = attrs.field(validator=name(200))
    subject: str | None = attrs.field(default=None, validator=optional(text()))


Operation.BIND = Operation("mfa.bind")
Operation.UNBIND = Operation("mfa.unbind")
Operation.RENAME = Operation("mfa.rename")
Operation.RESYNC = Operation("mfa.resync")
Operation.MACHINES = Operation("mfa.machines")
Operation.ADMIT_BROWSER = Operation("mfa.admit-browser")
Operation.UNLOCK = Operation("mfa.unlock")
Operation.RECOVERY = Operation("mfa.recovery")
Operation.ADMINISTER = Operation("mfa.administer")
