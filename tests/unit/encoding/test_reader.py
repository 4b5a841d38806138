# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa import MalformedMessage
from ram_mfa.encoding.reader import Reader


class TestReader:
    def test_from_the_first_byte_to_the_last(self):
        """It takes fields one behind the other and knows what is left."""
        reader = Reader(b"\x05\x01\x02\xff\xfftail", "message")
        assert reader.left == 9
        assert reader.take(1, "reserved") == b"\x05"
        assert reader.uint(2, "count") == 0x0102
        assert reader.uint(2, "unsigned") == 65_535
        assert (reader.offset, reader.left) == (5, 4)
        assert reader.rest() == b"tail"
        assert reader.rest() == b""
        reader.end()

    def test_never_short(self):
        """Fewer bytes than asked for are an error with field and offset, and nothing is taken."""
        reader = Reader(b"abc", "message")
        reader.take(1, "first")
        with pytest.raises(MalformedMessage) as short:
            reader.take(3, "second")
        error = short.value
        assert (error.message, error.field, error.offset) == ("message", "second", 1)
        assert error.problem == "3 bytes expected, 2 left"
        assert reader.take(2, "second") == b"bc"

    def test_nothing_behind(self):
        """Bytes behind a message are an error."""
        reader = Reader(b"abc", "message")
        reader.take(1, "first")
        with pytest.raises(MalformedMessage, match="2 bytes too many") as behind:
            reader.end()
        assert behind.value.offset == 1

    @pytest.mark.parametrize("data", [bytearray(b"ab"), memoryview(b"ab")])
    def test_kinds_of_bytes(self, data):
        """All kinds of bytes are bytes, and a later change of theirs changes nothing."""
        reader = Reader(data, "message")
        if isinstance(data, bytearray):
            data[:] = b"xx"
        taken = reader.take(2, "field")
        assert taken == b"ab"
        assert type(taken) is bytes

    @pytest.mark.parametrize("data", [None, "ab", 5, [1, 2]])
    def test_no_bytes(self, data):
        """What is no bytes is malformed."""
        with pytest.raises(MalformedMessage, match="not bytes"):
            Reader(data, "message")

    @given(data=st.binary(max_size=20), sizes=st.lists(st.integers(0, 9), max_size=8))
    def test_law(self, data, sizes):
        """Whatever is taken in whatever sizes: what came out, one behind the other, is what went in."""
        reader, taken = Reader(data, "message"), b""
        for size in sizes:
            try:
                taken += reader.take(size, "field")
            except MalformedMessage:
                assert size > reader.left
        assert taken + reader.rest() == data
