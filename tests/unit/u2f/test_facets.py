# SPDX-License-Identifier: Apache-2.0
"""AppIDs, facets and the document of trusted facets."""

from __future__ import annotations

import hashlib
import json

import pytest

from ram_mfa.errors import MalformedMessage
from ram_mfa.u2f import AppID, AppIdentity, Origin, application_parameter, parse_facet, read_trusted_facets
from ram_mfa.u2f import trusted_facets_document as document
from ram_mfa.u2f.facets import CONTENT_TYPE, REDIRECT_HEADER, configured_facet
from tests.support.hostile_origins import GOOD, PRIVATE_LABEL, all_hostile_origins

APP_ID = f"{GOOD}/u2f/app-id.json"
ANDROID = "android:apk-key-hash:2jmj7l5rSw0yVb/vlWAYkK/YBwk"
IOS = "ios:bundle-id:com.example.login"


class TestFacets:
    @pytest.mark.requirement("U14")
    @pytest.mark.standard("FIDO AppID 3.1", "ram_mfa.u2f.parse_facet")
    def test_both_encodings(self):
        """The standard's slash behind an origin and the browsers' plain origin are one facet."""
        assert parse_facet(GOOD) == parse_facet(f"{GOOD}/") == Origin.parse(GOOD)

    @pytest.mark.parametrize("text", [ANDROID, IOS, "android:apk-key-hash-sha256:aGFzaA"])
    def test_apps(self, text):
        """An app's identity is a facet, compared as text."""
        assert parse_facet(text) == AppIdentity(text)
        assert str(parse_facet(text)) == text
        assert parse_facet(text) != parse_facet(text + "x")

    @pytest.mark.parametrize(
        "text",
        [
            None,
            "",
            f"{GOOD}//",
            f"{GOOD}/x",
            "ios:bundle-id:",
            "ios:bundle-id:a b",
            IOS + "\n",
            IOS + "x" * 2048,
            "ios:x:y",
        ],
    )
    def test_refused(self, text):
        """Paths, empty and long identities, and unknown kinds of app are no facets."""
        with pytest.raises(MalformedMessage):
            parse_facet(text)

    def test_configured(self):
        """One's own facets may be given parsed; what is none is a fault of the configuration."""
        assert configured_facet(Origin.parse(GOOD)) == configured_facet(GOOD)
        assert configured_facet(AppIdentity(IOS)) == configured_facet(IOS)
        with pytest.raises(ValueError, match="not a facet") as wrong:
            configured_facet("example.com")
        assert not isinstance(wrong.value, MalformedMessage)


class TestAppID:
    @pytest.mark.requirement("U14", "U15")
    @pytest.mark.standard("FIDO AppID 3.1.2", "ram_mfa.u2f.AppID.parse")
    @pytest.mark.parametrize(
        ("text", "facet"),
        [
            (GOOD, GOOD),
            (f"{GOOD}/", GOOD),
            (APP_ID, GOOD),
            (f"{GOOD}:8443/app-id.json?v=1&a=@", f"{GOOD}:8443"),
            (f"{GOOD}?x=..", GOOD),
            (f"{GOOD}/a%20b/..c/.d", GOOD),
            (ANDROID, ANDROID),
        ],
    )
    def test_parse(self, text, facet):
        """An https URL or an app's identity; its parameter is the hash of its exact text."""
        app_id = AppID.parse(text)
        assert str(app_id) == text
        assert app_id.facet == parse_facet(facet)
        assert application_parameter(app_id) == application_parameter(text) == hashlib.sha256(text.encode()).digest()

    @pytest.mark.requirement("U15")
    @pytest.mark.parametrize(
        "text",
        [
            None,
            "",
            "http://login.example.com",
            "http://localhost",
            "HTTPS://login.example.com",
            "https:/login.example.com",
            "https://",
            "https:///x",
            f"{GOOD}:443/x",
            f"{GOOD}/#x",
            f"{GOOD}#x",
            f"{GOOD}/a/../b",
            f"{GOOD}/./b",
            f"{GOOD}/..",
            f"{GOOD}\\x",
            f"{GOOD}/a b",
            f"{GOOD}/\u00e9",
            f"{GOOD}/a\n",
            f"{GOOD}/<",
            "https://user@login.example.com/x",
            "https://login.example.com@evil.test/",
            "https://Login.example.com/",
            "https://login.example.com./",
            GOOD + "/" + "x" * 2048,
            "ios:bundle-id:",
        ],
    )
    def test_refused(self, text):
        """Whatever clients could read in two ways, or is not https, is no AppID."""
        with pytest.raises(MalformedMessage):
            AppID.parse(text)

    @pytest.mark.requirement("U15", "V27")
    def test_hostile(self):
        """No AppID at a hostile origin is that of the good one, in its facet or in its parameter."""
        good, taken = AppID.parse(APP_ID), 0
        for origin in all_hostile_origins():
            for text in (origin, f"{origin}/u2f/app-id.json"):
                try:
                    app_id = AppID.parse(text)
                except MalformedMessage:
                    continue
                taken += 1
                path_only = origin.startswith((f"{GOOD}/", f"{GOOD}?", f"{GOOD};"))
                assert app_id.facet != good.facet or path_only
                assert application_parameter(app_id) != application_parameter(good)
        assert taken

    def test_parameter(self):
        """The parameter is over the text as it is, http included; an empty AppID is a fault of the caller."""
        assert application_parameter("http://example.com").hex() == (
            "f0e6a6a97042a4f1f1c87f5f7d44315b2d852c2df5c7991cc66241bf7072d1c4"
        )
        with pytest.raises(ValueError, match="not empty"):
            application_parameter("")


class TestBuild:
    @pytest.mark.requirement("U15")
    @pytest.mark.standard("FIDO AppID 3.1.1", "ram_mfa.u2f.trusted_facets_document")
    def test_document(self):
        """The document has U2F's version and each facet once; its media type and redirect header are at hand."""
        facets = (GOOD, f"{GOOD}/", "https://www.example.com:8443", IOS)
        built = json.loads(document(APP_ID, facets=facets, private_label=PRIVATE_LABEL))
        ids = [GOOD, "https://www.example.com:8443", IOS]
        assert built == {"trustedFacets": [{"version": {"major": 1, "minor": 0}, "ids": ids}]}
        assert CONTENT_TYPE == "application/fido.trusted-apps+json"
        assert REDIRECT_HEADER == ("FIDO-AppID-Redirect-Authorized", "true")

    def test_round_trip(self):
        """What is built is read back by a client's rules, whole."""
        app_id, facets = AppID.parse(APP_ID), (parse_facet(GOOD), parse_facet(IOS), parse_facet("https://example.com"))
        built = document(app_id, facets=facets, private_label=PRIVATE_LABEL)
        assert read_trusted_facets(built, app_id=app_id, private_label=PRIVATE_LABEL) == facets
        assert read_trusted_facets(built.encode(), app_id=app_id, private_label=PRIVATE_LABEL) == facets

    @pytest.mark.requirement("U15")
    @pytest.mark.parametrize(
        ("app_id", "facet", "label"),
        [
            ("http://login.example.com", GOOD, PRIVATE_LABEL),
            (IOS, GOOD, PRIVATE_LABEL),
            (APP_ID, "http://login.example.com", PRIVATE_LABEL),
            (APP_ID, "http://localhost", PRIVATE_LABEL),
            (APP_ID, "https://example.org", PRIVATE_LABEL),
            (APP_ID, "https://evilexample.com", PRIVATE_LABEL),
            (APP_ID, "https://example.com.evil.test", PRIVATE_LABEL),
            (APP_ID, "example.com", PRIVATE_LABEL),
            ("https://example.org", "https://www.example.com", PRIVATE_LABEL),
            (APP_ID, GOOD, "com"),
            (APP_ID, GOOD, ""),
            (APP_ID, GOOD, ".com"),
            (APP_ID, GOOD, "Example.com"),
            (APP_ID, GOOD, "example.com."),
            ("https://192.0.2.1/", "https://192.0.2.1", "192.0.2.1"),
        ],
    )
    def test_refused(self, app_id, facet, label):
        """What clients would leave out is refused when the document is built, as a fault of the configuration."""
        with pytest.raises(ValueError, match=r".") as wrong:
            document(app_id, facets=[facet], private_label=label)
        assert not isinstance(wrong.value, MalformedMessage)


def published(*ids, version=(1, 0)):
    return {"version": {"major": version[0], "minor": version[1]}, "ids": list(ids)}


def read(*entries, text=None, label=PRIVATE_LABEL):
    return read_trusted_facets(
        text if text is not None else json.dumps({"trustedFacets": list(entries)}),
        app_id=AppID.parse(APP_ID),
        private_label=label,
    )


class TestRead:
    @pytest.mark.requirement("U15")
    @pytest.mark.standard("FIDO AppID 3.1.2", "ram_mfa.u2f.read_trusted_facets")
    def test_cleaned(self):
        """User info, path, query and fragment go; what is not https, not below the label or no id is left out."""
        ids = (
            "https://user:pw@www.example.com/path?query#fragment",
            "HTTPS://WWW.Example.COM:443/",
            "https://www.example.com:8443",
            "http://www.example.com",
            "https://example.org",
            "https://notexample.com",
            "https://example.com@evil.test/",
            "https://example.com\\@evil.test/",
            "https://evil.test\\.example.com/",
            "ftp://www.example.com",
            "www.example.com",
            "https://",
            "",
            None,
            7,
            ["https://www.example.com"],
            IOS,
            "ios:bundle-id:",
        )
        expected = ("https://www.example.com", "https://www.example.com:8443", IOS)
        assert tuple(map(str, read(published(*ids)))) == expected

    def test_versions(self):
        """Of several versions U2F's counts, and an entry that is none is passed over."""
        assert read(published(IOS, version=(1, 1)), 5, {"version": 1}, published(GOOD)) == (parse_facet(GOOD),)
        assert read(published()) == ()

    @pytest.mark.requirement("U15", "V27")
    def test_hostile(self):
        """Of the hostile origins only those that stand below the label by https are read, as they came."""
        for text in all_hostile_origins():
            for facet in read(published(text)):
                if isinstance(facet, Origin):
                    assert facet.secure
                    assert facet.host == PRIVATE_LABEL or facet.host.endswith(f".{PRIVATE_LABEL}")

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "[]",
            "{}",
            '{"trustedFacets": {}}',
            '{"trustedFacets": []}',
            '{"trustedFacets": [], "trustedFacets": []}',
            json.dumps({"trustedFacets": [published(GOOD, version=(2, 0))]}),
            json.dumps({"trustedFacets": [published(GOOD), published(GOOD)]}),
            json.dumps({"trustedFacets": [{"version": {"major": 1, "minor": 0}, "ids": GOOD}]}),
            json.dumps({"trustedFacets": [{"version": {"major": 1, "minor": 0}}]}),
            " " * 70_000,
            b"\xff",
            None,
        ],
    )
    def test_malformed(self, text):
        """What is no document of trusted facets is refused."""
        with pytest.raises(MalformedMessage):
            read_trusted_facets(text, app_id=AppID.parse(APP_ID), private_label=PRIVATE_LABEL)

    @pytest.mark.parametrize("label", ["example.org", "www.example.com", "com"])
    def test_label(self, label):
        """A label that is not the AppID's is a fault of the caller, and so is an AppID that is an app."""
        with pytest.raises(ValueError, match="label"):
            read(published(GOOD), label=label)
        with pytest.raises(ValueError, match="label"):
            read_trusted_facets("{}", app_id=AppID.parse(IOS), private_label=PRIVATE_LABEL)
