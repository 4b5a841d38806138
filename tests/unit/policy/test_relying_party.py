# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re

import pytest

from ram_mfa import RelyingParty


class TestRelyingParty:
    def test_whole(self):
        """A site is its RP ID, its pages, and what people call it: the RP ID where nothing else is said."""
        party = RelyingParty(id="example.com", origins=["https://example.com", "https://console.example.com:8443"])
        assert party.name == "example.com"
        assert party.origins == ("https://example.com", "https://console.example.com:8443")
        assert (party.app_id, party.top_origins) == (None, ())
        assert RelyingParty(id="example.com", origins=["https://example.com"], name="Example").name == "Example"

    @pytest.mark.parametrize("origin", ["http://localhost", "http://localhost:8000"])
    def test_development(self, origin):
        """A page on this machine may do without HTTPS."""
        assert RelyingParty(id="localhost", origins=[origin]).origins == (origin,)

    @pytest.mark.requirement("V27")
    @pytest.mark.parametrize(
        "origin",
        [
            "http://example.com",
            "http://console.example.com",
            "https://evilexample.com",
            "https://example.com.evil",
            "https://example.org",
            "https://com",
        ],
    )
    def test_pages_elsewhere(self, origin):
        """A page that is not HTTPS, or not on the RP ID or below it at a dot, is refused when it is built."""
        with pytest.raises(ValueError, match=r"is not"):
            RelyingParty(id="example.com", origins=[origin])

    @pytest.mark.requirement("A33")
    @pytest.mark.parametrize(
        ("origin", "fault"),
        [
            ("example.com", "scheme: neither https:// nor http://"),
            ("ftp://example.com", "scheme: neither https:// nor http://"),
            ("HTTPS://example.com", "scheme: in upper case"),
            ("http://example.com", "scheme: is not https"),
            ("https://Example.com", "host: in upper case"),
            ("https://example.com.", "host: a trailing dot"),
            ("https://bücher.example.com", "host: not ASCII"),
            ("https://", "host: not a domain"),
            ("https://-/", "path: a trailing slash"),
            ("https://example.com/", "path: a trailing slash"),
            ("https://example.com/path", "path: not part of an origin"),
            ("https://example.com/path/", "path: not part of an origin"),
            ("https://example.com?a=b", "query: not part of an origin"),
            ("https://example.com#a", "fragment: not part of an origin"),
            ("https://u@example.com", "user info: not part of an origin"),
            ("https://example.com:443", "port: the scheme's default"),
            ("https://example.com:0443", "port: not a number in its shortest form"),
            ("https://example.com:", "port: not a number in its shortest form"),
            ("https://example.com:65536", "port: above 65535"),
        ],
    )
    def test_no_origin(self, origin, fault):
        """What is no origin is refused, and the fault is named: scheme, host, port, path or what else it is."""
        for fields in ({"origins": [origin]}, {"origins": ["https://example.com"], "top_origins": [origin]}):
            name = list(fields)[-1]
            with pytest.raises(
                ValueError, match=rf"RelyingParty\.{name}: {re.escape(repr(origin))}: {re.escape(fault)}"
            ):
                RelyingParty(id="example.com", **fields)

    def test_an_empty_origin(self):
        """Nothing is no origin."""
        with pytest.raises(ValueError, match="origins must be"):
            RelyingParty(id="example.com", origins=[""])

    @pytest.mark.requirement("A23")
    @pytest.mark.parametrize(
        "rp_id",
        [
            *("192.0.2.1", "127.0.0.1", "0x7f.0.0.0x1", "[::1]", "com", "intranet", "", ".example.com", "example..com"),
            *("example.com.", "Example.com", "bücher.example", "-a.example", "a-.example", "https://example.com"),
            *("example.com:443", "a" * 64 + ".example", "example.com/", " example.com", "a." * 127 + "example"),
        ],
    )
    def test_no_rp_id(self, rp_id):
        """An address, a single label, or what is no domain in its one form is no RP ID."""
        with pytest.raises(ValueError, match=r"RelyingParty\.id"):
            RelyingParty(id=rp_id, origins=["https://example.com"])

    @pytest.mark.requirement("A23")
    @pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 254])
    def test_no_name(self, name):
        """A name is something that people can read."""
        with pytest.raises(ValueError, match=r"RelyingParty\.name must be"):
            RelyingParty(id="example.com", origins=["https://example.com"], name=name)

    @pytest.mark.requirement("A33")
    def test_native_apps(self):
        """Apps are named by their identity; through WebAuthn only Android's, by the SHA-256 of their certificate."""
        android = "android:apk-key-hash:" + "A" * 43
        others = [
            "android:apk-key-hash:" + "A" * 27,
            "android:apk-key-hash-sha256:" + "A" * 43,
            "ios:bundle-id:com.example",
        ]
        others.append("android:apk-key-hash:+")
        party = RelyingParty(id="example.com", origins=["https://example.com"], native_apps=[android, *others])
        assert party.u2f_facets == ("https://example.com", android, *others)
        assert party.webauthn_origins == ("https://example.com", android)
        for wrong in ("https://example.com", "ios:bundle-id:", "windows:app", "android:apk-key-hash:a b"):
            with pytest.raises(ValueError, match=r"RelyingParty\.native_apps: .*: no app"):
                RelyingParty(id="example.com", origins=["https://example.com"], native_apps=[wrong])

    def test_one_string_is_no_list(self):
        """One string is not taken for a list of one-letter origins."""
        with pytest.raises(TypeError, match="must be a tuple"):
            RelyingParty(id="example.com", origins="https://example.com")
        with pytest.raises(TypeError, match="must be a tuple"):
            RelyingParty(id="example.com", origins=["https://example.com"], top_origins="https://example.org")

    def test_no_pages(self):
        """A site without a page is none."""
        with pytest.raises(ValueError, match="origins must be a tuple of 1"):
            RelyingParty(id="example.com", origins=[])

    def test_frames(self):
        """A page that may hold ours in a frame lies anywhere, under HTTPS."""
        party = RelyingParty(id="example.com", origins=["https://example.com"], top_origins=["https://example.org"])
        assert party.top_origins == ("https://example.org",)
        with pytest.raises(ValueError, match="is not https"):
            RelyingParty(id="example.com", origins=["https://example.com"], top_origins=["http://example.org"])

    @pytest.mark.requirement("U15")
    def test_app_id(self):
        """An AppID is HTTPS too."""
        good = "https://example.com/app-id.json"
        assert RelyingParty(id="example.com", origins=["https://example.com"], app_id=good).app_id == good
        for bad in ("http://example.com/app-id.json", "example.com", ""):
            with pytest.raises(ValueError, match=r"RelyingParty\.app_id"):
                RelyingParty(id="example.com", origins=["https://example.com"], app_id=bad)

    @pytest.mark.requirement("A23")
    def test_where_an_app_id_lies(self):
        """An AppID lies on the domain of the RP ID, above, below or beside it, or is an app's identity."""
        page = {"id": "login.example.com", "origins": ["https://login.example.com"]}
        for host in ("login.example.com", "example.com", "u2f.login.example.com", "u2f.example.com"):
            assert RelyingParty(**page, app_id=f"https://{host}/app-id.json")
        assert RelyingParty(**page, app_id="ios:bundle-id:com.example")
        for host in ("example.org", "example.com.evil.test", "evilexample.com", "com"):
            with pytest.raises(ValueError, match=r"app_id: .*: host: is on another domain"):
                RelyingParty(**page, app_id=f"https://{host}/app-id.json")
