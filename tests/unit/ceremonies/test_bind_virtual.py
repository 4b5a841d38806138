# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ram_mfa import (
    Advice,
    BeginLogon,
    ConfirmVirtualDevice,
    DevicePolicy,
    Enrolment,
    EraseAccount,
    EventType,
    Kind,
    Lifetimes,
    MFAPolicy,
    OfferSecurityKey,
    OfferVirtualDevice,
    OpenAccount,
    Operation,
    Owner,
    ProofOf,
    Reason,
    SelfManagement,
    TOTPCode,
    TOTPPolicy,
    UnknownUsers,
    UnsafeAdministrator,
)
from ram_mfa.account import MAX_OFFERS, NO_EPOCH
from ram_mfa.otp import Algorithm, KeyURI
from ram_mfa.rules.tickets import Purpose, fresh, sealed_ticket
from ram_mfa.testing import AuthenticatorApp
from tests.support.service import OTHER_SESSION, ROOT, SESSION, finish


def offer_of(service, user="alice", *, by=ROOT, session=SESSION, **how):
    return service.perform(
        user, OfferVirtualDevice(by, **{"account_name": "alice@example", **how}, session=session, create=True)
    )


def confirm(offer, *codes, by=ROOT, session=SESSION):
    return ConfirmVirtualDevice(codes, offer=offer.id, by=by, session=session)


def now(service, offer, steps=0):
    phone = AuthenticatorApp.scan(offer.key_uri)
    return phone.code_at(service.clock() + steps * phone.period)


class TestOffer:
    def test_what_the_user_gets(self, service):
        """An offer holds what an app needs: the URI for the QR code, and the key in groups of four to type."""
        offer = offer_of(service)
        uri = KeyURI.parse(offer.key_uri)
        assert (uri.kind, uri.issuer, uri.account) == ("totp", "Example", "alice@example")
        assert (uri.algorithm, uri.digits, uri.period, len(uri.secret)) == (Algorithm.SHA1, 6, 30, 20)
        typed = AuthenticatorApp.typed(offer.account_name, offer.setup_key)
        assert typed.code_at(service.clock()) == now(service, offer)
        assert set(map(len, offer.setup_key.split(" "))) == {4}
        assert (offer.codes, offer.expires_at) == (1, service.clock() + 600)
        assert service.events(EventType.DEVICE_OFFERED)[0].actor == "administrator root"

    @pytest.mark.requirement("O3", "O4", "V25")
    @pytest.mark.parametrize(
        ("algorithm", "size"), [(Algorithm.SHA1, 20), (Algorithm.SHA256, 32), (Algorithm.SHA512, 64)]
    )
    def test_secrets(self, services, algorithm, size):
        """A secret has the length of its HMAC and is another one for each user and each offer."""
        service = services(totp=TOTPPolicy(algorithm=algorithm, digits=8, period=60))
        uris = [KeyURI.parse(offer_of(service, user).key_uri) for user in ("alice", "bob")]
        uris.append(KeyURI.parse(offer_of(service, renew=True).key_uri))
        assert {len(uri.secret) for uri in uris} == {size}
        assert len({bytes(uri.secret) for uri in uris}) == 3
        assert {(uri.algorithm, uri.digits, uri.period) for uri in uris} == {(algorithm, 8, 60)}

    @pytest.mark.requirement("V23")
    def test_binds_nothing(self, service):
        """An offer binds nothing: the user has no device, and what was offered does not log on."""
        offer_of(service)
        assert service.account("alice").devices == ()

    @pytest.mark.requirement("O21")
    def test_shown_again_to_the_same(self, service):
        """The same actor in the same session sees the same open offer again; nothing is written."""
        offer = offer_of(service)
        with service.unchanged():
            assert offer_of(service) == offer
        service.clock.advance(100)
        with service.unchanged():
            assert offer_of(service) == offer

    @pytest.mark.requirement("O21", "B6", "V24")
    def test_shown_to_nobody_else(self, service):
        """Another session, actor or account name gets a secret of its own, never the open one."""
        first = offer_of(service)
        others = [
            offer_of(service, session=OTHER_SESSION),
            offer_of(service, by=UnsafeAdministrator("root")),
            offer_of(service, account_name="alice@elsewhere"),
            offer_of(service, renew=True),
        ]
        assert len({offer.key_uri for offer in (first, *others)}) == 5

    @pytest.mark.requirement("O21", "B6")
    def test_never_after(self, service):
        """Once it is bound the secret is given out no more: an offer is refused, a view holds none."""
        offer = offer_of(service)
        service.perform("alice", confirm(offer, now(service, offer)))
        refusal = service.refusal(
            "alice", OfferVirtualDevice(ROOT, account_name="alice@example", session=SESSION, create=True)
        )
        assert (refusal.reason, refusal.advice) == (Reason.TOO_MANY_DEVICES, Advice.NOT_ALLOWED)

    def test_bounded(self, service):
        """Four offers are open at once, the oldest goes; one actor in one session has one of a kind."""
        offers = [offer_of(service, session=f"the session of browser {turn}") for turn in range(MAX_OFFERS + 1)]
        assert len(service.account("alice").offers) == MAX_OFFERS
        gone = confirm(offers[0], now(service, offers[0]), session="the session of browser 0")
        assert service.refusal("alice", gone).reason is Reason.OFFER_GONE
        offer_of(service, session="the session of browser 1", renew=True)
        offer_of(service, session="the session of browser 1", account_name="other")
        assert len(service.account("alice").offers) == MAX_OFFERS
        gone = confirm(offers[1], now(service, offers[1]), session="the session of browser 1")
        assert service.refusal("alice", gone).reason is Reason.OFFER_GONE
        assert service.perform("alice", confirm(offers[2], now(service, offers[2]), session="the session of browser 2"))

    @pytest.mark.parametrize(
        "how",
        [
            {"name": ""},
            {"name": "x" * 65},
            {"name": "a\nb"},
            {"name": "   "},
            {"name": "\ud800"},
        ],
        ids=repr,
    )
    def test_names(self, service, how):
        """A name that no page or app can show is refused, and nothing is written."""
        with service.unchanged():
            verb = OfferVirtualDevice(ROOT, **{"account_name": "alice", **how}, session=SESSION, create=True)
            refusal = service.refusal("alice", verb)
        assert (refusal.reason, refusal.advice) == (Reason.BAD_NAME, Advice.RETYPE)

    @pytest.mark.requirement("A32")
    @pytest.mark.parametrize("kind", [OfferVirtualDevice, OfferSecurityKey])
    @pytest.mark.parametrize(
        ("account_name", "error", "reason"),
        [
            ("", ValueError, "1 to 128 characters"),
            ("x" * 129, ValueError, "1 to 128 characters"),
            ("DOMAIN:alice", ValueError, "without a colon"),
            (" alice", ValueError, "without a blank at an end"),
            ("alice\n", ValueError, "without a blank at an end"),
            ("al\x00ice", ValueError, "printable characters"),
            ("al\u2028ice", ValueError, "printable characters"),
            ("\ud800", ValueError, "printable characters"),
            (None, TypeError, "not "),
            (5, TypeError, "not "),
            (b"alice", TypeError, "not "),
        ],
    )
    def test_account_names(self, kind, account_name, error, reason):
        """One rule for both kinds of device; what is wrong is said to the developer, when the verb is built."""
        with pytest.raises(error, match=rf"{kind.__name__}\.account_name must be a string.*{reason}"):
            kind(ROOT, account_name=account_name, session=SESSION)

    @pytest.mark.requirement("A32")
    @pytest.mark.parametrize("account_name", ["alice", "x" * 128, "alice@example", "用户 1", "DOMAIN\\alice"])
    def test_good_account_names(self, services, account_name):
        """What one kind of device takes, the other takes too."""
        service = services()
        service.perform("alice", OfferVirtualDevice(ROOT, account_name=account_name, session=SESSION, create=True))
        service.perform("alice", OfferSecurityKey(ROOT, account_name=account_name, session=SESSION, create=True))

    def test_good_names(self, service):
        """Letters of all scripts are fine; a device without a name is called by its kind."""
        offer = offer_of(service, name="Жёлтый телефон", account_name="用户@example")
        assert service.perform("alice", confirm(offer, now(service, offer))).name == "Жёлтый телефон"
        offer = offer_of(service, "bob")
        assert service.perform("bob", confirm(offer, now(service, offer))).name == "virtual MFA device"

    def test_kinds(self, services):
        """What kinds and how many may be bound is the policy's."""
        only_keys = services(devices=DevicePolicy(kinds={Kind.SECURITY_KEY}))
        verb = OfferVirtualDevice(ROOT, account_name="alice", session=SESSION, create=True)
        assert only_keys.refusal("alice", verb).reason is Reason.KIND_NOT_ALLOWED
        one_kind = services()
        one_kind.key("alice")
        assert one_kind.refusal("alice", verb).reason is Reason.OTHER_KIND_BOUND

    @pytest.mark.requirement("O20", "V36")
    def test_nothing_is_shown(self, service):
        """The repr of an offer holds neither secret nor ticket."""
        offer = offer_of(service)
        secret = str(offer.setup_key).replace(" ", "")
        shown = repr((offer, service.observed, service.account("alice"))).replace(" ", "")
        assert secret not in shown
        assert str(offer.id) not in shown


class TestConfirm:
    def test_bound(self, service):
        """One code binds: who did it and when is kept and shown; an administrator's bind is no proof."""
        offer = offer_of(service, name="Phone")
        service.clock.advance(20)
        bound = service.perform("alice", confirm(offer, now(service, offer)))
        assert (bound.name, bound.kind, bound.bound_by) == ("Phone", Kind.VIRTUAL, "administrator root")
        assert (bound.bound_at, bound.last_used_at, bound.proof) == (service.clock(), None, None)
        account = service.account("alice")
        assert [device.id for device in account.devices] == [bound.id]
        assert account.offers == ()
        event = service.observed[-1]
        assert (event.type, event.device, event.actor) == (EventType.DEVICE_BOUND, bound.id, "administrator root")

    @pytest.mark.requirement("O22")
    @pytest.mark.parametrize("steps", [-1, 0, 1])
    def test_the_window(self, service, steps):
        """The code of each step of the window confirms, and is consumed."""
        offer = offer_of(service)
        code = now(service, offer, steps)
        service.perform("alice", confirm(offer, code))
        refusal = service.refusal("alice", finish(service.ask("alice"), TOTPCode(code)))
        assert refusal.reason is Reason.REPLAYED_CODE

    @pytest.mark.parametrize("steps", [-2, 2])
    def test_outside_the_window(self, service, steps):
        """A code outside the window does not."""
        offer = offer_of(service)
        assert service.refusal("alice", confirm(offer, now(service, offer, steps))).reason is Reason.WRONG_CODE

    @pytest.mark.parametrize(
        ("steps", "binds"),
        [
            *(((0, 1), True), ((-1, 0), True), ((-2, -1), True), ((1, 2), False), ((0, 0), False)),
            *(((1, 0), False), ((-1, 1), False), ((0,), False), ((0, 1, 2), False), ((), False)),
        ],
    )
    def test_two_codes(self, services, steps, binds):
        """Where the policy asks for two, they are consecutive, in order, two, and both consumed."""
        service = services(totp=TOTPPolicy(codes=2))
        offer = offer_of(service)
        assert offer.codes == 2
        verb = confirm(offer, *(now(service, offer, step) for step in steps))
        if not binds:
            assert service.refusal("alice", verb).reason is Reason.WRONG_CODE
            return
        service.perform("alice", verb)
        phone = AuthenticatorApp.scan(offer.key_uri)
        for step in range(-1, steps[-1] + 1):
            refusal = service.refusal("alice", finish(service.ask("alice"), service.code(phone, steps=step)))
            assert refusal.reason is Reason.REPLAYED_CODE

    @pytest.mark.parametrize("codes", [None, 5, "000000", ["１２３４５６"], [None], [[]], iter(["000000"])], ids=repr)
    def test_what_people_type(self, service, codes):
        """What is no code is a wrong code, counted on the offer; a single text is one code."""
        offer = offer_of(service)
        verb = ConfirmVirtualDevice(codes, offer=offer.id, by=ROOT, session=SESSION)
        assert service.refusal("alice", verb).reason is Reason.WRONG_CODE
        assert service.account("alice").offers[0].tries == 9
        text = ConfirmVirtualDevice(now(service, offer), offer=offer.id, by=ROOT, session=SESSION)
        assert service.perform("alice", text).kind is Kind.VIRTUAL

    @pytest.mark.requirement("B9", "V21")
    def test_expires(self, services):
        """An offer lives as long as the policy says, ten minutes at the most, and is shown no longer."""
        service = services(lifetimes=Lifetimes(offer=60))
        offer = offer_of(service)
        service.clock.advance(60)
        refusal = service.refusal("alice", confirm(offer, now(service, offer)))
        assert refusal.reason is Reason.EXPIRED_TICKET
        assert offer_of(service).key_uri != offer.key_uri
        assert len(service.account("alice").offers) == 1

    @pytest.mark.requirement("B12", "V21")
    def test_by_the_same_only(self, service):
        """Another actor or session does not confirm, and costs no try."""
        offer = offer_of(service)
        code = now(service, offer)
        with service.unchanged():
            other = confirm(offer, code, by=UnsafeAdministrator("root"))
            assert service.refusal("alice", other).reason is Reason.OFFER_GONE
            assert service.refusal("alice", confirm(offer, code, session=OTHER_SESSION)).reason is Reason.FOREIGN_TICKET
            assert service.refusal("bob", confirm(offer, code)).reason is Reason.FOREIGN_TICKET
        service.perform("alice", confirm(offer, code))

    @pytest.mark.requirement("V4", "B21")
    def test_once(self, service):
        """An offer that was confirmed is gone."""
        offer = offer_of(service)
        service.perform("alice", confirm(offer, now(service, offer)))
        refusal = service.refusal("alice", confirm(offer, now(service, offer, 1)))
        assert refusal.reason is Reason.FOREIGN_TICKET

    @pytest.mark.requirement("B10")
    def test_judged_again(self, services):
        """Kinds and numbers are judged at the confirmation too, by the policy of that moment."""
        rules = [DevicePolicy()]
        service = services(policy=lambda: MFAPolicy.ram(issuer="Example", devices=rules[0]))
        offer = offer_of(service)
        rules[0] = DevicePolicy(kinds={Kind.SECURITY_KEY})
        with service.unchanged():
            refusal = service.refusal("alice", confirm(offer, now(service, offer)))
        assert refusal.reason is Reason.KIND_NOT_ALLOWED

    def test_no_record(self, service):
        """Were there an offer's ticket for no record, it binds nothing."""
        moment = service.context("alice")
        stamp = fresh(moment, Purpose.OFFER_VIRTUAL_DEVICE, lifetime=300)
        ticket = sealed_ticket(None, moment, stamp, purpose=Purpose.OFFER_VIRTUAL_DEVICE, session=SESSION)
        verb = ConfirmVirtualDevice(["000000"], offer=ticket, by=ROOT, session=SESSION)
        assert service.refusal("alice", verb).reason is Reason.OFFER_GONE


class TestWhoBinds:
    @pytest.mark.requirement("B11")
    def test_at_logon(self, service):
        """A user who must bind binds at logon, and is logged on by the bind's own proof."""
        service.perform("alice", OpenAccount(by=ROOT))
        must = service.perform("alice", BeginLogon(session=SESSION))
        by = Enrolment(must.id, session=SESSION)
        offer = offer_of(service, by=by)
        bound = service.perform("alice", confirm(offer, now(service, offer), by=by))
        assert bound.bound_by == "owner at logon"
        assert bound.last_used_at == service.clock()
        assert (bound.proof.user, bound.proof.purpose, bound.proof.device) == ("alice", ProofOf.LOGON, bound.id)
        refusal = service.refusal("alice", OfferVirtualDevice(by, account_name="alice", session=SESSION, create=True))
        assert refusal.reason is Reason.PROOF_NEEDED

    @pytest.mark.requirement("B11", "V16")
    def test_at_logon_without_a_record(self, services):
        """So does a user without a record, where the policy says so by name; the record begins with the offer."""
        service = services(unknown_users=UnknownUsers.MUST_BIND)
        must = service.perform("alice", BeginLogon(session=SESSION))
        by = Enrolment(must.id, session=SESSION)
        offer = offer_of(service, by=by)
        begun = service.account("alice")
        assert (begun.epoch, begun.required) == (NO_EPOCH, True)
        bound = service.perform("alice", confirm(offer, now(service, offer), by=by))
        assert bound.proof.user == "alice"
        assert service.account("alice").epoch != NO_EPOCH

    @pytest.mark.requirement("B11")
    def test_an_enrolment_that_is_none(self, services):
        """An enrolment is verified: forged, of another session or user, expired or waived, it opens nothing."""
        service = services()
        for user in ("alice", "bob"):
            service.perform(user, OpenAccount(by=ROOT))
        must = service.perform("alice", BeginLogon(session=SESSION))
        verbs = {
            "forged": ("alice", Enrolment("A" * 95, session=SESSION)),
            "session": ("alice", Enrolment(must.id, session=OTHER_SESSION)),
            "user": ("bob", Enrolment(must.id, session=SESSION)),
        }
        for user, by in verbs.values():
            refusal = service.refusal(user, OfferVirtualDevice(by, account_name="a", session=SESSION, create=True))
            assert refusal.reason is Reason.FOREIGN_TICKET
        by = Enrolment(must.id, session=SESSION)
        service.plant("alice", required=False)
        refusal = service.refusal("alice", OfferVirtualDevice(by, account_name="a", session=SESSION, create=True))
        assert refusal.reason is Reason.NOT_AUTHORISED
        service.plant("alice", required=True)
        service.clock.advance(600)
        refusal = service.refusal("alice", OfferVirtualDevice(by, account_name="a", session=SESSION, create=True))
        assert refusal.reason is Reason.EXPIRED_TICKET

    def test_no_enrolment_without_a_record(self, service):
        """Where users without a record are refused, no enrolment of theirs is one."""
        moment = service.context("carol")
        stamp = fresh(moment, Purpose.ENROLMENT, lifetime=300)
        ticket = sealed_ticket(None, moment, stamp, purpose=Purpose.ENROLMENT, session=SESSION)
        by = Enrolment(ticket, session=SESSION)
        refusal = service.refusal("carol", OfferVirtualDevice(by, account_name="a", session=SESSION, create=True))
        assert refusal.reason is Reason.NOT_AUTHORISED

    @pytest.mark.requirement("B2", "V21")
    @pytest.mark.parametrize(
        ("age", "reason"),
        [(0, None), (599, None), (600, Reason.EXPIRED_TICKET), (-60, None), (-61, Reason.FUTURE_TICKET)],
    )
    @pytest.mark.parametrize("required", [True, False])
    def test_a_first_device_by_its_owner(self, service, age, reason, required):
        """The owner binds a first device within ten minutes of the password, the clocks' skew allowed for."""
        service.perform("alice", OpenAccount(required=required, by=ROOT))
        by = service.first_device("alice")
        service.clock.advance(age)
        verb = OfferVirtualDevice(by, account_name="alice", session=SESSION, create=True)
        if reason is not None:
            assert service.refusal("alice", verb).reason is reason
            return
        offer = service.perform("alice", verb)
        bound = service.perform("alice", confirm(offer, now(service, offer), by=by))
        assert (bound.bound_by, bound.proof) == ("owner", None)

    @pytest.mark.requirement("B2", "V21")
    def test_not_beside_a_bound_device(self, services):
        """Where a device is bound, the password alone is not enough; a receipt for binding is, and is good once."""
        service = services(devices=DevicePolicy(max_devices=3))
        phone = service.phone("alice")
        by = service.first_device("alice")
        verb = OfferVirtualDevice(by, account_name="alice", session=SESSION, create=True)
        assert service.refusal("alice", verb).advice is Advice.PROVE_AGAIN
        by = service.owner("alice", phone, Operation.BIND)
        offer = offer_of(service, by=by)
        assert service.refusal("alice", confirm(offer, "no code", by=by)).reason is Reason.WRONG_CODE
        assert service.perform("alice", confirm(offer, now(service, offer), by=by)).bound_by == "owner"
        assert service.refusal(
            "alice", OfferVirtualDevice(by, account_name="a", session=SESSION, create=True)
        ).reason is (Reason.BAD_RECEIPT)

    @pytest.mark.requirement("B4")
    def test_owners_may_not(self, services):
        """Where the policy leaves devices to administrators, the owner does not even bind the first."""
        service = services(self_management=SelfManagement.NOT_ALLOWED)
        service.perform("alice", OpenAccount(by=ROOT))
        by = service.first_device("alice")
        refusal = service.refusal("alice", OfferVirtualDevice(by, account_name="alice", session=SESSION, create=True))
        assert (refusal.reason, refusal.advice) == (Reason.NOT_AUTHORISED, Advice.NOT_ALLOWED)
        refusal = service.refusal("alice", ConfirmVirtualDevice(["000000"], offer="", by=by, session=SESSION))
        assert refusal.reason is Reason.NOT_AUTHORISED

    def test_owner_without_a_record(self, service):
        """An owner without a record has nothing to manage; one without a receipt has proved nothing."""
        for user, by, reason in (
            ("carol", Owner.first_device("ticket", session=SESSION), Reason.NO_ACCOUNT),
            ("carol", Owner("receipt", session=SESSION), Reason.NO_ACCOUNT),
        ):
            refusal = service.refusal(user, OfferVirtualDevice(by, account_name="a", session=SESSION, create=True))
            assert refusal.reason is reason
        service.phone("alice")
        refusal = service.refusal(
            "alice", OfferVirtualDevice(Owner(None, session=SESSION), account_name="a", session=SESSION)
        )
        assert refusal.reason is Reason.PROOF_NEEDED

    def test_an_administrator_opens_the_record(self, service):
        """An administrator's offer opens a record, and requires MFA; erased, the offer is gone with it."""
        offer = offer_of(service)
        assert service.account("alice").required
        assert service.account("alice").epoch != NO_EPOCH
        service.perform("alice", EraseAccount(by=ROOT))
        refusal = service.refusal("alice", confirm(offer, now(service, offer)))
        assert refusal.reason is Reason.FOREIGN_TICKET

    def test_a_tried_offer_among_others(self, service):
        """A wrong confirmation costs the offer that it was for, and no other."""
        first, second = offer_of(service), offer_of(service, session=OTHER_SESSION)
        service.refusal("alice", confirm(second, "no code", session=OTHER_SESSION))
        assert [offer.tries for offer in service.account("alice").offers] == [10, 9]
        assert service.perform("alice", confirm(first, now(service, first))).kind is Kind.VIRTUAL
