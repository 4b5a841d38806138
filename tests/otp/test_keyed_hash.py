# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa.otp import Algorithm
from ram_mfa.otp.keyed_hash import work_in

# RFC 2202 section 3 (SHA-1) and RFC 4231 section 4 (SHA-256, SHA-512): key, text, the three HMACs in hexadecimal. The
# keys of 80 and 131 bytes are longer than a block of the hash function.
PUBLISHED = [
    (b"\x0b" * 20, b"Hi There", "SHA1", "b617318655057264e28bc0b6fb378c8ef146be00"),
    (b"Jefe", b"what do ya want for nothing?", "SHA1", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
    (b"\xaa" * 20, b"\xdd" * 50, "SHA1", "125d7342b9ac11cd91a39af48aa17b4f63f175d3"),
    (
        b"\xaa" * 80,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "SHA1",
        "aa4ae5e15272d00e95705637ce8a3b55ed402112",
    ),
    (b"\x0b" * 20, b"Hi There", "SHA256", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (
        b"Jefe",
        b"what do ya want for nothing?",
        "SHA256",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    (
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "SHA256",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
    (
        b"Jefe",
        b"what do ya want for nothing?",
        "SHA512",
        (
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
            "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
        ),
    ),
    (
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "SHA512",
        (
            "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
            "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"
        ),
    ),
]


def mac(key: bytes, text: bytes, algorithm: Algorithm) -> bytes:
    inner, outer = work_in(key, algorithm)
    inner.update(text)
    outer.update(inner.digest())
    return outer.digest()


class TestWorkIn:
    @pytest.mark.standard("RFC 2104 2", "ram_mfa.otp.keyed_hash.work_in")
    @pytest.mark.parametrize(("key", "text", "name", "published"), PUBLISHED)
    def test_published(self, key, text, name, published):
        """The HMACs that RFC 2202 and RFC 4231 print."""
        assert mac(key, text, Algorithm(name)).hex() == published

    @pytest.mark.standard("RFC 2104 2", "ram_mfa.otp.keyed_hash.work_in")
    @pytest.mark.parametrize("algorithm", Algorithm)
    def test_every_length_of_key(self, algorithm):
        """Keys of no byte to beyond two blocks: what the standard library says."""
        for size in range(2 * algorithm.block_size + 2):
            key = (bytes(range(256)) * 2)[:size]
            assert mac(key, b"text", algorithm) == hmac.digest(key, b"text", algorithm.value)

    @given(key=st.binary(max_size=300), text=st.binary(max_size=300), algorithm=st.sampled_from(Algorithm))
    def test_any_key_and_text(self, key, text, algorithm):
        """Any key and text: what the standard library says."""
        assert mac(key, text, algorithm) == hmac.digest(key, text, algorithm.value)

    @pytest.mark.standard("RFC 2104 4", "ram_mfa.otp.keyed_hash.work_in")
    @given(key=st.binary(max_size=200), texts=st.lists(st.binary(max_size=99)), algorithm=st.sampled_from(Algorithm))
    def test_copies(self, key, texts, algorithm):
        """Worked in once, the key serves any number of texts through copies."""
        inner, outer = work_in(key, algorithm)
        for text in texts:
            first, second = inner.copy(), outer.copy()
            first.update(text)
            second.update(first.digest())
            assert second.digest() == hmac.digest(key, text, algorithm.value)
