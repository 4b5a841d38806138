# SPDX-License-Identifier: Apache-2.0
"""Three classes of vulnerability whose known forms do not exist here, in the form in which they could."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest

from ram_mfa import MFA, FinishLogon, OpenAccount, Reason, Refused, SpendReceipt
from ram_mfa.engine.records import user_key
from ram_mfa.otp import TOTP, totp
from ram_mfa.sealing import BLOCK
from tests.support.service import DELETE, ROOT, SESSION


@pytest.mark.requirement("V5")
class TestWhatIsGoodForOneUse:
    """V5: a recovery code that is never consumed. There are none; a receipt is what is handed out for one use."""

    def test_twice(self, services):
        """A receipt that was taken is not taken again."""
        service = services()
        receipt = service.receipt("alice", service.phone("alice"), DELETE)
        assert service.perform("alice", SpendReceipt(receipt, operation=DELETE, session=SESSION)).operation == DELETE
        again = SpendReceipt(receipt, operation=DELETE, session=SESSION)
        assert service.refusal("alice", again).reason is Reason.BAD_RECEIPT

    def test_at_once(self, services):
        """Of sixteen takings at once, exactly one passes."""
        service = services()
        receipt = service.receipt("alice", service.phone("alice"), DELETE)

        def take(_):
            try:
                mfa.perform("alice", SpendReceipt(receipt, operation=DELETE, session=SESSION))
            except Refused as refused:
                return refused.refusal.reason
            return "passed"

        mfa = MFA(service.store, service.mfa._engine.policy(), seal=service.seal, clock=service.clock)
        with ThreadPoolExecutor(16) as pool:
            ends = list(pool.map(take, range(16)))
        assert ends.count("passed") == 1
        assert set(ends) == {"passed", Reason.BAD_RECEIPT}


@pytest.mark.requirement("V12")
class TestWhoExists:
    """V12: the answer tells who exists. A password comes first; behind it, a finish tells nothing of the record."""

    @pytest.mark.parametrize("ticket", ["", "x" * 88, "A" * 300])
    def test_a_made_up_ticket(self, services, ticket):
        """With a made-up ticket, a user with a device, one without and one without a record are told the same."""
        service = services()
        phone = service.phone("alice")
        service.perform("bob", OpenAccount(by=ROOT))
        verb = FinishLogon(ticket, service.code(phone), session=SESSION)
        with service.unchanged():
            told = {service.refusal(user, verb) for user in ("alice", "bob", "nobody")}
        assert len(told) == 1


@pytest.mark.requirement("V13", "O19")
class TestTheSameWork:
    """V13: the time of an answer tells how far a guess came. Times are not judged here; the work is counted."""

    def test_each_step_of_the_window(self, monkeypatch):
        """A code of any step of the window, and a wrong one, cost the same codes and the same comparisons."""
        generator, now = TOTP(b"k" * 20), 1_700_000_000
        codes = [generator.at_step(generator.step(now) + step) for step in (-1, 0, 1)]
        wrong = next(code for code in map("{:06}".format, range(10)) if code not in codes)
        work = []
        for code in (*codes, wrong):
            counted = {"computed": 0, "compared": 0}
            for name, counter in (("snum", "computed"), ("compare_digest", "compared")):
                really = getattr(totp, name)

                def count(*arguments, really=really, counter=counter, counted=counted):
                    counted[counter] += 1
                    return really(*arguments)

                monkeypatch.setattr(totp, name, count)
            generator.match(code, at=now)
            monkeypatch.undo()
            work.append(counted)
        assert work == [{"computed": 3, "compared": 3}] * 4

    def test_right_and_wrong_write_alike(self, services):
        """For users who are alike, right and wrong codes are each a load and a swap, of records within one block."""
        service = services()
        phones = {user: service.phone(user) for user in ("alice", "carol")}
        service.clock.advance(30)
        sizes, calls = [], []
        for user, phone in phones.items():
            ask = service.ask(user)
            right = user == "alice"
            before = len(service.store.calls)
            with nullcontext() if right else pytest.raises(Refused):
                code = service.code(phone) if right else service.wrong(phone)
                service.perform(user, FinishLogon(ask.id, code, session=SESSION))
            calls.append([word for word, _ in service.store.calls[before:]])
            sizes.append(len(service.store.records[user_key("", user)]))
        assert calls == [["load", "swap"]] * 2
        assert abs(sizes[0] - sizes[1]) <= BLOCK
