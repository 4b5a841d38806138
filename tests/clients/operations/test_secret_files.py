# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
import os

import pytest

from ram_mfa.key_ring import MAX_FILE
from ram_mfa.operations.secret_files import Usage, make_seal, read_ring, read_secret

KEY = bytes(range(200, 232))


@pytest.fixture
def file(tmp_path):
    def made(data, mode=0o600):
        path = tmp_path / "secret file"
        path.touch(mode)
        path.chmod(mode)
        path.write_bytes(data)
        return str(path)

    return made


class TestSecretIn:
    @pytest.mark.requirement("O20")
    @pytest.mark.parametrize("mode", [0o604, 0o602, 0o644, 0o666])
    def test_refuses_what_others_may_read_or_write(self, file, mode):
        with pytest.raises(Usage, match="others may read or write"):
            read_secret(file(KEY, mode), "what")

    @pytest.mark.parametrize("mode", [0o600, 0o400, 0o640, 0o440])
    def test_reads_what_is_the_owners_and_the_groups(self, file, mode):
        path = file(KEY)
        os.chmod(path, mode)  # noqa: PTH101 (the fixture gives text)
        assert read_secret(path, "what") == KEY

    def test_refuses_what_is_no_file_without_naming_it(self, tmp_path, file):
        """The name may be the secret itself, by mistake."""
        for path in (tmp_path / "s3cret", "s3cret\x00", tmp_path):
            with pytest.raises(Usage) as refused:
                read_secret(str(path), "what")
            assert "s3cret" not in str(refused.value)
            assert refused.value.__cause__ is None
        with pytest.raises(Usage, match="more than"):
            read_secret(file(bytes(MAX_FILE + 1)), "what")

    def test_reads_a_pipe(self):
        """What the shell's ``<(...)`` hands over."""
        there, here = os.pipe()
        os.write(here, KEY)
        os.close(here)
        assert read_secret(f"/dev/fd/{there}", "what") == KEY
        os.close(there)


class TestRing:
    @pytest.mark.parametrize(
        "text",
        [
            KEY,
            KEY.hex().encode(),
            KEY.hex().upper().encode() + b"\n",
            base64.b64encode(KEY) + b"\r\n",
            base64.urlsafe_b64encode(KEY),
            base64.b64encode(KEY).rstrip(b"="),
        ],
    )
    def test_a_key_is_raw_or_text(self, file, text):
        assert read_ring([f"2026={file(text)}"]) == {"2026": KEY}

    @pytest.mark.parametrize("text", [b"", KEY[:-1], KEY + b"\n", KEY.hex().encode()[2:], b"password", b"=" * 44])
    def test_anything_else_is_none(self, file, text):
        with pytest.raises(Usage, match="seal key 1: the file holds no key"):
            read_ring([f"2026={file(text)}"])

    @pytest.mark.parametrize("text", ["", "=file", "2026="])
    def test_the_form(self, text):
        with pytest.raises(Usage, match="ID=FILE"):
            read_ring([text])

    @pytest.mark.requirement("A36")
    def test_a_file_with_a_ring(self, file):
        """A file named alone holds a ring, in the format of `AESGCMSeal.from_file`."""
        path = file(f"# new\n2026 = {KEY.hex()}\n2025 = {bytes(32).hex()}\n".encode())
        assert read_ring([path]) == {"2026": KEY, "2025": bytes(32)}
        with pytest.raises(Usage, match="seal key 2: its id was given before"):
            read_ring([path, path])
        with pytest.raises(Usage, match="seal key 1: entry 1 is not ID = KEY"):
            read_ring([file(b"s3cret")])
        with pytest.raises(Usage, match="seal key 1: No such file"):
            read_ring(["2026"])

    def test_an_id_is_given_once(self, file):
        with pytest.raises(Usage, match="seal key 2: its id was given before"):
            read_ring([f"2026={file(KEY)}"] * 2)

    def test_the_first_seals(self, file):
        ring = read_ring([f"2026={file(KEY)}", f"2025={file(KEY)}"])
        assert repr(make_seal(ring)).endswith("seals with 2026>")
        assert str(KEY) not in repr(ring)

    def test_an_id_that_cannot_be_one_is_not_repeated(self, file):
        with pytest.raises(Usage) as refused:
            make_seal(read_ring([f"{'s3cret' * 9}={file(KEY)}"]))
        assert "s3cret" not in str(refused.value)
