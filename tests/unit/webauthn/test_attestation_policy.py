# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import attrs
import pytest

from ram_mfa.u2f import TrustRoots
from ram_mfa.webauthn import AttestationLevel, AttestationPolicy, OtherFormats
from tests.support.webauthn import root

MODEL = "cb69481e-8ff7-4039-93ec-0a2729a154a8"
KEY_ID = "ab" * 20

pytestmark = pytest.mark.standard("WebAuthn Level 3 #enum-attestation-convey", "ram_mfa.webauthn.AttestationPolicy")


class TestAttestationPolicy:
    def test_the_default_asks_for_nothing_and_trusts_nothing(self):
        policy = AttestationPolicy()
        assert policy.level is AttestationLevel.NOT_ASKED
        assert policy.conveyance == "none"
        assert policy.roots.certificates == ()
        assert policy.other_formats is OtherFormats.REFUSED

    @pytest.mark.parametrize("level", [AttestationLevel.UNVERIFIED_ALLOWED, AttestationLevel.CHAINED])
    def test_asking(self, level):
        policy = AttestationPolicy(level=level, roots=[root()], accepted=[MODEL, KEY_ID])
        assert policy.conveyance == "direct"
        assert [one.der for one in policy.roots.certificates] == [root()]
        assert (policy.accepted, policy.denied) == (frozenset({MODEL, KEY_ID}), frozenset())

    @pytest.mark.requirement("A23")
    def test_denied_models(self):
        """Models are denied only where each key must show which model it is."""
        assert AttestationPolicy(level=AttestationLevel.CHAINED, denied=[KEY_ID]).denied == {KEY_ID}
        with pytest.raises(ValueError, match=r"AttestationPolicy\.denied and \.metadata need the level CHAINED"):
            AttestationPolicy(level=AttestationLevel.UNVERIFIED_ALLOWED, denied={KEY_ID})

    def test_it_is_a_value(self):
        """Equal where its parts are, hashable, frozen; parsed roots are taken as they are."""
        roots = TrustRoots.of([root()])
        one = AttestationPolicy(level=AttestationLevel.CHAINED, roots=roots)
        assert one == AttestationPolicy(level=AttestationLevel.CHAINED, roots=[root()])
        assert one.roots is roots
        assert len({one, AttestationPolicy()}) == 2
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            one.level = AttestationLevel.NOT_ASKED

    @pytest.mark.parametrize(
        "wrong",
        [
            {"roots": [root()]},
            {"accepted": [MODEL]},
            {"accepted": []},
            {"denied": [KEY_ID]},
        ],
    )
    def test_lists_that_nothing_would_enforce(self, wrong):
        """Roots and lists where no statement is asked for would look like a guard and be none."""
        with pytest.raises(ValueError):
            AttestationPolicy(**wrong)

    @pytest.mark.parametrize(
        "model", ["", MODEL.upper(), MODEL.replace("-", ""), "ab" * 19, "AB" * 20, "YubiKey 5", MODEL + "\n"]
    )
    def test_names_of_models(self, model):
        for name in ("accepted", "denied"):
            with pytest.raises(ValueError):
                AttestationPolicy(level=AttestationLevel.CHAINED, **{name: [model]})

    @pytest.mark.parametrize("roots", [[b""], [b"junk"], [root()[:-1]]])
    def test_roots_that_are_none(self, roots):
        """A broken configuration fails when it is built."""
        with pytest.raises(ValueError):
            AttestationPolicy(level=AttestationLevel.CHAINED, roots=roots)
