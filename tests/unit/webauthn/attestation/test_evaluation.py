# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import uuid
from unittest.mock import ANY

import pytest

from ram_mfa.errors import Check, VerificationError
from ram_mfa.u2f import AttestationCertificate
from ram_mfa.webauthn import AttestationLevel, AttestationPolicy, Verdict
from ram_mfa.webauthn.attestation import AttestationType, Statement, evaluate_attestation
from tests.support.webauthn import AAGUID, AT_2030, ROOT_NAME, certificate, key_pair, leaf, root

NOT_ASKED, UNVERIFIED, CHAINED = AttestationLevel
MODEL = str(uuid.UUID(bytes=AAGUID))
NONE = Statement("none", AttestationType.NONE)
SELF = Statement("packed", AttestationType.SELF)
ELSEWHERE = certificate(key_pair(name="elsewhere"), subject=ROOT_NAME, authority=True)
FAR = AT_2030 + 30 * 86_400

pytestmark = [
    pytest.mark.requirement("V32", "U5"),
    pytest.mark.standard(
        "WebAuthn Level 3 #reg-ceremony-assess-trust", "ram_mfa.webauthn.attestation.evaluate_attestation"
    ),
]


def certified(*path, fmt="packed"):
    return Statement(
        fmt, AttestationType.CERTIFIED, tuple(AttestationCertificate.parse(der) for der in path or (leaf(),))
    )


U2F = certified(fmt="fido-u2f")
KEY_ID = AttestationCertificate.parse(leaf()).key_identifier.hex()


def judge(statement, *, at=AT_2030, aaguid=AAGUID, **policy):
    return evaluate_attestation(statement, policy=AttestationPolicy(**policy), aaguid=aaguid, at=at)


def verdict(statement, **arguments):
    """Return the verdict's word, or the check that refused."""
    try:
        return judge(statement, **arguments).verdict
    except VerificationError as error:
        return error.check


class TestLevels:
    @pytest.mark.requirement("A2")
    @pytest.mark.parametrize("level", ["not asked", "chained", None, ANY])
    def test_a_level_that_is_none(self, level):
        """A level that no constructor took demands what the strictest does, whatever it equals."""
        policy = AttestationPolicy(level=UNVERIFIED)
        object.__setattr__(policy, "level", level)
        for statement, check in ((NONE, Check.ATTESTATION), (SELF, Check.ATTESTATION), (certified(), Check.TRUST_PATH)):
            with pytest.raises(VerificationError) as refused:
                evaluate_attestation(statement, policy=policy, aaguid=AAGUID, at=AT_2030)
            assert refused.value.check is check

    def test_the_table(self):
        """Level x roots x statement: nothing is trusted without our root; a demand without roots fails closed."""
        statements = {"none": NONE, "self": SELF, "certified": certified(), "u2f": U2F}
        ours, theirs = [root()], [ELSEWHERE]
        table = {
            (level.name, name): [verdict(one, level=level, roots=roots) for one in statements.values()]
            for level, name, roots in (
                (NOT_ASKED, "no roots", []),
                (UNVERIFIED, "no roots", []),
                (UNVERIFIED, "other roots", theirs),
                (UNVERIFIED, "our roots", ours),
                (CHAINED, "no roots", []),
                (CHAINED, "other roots", theirs),
                (CHAINED, "our roots", ours),
            )
        }
        unverified = [Verdict.NONE, Verdict.SELF, Verdict.UNVERIFIED, Verdict.UNVERIFIED]
        refused = [Check.ATTESTATION, Check.ATTESTATION, Check.TRUST_PATH, Check.TRUST_PATH]
        assert table == {
            ("NOT_ASKED", "no roots"): unverified,
            ("UNVERIFIED_ALLOWED", "no roots"): unverified,
            ("UNVERIFIED_ALLOWED", "other roots"): unverified,
            ("UNVERIFIED_ALLOWED", "our roots"): [Verdict.NONE, Verdict.SELF, Verdict.TRUSTED, Verdict.TRUSTED],
            ("CHAINED", "no roots"): refused,
            ("CHAINED", "other roots"): refused,
            ("CHAINED", "our roots"): [Check.ATTESTATION, Check.ATTESTATION, Verdict.TRUSTED, Verdict.TRUSTED],
        }

    @pytest.mark.parametrize("at", [0, AT_2030 - 30 * 86_400, FAR])
    def test_out_of_date(self, at):
        """A certificate is judged at the time given: not yet or no longer valid, it is not trusted."""
        assert verdict(U2F, level=CHAINED, roots=[root()], at=at) is Check.CERTIFICATE
        assert verdict(U2F, level=UNVERIFIED, roots=[root()], at=at) is Verdict.UNVERIFIED

    def test_the_time_is_an_argument(self):
        """There is no clock: roots without a time are our mistake, whatever came."""
        for statement in (NONE, SELF, U2F):
            with pytest.raises(ValueError, match="at"):
                judge(statement, level=UNVERIFIED, roots=[root()], at=None)
        assert judge(U2F, at=None).verdict is Verdict.UNVERIFIED
        assert verdict(U2F, level=CHAINED, at=None) is Check.TRUST_PATH

    def test_an_accepted_certificate(self):
        """The attestation certificate may itself be one of those given, and then no other of its issuer is."""
        assert verdict(U2F, level=CHAINED, roots=[leaf()]) is Verdict.TRUSTED
        sibling = certificate(key_pair(name="sibling"), issuer=ROOT_NAME, issuer_key=key_pair(name="root"))
        assert verdict(certified(sibling), level=CHAINED, roots=[leaf()]) is Check.TRUST_PATH

    def test_through_an_issuer_in_between(self):
        middle_name = {"C": "SE", "O": "Example Keys", "CN": "Middle"}
        middle = certificate(
            key_pair(name="middle"),
            subject=middle_name,
            issuer=ROOT_NAME,
            issuer_key=key_pair(name="root"),
            authority=True,
        )
        last = certificate(key_pair(name="last"), issuer=middle_name, issuer_key=key_pair(name="middle"))
        judged = judge(certified(last, middle), level=CHAINED, roots=[root()])
        assert judged.verdict is Verdict.TRUSTED
        assert judged.trust_path == (last, middle)
        assert verdict(certified(last), level=CHAINED, roots=[root()]) is Check.TRUST_PATH

    def test_a_self_made_authority(self):
        """A chain that brings its own root, under our root's name, is not trusted."""
        forged = certificate(key_pair(name="attestation"), issuer=ROOT_NAME, issuer_key=key_pair(name="elsewhere"))
        assert verdict(certified(forged, ELSEWHERE), level=CHAINED, roots=[root()]) is Check.TRUST_PATH
        assert verdict(certified(forged, ELSEWHERE), level=UNVERIFIED, roots=[root()]) is Verdict.UNVERIFIED


class TestModels:
    def test_an_aaguid_counts_only_on_a_trusted_path(self):
        assert judge(certified(), level=UNVERIFIED).models == (KEY_ID,)
        assert judge(certified(), level=UNVERIFIED, roots=[root()]).models == (KEY_ID, MODEL)
        assert judge(SELF).models == judge(NONE).models == ()

    def test_an_aaguid_never_counts_for_u2f(self):
        """Its signature does not cover it; the key that signed is what names a model."""
        assert judge(U2F, level=CHAINED, roots=[root()]).models == (KEY_ID,)

    @pytest.mark.parametrize(
        ("statement", "lists", "expected"),
        [
            (certified(), {"accepted": [MODEL]}, Verdict.TRUSTED),
            (certified(), {"accepted": [KEY_ID]}, Verdict.TRUSTED),
            (certified(), {"accepted": [str(uuid.UUID(int=1))]}, Check.MODEL),
            (certified(), {"accepted": []}, Check.MODEL),
            (certified(), {"denied": [MODEL]}, Check.MODEL),
            (certified(), {"denied": [KEY_ID]}, Check.MODEL),
            (certified(), {"denied": [str(uuid.UUID(int=1))]}, Verdict.TRUSTED),
            (certified(), {"accepted": [MODEL], "denied": [KEY_ID]}, Check.MODEL),
            (U2F, {"accepted": [MODEL]}, Check.MODEL),
            (U2F, {"accepted": [KEY_ID]}, Verdict.TRUSTED),
            (U2F, {"denied": [MODEL]}, Verdict.TRUSTED),
            (U2F, {"denied": [KEY_ID]}, Check.MODEL),
        ],
    )
    def test_lists_on_a_trusted_path(self, statement, lists, expected):
        assert verdict(statement, level=CHAINED, roots=[root()], **lists) is expected

    @pytest.mark.parametrize(
        ("statement", "lists", "expected"),
        [
            (certified(), {"accepted": [MODEL]}, Check.MODEL),
            (certified(), {"accepted": [KEY_ID]}, Verdict.UNVERIFIED),
            (U2F, {"accepted": [KEY_ID]}, Verdict.UNVERIFIED),
            (NONE, {"accepted": [MODEL, KEY_ID]}, Check.MODEL),
            (SELF, {"accepted": [MODEL]}, Check.MODEL),
        ],
    )
    def test_lists_without_trust(self, statement, lists, expected):
        """A key identifier is proved by the signature alone; an AAGUID that nobody vouches for opens nothing."""
        assert verdict(statement, level=UNVERIFIED, **lists) is expected


class TestAttestation:
    def test_what_it_says(self):
        judged = judge(certified(leaf(), root()), level=CHAINED, roots=[root()])
        assert (judged.format, judged.trust_path) == ("packed", (leaf(), root()))
        assert judge(NONE).trust_path == ()
