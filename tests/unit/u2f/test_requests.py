# SPDX-License-Identifier: Apache-2.0
"""The three requests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa.errors import MalformedMessage
from ram_mfa.u2f import AuthenticationRequest, CommandAPDU, Control, RegistrationRequest, VersionRequest
from tests.support import u2f_examples as example

parameter = st.binary(min_size=32, max_size=32)
key_handle = st.binary(min_size=1, max_size=255)


def refused(parse, *arguments):
    with pytest.raises(MalformedMessage) as error:
        parse(*arguments)
    return error.value


class TestRegistration:
    @pytest.mark.standard("FIDO U2F Raw 8.1", "ram_mfa.u2f.RegistrationRequest")
    def test_example(self):
        """The standard's example, as bytes and as a command."""
        request = RegistrationRequest.parse(example.REQUEST_81)
        assert bytes(request) == example.REQUEST_81
        assert request.challenge_parameter == example.REQUEST_81[:32]
        assert request.application_parameter == example.REQUEST_81[32:]
        assert bytes(request.apdu()) == bytes.fromhex("00010000000040") + example.REQUEST_81 + bytes(2)
        assert bytes(request.apdu(extended=False)) == bytes.fromhex("0001000040") + example.REQUEST_81 + bytes(1)

    @pytest.mark.standard("FIDO U2F Raw 4.1", "ram_mfa.u2f.RegistrationRequest.from_apdu")
    @pytest.mark.parametrize("p1", [0x00, 0x03, 0x83])
    def test_command(self, p1):
        """The parameters that hosts write are not looked at."""
        command = CommandAPDU(1, p1, data=example.REQUEST_81)
        assert RegistrationRequest.from_apdu(command) == RegistrationRequest.parse(example.REQUEST_81)

    @pytest.mark.parametrize("raw", [b"", bytes(63), bytes(65), None, "x" * 64])
    def test_malformed(self, raw):
        """Anything but 64 bytes is refused."""
        refused(RegistrationRequest.parse, raw)

    def test_other_commands(self):
        """Another instruction or class is another command."""
        for command in (CommandAPDU(2, data=bytes(64)), CommandAPDU(1, data=bytes(64), cla=0x80)):
            assert refused(RegistrationRequest.from_apdu, command).field == "instruction"

    def test_sizes(self):
        """A parameter of another size makes no request."""
        for sizes in ((31, 32), (32, 33)):
            with pytest.raises(ValueError, match="32 bytes"):
                RegistrationRequest(*map(bytes, sizes))


class TestAuthentication:
    @pytest.mark.standard("FIDO U2F Raw 8.2", "ram_mfa.u2f.AuthenticationRequest")
    def test_example(self):
        """The standard's example, as bytes (the control byte first) and as a command (the control byte as P1)."""
        request = AuthenticationRequest.parse(example.REQUEST_82)
        assert bytes(request) == example.REQUEST_82
        assert request.control is Control.ENFORCE_USER_PRESENCE_AND_SIGN
        assert request.key_handle == example.REQUEST_82[66:]
        assert request.apdu() == CommandAPDU(2, 3, data=example.REQUEST_82[1:])
        assert AuthenticationRequest.from_apdu(request.apdu()) == request

    @pytest.mark.standard("FIDO U2F Raw 5.1", "ram_mfa.u2f.AuthenticationRequest.from_apdu")
    @given(control=st.sampled_from(Control), challenge=parameter, application=parameter, handle=key_handle)
    def test_round_trip(self, control, challenge, application, handle):
        """Every request is read back as it was, from its bytes and from its command, in either form that holds it."""
        request = AuthenticationRequest(control, challenge, application, handle)
        assert AuthenticationRequest.parse(bytes(request)) == request
        forms = (True, False) if len(handle) <= 190 else (True,)
        for extended in forms:
            command = CommandAPDU.parse(bytes(request.apdu(extended=extended)))
            assert AuthenticationRequest.from_apdu(command) == request

    def test_short_form(self):
        """A key handle above 190 bytes does not fit the short form."""
        request = AuthenticationRequest(Control.CHECK_ONLY, bytes(32), bytes(32), bytes(191))
        with pytest.raises(ValueError, match="form"):
            request.apdu(extended=False)

    def test_controls(self):
        """The three control bytes and no other."""
        for control in range(256):
            raw = bytes((control,)) + example.REQUEST_82[1:]
            if control in (0x03, 0x07, 0x08):
                assert AuthenticationRequest.parse(raw).control == control
            else:
                assert refused(AuthenticationRequest.parse, raw).field == "control byte"

    def test_malformed(self):
        """Every truncation, every further byte and a key handle of no bytes are refused."""
        for end in range(len(example.REQUEST_82)):
            refused(AuthenticationRequest.parse, example.REQUEST_82[:end])
        refused(AuthenticationRequest.parse, example.REQUEST_82 + b"\x00")
        refused(AuthenticationRequest.parse, example.REQUEST_82[:65] + b"\x00")
        refused(AuthenticationRequest.from_apdu, CommandAPDU(1, 3, data=example.REQUEST_82[1:]))

    @pytest.mark.parametrize("sizes", [(31, 32, 1), (32, 31, 1), (32, 32, 0), (32, 32, 256)])
    def test_sizes(self, sizes):
        """Parts of another size make no request."""
        with pytest.raises(ValueError, match="bytes"):
            AuthenticationRequest(Control.CHECK_ONLY, *map(bytes, sizes))


class TestVersion:
    @pytest.mark.standard("FIDO U2F Raw 6.1", "ram_mfa.u2f.VersionRequest")
    def test_command(self):
        """A version request has no bytes of its own, and is an instruction in a command."""
        assert bytes(VersionRequest()) == b""
        assert bytes(VersionRequest().apdu()).hex() == "00030000000000"
        assert bytes(VersionRequest().apdu(extended=False)).hex() == "0003000000"
        assert VersionRequest.from_apdu(VersionRequest().apdu()) == VersionRequest.parse(b"") == VersionRequest()

    def test_malformed(self):
        """Data makes it none, and so does another instruction."""
        refused(VersionRequest.parse, b"\x00")
        refused(VersionRequest.from_apdu, CommandAPDU(3, data=b"\x00"))
        refused(VersionRequest.from_apdu, CommandAPDU(1))
