# SPDX-License-Identifier: Apache-2.0
"""Serve the project on this machine: ``python -m examples.django_site``, then http://localhost:8000 in a browser.

Alice has the password ``alice`` and must bind a device; root is a superuser with the password ``root``. All data lies
in a folder that passes with the program.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

SETTINGS = "examples.django_site.settings"


def prepare(folder: Path, origin: str) -> None:
    """Set the project up in a folder: keys, tables, the root record, and two users.

    Args:
        folder: of its data.
        origin: where browsers see it.
    """
    os.environ |= {"EXAMPLE_FOLDER": str(folder), "EXAMPLE_ORIGIN": origin, "DJANGO_SETTINGS_MODULE": SETTINGS}
    import django
    from django.core.management import call_command

    from ram_mfa import AESGCMSeal

    AESGCMSeal.from_file(folder / "mfa.keys", create=True)
    django.setup()
    call_command("migrate", verbosity=0)
    call_command("migrate", "ram_mfa", database="mfa", verbosity=0)
    call_command("ram_mfa_setup", verbosity=0)
    from django.contrib.auth.models import User

    User.objects.create_superuser("root", password="root")
    User.objects.create_user("alice", password="alice")


def main() -> None:
    """Serve until Ctrl-C."""
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder), "http://localhost:8000")
        from django.core.management import call_command

        print("http://localhost:8000 (alice/alice, root/root); Ctrl-C ends it")
        call_command("runserver", "127.0.0.1:8000", "--noreload", "--insecure")


if __name__ == "__main__":
    main()
