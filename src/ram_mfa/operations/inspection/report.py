# SPDX-License-Identifier: Apache-2.0
"""The result of an inspection: fields with their offsets, and findings with the section that each violates."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs

from ...errors import MalformedMessage

_MAX_SHOWN: Final = 96
"""The most characters of a value in the text form; JSON has all of them."""


class Stop(Exception):
    """The rest of the message cannot be decoded; the finding says why."""


@attrs.frozen
class Field:
    """One decoded part: its name, where it starts, its length in bytes (or characters of a text), and its value."""

    name: str
    offset: int
    size: int
    value: Any


@attrs.frozen
class Finding:
    """One fault: the field, where it is (None where it has no place), the problem, and the section that it violates."""

    field: str
    offset: int | None
    problem: str
    source: str


@attrs.define
class Report:
    """The findings of an inspection.

    Attributes:
        kind: the kind of message.
        encoding: the encoding in which it was given.
        size: its length in bytes.
        show_secrets: whether secrets are shown.
        fields: the parts, in the order of the message.
        findings: the faults, in the order in which they were found.
    """

    kind: str
    encoding: str
    size: int
    show_secrets: bool = False
    fields: list[Field] = attrs.field(factory=list)
    findings: list[Finding] = attrs.field(factory=list)

    def add(self, name: str, offset: int, size: int, value: Any) -> None:
        """Add a field; bytes are shown in hexadecimal."""
        self.fields.append(Field(name, offset, size, value.hex() if isinstance(value, bytes) else value))

    def secret(self, name: str, offset: int, size: int, value: bytes) -> None:
        """Add a field that is shown on request only."""
        self.add(name, offset, size, value if self.show_secrets else f"hidden ({len(value)} bytes)")

    def fault(self, field: str, offset: int | None, problem: str, source: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(field, offset, problem, source))

    def malformed(self, error: MalformedMessage, source: str, *, base: int = 0, at: int | None = None) -> None:
        """Add the finding that an error of a parser is.

        Args:
            error: the error; its offset counts from ``base``.
            source: the section.
            base: where the parser's bytes start in the message.
            at: the offset where the error has none.
        """
        self.fault(error.field, at if error.offset is None else base + error.offset, error.problem, source)

    def lines(self) -> Iterator[str]:
        """Return the report as lines of text."""
        yield f"{self.kind}, {self.size} bytes, given as {self.encoding}"
        width = max((len(field.name) for field in self.fields), default=0)
        for field in self.fields:
            text = field.value if isinstance(field.value, str) else json.dumps(field.value, ensure_ascii=False)
            text = text.encode("unicode_escape").decode() if not text.isprintable() else text
            shown = text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."
            yield f"{field.offset:>6} {field.size:>5}  {field.name:<{width}}  {shown}"
        for finding in self.findings:
            where = "" if finding.offset is None else f" at offset {finding.offset}"
            yield f"wrong: {finding.field}{where}: {finding.problem} ({finding.source})"
        if not self.findings:
            yield "nothing wrong in its form; nothing was verified"

    def as_plain(self) -> dict[str, Any]:
        """Return the report as JSON's types."""
        return attrs.asdict(self, filter=lambda attribute, _: attribute.name != "show_secrets")


@attrs.define
class Walk:
    """A cursor over a part of the message that names what it takes.

    Attributes:
        data: the bytes of this part.
        report: where fields and findings go.
        source: the section that describes this part.
        base: the offset of this part in the message.
        at: the number of bytes taken.
    """

    data: bytes
    report: Report
    source: str
    base: int = 0
    at: int = 0

    @property
    def place(self) -> int:
        """The offset in the message of the next byte."""
        return self.base + self.at

    def take(self, size: int, name: str, show: Callable[[bytes], object] | None = None) -> bytes:
        """Return the next bytes and add them as a field; ``show`` makes the value of the field.

        Raises:
            Stop: fewer are left; a finding says so.
        """
        piece = self.data[self.at : self.at + size]
        if len(piece) < size:
            self.report.fault(name, self.place, f"{size} bytes expected, {len(piece)} left", self.source)
            raise Stop
        self.report.add(name, self.place, size, piece if show is None else show(piece))
        self.at += size
        return piece

    def number(self, size: int, name: str) -> int:
        """Return the next bytes as an unsigned big-endian number."""
        return int.from_bytes(self.take(size, name, lambda piece: int.from_bytes(piece, "big")), "big")

    def end(self) -> None:
        """Report bytes that are left."""
        left = len(self.data) - self.at
        if left:
            self.report.fault("end of message", self.place, f"{left} bytes too many", self.source)
