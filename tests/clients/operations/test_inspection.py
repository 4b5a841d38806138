# SPDX-License-Identifier: Apache-2.0
"""`python -m ram_mfa inspect`: each fault of malformed messages, found by hand first, where it is and by which section.

The well-formed messages are those that the standards print; each malformed one is such a message with one change, whose
offset was counted on paper from the layout in the standard and stands in the comment.
"""

from __future__ import annotations

import base64
import io
import json
import sys
import zlib

import pytest

from ram_mfa import __main__ as command
from ram_mfa.operations.inspection.inspect import KINDS, inspect_message
from ram_mfa.operations.inspection.report import Report
from ram_mfa.operations.selftest import vectors as printed
from tests.support import u2f_examples as example

NONE = printed.load("w3c_level3")["vectors"][0]
OBJECT = bytes.fromhex(NONE["registration"]["attestationObject"])
ASSERTION = bytes.fromhex(NONE["authentication"]["authenticatorData"])
CLIENT = bytes.fromhex(NONE["registration"]["clientDataJSON"])
DATA = OBJECT[OBJECT.index(b"authData") + 10 :]
KEY = DATA[55 + int.from_bytes(DATA[53:55], "big") :]
CERTIFICATE = example.RESPONSE_81[131:451]
URI = b"otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQ&issuer=Example"
RECORD = b"\x01\x042026" + b"chck" + bytes(12) + bytes(128 + 16)


def put(raw, at, new):
    return raw[:at] + new + raw[at + len(new) :]


def inspect(kind, data):
    report = Report(kind, "raw", len(data))
    inspect_message(data, report)
    return report


WELL_FORMED = {
    "u2f-registration": example.RESPONSE_81,
    "u2f-authentication": example.RESPONSE_82,
    "u2f-registration-request": example.REQUEST_81,
    "u2f-authentication-request": example.REQUEST_82,
    "apdu-command": bytes.fromhex("00010000000040") + example.REQUEST_81 + b"\x00\x00",
    "apdu-response": example.RESPONSE_82 + b"\x90\x00",
    "attestation-object": OBJECT,
    "authenticator-data": DATA,
    "client-data": CLIENT,
    "certificate": CERTIFICATE,
    "cose-key": KEY,
    "key-uri": URI,
    "record": RECORD,
}

R81, R82 = example.RESPONSE_81, example.RESPONSE_82

MALFORMED = [
    # Section 4.3: byte 0 is reserved and 0x05.
    ("u2f-registration", put(R81, 0, b"\x04"), "reserved byte", 0, "4.3"),
    # The key is bytes 1 to 65; the last bit of y changed, so that the point leaves the curve.
    ("u2f-registration", put(R81, 65, bytes([R81[65] ^ 1])), "public key", 1, "4.3"),
    # Byte 66 is the length of the key handle, 0x40: one more, and the certificate begins one byte late, at 132, with
    # 0x82, which is no SEQUENCE's tag.
    ("u2f-registration", put(R81, 66, b"\x41"), "certificate", 132, "4.3"),
    # Cut within the key handle, which starts at 67.
    ("u2f-registration", R81[:100], "key handle", 67, "4.3"),
    # The certificate has 4 + 0x13c = 320 bytes from 131 on, so the signature starts at 451; a status word was left.
    ("u2f-registration", R81 + b"\x90\x00", "signature", 451, "4.3"),
    # Section 5.4: bit 0 of byte 0 is user presence.
    ("u2f-authentication", put(R82, 0, b"\x00"), "user presence", 0, "5.4"),
    # The counter is bytes 1 to 4: three of them are there.
    ("u2f-authentication", R82[:4], "counter", 1, "5.4"),
    # The signature starts at 5, and its last byte is cut.
    ("u2f-authentication", R82[:-1], "signature", 5, "5.4"),
    # Section 5.1: the control byte is 3, 7 or 8.
    ("u2f-authentication-request", put(example.REQUEST_82, 0, b"\x04"), "control byte", 0, "5.1"),
    # 1 + 32 + 32: the length of the key handle is byte 65; the handle, from 66 on, lacks one byte.
    ("u2f-authentication-request", example.REQUEST_82[:-1], "key handle", 66, "5.1"),
    # ISO 7816-4: lengths follow four bytes of header; 0x41 bytes are announced and 0x40 follow.
    ("apdu-command", bytes.fromhex("00010000000041") + example.REQUEST_81, "length", 4, "7816-4"),
    # Section 3.3: 0x9001 is no status word; it is the last two bytes.
    ("apdu-response", R82 + b"\x90\x01", "status word", len(R82), "3.3"),
    # Flags are byte 32: BS (0x10) without BE (0x08).
    ("authenticator-data", put(ASSERTION, 32, b"\x11"), "flags", 32, "#authdata-flags-bs"),
    # 32 + 1 + 4: an assertion ends at 37.
    ("authenticator-data", ASSERTION + b"\x00", "end of message", 37, "#sctn-authenticator-data"),
    # The credential's length is bytes 53 and 54; 0xffff are not there, from 55 on (and it is above 1,023 at 53).
    ("authenticator-data", put(DATA, 53, b"\xff\xff"), "credentialId", 55, "#sctn-attested-credential-data"),
    # a5, 01 02, 03 26, 20 01, 21 58 20: the label of x is byte 7, so its value starts at 8; the last bit of y changed.
    ("cose-key", KEY[:-1] + bytes([KEY[-1] ^ 1]), "public key", 8, "RFC 9053"),
    # The value of kty is byte 2: OKP (1) is not what ES256 names.
    ("cose-key", put(KEY, 2, b"\x01"), "kty", 2, "RFC 9053"),
    # a3 63 "fmt" 64 "none": the value of fmt is byte 5.
    ("attestation-object", OBJECT.replace(b"none", b"nune", 1), "fmt", 5, "#sctn-defined-attestation-formats"),
    # One byte follows the map.
    ("attestation-object", OBJECT + b"\x00", "end of message", len(OBJECT), "#sctn-generating-an-attestation-object"),
    # {"type":"webauthn.create" starts at 1 with its name.
    ("client-data", CLIENT.replace(b"webauthn.create", b"webauthn.crate"), "type", 1, "#dictionary-client-data"),
    # {"a":1,} : JSON wants a name at 7.
    ("client-data", b'{"a":1,}', "message", 7, "RFC 8259"),
    # 30 82 LL LL, then TBSCertificate at 4; cut after 100 bytes the outer length, at 0, is too long.
    ("certificate", CERTIFICATE[:100], "certificate", 0, "X.690"),
    # 30 82 01 3c 30 81 e4 a0 03 02 01 02 02 0a: the serial number is byte 12; its tag became an OCTET STRING's.
    ("certificate", put(CERTIFICATE, 12, b"\x04"), "serialNumber", 12, "RFC 5280"),
    # otpauth://totp/Example:alice?secret= has 36 characters.
    ("key-uri", URI.replace(b"OJQ", b"OJ1"), "secret", 36, "Parameters"),
    # otpauth:// has 10 characters.
    ("key-uri", URI.replace(b"totp", b"tutp"), "type", 10, "Types"),
    # Version, then the length of the key id.
    ("record", put(RECORD, 0, b"\x07"), "version", 0, "ram_mfa.sealing"),
    # 1 + 1 + 4 + 4 + 12: the sealed part starts at 22 and lacks a byte.
    ("record", RECORD[:-1], "sealed record", 22, "ram_mfa.sealing"),
]


@pytest.mark.parametrize("kind", WELL_FORMED)
def test_well_formed(kind):
    """Each message that the standards print has fields and no finding, but for what the example itself lacks."""
    report = inspect(kind, WELL_FORMED[kind])
    assert report.findings == []
    assert report.fields


@pytest.mark.parametrize("kind", WELL_FORMED)
def test_fields_lie_within(kind):
    """Each field lies within the message."""
    data = WELL_FORMED[kind]
    assert all(0 <= field.offset <= field.offset + field.size <= len(data) for field in inspect(kind, data).fields)


@pytest.mark.parametrize(("kind", "data", "field", "offset", "section"), MALFORMED)
def test_malformed(kind, data, field, offset, section):
    """The fault that was made is named, with its offset and its section."""
    findings = inspect(kind, data).findings
    assert [(one.field, one.offset) for one in findings if one.field == field] == [(field, offset)], findings
    assert any(section in one.source for one in findings if one.field == field)


@pytest.mark.parametrize("kind", KINDS)
def test_no_bytes_escape(kind):
    """Whatever is cut off or changed: a report, and no other exception."""
    data = WELL_FORMED.get(kind, b"AQE")
    for end in range(0, len(data), 7):
        inspect(kind, data[:end])
        inspect(kind, put(data, end, b"\xff"))
    assert inspect(kind, b"").findings


def ask(monkeypatch, capsys, *words, stdin=b""):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
    code = command.main(["inspect", *words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize(
    ("encoding", "given"),
    [
        ("raw", R82),
        ("hex", R82.hex().upper().encode() + b"\n"),
        ("base64", base64.b64encode(R82)),
        ("base64url", base64.urlsafe_b64encode(R82).rstrip(b"=")),
    ],
)
def test_encodings(encoding, given, monkeypatch, capsys):
    """The encoding is recognised, or given; JSON holds every field with its offset."""
    for words in ((), ("--encoding", encoding)):
        code, out, _ = ask(monkeypatch, capsys, "u2f-authentication", "--json", *words, stdin=given)
        plain = json.loads(out)
        assert (code, plain["findings"], plain["size"]) == (0, [], len(R82))
        assert plain["fields"][1] == {"name": "counter", "offset": 1, "size": 4, "value": 1}


def test_not_that_encoding(monkeypatch, capsys):
    """Input that is not of the encoding given is a usage error."""
    assert ask(monkeypatch, capsys, "cose-key", "--encoding", "hex", stdin=b"xyz")[0] == 2


def test_pem(monkeypatch, capsys):
    """A certificate in PEM is read too."""
    pem = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(CERTIFICATE) + b"-----END CERTIFICATE-----\n"
    code, out, _ = ask(monkeypatch, capsys, "certificate", stdin=pem)
    assert (code, "CN=Gnubby Pilot" in out) == (0, True)


def test_secrets(monkeypatch, capsys):
    """The secret of a key URI is shown on request only."""
    code, out, _ = ask(monkeypatch, capsys, "key-uri", stdin=URI)
    assert code == 0
    assert "hidden (10 bytes)" in out
    assert b"1234567890".hex() not in out
    assert b"1234567890".hex() in ask(monkeypatch, capsys, "key-uri", "--show-secrets", stdin=URI)[1]


def test_wrong(monkeypatch, capsys):
    """A fault ends with 1, and its line says where it is."""
    code, out, _ = ask(monkeypatch, capsys, "u2f-authentication", stdin=put(R82, 0, b"\x00"))
    assert code == 1
    assert "wrong: user presence at offset 0: bit 0 is not set" in out


def test_ticket():
    """A ticket of this library: purpose, times and user, without its MAC."""
    head = b"\x01\x01" + (10**15).to_bytes(8, "big") + (10**15 + 300 * 10**6).to_bytes(8, "big") + bytes(16) + bytes(32)
    text = base64.urlsafe_b64encode(head) + base64.urlsafe_b64encode(b"alice").rstrip(b"=")
    report = inspect("ticket", text)
    assert report.findings == []
    assert [(one.name, one.offset) for one in report.fields] == [
        ("version", 0), ("purpose", 1), ("issued", 2), ("expires", 10), ("nonce", 18), ("MAC", 34), ("user", 66),
    ]  # fmt: skip
    assert report.fields[1].value == "LOGON"
    assert report.fields[5].value == "hidden (32 bytes)"
    # The purpose is byte 1, and none has the number 99.
    bad = base64.urlsafe_b64encode(put(head, 1, b"\x63")) + text[88:]
    assert [(one.field, one.offset) for one in inspect("ticket", bad).findings] == [("purpose", 1)]


def test_qr_without_a_reader(monkeypatch, capsys):
    """Where no reader is installed, the message names the packages."""
    monkeypatch.setitem(sys.modules, "zxingcpp", None)
    code, _, err = ask(monkeypatch, capsys, "qr", stdin=b"picture")
    assert code == 2
    assert "zxing-cpp" in err


def test_qr(monkeypatch, capsys):
    """A picture is read into the key URI that it holds."""
    for package in ("zxingcpp", "PIL", "segno"):
        pytest.importorskip(package)
    from ram_mfa.qr import png

    code, out, _ = ask(monkeypatch, capsys, "qr", stdin=bytes(png(URI.decode())))
    assert (code, "alice" in out) == (0, True)
    assert ask(monkeypatch, capsys, "qr", stdin=b"no picture")[0] == 2


def test_a_picture_of_too_many_pixels(monkeypatch, capsys):
    """A small file that would become a huge picture is refused before it does."""
    for package in ("zxingcpp", "PIL"):
        pytest.importorskip(package)
    head = b"IHDR" + (60_000).to_bytes(4, "big") * 2 + b"\x08\x00\x00\x00\x00"
    png = b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4, "big") + head + zlib.crc32(head).to_bytes(4, "big")
    code, _, err = ask(monkeypatch, capsys, "qr", stdin=png)
    assert (code, "not a picture" in err) == (2, True)
