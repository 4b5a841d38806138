# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib
import json

import pytest

from ram_mfa.encoding.base64url import encode
from ram_mfa.errors import Check, MalformedMessage, VerificationError
from ram_mfa.webauthn import ClientData
from tests.support.hostile_origins import GOOD, all_hostile_origins
from tests.support.webauthn import CHALLENGE, ORIGIN, client_data

pytestmark = pytest.mark.standard("WebAuthn Level 3 #dictionary-client-data", "ram_mfa.webauthn.ClientData.parse")
APP = "android:apk-key-hash:" + encode(bytes(32))


def check(raw, **changes):
    arguments = {"type": "webauthn.create", "challenge": CHALLENGE, "origins": [ORIGIN]} | changes
    return ClientData.parse(raw).check(**arguments)


def refused_by(raw, **changes):
    with pytest.raises(VerificationError) as refused:
        check(raw, **changes)
    return refused.value.check


class TestParse:
    def test_members(self):
        """What is known is read, what is not is kept: browsers add members on purpose."""
        raw = client_data(topOrigin="https://a.example", tokenBinding={"status": "supported"}, extra=[1])
        data = ClientData.parse(raw)
        assert (data.type, data.challenge, data.origin) == ("webauthn.create", encode(CHALLENGE), ORIGIN)
        assert (data.cross_origin, data.top_origin) == (False, "https://a.example")
        assert data.others == {"tokenBinding": {"status": "supported"}, "extra": [1]}
        assert ClientData.parse(client_data(crossOrigin=...)).cross_origin is False

    @pytest.mark.requirement("U12")
    def test_the_hash_is_over_the_bytes_that_came(self):
        """White space, order and a byte order mark change the hash and not the reading."""
        members = json.loads(client_data())
        encodings = [
            client_data(),
            json.dumps(members, indent=2).encode(),
            json.dumps(dict(reversed(members.items()))).encode(),
            b"\xef\xbb\xbf" + client_data(),
            b" \r\n\t" + client_data() + b" \n",
        ]
        hashes = set()
        for raw in encodings:
            data = ClientData.parse(raw)
            assert data.raw == raw
            assert data.hash == hashlib.sha256(raw).digest()
            assert data.origin == ORIGIN
            hashes.add(data.hash)
        assert len(hashes) == len(encodings)

    @pytest.mark.requirement("V35")
    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b"{",
            b"null",
            b"[]",
            b'"x"',
            b"{}",
            b"\xef\xbb\xbf\xef\xbb\xbf" + client_data(),
            b"\xff\xfe" + client_data().decode().encode("utf-16-le"),
            client_data() + b"x",
            client_data() + client_data(),
            client_data() + b"\x00",
            client_data()[:-1],
            client_data().replace(b"login", b"l\xffgin"),
            client_data().replace(b"{", b'{"type":"webauthn.create",', 1),
            client_data().replace(b"{", b'{"origin":"https://login.example.com",', 1),
            client_data().replace(b"{", b'{"a":{"b":1,"b":2},', 1),
            client_data().replace(b"{", b'{"a":NaN,', 1),
            client_data().replace(b"{", b'{"a":-Infinity,', 1),
            client_data().replace(b"{", b'{"a":' + b"1" * 5_000 + b",", 1),
            client_data().replace(b"{", b'{"a":' + b"[" * 4_000, 1),
            client_data(extra="x" * 8_192),
            client_data(type=...),
            client_data(type=None),
            client_data(type=["webauthn.create"]),
            client_data(challenge=...),
            client_data(challenge=7),
            client_data(origin=...),
            client_data(origin=None),
            client_data(origin={}),
            client_data(crossOrigin="false"),
            client_data(crossOrigin=None),
            client_data(crossOrigin=0),
            client_data(topOrigin=None),
            client_data(topOrigin=False),
        ],
    )
    def test_refused(self, raw):
        """What is not client data is refused with the documented error and no other."""
        with pytest.raises(MalformedMessage):
            ClientData.parse(raw)


class TestCheck:
    def test_a_genuine_one(self):
        assert check(client_data()) is None
        assert check(client_data("webauthn.get"), type="webauthn.get") is None
        assert check(client_data(), origins=["https://other.example", ORIGIN]) is None

    @pytest.mark.parametrize(
        "kind", ["webauthn.get", "", "WebAuthn.create", "webauthn.create ", "navigator.id.finishEnrollment"]
    )
    def test_type(self, kind):
        assert refused_by(client_data(kind)) is Check.TYPE

    @pytest.mark.requirement("V26")
    @pytest.mark.parametrize(
        "challenge",
        [
            "",
            encode(CHALLENGE)[:-1],
            encode(CHALLENGE) + "=",
            encode(CHALLENGE) + "A",
            encode(CHALLENGE).lower(),
            encode(bytes(32)),
            encode(CHALLENGE[:-1]),
            CHALLENGE.hex(),
            "\ud800",
            "é" * 43,
        ],
    )
    def test_challenge(self, challenge):
        """Only the one encoding of this ceremony's challenge; text that is no text at all is checked, too."""
        assert refused_by(client_data(challenge=challenge)) is Check.CHALLENGE

    @pytest.mark.requirement("V27")
    @pytest.mark.standard("WebAuthn Level 3 #sctn-validating-origin", "ram_mfa.webauthn.ClientData.check")
    def test_hostile_origins(self):
        """Suffixes, ports, user info, case, IDN, dots, schemes, paths: none of many hundreds is taken for ours."""
        assert GOOD == ORIGIN
        hostile = all_hostile_origins()
        assert len(hostile) >= 500
        for origin in hostile:
            assert refused_by(client_data(origin=origin)) is Check.ORIGIN, origin

    @pytest.mark.parametrize("origin", ["http://localhost", "http://localhost:5000", "https://[::1]:8443", APP])
    def test_origins_of_every_kind(self, origin):
        """Localhost for development, an address, an Android app: each equals itself and nothing else."""
        assert check(client_data(origin=origin), origins=[origin]) is None
        assert refused_by(client_data(origin=origin)) is Check.ORIGIN
        assert refused_by(client_data(), origins=[origin]) is Check.ORIGIN

    def test_without_origins_nothing_passes(self):
        assert refused_by(client_data(), origins=[]) is Check.ORIGIN

    @pytest.mark.parametrize(
        "origin",
        [
            "http://login.example.com",
            "https://login.example.com/",
            "https://LOGIN.example.com",
            "https://login.example.com:443",
            "login.example.com",
            "https://*.example.com",
            "android:apk-key-hash:",
            "android:apk-key-hash:AAAA",
            "ios:bundle-id:com.example",
            "null",
            "",
        ],
    )
    def test_our_own_origins_are_judged(self, origin):
        """An origin that no browser sends is our mistake, and never a peer's."""
        for arguments in ({"origins": [origin]}, {"cross_origin": True, "top_origins": [ORIGIN, origin]}):
            with pytest.raises(ValueError) as wrong:
                check(client_data(), **arguments)
            assert not isinstance(wrong.value, MalformedMessage)

    def test_one_string_is_not_a_list_of_origins(self):
        with pytest.raises(ValueError):
            check(client_data(), origins=ORIGIN)

    @pytest.mark.parametrize(
        ("changes", "expected", "verdict"),
        [
            ({"crossOrigin": True}, {}, Check.CROSS_ORIGIN),
            ({"topOrigin": "https://top.example"}, {}, Check.CROSS_ORIGIN),
            ({"crossOrigin": True, "topOrigin": "https://top.example"}, {}, Check.CROSS_ORIGIN),
            (
                {"crossOrigin": True, "topOrigin": "https://top.example"},
                {"top_origins": ["https://top.example"]},
                Check.CROSS_ORIGIN,
            ),
            ({}, {"cross_origin": True}, None),
            ({"crossOrigin": True}, {"cross_origin": True}, None),
            ({"crossOrigin": True}, {"cross_origin": True, "top_origins": ["https://top.example"]}, Check.TOP_ORIGIN),
            ({}, {"cross_origin": True, "top_origins": ["https://top.example"]}, None),
            ({"crossOrigin": True, "topOrigin": "https://top.example"}, {"cross_origin": True}, Check.TOP_ORIGIN),
            (
                {"crossOrigin": True, "topOrigin": "https://top.example"},
                {"cross_origin": True, "top_origins": ["https://top.example"]},
                None,
            ),
            (
                {"crossOrigin": True, "topOrigin": "https://top.example.evil.test"},
                {"cross_origin": True, "top_origins": ["https://top.example"]},
                Check.TOP_ORIGIN,
            ),
            (
                {"crossOrigin": False, "topOrigin": "https://top.example"},
                {"cross_origin": True, "top_origins": ["https://top.example"]},
                Check.TOP_ORIGIN,
            ),
        ],
    )
    @pytest.mark.requirement("A13")
    @pytest.mark.standard("WebAuthn Level 3 #dom-collectedclientdata-toporigin", "ram_mfa.webauthn.ClientData.check")
    def test_frames(self, changes, expected, verdict):
        """A page in a frame of another origin passes only where that is expected, and in the pages named."""
        if verdict is None:
            assert check(client_data(**changes), **expected) is None
        else:
            assert refused_by(client_data(**changes), **expected) is verdict

    def test_hostile_pages_around_a_frame(self):
        for origin in all_hostile_origins():
            raw = client_data(crossOrigin=True, topOrigin=origin)
            assert refused_by(raw, cross_origin=True, top_origins=[ORIGIN]) is Check.TOP_ORIGIN, origin
