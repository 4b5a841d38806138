# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ram_mfa import MalformedMessage, RelyingParty


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

    @pytest.mark.parametrize("origin", ["example.com", "", "https://example.com/path", "https://u@example.com"])
    def test_no_origin(self, origin):
        """What is no origin is refused, as a ValueError too."""
        with pytest.raises(MalformedMessage):
            RelyingParty(id="example.com", origins=[origin])

    def test_one_string_is_no_list(self):
        """One string is not taken for a list of one-letter origins."""
        with pytest.raises(TypeError, match="a list"):
            RelyingParty(id="example.com", origins="https://example.com")
        with pytest.raises(TypeError, match="a list"):
            RelyingParty(id="example.com", origins=["https://example.com"], top_origins="https://example.org")

    def test_no_pages(self):
        """A site without a page is none."""
        with pytest.raises(ValueError, match="at least one origin"):
            RelyingParty(id="example.com", origins=[])

    def test_frames(self):
        """A page that may hold ours in a frame lies anywhere, under HTTPS."""
        party = RelyingParty(id="example.com", origins=["https://example.com"], top_origins=["https://example.org"])
        assert party.top_origins == ("https://example.org",)
        with pytest.raises(ValueError, match="not https"):
            RelyingParty(id="example.com", origins=["https://example.com"], top_origins=["http://example.org"])

    @pytest.mark.requirement("U15")
    def test_app_id(self):
        """An AppID is HTTPS too."""
        good = "https://example.com/app-id.json"
        assert RelyingParty(id="example.com", origins=["https://example.com"], app_id=good).app_id == good
        for bad in ("http://example.com/app-id.json", "example.com", ""):
            with pytest.raises(MalformedMessage):
                RelyingParty(id="example.com", origins=["https://example.com"], app_id=bad)
