# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa._secret import SecretBytes, SecretText
from ram_mfa.errors import MalformedMessage
from ram_mfa.otp import TOTP, parse_setup_key, setup_key
from ram_mfa.otp.base32 import MAX_SECRET
from tests.support import require_program
from tests.support.frame_locals import locals_of_the_package

SECRET = b"12345678901234567890"
KEY = "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"


class TestSetupKey:
    def test_groups_of_four(self):
        """Base32 in upper case and groups of four, without padding."""
        assert setup_key(SECRET) == KEY
        assert setup_key(b"f") == "MY"
        assert setup_key(b"foobar") == "MZXW 6YTB OI"

    def test_blank_repr(self):
        """It is of the type that nothing prints."""
        assert isinstance(setup_key(SECRET), SecretText)

    @given(secret=st.binary(min_size=1, max_size=100))
    def test_round_trip(self, secret):
        """What is printed is read back."""
        assert parse_setup_key(setup_key(secret)) == secret

    def test_a_real_program_reads_it(self):
        """From the setup key oathtool makes the same code as TOTP from the secret."""
        oathtool = require_program("oathtool", "oathtool")
        told = subprocess.run(
            [oathtool, "--totp", "-b", "-N", "@59", setup_key(SECRET)], capture_output=True, check=True, text=True
        )
        assert told.stdout.strip() == TOTP(SECRET).at(59)


class TestParseSetupKey:
    @pytest.mark.standard("RFC 4648 6", "ram_mfa.otp.parse_setup_key")
    @pytest.mark.parametrize(
        ("text", "data"),
        [("MY======", b"f"), ("MZXQ====", b"fo"), ("MZXW6===", b"foo"), ("MZXW6YQ=", b"foob"), ("MZXW6YTB", b"fooba")],
    )
    def test_published(self, text, data):
        """The base32 of RFC 4648 section 10, with padding and without."""
        assert parse_setup_key(text) == parse_setup_key(text.rstrip("=")) == data

    @pytest.mark.parametrize(
        "text",
        [
            KEY,
            KEY.lower(),
            KEY.replace(" ", ""),
            KEY.replace(" ", "-"),
            KEY.title(),
            f"\t{KEY}\r\n",
            KEY.replace(" ", "\n"),
        ],
    )
    def test_as_people_type_it(self, text):
        """Either case, with white space of ASCII and hyphens anywhere."""
        secret = parse_setup_key(text)
        assert secret == SECRET
        assert isinstance(secret, SecretBytes)

    def test_bits_behind_the_last_byte(self):
        """Bits behind the last byte are dropped, as apps do."""
        assert parse_setup_key("MZ") == parse_setup_key("MY") == b"f"

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "   ",
            "====",
            "M",
            "MZX",
            "MZXW6Y",
            "MY=",
            "MY=====",
            "MY=======",
            "=MY=====",
            "MY==MY==",
            "MZXW6YTB========",
            "GEZDGNB0",
            "GEZDGNB1",
            "GEZDGNB8",
            "GEZD_GNBV",
            "GEZD\u00a0GNBV",
            "GEZD\u2010GNBV",
            "gezdgnbv\u0131",
            "\u017fEZDGNBV",
            "\uff27EZDGNBV",
            "GEZDGNBV\0",
            "\ud800",
            None,
            12345678,
            b"GEZDGNBV",
        ],
    )
    def test_no_setup_key(self, text):
        """Anything else is refused: other alphabets, letters that only fold into it, wrong padding and lengths."""
        with pytest.raises(MalformedMessage) as caught:
            parse_setup_key(text)
        assert caught.value.message == "setup key"

    def test_bounds(self):
        """The longest secret is read back; longer text is refused before it is looked at."""
        assert parse_setup_key(setup_key(bytes(MAX_SECRET))) == bytes(MAX_SECRET)
        for text in ("A" * ((MAX_SECRET + 5) // 5 * 8), " " * (4 * MAX_SECRET) + "MY"):
            with pytest.raises(MalformedMessage, match="longer than"):
                parse_setup_key(text)

    @given(secret=st.binary(min_size=1, max_size=40))
    def test_the_standard_library_agrees(self, secret):
        """It reads what the standard library writes."""
        assert parse_setup_key(base64.b32encode(secret).decode()) == secret

    @pytest.mark.requirement("O20")
    def test_no_secret_in_an_error(self):
        """A refused key is in no error and no local variable of the library's frames."""
        with pytest.raises(MalformedMessage) as caught:
            parse_setup_key("GEZD GNBV GY3T QOJ1")
        assert "GEZD" not in str(caught.value)
        assert "GEZD" not in repr(caught.value)
        assert "GEZD" not in locals_of_the_package(caught.value)
