# SPDX-License-Identifier: Apache-2.0
"""A strict DER reader: single-byte tags, definite lengths in the shortest form, and no reads past the end.

ITU-T X.690 (02/2021), sections 8.1, 8.6, 8.19 and 10 (https://www.itu.int/rec/T-REC-X.690).

Only what certificates need is covered. The meaning of the values is left to the callers.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import attrs

from ..errors import MalformedMessage

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
OBJECT_IDENTIFIER: Final = 0x06
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31


class Element(NamedTuple):
    """One value: its tag byte, its contents, and all its bytes from the tag on."""

    tag: int
    contents: bytes
    whole: bytes


@attrs.define
class DERReader:
    """A reader of consecutive values.

    Attributes:
        data: the encoded values.
        message: the name of the message, for errors.
        offset: the number of bytes read.
    """

    data: bytes
    message: str
    offset: int = 0

    def __bool__(self) -> bool:
        """Whether anything is left."""
        return self.offset < len(self.data)

    def peek(self) -> int | None:
        """Return the tag of the next value, or None at the end."""
        return self.data[self.offset] if self else None

    def take(self, field: str, tag: int | None = None) -> Element:
        """Return the next value.

        Args:
            field: the name of the value, for the error.
            tag: the tag it must have; None for any.

        Raises:
            MalformedMessage: no complete DER value follows, or it has another tag.
        """
        start = self.offset
        end, contents = _frame(self.data, start, self.message, field)
        if tag is not None and self.data[start] != tag:
            raise MalformedMessage(self.message, field, f"not a value with tag 0x{tag:02x}", offset=start)
        self.offset = end
        return Element(self.data[start], self.data[contents:end], self.data[start:end])

    def enter(self, field: str, tag: int = SEQUENCE) -> DERReader:
        """Return a reader of the contents of the next value."""
        return DERReader(self.take(field, tag).contents, self.message)

    def end(self, field: str) -> None:
        """Check that nothing is left.

        Raises:
            MalformedMessage: something is.
        """
        if self:
            raise MalformedMessage(self.message, field, "a trailing value", offset=self.offset)


def sequence_end(data: bytes, start: int, *, message: str, field: str) -> int:
    """Return where the SEQUENCE that begins at ``start`` ends: such values delimit themselves.

    Raises:
        MalformedMessage: no complete DER SEQUENCE begins there.
    """
    end, _ = _frame(data, start, message, field)
    if data[start] != SEQUENCE:
        raise MalformedMessage(message, field, "not a SEQUENCE", offset=start)
    return end


def _frame(data: bytes, start: int, message: str, field: str) -> tuple[int, int]:
    """Return the offset where the value that begins at ``start`` ends, and the offset where its contents begin."""
    if start + 2 > len(data):
        raise MalformedMessage(message, field, "tag or length missing", offset=start)
    if data[start] & 0x1F == 0x1F:
        raise MalformedMessage(message, field, "tag of several bytes", offset=start)
    length, contents = data[start + 1], start + 2
    if length & 0x80:
        contents += length & 0x7F
        length = int.from_bytes(data[start + 2 : contents], "big")
        # 10.1: definite, and the fewest length octets; four of them (4 GiB) are more than any message here can hold.
        size = contents - start - 2
        if not 1 <= size <= 4 or contents > len(data) or length < 0x80 or length >> (8 * (size - 1)) == 0:
            raise MalformedMessage(message, field, "length not definite and in its shortest form", offset=start)
    end = contents + length
    if end > len(data):
        raise MalformedMessage(message, field, f"{length} bytes expected, {len(data) - contents} left", offset=start)
    return end, contents


def oid(contents: bytes, *, message: str, field: str) -> str:
    """Return the dotted form of an OBJECT IDENTIFIER's contents.

    Raises:
        MalformedMessage: they are empty, padded, truncated, or longer than 64 bytes.
    """
    if not contents or len(contents) > 64 or contents[-1] & 0x80:
        raise MalformedMessage(message, field, "not an object identifier")
    arcs: list[int] = []
    value = 0
    for octet in contents:
        if value == 0 and octet == 0x80:
            raise MalformedMessage(message, field, "object identifier with a padded arc")
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def bits(contents: bytes, *, message: str, field: str) -> tuple[bytes, int]:
    """Return the bytes of a BIT STRING's contents, and the number of unused bits in the last one.

    The caller checks that the unused bits are zero, where that matters.

    Raises:
        MalformedMessage: the count of unused bits is missing, above 7, or not 0 where there are no bits.
    """
    if not contents or contents[0] > 7 or (contents[0] and len(contents) == 1):
        raise MalformedMessage(message, field, "not a bit string")
    return contents[1:], contents[0]
