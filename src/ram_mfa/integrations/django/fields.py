# SPDX-License-Identifier: Apache-2.0
"""The column of store keys, which tells two keys apart character by character on every engine (S11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField

COLUMN = {"postgresql": 'text COLLATE "C"', "mysql": "varbinary(255)", "sqlite": "text"}
"""A collation that folds case, accents or blanks would make one record of two."""


class KeyField(_TextField):
    """A text that no collation folds."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        """Return the column's type on an engine."""
        return COLUMN.get(connection.vendor) or super().db_type(connection)

    def from_db_value(self, value: Any, *_: object) -> str | None:
        """Return the key, which MySQL keeps as bytes."""
        return value.decode() if isinstance(value, bytes) else value
