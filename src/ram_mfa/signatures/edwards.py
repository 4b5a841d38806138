# SPDX-License-Identifier: Apache-2.0
"""Validation of Ed25519 and Ed448 public keys (32 and 57 bytes).

RFC 8032 sections 5.1.3 and 5.2.3 (https://www.rfc-editor.org/rfc/rfc8032): the decoding of a point. The cryptographic
library accepts any bytes of the right length as a key and checks them only at the first signature; a key must be
checked when it is bound. Points of small order are refused too, because signatures under them can be forged.

Invariant: the arithmetic is on public values only, so nothing needs to be constant-time.
"""

from __future__ import annotations

from typing import Final

import attrs


@attrs.frozen
class _Curve:
    """a*x^2 + y^2 = 1 + d*x^2*y^2 over the integers modulo p, points encoded in ``size`` bytes.

    ``small`` holds the y coordinates of the points whose order divides the cofactor.
    """

    size: int
    p: int
    a: int
    d: int
    small: frozenset[int]

    def holds(self, encoded: bytes) -> bool:
        if len(encoded) != self.size:
            return False
        number = int.from_bytes(encoded, "little")
        sign = number >> (8 * self.size - 1)
        y = number - (sign << (8 * self.size - 1))
        if y >= self.p or y in self.small:
            return False
        # x^2 = (1 - y^2) / (a - d*y^2); the quotient is a square exactly where the product is one (Euler's criterion).
        square = (1 - y * y) * (self.a - self.d * y * y) % self.p
        return pow(square, (self.p - 1) // 2, self.p) == 1


_P25519: Final = 2**255 - 19
_D25519: Final = -121665 * pow(121666, -1, _P25519) % _P25519
# y of the four points of order 8: the only ones other than 0, 1 and -1.
_Y8: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7

ED25519: Final = _Curve(
    size=32,
    p=_P25519,
    a=-1,
    d=_D25519,
    small=frozenset({0, 1, _P25519 - 1, _Y8, _P25519 - _Y8}),
)
"""RFC 8032 section 5.1."""

_P448: Final = 2**448 - 2**224 - 1
ED448: Final = _Curve(size=57, p=_P448, a=1, d=-39081 % _P448, small=frozenset({0, 1, _P448 - 1}))
"""RFC 8032 section 5.2."""
