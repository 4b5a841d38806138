# SPDX-License-Identifier: Apache-2.0
"""Whatever a visitor sends and whatever a store answers, `perform` raises an `MFAError` or returns an outcome."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ram_mfa import (
    MFA,
    Assertion,
    BeginLogon,
    BeginStepUp,
    Challenge,
    ConfirmSecurityKey,
    ConfirmVirtualDevice,
    Describe,
    Enrolment,
    FinishLogon,
    FinishStepUp,
    ForgetMachine,
    MFAError,
    MFAPolicy,
    OpenAccount,
    Owner,
    Reason,
    Refused,
    SpendReceipt,
    StoreContended,
    StoreUnavailable,
    StoreUncertain,
    Ticket,
    TOTPCode,
    U2FSignature,
    Unbind,
    UnsafePlaintext,
)
from ram_mfa.encoding.base64url import encode
from ram_mfa.stores.memory import MemoryStore
from ram_mfa.testing import ManualClock, enrolled, enrolled_key
from tests.support.service import DELETE, PARTY, ROOT, SESSION

POLICY = MFAPolicy.ram(issuer="Example", relying_party=PARTY)
EXAMPLES = 300

TEXT = st.text(st.characters(codec=None), max_size=40) | st.sampled_from(["", "\ud800", "x" * 3_000, "alice", "0" * 7])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT | st.integers(), inner, max_size=4),
    max_leaves=12,
)
MEMBERS = st.sampled_from(
    [
        *("id", "rawId", "type", "response", "clientDataJSON", "attestationObject", "authenticatorData", "signature"),
        *("userHandle", "clientExtensionResults", "transports", "registrationData", "clientData", "keyHandle"),
        *("signatureData", "errorCode", "errorMessage", "version", "appid"),
    ]
)
LIKE_JSON = st.dictionaries(
    MEMBERS, JSON | st.dictionaries(MEMBERS, JSON, max_size=6) | st.sampled_from(["public-key", "U2F_V2"]), max_size=8
)
ANSWER = JSON | LIKE_JSON | st.builds(str.encode, st.just("{}"))
TICKET = TEXT | st.builds(
    lambda head, user: encode(head) + encode(user), st.binary(min_size=66, max_size=66), st.binary()
)
USER = TEXT | st.sampled_from(["x" * 1_025, "é" * 513, "a\ud800", "\udfff", "phone", "key", "nobody"])


@pytest.fixture(scope="module")
def mfa():
    """Return a service with a user who has a phone, one who has a key, and everybody else who must bind."""
    made = MFA(MemoryStore(), POLICY, seal=UnsafePlaintext(), clock=ManualClock(1_700_000_000), create=True)
    enrolled(made, "phone")
    enrolled_key(made, "key")
    return made


@st.composite
def verbs(draw):
    """Draw a verb as an application builds it of what a visitor sent; what its constructor refuses is left out."""
    text, ticket, answer = draw(TEXT), draw(TICKET), draw(ANSWER)
    evidence = draw(st.sampled_from([TOTPCode(text), Assertion(answer), U2FSignature(answer)]))
    owner, enrolment = Owner(ticket, session=SESSION), Enrolment(ticket, session=SESSION)
    actor = draw(st.sampled_from([owner, enrolment]))
    return draw(
        st.sampled_from(
            [
                BeginLogon(session=SESSION, machine=ticket, password_mark="mark"),
                BeginStepUp(DELETE, session=SESSION),
                Describe(ticket),
                FinishLogon(ticket, evidence, session=SESSION),
                FinishStepUp(ticket, evidence, operation=DELETE, session=SESSION),
                SpendReceipt(ticket, operation=DELETE, session=SESSION),
                Unbind(by=owner),
                ForgetMachine("id", by=owner),
                ConfirmVirtualDevice([text, text], offer=ticket, by=actor, session=SESSION),
                ConfirmSecurityKey(answer, offer=ticket, by=actor, session=SESSION),
            ]
        )
    )


class TestAVisitor:
    @pytest.mark.requirement("A25")
    @given(user=USER, verb=verbs())
    @settings(max_examples=EXAMPLES)
    def test_sends_anything(self, mfa, user, verb):
        """Any user id, ticket, code, answer, receipt or cookie: an outcome, or an MFAError."""
        with contextlib.suppress(MFAError):
            mfa.perform(user, verb)

    @pytest.mark.requirement("A25")
    @given(answer=ANSWER, u2f=st.booleans())
    @example(answer={"id": [[]] * 9, "rawId": [[]] * 9}, u2f=False)
    @settings(max_examples=EXAMPLES)
    def test_answers_a_genuine_challenge_with_anything(self, mfa, answer, u2f):
        """A ticket that verifies and an answer of any kind: it is refused, and nothing else is raised."""
        with contextlib.suppress(Refused):
            ask = mfa.perform("key", BeginLogon(session=SESSION))
            assert isinstance(ask, Challenge)
            evidence = U2FSignature(answer) if u2f else Assertion(answer)
            mfa.perform("key", FinishLogon(ask.id, evidence, session=SESSION))
            pytest.fail("it passed")

    @pytest.mark.requirement("A25")
    @pytest.mark.parametrize("user", ["", "x" * 1_025, "é" * 513, "a\ud800"], ids=["none", "long", "wide", "half"])
    def test_names_a_user_that_cannot_be(self, services, user):
        """A user id out of a made-up ticket that no user can have is refused as a value, over each driver."""
        service = services()
        for verb in (FinishLogon("x" * 100, TOTPCode("1"), session=SESSION), BeginLogon(session=SESSION)):
            with pytest.raises(Refused) as refused:
                service.perform(user, verb)
            assert refused.value.refusal.reason is Reason.BAD_USER_ID

    @pytest.mark.requirement("A25")
    @pytest.mark.parametrize("user", ["", "x" * 1_025, "é" * 513, "a\ud800"], ids=["none", "long", "wide", "half"])
    def test_administers_a_user_that_cannot_be(self, services, user):
        """So is one that an administrator moves an account from or to, whose record is deleted or events delivered."""
        service = services()
        service.perform("alice", OpenAccount(by=ROOT))
        mfa = service.mfa
        for call in (
            lambda: mfa.move(user, "bob", ROOT),
            lambda: mfa.move("alice", user, ROOT),
            lambda: mfa.discard(user, ROOT),
            lambda: mfa.deliver(user, print),
        ):
            with pytest.raises(Refused) as refused:
                service.run(call())
            assert refused.value.refusal.reason is Reason.BAD_USER_ID
        assert service.perform("alice", Describe()).user == "alice"

    @pytest.mark.requirement("A25")
    @pytest.mark.parametrize("user", [None, 5, b"alice", ["alice"]], ids=["none", "number", "bytes", "list"])
    def test_names_no_string(self, services, user):
        """A user id that is no string is the application's own mistake, and changes nothing."""
        service = services()
        service.perform("alice", OpenAccount(by=ROOT))
        mfa = service.mfa
        for call in (
            lambda: mfa.perform(user, BeginLogon(session=SESSION)),
            lambda: mfa.move(user, "bob", ROOT),
            lambda: mfa.move("alice", user, ROOT),
            lambda: mfa.discard(user, ROOT),
            lambda: mfa.deliver(user, print),
        ):
            with pytest.raises(TypeError):
                service.run(call())
        assert service.perform("alice", Describe()).user == "alice"

    @pytest.mark.requirement("A25")
    def test_routes_by_a_made_up_ticket(self, services):
        """A ticket of 1,025 bytes of user id routes to a refusal."""
        ticket = Ticket("A" * Ticket.HEAD + encode(b"x" * 1_025))
        with pytest.raises(MFAError):
            services().perform(ticket.user, FinishLogon(ticket, TOTPCode("123456"), session=SESSION))


class Babbling:
    """A store that answers with whatever comes next, and then without end with the last."""

    def __init__(self, answers):
        self.answers = list(answers)

    def next(self):
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, type) and issubclass(answer, BaseException):
            raise answer
        return answer

    def load(self, key, /):
        return self.next()

    def swap(self, key, old, new, /):
        return self.next()


class TestAStore:
    @pytest.mark.requirement("A25", "A18")
    @given(
        answers=st.lists(
            st.none()
            | st.booleans()
            | st.binary(max_size=200)
            | st.integers()
            | st.text(max_size=5)
            | st.sampled_from([StoreUnavailable, StoreUncertain, StoreContended, [], {}, 0.5, object()]),
            min_size=1,
            max_size=8,
        )
    )
    @settings(max_examples=EXAMPLES)
    def test_answers_with_anything(self, mfa, answers):
        """From the first load on: an MFAError, and never an outcome, unless the records themselves are genuine."""
        broken = MFA(Babbling(answers), POLICY, seal=UnsafePlaintext(), clock=ManualClock(1_700_000_000), deadline=0.01)
        for verb in (
            OpenAccount(by=ROOT),
            BeginLogon(session=SESSION),
            FinishLogon("x", TOTPCode("1"), session=SESSION),
        ):
            with pytest.raises(MFAError):
                broken.perform("alice", verb)

    @pytest.mark.requirement("A25", "A18")
    @given(
        babble=st.lists(
            st.none()
            | st.booleans()
            | st.binary(max_size=200)
            | st.integers()
            | st.sampled_from([StoreUnavailable, StoreUncertain, [], 0.5, object()]),
            min_size=1,
            max_size=6,
        ),
        first=st.integers(0, 4),
    )
    @settings(max_examples=EXAMPLES)
    def test_goes_mad_later(self, babble, first):
        """After some honest answers: an outcome, or an MFAError."""
        honest = MemoryStore()
        sane = MFA(honest, POLICY, seal=UnsafePlaintext(), clock=ManualClock(1_700_000_000), create=True)
        phone = enrolled(sane, "phone")
        ask = sane.perform("phone", BeginLogon(session=SESSION))

        class Mad(Babbling):
            calls = 0

            def load(self, key, /):
                self.calls += 1
                return honest.load(key) if self.calls <= first else self.next()

            def swap(self, key, old, new, /):
                self.calls += 1
                return honest.swap(key, old, new) if self.calls <= first else self.next()

        mad = MFA(Mad(babble), POLICY, seal=UnsafePlaintext(), clock=ManualClock(1_700_000_030), deadline=0.01)
        code = TOTPCode(phone.code_at(1_700_000_030))
        with contextlib.suppress(MFAError):
            mad.perform("phone", FinishLogon(ask.id, code, session=SESSION))
