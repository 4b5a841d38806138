# SPDX-License-Identifier: Apache-2.0
"""python-fido2's client side of CTAP1 drives the soft key's APDU interface: genuine traffic, errors included."""

from __future__ import annotations

import hashlib
import os

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

from ram_mfa.testing import KeyFault, SoftSecurityKey
from tests.support import require_module

ctap = require_module("fido2.ctap", "fido2")
ctap1 = require_module("fido2.ctap1", "fido2")
hid = require_module("fido2.hid", "fido2")
InvalidSignature = require_module("fido2.attestation", "fido2").InvalidSignature

APP = hashlib.sha256(b"https://console.example").digest()


class SoftDevice(ctap.CtapDevice):
    """A device whose other end of the wire is a soft key."""

    def __init__(self, key):
        self.key = key

    @property
    def capabilities(self):
        return 0

    def call(self, cmd, data=b"", event=None, on_keepalive=None):
        assert cmd == hid.CTAPHID.MSG
        return self.key.apdu(data)

    @classmethod
    def list_devices(cls):
        return iter(())


@pytest.fixture
def key():
    return SoftSecurityKey()


@pytest.fixture
def client(key):
    return ctap1.Ctap1(SoftDevice(key))


@pytest.fixture
def registered(client):
    return client.register(os.urandom(32), APP)


class TestRegistration:
    def test_version(self, client):
        """The key says that it speaks U2F_V2."""
        assert client.get_version() == "U2F_V2"

    def test_register(self, client):
        """The client verifies what the key registers, and every registration is another key."""
        challenge = os.urandom(32)
        first, second = client.register(challenge, APP), client.register(challenge, APP)
        first.verify(APP, challenge)
        second.verify(APP, challenge)
        assert first.key_handle != second.key_handle
        assert first.public_key != second.public_key

    def test_untouched(self, key, client):
        """A key that nobody touches answers "conditions not satisfied" until somebody does."""
        key.touched = False
        with pytest.raises(ctap1.ApduError) as refused:
            client.register(os.urandom(32), APP)
        assert refused.value.code == ctap1.APDU.USE_NOT_SATISFIED
        key.touched = True
        assert client.register(os.urandom(32), APP).key_handle in key.credential_ids

    def test_wrong_length(self, client):
        """A request that is cut is "wrong length"."""
        with pytest.raises(ctap1.ApduError) as refused:
            client.register(os.urandom(31), APP)
        assert refused.value.code == 0x6700

    @pytest.mark.parametrize("fault", [KeyFault.WRONG_ALGORITHM, KeyFault.SECOND_CERTIFICATE])
    def test_faults_are_seen(self, key, client, fault):
        """A registration that lies does not verify at the client either."""
        key.faults = {fault}
        challenge = os.urandom(32)
        registered = client.register(challenge, APP)
        with pytest.raises(InvalidSignature):
            registered.verify(APP, challenge)

    def test_an_off_curve_key_is_well_signed(self, key, client):
        """A key that is no point comes in a message whose signature is right: only a look at the point finds it."""
        key.faults = {KeyFault.OFF_CURVE_KEY}
        challenge = os.urandom(32)
        registered = client.register(challenge, APP)
        registered.verify(APP, challenge)
        with pytest.raises(ValueError):
            EllipticCurvePublicKey.from_encoded_point(SECP256R1(), registered.public_key)


class TestAuthentication:
    def test_authenticate(self, client, registered):
        """The client verifies what the key signs, and the counter goes up by one."""
        for count in (1, 2, 3):
            challenge = os.urandom(32)
            signed = client.authenticate(challenge, APP, registered.key_handle)
            signed.verify(APP, challenge, registered.public_key)
            assert (signed.user_presence, signed.counter) == (1, count)

    def test_check_only(self, client, registered):
        """A check of a known handle asks for a touch and moves no counter; an unknown one is wrong data."""
        with pytest.raises(ctap1.ApduError) as known:
            client.authenticate(os.urandom(32), APP, registered.key_handle, check_only=True)
        with pytest.raises(ctap1.ApduError) as unknown:
            client.authenticate(os.urandom(32), APP, os.urandom(64), check_only=True)
        assert known.value.code == ctap1.APDU.USE_NOT_SATISFIED
        assert unknown.value.code == ctap1.APDU.WRONG_DATA
        assert client.authenticate(os.urandom(32), APP, registered.key_handle).counter == 1

    @pytest.mark.parametrize("stranger", ["handle", "application", "key"])
    def test_unknown(self, client, registered, stranger):
        """A handle of another key, or of this key under another AppID, is wrong data."""
        handle = os.urandom(64) if stranger == "handle" else registered.key_handle
        app = os.urandom(32) if stranger == "application" else APP
        asked = ctap1.Ctap1(SoftDevice(SoftSecurityKey())) if stranger == "key" else client
        with pytest.raises(ctap1.ApduError) as refused:
            asked.authenticate(os.urandom(32), app, handle)
        assert refused.value.code == ctap1.APDU.WRONG_DATA

    def test_untouched(self, key, client, registered):
        """A key that nobody touches signs nothing and moves no counter."""
        key.touched = False
        with pytest.raises(ctap1.ApduError) as refused:
            client.authenticate(os.urandom(32), APP, registered.key_handle)
        assert refused.value.code == ctap1.APDU.USE_NOT_SATISFIED
        key.touched = True
        assert client.authenticate(os.urandom(32), APP, registered.key_handle).counter == 1

    def test_unknown_instruction_and_class(self, client):
        """What CTAP1 does not have is refused by the status word for it."""
        for cla, ins, word in ((0, 0x40, 0x6D00), (0x80, 0x03, 0x6E00)):
            with pytest.raises(ctap1.ApduError) as refused:
                client.send_apdu(cla, ins)
            assert refused.value.code == word

    @pytest.mark.parametrize("length", [1, 255])
    def test_key_handle_lengths(self, length):
        """Key handles of the shortest and the longest length go over the wire."""
        client = ctap1.Ctap1(SoftDevice(SoftSecurityKey(credential_id_length=length)))
        registered = client.register(os.urandom(32), APP)
        assert len(registered.key_handle) == length
        challenge = os.urandom(32)
        client.authenticate(challenge, APP, registered.key_handle).verify(APP, challenge, registered.public_key)
