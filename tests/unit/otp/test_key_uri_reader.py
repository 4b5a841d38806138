# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa._secret import SecretText
from ram_mfa.errors import MalformedMessage
from ram_mfa.otp import Algorithm, KeyURI
from ram_mfa.otp.key_uri_reader import MAX_URI
from tests.support import vectors
from tests.support.frame_locals import locals_of_the_package

SECRET = b"12345678901234567890"
S = "secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

# The vectors on which honest readers differ, and what is chosen here: read, or the field that is refused.
CHOICES = {
    "otpauth-003": "read",  # %3A separates
    "otpauth-004": "read",  # bits behind the last byte
    "otpauth-012": "algorithm",  # twice
    "otpauth-013": "read",  # short secrets
    "otpauth-014": "read",
    "otpauth-015": "algorithm",
    "otpauth-016": "read",
    "otpauth-017": "algorithm",
    "otpauth-018": "read",
    "otpauth-019": "algorithm",
    "otpauth-020": "read",
    "otpauth-021": "algorithm",
    "otpauth-022": "algorithm",
    "otpauth-023": "read",
    "otpauth-024": "encoder",
    "otpauth-025": "encoder",
    "otpauth-027": "issuer",  # a colon in it
    "otpauth-028": "read",
    "otpauth-029": "read",
    "otpauth-036": "read",  # sha256
    "otpauth-041": "read",  # an unknown parameter without a value
    "otpauth-042": "read",  # SHA-1
    "otpauth-043": "read",
    "otpauth-044": "read",
    "otpauth-049": "read",  # seven digits
    "otpauth-116": "secret",  # hyphens
    "otpauth-117": "secret",  # plus signs
    "otpauth-122": "label",  # nothing before the colon
    "otpauth-124": "account",  # none
    "otpauth-126": "account",  # a colon in it
    "otpauth-127": "issuer",
    "otpauth-139": "digits",  # a leading zero
    "otpauth-156": "read",  # the other kind's counter
    "otpauth-159": "read",
    "otpauth-164": "secret",  # twice
    "otpauth-167": "read",  # TOTP in upper case
    "otpauth-182": "issuer",  # a control character
    "otpauth-186": "issuer",  # label and parameter differ
    "otpauth-189": "URI",  # a line feed behind it
}


def refused(uri) -> str:
    """The field for which a URI is refused."""
    with pytest.raises(MalformedMessage) as caught:
        KeyURI.parse(uri)
    assert caught.value.message == "key URI"
    return caught.value.field


class TestVectors:
    @pytest.mark.standard("Key URI Parameters", "ram_mfa.otp.KeyURI.parse")
    def test_valid_ones(self):
        """Every valid vector is read as judged, and read again from what is written of it."""
        seen = [self._as_judged(vector) for vector in vectors("otpauth") if vector["outcome"] == "valid"]
        assert seen

    def test_invalid_ones(self):
        """Every invalid vector is refused with a typed error."""
        seen = [refused(vector["uri"]) for vector in vectors("otpauth") if vector["outcome"] == "invalid"]
        assert seen

    def test_where_readers_differ(self):
        """Where honest readers differ, the choice is what it was, and what is read is read as judged."""
        chosen = {}
        for vector in vectors("otpauth"):
            if vector["outcome"] == "policy":
                try:
                    self._as_judged(vector)
                    chosen[vector["id"]] = "read"
                except MalformedMessage as error:
                    chosen[vector["id"]] = error.field
        assert {name: choice for name, choice in chosen.items() if CHOICES.get(name, choice) != choice} == {}
        assert chosen

    def _as_judged(self, vector) -> KeyURI:
        key, judged = KeyURI.parse(vector["uri"]), vector["expected"]
        assert key.kind == judged["type"], vector["id"]
        assert key.issuer == judged["issuer"], vector["id"]
        assert key.account == judged["account"], vector["id"]
        assert key.secret.hex() == judged["secret_hex"], vector["id"]
        assert key.algorithm.value == judged["algorithm"], vector["id"]
        assert key.digits == judged["digits"], vector["id"]
        assert (key.period, key.counter) == (judged.get("period"), judged.get("counter")), vector["id"]
        assert KeyURI.parse(str(key)) == key, vector["id"]
        return key


class TestParse:
    @pytest.mark.parametrize(
        "uri",
        [
            f"otpauth://totp/Example:alice?{S}&issuer=Example",
            f"otpauth://totp/Example%3Aalice?{S}&issuer=Example",
            f"otpauth://totp/Example%3aalice?{S}",
            f"otpauth://totp/Example:%20%20alice?{S}",
            f"otpauth://totp/Example: alice?{S}",
            f"otpauth://totp/alice?{S}&issuer=Example",
            f"otpauth://totp/Example:alice?{S}&issuer=",
            f"otpauth://totp/Example:alice?{S}#fragment?secret=other",
            f"otpauth://totp/Example:alice?&&{S}&",
            f"OTPAUTH://TOTP/Example:alice?{S}",
            f"otpauth://totp/Ex%61mple:alice?{S}&issuer=Ex%61mple",
            "otpauth://totp/Example:alice?s%65cret=GEZDGNBVGY3TQOJQ%47EZDGNBVGY3TQOJQ",
            f"otpauth://totp/Example:alice?{S.lower()}",
            f"otpauth://totp/Example:alice?{S}&algorithm=sha-1&digits=6&period=30",
            f"otpauth://totp/Example:alice?{S}&counter=nonsense&image=a%20b&image&SECRET=other&x=%F0%9F%94%91",
            SecretText(f"otpauth://totp/Example:alice?{S}"),
        ],
    )
    def test_one_key(self, uri):
        """Spellings of one key, each by a rule of the format, of RFC 3986, or by a choice that the module states."""
        assert KeyURI.parse(uri) == KeyURI("totp", "Example", "alice", SECRET)

    def test_hotp_leaves_a_period_out(self):
        """The other kind's parameter is as one that is not known."""
        key = KeyURI.parse(f"otpauth://hotp/alice?{S}&counter=7&period=x")
        assert key == KeyURI("hotp", None, "alice", SECRET, counter=7)

    @pytest.mark.parametrize("secret", ["MZXW6YQ=", "MZXW6YQ%3D", "MZXW6YQ", "mzxw6yq"])
    def test_padding(self, secret):
        """The full padding is read, encoded or not, and so is none."""
        assert KeyURI.parse(f"otpauth://totp/alice?secret={secret}").secret == b"foob"

    @pytest.mark.parametrize(
        ("name", "algorithm"),
        [
            (name, each)
            for each in Algorithm
            for name in (each.value, each.value.lower(), each.value[:3] + "-" + each.value[3:])
        ],
    )
    def test_algorithms(self, name, algorithm):
        """Each algorithm, in either case and with a hyphen."""
        assert KeyURI.parse(f"otpauth://totp/alice?{S}&algorithm={name}").algorithm is algorithm

    @pytest.mark.parametrize(
        ("field", "uri"),
        [
            ("URI", None),
            ("URI", f"otpauth://totp/alice?{S}".encode()),
            ("URI", f"otpauth://totp/alice?{S}&x={'x' * MAX_URI}"),
            ("URI", f"otpauth://totp/alice?{S}\n"),
            ("URI", f"otpauth://totp/al\tice?{S}"),
            ("URI", f"otpauth://totp/alice\ud800?{S}"),
            ("URI", f"otpauth://totp/alice?{S}&x=\u2028"),
            ("scheme", ""),
            ("scheme", f" otpauth://totp/alice?{S}"),
            ("scheme", f"otpauth:totp/alice?{S}"),
            ("scheme", f"https://totp/alice?{S}"),
            ("scheme", "otpauth-migration://offline?data=CjEKCkhlbGxvId6tvu8SGEV4YW1wbGU6YWxpY2U"),
            ("type", "otpauth://"),
            ("type", f"otpauth://steam/alice?{S}"),
            ("type", f"otpauth://totp:443/alice?{S}"),
            ("type", f"otpauth://a@totp/alice?{S}"),
            ("type", f"otpauth:///totp/alice?{S}"),
            ("account", f"otpauth://totp?{S}"),
            ("account", f"otpauth://totp/?{S}"),
            ("account", f"otpauth://totp/Example:?{S}"),
            ("account", f"otpauth://totp/Example:%20?{S}"),
            ("account", f"otpauth://totp/%20alice?{S}"),
            ("account", f"otpauth://totp/alice%20?{S}"),
            ("account", f"otpauth://totp/Example:a:b?{S}"),
            ("account", f"otpauth://totp/a%00b?{S}"),
            ("account", f"otpauth://totp/a%C2%85b?{S}"),
            ("label", f"otpauth://totp/:alice?{S}"),
            ("label", f"otpauth://totp/alice%?{S}"),
            ("label", f"otpauth://totp/alice%4?{S}"),
            ("label", f"otpauth://totp/alice%4g?{S}"),
            ("label", f"otpauth://totp/alice%+4?{S}"),
            ("label", f"otpauth://totp/alice%\uff14\uff11?{S}"),
            ("label", f"otpauth://totp/alice%FF?{S}"),
            ("label", f"otpauth://totp/alice%ED%A0%80?{S}"),
            ("label", f"otpauth://totp/alice%C0%AF?{S}"),
            ("issuer", f"otpauth://totp/Example%20:alice?{S}"),
            ("issuer", f"otpauth://totp/Example:alice?{S}&issuer=example"),
            ("issuer", f"otpauth://totp/Example:alice?{S}&issuer=Other"),
            ("issuer", f"otpauth://totp/alice?{S}&issuer=a:b"),
            ("issuer", f"otpauth://totp/alice?{S}&issuer=%0A"),
            ("issuer", f"otpauth://totp/alice?{S}&issuer=%ZZ"),
            ("issuer", f"otpauth://totp/alice?{S}&issuer={'a' * 4097}"),
            ("issuer", f"otpauth://totp/alice?{S}&issuer=a&issuer=a"),
            ("parameter", f"otpauth://totp/alice?{S}&image=%ZZ"),
            ("parameter", f"otpauth://totp/alice?{S}&%FF=x"),
            ("encoder", f"otpauth://totp/alice?{S}&encoder=steam"),
            ("secret", "otpauth://totp/alice"),
            ("secret", "otpauth://totp/alice?"),
            ("secret", "otpauth://totp/alice?secret"),
            ("secret", "otpauth://totp/alice?secret="),
            ("secret", f"otpauth://totp/alice#?{S}"),
            ("secret", f"otpauth://totp/alice?{S}&{S}"),
            ("secret", f"otpauth://totp/alice?{S}&s%65cret=GEZDGNBV"),
            ("secret", f"otpauth://totp/alice?{S}%20"),
            ("secret", f"otpauth://totp/alice?{S}%00"),
            ("secret", "otpauth://totp/alice?secret=GEZDGNB1"),
            ("secret", "otpauth://totp/alice?secret=GEZD-GNBV"),
            ("secret", "otpauth://totp/alice?secret=GEZD+GNBV"),
            ("secret", "otpauth://totp/alice?secret=MZXW6YQ=="),
            ("secret", "otpauth://totp/alice?secret=MZXW6==="[:-1]),
            ("secret", "otpauth://totp/alice?secret=GEZDGNB\u0131"),
            ("algorithm", f"otpauth://totp/alice?{S}&algorithm="),
            ("algorithm", f"otpauth://totp/alice?{S}&algorithm=MD5"),
            ("algorithm", f"otpauth://totp/alice?{S}&algorithm=SHA3-256"),
            ("algorithm", f"otpauth://totp/alice?{S}&algorithm=\u017fha1"),
            ("digits", f"otpauth://totp/alice?{S}&digits=6&digits=6"),
            *(
                ("digits", f"otpauth://totp/alice?{S}&digits={digits}")
                for digits in (
                    "",
                    "0",
                    "5",
                    "9",
                    "10",
                    "06",
                    "+6",
                    "6.0",
                    "%206",
                    "six",
                    "\uff16",
                    "\u0666",
                    "6_",
                    "\u00b2",
                )
            ),
            *(
                ("period", f"otpauth://totp/alice?{S}&period={period}")
                for period in ("", "0", "-1", "030", "1e2", "30s", "\u0663\u0660", "2147483648", "9" * 5000)
            ),
            ("counter", f"otpauth://hotp/alice?{S}"),
            *(
                ("counter", f"otpauth://hotp/alice?{S}&counter={counter}")
                for counter in ("", "-1", "00", "1.5", "0x1", "18446744073709551616", "9" * 5000)
            ),
        ],
    )
    def test_refused(self, field, uri):
        """Whatever is wrong, the error names the part that is."""
        assert refused(uri) == field

    @pytest.mark.parametrize("period", [1, 15, 30, 60, 86_400, 2**31 - 1])
    def test_any_period(self, period):
        """The primitive takes any period up to the hard limit; what a device may have is the policy's to say."""
        assert KeyURI.parse(f"otpauth://totp/alice?{S}&period={period}").period == period

    @given(
        uri=st.text()
        | st.text().map(lambda rest: "otpauth://totp/" + rest)
        | st.lists(
            st.sampled_from(
                [
                    *(
                        "otpauth://",
                        "totp",
                        "hotp",
                        "/",
                        "?",
                        "&",
                        "=",
                        ":",
                        "%3A",
                        "%",
                        "%20",
                        "#",
                        "+",
                        " ",
                        "\0",
                        "\u00e9",
                    ),
                    *("secret", S, "issuer=", "a", "algorithm=SHA256", "digits=8", "period=60", "counter=1", "encoder"),
                ]
            ),
            max_size=20,
        ).map(lambda parts: "otpauth://totp/a?" + S + "".join(parts))
    )
    def test_any_text(self, uri):
        """Any text is read, and then survives a round trip, or is refused with the typed error."""
        try:
            key = KeyURI.parse(uri)
        except MalformedMessage:
            return
        assert KeyURI.parse(str(key)) == key

    @pytest.mark.requirement("O20")
    @pytest.mark.parametrize(
        "tail",
        ["&digits=9", "&period=0", "&issuer=a:b", "&issuer=%ZZ", "&algorithm=MD5", "0", "%00", "&secret=A", "\n", ""],
    )
    def test_no_secret_in_an_error(self, tail):
        """A refused URI leaves its secret in no error, and in no local variable of the library's frames."""
        label = "alice" if tail else ""
        with pytest.raises(MalformedMessage) as caught:
            KeyURI.parse(f"otpauth://totp/{label}?{S}{tail}")
        for text in (str(caught.value), repr(caught.value), locals_of_the_package(caught.value)):
            assert "GEZDGNBV" not in text
            assert "1234567890" not in text
