# SPDX-License-Identifier: Apache-2.0
"""HMAC with a precomputed key state, used for several texts.

RFC 2104 section 2 (https://www.rfc-editor.org/rfc/rfc2104): ``H(K XOR opad, H(K XOR ipad, text))``. Section 4
describes the optimisation: the state of the hash function after each padded key is kept, and each text starts from a
copy. A window of three codes then costs about half of three calls of ``hmac.digest``.
"""

from __future__ import annotations

from .._secret import SecretBytes
from .algorithm import Algorithm, Hash

_XOR_IPAD = bytes(byte ^ 0x36 for byte in range(256))
_XOR_OPAD = bytes(byte ^ 0x5C for byte in range(256))


def work_in(key: bytes, algorithm: Algorithm) -> tuple[Hash, Hash]:
    """Return the inner and the outer hash, each fed its padded key.

    The HMAC of a text is then what the outer hash gives when it is fed what the inner hash gives when it is fed the
    text. That uses both up: for a second text, begin with copies.

    Args:
        key: of any length; one longer than a block is hashed first.
        algorithm: the hash function.
    """
    new, block_size = algorithm.new, algorithm.block_size
    if len(key) > block_size:
        key = SecretBytes(new(key).digest())
    padded = SecretBytes(key.ljust(block_size, b"\0"))
    return new(padded.translate(_XOR_IPAD)), new(padded.translate(_XOR_OPAD))
