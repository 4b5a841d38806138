# SPDX-License-Identifier: Apache-2.0
"""A cursor over a peer's bytes that refuses short reads and trailing bytes.

Slicing (``data[:n]``) never fails, so a parser built on it accepts truncated messages; ``take`` raises an error with
the field and the offset instead.
"""

from __future__ import annotations

from ..errors import MalformedMessage


class Reader:
    """Reads one message from its first byte to its last.

    Attributes:
        message: the message's name, for errors.
        offset: the number of bytes taken.
    """

    __slots__ = ("_data", "message", "offset")

    def __init__(self, data: bytes, message: str) -> None:
        if not isinstance(data, bytes | bytearray | memoryview):
            raise MalformedMessage(message, "message", "not bytes")
        self._data = bytes(data)
        self.message: str = message
        self.offset: int = 0

    @property
    def left(self) -> int:
        """The number of bytes that are left."""
        return len(self._data) - self.offset

    def take(self, count: int, field: str) -> bytes:
        """Return the next ``count`` bytes.

        Raises:
            MalformedMessage: fewer are left.
        """
        start, end = self.offset, self.offset + count
        if end > len(self._data):
            raise MalformedMessage(self.message, field, f"{count} bytes expected, {self.left} left", offset=start)
        self.offset = end
        return self._data[start:end]

    def uint(self, size: int, field: str) -> int:
        """Return the next ``size`` bytes as an unsigned big-endian number."""
        return int.from_bytes(self.take(size, field), "big")

    def rest(self) -> bytes:
        """Return all bytes that are left."""
        start, self.offset = self.offset, len(self._data)
        return self._data[start:]

    def end(self) -> None:
        """Check that nothing is left.

        Raises:
            MalformedMessage: there are bytes after the message.
        """
        if self.left:
            raise MalformedMessage(self.message, "end of message", f"{self.left} bytes too many", offset=self.offset)
