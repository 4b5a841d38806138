# SPDX-License-Identifier: Apache-2.0
"""`python -m ram_mfa selftest`, in this process and as one whose imports are counted."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from ram_mfa import __main__ as command
from ram_mfa.errors import Check, VerificationError
from ram_mfa.operations import selftest
from ram_mfa.operations.selftest import fido, rfc, vectors

COUNTS = [
    ("RFC 4226", 10),
    ("RFC 6238", 18),
    ("RFC 4648", 7),
    ("RFC 4648", 7),
    ("FIDO U2F Raw Message Formats 1.2 (2017-04-11)", 5),
    ("FIDO U2F Raw Message Formats 1.2 (2017-04-11)", 5),
    ("Web Authentication Level 3", 15),
    ("Web Authentication Level 3", 15),
]


class TestSelftest:
    def test_text(self, capsys):
        """Each standard has a line with its counts, and the last line sums them up."""
        assert command.main(["selftest"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == "ok      10 of  10  RFC 4226, appendix D"
        assert [line for line in lines if line.startswith("FAILED")] == []
        assert lines[-1].startswith("82 of 82 vectors passed on Python ")

    def test_json(self, capsys):
        """JSON holds the same with the source of each standard, and the versions that it was run with."""
        assert command.main(["selftest", "--json"]) == 0
        plain = json.loads(capsys.readouterr().out)
        assert plain["passed"] is True
        assert [(one["standard"], one["passed"]) for one in plain["standards"]] == COUNTS
        assert all(one["total"] == one["passed"] and not one["failures"] for one in plain["standards"])
        assert all(one["url"].startswith("https://") and one["section"] for one in plain["standards"])
        assert plain["packages"].keys() == {"ram_mfa", "cryptography", "cbor2", "attrs"}

    def test_wrong_codes(self, capsys, monkeypatch):
        """A package whose codes are wrong fails the vectors that it gets wrong, and exits with 1."""
        monkeypatch.setattr(rfc, "hotp", lambda secret, counter: "755224")
        assert command.main(["selftest"]) == 1
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == "FAILED   1 of  10  RFC 4226, appendix D"
        assert lines[1].strip() == "counter 1: Disagreement: not the printed value"
        assert lines[-1].startswith("73 of 82 vectors passed")

    def test_wrong_signatures(self, capsys, monkeypatch):
        """A package that refuses a genuine signature fails that vector, with the error in its line."""

        def refuse(*_, **__):
            raise VerificationError(Check.SIGNATURE, "refused")

        monkeypatch.setattr(fido, "verify_registration", refuse)
        assert command.main(["selftest", "--json"]) == 1
        plain = json.loads(capsys.readouterr().out)
        assert [one["failures"] for one in plain["standards"] if one["failures"]] == [
            [{"vector": "signature", "problem": "VerificationError: signature: refused"}]
        ]

    @pytest.mark.parametrize("name", ["rfc", "fido_u2f", "w3c_level3"])
    def test_every_file_names_its_source(self, name):
        """Each file says where its values are printed."""
        assert "https://" in json.dumps(vectors.load(name))

    def test_core_dependencies_alone(self):
        """With every other package hidden, the command passes: nothing of an extra is imported."""
        program = (
            "import sys\n"
            "for name in ('segno', 'jinja2', 'sqlalchemy', 'psycopg', 'redis', 'django', 'flask', 'starlette'):\n"
            "    sys.modules[name] = None\n"
            "from ram_mfa.__main__ import main\n"
            "sys.exit(main(['selftest']))\n"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300)
        assert (done.returncode, done.stderr) == (0, "")

    def test_an_altered_vector(self):
        """A vector with one byte changed does not pass: the vectors are really compared."""
        document = vectors.load("fido_u2f")
        response = bytearray.fromhex(document["authentication"]["response"])
        response[4] ^= 1
        document["authentication"]["response"] = response.hex()
        [_, suite] = fido.suites(document)
        failed = {failure.vector for vector in suite.vectors for failure in selftest._try(vector)}
        assert failed == {"signed data", "signature"}
