# SPDX-License-Identifier: Apache-2.0
"""`python -m ram_mfa totp`, `uri` and `qr`: what they read, and what they never print."""

from __future__ import annotations

import io
import json
import stat
import sys

import pytest

from ram_mfa import __main__ as command

KEY = "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"
BASE32 = KEY.replace(" ", "")
URI = f"otpauth://totp/Example%20Cloud:alice?secret={BASE32}&issuer=Example%20Cloud&algorithm=SHA1&digits=8&period=30"


@pytest.fixture
def ask(monkeypatch, capsys):
    """Run the command with a standard input; return its exit code, output and errors."""

    def run(*words, stdin=""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        code = command.main(words)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


class TestTOTP:
    @pytest.mark.parametrize("text", [KEY, BASE32.lower(), f"{KEY}\n"])
    def test_setup_key(self, ask, text):
        """The code of RFC 6238 appendix B at 59 s; how long it holds is told apart from the result."""
        assert ask("totp", "--at", "59", "--digits", "8", stdin=text) == (
            0,
            "94287082\n",
            "valid for 1 more seconds (step 1)\n",
        )

    def test_key_uri_in_a_file(self, ask, tmp_path):
        """A key URI brings its own parameters."""
        (tmp_path / "uri").write_text(URI)
        code, out, _ = ask("totp", "--at", "59", "--json", str(tmp_path / "uri"))
        assert (code, json.loads(out)) == (0, {"code": "94287082", "step": 1, "seconds_left": 1})

    def test_now(self, ask):
        """Without a time the code is the present one: six digits."""
        code, out, _ = ask("totp", stdin=KEY)
        assert code == 0
        assert len(out.strip()) == 6
        assert out.strip().isdigit()

    @pytest.mark.parametrize(
        ("words", "stdin", "said"),
        [
            ((), "GEZDGNB1", "setup key: secret"),
            ((), "", "setup key: secret"),
            (("--digits", "9"), KEY, "digits is 6 to 8"),
            (("--period", "0"), KEY, "the period is 1"),
            (("--at", "-1"), KEY, "--at is"),
            (("--at", "nan"), KEY, "--at is"),
            ((), URI.replace("digits=8", "digits=5"), "key URI: digits"),
            ((), URI.replace("//totp", "//hotp") + "&counter=0", "counter-based"),
            (("missing-" + BASE32,), "", "the input file cannot be read"),
        ],
    )
    def test_refused(self, ask, words, stdin, said):
        """What cannot be used ends with 2 and a line that holds nothing of the secret."""
        code, out, err = ask("totp", *words, stdin=stdin)
        assert (code, out) == (2, "")
        assert said in err
        assert "GEZD" not in err

    def test_not_text(self, monkeypatch, capsys):
        """Bytes that are no text are refused."""
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe")))
        assert command.main(["totp"]) == 2
        assert "not text" in capsys.readouterr().err

    def test_too_long(self, ask):
        """Reading ends at a bound."""
        assert ask("totp", stdin="A" * 300_000)[0] == 2


class TestURI:
    def test_made(self, ask):
        """A setup key and names make a URI, and its weaknesses stand beside it."""
        code, out, err = ask("uri", "--issuer", "Example Cloud", "--account", "alice", "--digits", "8", stdin=KEY)
        assert (code, out) == (0, f"{URI}\n")
        assert "6 digits anyway" in err

    def test_an_account_is_needed(self, ask):
        assert ask("uri", stdin=KEY)[0] == 2

    def test_described(self, ask):
        """A URI is described without its secret."""
        code, out, _ = ask("uri", stdin=URI)
        assert code == 0
        assert "issuer     Example Cloud" in out
        assert "secret     hidden (20 bytes)" in out
        assert "GEZD" not in out

    def test_described_with_its_secret(self, ask):
        """It is shown on request."""
        code, out, _ = ask("uri", "--show-secrets", "--json", stdin=URI)
        plain = json.loads(out)
        assert (code, plain["secret"], plain["digits"]) == (0, b"12345678901234567890".hex(), 8)
        assert len(plain["notes"]) == 1


class TestQR:
    def test_terminal(self, ask):
        pytest.importorskip("segno")
        code, out, err = ask("qr", stdin=URI)
        assert (code, err) == (0, "")
        assert "\u2588" in out

    @pytest.mark.parametrize(("suffix", "start"), [("svg", b"<svg"), ("png", b"\x89PNG")])
    def test_file(self, ask, tmp_path, suffix, start):
        """A file is new, and its owner's alone."""
        pytest.importorskip("segno")
        file = tmp_path / f"code.{suffix}"
        words = ("qr", "--output", str(file), "--account", "alice")
        assert ask(*words, stdin=KEY) == (0, "", "")
        assert file.read_bytes().startswith(start)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert ask(*words, stdin=KEY)[0] == 2

    @pytest.mark.parametrize(
        ("words", "stdin"),
        [
            (("--output", "code.gif"), URI),
            ((), KEY),
            ((), f"otpauth://totp/{'a' * 2_400}?secret={BASE32}"),
        ],
    )
    def test_refused(self, ask, words, stdin):
        pytest.importorskip("segno")
        code, out, err = ask("qr", *words, stdin=stdin)
        assert (code, out) == (2, "")
        assert BASE32 not in err

    def test_without_segno(self, ask, monkeypatch):
        """Where the package is missing, the message names it."""
        monkeypatch.setitem(sys.modules, "segno", None)
        monkeypatch.delitem(sys.modules, "ram_mfa.qr", raising=False)
        monkeypatch.delattr("ram_mfa.qr", raising=False)
        code, _, err = ask("qr", stdin=URI)
        assert code == 2
        assert "ram_mfa[qr]" in err
