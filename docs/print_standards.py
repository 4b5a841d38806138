# SPDX-License-Identifier: Apache-2.0
"""Prints docs/standards.md: section of a standard -> function -> tests, from the marks of the tests.

``python docs/print_standards.py`` writes the page; with ``--check`` it writes nothing and fails where the page is not
what it would write. It collects the tests and runs none; all that the tests import must be installed.
"""

from __future__ import annotations

import difflib
import importlib
import re
import sys
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
PAGE = TOP / "docs" / "standards.md"
ROWS = TOP / "docs" / "requirements.toml"

# How a section's text starts -> (the standard's name, where it is published)
STANDARDS = {
    "RFC 4226": ("RFC 4226: HOTP", "https://www.rfc-editor.org/rfc/rfc4226"),
    "RFC 4648": ("RFC 4648: base32, base64url", "https://www.rfc-editor.org/rfc/rfc4648"),
    "RFC 6238": ("RFC 6238: TOTP", "https://www.rfc-editor.org/rfc/rfc6238"),
    "RFC": ("Other RFCs", "https://www.rfc-editor.org"),
    "Key URI": ("Key URI Format", "https://github.com/google/google-authenticator/wiki/Key-Uri-Format"),
    "FIDO U2F Raw": (
        "FIDO U2F Raw Message Formats 1.2",
        "https://fidoalliance.org/specs/fido-u2f-v1.2-ps-20170411/fido-u2f-raw-message-formats-v1.2-ps-20170411.html",
    ),
    "FIDO U2F JavaScript": (
        "FIDO U2F JavaScript API 1.2",
        "https://fidoalliance.org/specs/fido-u2f-v1.2-ps-20170411/fido-u2f-javascript-api-v1.2-ps-20170411.html",
    ),
    "FIDO AppID": (
        "FIDO AppID and Facets 1.2",
        "https://fidoalliance.org/specs/fido-u2f-v1.2-ps-20170411/fido-appid-and-facets-v1.2-ps-20170411.html",
    ),
    "FIDO": ("Other FIDO documents", "https://fidoalliance.org/specifications/"),
    "WebAuthn Level 3": ("Web Authentication Level 3", "https://www.w3.org/TR/webauthn-3/"),
    "WebAuthn": ("Web Authentication, other levels", "https://www.w3.org/TR/webauthn/"),
    "NIST SP 800-63B": ("NIST SP 800-63B-4", "https://pages.nist.gov/800-63-4/sp800-63b.html"),
    "ASVS": ("OWASP ASVS 5.0", "https://owasp.org/www-project-application-security-verification-standard/"),
    "": ("Other texts", ""),
}

INTRODUCTION = """\
# Standards

Which section of which standard is implemented where, and which test shows it. Then the rows of requirements that the
tests cite, with those that are the application's to keep said to be so. This page is printed from the tests' marks by
`docs/print_standards.py`; change the marks, not the page.
"""


class Marks:
    """A pytest plugin that keeps the marks of what was collected, and what could not be collected."""

    def __init__(self) -> None:
        self.standards: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.requirements: dict[str, set[str]] = defaultdict(set)
        self.missing: list[str] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember a file that did not collect: its rows would silently be missing."""
        if report.outcome != "passed":
            self.missing.append(f"{report.nodeid}: {report.longrepr}")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Read the marks of each test; the parameters of a test are one row."""
        for item in items:
            test = item.nodeid.partition("[")[0].removeprefix("tests/")
            for mark in item.iter_markers("standard"):
                section, function = mark.args
                self.standards[section, function].add(test)
            for mark in item.iter_markers("requirement"):
                for row in mark.args:
                    self.requirements[row].add(test)


def standard_of(section: str) -> str:
    """Return the key of STANDARDS that the section's text starts with, the longest that fits."""
    return max((start for start in STANDARDS if section.startswith(start)), key=len)


def section_of(section: str, start: str, url: str) -> str:
    """Return the section's cell: without the standard's name, and an anchor as a link."""
    short = section.removeprefix(start).strip() or section
    return f"[{short[1:]}]({url}{short})" if re.fullmatch(r"#[\w-]+", short) else short


def natural(text: str) -> list[tuple[int, int, str]]:
    """Sort 5.2 before 5.10."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", text) if part]


def exists(function: str) -> bool:
    """Return whether a dotted name leads to something."""
    parts = function.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            names = {field.name for field in getattr(found, "__attrs_attrs__", ())}
            if part not in names and not hasattr(found, part):
                return False
            found = getattr(found, part, None)
        return True
    return False


def tests_of(tests: set[str]) -> str:
    """Return the tests of a cell, file by file."""
    by_file: dict[str, list[str]] = defaultdict(list)
    for test in sorted(tests):
        file, _, name = test.partition("::")
        by_file[file].append(name.replace("::", "."))
    return "<br>".join(f"{file}: " + ", ".join(f"`{name}`" for name in names) for file, names in by_file.items())


def page(marks: Marks) -> str:
    """Return the whole page."""
    parts = [INTRODUCTION]
    for start, (name, url) in STANDARDS.items():
        rows = sorted(
            (row for row in marks.standards.items() if standard_of(row[0][0]) == start),
            key=lambda row: (natural(row[0][0]), row[0][1]),
        )
        if rows:
            parts.append(f"## {name}\n" + (f"\n<{url}>\n" if url else ""))
            lines = [
                f"| {section_of(section, start, url)} | `{function}` | {tests_of(tests)} |"
                for (section, function), tests in rows
            ]
            parts.append("\n".join(["| section | function | tests |", "|---|---|---|", *lines]) + "\n")
    for group in tomllib.loads(ROWS.read_text(encoding="utf-8")).values():
        parts.append(f"## {group.pop('title')}\n")
        lines = []
        for row, text in group.items():
            cells = [tests_of(marks.requirements[row])] if marks.requirements.get(row) else []
            cells += [f"the application's: {text['application']}"] if "application" in text else []
            cells += [f"nothing to test: {text['none']}"] if "none" in text else []
            lines.append(f"| {row} | {text['promise']} | {text['source']} | {'<br>'.join(cells) or 'no test yet'} |")
        parts.append("\n".join(["| row | promise | source | tests |", "|---|---|---|---|", *lines]) + "\n")
    return "\n".join(parts)


def complaints(marks: Marks) -> list[str]:
    """Return what is wrong with the marks themselves."""
    rows = {row for group in tomllib.loads(ROWS.read_text(encoding="utf-8")).values() for row in group} - {"title"}
    return [
        *(f"not collected: {what}" for what in marks.missing),
        *(
            f"no such row: {row} ({tests_of(marks.requirements[row])})"
            for row in sorted(marks.requirements)
            if row not in rows
        ),
        *(
            f"no such function: {name} ({tests_of(tests)})"
            for (_, name), tests in marks.standards.items()
            if not exists(name)
        ),
    ]


def main(arguments: list[str]) -> int:
    """Write or check the page; return the exit status."""
    marks = Marks()
    status = pytest.main(["--collect-only", "-qq", "--no-header", "--no-summary", str(TOP / "tests")], plugins=[marks])
    wrong = complaints(marks)
    if status != pytest.ExitCode.OK or wrong:
        print("\n".join(wrong) or f"collecting the tests ended with {status}")
        return 1
    new = page(marks)
    if arguments == ["--check"]:
        old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        difference = list(
            difflib.unified_diff(old.splitlines(), new.splitlines(), "docs/standards.md", "as marked", "", "", 1)
        )
        print("\n".join(difference) or "docs/standards.md is as the tests' marks say")
        return 1 if difference else 0
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
