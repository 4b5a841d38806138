# SPDX-License-Identifier: Apache-2.0
"""The tables for Django's migrations; ``DjangoStore`` uses statements of its own.

No verb uses a manager of these models: a queryset uses the request's connection, whose rollback would undo a refusal.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from .fields import KeyField


class Record(models.Model):
    """One sealed record under its store key."""

    key: KeyField = KeyField(primary_key=True)
    value: models.BinaryField[bytes, bytes] = models.BinaryField()

    class Meta:
        """The same table as for the other SQL stores, without permissions."""

        db_table = "ram_mfa"
        default_permissions: ClassVar[tuple[str, ...]] = ()

    def __str__(self) -> str:
        return self.key


class Root(models.Model):
    """The root record of a store on MariaDB or MySQL, compared within each statement on another record."""

    key: KeyField = KeyField(primary_key=True)
    value: models.BinaryField[bytes, bytes] = models.BinaryField()

    class Meta:
        """A separate table, since MySQL cannot compare another record of the table that a statement changes."""

        db_table = "ram_mfa_root"
        required_db_vendor = "mysql"
        default_permissions: ClassVar[tuple[str, ...]] = ()

    def __str__(self) -> str:
        return self.key
