# SPDX-License-Identifier: Apache-2.0
"""What the tests lean on keeps its own promises."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests import support

TOP = Path(__file__).parents[2]


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
        ({"RAM_MFA_REQUIRE_REAL": "1"}, "(100, 1)"),
        ({"RAM_MFA_ROUNDS": "all"}, "(2000, 7)"),
        ({"RAM_MFA_ROUNDS": "default"}, "(100, 1)"),
    ],
)
def test_rounds(environment, expected):
    """All rounds run where RAM_MFA_ROUNDS is ``all``, and nowhere else; otherwise a twentieth of them, at least one."""
    assert answer("(support.rounds(2000), support.rounds(7))", **environment) == expected


def calls_rounds(path):
    """Whether a file calls ``rounds``, whatever it is imported as a name of."""
    calls = (one.func for one in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(one, ast.Call))
    return any("rounds" in (getattr(called, "id", ""), getattr(called, "attr", "")) for called in calls)


def test_files_with_rounds_are_selected():
    """``nox -s rounds`` selects the tests of every file that calls ``rounds``, itself or through its base classes."""
    everything = set((TOP / "tests").rglob("test_*.py")) - {Path(__file__)}
    files = [path for path in everything if calls_rounds(path)]
    assert len(files) > 20
    files += [path for path in everything if "key_ceremony.WhateverCame" in path.read_text("utf-8")]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "-m", "not rounds"]
    done = subprocess.run([*command, *files], cwd=TOP, capture_output=True, text=True)
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, done.stdout
    assert "deselected" in done.stdout


@pytest.mark.parametrize(
    ("environment", "outcome"), [({}, pytest.skip.Exception), ({"RAM_MFA_REQUIRE_REAL": "1"}, pytest.fail.Exception)]
)
def test_missing(environment, outcome, monkeypatch):
    """A missing program or module skips, and fails where everything must really run."""
    monkeypatch.setattr(support, "real", answer("support.real", **environment) == "True")
    with pytest.raises(outcome, match="no-such-program is not installed: the Debian package tools brings it"):
        support.require_program("no-such-program", "tools")
    with pytest.raises(outcome, match="no_such_module is not installed: the package thing brings it"):
        support.require_module("no_such_module", "thing")


def test_a_module_that_requires_what_is_missing(tmp_path):
    """A test module that requires a missing module when it is imported is skipped as a whole."""
    test = tmp_path / "test_module.py"
    test.write_text(
        f"import sys; sys.path.insert(0, {str(TOP)!r})\nfrom tests.support import require_module\n"
        "require_module('no_such_module', 'thing')\ndef test_nothing(): pass\n"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAM_MFA_")}
    command = [sys.executable, "-m", "pytest", "-c", TOP / "pyproject.toml", "-p", "no:cacheprovider", "-rs", test]
    done = subprocess.run(command, env=kept, capture_output=True, text=True)
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, done.stdout
    assert "no_such_module is not installed: the package thing brings it" in done.stdout


@pytest.mark.requirement("A34")
def test_no_test_runs_forever(tmp_path):
    """A test that hangs ends the run, which shows where it stands; so it is set, with more patience."""
    table = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["tool"]["pytest"]["ini_options"]
    assert table["faulthandler_exit_on_timeout"]
    assert 0 < table["faulthandler_timeout"] <= 600
    test = tmp_path / "test_endless.py"
    test.write_text("def test_endless():\n    while True:\n        pass\n")
    command = [sys.executable, "-m", "pytest", "-c", TOP / "pyproject.toml", "-p", "no:cacheprovider", test]
    done = subprocess.run([*command, "-o", "faulthandler_timeout=0.5"], capture_output=True, text=True)
    assert done.returncode
    assert "test_endless.py" in done.stderr
    assert "passed" not in done.stdout


@pytest.mark.requirement("A7")
def test_every_dependency_has_a_lowest_version():
    """``nox -s lowest`` installs the lowest versions: each dependency names one, everywhere the same."""
    table = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))
    groups = [table["project"]["dependencies"], *table["project"]["optional-dependencies"].values()]
    lowest = {}
    for one in [*(one for group in groups for one in group), *table["dependency-groups"]["drivers"]]:
        name, version = re.fullmatch(r"([a-zA-Z0-9]+)(?:\[[a-z,]+\])?>=([0-9.]+)", one).groups()
        lowest.setdefault(name.lower(), set()).add(version)
    assert {"attrs", "cryptography", "psycopg", "redis", "django", "pymysql"} <= set(lowest)
    assert all(len(versions) == 1 for versions in lowest.values()), lowest


@pytest.mark.requirement("A38")
def test_every_extra_has_a_program():
    """``nox -s extras`` runs a program for each extra."""
    from tests import extras

    table = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))
    assert set(extras.PROGRAMS) == set(table["project"]["optional-dependencies"])


class TestVectors:
    @pytest.mark.requirement("A37")
    @pytest.mark.parametrize("real", [False, True])
    def test_no_folder(self, real, monkeypatch):
        """Where RAM_MFA_VECTORS names no folder, a test of judged vectors skips, in CI too, and none is looked for."""
        monkeypatch.setattr(support, "real", real)
        monkeypatch.delenv("RAM_MFA_VECTORS", raising=False)
        with pytest.raises(pytest.skip.Exception, match="RAM_MFA_VECTORS"):
            support.vectors("totp")

    def test_a_folder(self, monkeypatch, tmp_path):
        """The vectors of a file are read from the folder that RAM_MFA_VECTORS names; a missing file is an error."""
        monkeypatch.setenv("RAM_MFA_VECTORS", str(tmp_path))
        (tmp_path / "totp.json").write_text('{"vectors": [{"id": "one"}]}')
        assert support.vectors("totp") == [{"id": "one"}]
        with pytest.raises(FileNotFoundError):
            support.vectors("otpauth")
