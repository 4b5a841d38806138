# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa import MalformedMessage
from ram_mfa.encoding.der import INTEGER, SEQUENCE, DERReader, bits, oid, sequence_end


def malformed(function, *arguments, **named):
    with pytest.raises(MalformedMessage) as error:
        function(*arguments, **named)
    return error.value


class TestDERReader:
    def test_values_in_order(self):
        """Values are read one after the other, whole and by their contents, up to the end."""
        reader = DERReader(b"\x02\x01\x07\x30\x03\x04\x01\xff", "message")
        assert reader.peek() == INTEGER
        assert tuple(reader.take("number", INTEGER)) == (INTEGER, b"\x07", b"\x02\x01\x07")
        inner = reader.enter("sequence")
        assert inner.take("octets").contents == b"\xff"
        for each in (inner, reader):
            assert each.peek() is None
            assert not each
            each.end("end")

    @pytest.mark.parametrize("size", [0, 1, 0x7F, 0x80, 0xFF, 0x100, 0xFFFF, 0x10000])
    def test_lengths(self, size):
        """A length has one form, the shortest."""
        octets = size.to_bytes(max(1, (size.bit_length() + 7) // 8), "big")
        head = bytes([size]) if size < 0x80 else bytes([0x80 | len(octets)]) + octets
        assert DERReader(b"\x04" + head + bytes(size), "message").take("value").contents == bytes(size)
        longer = bytes([0x80 | len(octets) + 1]) + b"\x00" + octets
        assert "shortest form" in str(malformed(DERReader(b"\x04" + longer + bytes(size), "message").take, "value"))

    @pytest.mark.parametrize(
        ("data", "problem"),
        [
            (b"", "missing"),
            (b"\x02", "missing"),
            (b"\x1f\x01\x00", "several bytes"),
            (b"\x02\x80\x00\x00", "not definite"),
            (b"\x02\x81\x7f" + bytes(0x7F), "shortest"),
            (b"\x02\x85\x01\x00\x00\x00\x00", "not definite"),
            (b"\x02\x82\x01", "not definite"),
            (b"\x02\x02\x00", "2 bytes expected, 1 left"),
            (b"\x04\x01\x00", "not a value with tag 0x02"),
        ],
    )
    def test_refused(self, data, problem):
        """What is cut off, has no definite length in its shortest form, or is another value, is refused."""
        reader = DERReader(data, "message")
        error = malformed(reader.take, "field", INTEGER)
        assert problem in str(error)
        assert (error.message, error.field, error.offset) == ("message", "field", 0)
        assert reader.offset == 0

    def test_a_trailing_value(self):
        assert malformed(DERReader(b"\x02\x00", "message").end, "field").offset == 0


class TestSequenceEnd:
    def test_the_first_sequence(self):
        """A sequence within other bytes says where it ends."""
        assert sequence_end(b"xx\x30\x01\x00yy", 2, message="message", field="field") == 5
        malformed(sequence_end, b"\x31\x00", 0, message="message", field="field")
        malformed(sequence_end, bytes([SEQUENCE, 1]), 0, message="message", field="field")


class TestOID:
    @pytest.mark.standard("X.690 8.19", "ram_mfa.encoding.der.oid")
    @pytest.mark.parametrize(
        ("contents", "dotted"),
        [
            ("00", "0.0"),
            ("27", "0.39"),
            ("28", "1.0"),
            ("4f", "1.39"),
            ("50", "2.0"),
            ("77", "2.39"),
            ("78", "2.40"),
            ("8837", "2.999"),
            ("2a8648ce3d030107", "1.2.840.10045.3.1.7"),
            ("550403", "2.5.4.3"),
        ],
    )
    def test_dotted(self, contents, dotted):
        """The first byte holds two arcs, of which the first is 0, 1 or 2."""
        assert oid(bytes.fromhex(contents), message="message", field="field") == dotted

    @pytest.mark.parametrize("contents", [b"", b"\x80\x01", b"\x2a\x80\x01", b"\x2a\x86", b"\x2a" * 65])
    def test_refused(self, contents):
        """An empty, padded, cut off or endless identifier is refused."""
        malformed(oid, contents, message="message", field="field")

    def test_the_longest(self):
        assert oid(b"\x2a" * 64, message="message", field="field").startswith("1.2.42.42")


class TestBits:
    @given(contents=st.binary(min_size=1, max_size=8), unused=st.integers(0, 7))
    def test_the_unused_bits(self, contents, unused):
        """The number of unused bits stands before the bytes."""
        assert bits(bytes([unused]) + contents, message="message", field="field") == (contents, unused)

    def test_no_bits(self):
        assert bits(b"\x00", message="message", field="field") == (b"", 0)

    @pytest.mark.parametrize("contents", [b"", b"\x01", b"\x08\x00", b"\xff\x00"])
    def test_refused(self, contents):
        """More than seven unused bits, or any where there is no byte, are none."""
        malformed(bits, contents, message="message", field="field")
