# SPDX-License-Identifier: Apache-2.0
"""HOTP: one code from a secret and a counter.

RFC 4226 section 5 (https://www.rfc-editor.org/rfc/rfc4226). A primitive without state: it keeps no counter and has
no look-ahead window. HOTP devices are not offered; TOTP is built on it.
"""

from __future__ import annotations

import hmac
import struct

from .._secret import SecretBytes
from .._validation import is_a
from .algorithm import Algorithm

MIN_DIGITS = 6
"""Section 5.3: an implementation must give at least six digits."""
MAX_DIGITS = 8
"""Section 5.3 names 7 and 8. With 9 digits some codes would be likelier than others, and no app shows 9."""
MAX_COUNTER = 2**64 - 1
"""Section 5.1: the counter has eight bytes."""

MODULUS = {digits: 10**digits for digits in range(MIN_DIGITS, MAX_DIGITS + 1)}

_eight_bytes = struct.Struct(">Q").pack
_four_bytes_at = struct.Struct(">I").unpack_from


def hotp(secret: bytes, counter: int, *, digits: int = 6, algorithm: Algorithm = Algorithm.SHA1) -> str:
    """Return the code for one value of the counter (section 5.3).

    Args:
        secret: the shared secret K: raw bytes, at least one. The minimum length of a device's secret is checked where
            the device is bound.
        counter: the moving factor C, 0 to 2^64 - 1.
        digits: how many digits the code has, 6 to 8.
        algorithm: the hash function; RFC 4226 itself defines SHA-1 only.

    Returns:
        ASCII digits, with leading zeros.

    Raises:
        ValueError: an argument is out of its bounds.
        TypeError: an argument is of the wrong type.
    """
    check_secret(secret)
    check_digits(digits)
    check_counter(counter)
    if type(algorithm) is not Algorithm:
        raise TypeError("the algorithm is an Algorithm")
    return str(snum(secret, counter, algorithm) % MODULUS[digits]).zfill(digits)


def snum(secret: bytes, counter: int, algorithm: Algorithm) -> int:
    """Return the 31-bit truncated value Snum (section 5.3, steps 1 and 2); its last digits are the code (step 3).

    Args:
        secret: K, at least one byte.
        counter: C, 0 to 2^64 - 1.
        algorithm: the hash function.
    """
    # Step 1: HS = HMAC(K, C), with C as eight bytes, the highest first (section 5.1)
    hs = hmac.digest(secret, _eight_bytes(counter), algorithm.value)
    # Step 2: Snum = StToNum(DT(HS)). The low half of the last byte is the offset of the four bytes, for the longer
    # HMACs too (RFC 6238 section 1.2); the top bit is masked so that signed and unsigned arithmetic agree.
    number: int = _four_bytes_at(hs, hs[-1] & 0xF)[0]
    return number & 0x7FFF_FFFF


def check_counter(counter: int) -> None:
    """Raise TypeError or ValueError unless ``counter`` is 0 to 2^64 - 1."""
    if type(counter) is not int:
        raise TypeError("a counter or time step is a whole number")
    if not 0 <= counter <= MAX_COUNTER:
        raise ValueError("a counter or time step is 0 to 2^64 - 1")


def check_secret(secret: bytes) -> None:
    """Raise TypeError or ValueError unless ``secret`` is at least one byte."""
    if not is_a(secret, bytes):
        raise TypeError("the secret is bytes")
    if not secret:
        raise ValueError("the secret is empty")


def secret_bytes(secret: bytes) -> SecretBytes:
    """Return a secret that passes ``check_secret``, as `SecretBytes`, whose repr is blank."""
    if type(secret) is SecretBytes and secret:
        return secret
    check_secret(secret)
    return SecretBytes(secret)


def check_digits(digits: int) -> None:
    """Raise TypeError or ValueError unless ``digits`` is 6 to 8."""
    if type(digits) is not int:
        raise TypeError("digits is a whole number")
    if not MIN_DIGITS <= digits <= MAX_DIGITS:
        raise ValueError("digits is 6 to 8")
