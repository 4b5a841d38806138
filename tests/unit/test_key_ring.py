# SPDX-License-Identifier: Apache-2.0
"""Keys in a file or an environment variable."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import traceback

import pytest

from ram_mfa import AESGCMSeal
from ram_mfa._secret import SecretBytes
from ram_mfa.key_ring import MAX_FILE, parse_ring

NEW, OLD = bytes(range(32)), bytes(range(200, 232))
RING = f"# a comment\n\n 2026 = {NEW.hex()}\n2025={base64.urlsafe_b64encode(OLD).decode()}\n"
LINE = f"2026={base64.b64encode(NEW).decode()},2025={OLD.hex().upper()}"


@pytest.fixture
def file(tmp_path):
    def made(text, mode=0o600):
        path = tmp_path / "keys"
        path.touch()
        path.chmod(mode)
        path.write_text(text)
        return path

    return made


@pytest.mark.requirement("A36")
class TestFormat:
    @pytest.mark.parametrize("text", [RING, LINE, RING.replace("\n", "\r\n"), RING + ",,\n"])
    def test_one_format(self, file, monkeypatch, text):
        """A file and a variable have one format: the first key seals, all of them open, in this order."""
        monkeypatch.setenv("EXAMPLE_KEYS", text)
        for seal in (AESGCMSeal.from_file(file(text)), AESGCMSeal.from_env("EXAMPLE_KEYS")):
            assert repr(seal) == "<AESGCMSeal keys 2025, 2026; seals with 2026>"
            expected = AESGCMSeal({"2026": NEW, "2025": OLD}, seal_with="2025").for_record("place").seal(b"record")
            assert seal.for_record("place").unseal(expected) == b"record"
        assert list(parse_ring(SecretBytes(text.encode()))) == ["2026", "2025"]

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("", "it holds no key"),
            ("# nothing\n", "it holds no key"),
            ("s3cret", "entry 1 is not ID = KEY"),
            (NEW.hex(), "entry 1 is not ID = KEY"),
            (f"={NEW.hex()}", "entry 1 is not ID = KEY"),
            (f"2026={NEW.hex()},s3cret={NEW.hex()[:-1]}", "entry 2 is not ID = KEY"),
            ("2026=s3cret", "entry 1 is not ID = KEY"),
            ("2026=s3crété", "entry 1 is not ID = KEY"),
            (f"schlüssel={NEW.hex()}", "entry 1 is not ID = KEY"),
            (f"2026={NEW.hex()}\n2026={OLD.hex()}", "entry 2 has the id of an earlier entry"),
            (f"{'s3cret' * 6}={NEW.hex()}", "a key id is 1 to 32 ASCII characters"),
        ],
    )
    def test_no_ring(self, file, monkeypatch, text, problem):
        """What is no ring is refused, and nothing of it stands in the error or in what tools print of its frames."""
        monkeypatch.setenv("EXAMPLE_KEYS", text)
        for read in (lambda: AESGCMSeal.from_file(file(text)), lambda: AESGCMSeal.from_env("EXAMPLE_KEYS")):
            with pytest.raises(ValueError, match=problem) as refused:
                read()
            told = "".join(
                traceback.TracebackException.from_exception(refused.value, capture_locals=True).format()
            ).split("in from_", 1)[1]
            assert "s3cr" not in str(refused.value)
            assert NEW.hex() not in told
            assert repr(NEW)[2:-1] not in told


@pytest.mark.requirement("A36")
class TestFiles:
    @pytest.mark.parametrize("mode", [0o604, 0o602, 0o644, 0o666])
    def test_open_to_others(self, file, mode):
        """A file that others may read or write is refused."""
        with pytest.raises(ValueError, match="key file: others may read or write"):
            AESGCMSeal.from_file(file(RING, mode))

    def test_no_file(self, tmp_path, file):
        """What is no file is refused, and not named: the name may be the secret itself."""
        for path in (tmp_path / "s3cret", "s3cret\x00", tmp_path):
            with pytest.raises(ValueError, match="key file: ") as refused:
                AESGCMSeal.from_file(path)
            assert "s3cret" not in str(refused.value)
        with pytest.raises(ValueError, match="more than"):
            AESGCMSeal.from_file(file("#" * (MAX_FILE + 1)))

    def test_no_variable(self, monkeypatch):
        """A variable that is not there is named."""
        monkeypatch.delenv("EXAMPLE_KEYS", raising=False)
        with pytest.raises(ValueError, match="no environment variable EXAMPLE_KEYS"):
            AESGCMSeal.from_env("EXAMPLE_KEYS")

    def test_created_once(self, tmp_path):
        """A file that is asked for is made with one random key, for its owner alone; the second time it is read."""
        path = tmp_path / "mfa.key"
        sealed = AESGCMSeal.from_file(path, create=True).for_record("place").seal(b"record")
        assert path.stat().st_mode & 0o777 == 0o600 & ~os.umask(os.umask(0))
        for seal in (AESGCMSeal.from_file(path, create=True), AESGCMSeal.from_file(path)):
            assert seal.for_record("place").unseal(sealed) == b"record"
        other = AESGCMSeal.from_file(tmp_path / "other.key", create=True)
        assert other.for_record("place").seal(b"record") != sealed

    def test_created_by_two_at_once(self, tmp_path, monkeypatch):
        """One that comes while another is writing the file has no part of it: both have the key of who came first."""
        path, really, seals = tmp_path / "mfa.key", os.urandom, []

        def meanwhile(size):
            monkeypatch.setattr(os, "urandom", really)
            seals.append(AESGCMSeal.from_file(path, create=True))
            return really(size)

        monkeypatch.setattr(os, "urandom", meanwhile)
        seals.append(AESGCMSeal.from_file(path, create=True))
        first, second = (seal.for_record("place") for seal in seals)
        assert second.unseal(first.seal(b"record")) == b"record"
        assert [one.name for one in tmp_path.iterdir()] == ["mfa.key"]

    def test_created_by_two_processes_at_once(self, tmp_path):
        """Two processes that start at the same instant have one key."""
        program = (
            "import sys; from ram_mfa import AESGCMSeal\n"
            "print(flush=True)\n"
            "for path in sys.stdin:\n"
            "    seal = AESGCMSeal.from_file(path.strip(), create=True)\n"
            "    print(seal.for_record('place').seal(b'record').hex(), flush=True)\n"
        )
        processes = [
            subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        try:
            assert [process.stdout.readline() for process in processes] == ["\n", "\n"]
            for number in range(20):
                path = tmp_path / f"{number}.key"
                for process in processes:
                    process.stdin.write(f"{path}\n")
                    process.stdin.flush()
                sealed = [bytes.fromhex(process.stdout.readline()) for process in processes]
                seal = AESGCMSeal.from_file(path).for_record("place")
                assert [seal.unseal(one) for one in sealed] == [b"record", b"record"]
        finally:
            for process in processes:
                process.communicate()
        assert [process.returncode for process in processes] == [0, 0]
