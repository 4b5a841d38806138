# SPDX-License-Identifier: Apache-2.0
"""The tables, as Django migrates them; ``DjangoStore`` speaks to them in statements of its own.

No manager of these models is on the path of a verb: a queryset uses the request's connection, whose rollback would take
a refusal back.
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
        """The table that the other SQL stores use too; nobody is given permissions on it."""

        db_table = "ram_mfa"
        default_permissions: ClassVar[tuple[str, ...]] = ()

    def __str__(self) -> str:
        return self.key


class Root(models.Model):
    """The root record of a store on MariaDB or MySQL, which is compared within each statement on another record."""

    key: KeyField = KeyField(primary_key=True)
    value: models.BinaryField[bytes, bytes] = models.BinaryField()

    class Meta:
        """A table of its own: MySQL compares no two records of one table where it changes one."""

        db_table = "ram_mfa_root"
        required_db_vendor = "mysql"
        default_permissions: ClassVar[tuple[str, ...]] = ()

    def __str__(self) -> str:
        return self.key
