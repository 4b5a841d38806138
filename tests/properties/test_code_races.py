# SPDX-License-Identifier: Apache-2.0
"""Of parallel submissions of one code one is accepted, and parallel guesses get as many verdicts as there are tries."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import Counter

import pytest

from ram_mfa import (
    MFA,
    AsyncMFA,
    BeginLogon,
    Challenge,
    ConfirmVirtualDevice,
    DevicePolicy,
    FinishLogon,
    KindRule,
    MFAPolicy,
    OfferVirtualDevice,
    Reason,
    Refused,
    TOTPCode,
)
from ram_mfa.account import Account, VirtualMFADevice
from ram_mfa.codec import decode_account
from ram_mfa.engine.records import user_key
from ram_mfa.stores.memory import AsyncMemoryStore, MemoryStore
from ram_mfa.testing import AuthenticatorApp, ManualClock, enrolled, new_session
from tests.support import rounds
from tests.support.races import (
    ALL_THE_TIME,
    PATIENCE,
    ServiceOnFile,
    Workers,
    barrier,
    begin,
    bind,
    eight_processes_submit_one_code,
    finish,
    flag,
    flood,
    guess,
    limits,
    offer_and_confirm,
    one_wins,
    wrong_codes,
)
from tests.support.records import AsStored
from tests.support.service import ROOT, SEAL, SESSION, ScriptedStore

START = 1_700_000_000.0
ALICE = user_key("", "alice")
POLICY = MFAPolicy.ram(issuer="Example")


def read(store) -> Account:
    return decode_account(AsStored(SEAL, store).for_record(ALICE).unseal(store.load(ALICE)))


@pytest.fixture
def place(tmp_path):
    return ServiceOnFile(str(tmp_path / "mfa.db"), POLICY)


class TestOneCode:
    @pytest.mark.requirement("V4", "O7", "S1", "S10")
    def test_eight_processes_submit_it(self, place):
        """In each of 2,000 rounds exactly one of eight processes is let in, with one ticket for all or one for each."""
        store, now = eight_processes_submit_one_code(place, rounds(2000))
        (device,) = read(store).devices
        assert device.last_step == now // 30
        store.close()

    @pytest.mark.requirement("V4", "O7")
    def test_eight_threads_submit_it(self):
        """Threads on a store in memory, switched as often as the interpreter can: one of eight, in 2,000 rounds."""
        clock = ManualClock(START)
        mfa = MFA(MemoryStore(), POLICY, seal=SEAL, clock=clock, deadline=ALL_THE_TIME, create=True)
        phone = enrolled(mfa, "alice")
        count, outcomes = rounds(2000), []
        tickets: list[str] = []

        def next_round():
            clock.advance(60)
            tickets.append(begin(mfa, "alice"))

        meet = threading.Barrier(8, action=next_round)

        def submit():
            told = []
            for number in range(count):
                meet.wait(PATIENCE)
                ticket = tickets[-1] if number % 2 else begin(mfa, "alice")
                told.append(finish(mfa, "alice", ticket, phone.code_at(clock.now)))
            outcomes.append(told)

        threads = [threading.Thread(target=submit) for _ in range(8)]
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            sys.setswitchinterval(interval)
        assert len(outcomes) == 8
        one_wins(zip(*outcomes, strict=True))

    @pytest.mark.requirement("V4", "O7")
    def test_eight_tasks_submit_it(self):
        """Tasks of one event loop: one of eight, in 200 rounds."""
        clock = ManualClock(START)

        async def submit(mfa, code):
            challenge = await mfa.perform("alice", BeginLogon(session=SESSION))
            assert isinstance(challenge, Challenge)
            try:
                await mfa.perform("alice", FinishLogon(challenge.id, TOTPCode(code), session=SESSION))
            except Refused as refused:
                return refused.refusal.reason.name
            return "proof"

        async def all_rounds():
            mfa = AsyncMFA(AsyncMemoryStore(), POLICY, seal=SEAL, clock=clock, deadline=ALL_THE_TIME, create=True)
            phone = await enrolled(mfa, "alice")
            outcomes = []
            for _ in range(rounds(200)):
                clock.advance(60)
                code = phone.code_at(clock.now)
                outcomes.append(await asyncio.gather(*(submit(mfa, code) for _ in range(8))))
            return outcomes

        one_wins(asyncio.run(all_rounds()))


class TestGuesses:
    @pytest.mark.parametrize(
        ("policy", "before", "verdicts", "closed"),
        [
            pytest.param(limits(), 0, 5, Reason.THROTTLED, id="next delay"),
            pytest.param(limits(), 3, 2, Reason.THROTTLED, id="next delay, three tries gone"),
            pytest.param(limits(free_attempts=100, max_per_day=20), 0, 20, Reason.THROTTLED, id="day's budget"),
            pytest.param(
                limits(free_attempts=100, max_per_day=20), 7, 13, Reason.THROTTLED, id="day's budget, seven tries gone"
            ),
            pytest.param(
                limits(free_attempts=100, max_per_day=1000, max_consecutive=40, digits=8),
                0,
                40,
                Reason.DEVICE_DISABLED,
                id="cap",
            ),
            pytest.param(
                limits(free_attempts=100, max_per_day=1000, digits=8),
                0,
                100,
                Reason.DEVICE_DISABLED,
                id="cap of a hundred",
            ),
        ],
    )
    @pytest.mark.requirement("V9", "V7", "V8", "O12", "O13", "O14")
    def test_four_processes_guess(self, tmp_path, policy, before, verdicts, closed):
        """Of 10,000 wrong guesses exactly as many get a verdict as tries were left; the rest are told to wait, and
        write nothing. The verdict on the guess that disables a device says so in place of "wrong".
        """
        place = ServiceOnFile(str(tmp_path / "mfa.db"), policy)
        clock = ManualClock(START)
        mfa, store = place.open(clock, create=True)
        phone = AuthenticatorApp.scan(bind(mfa, "alice", clock.now))
        ticket = begin(mfa, "alice")
        for code in wrong_codes(phone, [START], before, first=900_000):
            assert finish(mfa, "alice", ticket, code) == Reason.WRONG_CODE.name
        codes = wrong_codes(phone, [START], rounds(10_000) // 4)

        with Workers(guess, 4, place, barrier(4), codes) as crew:
            told, landed = zip(*crew.results(), strict=True)

        outcomes = sum((Counter(each) for each in told), Counter())
        assert sum(landed) == verdicts
        wrong = verdicts - (closed is Reason.DEVICE_DISABLED)
        assert outcomes == {Reason.WRONG_CODE.name: wrong, closed.name: 4 * len(codes) - wrong}
        account = read(store)
        (device,) = account.devices
        assert isinstance(device, VirtualMFADevice)
        assert device.failures == len(account.wrong) == before + verdicts

        sealed, asked = store.load(ALICE), store.asked
        for code in [*codes[:5], phone.code_at(START)]:
            assert finish(mfa, "alice", ticket, code) == closed.name
        assert (store.load(ALICE), store.asked) == (sealed, asked)
        store.close()

    @pytest.mark.requirement("V9", "O14", "O15")
    def test_the_gate_opens_when_it_said(self, place):
        """What is told to wait comes back after exactly that long, and the right code passes: not a second earlier."""
        clock = ManualClock(START)
        mfa, store = place.open(clock, create=True)
        phone = AuthenticatorApp.scan(bind(mfa, "alice", clock.now))
        ticket = begin(mfa, "alice")
        for code in wrong_codes(phone, [START], 5):
            finish(mfa, "alice", ticket, code)
        with pytest.raises(Refused) as refused:
            mfa.perform("alice", FinishLogon(ticket, TOTPCode(phone.code_at(clock.now)), session=SESSION))
        wait = refused.value.refusal.retry_after
        assert wait == 30
        clock.advance(wait - 0.001)
        assert finish(mfa, "alice", ticket, phone.code_at(clock.now)) == Reason.THROTTLED.name
        clock.advance(0.001)
        assert finish(mfa, "alice", ticket, phone.code_at(clock.now)) == "proof"
        store.close()


class TestFlood:
    @pytest.mark.requirement("V8", "V9", "O12", "O16")
    def test_the_owner_passes(self, tmp_path):
        """32 processes that know the password guess and begin logons: the owner's code passes while the gate is open
        and, once it is closed, after ``wait``; no more wrong verdicts land than there are tries, and no call of the
        owner ends in StoreContended.
        """
        tries, crowd = 50, 32
        policy = limits(free_attempts=tries, max_per_day=1000, digits=8)
        place = ServiceOnFile(str(tmp_path / "mfa.db"), policy)
        clock = ManualClock(START)
        mfa, store = ServiceOnFile(place.file, policy, patient=False).open(clock, create=True)
        phone = AuthenticatorApp.scan(bind(mfa, "alice", clock.now))
        codes = wrong_codes(phone, [START], 100)
        meet, over = barrier(crowd + 1), flag()

        with Workers(flood, crowd, place, meet, over, codes) as crew:
            # 32 wrong codes are fewer than the tries: the gate is open all the time
            meet.wait(PATIENCE)
            first = finish(mfa, "alice", begin(mfa, "alice"), phone.code_at(clock.now))
            meet.wait(PATIENCE)
            account = read(store)
            before = len(account.wrong)
            left = tries - account.devices[0].failures
            meet.wait(PATIENCE)
            # then more than there are: the owner's code of the next step comes to a closed gate
            while (refusal := self._refused(mfa, phone, clock)) is None:
                assert not over.is_set()
            closed = read(store)
            # and the owner's clock is the one that shows a moment later
            clock.advance(refusal.retry_after)
            second = finish(mfa, "alice", begin(mfa, "alice"), phone.code_at(clock.now + 30))
            over.set()
            told, landed = zip(*crew.results(), strict=True)

        assert first == second == "proof"
        assert refusal.reason is Reason.THROTTLED
        assert before <= crowd
        assert closed.devices[0].failures == tries
        assert len(closed.wrong) == before + left
        outcomes = sum((Counter(each) for each in told), Counter())
        assert set(outcomes) <= {Reason.WRONG_CODE.name, Reason.THROTTLED.name}
        assert outcomes[Reason.WRONG_CODE.name] == sum(landed) == len(read(store).wrong)
        assert before + left <= sum(landed) <= before + left + tries
        store.close()

    def _refused(self, mfa, phone, clock):
        """Ask with the code that was used already, as long as the gate is open: that is no guess and no success."""
        with pytest.raises(Refused) as refused:
            ticket = begin(mfa, "alice")
            mfa.perform("alice", FinishLogon(ticket, TOTPCode(phone.code_at(clock.now)), session=SESSION))
        refusal = refused.value.refusal
        return None if refusal.reason is Reason.REPLAYED_CODE else refusal

    @pytest.mark.requirement("V8", "O16", "S9", "V26")
    def test_beginnings_write_nothing(self):
        """After 10,000 BeginLogons the record is what it was, and the challenge that was first still opens."""
        clock, store = ManualClock(START), ScriptedStore()
        mfa = MFA(store, POLICY, seal=SEAL, clock=clock, create=True)
        phone = enrolled(mfa, "alice")
        first = begin(mfa, "alice")
        records, swaps = store.records, store.swaps
        tickets = {begin(mfa, "alice") for _ in range(rounds(10_000))}
        assert len(tickets) == rounds(10_000)
        assert (store.records, store.swaps) == (records, swaps)
        assert finish(mfa, "alice", first, phone.code_at(clock.now)) == "proof"


class TestBinds:
    @pytest.mark.parametrize(
        "devices",
        [DevicePolicy(), DevicePolicy(rule=KindRule.ANY_MIX, max_devices=8)],
        ids=["one device", "eight devices"],
    )
    @pytest.mark.requirement("B3", "S1")
    def test_two_processes_bind(self, tmp_path, devices):
        """Two offers to one user without a record, confirmed at once: one is bound in each of 400 rounds. The other
        starts over, also where the policy has room for more: it was offered before the devices changed.
        """
        place = ServiceOnFile(str(tmp_path / "mfa.db"), MFAPolicy.ram(issuer="Example", devices=devices))
        _, store = place.open(ManualClock(START), create=True)
        users = [f"user {number}" for number in range(rounds(400))]
        with Workers(offer_and_confirm, 2, place, barrier(2), users) as crew:
            outcomes = list(zip(*crew.results(), strict=True))
        for told in outcomes:
            assert sorted(told, key=str.isupper) == ["bound", Reason.FOREIGN_TICKET.name]
        for user in users:
            sealed = store.load(user_key("", user))
            account = decode_account(AsStored(SEAL, store).for_record(user_key("", user)).unseal(sealed))
            assert len(account.devices) == 1
            assert account.offers == ()
        store.close()

    @pytest.mark.requirement("B3", "O22", "S1")
    def test_threads_confirm_one_offer(self):
        """Eight confirmations of one offer with its code: one binds, and one device is bound."""
        clock, store = ManualClock(START), ScriptedStore()
        mfa = MFA(store, POLICY, seal=SEAL, clock=clock, deadline=ALL_THE_TIME, create=True)
        for number in range(rounds(400)):
            user, session, told = f"user {number}", new_session(), []
            offer = mfa.perform(user, OfferVirtualDevice(ROOT, account_name=user, session=session, create=True))
            code = AuthenticatorApp.scan(offer.key_uri).code_at(clock.now)
            verb = ConfirmVirtualDevice([code], offer=offer.id, by=ROOT, session=session)
            meet = threading.Barrier(8)

            def confirm(user=user, verb=verb, told=told, meet=meet):
                meet.wait(PATIENCE)
                try:
                    told.append(mfa.perform(user, verb).id)
                except Refused as refused:
                    told.append(refused.refusal.reason)

            threads = [threading.Thread(target=confirm) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            (won,) = [one for one in told if isinstance(one, str)]
            assert told.count(Reason.FOREIGN_TICKET) == 7
            key = user_key("", user)
            account = decode_account(AsStored(SEAL, store).for_record(key).unseal(store.load(key)))
            assert [device.id for device in account.devices] == [won]
