# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ed448, ed25519

from ram_mfa.signatures.edwards import ED448, ED25519

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P

pytestmark = [
    pytest.mark.requirement("V34"),
    pytest.mark.standard("RFC 8032 5.1.3, 5.2.3", "ram_mfa.signatures.cose.load_public_key"),
]


def double(x, y):
    """The sum of a point of Ed25519 with itself (RFC 8032 section 5.1.4, affine)."""
    t = D * x * x * y * y
    return 2 * x * y * pow(1 + t, -1, P) % P, (y * y + x * x) * pow(1 - t, -1, P) % P


class TestCurve:
    def test_public_keys_are_points(self):
        """Every key that a library makes is taken."""
        for _ in range(50):
            assert ED25519.holds(ed25519.Ed25519PrivateKey.generate().public_key().public_bytes_raw())
            assert ED448.holds(ed448.Ed448PrivateKey.generate().public_key().public_bytes_raw())

    def test_the_points_of_order_eight(self):
        """The constant is what it says: doubled three times it is the neutral element, and not before."""
        for y in ED25519.small - {0, 1, P - 1}:
            square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
            x = pow(square, (P + 3) // 8, P)
            x = x if x * x % P == square else x * pow(2, (P - 1) // 4, P) % P
            four = double(*double(x, y))
            assert four == (0, P - 1)
            assert double(*four) == (0, 1)

    @pytest.mark.parametrize("y", sorted(ED25519.small))
    @pytest.mark.parametrize("sign", [0, 1])
    def test_small_order_is_refused(self, y, sign):
        """Under such a key a signature holds for messages that nobody signed."""
        assert not ED25519.holds((y | sign << 255).to_bytes(32, "little"))

    @pytest.mark.parametrize("y", sorted(ED448.small))
    def test_small_order_is_refused_on_the_other_curve(self, y):
        assert not ED448.holds(y.to_bytes(57, "little"))

    @pytest.mark.parametrize("y", [P, P + 1, P + 3, 2**255 - 1])
    def test_a_second_encoding_is_refused(self, y):
        """A coordinate is below p."""
        assert not ED25519.holds(y.to_bytes(32, "little"))

    def test_half_of_all_numbers_are_no_point(self):
        """Two is not the y of a point; a library would take it, and fail at the first signature."""
        answers = [ED25519.holds(y.to_bytes(32, "little")) for y in range(2, 200)]
        assert 0 < sum(answers) < len(answers)
        assert not ED25519.holds((2).to_bytes(32, "little"))

    @pytest.mark.parametrize("size", [0, 31, 33, 57])
    def test_length(self, size):
        assert not ED25519.holds(bytes([9]) * size)
