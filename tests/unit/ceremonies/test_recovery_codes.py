# SPDX-License-Identifier: Apache-2.0
"""Recovery codes: made, used once, used up, revoked, and what they outlive."""

from __future__ import annotations

import attrs
import pytest

from ram_mfa import (
    AfterRecovery,
    Assertion,
    BeginLogon,
    Challenge,
    ConfirmSecurityKey,
    ConfirmVirtualDevice,
    Describe,
    DevicePolicy,
    Enrolment,
    EventType,
    FinishLogon,
    FinishStepUp,
    Kind,
    MakeRecoveryCodes,
    MustBind,
    OfferSecurityKey,
    OfferVirtualDevice,
    OldRecoveryCodes,
    OpenAccount,
    Operation,
    Owner,
    PasswordChanged,
    Proof,
    Reason,
    Rebinding,
    RecoveryCode,
    RecoveryCodes,
    RememberMachine,
    ResetMFA,
    RevokeRecoveryCodes,
    StoreUncertain,
    TOTPCode,
    Unbind,
)
from ram_mfa.engine.records import user_key
from ram_mfa.rules import recovery_codes as rules
from ram_mfa.testing import AuthenticatorApp, SoftSecurityKey, recovery_sheet
from tests.support.service import DELETE, ORIGIN, OTHER_SESSION, ROOT, SESSION, StoreWithHistory, finish

SUGGEST = RecoveryCodes(after_use=AfterRecovery.SUGGEST_BIND)
MUST = RecoveryCodes()


def made(service, phone, user="alice"):
    """Make a user's codes by their owner, and return them."""
    return service.perform(user, MakeRecoveryCodes(by=service.owner(user, phone, Operation.RECOVERY))).codes


def use(service, code, user="alice", **how):
    """Return the verb that finishes a new logon with a code."""
    return finish(service.ask(user, **how), RecoveryCode(code), **({"password_mark": how["mark"]} if how else {}))


def with_secret(code, secret="0000-0000-0000-00"):
    """Return a code of the same selector with another secret."""
    return code[:7] + secret


def rebind_virtual(service, ticket, session=SESSION):
    """Bind a phone by the ticket of a recovery code."""
    by = Rebinding(ticket, session=session)
    offer = service.perform("alice", OfferVirtualDevice(by, account_name="alice", session=session))
    phone = AuthenticatorApp.scan(offer.key_uri)
    verb = ConfirmVirtualDevice([phone.code_at(service.clock())], offer=offer.id, by=by, session=session)
    return service.perform("alice", verb)


@pytest.fixture
def service(services):
    return services(recovery_codes=SUGGEST)


class TestMake:
    @pytest.mark.requirement("R1")
    def test_a_sheet_is_shown_once(self, service):
        """Ten codes of five groups of four symbols: printable, blank in reprs, and only digests in the record."""
        phone = service.phone("alice")
        sheet = service.perform("alice", MakeRecoveryCodes(by=service.owner("alice", phone, Operation.RECOVERY)))
        assert len(set(sheet.codes)) == 10
        for code in map(str, sheet.codes):
            assert [len(group) for group in code.split("-")] == [4] * 5
            assert set(code) <= set(rules.ALPHABET + "-")
            assert code not in repr(sheet)
            assert code in str(sheet.text)
        assert "alice at Example" in str(sheet.text)
        stored = service.account("alice").recovery
        assert all(len(one.digest) == 16 and one.tries == 10 for one in stored.codes)
        assert service.perform("alice", Describe()).recovery_codes == 10
        (row,) = service.run(service.mfa.credential_report())
        assert row.recovery_codes == 10
        assert service.events(EventType.RECOVERY_CODES_MADE)[0].actor == "owner"

    @pytest.mark.requirement("R1")
    def test_first_bind(self, service):
        """A user's own first bind hands out the codes; an administrator's does not, nor does a second one."""
        service.perform("alice", OpenAccount(required=True, by=ROOT))
        must = service.perform("alice", BeginLogon(session=SESSION))
        by = Enrolment(must.id, session=SESSION)
        offer = service.perform("alice", OfferVirtualDevice(by, account_name="alice", session=SESSION))
        phone = AuthenticatorApp.scan(offer.key_uri)
        verb = ConfirmVirtualDevice([phone.code_at(service.clock())], offer=offer.id, by=by, session=SESSION)
        bound = service.perform("alice", verb)
        assert isinstance(service.perform("alice", use(service, bound.recovery_codes.codes[0])), Proof)
        service.phone("bob")
        assert service.perform("bob", Describe()).recovery_codes is None

    @pytest.mark.requirement("R1")
    def test_new_ones_replace_the_old(self, service):
        """Codes made anew are the only ones that count."""
        phone = service.phone("alice")
        old, new = made(service, phone), made(service, phone)
        assert service.refusal("alice", use(service, old[0])).reason is Reason.WRONG_RECOVERY_CODE
        assert isinstance(service.perform("alice", use(service, new[0])), Proof)

    def test_not_allowed(self, services):
        """A policy without recovery codes makes none, takes none and offers none."""
        service = services()
        phone = service.phone("alice")
        verb = MakeRecoveryCodes(by=service.owner("alice", phone, Operation.RECOVERY))
        assert service.refusal("alice", verb).reason is Reason.NO_RECOVERY_CODES
        assert not service.ask("alice").recovery_codes
        assert service.refusal("alice", use(service, "0" * 20)).reason is Reason.WRONG_EVIDENCE

    @pytest.mark.requirement("R1")
    @pytest.mark.parametrize("applied", [True, False])
    def test_an_uncertain_store(self, services, applied):
        """Whether or not the write was applied, nobody learns codes from it, and a later set replaces any other."""
        service = services(recovery_codes=SUGGEST)
        phone = service.phone("alice")
        by = service.owner("alice", phone, Operation.RECOVERY)
        key, calls = user_key("", "alice"), []

        def interfere(operation, really, at, *arguments):
            if operation == "swap" and at == key and not calls:
                calls.append(operation)
                if applied:
                    really(at, *arguments)
                raise StoreUncertain("scripted")
            return really(at, *arguments)

        service.store.interfere = interfere
        try:
            codes = service.perform("alice", MakeRecoveryCodes(by=by)).codes
        except StoreUncertain:
            codes = ()
        service.store.interfere = None
        new = made(service, phone)
        for code in codes:
            assert service.refusal("alice", use(service, code)).reason is Reason.WRONG_RECOVERY_CODE
        assert isinstance(service.perform("alice", use(service, new[0])), Proof)


class TestUse:
    @pytest.mark.requirement("R2")
    def test_once(self, service):
        """A code passes once: with no device, not phishing resistant, and remembering no machine."""
        code = made(service, service.phone("alice"))[3]
        proof = service.perform("alice", use(service, code))
        assert (proof.user, proof.device, proof.kind, proof.machine) == ("alice", None, None, None)
        assert not proof.phishing_resistant
        assert proof.session_mark
        assert proof.rebind.user == "alice"
        assert service.refusal("alice", use(service, code)).reason is Reason.WRONG_RECOVERY_CODE
        (event,) = service.events(EventType.RECOVERY_CODE_USED)
        assert event.detail == "9 left"

    @pytest.mark.requirement("R2")
    def test_code_and_ticket_in_one_swap(self, service):
        """One write spends both."""
        code, other = made(service, service.phone("alice"))[:2]
        asked, swaps = service.ask("alice"), service.store.swaps
        service.perform("alice", finish(asked, RecoveryCode(code)))
        assert service.store.swaps == swaps + 1
        assert service.refusal("alice", finish(asked, RecoveryCode(other))).reason is Reason.SPENT_TICKET

    @pytest.mark.parametrize("form", [str.lower, lambda code: code.replace("-", ""), lambda code: f" {code} "])
    def test_forms(self, service, form):
        """Case, hyphens and blanks do not matter."""
        code = str(made(service, service.phone("alice"))[0])
        assert isinstance(service.perform("alice", use(service, form(code))), Proof)

    def test_look_alikes(self):
        """O is read as 0, I and L as 1."""
        assert rules._normalise("OIL0-1oil-0000-0000-0000") == "01101011000000000000"

    @pytest.mark.requirement("R3")
    def test_a_selector_miss_writes_nothing(self, service, monkeypatch):
        """An unknown selector, and what is no code, cost no iteration, no try and no write."""
        codes = made(service, service.phone("alice"))
        known = {code[:7] for code in map(str, codes)}
        free = next(text for text in ("0000-00", "ZZZZ-ZZ") if text not in known)
        monkeypatch.setattr(rules, "_digest", lambda *_: pytest.fail("computed"))
        for typed in (with_secret(str(codes[0]))[:-1], free + str(codes[0])[7:], "", "é" * 20, "0" * 65, "123456", 5):
            verb = use(service, typed)
            with service.unchanged():
                refusal = service.refusal("alice", verb)
            assert refusal.reason is Reason.WRONG_RECOVERY_CODE
            assert refusal.next_challenge.recovery_codes

    @pytest.mark.requirement("R3")
    def test_ten_wrong_ones_burn_one_row(self, service):
        """The tenth wrong secret removes that code; the others, the device and its throttle are as they were."""
        phone = service.phone("alice")
        codes = [str(code) for code in made(service, phone)]
        for _ in range(10):
            refusal = service.refusal("alice", use(service, with_secret(codes[0])))
            assert refusal.reason is Reason.WRONG_RECOVERY_CODE
        assert len(service.events(EventType.RECOVERY_CODE_WRONG)) == 9
        assert len(service.events(EventType.RECOVERY_CODE_USED_UP)) == 1
        assert service.perform("alice", Describe()).recovery_codes == 9
        assert service.account("alice").wrong == ()
        assert service.refusal("alice", use(service, codes[0])).reason is Reason.WRONG_RECOVERY_CODE
        assert isinstance(service.perform("alice", use(service, codes[1])), Proof)

    @pytest.mark.requirement("R2")
    def test_no_step_up(self, service):
        """A recovery code is no evidence for a step-up, and no challenge of one says so."""
        code = made(service, service.phone("alice"))[0]
        service.clock.advance(60)
        asked = service.ask("alice", operation=DELETE)
        assert not asked.recovery_codes
        with pytest.raises(TypeError):
            FinishStepUp(asked.id, RecoveryCode(code), operation=DELETE, session=SESSION)

    @pytest.mark.requirement("R2")
    def test_no_machine(self, services):
        """No machine is remembered by a recovery code; one kept from a policy that remembers none is dropped."""
        service = services(recovery_codes=SUGGEST, remember=RememberMachine())
        code = made(service, service.phone("alice"))[0]
        asked = service.ask("alice", mark="m")
        verb = FinishLogon(asked.id, RecoveryCode(code), session=SESSION, remember="Laptop", password_mark="m")
        assert service.perform("alice", verb).machine is None
        assert service.account("alice").machines == ()

    @pytest.mark.requirement("R2")
    def test_another_user(self, service):
        """A code is its user's only."""
        code = made(service, service.phone("alice"))[0]
        made(service, service.phone("bob"), "bob")
        assert service.refusal("bob", use(service, code, "bob")).reason is Reason.WRONG_RECOVERY_CODE

    @pytest.mark.requirement("R4")
    def test_disabled_device(self, service):
        """Where every device is disabled, a logon still asks for a recovery code; without one it is refused."""
        code = made(service, service.phone("alice"))[0]
        (device,) = service.account("alice").devices
        service.plant("alice", devices=(attrs.evolve(device, failures=100, disabled_at=service.clock()),))
        asked = service.ask("alice")
        assert (asked.kinds, asked.recovery_codes) == ((), True)
        assert isinstance(service.perform("alice", finish(asked, RecoveryCode(code))), Proof)
        service.perform("alice", RevokeRecoveryCodes(by=ROOT))
        assert service.refusal("alice", BeginLogon(session=SESSION)).reason is Reason.DEVICE_DISABLED


class TestRebind:
    @pytest.mark.requirement("R4")
    def test_one_kind_stays_one(self, service):
        """The new device takes the place of all others in one swap, of another kind too, and logs on."""
        code = made(service, service.phone("alice"))[0]
        by = Rebinding(service.perform("alice", use(service, code)).rebind, session=SESSION)
        offer = service.perform("alice", OfferSecurityKey(by, account_name="alice", session=SESSION))
        verb = ConfirmSecurityKey(
            SoftSecurityKey().create(offer.options, ORIGIN), offer=offer.id, by=by, session=SESSION
        )
        bound = service.perform("alice", verb)
        assert [device.kind for device in service.account("alice").devices] == [Kind.SECURITY_KEY]
        assert bound.proof.session_mark
        assert bound.recovery_codes is None
        assert service.perform("alice", Describe()).recovery_codes == 9
        assert service.events(EventType.DEVICE_UNBOUND)[0].actor == "owner by recovery code"
        again = OfferVirtualDevice(by, account_name="alice", session=SESSION)
        assert service.refusal("alice", again).reason is Reason.FOREIGN_TICKET

    @pytest.mark.requirement("R4")
    def test_must_bind(self, services):
        """Where the policy says so, a right code admits nobody: it gives the right to bind, whose proof logs on."""
        service = services(recovery_codes=MUST)
        code = made(service, service.phone("alice"))[0]
        refusal = service.refusal("alice", use(service, code))
        assert refusal.reason is Reason.REBIND_FIRST
        assert service.refusal("alice", use(service, code)).reason is Reason.WRONG_RECOVERY_CODE
        assert rebind_virtual(service, refusal.rebind).proof.user == "alice"
        assert len(service.account("alice").devices) == 1

    @pytest.mark.requirement("R4")
    def test_the_ticket_is_for_nothing_else(self, services):
        """Another session, a ticket of a logon, other actions, and a policy without recovery codes are refused."""
        policy = {"recovery_codes": SUGGEST}
        service = services(**policy)
        code = made(service, service.phone("alice"))[0]
        asked = service.ask("alice")
        ticket = service.perform("alice", use(service, code)).rebind

        def offer(text, session=SESSION):
            return OfferVirtualDevice(Rebinding(text, session=session), account_name="alice", session=session)

        assert service.refusal("alice", offer(ticket, OTHER_SESSION)).reason is Reason.FOREIGN_TICKET
        assert service.refusal("alice", offer(asked.id)).reason is Reason.FOREIGN_TICKET
        unbind = Unbind(by=Rebinding(ticket, session=SESSION))
        assert service.refusal("alice", unbind).reason is Reason.NOT_AUTHORISED
        off = services(store=service.store, clock=service.clock, create=False)
        assert off.refusal("alice", offer(ticket)).reason is Reason.NOT_AUTHORISED
        service.clock.advance(601)
        assert service.refusal("alice", offer(ticket)).reason is Reason.EXPIRED_TICKET


class TestLife:
    @pytest.mark.requirement("R5")
    def test_revoked(self, service):
        """An administrator revokes them all; an owner cannot."""
        phone = service.phone("alice")
        code = made(service, phone)[0]
        by = service.owner("alice", phone, Operation.RECOVERY)
        assert service.refusal("alice", RevokeRecoveryCodes(by=by)).reason is Reason.NOT_AUTHORISED
        service.perform("alice", RevokeRecoveryCodes(by=ROOT))
        assert not service.ask("alice").recovery_codes
        assert service.refusal("alice", use(service, code)).reason is Reason.WRONG_EVIDENCE
        assert service.refusal("alice", RevokeRecoveryCodes(by=ROOT)).reason is Reason.NOTHING_TO_DO
        assert service.refusal("alice", MakeRecoveryCodes(by=ROOT)).reason is Reason.NOT_AUTHORISED
        assert service.events(EventType.RECOVERY_CODES_REVOKED)

    @pytest.mark.requirement("R5")
    @pytest.mark.parametrize("verb", [Unbind(by=ROOT), ResetMFA(by=ROOT)])
    def test_gone(self, service, verb):
        """They go with an administrator's unbind and with a reset."""
        made(service, service.phone("alice"))
        service.perform("alice", verb)
        assert service.account("alice").recovery is None
        assert isinstance(service.perform("alice", BeginLogon(session=SESSION)), MustBind)

    @pytest.mark.requirement("R5")
    def test_owners_unbind(self, services, service):
        """They go with the owner's last device, and stay while another is bound."""
        phone = service.phone("alice")
        made(service, phone)
        service.perform("alice", Unbind(by=service.owner("alice", phone, Operation.UNBIND)))
        assert service.account("alice").recovery is None

    @pytest.mark.requirement("R5")
    @pytest.mark.parametrize("rule", OldRecoveryCodes)
    def test_a_new_password(self, services, rule):
        """They stay over a new password, by `PasswordChanged` and by a new mark, unless the policy refuses old ones."""
        service = services(recovery_codes=attrs.evolve(SUGGEST, after_password=rule))
        phone = service.phone("alice")
        made(service, phone)
        service.perform("alice", PasswordChanged())
        assert (service.account("alice").recovery is not None) is (rule is OldRecoveryCodes.KEEP)
        code = made(service, phone)[0]
        service.clock.advance(60)
        for mark in ("old", "new"):
            service.clock.advance(60)
            asked = service.ask("alice", mark=mark)
            service.perform("alice", finish(asked, service.code(phone), password_mark=mark))
        assert (service.account("alice").recovery is not None) is (rule is OldRecoveryCodes.KEEP)
        if rule is OldRecoveryCodes.KEEP:
            assert isinstance(service.perform("alice", use(service, code, mark="new")), Proof)

    @pytest.mark.requirement("R5")
    def test_a_move(self, service):
        """They move with their record."""
        code = made(service, service.phone("alice"))[0]
        service.run(service.mfa.move("alice", "alicia", ROOT))
        assert isinstance(service.perform("alicia", use(service, code, "alicia")), Proof)

    @pytest.mark.requirement("R5")
    def test_a_new_ticket_key(self, service):
        """They outlive the keys of the root record."""
        code = made(service, service.phone("alice"))[0]
        service.run(service.mfa.renew_tickets())
        assert isinstance(service.perform("alice", use(service, code)), Proof)

    @pytest.mark.requirement("R5")
    @pytest.mark.parametrize("rule", OldRecoveryCodes)
    def test_a_restore(self, services, rule):
        """Codes made before the store lost history do not count, since a used one may be back; a policy may say so."""
        policy = attrs.evolve(SUGGEST, after_lost_history=rule)
        service = services(store=StoreWithHistory(), recovery_codes=policy)
        phone = service.phone("alice")
        code = made(service, phone)[0]
        service.store.history = "2"
        assert service.ask("alice").recovery_codes is (rule is OldRecoveryCodes.KEEP)
        verb = use(service, code)
        if rule is OldRecoveryCodes.KEEP:
            assert isinstance(service.perform("alice", verb), Proof)
        else:
            assert service.refusal("alice", verb).reason is Reason.WRONG_EVIDENCE
            service.clock.advance(3_600)
            assert isinstance(service.perform("alice", use(service, made(service, phone)[0])), Proof)

    def test_used_to_the_last(self, services):
        """Of a set of one, the view says that none is left, and a logon no longer asks for it."""
        service = services(recovery_codes=attrs.evolve(SUGGEST, count=1))
        (code,) = made(service, service.phone("alice"))
        service.perform("alice", use(service, code))
        assert service.perform("alice", Describe()).recovery_codes == 0
        asked = service.perform("alice", BeginLogon(session=SESSION))
        assert isinstance(asked, Challenge)
        assert not asked.recovery_codes

    @pytest.mark.requirement("R5")
    def test_another_device_is_left(self, services):
        """They stay while the owner has another device."""
        service = services(recovery_codes=SUGGEST, devices=DevicePolicy(max_devices=2))
        phone = service.phone("alice")
        service.phone("alice", name="Spare")
        sheet = rules.make_codes(service.account("alice"), service.context("alice"), SUGGEST)
        service.plant("alice", recovery=sheet[0].recovery)
        (first, spare) = service.account("alice").devices
        service.clock.advance(60)
        asked = service.ask("alice", operation=Operation.UNBIND)
        code = TOTPCode(phone.code_at(service.clock()), device=first.id)
        receipt = service.perform("alice", finish(asked, code, operation=Operation.UNBIND)).receipt
        service.perform("alice", Unbind(spare.id, by=Owner(receipt, session=SESSION)))
        assert isinstance(service.perform("alice", use(service, sheet[1].codes[0])), Proof)

    @pytest.mark.requirement("R5")
    def test_a_full_outbox(self, services):
        """No codes are made where their event has no room; revoking them is never refused for that."""
        service = services(recovery_codes=SUGGEST, outbox=3)
        phone = service.phone("alice")
        service.run(service.mfa.deliver("alice", lambda event: None))
        made(service, phone)
        by = service.owner("alice", phone, Operation.RECOVERY)
        full = tuple(service.context("alice").event(EventType.DEVICE_BOUND) for _ in range(3))
        service.plant("alice", outbox=full)
        assert service.refusal("alice", MakeRecoveryCodes(by=by)).reason is Reason.OUTBOX_FULL
        service.perform("alice", RevokeRecoveryCodes(by=ROOT))
        assert service.account("alice").recovery is None

    @pytest.mark.requirement("R5")
    def test_a_clone_alarm(self, service):
        """They stay over the alarm of a key that may have been cloned, and still log on."""
        key = service.key("alice")
        codes = recovery_sheet_of(service, key)
        (bound,) = service.account("alice").devices
        service.plant("alice", devices=(attrs.evolve(bound, sign_count=1_000),))
        asked = service.ask("alice")
        cloned = finish(asked, Assertion(key.get(asked.options, ORIGIN)))
        assert service.refusal("alice", cloned).reason is Reason.CLONED_KEY
        assert isinstance(service.perform("alice", use(service, codes[0])), Proof)


def recovery_sheet_of(service, device):
    """Make alice's codes after a step-up with a device of any kind."""
    return service.run(recovery_sheet(service.mfa, "alice", device)).codes
