# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

import pytest

from ram_mfa.errors import Check, MalformedMessage, VerificationError
from ram_mfa.testing import KeyFault, SoftSecurityKey
from ram_mfa.u2f import (
    AuthenticationRequest,
    AuthenticationResponse,
    CommandAPDU,
    Control,
    RegistrationRequest,
    RegistrationResponse,
    ResponseAPDU,
    StatusWord,
    VersionRequest,
    exchange,
    verify_authentication,
    verify_registration,
)

APP = bytes(range(32))


@pytest.fixture
def key():
    return SoftSecurityKey()


def ask(key, request, *, extended=True):
    return exchange(request.apdu(extended=extended), key.apdu)


def register(key, challenge=APP):
    return RegistrationResponse.parse(ask(key, RegistrationRequest(challenge, APP)).data)


def authenticate(key, handle, control=Control.ENFORCE_USER_PRESENCE_AND_SIGN, challenge=APP):
    return ask(key, AuthenticationRequest(control, challenge, APP, handle))


class TestFraming:
    @pytest.mark.parametrize("extended", [True, False])
    def test_version(self, key, extended):
        """The version is answered in the short and in the extended form."""
        assert ask(key, VersionRequest(), extended=extended) == ResponseAPDU(b"U2F_V2")

    def test_short_answers_are_chained(self, key):
        """A registration is too long for a short answer and is fetched piece by piece."""
        first = ResponseAPDU.parse(key.apdu(bytes(RegistrationRequest(APP, APP).apdu(extended=False))))
        assert (len(first.data), first.status >> 8) == (256, 0x61)
        whole = ask(key, RegistrationRequest(APP, APP), extended=False)
        verify_registration(RegistrationResponse.parse(whole.data), application_parameter=APP, challenge_parameter=APP)

    def test_length_of_the_answer_left_out(self, key):
        """A command that names no length gets the whole answer."""
        command = CommandAPDU(0x01, data=APP + APP, response=0)
        answer = ResponseAPDU.parse(key.apdu(bytes(command)))
        assert answer.status == StatusWord.NO_ERROR
        assert RegistrationResponse.parse(answer.data).key_handle in key.credential_ids

    def test_nothing_waits(self, key):
        """GET RESPONSE without a chained answer is an unknown instruction."""
        assert ResponseAPDU.parse(key.apdu(b"\x00\xc0\x00\x00\x00")).status == StatusWord.INS_NOT_SUPPORTED

    def test_another_command_drops_what_waits(self, key):
        """A command in the middle of a chained answer ends it."""
        key.apdu(bytes(RegistrationRequest(APP, APP).apdu(extended=False)))
        assert ask(key, VersionRequest()).data == b"U2F_V2"
        assert ResponseAPDU.parse(key.apdu(b"\x00\xc0\x00\x00\x00")).status == StatusWord.INS_NOT_SUPPORTED

    @pytest.mark.parametrize(
        ("command", "status"),
        [
            (b"", StatusWord.WRONG_LENGTH),
            (b"\x00\x01\x00", StatusWord.WRONG_LENGTH),
            (b"\x00\x01\x00\x00\x40" + bytes(63), StatusWord.WRONG_LENGTH),
            (b"\x00\x01\x00\x00\x3f" + bytes(63), StatusWord.WRONG_LENGTH),
            (b"\x00\x02\x03\x00\x41" + bytes(65), StatusWord.WRONG_LENGTH),
            (b"\x00\x02\x03\x00\x42" + bytes(64) + b"\x02\x00", StatusWord.WRONG_LENGTH),
            (b"\x00\x02\x00\x00\x42" + bytes(64) + b"\x01\x00", StatusWord.WRONG_DATA),
            (b"\x00\x03\x00\x00\x01\x00", StatusWord.WRONG_LENGTH),
            (b"\x00\x04\x00\x00", StatusWord.INS_NOT_SUPPORTED),
            (b"\x80\x03\x00\x00", StatusWord.CLA_NOT_SUPPORTED),
        ],
    )
    def test_status_words(self, key, command, status):
        """Each thing that can be wrong with a command has its status word."""
        assert key.apdu(command) == status.to_bytes(2, "big")


class TestRegister:
    def test_verifies(self, key):
        """A registration is one that the library accepts, with the certificate of the key's maker."""
        challenge = os.urandom(32)
        certificate = verify_registration(
            register(key, challenge), application_parameter=APP, challenge_parameter=challenge
        )
        assert certificate.der == key.attestation.leaf

    def test_untouched(self, key):
        """A key that nobody touches registers nothing."""
        key.touched = False
        assert ask(key, RegistrationRequest(APP, APP)) == ResponseAPDU(b"", StatusWord.CONDITIONS_NOT_SATISFIED)
        assert key.credential_ids == ()


class TestAuthenticate:
    def check(self, key, registered, answer, previous=None):
        response = AuthenticationResponse.parse(answer.data)
        verify_authentication(
            response,
            public_key=registered.public_key,
            application_parameter=APP,
            challenge_parameter=APP,
            previous_counter=previous,
        )
        return response

    def test_verifies(self, key):
        """Signatures are ones that the library accepts, with a counter that goes up by one."""
        registered = register(key)
        counts = [self.check(key, registered, authenticate(key, registered.key_handle), n).counter for n in range(3)]
        assert counts == [1, 2, 3]

    def test_control_bytes(self, key):
        """Check-only never signs; "do not enforce" signs at once and says that nobody was there."""
        handle = register(key).key_handle
        key.touched = False
        waits = ResponseAPDU(b"", StatusWord.CONDITIONS_NOT_SATISFIED)
        assert authenticate(key, handle, Control.CHECK_ONLY) == waits
        assert authenticate(key, handle) == waits
        unenforced = authenticate(key, handle, Control.DONT_ENFORCE_USER_PRESENCE_AND_SIGN)
        assert AuthenticationResponse.parse(unenforced.data).user_presence == 0
        key.touched = True
        assert authenticate(key, handle, Control.CHECK_ONLY) == waits
        assert AuthenticationResponse.parse(authenticate(key, handle).data).user_presence == 1

    def test_unknown_handle(self, key):
        """A key handle that is not the key's, or not that application's, is wrong data."""
        handle = register(key).key_handle
        wrong = ResponseAPDU(b"", StatusWord.WRONG_DATA)
        assert authenticate(key, os.urandom(64)) == wrong
        other = AuthenticationRequest(Control.ENFORCE_USER_PRESENCE_AND_SIGN, APP, os.urandom(32), handle)
        assert ask(key, other) == wrong

    def test_no_user_presence(self, key):
        """With that fault the signed byte says that nobody touched the key, and the library refuses it for that."""
        registered = register(key)
        key.faults = {KeyFault.NO_USER_PRESENCE}
        with pytest.raises(VerificationError) as refused:
            self.check(key, registered, authenticate(key, registered.key_handle))
        assert refused.value.check is Check.USER_PRESENCE

    def test_trailing_bytes(self, key):
        """With that fault a byte follows each message, and the library reads neither."""
        registered = register(key)
        key.faults = {KeyFault.TRAILING_BYTES}
        with pytest.raises(MalformedMessage):
            register(key)
        with pytest.raises(MalformedMessage):
            self.check(key, registered, authenticate(key, registered.key_handle))
