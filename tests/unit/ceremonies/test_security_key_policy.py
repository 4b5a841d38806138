# SPDX-License-Identifier: Apache-2.0
"""`SecurityKeyPolicy`: what it asks of a browser, and what it refuses at a bind, a logon and a step-up."""

from __future__ import annotations

import attrs
import pytest

from ram_mfa import (
    Assertion,
    Attachment,
    BeginLogon,
    BeginStepUp,
    ConfirmSecurityKey,
    Describe,
    DevicePolicy,
    DisallowedDevices,
    KindRule,
    MFAPolicy,
    OfferSecurityKey,
    PolicyRule,
    Reason,
    ResidentKey,
    SecurityKeyPolicy,
    U2FSignature,
    UserVerification,
)
from ram_mfa.testing import SoftSecurityKey
from ram_mfa.webauthn import COSEAlgorithm
from tests.support.service import DELETE, ORIGIN, PARTY, ROOT, SESSION, finish

VERIFIED = SecurityKeyPolicy(user_verification=UserVerification.REQUIRED)


@attrs.define
class Rules:
    """A policy that a test changes."""

    security_keys: SecurityKeyPolicy = SecurityKeyPolicy()
    disallowed: DisallowedDevices = DisallowedDevices.REFUSE

    def __call__(self):
        devices = DevicePolicy(rule=KindRule.ANY_MIX, max_devices=4, disallowed=self.disallowed)
        return MFAPolicy.ram(issuer="Example", relying_party=PARTY, devices=devices, security_keys=self.security_keys)


@pytest.fixture
def rules():
    return Rules()


@pytest.fixture
def service(services, rules):
    return services(policy=rules)


def offered(service):
    return service.perform(
        "alice", OfferSecurityKey(ROOT, account_name="alice", session=SESSION, create=True, renew=True)
    )


def confirm(offer, response):
    return ConfirmSecurityKey(response, offer=offer.id, by=ROOT, session=SESSION)


def discouraged(options):
    """Return creation or request options as a page would alter them that wants no user verification."""
    selection = options.get("authenticatorSelection", {}) | {"userVerification": "discouraged"}
    return options | {"userVerification": "discouraged", "authenticatorSelection": selection}


def through_u2f(service):
    key = SoftSecurityKey()
    offer = offered(service)
    service.perform("alice", confirm(offer, key.u2f_register(offer.u2f, ORIGIN)))
    return key


class TestOptions:
    def test_defaults(self, service):
        """By default everything that a U2F key can do, and nothing more, is asked for."""
        options = offered(service).options
        selection = options["authenticatorSelection"]
        assert (selection["userVerification"], selection["residentKey"]) == ("discouraged", "discouraged")
        assert "authenticatorAttachment" not in selection
        assert options["hints"] == ["security-key"]

    def test_each_rule(self, service, rules):
        """Each rule of the policy reaches the browser, at the bind and at the logon."""
        key = service.key("alice", key=SoftSecurityKey(algorithm=-7))
        rules.security_keys = SecurityKeyPolicy(
            user_verification=UserVerification.PREFERRED,
            algorithms=[COSEAlgorithm.ES384, COSEAlgorithm.ES256],
            hints=["client-device", "hybrid"],
            attachment=Attachment.PLATFORM,
            resident_key=ResidentKey.REQUIRED,
        )
        options = offered(service).options
        assert options["authenticatorSelection"] == {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "preferred",
            "authenticatorAttachment": "platform",
        }
        assert [one["alg"] for one in options["pubKeyCredParams"]] == [-35, -7]
        assert options["hints"] == ["client-device", "hybrid"]
        ask = service.ask("alice")
        assert (ask.options["userVerification"], ask.options["hints"]) == ("preferred", ["client-device", "hybrid"])
        assert service.perform("alice", finish(ask, Assertion(key.get(ask.options, ORIGIN)))).user == "alice"

    @pytest.mark.parametrize("hint", ["schl\u00fcssel", "two\nlines"])
    def test_hints_are_printable_ascii(self, hint):
        """A hint that options cannot carry is refused when the policy is built."""
        with pytest.raises(ValueError, match="hints"):
            SecurityKeyPolicy(hints=[hint])


@pytest.mark.requirement("V29")
class TestUserVerificationRequired:
    def test_binds_and_logs_on(self, service, rules):
        """A key that verifies its user is bound, and its answers pass."""
        rules.security_keys = VERIFIED
        key = SoftSecurityKey(algorithm=-7, verifies_user=True)
        offer = offered(service)
        assert offer.u2f is None
        service.perform("alice", confirm(offer, key.create(offer.options, ORIGIN)))
        assert service.account("alice").devices[0].uv_initialized
        ask = service.ask("alice")
        assert service.perform("alice", finish(ask, Assertion(key.get(ask.options, ORIGIN)))).user == "alice"

    @pytest.mark.parametrize("algorithm", [None, -7], ids=["U2F key", "newer key"])
    def test_a_registration_without_it(self, service, rules, algorithm):
        """A registration in which the key did not verify its user binds nothing."""
        rules.security_keys = VERIFIED
        offer = offered(service)
        response = SoftSecurityKey(algorithm=algorithm).create(discouraged(offer.options), ORIGIN)
        refusal = service.refusal("alice", confirm(offer, response))
        assert (refusal.reason, refusal.check) == (Reason.BAD_REGISTRATION, "user verification")
        assert service.account("alice").devices == ()

    def test_a_registration_through_u2f(self, service, rules):
        """A registration through U2F, asked for before the policy changed, binds nothing."""
        offer = offered(service)
        response = SoftSecurityKey().u2f_register(offer.u2f, ORIGIN)
        rules.security_keys = VERIFIED
        refusal = service.refusal("alice", confirm(offer, response))
        assert (refusal.reason, refusal.check) == (Reason.BAD_REGISTRATION, "user verification")
        assert service.account("alice").devices == ()

    def test_an_assertion_without_it(self, service, rules):
        """A bound key must verify its user from then on: its answer without that is refused, and with it passes."""
        key = service.key("alice", key=SoftSecurityKey(algorithm=-7, verifies_user=True))
        rules.security_keys = VERIFIED
        for operation in (None, DELETE):
            ask = service.ask("alice", operation=operation)
            how = {} if operation is None else {"operation": operation}
            response = key.get(discouraged(ask.options), ORIGIN)
            refusal = service.refusal("alice", finish(ask, Assertion(response), **how))
            assert (refusal.reason, refusal.check) == (Reason.WRONG_ANSWER, "user verification")
            ask = service.ask("alice", operation=operation)
            assert service.perform("alice", finish(ask, Assertion(key.get(ask.options, ORIGIN)), **how)).user == "alice"

    @pytest.mark.parametrize("disallowed", DisallowedDevices)
    def test_a_key_registered_through_u2f(self, service, rules, disallowed):
        """A key registered through U2F is no longer allowed, even where other disallowed devices are kept."""
        key = through_u2f(service)
        ask = service.ask("alice")
        rules.security_keys, rules.disallowed = VERIFIED, disallowed
        assert not service.perform("alice", Describe()).devices[0].allowed
        for evidence in (
            Assertion(key.get(ask.options, ORIGIN)),
            U2FSignature(key.u2f_sign(ask.u2f, ORIGIN)),
        ):
            with service.unchanged():
                assert service.refusal("alice", finish(ask, evidence)).reason is Reason.DEVICE_NOT_ALLOWED
        for verb in (BeginLogon(session=SESSION), BeginStepUp(DELETE, session=SESSION)):
            with service.unchanged():
                assert service.refusal("alice", verb).reason is Reason.DEVICE_NOT_ALLOWED

    def test_the_rule_is_named(self):
        """The policy names the rule that refuses a key registered through U2F, and allows others."""
        policy = MFAPolicy.ram(issuer="Example", relying_party=PARTY, security_keys=VERIFIED)
        (kind,) = [kind for kind in policy.kinds() if kind.value == "security key"]
        decision = policy.may_answer(kind, through_u2f=True)
        assert (decision.allowed, decision.rule) == (False, PolicyRule.USER_VERIFICATION)
        assert policy.may_answer(kind).allowed


class TestAlgorithms:
    def test_without_es256(self, service, rules):
        """Where ES256 is not offered, no key is bound through U2F, which has no other algorithm."""
        before = offered(service)
        response = SoftSecurityKey().u2f_register(before.u2f, ORIGIN)
        rules.security_keys = SecurityKeyPolicy(algorithms=[COSEAlgorithm.ES384])
        refusal = service.refusal("alice", confirm(before, response))
        assert (refusal.reason, refusal.check) == (Reason.BAD_REGISTRATION, "algorithm")
        offer = offered(service)
        assert offer.u2f is None
        key = SoftSecurityKey(algorithm=-35)
        service.perform("alice", confirm(offer, key.create(offer.options, ORIGIN)))

    def test_not_offered(self, service, rules):
        """A credential of an algorithm that was not offered is refused."""
        rules.security_keys = SecurityKeyPolicy(algorithms=[COSEAlgorithm.ES384])
        offer = offered(service)
        lenient = offer.options | {"pubKeyCredParams": [{"type": "public-key", "alg": -7}]}
        response = SoftSecurityKey(algorithm=-7).create(lenient, ORIGIN)
        refusal = service.refusal("alice", confirm(offer, response))
        assert (refusal.reason, refusal.check) == (Reason.BAD_REGISTRATION, "algorithm")
