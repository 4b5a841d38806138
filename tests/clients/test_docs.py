# SPDX-License-Identifier: Apache-2.0
"""What the pages say is so: their programs run, their names exist, their tables are those of the code."""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ram_mfa
from docs import print_policy
from ram_mfa.refusals import Reason
from ram_mfa.rules.actors import Role
from ram_mfa.rules.authority import PERMISSIONS
from tests.support import layers, require_module

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(page for page in DOCS.glob("*.md") if page.name != "standards.md")
PROGRAMS = [page for page in PAGES if "```python\n" in page.read_text(encoding="utf-8")]
PLACES = [
    ram_mfa,
    *(
        importlib.import_module(f"ram_mfa.{name}")
        for name in (
            *(
                "account",
                "ceremonies",
                "codec",
                "errors",
                "events",
                "integrations.logs",
                "context",
                "from_other_libraries",
                "migration",
                "otp",
            ),
            *(
                "policy",
                "sealing",
                "store",
                "stores.memory",
                "stores.sqlite",
                "testing",
                "u2f",
                "web",
                "webauthn",
                "webauthn.metadata",
                "refusals",
            ),
        )
    ),
]
FOREIGN = {
    "AttestedCredentialData",
    "Authenticator",
    "StaticToken",
    "TOTPDevice",
    "Authorization",
    "Content-Type",
    "Retry-After",
    "Sec-Fetch-Site: same-origin",
    "AuthenticationMiddleware",
    "CSRFProtect",
    "Host",
    "LoginView",
    "QuerySet.update",
    "InvalidStateError",
    "Secure",
    "HttpOnly",
    "SameSite",
    "TypeError",
    "ValueError",
}
"""Words of browsers, of cookies, of the language and of other libraries."""


def words_of(page):
    """The words in backticks outside of blocks."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.findall(r"`([^`\n]+)`", text)


def exists(dotted):
    """Whether a dotted name leads somewhere."""
    parts = dotted.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:count]))
        except ImportError:
            continue
        for part in parts[count:]:
            if hasattr(found, part):
                found = getattr(found, part)
            else:
                return part in {field.name for field in getattr(found, "__attrs_attrs__", ())}
        return True
    return False


@pytest.mark.parametrize("page", PROGRAMS, ids=lambda page: page.name)
def test_the_programs_run(page, tmp_path):
    """The Python blocks of a page, those in its comments too, are one program that runs, warnings being errors."""
    require_module("segno", "segno")
    require_module("sqlalchemy", "sqlalchemy")
    require_module("django", "django")
    require_module("itsdangerous", "itsdangerous")
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    program = tmp_path / "page.py"
    program.write_text("\n".join(blocks), encoding="utf-8")
    command = [sys.executable, "-W", "error", str(program)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_names_exist(page):
    """Each name of the package that stands in backticks leads to something."""
    places = [place.__name__ for place in PLACES]
    if page.name in {"stores.md", "django.md"}:
        for extra in ("sqlalchemy", "psycopg", "redis", "django"):
            require_module(extra, extra)
        places += [f"ram_mfa.stores.{extra}" for extra in ("sqlalchemy", "postgres", "redis")]
        places.append("ram_mfa.integrations.django")
    missing = []
    for word in words_of(page):
        name = re.match(r"[A-Za-z_][A-Za-z0-9_.]*", word)
        if name is None or word in FOREIGN:
            continue
        dotted = name.group().rstrip(".")
        if dotted.startswith("ram_mfa."):
            known = exists(dotted)
        elif dotted[0].isupper() and not dotted.isupper():
            known = any(exists(f"{place}.{dotted}") for place in places)
        else:
            continue
        if not known:
            missing.append(word)
    assert missing == []


def test_every_page_is_in_the_contents():
    """Each page can be reached from the first."""
    named = set(re.findall(r"^([a-z-]+)$", (DOCS / "index.md").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert named == {page.stem for page in DOCS.glob("*.md")} - {"index"}


def test_the_policy_page_is_printed():
    """policy.md is what the policy's own docstrings, values and answers say."""
    assert print_policy.page() == (DOCS / "policy.md").read_text(encoding="utf-8"), "run docs/print_policy.py"


def rows(page, heading):
    """The cells of the first table below a heading, without the table's own head."""
    text = (DOCS / page).read_text(encoding="utf-8").partition(heading)[2]
    table = re.search(r"(?:^\|.*\n)+", text, flags=re.MULTILINE).group()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_the_table_of_layers():
    """architecture.md has each package in the layer in which its imports are checked."""
    _, _, *lines = rows("architecture.md", "## The layers")
    assert {int(layer): set(re.findall(r"`(\w+)`", packages)) for layer, _, packages in lines} == layers.LAYERS


def test_where_to_change_what():
    """architecture.md sends whoever changes something to files and folders that are there."""
    _, _, *lines = rows("architecture.md", "## Where do I change ...")
    paths = [path for _, where in lines for path in re.findall(r"`([\w/]+(?:\.py|/))`", where)]
    assert len(lines) == 17
    assert len(paths) >= len(lines)
    assert [path for path in paths if not (DOCS.parent / "src/ram_mfa" / path).exists()] == []


def test_the_table_of_reasons():
    """errors.md has each reason with its advice, and no other."""
    _, _, *lines = rows("errors.md", "## Each reason and its advice")
    assert lines == [[f"`{one.name}`", one.value, f"`{one.advice.name}`"] for one in Reason]


def test_the_table_of_authority():
    """administrators.md has each cell of the table by which the library decides."""
    head, _, *lines = rows("administrators.md", "## Who may do what")
    assert head == ["", *(f"`{role.value}`" for role in Role)]
    expected = []
    for action, cells in PERMISSIONS.items():
        said = [
            (", ".join(f"`{condition.__name__}`" for condition in cells[role]) or "yes") if role in cells else "no"
            for role in Role
        ]
        expected.append([action.value, *said])
    assert lines == expected
    conditions = {condition for cells in PERMISSIONS.values() for of_one in cells.values() for condition in of_one}
    text = (DOCS / "administrators.md").read_text(encoding="utf-8")
    described = dict(re.findall(r"^- `(\w+)`: (.*?)$", text, flags=re.MULTILINE))
    assert described == {condition.__name__: inspect.getdoc(condition) for condition in conditions}
