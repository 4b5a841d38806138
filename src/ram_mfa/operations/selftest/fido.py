# SPDX-License-Identifier: Apache-2.0
"""The two examples of FIDO U2F Raw Message Formats 1.2, sections 8.1 and 8.2.

https://fidoalliance.org/specs/fido-u2f-v1.2-ps-20170411/fido-u2f-raw-message-formats-v1.2-ps-20170411.html#examples
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...u2f import (
    FINISH_ENROLLMENT,
    GET_ASSERTION,
    AuthenticationRequest,
    AuthenticationResponse,
    ClientData,
    RegistrationRequest,
    RegistrationResponse,
    application_parameter,
    challenge_parameter,
    verify_authentication,
    verify_registration,
)
from ...u2f.verification import authentication_signed_data, registration_signed_data
from .vectors import Suite, Vector, expect

_ORIGIN = "http://example.com"


def suites(document: Mapping[str, Any]) -> Iterator[Suite]:
    """Return the vectors, ready to be tried."""
    for name, vectors in (("registration", _registration), ("authentication", _authentication)):
        example = document[name]
        yield Suite(document["standard"], f"{example['section']}, {name} example", document["url"], vectors(example))


def _client_data(example: Mapping[str, Any], typ: str) -> None:
    client_data = ClientData.parse(example["client_data"].encode())
    client_data.check(typ=typ, challenge=example["challenge"], facets=[_ORIGIN])


def _registration(example: Mapping[str, Any]) -> tuple[Vector, ...]:
    raw, response = bytes.fromhex(example["request"]), bytes.fromhex(example["response"])
    application = application_parameter(example["app_id"])
    challenge = challenge_parameter(example["client_data"].encode())

    def request() -> None:
        parsed = RegistrationRequest.parse(raw)
        expect((parsed.challenge_parameter, parsed.application_parameter), (challenge, application))
        expect(bytes(RegistrationRequest(challenge, application)), raw)

    def signed() -> None:
        parsed = RegistrationResponse.parse(response)
        found = registration_signed_data(
            application_parameter=application,
            challenge_parameter=challenge,
            key_handle=parsed.key_handle,
            public_key=parsed.public_key,
        )
        expect(found, bytes.fromhex(example["signed"]))

    def signature() -> None:
        parsed = RegistrationResponse.parse(response)
        verify_registration(parsed, application_parameter=application, challenge_parameter=challenge)

    return (
        ("client data", lambda: _client_data(example, FINISH_ENROLLMENT)),
        ("request", request),
        ("response", lambda: expect(bytes(RegistrationResponse.parse(response)), response)),
        ("signed data", signed),
        ("signature", signature),
    )


def _authentication(example: Mapping[str, Any]) -> tuple[Vector, ...]:
    raw, response = bytes.fromhex(example["request"]), bytes.fromhex(example["response"])
    application = application_parameter(example["app_id"])
    challenge = challenge_parameter(example["client_data"].encode())

    def request() -> None:
        parsed = AuthenticationRequest.parse(raw)
        expect((parsed.challenge_parameter, parsed.application_parameter), (challenge, application))
        expect(bytes(parsed), raw)

    def signed() -> None:
        parsed = AuthenticationResponse.parse(response)
        found = authentication_signed_data(
            application_parameter=application,
            user_presence=parsed.user_presence,
            counter=parsed.counter,
            challenge_parameter=challenge,
        )
        expect(found, bytes.fromhex(example["signed"]))

    def signature() -> None:
        verify_authentication(
            AuthenticationResponse.parse(response),
            public_key=bytes.fromhex(example["public_key"]),
            application_parameter=application,
            challenge_parameter=challenge,
            previous_counter=0,
        )

    return (
        ("client data", lambda: _client_data(example, GET_ASSERTION)),
        ("request", request),
        ("response", lambda: expect(bytes(AuthenticationResponse.parse(response)), response)),
        ("signed data", signed),
        ("signature", signature),
    )
