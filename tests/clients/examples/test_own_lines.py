# SPDX-License-Identifier: Apache-2.0
"""The lines that an application has for MFA: the budgets of the pages.

In the examples each line that the same application would not have without MFA ends with ``# MFA``. A line in the place
of one that every application has (which logs on, asks who is logged on, or logs out) does not count, nor does a second
operation.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[3] / "examples"
USES = re.compile(r"\b(ram_mfa|site|UserInfo|rp|policy|seal)\b")


def lines_of(name):
    place = EXAMPLES / name
    files = sorted(place.glob("*.py")) if place.is_dir() else [place]
    return [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(("name", "budget"), [("fastapi_app.py", 20), ("flask_app.py", 15), ("django_site", 12)])
def test_the_budget_is_kept(name, budget):
    """FastAPI takes at most 20 lines, Flask 15 and Django 12, with all procedures and both languages."""
    marked = [line for line in lines_of(name) if line.endswith("  # MFA")]
    assert 8 <= len(marked) <= budget, "\n".join(marked)


@pytest.mark.parametrize("name", ["fastapi_app.py", "flask_app.py"])
def test_nothing_is_left_unmarked(name):
    """Every line that names something of MFA is marked, or stands in the place of another."""
    code = "\n".join(lines_of(name)).partition("def create_app(")[2].partition("    app = ")[2].partition("def main")[0]
    for line in code.splitlines():
        words = line.partition("#")[0]
        if USES.search(words) and "/mfa/" not in words:
            assert "#" in line, line
