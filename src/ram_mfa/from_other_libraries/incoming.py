# SPDX-License-Identifier: Apache-2.0
"""Incoming devices: rows of another library, each with its user, converted one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

import attrs

from .._secret import Unpickled
from .._validation import instance_of
from ..ceremonies.import_devices import ImportDevice
from ..errors import MalformedMessage
from ..rules.actors import Actor
from ..rules.fields import is_text

Row = Mapping[str, Any]
"""A row of a table, fields by name."""


@attrs.frozen
class LeftBehind:
    """A row that no import can be made of.

    Attributes:
        why: a sentence for the report, without any of the content.
    """

    why: str = attrs.field(validator=is_text)


@attrs.frozen
class Incoming(Unpickled):
    """One row of another library.

    Attributes:
        user: the user id here.
        source: names the row in reports, such as ``"django-otp TOTPDevice 17"``; never a secret.
        device: its import, or why there is none.
    """

    user: str = attrs.field(validator=is_text)
    source: str = attrs.field(validator=is_text)
    device: ImportDevice | LeftBehind = attrs.field(validator=instance_of(ImportDevice, LeftBehind))


class Convert(Protocol):
    """A conversion of one row."""

    def __call__(self, row: Row, /, *, by: Actor) -> ImportDevice | LeftBehind:
        """Return the import of a row, or why there is none; raise `MalformedMessage` if it cannot be read."""
        ...


def read_rows(
    rows: Iterable[Row], convert: Convert, *, by: Actor, user: Callable[[Row], str], source: str, key: str = "id"
) -> Iterator[Incoming]:
    """Yield each row with its user; a row that cannot be read is left behind, and the field that is wrong named.

    Args:
        rows: of one table, such as a Django query set's ``values()``.
        convert: one of this package's conversions; `functools.partial` gives it further arguments.
        by: who imports.
        user: returns the user id here of a row.
        source: names the table in reports.
        key: the field whose value names the row in reports.
    """
    for row in rows:
        device: ImportDevice | LeftBehind
        try:
            device = convert(row, by=by)
        except MalformedMessage as error:
            device = LeftBehind(str(error))
        yield Incoming(user(row), f"{source} {row.get(key, '')}".rstrip(), device)
