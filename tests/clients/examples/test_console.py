# SPDX-License-Identifier: Apache-2.0
"""The demo in a terminal, with the virtual phone and with somebody at the keyboard."""

from __future__ import annotations

import re
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ram_mfa.testing import AuthenticatorApp
from tests.support import require_module, require_program
from tests.support.terminal import terminal

DEMO = str(Path(__file__).parents[3] / "examples" / "console" / "demo.py")
CTRL_C, CTRL_D = 3, 4


@pytest.fixture(autouse=True)
def segno():
    require_module("segno", "segno")


def typed_app(setup_key):
    """A virtual phone with the setup key typed in."""
    phone = AuthenticatorApp.typed("alice@example", setup_key)
    return lambda step: phone.code_at(30 * step)


def oathtool(setup_key):
    """The program of that name, fed with the setup key as it was printed."""
    program = require_program("oathtool", "oathtool")
    command = [program, "--totp", "--base32", setup_key.replace(" ", "")]

    def code(step):
        return subprocess.run([*command, "-N", f"@{30 * step}"], capture_output=True, text=True, check=True).stdout[:6]

    return code


class Person:
    """Types the codes before, of and after this moment, one after the other; the policy takes all three."""

    def __init__(self, shown, app):
        self.shown, self.step = shown, 0
        [key] = re.findall(r"Setup key: ([A-Z2-7]{4}(?: [A-Z2-7]{4}){7})\n", shown.until("Code: "))
        self.code_of = app(key)

    def answer(self, expected):
        """Type codes, until the demo says what is expected; a code whose time has just passed is refused."""
        for _ in range(10):
            self.step = max(self.step + 1, int(time.time() // 30) - 1)
            time.sleep(max(30 * (self.step - 1) - time.time(), 0))
            self.shown.type(self.code_of(self.step))
            if expected in self.shown.until("\n     [") + self.shown.until("]"):
                return self.code_of(self.step)
            self.shown.until("Code: ")
        pytest.fail(f"ten codes were refused, and the demo does not say {expected!r}")


def demo(path, *arguments, columns=100):
    return terminal(sys.executable, DEMO, *arguments, cwd=path, columns=columns)


class TestAuto:
    def test_ends_well(self, tmp_path):
        """With no keyboard the virtual phone binds, logs on, is refused the same code, and steps up."""
        done = subprocess.run(
            [sys.executable, DEMO, "--auto"], cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (0, "")
        places = [
            done.stdout.find(words)
            for words in (
                "Setup key: ",
                "[device bound, by owner at logon]",
                "Logged on: alice.",
                "Refused (code used before)",
                "Proved by alice, for server.delete i-0815",
            )
        ]
        assert places == sorted(places)
        assert places[0] > 0
        assert list(tmp_path.iterdir()) == []


class TestKeyboard:
    @pytest.mark.requirement("O7", "O22")
    @pytest.mark.parametrize("app", [oathtool, typed_app])
    def test_the_whole_story(self, tmp_path, app):
        """Somebody types the setup key into an app, and its codes into the demo: wrong, right, used, right."""
        with demo(tmp_path) as shown:
            person = Person(shown, app)
            assert "\u2580" in shown.shown  # the QR code
            shown.type("no code")
            shown.until("Refused (wrong code): try again.")
            shown.until("Code: ")
            used = person.answer("device bound")
            shown.until("Code: ")
            shown.type(used)
            shown.until("Refused (code used before)")
            shown.until("Code: ")
            code = person.answer("logon proved")
            shown.until("Logged on: alice.")
            shown.until(f"saw the code {code}.")
            shown.until("Refused (code used before)")
            shown.until("Code: ")
            person.answer("step-up proved")
            shown.until("Proved by alice")
            assert shown.end() == 0
        folder = tmp_path / "demo-data"
        assert stat.S_IMODE((folder / "seal.key").stat().st_mode) == 0o600
        assert len((folder / "seal.key").read_bytes()) == 32
        assert b"alice" not in (folder / "mfa.db").read_bytes()

    def test_begun_again(self, tmp_path):
        """The device is still bound at the next run; an administrator's reset takes it away."""
        with demo(tmp_path) as shown:
            Person(shown, typed_app).answer("device bound")
            shown.until("Code: ")
            shown.press(CTRL_C)
            assert shown.end() == 130
        with demo(tmp_path) as shown:
            assert "Setup key" not in shown.until("Code: ")
            shown.press(CTRL_D)
            assert shown.end() == 130
        with demo(tmp_path, "--reset") as shown:
            assert "Setup key" in shown.until("Code: ")
            shown.press(CTRL_C)
            assert shown.end() == 130

    def test_stopped_at_the_bind(self, tmp_path):
        """Ctrl-C at the first prompt ends the demo without a trace of its insides."""
        with demo(tmp_path) as shown:
            shown.until("Code: ")
            shown.press(CTRL_C)
            assert shown.end() == 130
            assert "Stopped." in shown.shown
            assert "Traceback" not in shown.shown

    def test_wrong_codes(self, tmp_path):
        """Ten wrong confirmations take the offer away and another is shown; at logon the fifth one closes the gate."""
        with demo(tmp_path) as shown:
            shown.until("Setup key: ")
            for _ in range(10):
                shown.until("Code: ")
                shown.type("wrong")
            shown.until("Code: ")
            shown.type("wrong")
            shown.until("start over")
            Person(shown, typed_app).answer("device bound")
            for _ in range(5):
                shown.until("Code: ")
                shown.type("wrong")
            shown.until("Refused (wrong code): try again, in 30 seconds.")
            shown.press(CTRL_C)
            assert shown.end() == 130

    def test_narrow_terminal(self, tmp_path):
        """A picture that would be broken into lines is not shown; the key is."""
        with demo(tmp_path, columns=50) as shown:
            shown.until("fewer than")
            shown.until("Setup key: ")
            assert "\u2580" not in shown.shown
            shown.press(CTRL_C)
            shown.end()

    def test_a_key_that_others_can_read(self, tmp_path):
        """A key file with loose permissions, or of another length, is refused."""
        folder = tmp_path / "demo-data"
        folder.mkdir()
        for mode, content, why in (0o644, bytes(32), "can be read by others"), (0o600, b"short", "holds no key"):
            (folder / "seal.key").write_bytes(content)
            (folder / "seal.key").chmod(mode)
            done = subprocess.run([sys.executable, DEMO], cwd=tmp_path, capture_output=True, text=True)
            assert (done.returncode, why in done.stdout, done.stderr) == (1, True, "")
