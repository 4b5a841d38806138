# SPDX-License-Identifier: Apache-2.0
"""`python -m ram_mfa key new` and `policy check`."""

from __future__ import annotations

import json
import stat
import warnings

import pytest

from ram_mfa import AESGCMSeal, MFAPolicy, TOTPPolicy, policy_to_plain
from ram_mfa.__main__ import main
from ram_mfa.policy import PolicyRule


def written(folder, policy):
    file = folder / "policy.json"
    file.write_text(json.dumps(policy_to_plain(policy)), encoding="utf-8")
    return str(file)


class TestNewKey:
    @pytest.mark.requirement("O20")
    def test_makes_a_ring(self, tmp_path, capsys):
        """The file is its owner's alone, works as a ring for the application and the commands, and is never printed."""
        file = tmp_path / "new.key"
        assert main(["key", "new", str(file), "--id", "2026"]) == 0
        out, err = capsys.readouterr()
        assert (out, err) == ("made: the key 2026\n", "")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        record = AESGCMSeal.from_file(file).for_record("r")
        assert record.unseal(record.seal(b"record")) == b"record"
        url = str(tmp_path / "mfa.db")
        assert main(["store", "create", "--store", url, "--seal-key", str(file), "--quiet"]) == 0
        assert main(["store", "open", "--store", url, "--seal-key", str(file), "--quiet"]) == 0
        assert "sealed under 2026: 1\n" in capsys.readouterr().out

    def test_replaces_nothing(self, tmp_path, capsys):
        """A file that exists stays as it is; a folder that does not, and an id that no ring takes, are refused."""
        file = tmp_path / "new.key"
        assert main(["key", "new", str(file)]) == 0
        before = file.read_bytes()
        assert main(["key", "new", str(file)]) == 1
        assert file.read_bytes() == before
        assert main(["key", "new", str(tmp_path / "no" / "new.key")]) == 2
        assert main(["key", "new", str(tmp_path / "other.key"), "--id", "a=b"]) == 2
        assert not (tmp_path / "other.key").exists()
        assert before.split()[-1].decode() not in "".join(capsys.readouterr())


class TestPolicyCheck:
    def test_explains_every_decision(self, tmp_path, capsys):
        """Each question has an answer with its rule and reason."""
        assert main(["policy", "check", written(tmp_path, MFAPolicy.ram(issuer="Example"))]) == 0
        out = capsys.readouterr().out
        reason = "an administrator requires MFA of this user"
        rule = PolicyRule.REQUIRED_PER_USER.value
        assert f"of whom an administrator requires it: yes ({rule}: {reason})\n" in out
        assert f"a machine may be remembered: no ({PolicyRule.NOT_REMEMBERED.value}: " in out
        assert f"a security key may be bound: no ({PolicyRule.RELYING_PARTY.value}: " in out
        assert "wrong codes in 24 hours: 20\n" in out
        assert "meets a code: 6.0e-05\n" in out
        assert "warning" not in out

    def test_warns_of_what_apps_ignore(self, tmp_path, capsys):
        """Eight digits, which popular apps ignore, are warned of, with exit code 1."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file = written(tmp_path, MFAPolicy.ram(issuer="Example", totp=TOTPPolicy(digits=8)))
        assert main(["policy", "check", file]) == 1
        assert capsys.readouterr().out.count("warning: popular authenticator apps ignore digits") == 1

    @pytest.mark.parametrize(
        "text", ["", "[]", '{"issuer": ""}', '{"issuer": "x", "outbox": "many"}', '{"isuer": "x"}']
    )
    def test_refuses_what_is_no_policy(self, text, tmp_path, capsys):
        """What is no policy, or none that can be built, is refused in one line, with exit code 2."""
        file = tmp_path / "policy.json"
        file.write_text(text, encoding="utf-8")
        assert main(["policy", "check", str(file)]) == 2
        assert main(["policy", "check", str(tmp_path / "none.json")]) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 2)
