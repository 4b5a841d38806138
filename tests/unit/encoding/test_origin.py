# SPDX-License-Identifier: Apache-2.0
"""Origins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa.errors import MalformedMessage
from ram_mfa.u2f import Origin
from tests.support.hostile_origins import GOOD, all_hostile_origins

label = st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
domain = st.lists(label, min_size=1, max_size=4).map(".".join)
address = st.one_of(st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(lambda ip: f"[{ip}]"))
port = st.integers(1, 65535)


class TestParse:
    @pytest.mark.requirement("V27")
    @pytest.mark.standard("RFC 6454 4", "ram_mfa.u2f.Origin.parse")
    @pytest.mark.parametrize(
        ("text", "parts"),
        [
            ("https://example.com", ("https", "example.com", 443)),
            ("https://example.com:8443", ("https", "example.com", 8443)),
            ("https://example.com:80", ("https", "example.com", 80)),
            ("http://example.com", ("http", "example.com", 80)),
            ("http://localhost", ("http", "localhost", 80)),
            ("http://localhost:8080", ("http", "localhost", 8080)),
            ("http://localhost:443", ("http", "localhost", 443)),
            ("https://xn--bcher-kva.example", ("https", "xn--bcher-kva.example", 443)),
            ("https://a_b.example", ("https", "a_b.example", 443)),
            ("https://192.0.2.1:1", ("https", "192.0.2.1", 1)),
            ("https://[2001:db8::1]", ("https", "[2001:db8::1]", 443)),
            ("https://[2001:db8::1]:65535", ("https", "[2001:db8::1]", 65535)),
        ],
    )
    def test_parts(self, text, parts):
        """Scheme, host and port, with the scheme's default where none is written; and the text again."""
        origin = Origin.parse(text)
        assert (origin.scheme, origin.host, origin.port) == parts
        assert str(origin) == text

    @given(scheme=st.sampled_from(("https", "http")), host=domain | address, port=port)
    def test_one_form(self, scheme, host, port):
        """Each origin has one form, and two origins of the same form are one."""
        origin = Origin(scheme, host, port)
        assert Origin.parse(str(origin)) == origin

    @pytest.mark.requirement("V27")
    @given(
        st.text()
        | st.text(alphabet="htps:/.[]@%-_0123456789abcABC\\ ", max_size=40).map(lambda text: "https://" + text)
    )
    def test_only_one_form(self, text):
        """Whatever is taken is written back to the letter."""
        try:
            origin = Origin.parse(text)
        except MalformedMessage:
            return
        assert str(origin) == text

    @pytest.mark.requirement("V27")
    def test_hostile(self):
        """Of 600 hostile origins none is the one they imitate; most are no origin at all."""
        hostile, good, refused = all_hostile_origins(), Origin.parse(GOOD), 0
        assert len(hostile) >= 500
        for text in hostile:
            try:
                origin = Origin.parse(text)
            except MalformedMessage:
                refused += 1
                continue
            assert origin != good
            assert str(origin) == text
        assert refused >= 300

    @pytest.mark.parametrize(
        "text", [None, 5, b"https://example.com", GOOD + "/", GOOD + "/x", "https://" + "a." * 200 + "a"]
    )
    def test_refused(self, text):
        """Other types, paths (even the bare slash) and very long texts are refused."""
        with pytest.raises(MalformedMessage):
            Origin.parse(text)

    def test_long_hosts(self):
        """A host of 253 characters is a domain, one of 254 is none, and no label has 64."""
        long = ".".join(("a" * 63,) * 3 + ("a" * 61,))
        assert Origin.parse(f"https://{long}").host == long
        for host in (f"{long}a", "a" * 64 + ".test"):
            with pytest.raises(MalformedMessage):
                Origin.parse(f"https://{host}")

    def test_addresses(self):
        """Every form of an address but the one that browsers write is refused."""
        assert Origin.parse("https://127.0.0.1").host == "127.0.0.1"
        for host in ("127.1", "0x7f.0.0.1", "127.0.0.0x1", "2130706433", "0177.0.0.1", "127.0.0.01", "1.2.3.256"):
            with pytest.raises(MalformedMessage):
                Origin.parse(f"https://{host}")
        for host in ("[::0]", "[0::1]", "[::1", "[]", "[::FF]", "[fe80::1%eth0]", "[1.2.3.4]", "[::1]]"):
            with pytest.raises(MalformedMessage):
                Origin.parse(f"https://{host}")


class TestFacts:
    def test_secure_and_local(self):
        """Https is secure, and localhost is local, whatever the port."""
        facts = {text: (Origin.parse(text).secure, Origin.parse(text).local) for text in (GOOD, "http://localhost:1")}
        assert facts == {GOOD: (True, False), "http://localhost:1": (False, True)}
        assert not Origin.parse("http://localhost.evil.test").local
