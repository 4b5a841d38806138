# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hmac
import random

import pytest

from ram_mfa._secret import SecretBytes
from ram_mfa.operations.selftest import vectors as printed
from ram_mfa.otp import Algorithm, hotp
from tests.support import rounds, vectors

SECRET = b"12345678901234567890"

# RFC 4226 appendix D: HOTP of the counters 0 to 9
[_APPENDIX_D] = [one for one in printed.load("rfc")["standards"] if one["check"] == "hotp"]
APPENDIX_D = [one["code"] for one in _APPENDIX_D["vectors"]]


def by_the_letter(secret: bytes, counter: int, digits: int, algorithm: str) -> str:
    """RFC 4226 sections 5.3 and 5.4 again, bit by bit and slowly."""
    hs = hmac.digest(secret, bytes((counter >> shift) & 255 for shift in range(56, -8, -8)), algorithm.lower())
    bits = "".join(f"{byte:08b}" for byte in hs)
    offset = int(bits[-4:], 2)
    number = int(bits[offset * 8 + 1 : offset * 8 + 32], 2)
    return f"{number:020d}"[-digits:]


class TestHOTP:
    @pytest.mark.requirement("O1")
    @pytest.mark.standard("RFC 4226 D", "ram_mfa.otp.hotp")
    @pytest.mark.parametrize(("counter", "code"), list(enumerate(APPENDIX_D)))
    def test_appendix_d(self, counter, code):
        """The ten values of RFC 4226 appendix D."""
        assert hotp(SECRET, counter) == code

    @pytest.mark.requirement("O1")
    def test_vectors(self):
        """Every judged vector, HOTP and TOTP, by its counter."""
        for vector in vectors("totp"):
            code = hotp(
                bytes.fromhex(vector["secret_hex"]),
                vector["counter"],
                digits=vector["digits"],
                algorithm=Algorithm(vector["algorithm"]),
            )
            assert (code == vector["code"]) is (vector["expected"] == "match"), vector["id"]

    @pytest.mark.requirement("O1")
    @pytest.mark.standard("RFC 4226 5.3", "ram_mfa.otp.hotp")
    @pytest.mark.standard("RFC 4226 5.4", "ram_mfa.otp.hotp")
    def test_another_implementation(self):
        """Over random secrets, counters, digits and algorithms the values are those of another implementation."""
        chance = random.Random(4226)
        for _ in range(rounds(100_000)):
            secret = chance.randbytes(chance.choice((1, 16, 20, 32, 64, 65, 128, 129)))
            counter = chance.getrandbits(chance.choice((8, 31, 32, 33, 63, 64)))
            digits, algorithm = chance.choice((6, 7, 8)), chance.choice(list(Algorithm))
            code = hotp(secret, counter, digits=digits, algorithm=algorithm)
            assert code == by_the_letter(secret, counter, digits, algorithm.value)

    @pytest.mark.requirement("O1")
    @pytest.mark.parametrize("digits", [6, 7, 8])
    def test_leading_zeros(self, digits):
        """A code is padded with zeros to its full length."""
        codes = [hotp(SECRET, counter, digits=digits) for counter in range(200)]
        assert any(code.startswith("0") for code in codes)
        assert {len(code) for code in codes} == {digits}

    @pytest.mark.requirement("O2")
    @pytest.mark.standard("RFC 4226 5.3", "ram_mfa.otp.hotp")
    @pytest.mark.parametrize("digits", [-1, 0, 1, 2, 3, 4, 5, 9, 10, 11])
    def test_digits_out_of_bounds(self, digits):
        """Fewer than six digits cannot be had, nor more than eight."""
        with pytest.raises(ValueError, match="digits is 6 to 8"):
            hotp(SECRET, 0, digits=digits)

    @pytest.mark.standard("RFC 4226 5.1", "ram_mfa.otp.hotp")
    @pytest.mark.parametrize("counter", [-1, 2**64, 10**30])
    def test_counter_out_of_bounds(self, counter):
        """The counter has eight bytes."""
        with pytest.raises(ValueError, match="2\\^64"):
            hotp(SECRET, counter)

    def test_no_secret(self):
        """An empty secret is refused: everybody has it."""
        with pytest.raises(ValueError, match="empty"):
            hotp(b"", 0)

    @pytest.mark.parametrize(
        ("secret", "counter", "digits"),
        [("text", 0, 6), (bytearray(20), 0, 6), (20, 0, 6), (SECRET, 1.0, 6), (SECRET, "1", 6), (SECRET, 1, 6.0)],
    )
    def test_wrong_types(self, secret, counter, digits):
        """What is no bytes or no whole number is refused at once."""
        with pytest.raises(TypeError):
            hotp(secret, counter, digits=digits)
        with pytest.raises(TypeError, match="Algorithm"):
            hotp(SECRET, 1, algorithm="SHA1")

    def test_secret_that_nothing_prints(self):
        """A secret of the type that a record holds gives the same code as plain bytes."""
        assert hotp(SecretBytes(SECRET), 1) == hotp(SECRET, 1)
