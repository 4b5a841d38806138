# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib
import json

import attrs
import pytest

from ram_mfa import (
    Advice,
    Assertion,
    ConfirmSecurityKey,
    Describe,
    DevicePolicy,
    EventType,
    MFAPolicy,
    OfferSecurityKey,
    Reason,
    U2FSignature,
)
from ram_mfa.testing import Counters, KeyFault, SoftSecurityKey
from tests.support.service import DELETE, ORIGIN, PARTY, ROOT, SESSION, finish


def legacy(service, user="alice", **how):
    """Bind a key through U2F, and return it."""
    key = SoftSecurityKey(**how)
    offer = service.perform(user, OfferSecurityKey(ROOT, account_name=user, session=SESSION, create=True))
    response = key.u2f_register(offer.u2f, ORIGIN)
    service.perform(user, ConfirmSecurityKey(response, offer=offer.id, by=ROOT, session=SESSION))
    return key


def webauthn(key, ask):
    return Assertion(key.get(ask.options, ORIGIN))


def u2f(key, ask):
    return U2FSignature(key.u2f_sign(ask.u2f, ORIGIN))


APIS = {"WebAuthn": webauthn, "U2F": u2f}
each_api = pytest.mark.parametrize("answer", APIS.values(), ids=APIS)


class TestRight:
    @each_api
    @pytest.mark.parametrize("counters", Counters)
    def test_counts_up(self, service, answer, counters):
        """A right answer spends its challenge and stores the key's count."""
        key = legacy(service, counters=counters)
        for expected in (1, 2, 3):
            ask = service.ask("alice")
            assert service.perform("alice", finish(ask, answer(key, ask))).phishing_resistant
            assert service.account("alice").devices[0].sign_count == expected
        assert service.account("alice").devices[0].last_used_at == service.clock()

    @pytest.mark.standard(
        "WebAuthn Level 3 #authn-ceremony-update-credential-record", "ram_mfa.rules.security_key_check.check_assertion"
    )
    def test_the_credential_record_is_updated(self, service, monkeypatch):
        """An assertion sets backupState to its own flag; uvInitialized becomes true once, and stays so."""
        from ram_mfa.testing.security_key import webauthn_client

        flags = 0x01 | 0x08  # UP, BE
        monkeypatch.setattr(webauthn_client, "_presence", lambda key: flags)
        key = service.key("alice", key=SoftSecurityKey(algorithm=-7, verifies_user=True))
        device = service.account("alice").devices[0]
        assert (device.backup_eligible, device.backup_state, device.uv_initialized) == (True, False, False)
        for wish, backed_up, expected in (
            ("discouraged", 0x10, (True, False)),
            ("required", 0x10, (True, True)),
            ("discouraged", 0, (False, True)),
        ):
            flags = 0x01 | 0x08 | backed_up
            ask = service.ask("alice")
            service.perform("alice", finish(ask, Assertion(key.get(ask.options | {"userVerification": wish}, ORIGIN))))
            device = service.account("alice").devices[0]
            assert (device.backup_state, device.uv_initialized) == expected

    @each_api
    def test_a_u2f_key_has_no_flags(self, service, answer):
        """A key registered through U2F has neither a backup state nor user verification, however it answers."""
        key = legacy(service)
        for _ in range(2):
            device = service.account("alice").devices[0]
            assert (device.backup_eligible, device.backup_state, device.uv_initialized) == (None, None, False)
            ask = service.ask("alice")
            service.perform("alice", finish(ask, answer(key, ask)))

    @each_api
    def test_text(self, service, answer):
        """An answer may come as text."""
        key = legacy(service)
        ask = service.ask("alice")
        evidence = answer(key, ask)
        evidence = attrs.evolve(evidence, response=json.dumps(evidence.response))
        assert service.perform("alice", finish(ask, evidence)).user == "alice"

    @pytest.mark.requirement("U9", "U10")
    @each_api
    def test_a_key_that_never_counts(self, service, answer):
        """A key whose count is always zero goes on; it has no signal to give."""
        key = legacy(service, faults={KeyFault.ZERO_COUNTER})
        for _ in range(2):
            ask = service.ask("alice")
            assert service.perform("alice", finish(ask, answer(key, ask))).user == "alice"

    @each_api
    def test_high_s(self, service, answer):
        """The other value of s is as valid; nothing is told apart by the bytes of a signature."""
        key = legacy(service, faults={KeyFault.HIGH_S_SIGNATURE})
        ask = service.ask("alice")
        assert service.perform("alice", finish(ask, answer(key, ask))).user == "alice"


class TestWrong:
    @pytest.mark.requirement("V26", "V27", "V28", "V29", "U8", "U11")
    @each_api
    @pytest.mark.parametrize(
        "fault",
        [
            KeyFault.WRONG_TYPE,
            KeyFault.WRONG_ORIGIN,
            KeyFault.WRONG_CHALLENGE,
            KeyFault.WRONG_RP_ID_HASH,
            KeyFault.NO_USER_PRESENCE,
            KeyFault.TRAILING_BYTES,
            KeyFault.WRONG_ALGORITHM,
        ],
    )
    @pytest.mark.parametrize("operation", [None, DELETE], ids=["logon", "step-up"])
    def test_faults(self, service, answer, fault, operation):
        """A wrong answer is refused and spends its challenge; the check is for the log; a fresh one is handed back."""
        key = legacy(service)
        key.faults = {fault}
        ask = service.ask("alice", operation=operation)
        refusal = service.refusal("alice", finish(ask, answer(key, ask), operation=operation))
        assert (refusal.reason, refusal.advice) == (Reason.WRONG_ANSWER, Advice.RETYPE)
        assert refusal.check
        assert refusal.check in service.observed[-1].detail
        key.faults = frozenset()
        spent = service.refusal("alice", finish(ask, answer(key, ask), operation=operation))
        assert spent.reason is Reason.SPENT_TICKET
        again = refusal.next_challenge
        assert service.perform("alice", finish(again, answer(key, again), operation=operation)).phishing_resistant

    @pytest.mark.requirement("V35")
    @pytest.mark.parametrize("evidence", [Assertion, U2FSignature])
    @pytest.mark.parametrize(
        "response",
        [
            *("", "{}", "[]", "null", b"\xff", {}, [], None, 5, object(), {"id": "A"}, {"keyHandle": "AA"}),
            *({"errorCode": 99}, {"id": [[]], "rawId": {}}, "[" * 50_000, "x" * 200_000),
        ],
        ids=lambda response: repr(response)[:24],
    )
    def test_whatever_comes(self, service, evidence, response):
        """Whatever comes instead of an answer is a wrong answer, and no crash."""
        legacy(service)
        refusal = service.refusal("alice", finish(service.ask("alice"), evidence(response)))
        assert refusal.reason is Reason.WRONG_ANSWER
        assert refusal.check.startswith("malformed")

    def test_the_clients_error(self, service):
        """What the U2F client reports is kept for the log."""
        legacy(service)
        ask = service.ask("alice")
        stranger = SoftSecurityKey()
        assert service.refusal("alice", finish(ask, u2f(stranger, ask))).check == "DEVICE_INELIGIBLE"

    @pytest.mark.requirement("U13", "V14")
    @each_api
    def test_another_users_key(self, service, answer):
        """A key of another user is refused, however rightly it signed this challenge."""
        legacy(service)
        other = legacy(service, "bob")
        ask, theirs = service.ask("alice"), service.ask("bob")
        mixed = attrs.evolve(
            ask,
            options={**theirs.options, "challenge": ask.options["challenge"]},
            u2f={**theirs.u2f, "challenge": ask.u2f["challenge"]},
        )
        refusal = service.refusal("alice", finish(ask, answer(other, mixed)))
        assert (refusal.reason, refusal.check) == (Reason.WRONG_ANSWER, "credential id")

    @pytest.mark.requirement("V33", "U14")
    def test_registered_through_webauthn(self, service):
        """A key that was registered through WebAuthn does not answer through U2F."""
        key = service.key("alice")
        ask = service.ask("alice")
        assert ask.u2f is None
        device = service.account("alice").devices[0]
        request = {
            "appId": "https://console.example.com/app-id.json",
            "challenge": ask.options["challenge"],
            "registeredKeys": [{"version": "U2F_V2", "keyHandle": device.id}],
        }
        signed = SoftSecurityKey(memory=key.memory)
        credential = next(iter(key.memory.credentials.values()))
        app = hashlib.sha256(request["appId"].encode()).digest()
        key.memory.credentials[credential.id] = attrs.evolve(credential, application=app)
        refusal = service.refusal("alice", finish(ask, U2FSignature(signed.u2f_sign(request, ORIGIN))))
        assert (refusal.reason, refusal.check) == (Reason.WRONG_ANSWER, "AppID")

    def test_a_site_taken_away(self, services):
        """Where the policy names no site any more, neither API answers."""
        parties = [PARTY]
        service = services(policy=lambda: MFAPolicy.ram(issuer="Example", relying_party=parties[0]))
        key = legacy(service)
        asks = [service.ask("alice") for _ in APIS]
        answers = [api(key, ask) for api, ask in zip(APIS.values(), asks, strict=True)]
        parties[0] = None
        for ask, evidence in zip(asks, answers, strict=True):
            assert service.refusal("alice", finish(ask, evidence)).reason is Reason.DEVICE_NOT_ALLOWED


class TestCloned:
    @pytest.mark.requirement("V30", "U9", "S5")
    @each_api
    @pytest.mark.parametrize("back", [0, 1, 5])
    def test_count_went_back(self, service, answer, back):
        """A count that did not rise refuses, is remembered and told; the lower value is never stored."""
        key = legacy(service, counter=100)
        ask = service.ask("alice")
        service.perform("alice", finish(ask, answer(key, ask)))
        key.counter = 101 - back - 1
        service.clock.advance(1)
        ask = service.ask("alice")
        refusal = service.refusal("alice", finish(ask, answer(key, ask)))
        assert (refusal.reason, refusal.advice, refusal.next_challenge) == (
            Reason.CLONED_KEY,
            Advice.ASK_ADMINISTRATOR,
            None,
        )
        device = service.account("alice").devices[0]
        assert (device.sign_count, device.cloned_at) == (101, service.clock())
        assert [event.device for event in service.events(EventType.KEY_CLONED)] == [device.id]
        assert service.refusal("alice", finish(ask, answer(key, ask))).reason is Reason.SPENT_TICKET

    @pytest.mark.requirement("V30")
    @each_api
    def test_the_clone_and_the_owner(self, service, answer):
        """Of a key and its clone the one that lags is refused, and the other goes on."""
        key = legacy(service)
        clone = key.clone()
        for one, passes in ((key, True), (key, True), (clone, False), (key, True), (clone, False)):
            ask = service.ask("alice")
            verb = finish(ask, answer(one, ask))
            if passes:
                assert service.perform("alice", verb).user == "alice"
            else:
                assert service.refusal("alice", verb).reason is Reason.CLONED_KEY

    def test_seen_in_the_view(self, services):
        """A view says when a key's count last went back, and only that key's."""
        service = services(devices=DevicePolicy(max_devices=2))
        key = legacy(service, counter=9)
        service.key("alice")
        ask = service.ask("alice")
        service.perform("alice", finish(ask, webauthn(key, ask)))
        key.counter = 0
        ask = service.ask("alice")
        service.refusal("alice", finish(ask, webauthn(key, ask)))
        views = service.perform("alice", Describe()).devices
        assert [view.cloned_at for view in views] == [service.clock(), None]
