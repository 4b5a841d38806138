# SPDX-License-Identifier: Apache-2.0
"""What the README says is so."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ram_mfa
from tests.support import require_module

TOP = Path(__file__).parents[2]
README = (TOP / "README.md").read_text(encoding="utf-8")
[EXAMPLE] = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
PAGES = sorted([*TOP.glob("*.md"), *(TOP / "docs").glob("*.md")])


@pytest.mark.requirement("A36")
def test_the_example_runs(tmp_path):
    """The example is a program that runs twice: it binds, logs on, and ends with the user who was admitted."""
    require_module("segno", "segno")
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", EXAMPLE], cwd=tmp_path, capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, "alice\n", "")


def test_the_example_is_typed():
    """Type checkers see the example, to the letter."""
    assert (TOP / "typing_tests" / "readme.py").read_text(encoding="utf-8").endswith(f'"""\n\n{EXAMPLE}')


def test_the_table_names_verbs():
    """Each name in the table of the manual's steps is a public name of the package."""
    table = README.partition("## RAM's manual")[2].partition("\n## ")[0]
    names = {name for name in re.findall(r"`([A-Z][A-Za-z0-9]+)", table) if name != "U2F"}
    assert {"OfferVirtualDevice", "Owner", "MustBind", "Unbind"} <= names
    assert sorted(name for name in names if not hasattr(ram_mfa, name)) == []


@pytest.mark.parametrize(
    ("what", "where"), [("a store for Django", "integrations/django"), ("the command line", "__main__.py")]
)
def test_what_is_not_here_yet(what, where):
    """The README says so of what is not here yet, and no longer once it is."""
    [said] = re.findall(r"^- Not here yet: (.*)$", README, flags=re.MULTILINE) or [""]
    assert (what in said) is not (TOP / "src" / "ram_mfa" / where).exists()


def test_the_commands_are_sessions():
    """The two commands name sessions that exist, and CI runs the second."""
    commands = re.findall(r"^    python -m pip install nox && python -m nox -s (\w+)$", README, flags=re.MULTILINE)
    assert commands == ["demo", "tests"]
    sessions = re.findall(r"^def (\w+)\(session", (TOP / "noxfile.py").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert set(commands) <= set(sessions)
    run = (TOP / ".ci" / "run").read_text(encoding="utf-8")
    assert re.search(r"^for session in .*\btests\b.*; do$", run, flags=re.MULTILINE)
    assert 'python -m nox -s "$session"' in run
    assert os.access(TOP / ".ci" / "run", os.X_OK)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """Each link to another page or file of the project leads to it."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
