# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ram_mfa.errors import MalformedMessage
from ram_mfa.otp import TOTP, Algorithm, KeyURI, setup_key
from ram_mfa.testing import AuthenticatorApp

SECRET = bytes(range(20))
URI = "otpauth://totp/Example:alice?secret=AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT&issuer=Example"


class TestScan:
    def test_codes(self):
        """A phone that scanned a URI shows the codes of its secret."""
        app = AuthenticatorApp.scan(URI)
        assert app.code_at(1_700_000_000) == TOTP(SECRET).at(1_700_000_000)
        assert (app.issuer, app.account) == ("Example", "alice")

    def test_parsed(self):
        """A parsed URI will do as well as its text."""
        parsed, text = AuthenticatorApp.scan(KeyURI.parse(URI)), AuthenticatorApp.scan(URI)
        assert (parsed.account, parsed.issuer, parsed.codes_at(0)) == (text.account, text.issuer, text.codes_at(0))

    def test_parameters(self):
        """Algorithm, digits and period are the URI's."""
        app = AuthenticatorApp.scan(URI + "&algorithm=SHA512&digits=8&period=60")
        totp = TOTP(SECRET, algorithm=Algorithm.SHA512, digits=8, period=60)
        assert app.codes_at(600, 3) == [totp.at(600), totp.at(660), totp.at(720)]

    def test_counter_based(self):
        """A counter-based entry is not kept."""
        with pytest.raises(ValueError, match="time-based"):
            AuthenticatorApp.scan(URI.replace("totp", "hotp") + "&counter=0")

    def test_no_key_uri(self):
        """What is no key URI is refused as the parser refuses it."""
        with pytest.raises(MalformedMessage):
            AuthenticatorApp.scan("https://example.com")


class TestTyped:
    def test_groups_and_letter_case(self):
        """A setup key may be typed in groups, in small letters, with hyphens and with padding."""
        grouped = setup_key(SECRET)
        expected = TOTP(SECRET).at(90)
        for form in (grouped, grouped.lower(), grouped.replace(" ", "-"), grouped.replace(" ", "")):
            assert AuthenticatorApp.typed("alice", form).code_at(90) == expected

    def test_padding(self):
        """A key whose length is no multiple of five bytes is typed with its padding or without."""
        secret = bytes(range(16))
        typed = setup_key(secret).replace(" ", "")
        assert AuthenticatorApp.typed("a", typed).code_at(0) == AuthenticatorApp.typed("a", typed + "======").code_at(0)

    def test_not_base32(self):
        """A key that is no base32 is a ValueError."""
        with pytest.raises(ValueError):
            AuthenticatorApp.typed("alice", "0189")


class TestDrift:
    @pytest.mark.parametrize("drift", [-90, -30, 0, 30, 3_600])
    def test_drift(self, drift):
        """A phone whose clock is ahead shows the codes of the future, and behind those of the past."""
        app = AuthenticatorApp.scan(URI, drift=drift)
        assert app.code_at(1_700_000_000) == TOTP(SECRET).at(1_700_000_000 + drift)

    def test_drifts_on(self):
        """The phone's clock may drift on after the entry was made."""
        app = AuthenticatorApp.scan(URI)
        app.drift += 30
        assert app.codes_at(0) == [TOTP(SECRET).at(30), TOTP(SECRET).at(60)]


class TestSecrecy:
    def test_repr(self):
        """No repr shows the secret."""
        assert repr(AuthenticatorApp.scan(URI)) == "AuthenticatorApp(account='alice', issuer='Example', drift=0.0)"
