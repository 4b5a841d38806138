# SPDX-License-Identifier: Apache-2.0
"""What holds of every answer of a security key, whatever it is asked for: the laws that logon and step-up share.

A test module derives a class from each of these and says which operation is proved; None logs on.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ram_mfa import (
    Advice,
    Assertion,
    ConfirmSecurityKey,
    Describe,
    DevicePolicy,
    EraseAccount,
    EventType,
    Kind,
    OfferSecurityKey,
    Operation,
    PasswordChanged,
    Proof,
    Reason,
    Refused,
    ResetMFA,
    TOTPCode,
    U2FSignature,
    Unbind,
)
from ram_mfa.account import MAX_SPENT
from ram_mfa.encoding.base64url import decode, encode
from ram_mfa.testing import KeyFault, SoftSecurityKey

from . import rounds
from .key_apis import KeyAPI, answer, registration
from .key_faults import ANSWERS, COUNTERS, KINDS, KeyKind, at_answer
from .service import APP_ID, ORIGIN, OTHER_SESSION, ROOT, SESSION, Service, Services, finish

LIFETIME = 300
"""Seconds that a challenge lives."""
SLOT = 600 + 2 * 60
"""Seconds that a slot is taken: a host whose clock is behind must not forget a spent ticket before it expires there."""
HIGHEST = 2**32 - 1

answers = pytest.mark.parametrize(
    ("kind", "api"), ANSWERS, ids=[f"{kind}, answers at {api.value}" for kind, api in ANSWERS]
)
at_both_apis = pytest.mark.parametrize("api", KeyAPI, ids=lambda api: api.value)


def bind(service: Service, kind: KeyKind, user: str = "alice", key: SoftSecurityKey | None = None) -> SoftSecurityKey:
    """Bind a key of a kind by an administrator, and return it."""
    key = key or kind.key()
    offer = service.perform(user, OfferSecurityKey(ROOT, account_name=user, session=SESSION, create=True))
    told = registration(kind.api, key, offer)
    service.perform(user, ConfirmSecurityKey(told, offer=offer.id, by=ROOT, session=SESSION))
    return key


def evidence_of(api: KeyAPI, response: Any) -> Assertion | U2FSignature:
    """Return a response as the evidence of its API."""
    return Assertion(response) if api is KeyAPI.WEBAUTHN else U2FSignature(response)


def nested(depth: int) -> list[Any]:
    """Return an empty list inside that many lists."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


class Asks:
    """What each of the classes below is about."""

    operation: Operation | None = None

    def ask(self, service: Service, user: str = "alice", **how: Any) -> Any:
        return service.ask(user, operation=self.operation, **how)

    def verb(self, asked: Any, evidence: Any, **how: Any) -> Any:
        return finish(asked, evidence, operation=self.operation, **how)

    def proves(self, service: Service, key: SoftSecurityKey, api: KeyAPI = KeyAPI.WEBAUTHN, asked: Any = None) -> Proof:
        """Answer a challenge rightly, and return the proof."""
        asked = asked or self.ask(service)
        proof = service.perform("alice", self.verb(asked, answer(api, key, asked)))
        assert isinstance(proof, Proof)
        assert (proof.user, proof.operation, proof.phishing_resistant) == ("alice", self.operation, True)
        return proof

    def refused(self, service: Service, asked: Any, evidence: Any, user: str = "alice") -> Any:
        """Answer wrongly, and return why not: the answer took one slot, and its ticket is spent."""
        before = service.account(user)
        refusal = service.refusal(user, self.verb(asked, evidence))
        after = service.account(user)
        assert len(after.failed) == min(len(before.failed) + 1, MAX_SPENT)
        assert [device.id for device in after.devices] == [device.id for device in before.devices]
        with service.unchanged():
            assert service.refusal(user, self.verb(asked, evidence)).reason is Reason.SPENT_TICKET
        return refusal

    def dead(self, service: Service, verb: Any, reason: Reason, user: str = "alice") -> None:
        """Check that a ticket is refused and that nothing is written or counted."""
        with service.unchanged():
            refusal = service.refusal(user, verb)
        assert (refusal.reason, refusal.next_challenge) == (reason, None)


class RightAnswers(Asks):
    @pytest.mark.requirement("U13", "V26")
    @answers
    def test_proves(self, service, kind, api):
        """A right answer is a proof, as often as one is asked; each is good once."""
        key = bind(service, kind)
        for count in (1, 2, 3):
            asked = self.ask(service)
            evidence = answer(api, key, asked)
            proof = service.perform("alice", self.verb(asked, evidence))
            (device,) = service.account("alice").devices
            assert (proof.device, proof.kind, proof.at) == (device.id, Kind.SECURITY_KEY, service.clock())
            assert device.sign_count == key.counter
            assert device.last_used_at == service.clock()
            assert len(service.account("alice").answered) == count
            with service.unchanged():
                assert service.refusal("alice", self.verb(asked, evidence)).reason is Reason.SPENT_TICKET
            service.clock.advance(1)

    @answers
    @pytest.mark.parametrize("form", [json.dumps, lambda told: json.dumps(told).encode()], ids=["text", "bytes"])
    def test_as_text(self, service, kind, api, form):
        """The answer may come as the text that the page sent."""
        key, asked = bind(service, kind), self.ask(service)
        told = answer(api, key, asked).response
        assert service.perform("alice", self.verb(asked, evidence_of(api, form(told)))).user == "alice"

    @pytest.mark.standard("WebAuthn Level 3 #sctn-parseRequestOptionsFromJSON", "ram_mfa.Challenge")
    @pytest.mark.requirement("U16")
    @answers
    def test_json_ready(self, service, kind, api):
        """Options and U2F request go through JSON unchanged, and name the keys, their AppID, and one challenge."""
        key, asked = bind(service, kind), self.ask(service)
        (device,) = service.account("alice").devices
        for request in (asked.options, asked.u2f):
            assert json.loads(json.dumps(request)) == request
        assert asked.options["rpId"] == "example.com"
        assert asked.options["userVerification"] == "discouraged"
        assert asked.options["hints"] == ["security-key"]
        assert asked.options["timeout"] == LIFETIME * 1_000
        allowed = [{"type": "public-key", "id": device.id, "transports": ["usb"]}]
        assert asked.options["allowCredentials"] == allowed
        if kind.api is KeyAPI.U2F:
            assert asked.options["extensions"] == {"appid": APP_ID}
            assert asked.u2f["challenge"] == asked.options["challenge"]
            (one,) = asked.u2f["registeredKeys"]
            assert one == {"version": "U2F_V2", "keyHandle": device.id, "appId": APP_ID, "transports": ["usb"]}
        else:
            assert (asked.options["extensions"], asked.u2f) == ({}, None)
        options, u2f = json.loads(json.dumps([asked.options, asked.u2f]))
        told = key.get(options, ORIGIN) if api is KeyAPI.WEBAUTHN else key.u2f_sign(u2f, ORIGIN)
        assert service.perform("alice", self.verb(asked, evidence_of(api, told))).user == "alice"

    @pytest.mark.requirement("B10", "U13")
    def test_several_keys(self, services):
        """Of several keys of all kinds whichever is touched proves, and its count alone moves."""
        service = services(devices=DevicePolicy(max_devices=8))
        keys = [bind(service, kind) for kind in KINDS]
        for kind, key in zip(KINDS, keys, strict=True):
            for api in kind.answers_at:
                before = service.account("alice").devices
                asked = self.ask(service)
                assert len(asked.options["allowCredentials"]) == len(KINDS)
                proof = self.proves(service, key, api, asked)
                moved = [
                    new.id for old, new in zip(before, service.account("alice").devices, strict=True) if new != old
                ]
                assert moved == [proof.device] == [encode(key.credential_ids[0])]

    @pytest.mark.requirement("U18")
    @answers
    def test_both_forms_of_a_signature(self, service, kind, api):
        """ECDSA's other form of a signature is as right; and as little good for a second time."""
        key, asked = bind(service, kind), self.ask(service)
        key.faults = {KeyFault.HIGH_S_SIGNATURE}
        evidence = answer(api, key, asked)
        service.perform("alice", self.verb(asked, evidence))
        with service.unchanged():
            assert service.refusal("alice", self.verb(asked, evidence)).reason is Reason.SPENT_TICKET


class Faults(Asks):
    @pytest.mark.requirement("V26", "V27", "V28", "V29", "V30", "U8", "U9", "U11", "U13")
    @answers
    @pytest.mark.parametrize("fault", KeyFault, ids=lambda fault: fault.name)
    def test_each(self, service, kind, api, fault):
        """An answer with a fault spends its ticket and one slot; the fresh challenge, or a new one, is answered."""
        key = bind(service, kind)
        self.proves(service, key, api)
        asked = self.ask(service)
        key.faults = {fault}
        evidence = answer(api, key, asked)
        check = at_answer(api, fault)
        if check is None:
            service.perform("alice", self.verb(asked, evidence))
            return
        stored = service.account("alice").devices[0].sign_count
        refusal = self.refused(service, asked, evidence)
        cloned = fault in COUNTERS
        assert (refusal.reason, refusal.check) == (Reason.CLONED_KEY if cloned else Reason.WRONG_ANSWER, check)
        assert refusal.advice is (Advice.ASK_ADMINISTRATOR if cloned else Advice.RETYPE)
        assert service.account("alice").devices[0].sign_count == stored
        key.faults = ()
        assert (refusal.next_challenge is None) is cloned
        self.proves(service, key, api, refusal.next_challenge)

    @pytest.mark.requirement("V26", "V8", "V30")
    @answers
    @pytest.mark.parametrize(
        "fault", [fault for fault in KeyFault if at_answer(KeyAPI.WEBAUTHN, fault)], ids=lambda fault: fault.name
    )
    def test_slots(self, service, kind, api, fault):
        """Eight wrong answers of any sort are verified; the ninth waits: nothing is written, and its ticket lives."""
        key = bind(service, kind)
        self.proves(service, key, api)
        for turn in range(MAX_SPENT):
            service.clock.advance(1)
            asked = self.ask(service)
            key.faults = {fault}
            refusal = self.refused(service, asked, answer(api, key, asked))
            assert refusal.reason in {Reason.WRONG_ANSWER, Reason.CLONED_KEY}, turn
            key.faults = ()
            if turn % 3 == 0:  # right answers pass meanwhile, and take no slot of these
                self.proves(service, key, api)
        asked = self.ask(service)
        key.faults = {fault}
        evidence = answer(api, key, asked)
        with service.unchanged():
            refusal = service.refusal("alice", self.verb(asked, evidence))
        assert (refusal.reason, refusal.advice, refusal.next_challenge) == (Reason.THROTTLED, Advice.WAIT, None)
        assert refusal.retry_after == SLOT - MAX_SPENT + 1
        assert not service.events(EventType.KEY_CLONED)[MAX_SPENT:]
        key.faults = ()
        self.proves(service, key, api, asked)
        service.clock.advance(refusal.retry_after)
        asked = self.ask(service)
        key.faults = {fault}
        assert self.refused(service, asked, answer(api, key, asked)).reason is not Reason.THROTTLED

    @pytest.mark.requirement("V26")
    @answers
    def test_a_chain_of_fresh_challenges(self, service, kind, api):
        """Each refusal hands out one more fresh challenge, and the last of them is answered."""
        key, asked = bind(service, kind), self.ask(service)
        seen = {asked.id}
        for _ in range(MAX_SPENT):
            key.faults = {KeyFault.WRONG_ORIGIN}
            asked = self.refused(service, asked, answer(api, key, asked)).next_challenge
            assert asked.id not in seen
            seen.add(asked.id)
        key.faults = ()
        self.proves(service, key, api, asked)

    @pytest.mark.parametrize("code", [1, 2, 3, 4, 5])
    def test_error_codes(self, service, code):
        """A legacy client's error is no answer, and named in the refusal."""
        key, asked = bind(service, KINDS[3]), self.ask(service)
        refusal = self.refused(service, asked, U2FSignature({"errorCode": code}))
        names = ("OTHER_ERROR", "BAD_REQUEST", "CONFIGURATION_UNSUPPORTED", "DEVICE_INELIGIBLE", "TIMEOUT")
        assert (refusal.reason, refusal.check) == (Reason.WRONG_ANSWER, names[code - 1])
        self.proves(service, key, KeyAPI.U2F, refusal.next_challenge)


class OtherKeys(Asks):
    """Answers that are right in themselves, of a key or for a challenge that were not asked."""

    @pytest.mark.requirement("V26", "B12")
    @answers
    def test_another_challenge(self, service, kind, api):
        """An answer is good for its own challenge: not for an earlier or a later one, nor after it was accepted."""
        key, first, second = bind(service, kind), self.ask(service), self.ask(service)
        evidence = answer(api, key, first)
        refusal = self.refused(service, second, evidence)
        assert (refusal.reason, refusal.check) == (Reason.WRONG_ANSWER, "challenge")
        service.perform("alice", self.verb(first, evidence))
        refusal = self.refused(service, refusal.next_challenge, evidence)
        assert (refusal.reason, refusal.check) == (Reason.WRONG_ANSWER, "challenge")

    @pytest.mark.requirement("U13", "V14")
    @answers
    def test_another_users_key(self, service, kind, api):
        """A key of another user does not answer, whatever it signs."""
        bind(service, kind)
        other = bind(service, kind, "bob")
        asked, others = self.ask(service), self.ask(service, "bob")
        told = answer(api, other, others).response
        refusal = self.refused(service, asked, evidence_of(api, told))
        assert (refusal.reason, refusal.check) == (Reason.WRONG_ANSWER, "credential id")
        # The same for what it signs over alice's own challenge, under its own name or under the name of her key.
        told = answer(api, other, others_with(others, asked)).response
        refusal = self.refused(service, refusal.next_challenge, evidence_of(api, told))
        assert refusal.check == "credential id"
        (mine,) = service.account("alice").devices
        asked = refusal.next_challenge
        told = answer(api, other, others_with(others, asked)).response
        names = ("id", "rawId") if api is KeyAPI.WEBAUTHN else ("keyHandle",)
        refusal = self.refused(service, asked, evidence_of(api, told | dict.fromkeys(names, mine.id)))
        assert refusal.check == "signature"

    @pytest.mark.requirement("V14")
    @pytest.mark.standard("WebAuthn Level 3 #dom-authenticatorassertionresponse-userhandle", "ram_mfa.FinishLogon")
    def test_user_handle(self, service):
        """A user handle that comes along is the user's own."""
        key = bind(service, KINDS[1])
        bind(service, KINDS[1], "bob")
        own, others = (encode(service.account(user).handle) for user in ("alice", "bob"))
        wrong, right = (others, encode(b"x")), (own, "", None)
        for handle in (*wrong, *right):
            asked = self.ask(service)
            told = answer(KeyAPI.WEBAUTHN, key, asked).response
            told["response"]["userHandle"] = handle
            if handle in right:
                assert service.perform("alice", self.verb(asked, Assertion(told))).user == "alice"
            else:
                assert self.refused(service, asked, Assertion(told)).check == "user handle"

    @pytest.mark.requirement("B5", "U13")
    @answers
    def test_an_unbound_key(self, services, kind, api):
        """A key that was unbound answers nothing: neither what was asked before, nor what is asked of the others."""
        service = services(devices=DevicePolicy(max_devices=3))
        lost, left = bind(service, kind), bind(service, kind)
        asked = self.ask(service)
        service.perform("alice", Unbind(encode(lost.credential_ids[0]), by=ROOT))
        self.dead(service, self.verb(asked, answer(api, lost, asked)), Reason.FOREIGN_TICKET)
        fresh = self.ask(service)
        told = answer(api, lost, others_with(asked, fresh)).response
        assert self.refused(service, fresh, evidence_of(api, told)).check == "credential id"
        self.proves(service, left, api)

    @pytest.mark.requirement("U13", "V33")
    def test_a_key_of_today_at_the_legacy_door(self, services):
        """A key that was registered through WebAuthn does not answer through U2F, though another key may."""
        service = services(devices=DevicePolicy(max_devices=3))
        key = bind(service, KINDS[0])
        old = bind(service, KINDS[3])
        asked = self.ask(service)
        (handle,) = key.credential_ids
        assert [one["keyHandle"] for one in asked.u2f["registeredKeys"]] == [encode(old.credential_ids[0])]
        credential = key.memory.credentials[handle]
        client_data = answer(KeyAPI.U2F, old, asked).response["clientData"]
        for application in (credential.application, old.memory.credentials[old.credential_ids[0]].application):
            state, signature = key.authenticate(credential, application, _sha256_of(client_data))
            told = {
                "keyHandle": encode(handle),
                "signatureData": encode(state + signature),
                "clientData": client_data,
            }
            assert self.refused(service, self.ask(service), U2FSignature(told)).check == "AppID"

    def test_the_other_door(self, service):
        """An answer through one API is none through the other, and a code is none of either."""
        key = bind(service, KINDS[3])
        for api, other in ((KeyAPI.WEBAUTHN, KeyAPI.U2F), (KeyAPI.U2F, KeyAPI.WEBAUTHN)):
            asked = self.ask(service)
            told = answer(api, key, asked).response
            refusal = self.refused(service, asked, evidence_of(other, told))
            assert refusal.check.startswith("malformed ")
        asked = self.ask(service)
        with service.unchanged():
            refusal = service.refusal("alice", self.verb(asked, TOTPCode("123456")))
        assert refusal.reason is Reason.WRONG_EVIDENCE
        self.proves(service, key, KeyAPI.U2F, asked)

    def test_a_phone_takes_no_key(self, service):
        """Where a phone is bound, no answer of a key is verified, and none takes a slot."""
        service.phone("alice")
        asked = self.ask(service)
        assert (asked.options, asked.u2f) == (None, None)
        for evidence in (Assertion({}), U2FSignature({})):
            with service.unchanged():
                assert service.refusal("alice", self.verb(asked, evidence)).reason is Reason.WRONG_EVIDENCE


def others_with(asked: Any, challenge_of: Any) -> Any:
    """Return a challenge's requests with the challenge of another one in them: what a hostile page asks a key for."""
    challenge = challenge_of.options["challenge"]
    u2f = None if asked.u2f is None else asked.u2f | {"challenge": challenge}
    return attrs.evolve(asked, options=asked.options | {"challenge": challenge}, u2f=u2f)


def _sha256_of(text: str) -> bytes:
    return hashlib.sha256(decode(text, message="test", field="text")).digest()


@pytest.mark.requirement("B12", "V14", "V19")
class Tickets(Asks):
    @answers
    def test_another_session(self, service, kind, api):
        """A right answer from another session is foreign and costs nothing; in its own it proves."""
        key, asked = bind(service, kind), self.ask(service)
        evidence = answer(api, key, asked)
        self.dead(service, self.verb(asked, evidence, session=OTHER_SESSION), Reason.FOREIGN_TICKET)
        service.perform("alice", self.verb(asked, evidence))

    @answers
    def test_another_user(self, service, kind, api):
        """A right answer under another user's name is foreign."""
        key, asked = bind(service, kind), self.ask(service)
        bind(service, kind, "bob")
        self.dead(service, self.verb(asked, answer(api, key, asked)), Reason.FOREIGN_TICKET, "bob")
        service.refusal("carol", self.verb(asked, answer(api, key, asked)))

    @answers
    def test_expired(self, service, kind, api):
        """A challenge lives five minutes: to the last moment of them, and not one more."""
        key, asked = bind(service, kind), self.ask(service)
        late = self.ask(service)
        service.clock.advance(LIFETIME - 0.001)
        self.proves(service, key, api, asked)
        service.clock.advance(0.001)
        self.dead(service, self.verb(late, answer(api, key, late)), Reason.EXPIRED_TICKET)

    @answers
    @pytest.mark.parametrize("change", ["password", "another key", "reset", "erased"])
    def test_older_than_a_change(self, services, kind, api, change):
        """A challenge from before a change of devices or password is dead, and the right answer to it too."""
        service = services(devices=DevicePolicy(max_devices=3))
        key, asked = bind(service, kind), self.ask(service)
        evidence = answer(api, key, asked)
        if change == "another key":
            bind(service, kind)
        else:
            verbs = {"password": PasswordChanged(), "reset": ResetMFA(ROOT), "erased": EraseAccount(ROOT)}
            service.perform("alice", verbs[change])
        with service.unchanged():
            assert service.refusal("alice", self.verb(asked, evidence)).advice in {
                Advice.START_OVER,
                Advice.ASK_ADMINISTRATOR,
            }

    @answers
    def test_slots_of_right_answers(self, service, kind, api):
        """A right answer always passes while its challenge lives, however many passed before."""
        key = bind(service, kind)
        for _ in range(3 * MAX_SPENT):
            self.proves(service, key, api)
            service.clock.advance(1)


class SignCounts(Asks):
    def count(self, service: Service) -> int:
        (device,) = service.account("alice").devices
        return int(device.sign_count)

    def stored(self, service: Service, count: int) -> None:
        (device,) = service.account("alice").devices
        service.plant("alice", devices=(attrs.evolve(device, sign_count=count),))

    @pytest.mark.requirement("U9", "U7", "V30", "S5")
    @pytest.mark.standard("WebAuthn Level 3 #sctn-sign-counter", "ram_mfa.FinishLogon")
    @pytest.mark.standard("FIDO U2F Raw 5.4", "ram_mfa.U2FSignature")
    @pytest.mark.parametrize(
        "counts",
        [
            (0, 0, True),
            (0, 1, True),
            (0, HIGHEST, True),
            (1, 0, False),
            (1, 1, False),
            (1, 2, True),
            (5, 4, False),
            (2**31 - 1, 2**31, True),
            (2**31, 2**31 - 1, False),
            (2**31, 2**31, False),
            (HIGHEST - 1, HIGHEST, True),
            (HIGHEST, HIGHEST, False),
            (HIGHEST, 0, False),
            (HIGHEST, 1, False),
        ],
    )
    @answers
    def test_the_table(self, service, kind, api, counts):
        """Strictly greater, unless both are zero; a lower count refuses, is told, and is never stored."""
        stored, came, passes = counts
        key = bind(service, kind)
        self.stored(service, stored)
        key.counter = (came - 1) % 2**32
        asked = self.ask(service)
        evidence = answer(api, key, asked)
        if passes:
            service.perform("alice", self.verb(asked, evidence))
            assert self.count(service) == came
            assert service.account("alice").devices[0].cloned_at is None
            assert service.events(EventType.KEY_CLONED) == []
            return
        refusal = self.refused(service, asked, evidence)
        assert (refusal.reason, refusal.check) == (Reason.CLONED_KEY, "sign count")
        (device,) = service.account("alice").devices
        assert (device.sign_count, device.cloned_at, device.last_used_at) == (stored, service.clock(), None)
        (event,) = service.events(EventType.KEY_CLONED)
        assert (event.user, event.device, event.at) == ("alice", device.id, service.clock())
        assert service.perform("alice", Describe()).devices[0].cloned_at == service.clock()

    @pytest.mark.requirement("V30")
    @answers
    def test_a_clone(self, service, kind, api):
        """A thief's copy is found by the count that it cannot know, and so is the original once the copy was first."""
        key = bind(service, kind)
        self.proves(service, key, api)
        copy = key.clone()
        self.proves(service, key, api)
        asked = self.ask(service)
        assert self.refused(service, asked, answer(api, copy, asked)).reason is Reason.CLONED_KEY
        self.proves(service, key, api)
        # The original still works; what is to be done is the administrator's to decide, who can see it.
        assert service.perform("alice", Describe()).devices[0].cloned_at == service.clock()
        for _ in range(3):
            copy.count(copy.memory.credentials[copy.credential_ids[0]])
        self.proves(service, copy, api)
        asked = self.ask(service)
        assert self.refused(service, asked, answer(api, key, asked)).reason is Reason.CLONED_KEY

    @pytest.mark.requirement("V30")
    @answers
    def test_a_bad_signature_says_nothing_of_a_count(self, service, kind, api):
        """A count counts only under a good signature: nobody else can have a key called cloned, or move its count."""
        key = bind(service, kind)
        self.proves(service, key, api)
        before = service.account("alice").devices
        for fault in (KeyFault.FROZEN_COUNTER, KeyFault.JUMPING_COUNTER, KeyFault.WRAPPING_COUNTER):
            asked = self.ask(service)
            key.faults = {fault, KeyFault.WRONG_ALGORITHM}
            assert self.refused(service, asked, answer(api, key, asked)).check == "signature"
            assert service.account("alice").devices == before
        assert service.events(EventType.KEY_CLONED) == []

    @pytest.mark.requirement("U9")
    @answers
    def test_keys_that_never_count(self, service, kind, api):
        """A key whose count is always zero proves as often as it is asked."""
        key = kind.key()
        key.faults = {KeyFault.ZERO_COUNTER}
        bind(service, kind, key=key)
        for _ in range(3):
            self.proves(service, key, api)
        assert self.count(service) == 0

    @answers
    def test_jumping_and_wrapping(self, service, kind, api):
        """A count may jump; one that wraps is refused from then on, until the key is bound anew."""
        key = bind(service, kind)
        key.faults = {KeyFault.JUMPING_COUNTER}
        for _ in range(3):
            self.proves(service, key, api)
        key.faults = {KeyFault.WRAPPING_COUNTER}
        self.proves(service, key, api)
        assert self.count(service) == HIGHEST
        for _ in range(2):
            asked = self.ask(service)
            assert self.refused(service, asked, answer(api, key, asked)).reason is Reason.CLONED_KEY
            key.faults = ()
        service.perform("alice", Unbind(by=ROOT))
        bind(service, kind, key=key)
        self.proves(service, key, api)

    @pytest.mark.requirement("S5", "V30")
    @settings(max_examples=rounds(1_000))
    @given(counts=st.lists(st.integers(0, 5) | st.integers(0, HIGHEST), max_size=20))
    @pytest.mark.parametrize("kind", [KINDS[1], KINDS[3]], ids=str)
    def test_any_counts(self, kind, counts):
        """Whatever counts come, in whatever order: the stored one never goes back, and is the highest accepted."""
        services = Services("MFA")
        service = services()
        key = bind(service, kind, key=SoftSecurityKey(algorithm=kind.algorithm, seed=b"seed"))
        highest = self.count(service)
        for number, count in enumerate(counts):
            service.clock.advance(SLOT)
            key.counter = (count - 1) % 2**32
            asked = self.ask(service)
            verb = self.verb(asked, answer(kind.answers_at[number % len(kind.answers_at)], key, asked))
            if count > highest or count == highest == 0:
                service.perform("alice", verb)
                highest = count
            else:
                assert service.refusal("alice", verb).reason is Reason.CLONED_KEY
            assert self.count(service) == highest
        services.close()


@pytest.fixture(scope="module")
def lasting():
    """One service with one key of each API, for many examples."""
    made = Services("MFA")
    service = made(devices=DevicePolicy(max_devices=2))
    keys = {kind.api: bind(service, kind) for kind in (KINDS[1], KINDS[3])}
    yield service, keys
    made.close()


@pytest.mark.requirement("V35")
class WhateverCame(Asks):
    def wrong(self, service: Service, api: KeyAPI, response: Any) -> None:
        """Check that a response proves nothing and takes a slot: a refusal, and never another exception."""
        service.clock.advance(SLOT)
        refusal = service.refusal("alice", self.verb(self.ask(service), evidence_of(api, response)))
        assert refusal.reason is Reason.WRONG_ANSWER
        assert refusal.check
        assert refusal.next_challenge is not None
        assert len(service.account("alice").failed) == 1

    @settings(max_examples=rounds(2_000))
    @given(response=JSON)
    @at_both_apis
    def test_nonsense(self, lasting, api, response):
        """None, numbers, bytes, lists, dicts of anything."""
        self.wrong(lasting[0], api, response)

    @settings(max_examples=rounds(2_000))
    @given(data=st.data())
    @at_both_apis
    def test_members_replaced(self, lasting, api, data):
        """A right answer with any member replaced or left out is refused, or it is the right answer."""
        service, keys = lasting
        service.clock.advance(SLOT)
        asked = self.ask(service)
        told = answer(api, keys[api], asked).response
        inside = api is KeyAPI.WEBAUTHN and data.draw(st.booleans())
        members = dict(told["response"] if inside else told)
        name = data.draw(st.sampled_from(sorted({*members, "userHandle"} if inside else members)))
        value = data.draw(JSON)
        if data.draw(st.booleans()):
            members.pop(name, None)
        else:
            members[name] = value
        changed = told | {"response": members} if inside else members
        refusal = None
        try:
            service.perform("alice", self.verb(asked, evidence_of(api, changed)))
        except Refused as refused:
            refusal = refused.refusal
        if refusal is None:
            assert name in {"authenticatorAttachment", "clientExtensionResults", "userHandle"}
        else:
            assert refusal.reason is Reason.WRONG_ANSWER

    @at_both_apis
    def test_deep_and_giant(self, lasting, api):
        """Nested without end, or as long as anybody likes; as text, or parsed already."""
        service, keys = lasting
        told = answer(api, keys[api], self.ask(service)).response
        names = ("id", "rawId") if api is KeyAPI.WEBAUTHN else ("keyHandle",)
        for what in (
            nested(100_000),
            {name: nested(5_000) for name in told},
            told | {name: nested(5_000) for name in names},
            told | dict.fromkeys(names, "A" * 10_000_000),
            told | {"errorCode": nested(5_000), "response": nested(5_000)},
            "[" * 100_000,
            '{"response":' * 100_000,
            json.dumps(told) + " " * 10_000_000,
            b" " * 10_000_000,
            b"\xff" * 100,
            "\ud800",
            "9" * 100_000,
            10**5_000,
            float("nan"),
            object(),
        ):
            self.wrong(service, api, what)

    @pytest.mark.requirement("U12")
    @at_both_apis
    def test_names_twice(self, lasting, api):
        """A document that names a member twice, on any level, says two things, and is refused."""
        service, keys = lasting
        told = answer(api, keys[api], self.ask(service)).response
        text = json.dumps(told)
        for name, value in told.items():
            self.wrong(service, api, f'{{"{name}": {json.dumps(value)}, {text[1:]}')
        if api is KeyAPI.WEBAUTHN:
            inner = json.dumps(told["response"])
            for name, value in told["response"].items():
                self.wrong(service, api, text.replace(inner, f'{{"{name}": {json.dumps(value)}, {inner[1:]}'))

    @pytest.mark.requirement("U17")
    @at_both_apis
    def test_other_encodings(self, lasting, api):
        """Another encoding of the same bytes, with padding or in the plain alphabet, is refused."""
        service, keys = lasting
        told = answer(api, keys[api], self.ask(service)).response
        at = told["response"] if api is KeyAPI.WEBAUTHN else told
        for name, value in at.items():
            for encoded in (
                value + "=",
                value + "==",
                value + "\n",
                " " + value,
                value[:-1] + "+",
                value[:4] + "/" + value,
            ):
                changed = at | {name: encoded}
                self.wrong(service, api, told | {"response": changed} if api is KeyAPI.WEBAUTHN else changed)
