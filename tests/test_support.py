# SPDX-License-Identifier: Apache-2.0
"""What the tests lean on keeps its own promises."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import support

TOP = Path(__file__).parents[1]


def answer(expression, **environment):
    """What an expression over tests.support is in a process with this environment."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAM_MFA_")}
    program = f"import sys; sys.path.insert(0, {str(TOP)!r}); from tests import support; print({expression})"
    done = subprocess.run(
        [sys.executable, "-c", program], env=kept | environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "(100, 1)"),
        ({"RAM_MFA_REQUIRE_REAL": "1"}, "(2000, 7)"),
        ({"RAM_MFA_REQUIRE_REAL": "1", "RAM_MFA_ROUNDS": "default"}, "(100, 1)"),
        ({"RAM_MFA_ROUNDS": "full"}, "(100, 1)"),
    ],
)
def test_rounds(environment, expected):
    """All rounds run where everything must really run and nobody asked for fewer; else a twentieth, and never none."""
    assert answer("(support.rounds(2000), support.rounds(7))", **environment) == expected


@pytest.mark.parametrize(
    ("environment", "outcome"), [({}, pytest.skip.Exception), ({"RAM_MFA_REQUIRE_REAL": "1"}, pytest.fail.Exception)]
)
@pytest.mark.parametrize("rounds", [{}, {"RAM_MFA_ROUNDS": "default"}])
def test_missing(environment, outcome, rounds, monkeypatch):
    """A missing program or module skips, and fails where everything must really run, with fewer rounds too."""
    monkeypatch.setattr(support, "real", answer("support.real", **environment, **rounds) == "True")
    with pytest.raises(outcome, match="no-such-program is not installed: the Debian package tools brings it"):
        support.require_program("no-such-program", "tools")
    with pytest.raises(outcome, match="no_such_module is not installed: the package thing brings it"):
        support.require_module("no_such_module", "thing")


def test_missing_vectors(monkeypatch, tmp_path):
    """Without the folder of judged vectors, a test of them skips."""
    monkeypatch.setattr(support, "real", False)
    monkeypatch.setenv("RAM_MFA_VECTORS", str(tmp_path / "nowhere"))
    with pytest.raises(pytest.skip.Exception, match="RAM_MFA_VECTORS"):
        support.vectors("totp")
