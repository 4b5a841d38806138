# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import attrs
import pytest

from ram_mfa import (
    Advice,
    Assertion,
    AttestationLevel,
    AttestationPolicy,
    BeginLogon,
    ConfirmSecurityKey,
    DevicePolicy,
    Enrolment,
    EraseAccount,
    EventType,
    Kind,
    MFAPolicy,
    OfferSecurityKey,
    OpenAccount,
    Operation,
    Owner,
    Reason,
    RelyingParty,
    SecurityKeyPolicy,
    SelfManagement,
    Unbind,
    UnknownUsers,
    UnsafeAdministrator,
)
from ram_mfa.account import NO_EPOCH
from ram_mfa.rules.tickets import Purpose, fresh, sealed_ticket
from ram_mfa.testing import ClientRefused, KeyFault, SoftAttestation, SoftSecurityKey
from tests.support.service import APP_ID, ORIGIN, OTHER_SESSION, PARTY, ROOT, SESSION, finish


def offer_of(service, user="alice", *, by=ROOT, session=SESSION, **how):
    return service.perform(
        user, OfferSecurityKey(by, **{"account_name": "alice@example", **how}, session=session, create=True)
    )


def confirm(offer, response, *, by=ROOT, session=SESSION):
    return ConfirmSecurityKey(response, offer=offer.id, by=by, session=session)


class TestOffer:
    def test_what_the_browser_gets(self, service):
        """An offer holds WebAuthn creation options and, where the site has an AppID, a U2F register request."""
        offer = offer_of(service)
        assert offer.options["rp"] == {"id": "example.com", "name": "example.com"}
        assert offer.options["user"]["name"] == "alice@example"
        assert offer.options["timeout"] == 600_000
        assert offer.u2f["appId"] == APP_ID
        assert offer.u2f["registerRequests"][0]["challenge"] == offer.options["challenge"]
        assert offer.expires_at == service.clock() + 600
        assert json.loads(json.dumps(offer.options)) == offer.options

    def test_user_handle(self, service):
        """WebAuthn's user.id is random, the account's own, and the same for each of its keys."""
        first, again = offer_of(service), offer_of(service, renew=True)
        assert first.options["user"]["id"] == again.options["user"]["id"]
        assert first.options["user"]["id"] != offer_of(service, "bob").options["user"]["id"]

    def test_without_an_app_id(self, services):
        """A site without an AppID has no U2F request."""
        service = services(relying_party=RelyingParty(id="example.com", origins=[ORIGIN]))
        assert offer_of(service).u2f is None

    def test_excludes_bound_keys(self, services):
        """A key that is bound already is excluded, through either API."""
        service = services(devices=DevicePolicy(max_devices=3))
        key = service.key("alice")
        legacy = SoftSecurityKey()
        offer = offer_of(service)
        service.perform("alice", confirm(offer, legacy.u2f_register(offer.u2f, ORIGIN)))
        offer = offer_of(service)
        assert len(offer.options["excludeCredentials"]) == 2
        assert offer.options["extensions"]["appidExclude"] == APP_ID
        assert [one["appId"] for one in offer.u2f["registeredKeys"]] == [APP_ID]

        for one in (key, legacy):
            with pytest.raises(ClientRefused, match="InvalidStateError"):
                one.create(offer.options, ORIGIN)

    def test_shown_again_to_the_same(self, service):
        """The same actor in the same session gets the same open offer; others get one of their own."""
        offer = offer_of(service)
        with service.unchanged():
            assert offer_of(service) == offer
        others = [
            offer_of(service, session=OTHER_SESSION),
            offer_of(service, by=UnsafeAdministrator("root")),
            offer_of(service, account_name="other"),
            offer_of(service, renew=True),
        ]
        assert len({one.options["challenge"] for one in (offer, *others)}) == 5

    @pytest.mark.parametrize("how", [{"name": ""}, {"name": "x" * 65}, {"name": "a\nb"}], ids=repr)
    def test_names(self, service, how):
        """A name that no page can show is refused, and nothing is written."""
        with service.unchanged():
            verb = OfferSecurityKey(ROOT, **{"account_name": "alice", **how}, session=SESSION, create=True)
            assert service.refusal("alice", verb).reason is Reason.BAD_NAME

    def test_kinds(self, services):
        """Without a site no key is offered; nor where the policy wants another kind, or another is bound."""
        verb = OfferSecurityKey(ROOT, account_name="alice", session=SESSION, create=True)
        assert services(relying_party=None).refusal("alice", verb).reason is Reason.KIND_NOT_ALLOWED
        virtual = services(devices=DevicePolicy(kinds={Kind.VIRTUAL}))
        assert virtual.refusal("alice", verb).reason is Reason.KIND_NOT_ALLOWED
        service = services()
        service.phone("alice")
        assert service.refusal("alice", verb).reason is Reason.OTHER_KIND_BOUND

    @pytest.mark.requirement("B4")
    def test_authority(self, services):
        """Authority is checked at both ends."""
        service = services(self_management=SelfManagement.NOT_ALLOWED)
        service.perform("alice", OpenAccount(by=ROOT))
        by = service.first_device("alice")
        for verb in (
            OfferSecurityKey(by, account_name="alice", session=SESSION, create=True),
            ConfirmSecurityKey("{}", offer="", by=by, session=SESSION),
        ):
            assert service.refusal("alice", verb).reason is Reason.NOT_AUTHORISED


class TestConfirm:
    def test_webauthn(self, service):
        """A registration through WebAuthn binds, for the RP ID; who did it and when is kept and shown."""
        key = SoftSecurityKey()
        offer = offer_of(service, name="Key")
        bound = service.perform("alice", confirm(offer, key.create(offer.options, ORIGIN)))
        assert (bound.name, bound.kind, bound.bound_by) == ("Key", Kind.SECURITY_KEY, "administrator root")
        assert (bound.bound_at, bound.proof, bound.model) == (service.clock(), None, "")
        device = service.account("alice").devices[0]
        assert (device.rp_id, device.app_id, device.transports) == ("example.com", None, ("usb",))
        assert (device.id, len(device.public_key), device.public_key[0]) == (bound.id, 65, 4)
        assert service.observed[-1].type is EventType.DEVICE_BOUND

    @pytest.mark.parametrize("algorithm", [-7, -8, -35, -257])
    def test_newer_keys(self, service, algorithm):
        """Newer keys bind and log on, whatever algorithm they speak."""
        key = service.key("alice", key=SoftSecurityKey(algorithm=algorithm))
        ask = service.ask("alice")

        proof = service.perform("alice", finish(ask, Assertion(key.get(ask.options, ORIGIN))))
        assert proof.phishing_resistant

    def test_through_u2f(self, service):
        """A registration through U2F binds, for the AppID, with the transports that its certificate says."""
        key = SoftSecurityKey(transports=("usb", "nfc"))
        offer = offer_of(service)
        service.perform("alice", confirm(offer, key.u2f_register(offer.u2f, ORIGIN)))
        device = service.account("alice").devices[0]
        assert (device.rp_id, device.app_id, set(device.transports)) == (None, APP_ID, {"usb", "nfc"})
        assert (device.sign_count, device.backup_eligible) == (0, None)

    @pytest.mark.parametrize("form", [dict, json.dumps, lambda response: json.dumps(response).encode()])
    @pytest.mark.parametrize("method", ["create", "u2f_register"])
    def test_forms(self, service, method, form):
        """A response is taken as text, as bytes, or as what a JSON parser made of it."""
        offer = offer_of(service)
        request = offer.options if method == "create" else offer.u2f
        response = getattr(SoftSecurityKey(), method)(request, ORIGIN)
        assert service.perform("alice", confirm(offer, form(response))).kind is Kind.SECURITY_KEY

    @pytest.mark.requirement("V26", "V27", "V28", "V29", "V34")
    @pytest.mark.parametrize(
        "fault",
        [
            KeyFault.WRONG_TYPE,
            KeyFault.WRONG_ORIGIN,
            KeyFault.WRONG_CHALLENGE,
            KeyFault.WRONG_RP_ID_HASH,
            KeyFault.TRAILING_BYTES,
            KeyFault.OFF_CURVE_KEY,
            KeyFault.WRONG_ALGORITHM,
            KeyFault.SECOND_CERTIFICATE,
        ],
    )
    @pytest.mark.parametrize("method", ["create", "u2f_register"])
    def test_faults(self, services, method, fault):
        """A registration that does not hold is refused and costs one try; its check is for the log."""
        service = services(
            security_keys=SecurityKeyPolicy(attestation=AttestationPolicy(level=AttestationLevel.UNVERIFIED_ALLOWED))
        )
        key = SoftSecurityKey(faults={fault})
        offer = offer_of(service)
        response = getattr(key, method)(offer.options if method == "create" else offer.u2f, ORIGIN)
        refusal = service.refusal("alice", confirm(offer, response))
        assert (refusal.reason, refusal.advice) == (Reason.BAD_REGISTRATION, Advice.RETYPE)
        assert refusal.check
        account = service.account("alice")
        assert (account.devices, account.offers[0].tries) == ((), 9)
        key.faults = frozenset()
        response = getattr(key, method)(offer.options if method == "create" else offer.u2f, ORIGIN)
        assert service.perform("alice", confirm(offer, response)).kind is Kind.SECURITY_KEY

    @pytest.mark.requirement("V35")
    @pytest.mark.parametrize(
        "response",
        [
            *("", "{}", "[]", "null", b"", b"\xff", {}, [], None, 5, object(), {"registrationData": 5}),
            *({"errorCode": "x"}, '{"registrationData":"AA"}', {"errorCode": 4}, '{"errorCode":5}', {"id": "A"}),
            "x" * 200_000,
        ],
        ids=lambda response: repr(response)[:24],
    )
    def test_whatever_comes(self, service, response):
        """Whatever a browser or somebody else sends is a registration that does not hold: counted, and no crash."""
        offer = offer_of(service)
        refusal = service.refusal("alice", confirm(offer, response))
        assert refusal.reason is Reason.BAD_REGISTRATION
        assert service.account("alice").offers[0].tries == 9

    def test_the_clients_error(self, service):
        """What the U2F client reports instead of an answer is kept for the log."""
        key = SoftSecurityKey(touched=False)
        offer = offer_of(service)
        assert service.refusal("alice", confirm(offer, key.u2f_register(offer.u2f, ORIGIN))).check == "TIMEOUT"

    def test_u2f_without_an_app_id(self, services):
        """A U2F registration where the site has no AppID is none for it."""
        parties = [PARTY]
        service = services(policy=lambda: MFAPolicy.ram(issuer="Example", relying_party=parties[0]))
        offer = offer_of(service)
        response = SoftSecurityKey().u2f_register(offer.u2f, ORIGIN)
        parties[0] = RelyingParty(id="example.com", origins=[ORIGIN])
        assert service.refusal("alice", confirm(offer, response)).check == "AppID"

    def test_a_site_taken_away(self, services):
        """Without a site nothing is bound any more."""
        parties = [PARTY]
        service = services(policy=lambda: MFAPolicy.ram(issuer="Example", relying_party=parties[0]))
        offer = offer_of(service)
        response = SoftSecurityKey().create(offer.options, ORIGIN)
        parties[0] = None
        assert service.refusal("alice", confirm(offer, response)).reason is Reason.KIND_NOT_ALLOWED

    @pytest.mark.requirement("B12")
    def test_by_the_same_only(self, service):
        """Another actor, session, user or offer does not confirm, and costs no try."""
        key = SoftSecurityKey()
        offer = offer_of(service)
        response = key.create(offer.options, ORIGIN)
        with service.unchanged():
            other = confirm(offer, response, by=UnsafeAdministrator("root"))
            assert service.refusal("alice", other).reason is Reason.OFFER_GONE
            other = confirm(offer, response, session=OTHER_SESSION)
            assert service.refusal("alice", other).reason is Reason.FOREIGN_TICKET
            assert service.refusal("bob", confirm(offer, response)).reason is Reason.FOREIGN_TICKET
        service.clock.advance(600)
        assert service.refusal("alice", confirm(offer, response)).reason is Reason.EXPIRED_TICKET

    def test_no_record(self, service):
        """Were there an offer's ticket for no record, it binds nothing."""
        moment = service.context("alice")
        stamp = fresh(moment, Purpose.OFFER_SECURITY_KEY, lifetime=300)
        ticket = sealed_ticket(None, moment, stamp, purpose=Purpose.OFFER_SECURITY_KEY, session=SESSION)
        verb = ConfirmSecurityKey("{}", offer=ticket, by=ROOT, session=SESSION)
        assert service.refusal("alice", verb).reason is Reason.OFFER_GONE

    @pytest.mark.requirement("B11")
    def test_at_logon(self, services):
        """A user who must bind binds a key at logon, without a record too, and is logged on by the bind's proof."""
        service = services(unknown_users=UnknownUsers.MUST_BIND)
        must = service.perform("alice", BeginLogon(session=SESSION))
        by = Enrolment(must.id, session=SESSION)
        offer = offer_of(service, by=by)
        assert service.account("alice").epoch == NO_EPOCH
        bound = service.perform("alice", confirm(offer, SoftSecurityKey().create(offer.options, ORIGIN), by=by))
        assert bound.proof.phishing_resistant
        assert bound.last_used_at == service.clock()

    def test_a_spare_by_its_owner(self, services):
        """Where the policy allows spare keys, the owner binds one with a receipt."""
        service = services(devices=DevicePolicy(max_devices=2))
        key = service.key("alice")
        ask = service.ask("alice", operation=Operation.BIND)

        evidence = Assertion(key.get(ask.options, ORIGIN))
        receipt = service.perform("alice", finish(ask, evidence, operation=Operation.BIND)).receipt
        by = Owner(receipt, session=SESSION)
        offer = offer_of(service, by=by)
        service.perform("alice", confirm(offer, SoftSecurityKey().create(offer.options, ORIGIN), by=by))
        assert len(service.account("alice").devices) == 2


class TestClaims:
    """A credential id belongs to one user permanently."""

    def same_key(self):
        return SoftSecurityKey(seed=b"the same key")

    @pytest.mark.standard("WebAuthn 7.1 registering a new credential", "ram_mfa.rules.verb.Claim")
    def test_another_user(self, service):
        """A key's credential that one user has bound is refused to every other, and stays so after an unbind."""
        from ram_mfa import Unbind

        service.key("alice", key=self.same_key())
        offer = offer_of(service, "bob")
        taken = confirm(offer, self.same_key().create(offer.options, ORIGIN))
        for change in (None, Unbind(by=ROOT), EraseAccount(by=ROOT)):
            if change is not None:
                service.perform("alice", change)
            refusal = service.refusal("bob", taken)
            assert (refusal.reason, refusal.advice) == (Reason.CREDENTIAL_TAKEN, Advice.NOT_ALLOWED)
        assert service.account("bob").devices == ()
        assert service.account("bob").offers[0].tries == 10

    def test_its_own_user_again(self, service):
        """Its own user may bind it again after an unbind."""
        service.key("alice", key=self.same_key())
        service.perform("alice", Unbind(by=ROOT))
        service.key("alice", key=self.same_key())
        assert len(service.account("alice").devices) == 1

    def test_not_twice(self, services):
        """Bound already, it is not bound a second time, whatever the browser let through."""
        service = services(devices=DevicePolicy(max_devices=2))
        service.key("alice", key=self.same_key())
        offer = offer_of(service)
        options = {**offer.options, "excludeCredentials": []}
        refusal = service.refusal("alice", confirm(offer, self.same_key().create(options, ORIGIN)))
        assert refusal.reason is Reason.CREDENTIAL_TAKEN

    def test_another_tenant(self, service):
        """Tenants' claims are apart."""
        service.key("alice", key=self.same_key())
        tenant = attrs.evolve(service, mfa=service.mfa.for_tenant("t", service.mfa._engine.policy()))
        tenant.key("bob", key=self.same_key())
        assert len(tenant.account("bob", tenant="t").devices) == 1


class TestAttestation:
    def policy(self, *roots):
        return AttestationPolicy(level=AttestationLevel.CHAINED, roots=roots)

    @pytest.mark.requirement("U5", "V32")
    @pytest.mark.parametrize("method", ["create", "u2f_register"])
    def test_chained(self, services, method):
        """Where the policy wants a trusted key, one that chains to its roots is bound with its model, no other."""
        maker = SoftAttestation.make()
        service = services(security_keys=SecurityKeyPolicy(attestation=self.policy(maker.root)))
        offer = offer_of(service)
        request = offer.options if method == "create" else offer.u2f
        stranger = getattr(SoftSecurityKey(), method)(request, ORIGIN)
        assert service.refusal("alice", confirm(offer, stranger)).reason is Reason.BAD_REGISTRATION
        answer = getattr(SoftSecurityKey(attestation=maker), method)(request, ORIGIN)
        bound = service.perform("alice", confirm(offer, answer))
        assert bound.model != ""
        assert service.account("alice").devices[0].attestation == "trusted"
