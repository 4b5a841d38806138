# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

import attrs
import pytest

from ram_mfa.errors import Check, MalformedMessage, VerificationError
from ram_mfa.testing import Counters, KeyFault, SoftSecurityKey
from ram_mfa.u2f import (
    FINISH_ENROLLMENT,
    GET_ASSERTION,
    RegisteredKey,
    RegisterRequest,
    RegisterResponse,
    SignRequest,
    SignResponse,
    application_parameter,
    challenge_parameter,
    verify_authentication,
    verify_chain,
    verify_registration,
)

ORIGIN = "https://console.example.com"
NOW = 1_700_000_000
APP_ID = "https://console.example.com/u2f/facets.json"


@pytest.fixture
def key():
    return SoftSecurityKey()


def verified_registration(challenge, answer):
    response = RegisterResponse.parse(answer)
    response.client_data.check(typ=FINISH_ENROLLMENT, challenge=challenge, facets=[ORIGIN])
    verify_registration(
        response.registration,
        application_parameter=application_parameter(APP_ID),
        challenge_parameter=challenge_parameter(response.client_data),
    )
    return response.registration


def register(key, *, registered=()):
    challenge = os.urandom(32)
    answer = key.u2f_register(RegisterRequest(APP_ID, challenge, tuple(registered)).to_json(), ORIGIN)
    return verified_registration(challenge, answer)


def verified_signature(challenge, registration, answer, previous):
    response = SignResponse.parse(answer)
    response.client_data.check(typ=GET_ASSERTION, challenge=challenge, facets=[ORIGIN])
    assert response.key_handle == registration.key_handle
    verify_authentication(
        response.authentication,
        public_key=registration.public_key,
        application_parameter=application_parameter(APP_ID),
        challenge_parameter=challenge_parameter(response.client_data),
        previous_counter=previous,
    )
    return response.authentication.counter


def sign(key, registration, previous=None, challenge=None):
    challenge = challenge or os.urandom(32)
    request = SignRequest(APP_ID, challenge, (RegisteredKey(registration.key_handle),))
    return verified_signature(challenge, registration, key.u2f_sign(request.to_json(), ORIGIN), previous)


class TestRegister:
    def test_verifies(self, key):
        """A registration passes the library's checks of client data and signature."""
        assert register(key).key_handle in key.credential_ids

    def test_registered_already(self, key):
        """A key that finds itself among the registered ones is not eligible."""
        handle = register(key).key_handle
        for registered in (RegisteredKey(handle), RegisteredKey(handle, APP_ID)):
            request = RegisterRequest(APP_ID, b"c" * 32, (RegisteredKey(b"another's"), registered))
            assert key.u2f_register(request.to_json(), ORIGIN) == {"errorCode": 4}
        elsewhere = RegisteredKey(handle, "https://example.com")
        assert register(key, registered=[elsewhere]).key_handle != handle

    def test_several(self, key):
        """One key holds several registrations, each with its own pair."""
        registrations = [register(key) for _ in range(3)]
        assert len({one.public_key for one in registrations}) == 3
        assert key.credential_ids == tuple(one.key_handle for one in registrations)

    def test_untouched(self, key):
        """Without a touch the request times out."""
        key.touched = False
        assert key.u2f_register(RegisterRequest(APP_ID, b"c" * 32).to_json(), ORIGIN) == {"errorCode": 5}

    @pytest.mark.parametrize("origin", ["https://example.org", "http://console.example.com", "https://com"])
    def test_foreign_page(self, key, origin):
        """A page of another site, or without TLS, may not ask under this AppID."""
        assert key.u2f_register(RegisterRequest(APP_ID, b"c" * 32).to_json(), origin) == {"errorCode": 2}

    def test_no_request(self, key):
        """What is no request is a bad one."""
        request = RegisterRequest(APP_ID, b"c" * 32).to_json()
        assert key.u2f_register({**request, "registerRequests": []}, ORIGIN) == {"errorCode": 2}


class TestSign:
    def test_verifies(self, key):
        """Signatures pass the library's checks, with a counter that goes up by one."""
        registration = register(key)
        assert [sign(key, registration, count) for count in range(3)] == [1, 2, 3]

    def test_app_id_of_a_registered_key(self, key):
        """The AppID may stand with the registered key and then goes before the request's."""
        registration = register(key)
        challenge = os.urandom(32)
        request = SignRequest("https://example.com", challenge, (RegisteredKey(registration.key_handle, APP_ID),))
        assert verified_signature(challenge, registration, key.u2f_sign(request.to_json(), ORIGIN), 0) == 1

    def test_not_this_key(self, key):
        """A key that is not among the registered ones is not eligible."""
        request = SignRequest(APP_ID, b"c" * 32, (RegisteredKey(b"another's"),))
        assert key.u2f_sign(request.to_json(), ORIGIN) == {"errorCode": 4}

    def test_untouched(self, key):
        """Without a touch the request times out."""
        request = SignRequest(APP_ID, b"c" * 32, (RegisteredKey(register(key).key_handle),))
        key.touched = False
        assert key.u2f_sign(request.to_json(), ORIGIN) == {"errorCode": 5}

    @pytest.mark.parametrize("foreign", ["request", "key", "page"])
    def test_foreign_page(self, key, foreign):
        """A page may not ask for signatures under the AppID of another site."""
        handle, bad = register(key).key_handle, "https://example.org"
        request = SignRequest(APP_ID, b"c" * 32, (RegisteredKey(handle),))
        if foreign == "request":
            request = attrs.evolve(request, app_id=bad)
        if foreign == "key":
            request = attrs.evolve(request, registered_keys=(RegisteredKey(handle, bad),))
        assert key.u2f_sign(request.to_json(), bad if foreign == "page" else ORIGIN) == {"errorCode": 2}

    def test_no_request(self, key):
        """What is no request is a bad one."""
        assert key.u2f_sign({}, ORIGIN) == {"errorCode": 2}


class TestClone:
    def test_same_counter(self, key):
        """A clone answers for the same registration from the same count on, and the library sees the second of two."""
        registration = register(key)
        last = sign(key, registration, 0)
        clone = key.clone()
        assert sign(key, registration, last) == 2
        with pytest.raises(VerificationError) as refused:
            sign(clone, registration, 2)
        assert refused.value.check is Check.SIGN_COUNT

    def test_apart(self, key):
        """What the clone registers is not the original's."""
        clone = key.clone()
        register(clone)
        assert (len(key.credential_ids), len(clone.credential_ids)) == (0, 1)


class TestCounters:
    def test_global(self, key):
        """A global counter counts the answers of all registrations."""
        first, second = register(key), register(key)
        assert [sign(key, one) for one in (first, second, first)] == [1, 2, 3]

    def test_per_credential(self):
        """A counter for each registration counts its own."""
        key = SoftSecurityKey(counters=Counters.PER_CREDENTIAL)
        first, second = register(key), register(key)
        assert [sign(key, one) for one in (first, second, first)] == [1, 1, 2]

    @pytest.mark.parametrize("counters", list(Counters))
    @pytest.mark.parametrize(
        ("fault", "counts"),
        [
            (KeyFault.FROZEN_COUNTER, [2, 2, 2]),
            (KeyFault.ZERO_COUNTER, [0, 0, 0]),
            (KeyFault.JUMPING_COUNTER, [65_538, 131_074, 196_610]),
            (KeyFault.WRAPPING_COUNTER, [4_294_967_295, 0, 4_294_967_295]),
        ],
    )
    def test_faults(self, counters, fault, counts):
        """Each fault of the counter shows in the numbers that are signed."""
        key = SoftSecurityKey(counters=counters)
        registration = register(key)
        assert [sign(key, registration) for _ in range(2)] == [1, 2]
        key.faults = {fault}
        assert [sign(key, registration) for _ in range(3)] == counts

    def test_full_range(self, key):
        """A counter above 2^31 is unsigned, and at its end it starts again."""
        registration = register(key)
        key.counter = 2**32 - 2
        assert [sign(key, registration) for _ in range(2)] == [2**32 - 1, 0]


REFUSED_AT_REGISTRATION = {
    KeyFault.WRONG_TYPE: Check.TYPE,
    KeyFault.WRONG_ORIGIN: Check.ORIGIN,
    KeyFault.WRONG_CHALLENGE: Check.CHALLENGE,
    KeyFault.WRONG_RP_ID_HASH: Check.SIGNATURE,
    KeyFault.WRONG_ALGORITHM: Check.SIGNATURE,
    KeyFault.TRAILING_BYTES: MalformedMessage,
    KeyFault.SECOND_CERTIFICATE: MalformedMessage,
    KeyFault.OFF_CURVE_KEY: MalformedMessage,
}
REFUSED_AT_SIGNING = {
    KeyFault.WRONG_TYPE: Check.TYPE,
    KeyFault.WRONG_ORIGIN: Check.ORIGIN,
    KeyFault.WRONG_CHALLENGE: Check.CHALLENGE,
    KeyFault.WRONG_RP_ID_HASH: Check.SIGNATURE,
    KeyFault.WRONG_ALGORITHM: Check.SIGNATURE,
    KeyFault.TRAILING_BYTES: MalformedMessage,
    KeyFault.NO_USER_PRESENCE: Check.USER_PRESENCE,
    KeyFault.FROZEN_COUNTER: Check.SIGN_COUNT,
    KeyFault.ZERO_COUNTER: Check.SIGN_COUNT,
}


def refused(expected, action):
    if expected is MalformedMessage:
        with pytest.raises(MalformedMessage):
            action()
        return
    with pytest.raises(VerificationError) as error:
        action()
    assert error.value.check is expected


class TestFaults:
    @pytest.mark.parametrize("fault", list(REFUSED_AT_REGISTRATION))
    def test_at_registration(self, key, fault):
        """Each fault is refused by the one check that it is about, and without it the same key passes."""
        key.faults = {fault}
        refused(REFUSED_AT_REGISTRATION[fault], lambda: register(key))
        key.faults = set()
        register(key)

    @pytest.mark.parametrize("fault", list(REFUSED_AT_SIGNING))
    def test_at_signing(self, key, fault):
        """Each fault is refused by the one check that it is about, and without it the same key passes."""
        registration = register(key)
        last = sign(key, registration, 0)
        key.faults = {fault}
        refused(REFUSED_AT_SIGNING[fault], lambda: sign(key, registration, last))
        key.faults = set()
        sign(key, registration, last)

    @pytest.mark.requirement("U18")
    def test_high_s(self, key):
        """A signature with the larger s is as valid as its twin."""
        key.faults = {KeyFault.HIGH_S_SIGNATURE}
        registration = register(key)
        assert sign(key, registration, 0) == 1

    @pytest.mark.requirement("U6")
    def test_malformed_unused_bits(self, key):
        """A certificate whose signature has a wrong count of unused bits, and which is none of the six that are known,
        is not repaired: it chains to nothing.
        """
        roots = [key.attestation.root]
        verify_chain([register(key).certificate], roots=roots, at=NOW)
        key.faults = {KeyFault.MALFORMED_UNUSED_BITS}
        with pytest.raises((MalformedMessage, VerificationError)):
            verify_chain([register(key).certificate], roots=roots, at=NOW)
