# SPDX-License-Identifier: Apache-2.0
"""``python -m ram_mfa selftest``: the test vectors that the standards print, run on the installed package.

The vectors are package data, JSON files with their source: RFC 4226, RFC 6238, RFC 4648
(https://www.rfc-editor.org), FIDO U2F Raw Message Formats 1.2 (https://fidoalliance.org/specs/) and Web Authentication
Level 3 (https://www.w3.org/TR/webauthn-3/#sctn-test-vectors). The tests of the project read the same files.

Invariant: nothing beyond the core dependencies is imported, and a vector that raises anything has failed.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import attrs

from . import fido, rfc, w3c
from .vectors import Suite, Vector, load


@attrs.frozen
class Failure:
    """A vector that did not pass: its name, and the error."""

    vector: str
    problem: str


@attrs.frozen
class Result:
    """The result of one standard's vectors.

    Attributes:
        standard: the name and version.
        section: where the vectors are printed.
        url: the address of that section.
        total: how many vectors were tried.
        failures: those that did not pass.
        note: what the vectors leave open; "" where it is nothing.
    """

    standard: str
    section: str
    url: str
    total: int
    failures: tuple[Failure, ...]
    note: str = ""

    @property
    def passed(self) -> int:
        """The number of vectors that passed."""
        return self.total - len(self.failures)


def run() -> tuple[Result, ...]:
    """Try every vector, and return one result for each standard's section."""
    return tuple(_results((*rfc.suites(load("rfc")), *fido.suites(load("fido_u2f")), *w3c.suites(load("w3c_level3")))))


def _results(suites: Iterable[Suite]) -> Iterator[Result]:
    for suite in suites:
        failures = tuple(failure for vector in suite.vectors for failure in _try(vector))
        yield Result(suite.standard, suite.section, suite.url, len(suite.vectors), failures, suite.note)


def _try(vector: Vector) -> tuple[Failure, ...]:
    name, check = vector
    try:
        check()
    except Exception as error:  # noqa: BLE001 - whatever it is, the vector has not passed
        return (Failure(name, f"{type(error).__name__}: {error}"),)
    return ()


_PACKAGES: Final = ("ram_mfa", "cryptography", "cbor2", "attrs")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # a checkout that is not installed
        return "not installed"


def as_plain(results: tuple[Result, ...]) -> dict[str, Any]:
    """Return the results as JSON's types, with the versions that they hold for."""
    return {
        "passed": not any(result.failures for result in results),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "standards": [
            {
                "standard": result.standard,
                "section": result.section,
                "url": result.url,
                "passed": result.passed,
                "total": result.total,
                "failures": [attrs.asdict(failure) for failure in result.failures],
                "note": result.note,
            }
            for result in results
        ],
    }


def as_lines(results: tuple[Result, ...]) -> Iterator[str]:
    """Return the results as lines of text."""
    for result in results:
        state = "FAILED" if result.failures else "ok    "
        yield f"{state} {result.passed:>3} of {result.total:>3}  {result.standard}, {result.section}"
        for failure in result.failures:
            yield f"       {failure.vector}: {failure.problem}"
        if result.note:
            yield f"       note: {result.note}"
    total, passed = sum(result.total for result in results), sum(result.passed for result in results)
    versions = ", ".join(f"{name} {number}" for name, number in as_plain(results)["packages"].items())
    yield f"{passed} of {total} vectors passed on Python {platform.python_version()} with {versions}"
