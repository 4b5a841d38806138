# SPDX-License-Identifier: Apache-2.0
"""Every kind of message that a stranger can send: its size bound, who reads it, and inputs built to be expensive.

`benchmarks.bench_limits` measures and mutates them; tests/properties/test_limits.py checks that each bound holds.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator
from functools import cache
from types import SimpleNamespace
from typing import Any

import attrs
import cbor2

from ram_mfa._secret import SecretBytes
from ram_mfa.attestation_certificates.certificates import MAX_SIZE as CERTIFICATE_LIMIT
from ram_mfa.context import Context
from ram_mfa.encoding.base64url import encode
from ram_mfa.engine.records import MAX_USER_ID, user_key
from ram_mfa.errors import Check, MalformedMessage, VerificationError
from ram_mfa.otp import KeyURI, parse_setup_key
from ram_mfa.otp.key_uri_reader import MAX_URI
from ram_mfa.otp.normalise import MAX_TYPED, canonical_code
from ram_mfa.policy import KnownBrowsers, MFAPolicy
from ram_mfa.refusals import Ticket
from ram_mfa.rules import tickets
from ram_mfa.rules.browser_tokens import MAX_TOKENS, TOKEN_LENGTH, sender_of
from ram_mfa.rules.machines import find
from ram_mfa.u2f import (
    AttestationCertificate,
    AuthenticationResponse,
    CommandAPDU,
    RegisterResponse,
    RegistrationResponse,
    SignResponse,
    verify_chain,
    verify_registration,
)
from ram_mfa.u2f import ClientData as U2FClientData
from ram_mfa.u2f.client_data import MAX_SIZE as U2F_CLIENT_DATA_LIMIT
from ram_mfa.webauthn import AuthenticatorData, ClientData, load_public_key, responses
from ram_mfa.webauthn import verify_registration as verify_webauthn
from ram_mfa.webauthn.attestation import AttestationObject, verify_statement
from ram_mfa.webauthn.attestation.statement import MAX_SIZE as ATTESTATION_LIMIT
from ram_mfa.webauthn.attestation_policy import AttestationLevel, AttestationPolicy
from ram_mfa.webauthn.authenticator_data import MAX_SIZE as AUTHENTICATOR_DATA_LIMIT
from ram_mfa.webauthn.client_data import MAX_SIZE as CLIENT_DATA_LIMIT
from tests.support import certificates as make
from tests.support import webauthn as key
from tests.support.accounts import ACCOUNT, ROOT_RECORD
from tests.support.certificates import oid, tlv

COSE_LIMIT = 4_096
U2F_JSON_LIMIT = 131_072
REFUSALS = (MalformedMessage, VerificationError)
HASH = hashlib.sha256(key.client_data()).digest()


@attrs.frozen
class Kind:
    """One kind of message.

    Attributes:
        name: as the table in docs/limits.md calls it.
        limit: the most bytes or characters that are looked at.
        read: what the library does with it, from the first look to the last check.
        candidates: yields expensive inputs, each within the limit.
    """

    name: str
    limit: int
    read: Callable[[Any], object]
    candidates: Callable[[], Iterator[bytes | str]]


def spki(algorithm: str, parameters: bytes, public_key: bytes) -> bytes:
    """Return a SubjectPublicKeyInfo, DER."""
    return tlv(0x30, tlv(0x30, oid(algorithm), parameters), tlv(0x03, b"\x00" + public_key))


def number(value: int) -> bytes:
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


@cache
def odd(bits: int) -> int:
    """Return an odd number of exactly that many bits, the same in every run."""
    return random.Random(bits).getrandbits(bits) | 1 | 1 << bits - 1


def rsa(bits: int, exponent: int = 65_537) -> bytes:
    return spki("1.2.840.113549.1.1.1", b"\x05\x00", tlv(0x30, number(odd(bits)), number(exponent)))


def dh(bits: int) -> bytes:
    """Return an X9.42 Diffie-Hellman key: p, g, q in the parameters."""
    p = odd(bits)
    return spki("1.2.840.10046.2.1", tlv(0x30, number(p), number(2), number((p - 1) // 2 | 1)), number(odd(bits - 1)))


def dsa(bits: int) -> bytes:
    p = odd(bits)
    return spki("1.2.840.10040.4.1", tlv(0x30, number(p), number(odd(256)), number(2)), number(odd(bits - 1)))


def explicit_curve(bits: int) -> bytes:
    """Return an EC key whose curve is given by its parameters, on a field of that many bits."""
    p, size = odd(bits), bits // 8
    curve = tlv(0x30, tlv(0x04, bytes(size - 1) + b"\x01"), tlv(0x04, bytes(size - 1) + b"\x07"))
    base = tlv(0x04, b"\x04" + bytes(2 * size))
    field = tlv(0x30, oid("1.2.840.10045.1.1"), number(p))
    return spki("1.2.840.10045.2.1", tlv(0x30, number(1), field, curve, base, number(p)), b"\x04" + bytes(2 * size))


def binary_curve(bits: int) -> bytes:
    """Return an EC key on an explicit curve over a binary field."""
    size = bits // 8
    field = tlv(
        0x30, oid("1.2.840.10045.1.2"), tlv(0x30, number(bits), oid("1.2.840.10045.1.2.3.2"), number(bits // 2))
    )
    curve = tlv(0x30, tlv(0x04, bytes(size)), tlv(0x04, bytes(size)))
    parameters = tlv(0x30, number(1), field, curve, tlv(0x04, b"\x04" + bytes(2 * size)), number(odd(bits)))
    return spki("1.2.840.10045.2.1", parameters, b"\x04" + bytes(2 * size))


FOREIGN_KEYS = {
    "DH 4096": lambda: dh(4_096),
    "DH 16384": lambda: dh(16_384),
    "DSA 16384": lambda: dsa(16_384),
    "DH of PKCS #3": lambda: spki(
        "1.2.840.113549.1.3.1", tlv(0x30, number(odd(16_384)), number(2)), number(odd(16_383))
    ),
    "X25519": lambda: spki("1.3.101.110", b"", bytes(32)),
    "X448": lambda: spki("1.3.101.111", b"", bytes(56)),
    "RSA-PSS": lambda: spki("1.2.840.113549.1.1.10", b"", tlv(0x30, number(odd(2_048)), number(65_537))),
    "RSA with parameters": lambda: spki("1.2.840.113549.1.1.1", tlv(0x30), tlv(0x30, number(odd(2_048)), number(3))),
    "RSA 512": lambda: rsa(512),
    "RSA 8192": lambda: rsa(8_192),
    "RSA 100000": lambda: rsa(100_000),
    "RSA with a large exponent": lambda: rsa(4_096, odd(4_000)),
    "RSA with an exponent above 2^32": lambda: rsa(4_096, odd(40)),
    "RSA with an even exponent": lambda: rsa(2_048, 65_536),
    "RSA with exponent 1": lambda: rsa(2_048, 1),
    "RSA with an even modulus": lambda: spki(
        "1.2.840.113549.1.1.1", b"\x05\x00", tlv(0x30, number(odd(2_048) - 1), number(3))
    ),
    "RSA with a negative modulus": lambda: spki(
        "1.2.840.113549.1.1.1", b"\x05\x00", tlv(0x30, tlv(0x02, b"\x80" + bytes(255)), number(3))
    ),
    "EC, explicit curve": lambda: explicit_curve(256),
    "EC, explicit curve of 16384 bits": lambda: explicit_curve(16_384),
    "EC, explicit binary curve": lambda: binary_curve(8_192),
    "EC, no curve": lambda: spki("1.2.840.10045.2.1", b"", make.point(make.key_pair())),
    "EC on secp256k1": lambda: spki("1.2.840.10045.2.1", oid("1.3.132.0.10"), b"\x04" + bytes(64)),
    "EC on sect571r1": lambda: spki("1.2.840.10045.2.1", oid("1.3.132.0.39"), b"\x04" + bytes(144)),
    "P-384, compressed": lambda: spki("1.2.840.10045.2.1", oid("1.3.132.0.34"), b"\x02" + bytes(48)),
    "P-384, not on the curve": lambda: spki("1.2.840.10045.2.1", oid("1.3.132.0.34"), b"\x04" + bytes(96)),
    "Ed25519 of 31 bytes": lambda: spki("1.3.101.112", b"", bytes(31)),
    "Ed25519 with parameters": lambda: spki("1.3.101.112", b"\x05\x00", bytes(32)),
    "Ed448 of 56 bytes": lambda: spki("1.3.101.113", b"", bytes(56)),
    "ML-DSA-65": lambda: spki("2.16.840.1.101.3.4.3.18", b"", bytes(1_952)),
    "nobody's algorithm": lambda: spki("1.2.3.4", b"", b"key"),
}
"""Keys that no certificate may have, by name: of another kind, size, curve or form."""


def padded(build: Callable[[int], bytes], limit: int) -> bytes:
    """Return the largest message of a family that is within the limit; ``build`` grows with its argument."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if len(build(middle)) <= limit else (low, middle - 1)
    return build(low)


def _rdn(at: int) -> bytes:
    return tlv(0x31, tlv(0x30, tlv(0x06, bytes((0x55, at % 127))), tlv(0x0C, b"")))


def certificates() -> Iterator[bytes]:
    """Yield certificates at the size limit, each with as much of one thing as fits."""
    for key_info in FOREIGN_KEYS.values():
        der = make.by_hand(key_info=key_info())
        if len(der) <= CERTIFICATE_LIMIT:
            yield der
    yield make.by_hand(key_info=rsa(4_096, (1 << 32) - 1))
    for bits in (8_192, 12_000, 20_000):
        der = make.by_hand(key_info=dh(bits))
        if len(der) <= CERTIFICATE_LIMIT:
            yield der
    families: list[Callable[[int], bytes]] = [
        lambda n: make.by_hand(subject=tlv(0x30, *map(_rdn, range(n)))),
        lambda n: make.by_hand(issuer=tlv(0x30, *(tlv(0x31) for _ in range(n)))),
        lambda n: make.by_hand(subject=tlv(0x30, tlv(0x31, *(_rdn(at)[2:] for at in range(n))))),
        lambda n: make.by_hand(subject=make.name_der("\xff" * n)),
        lambda n: make.by_hand(extensions=[make.extension_der(f"1.3.{at % 128}.{at // 128}", b"") for at in range(n)]),
        lambda n: make.by_hand(
            extensions=[tlv(0x30, tlv(0x06, b"\x55" + b"\xff" * 61 + bytes((at % 127,))), tlv(0x04)) for at in range(n)]
        ),
        lambda n: make.by_hand(extensions=[make.extension_der("1.2.3", bytes(n))]),
        lambda n: make.by_hand(serial=tlv(0x02, b"\x01" * (n + 1))),
        lambda n: make.by_hand(subject=tlv(0x30, tlv(0x31, tlv(0x30, tlv(0x06, b"\xff" * n + b"\x01"), tlv(0x0C))))),
    ]
    for family in families:
        yield padded(family, CERTIFICATE_LIMIT - 8)  # a signature has 70 to 72 bytes


def paths(limit: int) -> Iterator[list[bytes]]:
    """Yield lists of certificates that fit into ``limit`` bytes together."""
    for der in certificates():
        yield [der] * min(8, limit // (len(der) + 8))
    small = make.by_hand(key_info=rsa(4_096, (1 << 32) - 1))
    yield [small] * 8


def _signed_by_large_key() -> Iterator[bytes]:
    """Yield attestation objects whose signature is checked with the most expensive key that is taken."""
    client, pair = key.client_data(), key.key_pair()
    data = key.authenticator_data(key=pair.cose)
    leaf = make.by_hand(key_info=rsa(4_096, (1 << 32) - 1))
    yield key.attestation_object("packed", {"alg": -257, "sig": b"\x00" + bytes(511), "x5c": [leaf] * 8}, data)
    for algorithm in (-35, -36):
        signer = key.key_pair(algorithm)
        statement = key.packed_statement(client, data, signer, x5c=[key.certificate(signer)])
        yield key.attestation_object("packed", statement, data)
    members = {1: 3, 3: -257, -1: odd(8_192).to_bytes(1_024, "big"), -2: b"\xff\xff\xff\xff"}
    data = key.authenticator_data(key=cbor2.dumps(members))
    yield key.attestation_object("packed", {"alg": -257, "sig": b"\x00" + bytes(1_023)}, data)


def attestation_objects() -> Iterator[bytes]:
    """Yield attestation objects at the size limit."""
    pair = key.key_pair()
    data = key.authenticator_data(key=pair.cose)
    room = ATTESTATION_LIMIT - len(data) - 256
    for path in paths(room):
        yield key.attestation_object("packed", {"alg": -257, "sig": bytes(256), "x5c": path}, data)
        yield key.attestation_object("fido-u2f", {"sig": bytes(70), "x5c": path[:1]}, data)
    yield from _signed_by_large_key()
    for item in cbor_items(room):
        yield cbor2.dumps({"fmt": "tpm", "attStmt": 0, "authData": data})[: -len(data)]
        yield b"\xa3\x63fmt\x63tpm\x67attStmt" + item + b"\x68authData" + cbor2.dumps(data)
    yield key.attestation_object("packed", {"alg": -7, "sig": bytes(room)}, data)


def cbor_items(room: int) -> Iterator[bytes]:
    """Yield CBOR items of up to ``room`` bytes, at and above the bounds of depth and count."""
    for count in (min(999, room // 4), min(10_000, room // 4)):
        yield b"\x9f" + b"\x80" * count + b"\xff"
        yield b"\x9f" + b"\xf9\x7c\x01" * count + b"\xff"
        yield b"\x5f" + b"\x40" * count + b"\xff"
        yield b"\x7f" + b"\x61a" * count + b"\xff"
        yield b"\xbf" + b"".join(b"\x19" + at.to_bytes(2, "big") + b"\x00" for at in range(count // 2)) + b"\xff"
    for depth in (7, 8, 9, 1_000, room - 2):
        yield b"\x81" * depth + b"\x00"
        yield b"\xa1\x00" * min(depth, room // 2 - 1) + b"\x00"
        yield b"\x9f" * depth + b"\xff" * min(depth, room - depth)
    yield b"\x5a" + (room - 5).to_bytes(4, "big") + bytes(room - 5)
    yield b"\x7a" + (room - 5).to_bytes(4, "big") + b"\xc3\xa9" * ((room - 5) // 2)
    yield b"\x9b" + b"\xff" * 8
    yield b"\xc2" * (room // 2) + b"\x40"


def json_texts(limit: int, head: str = '{"a":', tail: str = "}") -> Iterator[str]:
    """Yield JSON texts at the limit: of many parts, deep, with long numbers and strings."""
    room = limit - len(head) - len(tail) - 16
    parts = [
        *(
            "{}",
            "[]",
            '""',
            "0",
            "1e-300",
            "2.2250738585072011e-308",
            '{"":0}',
            "[[[[[[[[]]]]]]]]",
            "7" * 40,
            "7" * 4_300,
        ),
        *('"\\u0041\\n"', "true", '{"a":{"b":{"c":[]}}}'),
    ]
    for part in parts:
        for most in (limit, 4_096, 1_024 // max(1, part.count("[") + part.count("{")) - 2):
            count = max(1, min(most - 1, room // (len(part) + 1)))
            yield head + "[" + ",".join([part] * count) + "]" + tail
    for most in (limit, 4_096):
        yield head + "{" + ",".join(f'"{at:05}":0' for at in range(min(most - 1, room // 10))) + "}" + tail
    for depth in (500, 900, 2_000, room):
        yield head + "[" * depth + "]" * min(depth, room - depth) + tail
        yield head + '{"a":' * min(depth, room // 7)
    for text in ("a", "\\u00e9", "\\ud83d\\ude00", "\\n", "é", " "):
        yield head + '"' + text * (room // len(text.encode()) - 1) + '"' + tail
    for digits in ("7", "1.7", "0.0"):
        yield head + digits + "7" * (room - len(digits)) + tail
    yield head + " " * room + "0" + tail
    yield "[" * limit
    yield "\n" * limit


def _client_data(limit: int, head: str) -> Iterator[bytes]:
    for text in json_texts(limit, head + ',"x":', "}"):
        raw = text.encode()
        if len(raw) <= limit:
            yield raw


def _webauthn_responses(of: str) -> Iterator[str]:
    limit = responses.MAX_JSON
    yield from (text for text in json_texts(limit) if len(text) <= limit)
    if of == "registration":
        client = key.client_data()
        for raw in attestation_objects():
            yield json.dumps(key.registration(client, raw))
    else:
        client, data = key.client_data("webauthn.get"), key.authenticator_data()
        whole = json.dumps(key.assertion(client, data, bytes(64)))
        room = limit - len(whole)
        yield json.dumps(key.assertion(client, data, bytes(room * 3 // 4)))
        for text in json_texts(limit, whole[:-1] + ',"clientExtensionResults2":', "}"):
            if len(text) <= limit:
                yield text


def _register(text: str) -> object:
    return verify_webauthn(
        responses.RegistrationResponse.from_json(text),
        challenge=key.CHALLENGE,
        rp_id=key.RP_ID,
        origins=[key.ORIGIN],
        attestation=_policy(),
        at=make.VALID,
    )


@cache
def _policy() -> AttestationPolicy:
    """Return a policy under which a path is walked to its end: its roots are of the names that the paths have."""
    roots = [make.make(), make.by_hand(key_info=rsa(4_096, (1 << 32) - 1), private=make.key_pair("other"))]
    return AttestationPolicy(level=AttestationLevel.UNVERIFIED_ALLOWED, roots=roots)


def _attest(raw: bytes) -> object:
    return verify_statement(AttestationObject.parse(raw), HASH, policy=_policy())


def _certify(der: bytes) -> object:
    certificate = AttestationCertificate.parse(der)
    try:
        certificate.any_key()
    finally:
        certificate.subject  # noqa: B018
        certificate.transports  # noqa: B018
        verify_chain([certificate] * 8, roots=_policy().roots, at=make.VALID)
    return certificate


def _chain(path: list[bytes]) -> object:
    return verify_chain(path, roots=_policy().roots, at=make.VALID)


def _register_u2f(raw: bytes) -> object:
    message = RegistrationResponse.parse(raw)
    return verify_registration(message, application_parameter=make.APP, challenge_parameter=make.CHALLENGE)


def _check(client_data: ClientData) -> None:
    client_data.check(type="webauthn.create", challenge=key.CHALLENGE, origins=[key.ORIGIN])


def _u2f_json(name: str) -> Iterator[str]:
    yield from (text for text in json_texts(U2F_JSON_LIMIT) if len(text) <= U2F_JSON_LIMIT)
    client = encode(b'{"typ":"","challenge":"","origin":""}')
    for text in json_texts(49_000):
        yield json.dumps(
            {"version": "U2F_V2", "clientData": encode(text.encode()[:49_000]), name: "BQ", "keyHandle": "AA"}
        )
    for der in certificates():
        raw = encode(make.registration(der))
        yield json.dumps({"version": "U2F_V2", "clientData": client, name: raw, "keyHandle": "AA"})


def _uris() -> Iterator[str]:
    head = "otpauth://totp/alice?secret=" + "A" * 32
    for part in ("&", "&a=b", "&%61=%62", "&secret=A", "%", "%41", "\xad", "=", "&x=\U0001f511", "\u200d", "&issuer=%"):
        yield (head + part * MAX_URI)[: MAX_URI - MAX_URI % len(part)][:MAX_URI]
        yield ("otpauth://totp/" + part * MAX_URI)[:MAX_URI]
    yield ("otpauth://totp/alice?secret=" + "a" * MAX_URI)[:MAX_URI]
    yield ("otpauth://totp/alice?digits=" + "7" * MAX_URI)[:MAX_URI]


def _texts(limit: int) -> Callable[[], Iterator[str]]:
    def texts() -> Iterator[str]:
        for part in ("A", "1", " ", "-", "1 ", "1-", ".", "A" * 43 + ".", "é", "\U0001f511", "\ud800", "\x00", "A="):
            yield (part * limit)[:limit]

    return texts


_ACCOUNT: Any = SimpleNamespace(machines=())
TICKET_LIMIT = Ticket.HEAD + 2_048
COOKIE_LIMIT = 44 * 16
BROWSER_COOKIE_LIMIT = (TOKEN_LENGTH + 1) * MAX_TOKENS


def _user(text: str) -> object:
    return user_key("", text)


def _route(text: str) -> object:
    ticket = Ticket(text)
    tickets._parts(text, "alice")
    return ticket.user


def _browser(text: str) -> object:
    policy = MFAPolicy.ram(issuer="Example", known_browsers=KnownBrowsers())
    context = Context(policy, 1_700_000_000, SecretBytes(bytes(32)), ROOT_RECORD, "alice", user_key("", "alice"))
    return sender_of(text, ACCOUNT, context, session="").token


def _browser_cookies() -> Iterator[str]:
    """Yield cookies of sixteen tokens that are decoded whole and authenticated, and texts of their length."""
    yield ".".join([encode(bytes([1, 9]) + bytes(72))] * MAX_TOKENS)
    yield from _texts(BROWSER_COOKIE_LIMIT)()


def _code(text: str) -> object:
    if canonical_code(text, 6) is None:
        raise VerificationError(Check.SIGNATURE, "no code")
    return None


KINDS = (
    Kind("WebAuthn registration, JSON", responses.MAX_JSON, _register, lambda: _webauthn_responses("registration")),
    Kind(
        "WebAuthn assertion, JSON",
        responses.MAX_JSON,
        responses.AuthenticationResponse.from_json,
        lambda: _webauthn_responses("assertion"),
    ),
    Kind("attestation object", ATTESTATION_LIMIT, _attest, attestation_objects),
    Kind(
        "authenticator data",
        AUTHENTICATOR_DATA_LIMIT,
        AuthenticatorData.parse,
        lambda: (key.authenticator_data(extensions=item) for item in cbor_items(16_000)),
    ),
    Kind(
        "COSE key",
        COSE_LIMIT,
        load_public_key,
        lambda: iter(
            [
                *cbor_items(COSE_LIMIT),
                *(
                    cbor2.dumps({1: 3, 3: -257, -1: odd(bits).to_bytes(bits // 8, "big"), -2: e})
                    for bits in (2_048, 8_192, 16_384, 30_000)
                    for e in (b"\x01\x00\x01", b"\xff\xff\xff\xff", b"\xff" * 200)
                ),
                *(key.key_pair(algorithm).cose for algorithm in (-7, -35, -36, -8, -53)),
            ]
        ),
    ),
    Kind(
        "client data, WebAuthn",
        CLIENT_DATA_LIMIT,
        lambda raw: _check(ClientData.parse(raw)),
        lambda: _client_data(CLIENT_DATA_LIMIT, key.client_data().decode()[:-1]),
    ),
    Kind("attestation certificate", CERTIFICATE_LIMIT, _certify, certificates),
    Kind("U2F register response, JSON", U2F_JSON_LIMIT, RegisterResponse.parse, lambda: _u2f_json("registrationData")),
    Kind("U2F sign response, JSON", U2F_JSON_LIMIT, SignResponse.parse, lambda: _u2f_json("signatureData")),
    Kind(
        "client data, U2F",
        U2F_CLIENT_DATA_LIMIT,
        U2FClientData.parse,
        lambda: _client_data(U2F_CLIENT_DATA_LIMIT, '{"typ":"a","challenge":"b","origin":"c"'),
    ),
    Kind(
        "U2F registration, raw",
        66 + 1 + 255 + CERTIFICATE_LIMIT + 72,
        _register_u2f,
        lambda: (make.registration(der) for der in certificates()),
    ),
    Kind(
        "U2F authentication, raw",
        5 + 72,
        AuthenticationResponse.parse,
        lambda: iter([make.authentication(), bytes(77), b"\x01" + bytes(4) + b"\x30\x46" + bytes(70)]),
    ),
    Kind(
        "command APDU",
        65_544,
        CommandAPDU.parse,
        lambda: iter([bytes(65_544), b"\x00\x01\x03\x00\x00\xff\xff" + bytes(65_535)]),
    ),
    Kind("key URI", MAX_URI, KeyURI.parse, _uris),
    Kind("setup key", 4_096, parse_setup_key, _texts(4_096)),
    Kind("ticket or receipt", TICKET_LIMIT, _route, _texts(TICKET_LIMIT)),
    Kind("code", MAX_TYPED, _code, _texts(MAX_TYPED)),
    Kind("browser cookie", BROWSER_COOKIE_LIMIT, _browser, _browser_cookies),
    Kind("machine cookie", COOKIE_LIMIT, lambda text: find(text, _ACCOUNT), _texts(COOKIE_LIMIT)),
    Kind("user id", MAX_USER_ID, _user, _texts(MAX_USER_ID // 4)),
)
