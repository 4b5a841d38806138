# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest

from ram_mfa.encoding.base64url import decode, encode
from ram_mfa.errors import Check, MalformedMessage, VerificationError
from ram_mfa.webauthn.metadata import AuthenticatorStatus, read_metadata
from ram_mfa.webauthn.metadata import blob as module
from tests.support.metadata import (
    MODEL,
    base64_of,
    blob,
    entry,
    payload,
    report,
    service_root,
    sign,
    signer_certificate,
)
from tests.support.webauthn import AT_2030, root

pytestmark = pytest.mark.standard("FIDO Metadata Service 3.1.1 3.2", "ram_mfa.webauthn.metadata.read_metadata")
DAY = 86_400
KEY_IDENTIFIER = "0123456789abcdef0123456789abcdef01234567"


def read(text, *, at=AT_2030, roots=None, last_number=None):
    return read_metadata(text, roots=[service_root()] if roots is None else roots, at=at, last_number=last_number)


def refusal(text, **arguments):
    """Return the check that refused, or the malformed field."""
    try:
        read(text, **arguments)
    except VerificationError as error:
        return error.check
    except MalformedMessage as error:
        return error.field
    return None


class TestReading:
    @pytest.mark.parametrize("algorithm", [-7, -257])
    def test_says_what_stands_in_it(self, algorithm):
        """A BLOB signed with ES256 or RS256 gives its number, its next update and its models."""
        got = read(blob(entry(report("REVOKED", "2029-05-06")), algorithm=algorithm))
        assert (got.number, got.next_update, got.problems) == (7, "2030-02-01", ())
        (model,) = got.models
        assert (model.identifiers, model.description) == ({MODEL}, "Example Key 1")
        assert [certificate.der for certificate in model.roots.certificates] == [root()]
        (said,) = model.reports
        assert (said.status, said.name) == (AuthenticatorStatus.REVOKED, "REVOKED")
        assert (said.effective, said.certificate) == ("2029-05-06", None)
        assert got.named(MODEL) == (model,)
        assert got.named(KEY_IDENTIFIER) == ()

    def test_takes_bytes_and_a_last_line_break(self):
        assert read(blob().encode() + b"\n").number == 7

    def test_finds_u2f_keys_by_key_identifier(self):
        """A U2F model has no AAGUID: it is named by the identifiers of its attestation keys."""
        got = read(blob(entry(aaguid=None, attestationCertificateKeyIdentifiers=[KEY_IDENTIFIER])))
        assert [model.identifiers for model in got.named(KEY_IDENTIFIER)] == [{KEY_IDENTIFIER}]

    def test_passes_over_models_of_uaf(self):
        assert read(blob(entry(aaguid=None, aaid="4e4e#4005"), entry())).models == read(blob()).models

    def test_keeps_an_entry_that_stands_twice(self):
        """Where a BLOB repeats an identifier, both models are found, and none hides the other."""
        got = read(blob(entry(), entry(report("REVOKED"))))
        assert [model.reports[0].name for model in got.named(MODEL)] == ["FIDO_CERTIFIED_L1", "REVOKED"]

    def test_keeps_a_status_that_it_does_not_know(self):
        (said,) = read(blob(entry(report("EATEN_BY_A_DOG", None)))).models[0].reports
        assert (said.status, said.name, said.effective) == (None, "EATEN_BY_A_DOG", None)

    def test_leaves_out_a_root_that_cannot_be_read(self):
        """The model then trusts less, and the problem is reported."""
        got = read(blob(entry(roots=["AAAA", base64_of(root())])))
        assert [one.der for one in got.models[0].roots.certificates] == [root()]
        assert len(got.problems) == 1
        assert MODEL in got.problems[0]

    def test_shows_no_control_characters_of_descriptions(self):
        assert read(blob(entry(description="Key\x1b[31m\n1"))).models[0].description == "Key[31m1"

    def test_an_entry_without_a_statement_has_no_roots(self):
        (model,) = read(blob(entry(metadataStatement=None))).models
        assert (model.description, model.roots.certificates) == ("", ())

    def test_a_report_may_be_about_one_certificate(self):
        (said,) = read(blob(entry(report(certificate=base64_of(root()))))).models[0].reports
        assert said.certificate == root()


class TestRefusing:
    def test_another_chain(self):
        """A signer under another root, and a root of the same name with another key, are refused."""
        assert refusal(blob(), roots=[service_root("elsewhere")]) is Check.TRUST_PATH
        assert refusal(blob(), roots=[]) is Check.TRUST_PATH
        assert refusal(blob(path=[signer_certificate(issuer="elsewhere")])) is Check.TRUST_PATH

    @pytest.mark.parametrize("at", [AT_2030 - 30 * DAY, AT_2030 + 20 * DAY])
    def test_a_signer_outside_of_its_dates(self, at):
        assert refusal(blob(), at=at) is Check.CERTIFICATE

    def test_every_altered_part(self):
        """A BLOB of which one character of any part differs is refused, before its payload is parsed."""
        text = blob()
        head, body, signature = text.split(".")
        other = encode(payload(entry(report("FIDO_CERTIFIED_L3"))))
        assert refusal(f"{head}.{other}.{signature}") is Check.SIGNATURE
        assert refusal(f"{head}.{body}.{encode(bytes(64))}") is Check.SIGNATURE
        longer = encode(json.dumps(json.loads(decode(head, message="", field="")) | {"kid": "1"}).encode())
        assert refusal(f"{longer}.{body}.{signature}") is Check.SIGNATURE
        assert refusal(blob(body=b"not JSON", signature=bytes(64))) is Check.SIGNATURE
        assert refusal(blob(signature=bytes(63))) is Check.SIGNATURE

    def test_another_algorithm(self):
        """No algorithm but RS256 and ES256 is taken, and only with a key of its kind."""
        for algorithm in ("none", "HS256", "PS256", None, 1, ...):
            assert refusal(blob(header={"alg": algorithm})) is Check.ALGORITHM
        assert refusal(blob(header={"alg": "RS256"})) is Check.ALGORITHM
        assert refusal(blob(algorithm=-257, header={"alg": "ES256"})) is Check.ALGORITHM
        assert refusal(blob(path=[signer_certificate(-35)])) is Check.ALGORITHM

    def test_a_rollback(self):
        """A BLOB with a lower number than one seen before is refused; the same number may be read again."""
        assert refusal(blob(no=7), last_number=8) is Check.METADATA
        assert refusal(blob(no=7), last_number=7) is None
        assert refusal(blob(no=9), last_number=8) is None

    def test_a_withheld_update(self):
        """A BLOB counts to the end of the day of its next update (UTC), and no longer."""
        text = blob(nextUpdate="2030-01-02")
        assert refusal(text, at=AT_2030 + 2 * DAY - 1) is None
        assert refusal(text, at=AT_2030 + 2 * DAY) is Check.METADATA

    @pytest.mark.parametrize(
        ("text", "field"),
        [
            ("", "BLOB"),
            ("a.b", "BLOB"),
            ("a.b.c.d", "BLOB"),
            ("é.b.c".encode(), "BLOB"),
            (None, "BLOB"),
            ("!.b.c", "header"),
            (f"{encode(b'[]')}.b.c", "message"),
            (blob(header={"crit": ["b64"]}), "crit"),
            (blob(header={"x5c": ...}), "x5c"),
            (blob(header={"x5c": []}), "x5c"),
            (blob(header={"x5c": ["AAAA"] * 9}), "x5c"),
            (blob(header={"x5c": [1]}), "x5c"),
            (blob(header={"x5c": ["!"]}), "x5c"),
            (blob(header={"x5c": ["AAAA"]}), "certificate"),
            (blob(body=b"{}"), "no"),
            (blob(body=b'{"no": 1, "no": 2}'), "message"),
            (blob(no=True), "no"),
            (blob(no=-1), "no"),
            (blob(no="7"), "no"),
            (blob(nextUpdate=...), "nextUpdate"),
            (blob(nextUpdate="tomorrow.."), "nextUpdate"),
            (blob(nextUpdate="20300201"), "nextUpdate"),
            (blob(nextUpdate="2030-02-30"), "nextUpdate"),
            (blob(nextUpdate="2030-13-01"), "nextUpdate"),
            (blob(nextUpdate="0000-01-01"), "nextUpdate"),
            (blob(entries=...), "entries"),
            (blob(entries={}), "entries"),
            (blob(entries=["x"]), "entries"),
            (blob(entry(aaguid=MODEL.upper())), "entries"),
            (blob(entry(aaguid=7)), "entries"),
            (blob(entry(attestationCertificateKeyIdentifiers=["00"])), "entries"),
            (blob(entry(attestationCertificateKeyIdentifiers="00")), "attestationCertificateKeyIdentifiers"),
            (blob(entry(metadataStatement=[])), "metadataStatement"),
            (blob(entry(description=1)), "description"),
            (blob(entry(roots="AAAA")), "attestationRootCertificates"),
            (blob(entry(statusReports={})), "statusReports"),
            (blob(entry(statusReports=["REVOKED"])), "statusReports"),
            (blob(entry(report(status=None))), "status"),
            (blob(entry(report(effective="soon"))), "effectiveDate"),
            (blob(entry(report(certificate="!"))), "certificate"),
        ],
    )
    def test_what_is_no_blob(self, text, field):
        """Each member that is not the standard's is named."""
        assert refusal(text) == field

    def test_one_that_is_too_large(self, monkeypatch):
        """The size is looked at before anything else."""
        monkeypatch.setattr(module, "MAX_SIZE", 100)
        assert refusal("a" * 101) == "BLOB"
        with pytest.raises(MalformedMessage) as error:
            read("a" * 100)
        assert "longer" not in str(error.value)

    def test_too_many_entries(self, monkeypatch):
        monkeypatch.setattr(module, "MAX_ENTRIES", 1)
        assert refusal(blob(entry(), entry())) == "entries"

    def test_a_signature_of_another_text(self):
        """The signature is over the text as received, not over what it decodes to."""
        head, body, _ = blob().split(".")
        assert refusal(f"{head}.{body}.{encode(sign(f'{head}.{body} '.encode()))}") is Check.SIGNATURE
