# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa.encoding import cbor
from ram_mfa.errors import MalformedMessage

pytestmark = [
    pytest.mark.requirement("V31"),
    pytest.mark.standard("RFC 8949 3, 5; WebAuthn Level 3 #sctn-dependencies", "ram_mfa.encoding.cbor.decode"),
]

keys = st.integers(-(2**64), 2**64 - 1) | st.text(max_size=5)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.text(max_size=9) | st.binary(max_size=300),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=30,
)


def nested(depth):
    return b"\x81" * (depth - 1) + b"\x80"


def decode(data, *, canonical=False, limit=65_536):
    return cbor.decode(data, message="test", limit=limit, canonical=canonical)


class TestDecode:
    @given(values)
    def test_what_is_encoded_is_decoded(self, value):
        """Every value of the kinds that authenticators send comes back, in the canonical form and out of order."""

        def depth(inner):
            if isinstance(inner, dict):
                inner = list(inner.values())
            return 1 + max(map(depth, inner), default=0) if isinstance(inner, list) else 0

        if depth(value) <= cbor.MAX_DEPTH:
            assert decode(cbor2.dumps(value)) == value

    @given(values)
    def test_every_cut_and_every_extension_is_refused(self, value):
        """No prefix of an item, and no item with a byte behind it, is an item."""
        data = cbor2.dumps(value)
        for wrong in (data[:-1], data[: len(data) // 2], data + b"\x00", data + b"\xff"):
            with pytest.raises(MalformedMessage):
                decode(wrong)

    def test_a_long_message_is_not_looked_at(self):
        with pytest.raises(MalformedMessage, match="longer than 3"):
            decode(cbor2.dumps(b"abc"), limit=3)

    @pytest.mark.parametrize(
        ("data", "problem"),
        [
            pytest.param(b"", "ends too early", id="nothing"),
            pytest.param(b"\x18", "ends too early", id="head cut"),
            pytest.param(b"\x5b" + b"\xff" * 8, "ends too early", id="2^64 bytes announced"),
            pytest.param(b"\x9b" + b"\xff" * 8, "ends too early", id="2^64 items announced"),
            pytest.param(b"\xbb" + b"\xff" * 8, "ends too early", id="2^64 pairs announced"),
            pytest.param(b"\x9b" + b"\xff" * 8 + bytes(2000), "more than", id="2^64 items announced, and some there"),
            pytest.param(b"\x1c", "reserved", id="reserved head 28"),
            pytest.param(b"\x3d", "reserved", id="reserved head 29"),
            pytest.param(b"\x5e", "reserved", id="reserved head 30"),
            pytest.param(b"\x1f", "indefinite", id="indefinite integer"),
            pytest.param(b"\xff", "a break", id="break alone"),
            pytest.param(b"\x81\xff", "a break", id="break for an item"),
            pytest.param(b"\xa1\x01\xff", "a break", id="break for a value"),
            pytest.param(b"\xbf\x01\xff", "a break", id="break for a value, indefinite"),
            pytest.param(b"\xbf\x01\x02", "ends too early", id="indefinite map without an end"),
            pytest.param(b"\x9f\x01", "ends too early", id="indefinite array without an end"),
            pytest.param(b"\x5f\x41a", "ends too early", id="indefinite string without an end"),
            pytest.param(b"\x5f\x61a\xff", "chunks", id="text in bytes"),
            pytest.param(b"\x7f\x7f\x61a\xff\xff", "chunks", id="chunks of chunks"),
            pytest.param(b"\xf7", "undefined", id="undefined"),
            pytest.param(b"\xe0", "simple", id="unassigned simple value"),
            pytest.param(b"\xf8\x20", "simple", id="unassigned simple value of two bytes"),
            pytest.param(b"\xc0\x60", "a tag", id="date tag"),
            pytest.param(b"\xd8\x1c\x81\xd8\x1d\x00", "a tag", id="an array that holds itself"),
            pytest.param(b"\xd8\x23\x61(", "a tag", id="a regular expression"),
            pytest.param(b"\xc2\x41\x01", "a tag", id="bignum"),
            pytest.param(b"\xa1\xc2\x41\x01\x00", "a key", id="tagged key"),
            pytest.param(b"\xa1\x41a\x00", "a key", id="bytes for a key"),
            pytest.param(b"\xa1\xf5\x00", "a key", id="true for a key"),
            pytest.param(b"\xa1\x80\x00", "a key", id="array for a key"),
            pytest.param(b"\xa1\xf9\x7e\x00\x00", "a key", id="NaN for a key"),
            pytest.param(b"\xa1\x7f\x61a\xff\x00", "a key", id="chunks for a key"),
            pytest.param(b"\x62\xc3\x28", "UTF-8", id="text that is none"),
            pytest.param(b"\x63\xed\xa0\x80", "UTF-8", id="surrogate"),
        ],
    )
    def test_refused(self, data, problem):
        """Nothing but the documented error, and it says what is wrong."""
        with pytest.raises(MalformedMessage) as refused:
            decode(data)
        assert problem in str(refused.value)
        assert refused.value.offset is not None

    @pytest.mark.parametrize(
        "data",
        [
            b"\xa2\x01\x02\x01\x03",
            b"\xa2\x01\x02\x18\x01\x03",
            b"\xa2\x61a\x02\x78\x01a\x03",
            b"\xbf\x20\x02\x38\x00\x03\xff",
        ],
    )
    def test_duplicate_keys(self, data):
        """A key stands once, however it is encoded: two readers must not see two messages."""
        with pytest.raises(MalformedMessage, match="duplicate"):
            decode(data)

    def test_a_number_and_its_text_are_two_keys(self):
        assert decode(b"\xa2\x01\x00\x61\x31\x00") == {1: 0, "1": 0}

    def test_depth(self):
        """Eight containers inside one another pass, nine do not, and a hundred thousand cost no stack."""
        assert decode(nested(8)) == [[[[[[[[]]]]]]]]
        for depth in (9, 50_000):
            with pytest.raises(MalformedMessage, match="deeper than 8"):
                decode(nested(depth))
        with pytest.raises(MalformedMessage, match="deeper"):
            decode(b"\xbf\x00" * 20_000)

    def test_items(self):
        """A thousand items pass, one more does not: the work is bounded before it is done."""
        assert len(decode(cbor2.dumps([0] * 999))) == 999
        with pytest.raises(MalformedMessage, match="more than 1000"):
            decode(cbor2.dumps([0] * 1_000))
        with pytest.raises(MalformedMessage, match="more than 1000"):
            decode(b"\x5f" + b"\x40" * 1_000 + b"\xff")

    def test_the_attestation_object_may_have_indefinite_lengths(self):
        """Indefinite lengths, unsorted keys, long heads, floats pass where the canonical form is not demanded."""
        assert decode(b"\xbf\x61b\x9f\x01\x02\xff\x61a\x5f\x41x\x42yz\xff\x19\x00\x05\x7f\x61u\xff\xff") == {
            "b": [1, 2],
            "a": b"xyz",
            5: "u",
        }
        assert decode(b"\x83\xf9\x3c\x00\xfa\x3f\x80\x00\x00\xfb\x3f\xf0\x00\x00\x00\x00\x00\x00") == [1.0, 1.0, 1.0]
        assert decode(b"\x83\xf4\xf5\xf6") == [False, True, None]


class TestDecodeItem:
    def test_it_says_where_the_item_ends(self):
        """Items stand one behind the other in authenticator data; the second starts where the first ends."""
        data = b"??" + cbor2.dumps({1: 2}) + cbor2.dumps({"a": b"x"})
        first, end = cbor.decode_item(data, 2, message="test", field="first")
        second, last = cbor.decode_item(data, end, message="test", field="second")
        assert (first, second, last) == ({1: 2}, {"a": b"x"}, len(data))

    @pytest.mark.parametrize(
        ("data", "problem"),
        [
            pytest.param(b"\xa1\x18\x01\x00", "shortest", id="key of two bytes"),
            pytest.param(b"\x18\x17", "shortest", id="23 in two bytes"),
            pytest.param(b"\x19\x00\xff", "shortest", id="255 in three bytes"),
            pytest.param(b"\x1a\x00\x00\xff\xff", "shortest", id="65,535 in five bytes"),
            pytest.param(b"\x1b\x00\x00\x00\x00\xff\xff\xff\xff", "shortest", id="2^32 - 1 in nine bytes"),
            pytest.param(b"\x58\x01a", "shortest", id="length in two bytes"),
            pytest.param(b"\x5f\x41a\xff", "indefinite", id="indefinite bytes"),
            pytest.param(b"\xbf\xff", "indefinite", id="indefinite map"),
            pytest.param(b"\xa2\x03\x00\x01\x00", "order", id="integers"),
            pytest.param(b"\xa2\x20\x00\x01\x00", "order", id="negative before positive"),
            pytest.param(b"\xa2\x61a\x00\x01\x00", "order", id="text before integers"),
            pytest.param(b"\xa2\x62aa\x00\x61b\x00", "order", id="longer before shorter"),
            pytest.param(b"\xa2\x18\x64\x00\x01\x00", "order", id="longer integer before shorter"),
        ],
    )
    @pytest.mark.standard("WebAuthn Level 3 #sctn-dependencies (CTAP2 canonical)", "ram_mfa.encoding.cbor.decode_item")
    def test_the_canonical_form(self, data, problem):
        """Inside authenticator data nothing but the CTAP2 canonical form passes."""
        with pytest.raises(MalformedMessage, match=problem):
            cbor.decode_item(data, 0, message="test", field="item")

    @pytest.mark.parametrize("number", [23, 24, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**64 - 1])
    def test_the_shortest_heads(self, number):
        """Each size of a head begins where the next smaller one ends."""
        assert cbor.decode_item(cbor2.dumps([number, -1 - number]), 0, message="test", field="item")[0] == [
            number,
            -1 - number,
        ]

    def test_canonical_keys_in_order(self):
        members = {1: 0, 3: 0, 24: 0, -1: 0, -25: 0, "a": 0, "b": 0, "aa": 0}
        assert cbor.decode_item(cbor2.dumps(members), 0, message="test", field="item")[0] == members
