# SPDX-License-Identifier: Apache-2.0
"""The core of a soft key: its credentials, its counters, and its signatures.

FIDO U2F Raw Message Formats 1.2 (https://fidoalliance.org/specs/fido-u2f-v1.2-ps-20170411/) sections 4.3 and 5.4 define
what a U2F key signs. The chip knows nothing of origins or JSON, which belong to the clients.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

import attrs

from .attestation import SoftAttestation
from .entropy import Entropy
from .faults import Counters, KeyFault
from .key_pairs import ES256, KeyPair

_COUNTER_END = 1 << 32
_JUMP = 1 << 16


def _faults(faults: Iterable[KeyFault]) -> frozenset[KeyFault]:
    return frozenset(faults)


@attrs.frozen
class Credential:
    """Registration that a key remembers.

    Attributes:
        id: the credential id of WebAuthn, the key handle of U2F.
        application: SHA-256 of the RP ID or AppID that it belongs to, 32 bytes.
        key_pair: the keys that sign for it.
    """

    id: bytes
    application: bytes
    key_pair: KeyPair


@attrs.frozen
class RawRegistration:
    """Parts of a U2F registration response, not yet concatenated."""

    public_key: bytes
    key_handle: bytes
    certificates: tuple[bytes, ...]
    signature: bytes

    def __bytes__(self) -> bytes:
        """Return the message of section 4.3, with all certificates."""
        handle = bytes((len(self.key_handle),)) + self.key_handle
        return b"\x05" + self.public_key + handle + b"".join(self.certificates) + self.signature


@attrs.define
class Memory:
    """Persistent memory of a key."""

    entropy: Entropy
    credentials: dict[bytes, Credential] = attrs.field(factory=dict)
    counts: dict[bytes, int] = attrs.field(factory=dict)

    def clone(self) -> Memory:
        """Return an independent copy."""
        return Memory(self.entropy.clone(), {**self.credentials}, {**self.counts})


def _default_aaguid(chip: Chip) -> bytes:
    return bytes(16) if chip.algorithm is None else b"soft key model 1"


def _default_attestation(chip: Chip) -> SoftAttestation | None:
    return SoftAttestation.make(transports=chip.transports, aaguid=chip.aaguid, seed=chip.seed)


def _default_memory(chip: Chip) -> Memory:
    return Memory(Entropy(chip.seed))


@attrs.define(kw_only=True)
class Chip:
    """State and operations of a soft key, without its interfaces.

    Attributes:
        algorithm: None makes a U2F key; a COSE algorithm makes a CTAP2 key, whose WebAuthn credentials use it.
        attestation: the manufacturer; None makes a CTAP2 key with self attestation.
        counters: whether one counter serves the whole key or each credential has its own.
        counter: the value of the global counter; the next answer carries the next number.
        faults: the faults of the key and its client, from now on.
        touched: whether the user touches the key when it asks for it.
        verifies_user: whether a CTAP2 key verifies its user by PIN or fingerprint.
        transports: the transports of the key, by WebAuthn's names.
        aaguid: the model, 16 bytes; a U2F key has none, which is encoded as zero.
        credential_id_length: the number of bytes of a new credential id.
        memory: the persistent memory; empty in a new key.
        seed: determines every random byte, also of keys and signatures, except RSA keys; for golden files.
    """

    algorithm: int | None = attrs.field(default=None, converter=attrs.converters.optional(int))
    seed: bytes | None = attrs.field(default=None, repr=False)
    transports: tuple[str, ...] = ("usb",)
    aaguid: bytes = attrs.field(default=attrs.Factory(_default_aaguid, takes_self=True))
    attestation: SoftAttestation | None = attrs.field(
        default=attrs.Factory(_default_attestation, takes_self=True), repr=False
    )
    counters: Counters = Counters.GLOBAL
    counter: int = 0
    faults: frozenset[KeyFault] = attrs.field(default=frozenset(), converter=_faults)
    touched: bool = True
    verifies_user: bool = False
    credential_id_length: int = 64
    memory: Memory = attrs.field(default=attrs.Factory(_default_memory, takes_self=True), repr=False)

    def __attrs_post_init__(self) -> None:
        if self.algorithm is None and self.attestation is None:
            raise ValueError("a U2F key needs an attestation: its message always has a certificate")

    def clone(self) -> Self:
        """Return an independent copy with the same secrets and counters, as a cloned key has."""
        return attrs.evolve(self, memory=self.memory.clone())

    @property
    def credential_ids(self) -> tuple[bytes, ...]:
        """The ids of the credentials that the key remembers, in the order of their creation."""
        return tuple(self.memory.credentials)

    def find(self, credential_id: bytes, application: bytes) -> Credential | None:
        """Return the credential of that id where it belongs to that application, else None."""
        credential = self.memory.credentials.get(credential_id)
        return credential if credential is not None and credential.application == application else None

    def make(self, application: bytes, algorithm: int) -> Credential:
        """Make and remember a credential for an application."""
        key_pair = KeyPair.make(algorithm, self.memory.entropy)
        credential = Credential(self.memory.entropy.draw(self.credential_id_length), application, key_pair)
        self.memory.credentials[credential.id] = credential
        return credential

    def forget(self, credential_id: bytes) -> None:
        """Forget a credential, as a reset of the key does with all of them."""
        del self.memory.credentials[credential_id]

    def count(self, credential: Credential) -> int:
        """Advance the counter, and return the number that the next answer carries."""
        now = self.counter if self.counters is Counters.GLOBAL else self.memory.counts.get(credential.id, 0)
        if KeyFault.ZERO_COUNTER in self.faults:
            return 0
        if KeyFault.FROZEN_COUNTER in self.faults:
            return now
        if KeyFault.WRAPPING_COUNTER in self.faults:
            now = 0 if now == _COUNTER_END - 1 else _COUNTER_END - 1
        else:
            now = (now + (_JUMP if KeyFault.JUMPING_COUNTER in self.faults else 1)) % _COUNTER_END
        if self.counters is Counters.GLOBAL:
            self.counter = now
        else:
            self.memory.counts[credential.id] = now
        return now

    def certificates(self) -> tuple[bytes, ...]:
        """Return the certificates of an answer, DER each: one, unless a fault repeats it."""
        assert self.attestation is not None
        malformed = KeyFault.MALFORMED_UNUSED_BITS in self.faults
        certificate = self.attestation.malformed_leaf if malformed else self.attestation.leaf
        return (certificate,) * (2 if KeyFault.SECOND_CERTIFICATE in self.faults else 1)

    def register(self, application: bytes, challenge: bytes) -> RawRegistration:
        """Make a credential and attest it as U2F does.

        Args:
            application: the application parameter, 32 bytes.
            challenge: the challenge parameter, 32 bytes.
        """
        assert self.attestation is not None
        credential = self.make(application, ES256)
        public_key = credential.key_pair.point(self.faults)
        data = b"\x00" + application + challenge + credential.id + public_key
        signature = self.attestation.key_pair.sign(data, self.faults)
        return RawRegistration(public_key, credential.id, self.certificates(), signature)

    def authenticate(self, credential: Credential, application: bytes, challenge: bytes) -> tuple[bytes, bytes]:
        """Sign a challenge as U2F does.

        Args:
            credential: one that the key remembers.
            application: the application parameter, 32 bytes: as a rule the credential's own.
            challenge: the challenge parameter, 32 bytes.

        Returns:
            The user presence byte with the four bytes of the counter; the signature.
        """
        presence = self.touched and KeyFault.NO_USER_PRESENCE not in self.faults
        state = bytes((presence,)) + self.count(credential).to_bytes(4, "big")
        return state, credential.key_pair.sign(application + state + challenge, self.faults)
