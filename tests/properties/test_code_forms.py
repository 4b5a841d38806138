# SPDX-License-Identifier: Apache-2.0
"""However a code is typed, it is one attempt: the code itself, or a wrong one that is counted (requirement O18)."""

from __future__ import annotations

import pytest

from ram_mfa import (
    Advice,
    ConfirmVirtualDevice,
    FinishLogon,
    FinishStepUp,
    MFAPolicy,
    OfferVirtualDevice,
    Operation,
    Owner,
    Reason,
    Refused,
    ResyncVirtualDevice,
    ThrottlePolicy,
    TOTPCode,
    TOTPPolicy,
)
from ram_mfa.account import OFFER_TRIES
from ram_mfa.testing import AuthenticatorApp
from tests.support.code_forms import code_forms
from tests.support.service import DELETE, ROOT, SESSION, Services

DIGITS = (6, 7, 8)
ODD = (None, 123456, 123456.0, True, b"123456", ["1", "2"], {"code": "123456"}, object())
"""What is no text at all, as a form's or JSON's parser may hand over."""


def open_service(digits):
    throttle = ThrottlePolicy(free_attempts=2, max_per_day=20)
    policy = MFAPolicy.ram(issuer="Example", totp=TOTPPolicy(digits=digits), throttle=throttle)
    return Services("MFA")(policy=policy)


class Again:
    """A service that is put back to where it was before each attempt."""

    def __init__(self, service):
        self.service = service
        self.records = service.store.records

    def attempt(self, user, verb):
        """Perform it on the store as it was; return whether it passed (or the reason), and how many swaps it took."""
        for key in self.service.store.records.keys() - self.records.keys():
            self.service.store.put(key, None)
        for key, record in self.records.items():
            self.service.store.put(key, record)
        return self.once_more(user, verb)

    def once_more(self, user, verb):
        before = self.service.store.swaps
        try:
            self.service.perform(user, verb)
        except Refused as refused:
            outcome = refused.refusal.reason
        else:
            outcome = "passed"
        return outcome, self.service.store.swaps - before

    def counted(self, user="alice"):
        account = self.service.account(user)
        return account.devices[0].failures, len(account.wrong)


@pytest.mark.parametrize("digits", DIGITS)
@pytest.mark.requirement("O18", "V2", "V11")
class TestSpellings:
    def _on(self, digits):
        service = open_service(digits)
        phone = service.phone("alice")
        return service, phone, phone.code_at(service.clock())

    def test_there_are_hundreds(self, digits):
        """At least 300 of each code, both kinds among them."""
        table = code_forms("12345678"[:digits])
        assert len(table) >= 300
        assert sum(name.startswith("same") for name, _ in table) >= 30
        assert sum(name.startswith("refused") for name, _ in table) >= 270

    def _weighed(self, again, verb_of, code):
        for name, typed in code_forms(code):
            outcome, swaps = again.attempt("alice", verb_of(typed))
            assert swaps == 1, name
            if name.startswith("same"):
                assert outcome == "passed", name
                assert again.counted() == (0, 0), name
                for other in (code, typed):
                    with again.service.unchanged():
                        refusal = again.service.refusal("alice", verb_of(other))
                    assert refusal.reason in {Reason.REPLAYED_CODE, Reason.ALREADY_SENT}, name
                assert again.counted() == (0, 0), name
            else:
                assert outcome is Reason.WRONG_CODE, name
                assert again.counted() == (1, 1), name
                assert again.once_more("alice", verb_of(code)) == ("passed", 1), name
                assert again.counted() == (0, 1), name

    def test_log_on(self, digits):
        """At a logon."""
        service, _, code = self._on(digits)
        ticket = service.ask("alice").id
        self._weighed(Again(service), lambda typed: FinishLogon(ticket, TOTPCode(typed), session=SESSION), code)

    def test_step_up(self, digits):
        """At a step-up."""
        service, _, code = self._on(digits)
        ticket = service.ask("alice", operation=DELETE).id

        def finish(typed):
            return FinishStepUp(ticket, TOTPCode(typed), operation=DELETE, session=SESSION)

        self._weighed(Again(service), finish, code)

    @pytest.mark.parametrize("place", [0, 1])
    def test_resync(self, digits, place):
        """In either of the two codes of a resync."""
        service, phone, _ = self._on(digits)
        pair = phone.codes_at(service.clock() + 120)
        by_owner = Owner(service.receipt("alice", phone, Operation.RESYNC), session=SESSION)
        again = Again(service)
        for by in (ROOT, by_owner):

            def resync(typed, by=by):
                codes = list(pair)
                codes[place] = typed
                return ResyncVirtualDevice(codes=codes, by=by)

            for name, typed in code_forms(pair[place]):
                outcome, swaps = again.attempt("alice", resync(typed))
                assert swaps == 1, name
                if name.startswith("same"):
                    assert outcome == "passed", name
                    with service.unchanged():
                        reason = service.refusal("alice", resync(typed, by=ROOT)).reason
                    assert reason is Reason.REPLAYED_CODE, name
                else:
                    assert outcome is Reason.WRONG_CODE, name
                    assert again.counted() == (1, 1), name

    def test_bind(self, digits):
        """At the confirmation of a bind: each wrong form costs one of the offer's ten tries."""
        service = open_service(digits)
        offer = service.perform("alice", OfferVirtualDevice(ROOT, account_name="alice", session=SESSION, create=True))
        code = AuthenticatorApp.scan(offer.key_uri).code_at(service.clock())

        def confirm(typed):
            return ConfirmVirtualDevice([typed], offer=offer.id, by=ROOT, session=SESSION)

        again = Again(service)
        for name, typed in code_forms(code):
            outcome, swaps = again.attempt("alice", confirm(typed))
            assert swaps == 1, name
            if name.startswith("same"):
                assert outcome == "passed", name
                asked = service.ask("alice")
                for other in (code, typed):
                    assert again.once_more("alice", FinishLogon(asked.id, TOTPCode(other), session=SESSION)) == (
                        Reason.REPLAYED_CODE,
                        0,
                    ), name
            else:
                assert outcome is Reason.WRONG_CODE, name
                (left,) = service.account("alice").offers
                assert left.tries == OFFER_TRIES - 1, name
        for _ in range(OFFER_TRIES):
            again.once_more("alice", confirm("x" + code))
        with service.unchanged():
            assert service.refusal("alice", confirm(code)).advice is Advice.START_OVER

    def test_a_used_code(self, digits):
        """Once the code was used, no form of it passes: what is the code is a replay, and what is not is counted,
        which closes the gate as any wrong code does.
        """
        service, phone, code = self._on(digits)
        service.perform("alice", FinishLogon(service.ask("alice").id, service.code(phone), session=SESSION))
        ticket = service.ask("alice").id
        again = Again(service)
        for name, typed in code_forms(code):
            outcome, swaps = again.attempt("alice", FinishLogon(ticket, TOTPCode(typed), session=SESSION))
            if name.startswith("same"):
                assert (outcome, swaps, again.counted()) == (Reason.REPLAYED_CODE, 0, (0, 0)), name
            else:
                assert (outcome, swaps, again.counted()) == (Reason.WRONG_CODE, 1, (1, 1)), name

    def test_no_extra_guess(self, digits):
        """All forms of one wrong code, one after the other, get as many verdicts as there are tries."""
        service, phone, _ = self._on(digits)
        wrong = service.wrong(phone).code.rjust(digits, "0")
        ticket = service.ask("alice").id
        again = Again(service)
        outcomes = [
            again.once_more("alice", FinishLogon(ticket, TOTPCode(typed), session=SESSION))
            for _, typed in code_forms(wrong)
        ]
        assert outcomes[:2] == [(Reason.WRONG_CODE, 1)] * 2
        assert set(outcomes[2:]) == {(Reason.THROTTLED, 0)}

    def test_no_text(self, digits):
        """What is no text is a wrong code, and counted."""
        service, _, code = self._on(digits)
        ticket = service.ask("alice").id
        again = Again(service)
        for odd in (*ODD, [code], int(code), code.encode()):
            for verb in (
                FinishLogon(ticket, TOTPCode(odd), session=SESSION),
                ResyncVirtualDevice(codes=odd, by=ROOT),
                ResyncVirtualDevice(codes=[odd, odd], by=ROOT),
            ):
                assert again.attempt("alice", verb) == (Reason.WRONG_CODE, 1), odd
                assert again.counted() == (1, 1), odd
