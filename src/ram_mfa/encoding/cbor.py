# SPDX-License-Identifier: Apache-2.0
"""A strict CBOR decoder for authenticators' messages: a bounded walk checks the bytes before cbor2 decodes them.

RFC 8949 (https://www.rfc-editor.org/rfc/rfc8949) and the CTAP2 canonical CBOR encoding form of Web Authentication
Level 3, "Dependencies" (https://www.w3.org/TR/webauthn-3/#sctn-dependencies). cbor2 accepts duplicate keys, bytes
after the item, tags that create objects, and (in its older releases) any depth. A walk over the bytes therefore comes
first: it finds the end of the item, refuses everything that no authenticator needs to send, and takes time linear in
the length of the bytes.

Invariant: an item that the walk does not recognise is refused before it is decoded.
"""

from __future__ import annotations

from typing import Final, TypeAlias, Union

import cbor2

from ..errors import MalformedMessage

Value: TypeAlias = Union[int, str, bytes, float, "list[Value]", "dict[int | str, Value]", None]
"""A decoded item; ``bool`` is an ``int``."""

MAX_DEPTH: Final = 8
"""The deepest nesting of containers, the outermost included; CTAP2 messages have at most 4 (requirement V31)."""
MAX_ITEMS: Final = 1_000
"""The maximum number of items in one walk, which bounds the cost of a message of one-byte items."""

_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = range(8)
_BREAK = 0xFF
_MAX_SHORT = 23  # the largest argument that fits in the first byte of a head
_INDEFINITE = -1
_PLAIN_SIMPLE = (20, 21, 22)  # false, true, null
_FLOAT_SIZES: Final = {25: 2, 26: 4, 27: 8}  # half, single, double: bytes after the head
# The size in bytes of a longer argument, and the smallest argument that needs that size (RFC 8949 section 3)
_LONG_ARGUMENTS: Final = {24: (1, 24), 25: (2, 1 << 8), 26: (4, 1 << 16), 27: (8, 1 << 32)}


def decode(data: bytes, *, message: str, limit: int, canonical: bool = False) -> Value:
    """Decode a message that is one item and nothing more.

    Args:
        data: the whole message.
        message: its name, for errors.
        limit: the maximum length of the message in bytes.
        canonical: whether to require the CTAP2 canonical form: shortest heads, no indefinite lengths, sorted keys.

    Raises:
        MalformedMessage: too long, not well formed, too deep, a duplicate key, a tag, bytes after the item.
    """
    if len(data) > limit:
        raise MalformedMessage(message, "CBOR", f"longer than {limit} bytes")
    value, end = decode_item(data, 0, message=message, field="CBOR", canonical=canonical)
    if end != len(data):
        raise MalformedMessage(message, "end of message", f"{len(data) - end} bytes too many", offset=end)
    return value


def decode_item(data: bytes, start: int, *, message: str, field: str, canonical: bool = True) -> tuple[Value, int]:
    """Decode the item that starts at ``start``; return it and the offset where it ends.

    Raises:
        MalformedMessage: as ``decode``, but bytes may follow.
    """
    walk = _Walk(data, canonical=canonical)
    try:
        end = walk.item(start, MAX_DEPTH)
    except IndexError:
        raise MalformedMessage(message, field, "ends too early", offset=len(data)) from None
    except _MalformedItem as error:
        raise MalformedMessage(message, field, error.problem, offset=error.offset) from None
    try:
        return cbor2.loads(data[start:end]), end
    except (cbor2.CBORDecodeError, ValueError):  # text that is not UTF-8
        raise MalformedMessage(message, field, "text that is not UTF-8", offset=start) from None


class _MalformedItem(Exception):
    """An encoding that the walk refuses, and its offset."""

    def __init__(self, problem: str, offset: int) -> None:
        super().__init__(problem, offset)
        self.problem = problem
        self.offset = offset


class _Walk:
    """A walk over one item. Every read past the end raises ``IndexError``."""

    __slots__ = ("_canonical", "_data", "_left", "_size")

    def __init__(self, data: bytes, *, canonical: bool) -> None:
        self._data = data
        self._size = len(data)
        self._canonical = canonical
        self._left = MAX_ITEMS

    def item(self, at: int, depth: int) -> int:
        """Return where the item that starts at ``at`` ends; at most ``depth`` more containers may nest."""
        self._left -= 1
        if self._left < 0:
            raise _MalformedItem(f"more than {MAX_ITEMS} items", at)
        initial = self._data[at]
        major, count, after = initial >> 5, initial & 31, at + 1
        if count > _MAX_SHORT or major >= _TAG:
            count, after = self._long_head(at, major, count)
        if major <= _NEGATIVE or major == _SIMPLE:
            return after
        if major <= _TEXT:
            return self._chunks(at, major) if count == _INDEFINITE else self._skip(after, count)
        if depth == 0:
            raise _MalformedItem(f"deeper than {MAX_DEPTH}", at)
        return self._map(after, count, depth - 1) if major == _MAP else self._array(after, count, depth - 1)

    def _long_head(self, at: int, major: int, info: int) -> tuple[int, int]:
        """Return the argument (or ``_INDEFINITE``) and where the head ends; of a simple value, where it ends."""
        if major == _TAG:
            raise _MalformedItem("a tag", at)
        if major == _SIMPLE:
            if info in _PLAIN_SIMPLE:
                return info, at + 1
            if info in _FLOAT_SIZES:
                return info, self._skip(at + 1, _FLOAT_SIZES[info])
            raise _MalformedItem("a break, an undefined or an unassigned simple value", at)
        if info in _LONG_ARGUMENTS:
            size, smallest = _LONG_ARGUMENTS[info]
            after = self._skip(at + 1, size)
            count = int.from_bytes(self._data[at + 1 : after], "big")
            if self._canonical and count < smallest:
                raise _MalformedItem("a head that is not the shortest", at)
            return count, after
        if info == 31 and major >= _BYTES and not self._canonical:
            return _INDEFINITE, at + 1
        raise _MalformedItem("an indefinite length or a reserved head", at)

    def _skip(self, at: int, size: int) -> int:
        """Return ``at + size``, or raise IndexError where the data is shorter."""
        if at + size > self._size:
            raise IndexError
        return at + size

    def _chunks(self, start: int, kind: int) -> int:
        """Return where an indefinite string ends: definite chunks of its own kind, then a break."""
        at = start + 1
        while self._data[at] != _BREAK:
            if self._data[at] >> 5 != kind or self._data[at] & 31 == 31:
                raise _MalformedItem("a string in chunks that are not its own", start)
            at = self.item(at, 0)
        return at + 1

    def _array(self, at: int, count: int, depth: int) -> int:
        if count == _INDEFINITE:
            while self._data[at] != _BREAK:
                at = self.item(at, depth)
            return at + 1
        for _ in range(count):
            at = self.item(at, depth)
        return at

    def _map(self, at: int, count: int, depth: int) -> int:
        data = self._data
        seen: set[int | bytes] = set()
        last = (-1, 0, b"")
        while count:
            if count == _INDEFINITE and data[at] == _BREAK:
                return at + 1
            if count > 0:
                count -= 1
            start, initial = at, data[at]
            major, number, at = initial >> 5, initial & 31, at + 1
            if number > _MAX_SHORT:
                number, at = self._long_head(start, major, number)
            key: int | bytes
            if major == _TEXT and number != _INDEFINITE:
                end = self._skip(at, number)
                key = data[at:end]
                at = end
            elif major <= _NEGATIVE:
                key = ~number if major == _NEGATIVE else number
            else:
                raise _MalformedItem("a key that is neither an integer nor plain text", start)
            if key in seen:
                raise _MalformedItem("a duplicate key", start)
            seen.add(key)
            if self._canonical:
                order = (major, at - start, data[start:at])
                if order < last:
                    raise _MalformedItem("keys out of order", start)
                last = order
            at = self.item(at, depth)
        return at
