# SPDX-License-Identifier: Apache-2.0
"""The credential report as text, written row by row: CSV for people, JSON lines for programs.

CSV: RFC 4180, https://www.rfc-editor.org/rfc/rfc4180, times in ISO 8601. JSON lines: times in seconds since the epoch.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import tempfile
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, TextIO

import attrs

from ..engine.maintenance import ReportRow

Format = Literal["csv", "jsonl"]
NAMES: Final = tuple(field.name for field in attrs.fields(ReportRow))
_TIMES: Final = ("bound_at", "last_used_at")
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")
"""First characters of a cell that a spreadsheet would run (CWE-1236, https://cwe.mitre.org/data/definitions/1236.html)."""


def make_writer(form: Format, out: TextIO) -> Callable[[ReportRow], object]:
    """Return a function that writes a row; the header line of a CSV is written at once."""
    if form == "jsonl":
        return lambda row: out.write(json.dumps(_plain(row)) + "\n")
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(NAMES)
    return lambda row: table.writerow(_cells(row))


def _plain(row: ReportRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in NAMES} | {"kinds": [kind.value for kind in row.kinds]}


def _cells(row: ReportRow) -> list[str]:
    plain = _plain(row)
    plain |= {"kinds": " ".join(plain["kinds"]), "user": _escape_formula(row.user)}
    plain |= {name: format_time(plain[name]) for name in _TIMES}
    return [str(value).lower() if isinstance(value, bool) else str(value) for value in plain.values()]


def _escape_formula(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULAS) else text


def format_time(at: float | None) -> str:
    """Return a time in UTC as ISO 8601, to the second; empty for None."""
    if at is None:
        return ""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@contextlib.contextmanager
def replace_file(path: str) -> Generator[TextIO]:
    """Open a file, readable only by its owner, that replaces ``path`` at the end of the block, unless it raises.

    Raises:
        OSError: it cannot be written.
    """
    target = Path(path)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
