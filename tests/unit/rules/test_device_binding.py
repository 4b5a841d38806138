# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import attrs
import pytest

from ram_mfa import MFAPolicy, OfferSecurityKey, OfferVirtualDevice, Reason, Refusal
from ram_mfa._secret import SecretBytes
from ram_mfa.context import Context
from ram_mfa.rules.offers import MAX_OFFERS, OFFER_TRIES
from tests.support.accounts import ROOT_RECORD
from tests.support.service import OTHER_SESSION, PARTY, ROOT, SESSION

POLICY = MFAPolicy.ram(issuer="Example", relying_party=PARTY)
CONTEXT = Context(POLICY, 1_700_000_000.0, SecretBytes(b"e" * 32), ROOT_RECORD, "alice", "u" + 43 * "A")
OFFERS = pytest.mark.parametrize("verb_type", [OfferVirtualDevice, OfferSecurityKey])


def offer(verb_type, account=None, *, at=0.0, entropy=b"e" * 32, session=SESSION, **how):
    """Call an offering verb as the function it is."""
    context = attrs.evolve(CONTEXT, now=CONTEXT.now + at, entropy=SecretBytes(entropy))
    return verb_type(ROOT, account_name="alice", session=session, create=True, **how)(account, context)


@OFFERS
class TestOffer:
    def test_a_user_without_a_record(self, verb_type):
        """An administrator's offer makes a record only where ``create`` says so; MFA is then required."""
        refused = verb_type(ROOT, account_name="alice", session=SESSION)(None, CONTEXT)
        assert refused.account is None
        assert isinstance(refused.outcome, Refusal)
        assert refused.outcome.reason is Reason.NO_ACCOUNT
        made = offer(verb_type)
        assert made.account.required
        assert [one.tries for one in made.account.offers] == [OFFER_TRIES]
        assert made.outcome.expires_at == CONTEXT.now + 600

    def test_the_session_is_not_the_user_id(self, verb_type):
        """With a record and without one."""
        account, user = offer(verb_type).account, "alice-0123456789-0123456789"
        context = attrs.evolve(CONTEXT, user=user)
        for record in (None, account):
            verb = verb_type(ROOT, account_name="alice", session=user, create=True)
            assert verb(record, context).outcome.reason is Reason.BAD_SESSION

    def test_the_same_offer_again(self, verb_type):
        """The same actor in the same session gets the open offer again, under the same id, and nothing is written."""
        first = offer(verb_type)
        again = offer(verb_type, first.account, at=599, entropy=b"f" * 32)
        assert again.account is first.account
        assert again.outcome.id == first.outcome.id
        assert again.events == ()

    @pytest.mark.parametrize("how", [{"renew": True}, {"session": OTHER_SESSION}, {"at": 600}])
    def test_a_new_offer(self, verb_type, how):
        """Asked to renew, in another session, or once the offer expired, a new one is made."""
        first = offer(verb_type)
        other = offer(verb_type, first.account, entropy=b"f" * 32, **how)
        assert other.outcome.id != first.outcome.id
        assert len(other.account.offers) == (2 if "session" in how else 1)
        assert [event.type.name for event in other.events] == ["DEVICE_OFFERED"]

    def test_at_most_four(self, verb_type):
        """The oldest of five goes."""
        account, made = None, []
        for number in range(MAX_OFFERS + 1):
            entropy, session = bytes([number]) * 32, f"the session of browser {number}"
            account = offer(verb_type, account, at=number, entropy=entropy, session=session).account
            made.append(account.offers[-1])
        assert list(account.offers) == made[1:]

    @pytest.mark.parametrize(("name", "taken"), [("Phone", True), ("", False), ("a\n", False), ("x" * 65, False)])
    def test_the_name(self, verb_type, name, taken):
        """A name is printable and has at most 64 characters."""
        outcome = offer(verb_type, name=name).outcome
        assert (getattr(outcome, "reason", None) is None) is taken
        assert taken or outcome.reason is Reason.BAD_NAME
