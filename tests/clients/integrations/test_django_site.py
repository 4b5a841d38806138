# SPDX-License-Identifier: Apache-2.0
"""The pages on Django: the example project, walked over WSGI, and in part over ASGI."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import require_module

require_module("django", "django")

TOP = Path(__file__).parents[3]
NAMES = (
    *("codes", "keys", "step_up", "owner", "administrator", "ends", "forgeries", "fixation", "wire", "language"),
    *("admin", "any_login", "own_password_change", "deleted_user", "inactive_user", "old_session", "checks"),
    *("test_client", "kit", "admin_column", "fresh_records", "codes_awaited", "step_up_awaited"),
)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    command = [sys.executable, "-m", "tests.support.django_walks", str(tmp_path_factory.mktemp("django"))]
    done = subprocess.run(command, capture_output=True, text=True, cwd=TOP, timeout=300)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    return dict(lines)


class TestDjango:
    @pytest.mark.parametrize("name", NAMES)
    def test_walk(self, results, name):
        """The walk goes as it must; what it walks stands at its head in tests/support."""
        assert results[f"walk_{name}"] == "", results[f"walk_{name}"]

    def test_every_walk_is_looked_at(self, results):
        """No walk was run that is not named here."""
        assert set(results) == {f"walk_{name}" for name in NAMES}
