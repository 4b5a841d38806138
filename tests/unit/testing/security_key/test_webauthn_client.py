# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib
import json
import os

import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key

from ram_mfa.encoding.base64url import encode
from ram_mfa.errors import Check, MalformedMessage, VerificationError
from ram_mfa.testing import ClientRefused, KeyFault, SoftSecurityKey
from ram_mfa.u2f import RegisterRequest, RegisterResponse
from ram_mfa.webauthn import (
    AttestationLevel,
    AttestationPolicy,
    AuthenticationResponse,
    COSEAlgorithm,
    Credential,
    CredentialDescriptor,
    RegistrationResponse,
    Verdict,
    creation_options,
    request_options,
    verify_authentication,
    verify_registration,
)
from ram_mfa.webauthn.options import OFFERED

RP_ID = "example.com"
ORIGIN = "https://console.example.com"
APP_ID = "https://console.example.com/u2f/facets.json"
NOW = 1_700_000_000


def options_of(challenge, **changes):
    arguments = {"rp_name": "Example", "user_handle": b"handle", "user_name": "alice", "attestation": "direct"}
    return creation_options(challenge=challenge, rp_id=RP_ID, **{**arguments, **changes})


def register(key, *, require_user_verification=False, **changes):
    challenge = os.urandom(32)
    answer = key.create(options_of(challenge, **changes), ORIGIN)
    policy = AttestationPolicy()
    if changes.get("attestation", "direct") != "none" and key.attestation is not None:
        policy = AttestationPolicy(level=AttestationLevel.CHAINED, roots=[key.attestation.root])
    return verify_registration(
        RegistrationResponse.from_json(json.dumps(answer)),
        challenge=challenge,
        rp_id=RP_ID,
        origins=[ORIGIN],
        algorithms=OFFERED,
        attestation=policy,
        require_user_verification=require_user_verification,
        at=NOW,
    )


def stored(registered, sign_count=None):
    count = registered.sign_count if sign_count is None else sign_count
    return Credential(id=registered.id, public_key=registered.public_key, sign_count=count)


def log_on(key, credential, *, app_id=None, **changes):
    challenge = os.urandom(32)
    options = request_options(
        challenge=challenge, rp_id=RP_ID, allow=[CredentialDescriptor(credential.id)], app_id=app_id, **changes
    )
    return verify_authentication(
        AuthenticationResponse.from_json(json.dumps(key.get(options, ORIGIN))),
        credential=credential,
        challenge=challenge,
        rp_id=RP_ID,
        origins=[ORIGIN],
        app_id=app_id,
    )


def u2f_registered(key, app_id=APP_ID):
    answer = key.u2f_register(RegisterRequest(app_id, b"c" * 32).to_json(), "https://console.example.com")
    registration = RegisterResponse.parse(answer).registration
    return Credential(id=registration.key_handle, public_key=registration.public_key, sign_count=0, app_id=app_id)


KEYS = {"u2f": None} | {name: COSEAlgorithm[name] for name in ("ES256", "EDDSA", "ES384", "ES512", "ED448", "RS256")}


@pytest.fixture(params=list(KEYS), scope="module")
def any_key(request):
    return SoftSecurityKey(algorithm=KEYS[request.param])


@pytest.fixture
def key():
    return SoftSecurityKey()


class TestCreateAndGet:
    def test_attested(self, any_key):
        """Whatever its algorithm, the key registers with a chained attestation and logs on."""
        registered = register(any_key)
        assert registered.attestation.format == ("fido-u2f" if any_key.algorithm is None else "packed")
        assert registered.attestation.verdict is Verdict.TRUSTED
        assert registered.algorithm == (any_key.algorithm or COSEAlgorithm.ES256)
        assert registered.transports == ("usb",)
        first = log_on(any_key, stored(registered))
        assert log_on(any_key, stored(registered, first.sign_count)).sign_count == first.sign_count + 1

    def test_not_asked(self, any_key):
        """Where no attestation is asked for, the browser takes it and the model away."""
        registered = register(any_key, attestation="none")
        assert registered.attestation.format == "none"
        assert registered.aaguid == bytes(16)
        log_on(any_key, stored(registered))

    def test_self_attested(self):
        """A newer key without a certificate attests for itself."""
        key = SoftSecurityKey(algorithm=COSEAlgorithm.EDDSA, attestation=None)
        registered = register(key)
        assert (registered.attestation.format, registered.attestation.verdict) == ("packed", Verdict.SELF)
        log_on(key, stored(registered))

    def test_a_u2f_key_has_a_certificate(self):
        """A U2F key without one does not exist."""
        with pytest.raises(ValueError, match="certificate"):
            SoftSecurityKey(attestation=None)

    def test_json(self, any_key):
        """The answers bear what a browser's toJSON writes beside what is verified."""
        created = any_key.create(options_of(b"c" * 32), ORIGIN)
        assert set(created) == {
            "id", "rawId", "type", "authenticatorAttachment", "response", "clientExtensionResults",
        }  # fmt: skip
        assert created["response"]["publicKeyAlgorithm"] == (any_key.algorithm or -7)
        spki = RegistrationResponse.from_json(created)
        assert spki.client_extension_results == {}
        assert json.loads(spki.client_data_json)["crossOrigin"] is False

    def test_long_credential_id(self):
        """A newer key may have credential ids of up to 1,023 bytes."""
        key = SoftSecurityKey(algorithm=-7, credential_id_length=1_023)
        registered = register(key)
        assert len(registered.id) == 1_023
        log_on(key, stored(registered))


class TestUserVerification:
    def test_verifies(self):
        """A key that knows its user says so where it is preferred or required, and not where it is discouraged."""
        key = SoftSecurityKey(algorithm=-7, verifies_user=True)
        required = register(key, user_verification="required", require_user_verification=True)
        assert required.user_verified
        assert log_on(key, stored(required), user_verification="preferred").user_verified
        assert not log_on(key, stored(required), user_verification="discouraged").user_verified

    @pytest.mark.parametrize("algorithm", [None, -7])
    def test_cannot(self, algorithm):
        """A key that does not know its user is refused at once where it is required."""
        key = SoftSecurityKey(algorithm=algorithm, verifies_user=algorithm is None)
        with pytest.raises(ClientRefused) as refused:
            register(key, user_verification="required")
        assert refused.value.name == "NotAllowedError"


class TestRefusals:
    """What a browser refuses before or instead of asking a key."""

    @pytest.mark.parametrize(
        "origin",
        [
            "https://example.org",
            "https://evilexample.com",
            "https://example.com.evil.test",
            "http://console.example.com",
            "https://com",
        ],
    )
    def test_foreign_origin(self, key, origin):
        """A page that may not speak for the RP ID gets a SecurityError, from create and from get."""
        with pytest.raises(ClientRefused) as refused:
            key.create(options_of(b"c" * 32), origin)
        assert refused.value.name == "SecurityError"
        options = request_options(challenge=b"c" * 32, rp_id=RP_ID, allow=[CredentialDescriptor(b"id")])
        with pytest.raises(ClientRefused) as refused:
            key.get(options, origin)
        assert refused.value.name == "SecurityError"

    def test_localhost(self, key):
        """http://localhost is as good as HTTPS, for development."""
        options = {**options_of(b"c" * 32), "rp": {"id": "localhost", "name": "Example"}}
        assert key.create(options, "http://localhost:8000")["type"] == "public-key"

    def test_rp_id_left_out(self, key):
        """An RP ID that is left out is the page's host."""
        options = options_of(b"c" * 32)
        del options["rp"]["id"]
        key.create(options, ORIGIN)
        request = {"challenge": "Y2NjY2NjY2NjY2NjY2NjYw", "allowCredentials": [], "userVerification": "discouraged"}
        request["allowCredentials"] = [{"type": "public-key", "id": encode(key.credential_ids[0])}]
        answer = AuthenticationResponse.from_json(key.get(request, ORIGIN))
        assert answer.authenticator_data[:32] == hashlib.sha256(b"console.example.com").digest()

    def test_excluded(self, any_key):
        """A key that has one of the excluded credentials says so, after the touch, and makes no other."""
        registered = register(any_key)
        before = any_key.credential_ids
        with pytest.raises(ClientRefused) as refused:
            register(any_key, exclude=[CredentialDescriptor(b"another's"), CredentialDescriptor(registered.id)])
        assert refused.value.name == "InvalidStateError"
        assert any_key.credential_ids == before

    def test_untouched(self, key):
        """Without a touch nothing is registered, signed, or told."""
        registered = register(key)
        key.touched = False
        for action in (
            lambda: register(key, exclude=[CredentialDescriptor(registered.id)]),
            lambda: log_on(key, stored(registered)),
        ):
            with pytest.raises(ClientRefused) as refused:
                action()
            assert refused.value.name == "NotAllowedError"

    def test_another_key(self, key):
        """A key that has none of the credentials does not answer."""
        registered = register(key)
        with pytest.raises(ClientRefused) as refused:
            log_on(SoftSecurityKey(), stored(registered))
        assert refused.value.name == "NotAllowedError"

    def test_forgotten(self, key):
        """A credential that the key forgot is gone."""
        registered = register(key)
        key.forget(registered.id)
        with pytest.raises(ClientRefused):
            log_on(key, stored(registered))

    def test_algorithm_not_offered(self):
        """A key that speaks none of the offered algorithms is not supported."""
        with pytest.raises(ClientRefused) as refused:
            register(SoftSecurityKey(algorithm=-257), algorithms=[-7])
        assert refused.value.name == "NotSupportedError"

    def test_unknown_algorithm(self):
        """No key is made for an algorithm that is not there."""
        key = SoftSecurityKey(algorithm=-37)
        with pytest.raises(ValueError, match="-37"):
            key.create({**options_of(b"c" * 32), "pubKeyCredParams": [{"type": "public-key", "alg": -37}]}, ORIGIN)


class TestAppID:
    """The bridge for keys that were registered through U2F."""

    def test_answers(self, key):
        """A key registered through U2F answers through WebAuthn where its AppID is asked for."""
        assertion = log_on(key, u2f_registered(key), app_id=APP_ID)
        assert (assertion.app_id_used, assertion.sign_count) == (True, 1)

    def test_not_asked(self, key):
        """Without the extension it does not answer: under the RP ID nobody knows it."""
        with pytest.raises(ClientRefused) as refused:
            log_on(key, u2f_registered(key))
        assert refused.value.name == "NotAllowedError"

    def test_not_used(self, key):
        """A key registered under the RP ID answers under that, and the extension says false."""
        registered = register(key)
        assert not log_on(key, stored(registered), app_id=APP_ID).app_id_used

    @pytest.mark.parametrize("app_id", ["https://example.org", "http://console.example.com"])
    def test_foreign(self, key, app_id):
        """An AppID of another site, or without TLS, is a SecurityError."""
        credential = u2f_registered(key)
        with pytest.raises(ClientRefused) as refused:
            log_on(key, credential, app_id=app_id)
        assert refused.value.name == "SecurityError"

    def test_exclude(self, key):
        """A key registered through U2F is not registered again where appidExclude names its AppID."""
        descriptor = CredentialDescriptor(u2f_registered(key).id)
        assert register(key, exclude=[descriptor]).id != descriptor.id
        with pytest.raises(ClientRefused) as refused:
            register(key, exclude=[descriptor], app_id_exclude=APP_ID)
        assert refused.value.name == "InvalidStateError"
        assert register(key, exclude=[], app_id_exclude=APP_ID).id != descriptor.id


AT_REGISTRATION = {
    KeyFault.WRONG_TYPE: Check.TYPE,
    KeyFault.WRONG_ORIGIN: Check.ORIGIN,
    KeyFault.WRONG_CHALLENGE: Check.CHALLENGE,
    KeyFault.WRONG_RP_ID_HASH: Check.RP_ID_HASH,
    KeyFault.NO_USER_PRESENCE: Check.USER_PRESENCE,
    KeyFault.TRAILING_BYTES: MalformedMessage,
    KeyFault.MALFORMED_UNUSED_BITS: (Check.TRUST_PATH, MalformedMessage),
    KeyFault.WRONG_ALGORITHM: (Check.ALGORITHM, MalformedMessage),
}
AT_LOGON = {
    KeyFault.WRONG_TYPE: Check.TYPE,
    KeyFault.WRONG_ORIGIN: Check.ORIGIN,
    KeyFault.WRONG_CHALLENGE: Check.CHALLENGE,
    KeyFault.WRONG_RP_ID_HASH: Check.RP_ID_HASH,
    KeyFault.NO_USER_PRESENCE: Check.USER_PRESENCE,
    KeyFault.FROZEN_COUNTER: Check.SIGN_COUNT,
    KeyFault.ZERO_COUNTER: Check.SIGN_COUNT,
    KeyFault.TRAILING_BYTES: MalformedMessage,
    KeyFault.WRONG_ALGORITHM: Check.SIGNATURE,
}


def refused(expected, action):
    expected = expected if isinstance(expected, tuple) else (expected,)
    with pytest.raises((MalformedMessage, VerificationError)) as error:
        action()
    found = error.value.check if isinstance(error.value, VerificationError) else MalformedMessage
    assert found in expected


class TestFaults:
    @pytest.mark.parametrize("fault", list(AT_REGISTRATION))
    def test_at_registration(self, any_key, fault):
        """Each fault is refused by the check that it is about, and without it the same key passes."""
        any_key.faults = {fault}
        refused(AT_REGISTRATION[fault], lambda: register(any_key))
        any_key.faults = set()
        register(any_key)

    @pytest.mark.parametrize("fault", list(AT_LOGON))
    def test_at_logon(self, any_key, fault):
        """Each fault is refused by the check that it is about, and without it the same key passes."""
        registered = register(any_key)
        last = log_on(any_key, stored(registered)).sign_count
        any_key.faults = {fault}
        refused(AT_LOGON[fault], lambda: log_on(any_key, stored(registered, last)))
        any_key.faults = set()
        log_on(any_key, stored(registered, last))

    @pytest.mark.parametrize("algorithm", [None, -7, -35, -36])
    def test_off_curve(self, algorithm):
        """A public key that is no point of its curve is malformed, attested or not."""
        key = SoftSecurityKey(algorithm=algorithm, faults={KeyFault.OFF_CURVE_KEY})
        refused(MalformedMessage, lambda: register(key))
        refused(MalformedMessage, lambda: register(key, attestation="none"))

    def test_second_certificate(self, key):
        """fido-u2f has exactly one certificate."""
        key.faults = {KeyFault.SECOND_CERTIFICATE}
        refused((Check.ATTESTATION, Check.CERTIFICATE, MalformedMessage), lambda: register(key))

    @pytest.mark.requirement("U18")
    @pytest.mark.parametrize("algorithm", [None, -7, -35, -36])
    def test_high_s(self, algorithm):
        """A signature with the larger s is as valid as its twin, at registration and at logon."""
        key = SoftSecurityKey(algorithm=algorithm, faults={KeyFault.HIGH_S_SIGNATURE})
        log_on(key, stored(register(key)))

    @pytest.mark.parametrize("fault", [KeyFault.JUMPING_COUNTER, KeyFault.WRAPPING_COUNTER])
    def test_counters_that_go_up(self, key, fault):
        """A counter may jump, and one that then goes back to zero is refused."""
        registered = register(key)
        key.faults = {fault}
        last = log_on(key, stored(registered)).sign_count
        action = lambda: log_on(key, stored(registered, last))
        if fault is KeyFault.WRAPPING_COUNTER:
            refused(Check.SIGN_COUNT, action)
        else:
            assert action().sign_count == last + 65_536

    def test_a_zero_counter_from_the_start(self, key):
        """A key that never counts is accepted with zero and zero."""
        key.faults = {KeyFault.ZERO_COUNTER}
        registered = register(key)
        assert [log_on(key, stored(registered)).sign_count for _ in range(2)] == [0, 0]

    def test_clone(self, key):
        """Of a key and its clone the one that answers second is refused by its count."""
        registered = register(key)
        clone = key.clone()
        last = log_on(clone, stored(registered)).sign_count
        refused(Check.SIGN_COUNT, lambda: log_on(key, stored(registered, last)))


class TestSeed:
    @pytest.mark.parametrize("algorithm", [None, -7, -8, -35, -36, -53])
    def test_same_bytes(self, algorithm):
        """Two keys of one seed answer with the same bytes, signatures and certificates included."""
        first, second = (SoftSecurityKey(algorithm=algorithm, seed=b"seed") for _ in range(2))
        options = options_of(b"c" * 32)
        created = [one.create(options, ORIGIN) for one in (first, second, SoftSecurityKey(algorithm=algorithm))]
        assert created[0] == created[1] != created[2]
        request = request_options(
            challenge=b"d" * 32, rp_id=RP_ID, allow=[CredentialDescriptor(one) for one in first.credential_ids]
        )
        assert first.get(request, ORIGIN) == second.get(request, ORIGIN)

    def test_another_seed(self):
        """Another seed is another key, of another maker."""
        first, second = SoftSecurityKey(seed=b"1"), SoftSecurityKey(seed=b"2")
        assert first.attestation.root != second.attestation.root


class TestSecrecy:
    def test_repr(self, any_key):
        """No repr shows a secret or a certificate."""
        register(any_key)
        assert "bytes" not in repr(any_key)
        assert "memory" not in repr(any_key)
        assert len(repr(any_key)) < 500

    def test_export(self, key):
        """A test can take a private key out, to put it into a virtual authenticator elsewhere."""
        registered = register(key)
        pair = key.memory.credentials[registered.id].key_pair
        point = load_der_public_key(pair.spki).public_numbers()
        assert pair.point() == registered.point == b"\x04" + point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big")
