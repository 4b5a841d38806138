# SPDX-License-Identifier: Apache-2.0
"""The tables, with the same columns as those of `ram_mfa.stores.sqlalchemy` and `ram_mfa.stores.postgres`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import migrations, models

import ram_mfa.integrations.django.fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.backends.base.schema import BaseDatabaseSchemaEditor
    from django.db.migrations.operations.base import Operation


def keep_values_in_their_rows(_apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    """Make PostgreSQL keep values above 2 kB in their rows, and reuse the space of replaced rows early."""
    if editor.connection.vendor == "postgresql":
        editor.execute("ALTER TABLE ram_mfa ALTER COLUMN value SET STORAGE MAIN, SET (fillfactor = 60)")


class Migration(migrations.Migration):
    """Make the table of records, and on MariaDB and MySQL that of the root record."""

    initial: ClassVar[bool | None] = True
    dependencies: ClassVar[Sequence[tuple[str, str]]] = []
    operations: ClassVar[Sequence[Operation]] = [
        migrations.CreateModel(
            name="Record",
            fields=[
                ("key", ram_mfa.integrations.django.fields.KeyField(primary_key=True, serialize=False)),
                ("value", models.BinaryField()),
            ],
            options={"db_table": "ram_mfa", "default_permissions": ()},
        ),
        migrations.CreateModel(
            name="Root",
            fields=[
                ("key", ram_mfa.integrations.django.fields.KeyField(primary_key=True, serialize=False)),
                ("value", models.BinaryField()),
            ],
            options={"db_table": "ram_mfa_root", "default_permissions": (), "required_db_vendor": "mysql"},
        ),
        migrations.RunPython(keep_values_in_their_rows, migrations.RunPython.noop),
    ]
