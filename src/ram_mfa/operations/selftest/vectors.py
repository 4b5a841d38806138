# SPDX-License-Identifier: Apache-2.0
"""Vectors: the printed values, read from the package, and their comparison with the package's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any, TypeAlias

import attrs

Vector: TypeAlias = tuple[str, Callable[[], None]]
"""A vector's name, and what raises where the package does not agree with it."""


@attrs.frozen
class Suite:
    """The vectors of one section, ready to be tried; the fields are those of `selftest.Result`."""

    standard: str
    section: str
    url: str
    vectors: tuple[Vector, ...]
    note: str = ""


def load(name: str) -> dict[str, Any]:
    """Return the vectors of one file: ``"rfc"``, ``"fido_u2f"`` or ``"w3c_level3"``."""
    document: dict[str, Any] = json.loads(
        files(__name__.rpartition(".")[0]).joinpath(f"{name}.json").read_text(encoding="utf-8")
    )
    return document


class Disagreement(Exception):
    """The package's value is not the one that the standard prints."""


def expect(found: object, printed: object) -> None:
    """Compare a value with the printed one.

    Raises:
        Disagreement: they differ, in value or in type.
    """
    if type(found) is not type(printed) or found != printed:
        raise Disagreement("not the printed value")
