# SPDX-License-Identifier: Apache-2.0
"""Client data."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa.errors import Check, MalformedMessage, VerificationError
from ram_mfa.u2f import (
    FINISH_ENROLLMENT,
    GET_ASSERTION,
    AppIdentity,
    ClientData,
    Origin,
    application_parameter,
    challenge_parameter,
)
from tests.support import u2f_examples as example
from tests.support.hostile_origins import GOOD, all_hostile_origins, hostile_origins

CHALLENGE = bytes(range(32))
TEXT = base64.urlsafe_b64encode(CHALLENGE).decode().rstrip("=")


def written(**members):
    """Return client data with other members; None leaves one out."""
    everything = {"typ": GET_ASSERTION, "challenge": TEXT, "origin": GOOD, **members}
    return json.dumps({name: value for name, value in everything.items() if value is not None}).encode()


def check(raw, *, typ=GET_ASSERTION, challenge=CHALLENGE, facets=(GOOD,)):
    return ClientData.parse(raw).check(typ=typ, challenge=challenge, facets=facets)


def refused(check_failed, *arguments, **named):
    with pytest.raises(VerificationError) as error:
        check(*arguments, **named)
    assert error.value.check is check_failed


class TestParse:
    @pytest.mark.requirement("U11", "U12")
    @pytest.mark.standard("FIDO U2F Raw 7", "ram_mfa.u2f.ClientData.parse")
    @pytest.mark.parametrize(
        ("raw", "typ", "challenge"),
        [
            (example.CLIENT_DATA_81, FINISH_ENROLLMENT, example.CHALLENGE_81),
            (example.CLIENT_DATA_82, GET_ASSERTION, example.CHALLENGE_82),
        ],
    )
    def test_examples(self, raw, typ, challenge):
        """The standard's two examples: their members, their other members, and the bytes again."""
        client_data = ClientData.parse(raw)
        assert (client_data.typ, client_data.challenge, client_data.origin) == (typ, challenge, example.ORIGIN)
        assert client_data.other["cid_pubkey"]["crv"] == "P-256"
        assert bytes(client_data) == raw
        client_data.check(typ=typ, challenge=challenge, facets=[example.ORIGIN])

    @pytest.mark.requirement("U12")
    @pytest.mark.standard("FIDO U2F Raw 4.3", "ram_mfa.u2f.challenge_parameter")
    def test_the_bytes_that_came(self):
        """Two encodings of the same members are two client data, and the hash is over the bytes."""
        plain = written()
        for other in (plain.replace(b", ", b","), plain + b"\n", plain.replace(b"typ", b"t\\u0079p")):
            parsed = ClientData.parse(other)
            assert (parsed.typ, parsed.challenge) == (GET_ASSERTION, TEXT)
            assert parsed != ClientData.parse(plain)
            assert challenge_parameter(parsed) == challenge_parameter(other) == hashlib.sha256(other).digest()

    @pytest.mark.requirement("U11")
    @pytest.mark.parametrize("member", [None, "", "unused", {"kty": "EC"}, 5, [1], True])
    def test_channel_id(self, member):
        """``cid_pubkey`` and any other member may be anything: kept and ignored."""
        parsed = ClientData.parse(written(cid_pubkey=member, extra=member))
        assert parsed.other == ({} if member is None else {"cid_pubkey": member, "extra": member})

    @pytest.mark.requirement("U11", "U12", "V35")
    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b"null",
            b"[]",
            b'"text"',
            b"5",
            b"{",
            written() + b"}",
            written()[:-1],
            written(typ=None),
            written(challenge=None),
            written(origin=None),
            written(typ=5),
            written(challenge=["x"]),
            written(origin={}),
            written(origin=True),
            written()[:-1] + b', "origin": "https://evil.test"}',
            written()[:-1] + b', "x": {"a": 1, "a": 1}}',
            written()[:-1] + b', "x": NaN}',
            written()[:-1] + b', "x": -Infinity}',
            written()[:-1] + b', "x": ' + b"9" * 5000 + b"}",
            written()[:-1] + b', "x": ' + b"[" * 8000 + b"}",
            written()[:-1] + b', "x": "\n"}',
            written().replace(b"challenge", b"Challenge"),
            b"\xef\xbb\xbf" + written(),
            written().decode().encode("utf-16"),
            written() + b"\x00",
            written()[:-1] + b', "x": "\xff"}',
            written()[:-1] + b', "x": "' + b"a" * 16384 + b'"}',
            None,
            "text",
            5,
        ],
    )
    def test_malformed(self, raw):
        """Anything but one JSON object in UTF-8 with the three strings, each name once, is refused."""
        with pytest.raises(MalformedMessage):
            ClientData.parse(raw)

    @given(st.binary() | st.text().map(str.encode))
    def test_anything(self, raw):
        """Of all bytes in the world only client data is taken."""
        try:
            parsed = ClientData.parse(raw)
        except MalformedMessage:
            return
        assert bytes(parsed) == raw


class TestCheck:
    @pytest.mark.requirement("U11")
    @pytest.mark.standard("FIDO U2F Raw 7", "ram_mfa.u2f.ClientData.check")
    def test_right(self):
        """The right type, the challenge as bytes or text, and a facet: no value, no error."""
        assert check(written()) is None
        assert check(written(), challenge=TEXT) is None
        assert check(written(), facets=iter(["https://a.test", Origin.parse(GOOD)])) is None

    @pytest.mark.requirement("U11")
    @pytest.mark.parametrize("typ", [FINISH_ENROLLMENT, "", "webauthn.get", GET_ASSERTION.upper(), GET_ASSERTION + " "])
    def test_type(self, typ):
        """Client data of the other ceremony, or of none, is refused."""
        refused(Check.TYPE, written(typ=typ))

    @pytest.mark.requirement("U11", "U17")
    @pytest.mark.parametrize(
        "challenge",
        [
            "",
            TEXT[:-1],
            TEXT + "=",
            TEXT + "A",
            TEXT[::-1],
            TEXT.replace("A", "a", 1),
            TEXT[:-1] + "9",
            "\ud800",
            "é" * 43,
        ],
    )
    def test_challenge(self, challenge):
        """Any other challenge is refused, and so is any other encoding of this one."""
        refused(Check.CHALLENGE, written(challenge=challenge))
        refused(Check.CHALLENGE, written(challenge=challenge), challenge=TEXT)

    @pytest.mark.requirement("U11", "U14", "V27")
    def test_both_encodings(self):
        """The slash that the standard writes behind an origin changes nothing, on either side."""
        for origin in (GOOD, f"{GOOD}/"):
            for facet in (GOOD, f"{GOOD}/"):
                assert check(written(origin=origin), facets=[facet]) is None

    @pytest.mark.parametrize("identity", ["android:apk-key-hash:aGFzaA", "ios:bundle-id:com.example.login"])
    def test_apps(self, identity):
        """A native app is accepted where it is named, to the letter."""
        assert check(written(origin=identity), facets=[identity]) is None
        assert check(written(origin=identity), facets=[AppIdentity(identity)]) is None
        refused(Check.ORIGIN, written(origin=identity), facets=[identity + "x"])
        refused(Check.ORIGIN, written(origin=identity))

    @pytest.mark.requirement("U11", "V27")
    @pytest.mark.parametrize("kind", list(hostile_origins()))
    def test_hostile(self, kind):
        """No hostile origin is accepted for the facet that it imitates."""
        for origin in hostile_origins()[kind]:
            refused(Check.ORIGIN, written(origin=origin))

    @pytest.mark.requirement("V27")
    def test_enough_of_them(self):
        """There are 500 hostile origins or more."""
        assert len(all_hostile_origins()) >= 500

    @pytest.mark.requirement("U11")
    def test_no_facets(self):
        """Where no facet is named, none is accepted."""
        refused(Check.ORIGIN, written(), facets=[])

    def test_callers_faults(self):
        """A string for a list, an empty challenge and a facet that is none are the caller's faults."""
        with pytest.raises(TypeError, match="list"):
            check(written(), facets=GOOD)
        for empty in ("", b""):
            with pytest.raises(ValueError, match="not empty"):
                check(written(challenge=""), challenge=empty)
        with pytest.raises(ValueError, match="not a facet") as wrong:
            check(written(), facets=["login.example.com"])
        assert not isinstance(wrong.value, MalformedMessage)

    def test_examples_parameters(self):
        """The parameters of the standard's requests are those of its client data and AppIDs."""
        assert (
            challenge_parameter(example.CLIENT_DATA_81) + application_parameter(example.APP_ID_81) == example.REQUEST_81
        )
        rest = challenge_parameter(example.CLIENT_DATA_82) + application_parameter(example.APP_ID_82)
        assert example.REQUEST_82[1:65] == rest
