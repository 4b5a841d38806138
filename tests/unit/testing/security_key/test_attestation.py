# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from cryptography import x509

from ram_mfa.errors import MalformedMessage, VerificationError
from ram_mfa.testing import SoftAttestation, SoftSecurityKey
from ram_mfa.u2f import AttestationCertificate, Transport, verify_chain

NOW = 1_700_000_000


class TestSoftAttestation:
    def test_chain(self):
        """The leaf chains to its own root and to no other."""
        mine, another = SoftAttestation.make(), SoftAttestation.make()
        assert verify_chain([mine.leaf], roots=[mine.root], at=NOW).der == mine.root
        with pytest.raises(VerificationError):
            verify_chain([mine.leaf], roots=[another.root], at=NOW)

    @pytest.mark.parametrize(
        ("transports", "claimed"),
        [
            (("usb",), (Transport.USB,)),
            (("nfc", "usb"), (Transport.USB, Transport.NFC)),
            (("bt", "ble", "usb", "nfc"), (Transport.BLUETOOTH, Transport.BLE, Transport.USB, Transport.NFC)),
            (("internal",), (Transport.USB_INTERNAL,)),
            ((), None),
        ],
    )
    def test_transports(self, transports, claimed):
        """The transports extension says how the key can be reached; without any it is not there."""
        assert AttestationCertificate.parse(SoftAttestation.make(transports=transports).leaf).transports == claimed

    def test_unknown_transport(self):
        """A transport that the extension has no bit for is a ValueError."""
        with pytest.raises(ValueError):
            SoftAttestation.make(transports=("hybrid",))

    def test_model(self):
        """The leaf names the model where there is one."""
        extension = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")
        named = x509.load_der_x509_certificate(SoftAttestation.make(aaguid=b"m" * 16).leaf)
        assert named.extensions.get_extension_for_oid(extension).value.value == b"\x04\x10" + b"m" * 16
        with pytest.raises(x509.ExtensionNotFound):
            x509.load_der_x509_certificate(SoftAttestation.make().leaf).extensions.get_extension_for_oid(extension)

    @pytest.mark.requirement("U6")
    def test_malformed(self):
        """The malformed leaf differs in one byte, and whoever reads it strictly does not trust it."""
        for seed in range(8):
            made = SoftAttestation.make(seed=bytes((seed,)))
            assert len(made.leaf) == len(made.malformed_leaf)
            assert sum(a != b for a, b in zip(made.leaf, made.malformed_leaf, strict=True)) == 1
            with pytest.raises(ValueError):
                x509.load_der_x509_certificate(made.malformed_leaf)
            with pytest.raises((MalformedMessage, VerificationError)):
                verify_chain([made.malformed_leaf], roots=[made.root], at=NOW)

    def test_one_batch(self):
        """Keys of one batch carry one certificate, so that it names no single key."""
        batch = SoftAttestation.make()
        first, second = SoftSecurityKey(attestation=batch), SoftSecurityKey(attestation=batch)
        assert first.certificates() == second.certificates() == (batch.leaf,)

    def test_seed(self):
        """A seed decides every byte."""
        first, second = SoftAttestation.make(seed=b"s"), SoftAttestation.make(seed=b"s")
        assert (first.root, first.leaf, first.malformed_leaf) == (second.root, second.leaf, second.malformed_leaf)
