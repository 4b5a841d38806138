# SPDX-License-Identifier: Apache-2.0
"""The one table, as Django migrates it; ``DjangoStore`` speaks to it in statements of its own.

No manager of this model is on the path of a verb: a queryset uses the request's connection, whose rollback would take
a refusal back.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from .fields import KeyField


class Record(models.Model):
    """One sealed record under its store key."""

    key = KeyField(primary_key=True)
    value: models.BinaryField[bytes, bytes] = models.BinaryField()

    class Meta:
        """The table that the other SQL stores use too; nobody is given permissions on it."""

        db_table = "ram_mfa"
        default_permissions: ClassVar[tuple[str, ...]] = ()

    def __str__(self) -> str:
        return self.key
