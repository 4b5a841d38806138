# SPDX-License-Identifier: Apache-2.0
"""The two responses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa.errors import MalformedMessage
from ram_mfa.u2f import AuthenticationResponse, RegistrationResponse
from tests.support import u2f_examples as example
from tests.support.certificates import authentication, make, registration, tlv

ONE_OF_EACH = [registration(make()), example.RESPONSE_81]


def refused(parse, raw, field=None):
    with pytest.raises(MalformedMessage) as error:
        parse(raw)
    assert field in (None, error.value.field)


class TestRegistration:
    @pytest.mark.requirement("U1", "U2")
    @pytest.mark.standard("FIDO U2F Raw 8.1", "ram_mfa.u2f.RegistrationResponse.parse")
    def test_example(self):
        """The standard's example: the four parts of what it signs, and every byte back."""
        message = RegistrationResponse.parse(example.RESPONSE_81)
        assert bytes(message) == example.RESPONSE_81
        assert example.SIGNED_81[65:] == message.key_handle + message.public_key
        assert message.certificate[:2] == b"\x30\x82"
        assert message.signature[:1] == b"\x30"

    @pytest.mark.requirement("U1")
    @pytest.mark.standard("FIDO U2F Raw 4.3", "ram_mfa.u2f.RegistrationResponse.parse")
    @pytest.mark.parametrize("raw", ONE_OF_EACH)
    def test_truncated(self, raw):
        """Every truncation is refused."""
        for end in range(len(raw)):
            refused(RegistrationResponse.parse, raw[:end])

    @pytest.mark.requirement("U1")
    @pytest.mark.parametrize("raw", ONE_OF_EACH)
    def test_extended(self, raw):
        """Every byte behind the signature is refused, and so is a status word left there."""
        for octet in range(256):
            refused(RegistrationResponse.parse, raw + bytes((octet,)), "signature")
        refused(RegistrationResponse.parse, raw + b"\x90\x00", "signature")

    @pytest.mark.requirement("U2")
    def test_reserved_byte(self):
        """The first byte is 0x05 and nothing else."""
        for octet in range(256):
            if octet != 5:
                refused(RegistrationResponse.parse, bytes((octet,)) + example.RESPONSE_81[1:], "reserved byte")

    @pytest.mark.requirement("U4", "V34")
    def test_public_key(self):
        """A key that is no point of the curve makes no message."""
        raw = example.RESPONSE_81
        for public_key in (bytes(65), b"\x04" + bytes(64), b"\x02" + raw[2:66], raw[1:65] + bytes((raw[65] ^ 1,))):
            refused(RegistrationResponse.parse, raw[:1] + public_key + raw[66:], "public key")

    @pytest.mark.requirement("U1", "U3")
    def test_key_handle_length(self):
        """The length of the key handle is not signed, but every other length leaves no certificate behind it."""
        raw = example.RESPONSE_81
        for length in range(256):
            if length != raw[66]:
                refused(RegistrationResponse.parse, raw[:66] + bytes((length,)) + raw[67:])

    @pytest.mark.parametrize("size", [1, 64, 255])
    def test_key_handles(self, size):
        """Key handles have 1 to 255 bytes."""
        raw = registration(make(), key_handle=b"k" * size)
        assert RegistrationResponse.parse(raw).key_handle == b"k" * size
        assert bytes(RegistrationResponse.parse(raw)) == raw

    def test_no_key_handle(self):
        """A key handle of no bytes names nothing."""
        refused(RegistrationResponse.parse, registration(make(), key_handle=b""), "key handle")

    @pytest.mark.requirement("U1")
    @pytest.mark.parametrize(
        "certificate",
        [
            b"",
            b"\x30",
            b"\x31" + make()[1:],
            b"\x3f" + make()[1:],
            b"\x30\x80" + make()[4:] + b"\x00\x00",
            b"\x30\x84\xff\xff\xff\xff" + make()[4:],
            b"\x30\x83\x00" + make()[2:],
            b"\x30\x81\x05hello",
            b"\x30\x85\x00\x00\x00\x01\x00" + bytes(256),
            b"\x30\x82\x01",
            tlv(0x30, bytes(16_400)),
        ],
    )
    def test_certificate(self, certificate):
        """A certificate that does not say in DER where it ends, or is above 16,384 bytes, is refused."""
        refused(RegistrationResponse.parse, registration(certificate))

    @pytest.mark.requirement("V35")
    @pytest.mark.parametrize("raw", [None, "text", 5, [5]])
    def test_no_bytes(self, raw):
        """What is not bytes is no message; a bytearray is."""
        refused(RegistrationResponse.parse, raw)
        assert RegistrationResponse.parse(bytearray(example.RESPONSE_81)) == RegistrationResponse.parse(
            example.RESPONSE_81
        )

    def test_built(self):
        """What cannot be parsed cannot be built."""
        good = RegistrationResponse.parse(example.RESPONSE_81)
        parts = (good.public_key, good.key_handle, good.certificate, good.signature)
        assert RegistrationResponse(*parts) == good
        for at, wrong in (
            (0, bytes(65)),
            (1, bytes(256)),
            (1, b""),
            (2, good.certificate + b"\x00"),
            (3, good.signature[:-1]),
        ):
            with pytest.raises(ValueError, match="registration"):
                RegistrationResponse(*parts[:at], wrong, *parts[at + 1 :])


class TestAuthentication:
    @pytest.mark.requirement("U7")
    @pytest.mark.standard("FIDO U2F Raw 8.2", "ram_mfa.u2f.AuthenticationResponse.parse")
    def test_example(self):
        """The standard's example, and every byte back."""
        message = AuthenticationResponse.parse(example.RESPONSE_82)
        assert (message.user_presence, message.counter) == (1, 1)
        assert bytes(message) == example.RESPONSE_82
        assert example.SIGNED_82[32:37] == example.RESPONSE_82[:5]

    @pytest.mark.requirement("U7")
    @pytest.mark.standard("FIDO U2F Raw 5.4", "ram_mfa.u2f.AuthenticationResponse.parse")
    @given(user_presence=st.integers(0, 255), counter=st.integers(0, 2**32 - 1))
    def test_unsigned(self, user_presence, counter):
        """Every byte of user presence is kept, and the counter has 32 bits without a sign."""
        raw = authentication(user_presence=user_presence, counter=counter)
        message = AuthenticationResponse.parse(raw)
        assert (message.user_presence, message.counter) == (user_presence, counter)
        assert bytes(message) == raw

    @pytest.mark.requirement("U7")
    def test_truncated_and_extended(self):
        """Every truncation and every further byte is refused."""
        for end in range(len(example.RESPONSE_82)):
            refused(AuthenticationResponse.parse, example.RESPONSE_82[:end])
        for octet in range(256):
            refused(AuthenticationResponse.parse, example.RESPONSE_82 + bytes((octet,)), "signature")

    @pytest.mark.requirement("V35")
    @pytest.mark.parametrize("raw", [None, "text", 5, b"", bytes(5), bytes(80)])
    def test_malformed(self, raw):
        """What is not bytes, or has no signature, is no message."""
        refused(AuthenticationResponse.parse, raw)

    @pytest.mark.parametrize("state", [(-1, 0), (256, 0), (0, -1), (0, 2**32)])
    def test_built(self, state):
        """What cannot be parsed cannot be built."""
        with pytest.raises(ValueError, match="authentication"):
            AuthenticationResponse(*state, example.RESPONSE_82[5:])
