# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import attrs
import pytest

from ram_mfa import Kind
from tests.support.accounts import ACCOUNT, KEY, MACHINE, PHONE


class TestDevices:
    def test_kinds(self):
        """Each device knows its kind; only a virtual one can be disabled."""
        assert (PHONE.kind, KEY.kind) == (Kind.VIRTUAL, Kind.SECURITY_KEY)
        assert KEY.disabled_at is None

    def test_key_id(self):
        """A key's id is its credential id in base64url."""
        assert attrs.evolve(KEY, credential_id=b"\xfb\xff").id == "-_8"

    @pytest.mark.parametrize(
        ("models", "attestation", "model"),
        [
            (("0123456789abcdef", "Key 5"), "trusted", "Key 5"),
            (("Key 5",), "none", ""),
            (("Key 5",), "unverified", ""),
            ((), "trusted", ""),
            ((), "none", ""),
        ],
    )
    def test_key_model(self, models, attestation, model):
        """A key's model is the last that a trusted attestation names; without one it is empty."""
        assert attrs.evolve(KEY, models=models, attestation=attestation).model == model

    @pytest.mark.requirement("O20")
    def test_no_secret_in_a_repr(self):
        """The repr of a whole account holds no secret, digest or epoch."""
        shown = repr(ACCOUNT)
        for hidden in (PHONE.secret, ACCOUNT.offers[0].secret, ACCOUNT.epoch, MACHINE.digest, ACCOUNT.password_mark):
            assert repr(bytes(hidden)) not in shown
        assert "secret" not in shown.replace("Secret", "")


class TestMachine:
    @pytest.mark.requirement("B16")
    def test_id_opens_nothing(self):
        """What lists call a machine is the beginning of a digest of its handle."""
        assert attrs.evolve(MACHINE, digest=bytes(32)).id == "A" * 16


class TestAccount:
    def test_device(self):
        """A bound device is found by its id."""
        assert ACCOUNT.device(PHONE.id) is PHONE
        assert ACCOUNT.device(KEY.id) is KEY
        assert ACCOUNT.device("another") is None

    def test_with_device(self):
        """One device is replaced in its place; nothing else changes."""
        used = attrs.evolve(PHONE, last_step=PHONE.last_step + 1)
        after = ACCOUNT.with_device(used)
        assert after.devices == (used, *ACCOUNT.devices[1:])
        assert attrs.evolve(after, devices=ACCOUNT.devices) == ACCOUNT
