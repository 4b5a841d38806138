# SPDX-License-Identifier: Apache-2.0
"""The vocabulary of the package and its pages: retired words, and the opening of docstrings."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = next(folder for folder in Path(__file__).parents if (folder / "pyproject.toml").exists())
SOURCES = sorted((TOP / "src").rglob("*.py"))
PAGES = sorted(page for page in [*TOP.glob("*.md"), *(TOP / "docs").glob("*.md")] if page.name != "standards.md")

RETIRED = {
    r"t(?:ell|ells|elling|old)": "notify, report, show, say",
    r"land(?:s|ed|ing)?": "apply, commit",
    r"weigh(?:s|ed|ing)?": "verify, check",
    r"judg(?:e|es|ed|ing|ements?|ments?)": "verify, check, classify",
    r"(?<!attestation )verdicts?(?!:)": "result",
    r"spell(?:ed|s|ings?)?|spelt": "encoding, form",
    r"stances?": "role",
    r"deeds?": "action, command",
    r"as (?:it|they) came(?! back)": "as received",
    r"for ever": "forever, permanently",
    r"nobody's": "say whose it is not",
    r"rooms|houses?": "packages, module",
    r"doors?": "entry point, interface",
    r"(?<!in a )moments?": "time",
    r"beside(?![=:])": "besides, next to, with",
}
"""Words that the project does not use, as patterns, and the words that it uses instead."""

NAMES = {"beside", "tell", "verdict", "Verdict", "verdicts"}
"""Identifiers that others chose: `at(name, beside=...)` of a store, a stream's `tell`, an attestation's verdict."""

OPENINGS = re.compile(r"(?:What|Who|Whose|Whether|How|Where|When|Why|That)\b")
PATTERN = re.compile("|".join(rf"\b(?:{word})\b" for word in RETIRED), re.IGNORECASE)


def words_of(identifier: str) -> str:
    """Return an identifier's parts, separated by blanks."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_", " ", identifier)


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each text of a module with its line: identifiers split into words, comments and strings without names."""
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        if token.type == tokenize.NAME:
            yield token.start[0], " ".join(word for word in words_of(token.string).split() if word.lower() not in NAMES)
        elif token.type in {tokenize.COMMENT, tokenize.STRING}:
            text = re.sub(r"``[^`]*``|`[^`]*`|\{[^{}]*\}", "", " ".join(token.string.split()))
            if text.strip("\"'") not in NAMES:
                yield token.start[0], text


def test_no_retired_word_in_the_package():
    """No name, comment, docstring or text of the package uses a retired word."""
    found = [
        f"{path.relative_to(TOP)}:{line}: {hit.group()}"
        for path in SOURCES
        for line, text in texts(path)
        for hit in PATTERN.finditer(text)
    ]
    assert found == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_retired_word_on_a_page(page: Path):
    """No page uses a retired word outside of its programs and names."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert [hit.group() for hit in PATTERN.finditer(" ".join(text.split()))] == []


def test_modules_and_classes_open_with_a_noun():
    """No docstring of a module or class opens with a question word."""
    found = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = ast.get_docstring(node) or "" if isinstance(node, ast.Module | ast.ClassDef) else ""
            if OPENINGS.match(text):
                found.append(f"{path.relative_to(TOP)}: {text.splitlines()[0]}")
    assert found == []


def test_the_patterns_find_what_they_are_for():
    """Each retired word is found in a sentence, and words that merely contain it are not."""
    for text in ("is told", "It landed", "a verdict", "The spelling", "stays for ever", "beside the root", "a Moment"):
        assert PATTERN.search(text), text
    for text in ("attestation verdict", "landscape", "besides", "instance", "a momentum", "indoors"):
        assert not PATTERN.search(text), text
