# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import copy
import pickle
import subprocess
from urllib.parse import parse_qsl, unquote, urlsplit

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ram_mfa._secret import SecretBytes, SecretText
from ram_mfa.otp import TOTP, Algorithm, KeyURI, KeyURIWarning, hotp
from ram_mfa.otp.base32 import MAX_SECRET
from ram_mfa.otp.key_uri import MAX_NAME
from ram_mfa.otp.totp import MAX_PERIOD
from tests.support import require_program

SECRET = b"12345678901234567890"
BASE32 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
PLAIN = KeyURI("totp", "Example Cloud", "alice@example", SECRET)

names = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters=":"), min_size=1, max_size=30
).filter(lambda name: name == name.strip())
keys = st.binary(min_size=1, max_size=140)
key_uris = st.builds(
    KeyURI,
    kind=st.just("totp"),
    issuer=st.none() | names,
    account=names,
    secret=keys,
    algorithm=st.sampled_from(Algorithm),
    digits=st.sampled_from([6, 7, 8]),
    period=st.none() | st.integers(1, MAX_PERIOD),
) | st.builds(
    KeyURI,
    kind=st.just("hotp"),
    issuer=st.none() | names,
    account=names,
    secret=keys,
    algorithm=st.sampled_from(Algorithm),
    digits=st.sampled_from([6, 7, 8]),
    counter=st.integers(0, 2**64 - 1),
)


class TestKeyURI:
    def test_defaults(self):
        """What is left out is what the format says: SHA-1, six digits, 30 seconds."""
        assert KeyURI("totp", "Example Cloud", "alice@example", SECRET, Algorithm.SHA1, 6, 30, None) == PLAIN
        assert (PLAIN.period, PLAIN.counter) == (30, None)

    def test_hotp_has_a_counter_and_no_period(self):
        """The moving factor of a kind is there and the other's is None."""
        key = KeyURI("hotp", None, "alice", SECRET, counter=0)
        assert (key.period, key.counter) == (None, 0)

    @pytest.mark.parametrize(
        "changes",
        [
            {"kind": "steam"},
            {"kind": "TOTP"},
            {"issuer": ""},
            {"issuer": "a:b"},
            {"issuer": " a"},
            {"issuer": "a\u00a0"},
            {"issuer": "a\nb"},
            {"issuer": "a\u2028b"},
            {"issuer": "a\ud800b"},
            {"issuer": "a" * (MAX_NAME + 1)},
            {"account": ""},
            {"account": "a:b"},
            {"account": "a "},
            {"account": "\u3000a"},
            {"account": "a\0b"},
            {"account": "a\x7fb"},
            {"account": "a\x85b"},
            {"account": "a" * (MAX_NAME + 1)},
            {"secret": b""},
            {"secret": bytes(MAX_SECRET + 1)},
            {"digits": 5},
            {"digits": 9},
            {"period": 0},
            {"period": MAX_PERIOD + 1},
            {"counter": 0},
            {"kind": "hotp", "period": None, "counter": None},
            {"kind": "hotp", "period": None, "counter": -1},
            {"kind": "hotp", "period": None, "counter": 2**64},
            {"kind": "hotp", "counter": 0, "period": 30},
        ],
    )
    def test_out_of_bounds(self, changes):
        """A value that no URI could carry cannot be built."""
        named = "type" if list(changes) == ["kind"] else list(changes)[-1]
        with pytest.raises(ValueError, match=named):
            attrs.evolve(PLAIN, **changes)

    @pytest.mark.parametrize(
        "changes",
        [
            {"issuer": 1},
            {"account": None},
            {"account": b"alice"},
            {"secret": BASE32},
            {"secret": 20},
            {"algorithm": "SHA1"},
            {"digits": "6"},
            {"period": "30"},
            {"period": 30.0},
        ],
    )
    def test_wrong_types(self, changes):
        """What has the wrong type is refused when it is built."""
        with pytest.raises(TypeError):
            attrs.evolve(PLAIN, **changes)

    def test_names_of_all_scripts(self):
        """Joiners, combining characters and what this Python's tables do not know are names' own."""
        for name in ("\U0001f469\u200d\U0001f4bb", "\u0646\u0627\u0645\u0647\u200c\u0627\u06cc", "e\u0301", "\u0378"):
            assert KeyURI.parse(str(attrs.evolve(PLAIN, issuer=name))).issuer == name

    @pytest.mark.requirement("O20")
    def test_secret_is_not_printed(self):
        """No repr shows the secret or the URI, no pickle holds it, and only str gives it."""
        for text in (repr(PLAIN), repr([PLAIN]), repr(PLAIN.secret), repr(str(PLAIN))):
            assert "1234567890" not in text
            assert BASE32[:8] not in text
        for value in (PLAIN, str(PLAIN)):
            with pytest.raises(TypeError, match="not pickled"):
                pickle.dumps(value)
        assert isinstance(PLAIN.secret, SecretBytes)
        assert isinstance(str(PLAIN), SecretText)

    def test_frozen(self):
        """It is a value: it does not change, a copy is equal, and equal ones are one in a set."""
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            PLAIN.digits = 8
        assert {PLAIN, copy.deepcopy(PLAIN)} == {PLAIN}
        assert attrs.evolve(PLAIN, digits=8) != PLAIN


class TestStr:
    @pytest.mark.standard("Key URI Examples", "ram_mfa.otp.KeyURI")
    def test_as_the_format_has_it(self):
        """The issuer in label and parameter, spaces as %20, no padding, every parameter said."""
        assert str(PLAIN) == (
            f"otpauth://totp/Example%20Cloud:alice%40example?secret={BASE32}"
            "&issuer=Example%20Cloud&algorithm=SHA1&digits=6&period=30"
        )
        assert str(KeyURI("hotp", None, "alice", b"foo", Algorithm.SHA512, 8, counter=7)) == (
            "otpauth://hotp/alice?secret=MZXW6&algorithm=SHA512&digits=8&counter=7"
        )

    @given(key=key_uris)
    def test_the_standard_library_agrees(self, key):
        """The URI is ASCII, and urllib reads each part as it was, without form encoding."""
        text = str(key)
        assert text.isascii()
        assert "+" not in text
        parts = urlsplit(text)
        assert (parts.scheme, parts.netloc, parts.fragment) == ("otpauth", key.kind, "")
        prefix, _, account = parts.path[1:].rpartition(":")
        assert (unquote(prefix, errors="strict"), unquote(account, errors="strict")) == (key.issuer or "", key.account)
        query = dict(parse_qsl(parts.query, strict_parsing=True, errors="strict"))
        assert query.pop("issuer", None) == key.issuer
        assert "=" not in query.pop("secret")
        moving = {"period": str(key.period)} if key.kind == "totp" else {"counter": str(key.counter)}
        assert query == {"algorithm": key.algorithm.value, "digits": str(key.digits), **moving}


class TestRoundTrip:
    @pytest.mark.standard("Key URI Parameters", "ram_mfa.otp.KeyURI.parse")
    @given(key=key_uris)
    @example(key=KeyURI("totp", "%41+&=?#/ \U0001f511", "%3A+&=?#/ \u05d0", SECRET))
    @example(key=KeyURI("hotp", None, "otpauth://totp/a?b".replace(":", ""), b"\0", counter=2**64 - 1))
    def test_exact(self, key):
        """Every value that can be built is read back from its URI as an equal one."""
        assert KeyURI.parse(str(key)) == key

    def test_of_the_longest(self):
        """The longest names and secret that can be built are read back too."""
        longest = "\U0001f511" * MAX_NAME
        key = KeyURI("hotp", longest, longest, bytes(MAX_SECRET), Algorithm.SHA512, 8, counter=2**64 - 1)
        assert KeyURI.parse(str(key)) == key

    @pytest.mark.parametrize("digits", [6, 7, 8])
    @pytest.mark.parametrize("algorithm", Algorithm)
    def test_a_real_program_makes_the_same_codes(self, algorithm, digits):
        """What a URI carries, given to oathtool as text, makes the codes of TOTP and HOTP."""
        oathtool = require_program("oathtool", "oathtool")
        secret = SECRET * 4
        uri = str(KeyURI("totp", "Example", "alice", secret, algorithm, digits, 60))
        query = dict(parse_qsl(urlsplit(uri).query))
        told = subprocess.run(
            [
                *(oathtool, f"--totp={query['algorithm'].lower()}", "-d", query["digits"]),
                *("-s", f"{query['period']}s", "-N", "@1111111109", "-b", query["secret"]),
            ],
            capture_output=True,
            check=True,
            text=True,
        )
        assert told.stdout.strip() == TOTP(secret, algorithm, digits, 60).at(1111111109)
        told = subprocess.run(
            [oathtool, "-c", "9", "-d", query["digits"], "-b", query["secret"]],
            capture_output=True,
            check=True,
            text=True,
        )
        assert told.stdout.strip() == hotp(secret, 9, digits=digits)


class TestWarnings:
    def test_none(self):
        """What every app understands has no warnings."""
        assert PLAIN.warnings() == ()

    @pytest.mark.standard("Key URI Parameters", "ram_mfa.otp.KeyURI.warnings")
    @pytest.mark.parametrize(
        ("changes", "warnings"),
        [
            ({"issuer": None}, ["NO_ISSUER"]),
            ({"algorithm": Algorithm.SHA256}, ["ALGORITHM_IGNORED", "SHORT_SECRET"]),
            ({"algorithm": Algorithm.SHA512, "secret": bytes(64)}, ["ALGORITHM_IGNORED"]),
            ({"digits": 8}, ["DIGITS_IGNORED"]),
            ({"digits": 7}, ["DIGITS_IGNORED", "SEVEN_DIGITS"]),
            ({"period": 60}, ["PERIOD_IGNORED"]),
            ({"kind": "hotp", "period": None, "counter": 0}, ["COUNTER_BASED"]),
            ({"secret": bytes(15)}, ["WEAK_SECRET"]),
            ({"secret": bytes(16)}, ["SHORT_SECRET"]),
            ({"secret": bytes(64)}, []),
            ({"secret": bytes(65)}, ["LONG_SECRET"]),
            ({"algorithm": Algorithm.SHA512, "secret": bytes(128)}, ["ALGORITHM_IGNORED"]),
            ({"algorithm": Algorithm.SHA512, "secret": bytes(129)}, ["ALGORITHM_IGNORED", "LONG_SECRET"]),
            ({"issuer": "a" * 64, "account": "b" * 64}, []),
            ({"issuer": "a" * 65}, ["LONG_NAME"]),
            ({"account": "b" * 65}, ["LONG_NAME"]),
            (
                {"issuer": None, "algorithm": Algorithm.SHA256, "digits": 7, "period": 15, "secret": b"k"},
                ["NO_ISSUER", "ALGORITHM_IGNORED", "DIGITS_IGNORED", "SEVEN_DIGITS", "PERIOD_IGNORED", "WEAK_SECRET"],
            ),
        ],
    )
    def test_what_apps_mishandle(self, changes, warnings):
        """Each thing that common apps ignore or mishandle is said, in the order of the enum."""
        assert attrs.evolve(PLAIN, **changes).warnings() == tuple(KeyURIWarning[name] for name in warnings)

    @given(key=key_uris)
    def test_of_any(self, key):
        """Every value has its warnings, each once."""
        found = key.warnings()
        assert sorted(found, key=list(KeyURIWarning).index) == list(dict.fromkeys(found))
