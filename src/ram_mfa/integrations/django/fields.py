# SPDX-License-Identifier: Apache-2.0
"""The column of store keys, which compares keys character by character on every database engine (S11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField

COLUMN = {"postgresql": 'text COLLATE "C"', "mysql": "varbinary(255)", "sqlite": "text"}
"""With a collation that folds case, accents or blanks, two records would become one."""


class KeyField(_TextField):
    """A text field that no collation folds."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        """Return the column's type on a database engine."""
        return COLUMN.get(connection.vendor) or super().db_type(connection)

    def from_db_value(self, value: Any, *_: object) -> str | None:
        """Return the key, which MySQL stores as bytes."""
        return value.decode() if isinstance(value, bytes) else value
