# SPDX-License-Identifier: Apache-2.0
"""Binding a security key through the verbs: options, registrations at both APIs, attestation, tries, limits."""

from __future__ import annotations

import json

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ram_mfa import (
    Administrator,
    AttestationLevel,
    AttestationPolicy,
    ConfirmSecurityKey,
    ConfirmVirtualDevice,
    Describe,
    DevicePolicy,
    EventType,
    FinishLogon,
    ImportSecurityKey,
    Kind,
    OfferSecurityKey,
    OfferVirtualDevice,
    OpenAccount,
    PasswordChanged,
    Reason,
    Refused,
    RelyingParty,
    SecurityKeyPolicy,
    StoreContended,
    StoreUnavailable,
    Unbind,
)
from ram_mfa.account import OFFER_TRIES
from ram_mfa.encoding.base64url import decode, encode
from ram_mfa.refusals import Ticket
from ram_mfa.testing import ClientRefused, KeyFault, SoftAttestation, SoftSecurityKey
from ram_mfa.u2f import AttestationCertificate
from tests.support import rounds
from tests.support.key_apis import KeyAPI, answer, registration
from tests.support.key_faults import EDDSA, ES256, KINDS, at_registration
from tests.support.legacy import registered
from tests.support.service import APP_ID, ORIGIN, OTHER_SESSION, ROOT, SESSION, Services, finish

ASKED = AttestationPolicy(level=AttestationLevel.UNVERIFIED_ALLOWED)
kinds = pytest.mark.parametrize("kind", KINDS, ids=str)
apis = pytest.mark.parametrize("api", KeyAPI, ids=lambda api: api.value)


def offered(service, user="alice", *, by=ROOT, session=SESSION, **how):
    return service.perform(
        user, OfferSecurityKey(by, account_name=f"{user}@example", session=session, **how, create=True)
    )


def confirm(offer, response, *, by=ROOT, session=SESSION):
    return ConfirmSecurityKey(response, offer=offer.id, by=by, session=session)


def bind(service, kind, user="alice", key=None):
    offer, key = offered(service, user), key or kind.key()
    return key, service.perform(user, confirm(offer, registration(kind.api, key, offer)))


def logs_on(service, key, api=KeyAPI.WEBAUTHN, user="alice"):
    asked = service.ask(user)
    return service.perform(user, finish(asked, answer(api, key, asked)))


def unb64(text):
    return decode(text, message="test", field="text")


class TestOptions:
    @pytest.mark.standard("WebAuthn Level 3 #sctn-parseCreationOptionsFromJSON", "ram_mfa.OfferSecurityKey")
    def test_json_ready(self, services):
        """Both requests go through JSON unchanged, and a key answers what came out of it."""
        for api in KeyAPI:
            service = services()
            offer = offered(service)
            for request in (offer.options, offer.u2f):
                assert json.loads(json.dumps(request)) == request
            read = attrs.evolve(
                offer, options=json.loads(json.dumps(offer.options)), u2f=json.loads(json.dumps(offer.u2f))
            )
            told = json.dumps(registration(api, SoftSecurityKey(), read))
            assert service.perform("alice", confirm(offer, told)).kind is Kind.SECURITY_KEY

    @pytest.mark.requirement("U16")
    def test_creation_options(self, service):
        """The options name the site, the user's random handle and the account, and ask for what U2F keys can give."""
        offer = offered(service)
        options = offer.options
        assert options["rp"] == {"id": "example.com", "name": "example.com"}
        assert options["user"] == {
            "id": encode(service.account("alice").handle),
            "name": "alice@example",
            "displayName": "alice@example",
        }
        assert len(service.account("alice").handle) == 32
        assert options["authenticatorSelection"]["userVerification"] == "discouraged"
        assert options["authenticatorSelection"]["residentKey"] == "discouraged"
        assert options["hints"] == ["security-key"]
        assert options["attestation"] == "none"
        assert options["excludeCredentials"] == []
        assert options["extensions"] == {}
        assert -7 in [one["alg"] for one in options["pubKeyCredParams"]]
        assert options["timeout"] == 600_000
        assert offer.expires_at == service.clock() + 600
        assert len(unb64(options["challenge"])) == 32

    @pytest.mark.requirement("U16", "V26")
    def test_one_challenge_at_both_apis(self, service):
        """The challenge is the ticket's own, the same at both APIs, and another for every offer."""
        offer = offered(service)
        challenge = offer.options["challenge"]
        assert offer.u2f["registerRequests"] == [{"version": "U2F_V2", "challenge": challenge}]
        assert unb64(challenge) == unb64(offer.id[: Ticket.HEAD])[-32:]
        again, renewed = offered(service), offered(service, renew=True)
        elsewhere = offered(service, session=OTHER_SESSION)
        assert (again.id, again.options) == (offer.id, offer.options)
        assert len({challenge, renewed.options["challenge"], elsewhere.options["challenge"]}) == 3

    def test_asked_twice(self, service):
        """The same actor in the same session gets the same offer, and nothing is written for it."""
        offered(service)
        with service.unchanged():
            offered(service)
        assert len(service.events(EventType.DEVICE_OFFERED)) == 1

    @pytest.mark.standard(
        "WebAuthn Level 3 #dom-publickeycredentialcreationoptions-excludecredentials", "ram_mfa.OfferSecurityKey"
    )
    @kinds
    def test_excluded(self, services, kind):
        """A key that is bound already says so itself, and to its own user alone; another key is bound beside it."""
        service = services(devices=DevicePolicy(max_devices=3))
        key, bound = bind(service, kind)
        offer = offered(service)
        excluded = offer.options["excludeCredentials"]
        assert [one["id"] for one in excluded] == [bound.id]
        assert excluded[0]["transports"] == ["usb"]
        with pytest.raises(ClientRefused) as caught:
            key.create(offer.options, ORIGIN)
        assert caught.value.name == "InvalidStateError"
        if kind.api is KeyAPI.U2F:
            assert offer.options["extensions"] == {"appidExclude": APP_ID}
            assert key.u2f_register(offer.u2f, ORIGIN) == {"errorCode": 4}
        else:
            assert offer.options["extensions"] == {}
            assert offer.u2f["registeredKeys"] == []
        assert offered(service, "bob").options["excludeCredentials"] == []
        other, _ = bind(service, kind)
        assert logs_on(service, other).device != bound.id

    @pytest.mark.standard("WebAuthn Level 3 #sctn-appid-exclude-extension", "ram_mfa.OfferSecurityKey")
    def test_appid_exclude(self, services):
        """Where a key from the days of U2F is bound, the browser is given its AppID, and finds it."""
        service, legacy = services(devices=DevicePolicy(max_devices=3)), registered()
        service.perform("alice", ImportSecurityKey(legacy.kept, app_id=APP_ID, by=ROOT, create=True))
        offer = offered(service)
        assert offer.options["extensions"] == {"appidExclude": APP_ID}
        with pytest.raises(ClientRefused) as caught:
            legacy.key.create(offer.options, ORIGIN)
        assert caught.value.name == "InvalidStateError"

    def test_no_app_id(self, services):
        """Where the site has no AppID, nothing is registered through U2F, whatever is sent."""
        service = services(relying_party=RelyingParty(id="example.com", origins=[ORIGIN]))
        offer = offered(service)
        assert offer.u2f is None
        request = {
            "appId": APP_ID,
            "registerRequests": [{"version": "U2F_V2", "challenge": offer.options["challenge"]}],
            "registeredKeys": [],
        }
        told = SoftSecurityKey().u2f_register(request, ORIGIN)
        refusal = service.refusal("alice", confirm(offer, told))
        assert (refusal.reason, refusal.check) == (Reason.BAD_REGISTRATION, "AppID")

    @pytest.mark.parametrize(
        ("level", "conveyance"),
        [
            (AttestationLevel.NOT_ASKED, "none"),
            (AttestationLevel.UNVERIFIED_ALLOWED, "direct"),
            (AttestationLevel.CHAINED, "direct"),
        ],
    )
    def test_attestation_conveyance(self, services, level, conveyance):
        """The browser is asked for a statement where the policy wants to see one."""
        offer = offered(services(security_keys=SecurityKeyPolicy(attestation=AttestationPolicy(level=level))))
        assert offer.options["attestation"] == conveyance


class TestBound:
    @pytest.mark.requirement("B1", "V23", "U10")
    @kinds
    @pytest.mark.parametrize("form", ["dict", "text", "bytes"])
    def test_what_is_kept(self, services, kind, form):
        """A registration binds the key, as text or parsed; what its signature does not cover is not believed."""
        service = services(security_keys=SecurityKeyPolicy(attestation=ASKED))
        offer, key = offered(service, name="Blue"), kind.key()
        told = registration(kind.api, key, offer)
        told = {"dict": told, "text": json.dumps(told), "bytes": json.dumps(told).encode()}[form]
        bound = service.perform("alice", confirm(offer, told))
        (device,) = service.account("alice").devices
        (handle,) = key.credential_ids
        assert (device.id, device.credential_id, device.name) == (bound.id, handle, "Blue")
        assert (device.bound_at, device.bound_by, device.last_used_at) == (service.clock(), "administrator root", None)
        assert device.cloned_at is None
        through_u2f, u2f_key = kind.api is KeyAPI.U2F, kind.algorithm is None
        assert (device.rp_id, device.app_id) == ((None, APP_ID) if through_u2f else ("example.com", None))
        assert device.sign_count == (0 if u2f_key else 1)
        assert device.attestation == "unverified"
        assert device.model == ""
        if kind.algorithm != EDDSA:
            assert device.public_key == key.memory.credentials[handle].key_pair.point()
        assert [event.device for event in service.events(EventType.DEVICE_BOUND)] == [bound.id]
        assert service.account("alice").offers == ()
        for api in kind.answers_at:
            assert logs_on(service, key, api).device == bound.id

    @kinds
    def test_confirmed_once(self, services, kind):
        """A registration that bound is worth nothing a second time: its offer is gone with the bind."""
        service = services(devices=DevicePolicy(max_devices=3))
        offer, key = offered(service), kind.key()
        verb = confirm(offer, registration(kind.api, key, offer))
        service.perform("alice", verb)
        with service.unchanged():
            assert service.refusal("alice", verb).reason is Reason.FOREIGN_TICKET

    @pytest.mark.requirement("B10")
    def test_rules_of_kinds(self, services):
        """Two keys where the policy says one, a key beside a phone: refused at both ends of the ceremony."""
        service = services()
        offer = offered(service)
        told = registration(KeyAPI.WEBAUTHN, SoftSecurityKey(), offer)
        service.phone("bob")
        refusal = service.refusal("bob", OfferSecurityKey(ROOT, account_name="bob", session=SESSION, create=True))
        assert refusal.reason is Reason.OTHER_KIND_BOUND
        service.key("carol")
        refusal = service.refusal("carol", OfferSecurityKey(ROOT, account_name="carol", session=SESSION, create=True))
        assert refusal.reason is Reason.TOO_MANY_DEVICES
        # Between offer and confirmation another kind was bound, and the offer is dead.
        service.phone("alice")
        with service.unchanged():
            assert service.refusal("alice", confirm(offer, told)).reason is Reason.FOREIGN_TICKET


class TestAttestation:
    @pytest.mark.requirement("U5", "V32")
    def test_not_asked(self, services):
        """Nothing is asked by default: a key is bound whatever made it, and nothing is said of its model."""
        for kind in KINDS:
            service = services()
            bind(service, kind)
            (device,) = service.account("alice").devices
            assert device.attestation == ("unverified" if kind.api is KeyAPI.U2F else "none")
            assert device.model == ""

    @pytest.mark.requirement("U5", "V32")
    def test_unverified_allowed(self, services):
        """A statement is asked for and recorded, and is never called trusted."""
        for kind in KINDS:
            service = services(security_keys=SecurityKeyPolicy(attestation=ASKED))
            bind(service, kind)
            assert service.account("alice").devices[0].attestation == "unverified"
        service = services(security_keys=SecurityKeyPolicy(attestation=ASKED))
        bind(service, KINDS[1], key=SoftSecurityKey(algorithm=ES256, attestation=None))
        assert service.account("alice").devices[0].attestation == "self"

    @pytest.mark.requirement("U5", "V32")
    @kinds
    def test_chained(self, services, kind):
        """A key whose certificate chains to a given root is bound as trusted, and its model is known."""
        key = kind.key()
        policy = AttestationPolicy(level=AttestationLevel.CHAINED, roots=[key.attestation.root])
        service = services(security_keys=SecurityKeyPolicy(attestation=policy))
        _, bound = bind(service, kind, key=key)
        (device,) = service.account("alice").devices
        assert device.attestation == "trusted"
        model = key_identifier(key) if kind.algorithm is None else AAGUID
        assert device.model == bound.model == model
        assert service.perform("alice", Describe()).devices[0].model == model

    @pytest.mark.requirement("U5", "V32")
    @kinds
    def test_another_maker(self, services, kind):
        """A certificate that chains to none of the roots is refused, as is one that calls itself the same."""
        roots = [SoftAttestation.make().root, SoftAttestation.make(aaguid=b"soft key model 1").root]
        self.refused(
            services(
                security_keys=SecurityKeyPolicy(
                    attestation=AttestationPolicy(level=AttestationLevel.CHAINED, roots=roots)
                )
            ),
            kind,
        )

    @pytest.mark.requirement("V32", "B19")
    @kinds
    def test_no_roots(self, services, kind):
        """A chain that is demanded without any roots is given to nobody: it fails closed."""
        self.refused(
            services(security_keys=SecurityKeyPolicy(attestation=AttestationPolicy(level=AttestationLevel.CHAINED))),
            kind,
        )

    @pytest.mark.requirement("V32")
    def test_no_statement(self, services):
        """Where a chain is demanded, no statement is too little, and so is a key that speaks for itself."""
        policy = AttestationPolicy(level=AttestationLevel.CHAINED, roots=[SoftAttestation.make().root])
        service = services(security_keys=SecurityKeyPolicy(attestation=policy))
        self.refused(service, KINDS[1], key=SoftSecurityKey(algorithm=ES256, attestation=None), check="attestation")
        offer = offered(service, renew=True)
        told = SoftSecurityKey().create(offer.options | {"attestation": "none"}, ORIGIN)
        refusal = service.refusal("alice", confirm(offer, told))
        assert (refusal.reason, refusal.check) == (Reason.BAD_REGISTRATION, "attestation")

    @pytest.mark.requirement("V32")
    @kinds
    def test_out_of_date(self, services, kind):
        """The certificates must be valid when the key is bound."""
        key = kind.key()
        policy = AttestationPolicy(level=AttestationLevel.CHAINED, roots=[key.attestation.root])
        service = services(security_keys=SecurityKeyPolicy(attestation=policy))
        service.clock.advance(40 * 365 * 86_400)
        self.refused(service, kind, key=key)

    @kinds
    def test_malformed_unused_bits(self, services, kind):
        """A certificate whose signature has a bit too few is no certificate of the root, and is not repaired."""
        key = kind.key()
        policy = AttestationPolicy(level=AttestationLevel.CHAINED, roots=[key.attestation.root])
        key.faults = {KeyFault.MALFORMED_UNUSED_BITS}
        self.refused(services(security_keys=SecurityKeyPolicy(attestation=policy)), kind, key=key)

    @kinds
    def test_a_chain_where_none_is_demanded(self, services, kind):
        """Roots without the demand: who chains is trusted, who does not is bound and is not."""
        known, stranger = kind.key(), kind.key()
        policy = AttestationPolicy(level=AttestationLevel.UNVERIFIED_ALLOWED, roots=[known.attestation.root])
        service = services(security_keys=SecurityKeyPolicy(attestation=policy), devices=DevicePolicy(max_devices=2))
        for key in (known, stranger):
            bind(service, kind, key=key)
        assert [one.attestation for one in service.account("alice").devices] == ["trusted", "unverified"]

    @pytest.mark.requirement("V32")
    @kinds
    def test_lists_of_models(self, services, kind):
        """A denied model is refused, and where some are accepted every other is; what is not proved counts for none."""
        key = kind.key()
        names = {key_identifier(key)} | (set() if kind.algorithm is None else {AAGUID})
        roots = [key.attestation.root]
        for name in names:
            accepted = AttestationPolicy(level=AttestationLevel.CHAINED, roots=roots, accepted=[name])
            bind(services(security_keys=SecurityKeyPolicy(attestation=accepted)), kind, key=key)
            denied = AttestationPolicy(level=AttestationLevel.CHAINED, roots=roots, denied=[name])
            self.refused(services(security_keys=SecurityKeyPolicy(attestation=denied)), kind, key=key, check="model")
        others = AttestationPolicy(level=AttestationLevel.CHAINED, roots=roots, accepted=["0" * 40])
        self.refused(services(security_keys=SecurityKeyPolicy(attestation=others)), kind, key=key, check="model")
        claimed = AttestationPolicy(level=AttestationLevel.UNVERIFIED_ALLOWED, accepted=[AAGUID])
        self.refused(
            services(security_keys=SecurityKeyPolicy(attestation=claimed)), kind, key=kind.key(), check="model"
        )

    def refused(self, service, kind, *, key=None, check=None):
        """Check that a registration is refused for its attestation, and that nothing is bound."""
        offer, key = offered(service, renew=True), key or kind.key()
        refusal = service.refusal("alice", confirm(offer, registration(kind.api, key, offer)))
        assert refusal.reason is Reason.BAD_REGISTRATION
        assert refusal.check in ({check} if check else {"trust path", "certificate"})
        assert service.account("alice").devices == ()


AAGUID = "736f6674-206b-6579-206d-6f64656c2031"
"""Of a soft key that is no U2F key."""


def key_identifier(key):
    return AttestationCertificate.parse(key.attestation.leaf).key_identifier.hex()


class TestFaults:
    @pytest.mark.requirement("V26", "V27", "V28", "V29", "V34", "U1", "U4", "U8", "U11")
    @kinds
    @pytest.mark.parametrize("fault", KeyFault, ids=lambda fault: fault.name)
    @pytest.mark.parametrize("attested", [False, True], ids=["not asked", "asked"])
    def test_each(self, services, kind, fault, attested):
        """A registration with a fault costs one try and binds nothing; a right one then binds under the same offer."""
        service = services(**({"security_keys": SecurityKeyPolicy(attestation=ASKED)} if attested else {}))
        offer, key = offered(service), kind.key()
        key.faults = {fault}
        verb = confirm(offer, registration(kind.api, key, offer))
        check = at_registration(kind, fault, attested=attested)
        if check is None:
            assert service.perform("alice", verb).kind is Kind.SECURITY_KEY
            return
        refusal = service.refusal("alice", verb)
        assert (refusal.reason, refusal.check, refusal.next_challenge) == (Reason.BAD_REGISTRATION, check, None)
        account = service.account("alice")
        assert (account.devices, [one.tries for one in account.offers]) == ((), [OFFER_TRIES - 1])
        assert not any(place.startswith("c") for place in service.store.records)
        assert service.observed[-1].detail == f"BAD_REGISTRATION: {check}"
        key.faults = ()
        service.perform("alice", confirm(offer, registration(kind.api, key, offer)))

    @apis
    def test_ten_tries(self, service, api):
        """The tenth wrong registration takes the offer away: the eleventh, though right, binds nothing."""
        offer, key = offered(service), SoftSecurityKey()
        right = registration(api, key, offer)
        key.faults = {KeyFault.WRONG_ORIGIN}
        for turn in range(OFFER_TRIES):
            refusal = service.refusal("alice", confirm(offer, registration(api, key, offer)))
            assert refusal.reason is Reason.BAD_REGISTRATION, turn
        with service.unchanged():
            assert service.refusal("alice", confirm(offer, right)).reason is Reason.OFFER_GONE
        offer, key.faults = offered(service), ()
        service.perform("alice", confirm(offer, registration(api, key, offer)))

    @apis
    def test_the_last_try(self, service, api):
        """A right registration binds up to the last try."""
        offer, key = offered(service), SoftSecurityKey()
        right = registration(api, key, offer)
        for _ in range(OFFER_TRIES - 1):
            service.refusal("alice", confirm(offer, {}))
        service.perform("alice", confirm(offer, right))

    @pytest.mark.parametrize("code", [1, 2, 3, 4, 5])
    def test_error_codes(self, service, code):
        """What a legacy client says in place of an answer is named in the refusal."""
        offer = offered(service)
        names = {
            1: "OTHER_ERROR",
            2: "BAD_REQUEST",
            3: "CONFIGURATION_UNSUPPORTED",
            4: "DEVICE_INELIGIBLE",
            5: "TIMEOUT",
        }
        for told in ({"errorCode": code}, json.dumps({"errorCode": code, "errorMessage": "words"})):
            refusal = service.refusal("alice", confirm(offer, told))
            assert (refusal.reason, refusal.check) == (Reason.BAD_REGISTRATION, names[code])


@pytest.mark.requirement("B12", "V14")
class TestForeign:
    def told(self, service, api=KeyAPI.WEBAUTHN):
        offer = offered(service)
        return offer, registration(api, SoftSecurityKey(), offer)

    def dead(self, service, user, verb, *reasons):
        with service.unchanged():
            assert service.refusal(user, verb).reason in reasons

    @apis
    def test_another_session(self, service, api):
        """A registration from another session is foreign and costs no try."""
        offer, told = self.told(service, api)
        self.dead(service, "alice", confirm(offer, told, session=OTHER_SESSION), Reason.FOREIGN_TICKET)
        service.perform("alice", confirm(offer, told))

    @apis
    def test_another_actor(self, service, api):
        """Who began must finish."""
        offer, told = self.told(service, api)
        self.dead(service, "alice", confirm(offer, told, by=Administrator("another")), Reason.OFFER_GONE)
        service.perform("alice", confirm(offer, told))

    @apis
    def test_another_user(self, service, api):
        """One user's offer binds nothing to another, though the other has an offer open too."""
        offer, told = self.told(service, api)
        others = offered(service, "bob")
        self.dead(service, "bob", confirm(offer, told), Reason.FOREIGN_TICKET)
        refusal = service.refusal("bob", confirm(others, told))
        assert (refusal.reason, refusal.check) == (Reason.BAD_REGISTRATION, "challenge")

    @apis
    def test_another_offer(self, service, api):
        """A registration answers its own offer and no earlier one of the same user."""
        _, told = self.told(service, api)
        renewed = offered(service, renew=True)
        refusal = service.refusal("alice", confirm(renewed, told))
        assert (refusal.reason, refusal.check) == (Reason.BAD_REGISTRATION, "challenge")

    def test_another_kind_of_offer(self, service):
        """The offer of a virtual device takes no security key, and the other way round."""
        offer, told = self.told(service)
        virtual = service.perform("alice", OfferVirtualDevice(ROOT, account_name="alice", session=SESSION, create=True))
        self.dead(service, "alice", confirm(virtual, told), Reason.FOREIGN_TICKET)
        verb = ConfirmVirtualDevice(["000000"], offer=offer.id, by=ROOT, session=SESSION)
        self.dead(service, "alice", verb, Reason.FOREIGN_TICKET)

    def test_another_ceremony(self, services):
        """An offer's ticket logs nobody on, and a challenge's ticket binds nothing."""
        service = services(devices=DevicePolicy(max_devices=3))
        key = service.key("alice")
        offer, told = self.told(service)
        asked = service.ask("alice")
        verb = ConfirmSecurityKey(told, offer=asked.id, by=ROOT, session=SESSION)
        self.dead(service, "alice", verb, Reason.FOREIGN_TICKET)
        verb = FinishLogon(offer.id, answer(KeyAPI.WEBAUTHN, key, asked), session=SESSION)
        self.dead(service, "alice", verb, Reason.FOREIGN_TICKET)
        # An assertion is no registration, nor the other way round.
        refusal = service.refusal("alice", confirm(offer, answer(KeyAPI.WEBAUTHN, key, asked).response))
        assert (refusal.reason, refusal.check) == (
            Reason.BAD_REGISTRATION,
            "malformed registration response: response",
        )

    @apis
    def test_expired(self, service, api):
        """An offer lives ten minutes and not one moment more."""
        offer, told = self.told(service, api)
        service.clock.advance(600)
        self.dead(service, "alice", confirm(offer, told), Reason.EXPIRED_TICKET)
        offer, told = self.told(service, api)
        service.clock.advance(599.999)
        service.perform("alice", confirm(offer, told))

    @apis
    def test_older_than_a_change(self, service, api):
        """A password change kills the offer."""
        offer, told = self.told(service, api)
        service.perform("alice", PasswordChanged())
        self.dead(service, "alice", confirm(offer, told), Reason.FOREIGN_TICKET)


class TestCredentialIds:
    @pytest.mark.requirement("S7")
    @kinds
    def test_of_another_user(self, service, kind):
        """The same credential again is another user's never, though every signature is right; its user's it stays."""

        def same():
            return SoftSecurityKey(algorithm=kind.algorithm, seed=b"makes the same credential again")

        _, bound = bind(service, kind, key=same())
        offer = offered(service, "bob")
        told = registration(kind.api, same(), offer)
        for _ in range(2):
            assert service.refusal("bob", confirm(offer, told)).reason is Reason.CREDENTIAL_TAKEN
        service.perform("alice", Unbind(by=ROOT))
        assert service.refusal("bob", confirm(offer, told)).reason is Reason.CREDENTIAL_TAKEN
        bind(service, kind, "bob")
        _, again = bind(service, kind, key=same())
        assert again.id == bound.id

    @kinds
    def test_of_the_same_user(self, services, kind):
        """A client that does not look at what is excluded binds no key twice."""

        def same():
            return SoftSecurityKey(algorithm=kind.algorithm, seed=b"makes the same credential again")

        service = services(devices=DevicePolicy(max_devices=3))
        bind(service, kind, key=same())
        offer = offered(service)
        told = registration(kind.api, same(), offer)
        with service.unchanged():
            assert service.refusal("alice", confirm(offer, told)).reason is Reason.CREDENTIAL_TAKEN

    @pytest.mark.requirement("S11")
    def test_of_another_tenant(self, service):
        """Tenants know nothing of one another's credentials."""

        def same():
            return SoftSecurityKey(seed=b"makes the same credential again")

        tenant = attrs.evolve(service, mfa=service.mfa.for_tenant("t", service.mfa._engine.policy()))
        bind(service, KINDS[0], key=same())
        bind(tenant, KINDS[0], key=same())

    @pytest.mark.requirement("U1")
    @pytest.mark.standard("WebAuthn Level 3 #credential-id", "ram_mfa.ConfirmSecurityKey")
    @pytest.mark.parametrize(
        ("kind", "length", "check"),
        [
            (KINDS[3], 1, None),
            (KINDS[3], 255, None),
            (KINDS[0], 255, None),
            (KINDS[1], 256, None),
            (KINDS[1], 1_023, None),
            (KINDS[2], 1_023, None),
            (KINDS[1], 1_024, "malformed registration response: id"),
            (KINDS[1], 5_000, "malformed registration response: id"),
        ],
        ids=str,
    )
    def test_lengths(self, services, kind, length, check):
        """Key handles up to 255 bytes and credential ids up to 1,023 are bound and log on; none is longer."""
        service = services(security_keys=SecurityKeyPolicy(attestation=ASKED))
        offer = offered(service)
        key = SoftSecurityKey(algorithm=kind.algorithm, credential_id_length=length)
        verb = confirm(offer, registration(kind.api, key, offer))
        if check is not None:
            assert service.refusal("alice", verb).check == check
            return
        service.perform("alice", verb)
        assert len(service.account("alice").devices[0].credential_id) == length
        for api in kind.answers_at:
            assert logs_on(service, key, api).user == "alice"

    def test_longer_than_u2f_has(self, services):
        """A statement of a U2F key over more than 255 bytes is none: no U2F key makes such a handle."""
        service = services(security_keys=SecurityKeyPolicy(attestation=ASKED))
        offer = offered(service)
        key = SoftSecurityKey(credential_id_length=256)
        refusal = service.refusal("alice", confirm(offer, key.create(offer.options, ORIGIN)))
        assert refusal.reason is Reason.BAD_REGISTRATION

    def test_named_otherwise(self, services):
        """The id that the response names is the one that was signed."""
        service = services()
        offer = offered(service)
        told = SoftSecurityKey().create(offer.options, ORIGIN)
        told["id"] = told["rawId"] = encode(b"another")
        refusal = service.refusal("alice", confirm(offer, told))
        assert (refusal.reason, refusal.check) == (Reason.BAD_REGISTRATION, "credential id")


# Whatever came


@pytest.fixture(scope="module")
def lasting():
    """One service for many examples."""
    made = Services("MFA")
    yield made()
    made.close()


def wrong(service, response):
    """Check that a response binds nothing and costs a try: a refusal, and never another exception."""
    offer = offered(service, renew=True)
    refusal = service.refusal("alice", confirm(offer, response))
    assert refusal.reason is Reason.BAD_REGISTRATION
    assert refusal.check
    (left,) = service.account("alice").offers
    assert left.tries == OFFER_TRIES - 1


def nested(depth, *, member=None):
    value = []
    for _ in range(depth):
        value = [value] if member is None else {member: value}
    return value


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.requirement("V35")
class TestWhateverCame:
    @settings(max_examples=rounds(2_000))
    @given(response=JSON)
    def test_nonsense(self, lasting, response):
        """None, numbers, bytes, lists, dicts of anything."""
        wrong(lasting, response)

    @settings(max_examples=rounds(2_000))
    @given(data=st.data())
    @pytest.mark.parametrize("api", KeyAPI, ids=lambda api: api.value)
    def test_members_replaced(self, lasting, api, data):
        """A right response with any member replaced or left out binds or is refused, and what binds is the key."""
        offer = offered(lasting, renew=True)
        told = registration(api, SoftSecurityKey(seed=b"seed"), offer)
        inside = data.draw(st.booleans()) and api is KeyAPI.WEBAUTHN
        members = dict(told["response"] if inside else told)
        name = data.draw(st.sampled_from(sorted(members)))
        if data.draw(st.booleans()):
            del members[name]
        else:
            members[name] = data.draw(JSON)
        changed = told | {"response": members} if inside else members
        refusal, bound = None, None
        try:
            bound = lasting.perform("alice", confirm(offer, changed))
        except Refused as refused:
            refusal = refused.refusal
        if refusal is not None:
            assert refusal.reason is Reason.BAD_REGISTRATION
            return
        essential = {"id", "rawId", "type", "clientDataJSON", "attestationObject", "registrationData", "clientData"}
        assert name not in essential
        assert bound.id == encode(SoftSecurityKey(seed=b"seed").make(bytes(32), ES256).id)
        lasting.perform("alice", Unbind(by=ROOT))

    def test_deep_and_giant(self, lasting):
        """Nested without end, or as long as anybody likes; as text, or parsed already."""
        told = registration(KeyAPI.WEBAUTHN, SoftSecurityKey(), offered(lasting, renew=True))
        for what in (
            nested(100_000),
            nested(5_000, member="response"),
            {"registrationData": nested(100_000)},
            {"errorCode": nested(5_000)},
            told | {"id": nested(5_000), "rawId": nested(5_000)},
            told | {"response": told["response"] | {"transports": nested(5_000)}},
            told | {"response": told["response"] | {"attestationObject": "A" * 10_000_000}},
            "[" * 100_000,
            '{"registrationData":' * 100_000,
            '{"type":' * 100_000,
            json.dumps(told) + " " * 10_000_000,
            b" " * 10_000_000,
            b"\xff" * 100,
            "\ud800",
            "9" * 100_000,
            10**5_000,
            float("nan"),
        ):
            wrong(lasting, what)

    @pytest.mark.requirement("U12")
    @apis
    def test_names_twice(self, lasting, api):
        """A document that names a member twice, on any level, says two things, and is refused."""
        told = registration(api, SoftSecurityKey(), offered(lasting, renew=True))
        text = json.dumps(told)
        for name, value in told.items():
            wrong(lasting, f'{{"{name}": {json.dumps(value)}, {text[1:]}')
        if api is KeyAPI.WEBAUTHN:
            inner = json.dumps(told["response"])
            for name, value in told["response"].items():
                wrong(lasting, text.replace(inner, f'{{"{name}": {json.dumps(value)}, {inner[1:]}'))


@pytest.mark.requirement("A22", "S7")
class TestClaimsOfAnOffer:
    def test_one(self, services):
        """Fifty registrations that answer one offer leave one claim behind, whoever's swap lands."""
        service = services(devices=DevicePolicy(max_devices=8))
        service.perform("alice", OpenAccount(by=ROOT))
        offer = service.perform("alice", OfferSecurityKey(ROOT, account_name="alice", session=SESSION, create=True))
        verbs = [
            ConfirmSecurityKey(
                SoftSecurityKey().create(offer.options, ORIGIN), offer=offer.id, by=ROOT, session=SESSION
            )
            for _ in range(50)
        ]

        def interfere(word, really, key, *arguments):
            if word == "swap" and key.startswith("c"):
                really(key, *arguments)
                raise StoreUnavailable  # as if the process died behind its claim
            return really(key, *arguments)

        service.store.interfere = interfere
        with pytest.raises(StoreUnavailable):
            service.perform("alice", verbs[0])
        service.store.interfere = None
        for verb in verbs[1:]:
            assert service.refusal("alice", verb).reason is Reason.OFFER_GONE
        assert sum(key.startswith("c") for key in service.store.records) == 1
        assert service.perform("alice", verbs[0]).kind is Kind.SECURITY_KEY

    def test_another_offer(self, service):
        """An offer that was answered is not made again: the next one takes another credential."""
        service.perform("alice", OpenAccount(by=ROOT))
        verb = OfferSecurityKey(ROOT, account_name="alice", session=SESSION, create=True)
        offer = service.perform("alice", verb)
        service.store.interfere = failing_claims
        answer = SoftSecurityKey().create(offer.options, ORIGIN)
        with pytest.raises(StoreUnavailable):
            service.perform("alice", ConfirmSecurityKey(answer, offer=offer.id, by=ROOT, session=SESSION))
        service.store.interfere = None
        again = service.perform("alice", verb)
        assert again.id != offer.id
        answer = SoftSecurityKey().create(again.options, ORIGIN)
        confirm = ConfirmSecurityKey(answer, offer=again.id, by=ROOT, session=SESSION)
        assert service.perform("alice", confirm).kind is Kind.SECURITY_KEY

    def test_a_store_that_forgets(self, service):
        """A store that acknowledges a write and does not have it ends the perform; nothing is claimed."""
        service.perform("alice", OpenAccount(by=ROOT))
        offer = service.perform("alice", OfferSecurityKey(ROOT, account_name="alice", session=SESSION, create=True))
        answer = SoftSecurityKey().create(offer.options, ORIGIN)
        service.store.interfere = lambda word, really, *arguments: True if word == "swap" else really(*arguments)
        with pytest.raises(StoreContended):
            service.perform("alice", ConfirmSecurityKey(answer, offer=offer.id, by=ROOT, session=SESSION))
        assert not any(key.startswith("c") for key in service.store.records)


def failing_claims(word, really, key, *arguments):
    if word == "swap" and key.startswith("c"):
        raise StoreUnavailable
    return really(key, *arguments)
