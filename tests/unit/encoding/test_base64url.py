# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa import MalformedMessage
from ram_mfa.encoding import base64url


def decode(text, **how):
    return base64url.decode(text, message="message", field="field", **how)


class TestEncode:
    @pytest.mark.standard("RFC 4648 5", "ram_mfa.encoding.base64url.encode")
    @given(data=st.binary(max_size=80))
    def test_the_alphabet(self, data):
        """It is the URL-safe alphabet without padding."""
        assert base64url.encode(data) == base64.urlsafe_b64encode(data).decode().rstrip("=")

    @pytest.mark.standard("RFC 4648 10", "ram_mfa.encoding.base64url.encode")
    @pytest.mark.parametrize(
        ("data", "text"),
        [(b"", ""), (b"f", "Zg"), (b"fo", "Zm8"), (b"foo", "Zm9v"), (b"foobar", "Zm9vYmFy"), (b"\xfb\xff", "-_8")],
    )
    def test_vectors(self, data, text):
        """The standard's vectors, without their padding."""
        assert base64url.encode(data) == text
        assert decode(text) == data


class TestDecode:
    @given(data=st.binary(max_size=80))
    def test_round_trip(self, data):
        """What was encoded is decoded."""
        assert decode(base64url.encode(data)) == data

    @pytest.mark.requirement("U17")
    @pytest.mark.standard("RFC 4648 3.5", "ram_mfa.encoding.base64url.decode")
    @pytest.mark.parametrize(
        "text",
        [
            *("Zg==", "Zg=", "Zh", "Zm9=", "Z", "Zm9vY", "+_8", "-/8", "=", "===="),
            *("Zm9v\n", " Zm9v", "Zm 9v", "Zm9v\u200b", "\uff3ag", "Zg\x00", "Z!", "Zm9v Zg", "é"),
        ],
    )
    def test_one_form(self, text):
        """Padding, the plain alphabet, white space, set trailing bits and odd lengths are no other encodings."""
        with pytest.raises(MalformedMessage, match="not base64url"):
            decode(text)

    @pytest.mark.requirement("U17")
    @given(text=st.text(st.sampled_from("AZaz09-_+/= \n\x00\u00e9") | st.characters(), max_size=12))
    def test_any_text(self, text):
        """Whatever comes: the bytes whose one encoding it is, or the one error."""
        try:
            data = decode(text)
        except MalformedMessage as error:
            told = (error.message, error.field)
        else:
            told = ("message", "field")
            assert base64url.encode(data) == text
        assert told == ("message", "field")

    @pytest.mark.parametrize("text", [None, 5, b"Zm9v", ["Zm9v"]])
    def test_no_text(self, text):
        """What is no text is malformed."""
        with pytest.raises(MalformedMessage, match="not a string"):
            decode(text)

    def test_limit(self):
        """No more is looked at than the limit says."""
        assert decode("AAAA", limit=4) == bytes(3)
        with pytest.raises(MalformedMessage, match="longer than 4"):
            decode("AAAAAA", limit=4)
        with pytest.raises(MalformedMessage, match="longer than 65536"):
            decode("A" * 65_540)
