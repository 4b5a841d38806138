# SPDX-License-Identifier: Apache-2.0
"""A million users: they log on, and the report of them all takes no more memory than that of the first tenth."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import all_rounds, require_module, rounds
from tests.support.millions import chosen
from tests.support.servers import PostgreSQL

USERS = 1_000_000 if all_rounds else 20_000
GROWTH = 24 * 2**20
"""Bytes by which the process may grow over the rest of the report; a million rows would take ten times that."""
ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        yield str(tmp_path / "mfa.db")
    else:
        require_module("psycopg", "psycopg[binary]")
        with PostgreSQL() as server:
            yield server.url()


@pytest.mark.requirement("S5", "S11")
def test_a_million_users(url):
    """Any of them logs on; the report names each once, holds no row but the one it hands over, and does not grow."""
    logons = rounds(2_000)
    told = subprocess.run(
        [sys.executable, "-m", "tests.support.millions", url, str(USERS), str(logons)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    seen = json.loads(told.stdout)
    print({name: value for name, value in seen.items() if name != "logged_on"})
    assert seen["rows"] == seen["users"] == USERS
    assert seen["inactive"] == 0
    assert seen["logged_on"] == sorted(chosen(USERS, logons))
    assert seen["kept"] <= 2
    assert seen["grown"] < GROWTH
