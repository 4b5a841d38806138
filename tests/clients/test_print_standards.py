# SPDX-License-Identifier: Apache-2.0
"""The page of standards says what the marks say, and refuses marks that lead nowhere."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "docs" / "print_standards.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("print_standards", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def marks(script):
    made = script.Marks()
    made.standards["RFC 6238 5.10", "ram_mfa.otp.TOTP.match"] = {"unit/otp/test_totp.py::TestMatch::test_late"}
    made.standards["RFC 6238 5.2", "ram_mfa.otp.TOTP.match"] = {
        "unit/otp/test_totp.py::TestMatch::test_b",
        "unit/otp/test_totp.py::TestMatch::test_a",
    }
    made.requirements["O7"] = {"unit/otp/test_totp.py::TestMatch::test_a"}
    return made


def test_section_function_tests(script, marks):
    """A row is a section, the function that implements it, and its tests; 5.2 stands before 5.10."""
    page = script.page(marks)
    first = "| 5.2 | `ram_mfa.otp.TOTP.match` | unit/otp/test_totp.py: `TestMatch.test_a`, `TestMatch.test_b` |"
    second = "| 5.10 | `ram_mfa.otp.TOTP.match` | unit/otp/test_totp.py: `TestMatch.test_late` |"
    assert 0 < page.index("## RFC 6238: TOTP") < page.index(first) < page.index(second)


def test_every_row_is_accounted_for(script, marks):
    """Each requirement is listed, with its tests, or as the application's, or as nothing to test, or without a test."""
    page = script.page(marks)
    lines = {line.split("|")[1].strip(): line for line in page.splitlines() if line.startswith("| ")}
    assert lines["O7"].endswith("| unit/otp/test_totp.py: `TestMatch.test_a` |")
    assert "the application's: the web session" in lines["B13"]
    assert "nothing to test: " in lines["B8"]
    assert lines["O8"].endswith("| no test yet |")
    assert {
        f"{letter}{n}"
        for letter, last in {"O": 25, "B": 24, "U": 18, "V": 40, "S": 16}.items()
        for n in range(1, last + 1)
    } <= set(lines)


def test_marks_that_lead_nowhere(script, marks):
    """An unknown row, a function that does not exist, and a file that did not collect are named."""
    assert script.complaints(marks) == []
    marks.requirements["O99"] = {"a.py::test_x"}
    marks.standards["RFC 6238 5.2", "ram_mfa.otp.TOTP.mismatch"] = {"a.py::test_y"}
    marks.standards["RFC 6238 5.2", "nowhere.at_all"] = {"a.py::test_z"}
    marks.missing.append("b.py: no module named c")
    assert script.complaints(marks) == [
        "not collected: b.py: no module named c",
        "no such row: O99 (a.py: `test_x`)",
        "no such function: ram_mfa.otp.TOTP.mismatch (a.py: `test_y`)",
        "no such function: nowhere.at_all (a.py: `test_z`)",
    ]


@pytest.mark.parametrize(
    ("section", "start"),
    [
        ("RFC 6238 5.2", "RFC 6238"),
        ("RFC 6454 4", "RFC"),
        ("WebAuthn Level 3 #sctn-registering-a-new-credential", "WebAuthn Level 3"),
        ("WebAuthn Level 2 7.1", "WebAuthn"),
        ("FIDO U2F Raw 4.3", "FIDO U2F Raw"),
        ("SEC 1 2.3.4", ""),
    ],
)
def test_standard_of(script, section, start):
    """A section belongs to the standard whose name it starts with, the longest that fits."""
    assert script.standard_of(section) == start


def test_an_anchor_is_a_link(script):
    """Where a standard is cited by an anchor, the cell leads there."""
    url = "https://standard.example/x/"
    assert script.section_of("WebAuthn Level 3 #sctn-a-b", "WebAuthn Level 3", url) == f"[sctn-a-b]({url}#sctn-a-b)"
    assert script.section_of("RFC 6238 5.2", "RFC 6238", url) == "5.2"
    assert script.section_of("RFC 6238", "RFC 6238", url) == "RFC 6238"
