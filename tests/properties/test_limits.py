# SPDX-License-Identifier: Apache-2.0
"""Work that a stranger can cause is bounded by size and kind, before anything expensive begins."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from ram_mfa.attestation_certificates.public_keys import MAX_RSA_BITS, load_certificate_key
from ram_mfa.attestation_certificates.x509 import MAX_EXTENSIONS, MAX_NAME_PARTS, read_name
from ram_mfa.encoding.json import MAX_COMMAS, MAX_CONTAINERS, MAX_NUMBER, load_object
from ram_mfa.errors import MalformedMessage, VerificationError
from ram_mfa.rules.security_key_check import _is_u2f
from ram_mfa.u2f import AttestationCertificate, verify_chain
from ram_mfa.webauthn.responses import MAX_JSON
from tests.support import certificates as make
from tests.support import limits
from tests.support import webauthn as key
from tests.support.certificates import tlv

ROOT = Path(__file__).parents[2]


def load(body: str | bytes):
    return load_object(body, message="document", limit=1_000_000)


class TestSizes:
    @pytest.mark.requirement("A8")
    @pytest.mark.parametrize("kind", limits.KINDS, ids=lambda kind: kind.name)
    def test_bound(self, kind):
        """Expensive inputs of each kind fit its limit and are answered or refused; beyond it all are refused."""
        for message in kind.candidates():
            assert len(message) <= kind.limit
            try:
                kind.read(message)
            except (*limits.REFUSALS, ValueError):
                pass
        # A cookie that is too long is an unknown machine or browser; everything else that is too long is an error.
        for filler in ("A", "1") if isinstance(message, str) else (b"\x30", b"{"):
            if kind.name in {"machine cookie", "browser cookie"}:
                assert kind.read(filler * (kind.limit + 1)) is None
                continue
            with pytest.raises((*limits.REFUSALS, ValueError)):
                kind.read(filler * (kind.limit + 1))

    @pytest.mark.requirement("A8")
    def test_documented(self):
        """The table in the docs names every kind with its limit."""
        rows = [line for line in (ROOT / "docs/limits.md").read_text(encoding="utf-8").splitlines() if "|" in line]
        for kind in limits.KINDS:
            assert any(line.startswith(f"| {kind.name} | {kind.limit:,} ") for line in rows), kind.name


class TestKeys:
    @pytest.mark.requirement("A8")
    @pytest.mark.parametrize("name", limits.FOREIGN_KEYS)
    def test_refused_before_it_is_loaded(self, name, monkeypatch):
        """A certificate's key of another kind, size, curve or form never reaches the cryptographic library."""
        touched = []
        for loader, what in (
            (ed25519.Ed25519PublicKey, "from_public_bytes"),
            (ed448.Ed448PublicKey, "from_public_bytes"),
            (rsa.RSAPublicNumbers, "public_key"),
        ):
            real = getattr(loader, what)
            monkeypatch.setattr(loader, what, lambda *given, real=real: touched.append(given) or real(*given))
        real_point = ec.EllipticCurvePublicKey.from_encoded_point
        monkeypatch.setattr(
            ec.EllipticCurvePublicKey,
            "from_encoded_point",
            lambda *given: touched.append(given) or real_point(*given),
        )
        der = make.by_hand(key_info=limits.FOREIGN_KEYS[name]())
        if len(der) > limits.CERTIFICATE_LIMIT:
            with pytest.raises(MalformedMessage):
                AttestationCertificate.parse(der)
            return
        certificate = AttestationCertificate.parse(der)
        with pytest.raises(MalformedMessage):
            certificate.any_key()
        # A point or an Ed25519 key of fixed size may be tried: that is cheap. No number of the sender's choice may.
        assert all(isinstance(one, bytes) for given in touched for one in given[-1:])
        assert len(touched) <= 1

    @pytest.mark.requirement("A8")
    def test_attestation_of_such_a_key(self):
        """A packed statement under an X9.42 Diffie-Hellman key is refused as malformed, as is a path through one."""
        data = key.authenticator_data(key=key.key_pair().cose)
        der = make.by_hand(key_info=limits.dh(16_384))
        assert 5_000 < len(der) <= limits.CERTIFICATE_LIMIT
        for statement in ({"alg": -7, "sig": bytes(70), "x5c": [der]}, {"sig": bytes(70), "x5c": [der]}):
            raw = key.attestation_object("packed" if "alg" in statement else "fido-u2f", statement, data)
            with pytest.raises(limits.REFUSALS):
                limits._attest(raw)
        with pytest.raises(VerificationError):
            verify_chain([make.make("leaf", "other"), der], roots=[make.make("root")], at=make.VALID)

    @pytest.mark.requirement("A8")
    @pytest.mark.parametrize("kind", ["p256", "p384", "rsa", "ed25519"])
    def test_kinds_that_are_taken(self, kind):
        """Keys of the kinds that certificates have are loaded, and are those of the certificate."""
        private = make.key_pair(kind)
        loaded = AttestationCertificate.parse(make.make(kind)).any_key()
        assert loaded == private.public_key()

    @pytest.mark.requirement("A8")
    def test_more_kinds(self):
        """P-521, Ed448 and RSA at its bound are loaded too; parameters of RSA may be left out."""
        for curve, oid in ((ec.SECP521R1(), "1.3.132.0.35"), (ec.SECP384R1(), "1.3.132.0.34")):
            public = ec.derive_private_key(7, curve).public_key()
            assert load_certificate_key("1.2.840.10045.2.1", make.oid(oid), make.point(ec.derive_private_key(7, curve)))
            assert public.curve.name == curve.name
        raw = ed448.Ed448PrivateKey.generate().public_key().public_bytes_raw()
        assert isinstance(load_certificate_key("1.3.101.113", b"", raw), ed448.Ed448PublicKey)
        numbers = tlv(0x30, limits.number(limits.odd(MAX_RSA_BITS)), limits.number(65_537))
        assert isinstance(load_certificate_key("1.2.840.113549.1.1.1", b"", numbers), rsa.RSAPublicKey)

    @pytest.mark.requirement("A8")
    def test_no_general_loader(self):
        """Outside of the kit for tests, nothing in the library calls a loader that takes a key of whatever kind."""
        for path in (ROOT / "src/ram_mfa").rglob("*.py"):
            if "testing" in path.parts:
                continue
            nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
            names = {
                name
                for node in nodes
                for name in (getattr(node, "id", ""), getattr(node, "attr", ""), getattr(node, "name", ""))
                if isinstance(name, str)
            }
            loaders = {name for name in names if name.startswith(("load_der_", "load_pem_", "load_ssh_"))}
            assert not loaders, path
            imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
            from_imports = [node for node in nodes if isinstance(node, ast.ImportFrom)]
            imported |= {f"{node.module}.{alias.name}" for node in from_imports for alias in node.names}
            assert not {name for name in imported if name.startswith("cryptography.x509")}, path


class TestParts:
    @pytest.mark.requirement("A8")
    def test_names(self):
        """A name of a certificate has a bounded number of parts, however they are spread over its sets."""
        pair = tlv(0x30, make.oid("2.5.4.3"), tlv(0x0C, b"x"))
        assert len(read_name(tlv(0x30, tlv(0x31, *[pair] * (MAX_NAME_PARTS - 1))))) == MAX_NAME_PARTS - 1
        for name in (
            tlv(0x30, tlv(0x31, *[pair] * MAX_NAME_PARTS)),
            tlv(0x30, *[tlv(0x31)] * (MAX_NAME_PARTS + 1)),
            tlv(0x30, *[tlv(0x31, pair)] * (MAX_NAME_PARTS // 2 + 1)),
        ):
            with pytest.raises(MalformedMessage, match="parts"):
                read_name(name)

    @pytest.mark.requirement("A8")
    def test_extensions(self):
        """A list of too many extensions counts as one that cannot be read: no chain and no packed statement holds."""
        most = [make.extension_der(f"1.2.{at}", b"") for at in range(MAX_EXTENSIONS + 1)]
        assert AttestationCertificate.parse(make.by_hand(extensions=most)).fields.extensions is None
        assert AttestationCertificate.parse(make.by_hand(extensions=most[1:])).fields.extensions is not None

    @pytest.mark.requirement("A8")
    def test_json(self):
        """A document has bounded numbers of objects, lists, commas, and digits in a number."""
        assert load('{"a":[' + "[]," * (MAX_CONTAINERS - 3) + "[]]}")
        assert load('{"a":[' + "0," * MAX_COMMAS + "0]}")
        assert load('{"a":' + "7" * MAX_NUMBER + "}") == {"a": int("7" * MAX_NUMBER)}
        assert load('{"a":1.5,"b":1e-300}') == {"a": 1.5, "b": 1e-300}
        for text in (
            '{"a":[' + "[]," * (MAX_CONTAINERS - 2) + "[]]}",
            '{"a":[' + "{}," * (MAX_CONTAINERS - 2) + "{}]}",
            '{"a":[' + "0," * (MAX_COMMAS + 1) + "0]}",
            '{"a":' + "7" * (MAX_NUMBER + 1) + "}",
            '{"a":1.' + "7" * MAX_NUMBER + "}",
        ):
            with pytest.raises(MalformedMessage):
                load(text)
            with pytest.raises(MalformedMessage):
                load(text.encode())

    @pytest.mark.requirement("A8")
    def test_which_protocol(self):
        """Whether a text is of U2F or of WebAuthn is looked for within the size limit only."""
        u2f = json.dumps({"registrationData": ""})
        assert all(_is_u2f(one) for one in (u2f, u2f.encode(), bytearray(u2f.encode()), {"errorCode": 1}))
        assert not any(_is_u2f(one) for one in ({}, None, "{}", b"\xff", " " * MAX_JSON + u2f, 7))
