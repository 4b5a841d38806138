# SPDX-License-Identifier: Apache-2.0
"""The sealing of records: a key for each record, its place as associated data, and a new nonce for every write.

AES-256-GCM (NIST SP 800-38D, https://doi.org/10.6028/NIST.SP.800-38D) under

    record key = HMAC-SHA-256(ring key, label || store key)
    sealed     = header || nonce || AES-256-GCM(record key, framed, associated data = header || store key)
    header     = version || length of the key id || key id || check
    check      = the first 4 bytes of HMAC-SHA-256(ring key, label of checks)
    framed     = length of the record (4 bytes) || record || zeros to a multiple of 128

With one key for all records, the traffic of a large service would reach GCM's bound on random nonces within days. The
key id selects the key, and the check detects another key with the same id; keys are never tried in turn. Every write
draws 96 random bits from the system, whatever the seal, so that no two writes have the same bytes. This makes a
comparison of old bytes a sound compare-and-swap.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, Protocol, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ._secret import SecretBytes
from .key_ring import create_key_file, parse_ring, read_secret_file

BLOCK: Final = 128
NONCE: Final = 12
CIPHERS: Final = 1_024
"""The most derived record keys in the cache."""
_LABEL: Final = b"ram_mfa record key 1\x00"
_CHECK_LABEL: Final = b"ram_mfa key check 1\x00"
_CHECK: Final = 4
VERSIONS: Final = 16
"""The number of first bytes reserved for seals of this and other versions; a higher one is not a seal."""
_SEALED: Final = 1
_PLAIN: Final = 0


class BrokenSeal(Exception):
    """These bytes were not sealed for this place by a key of this ring."""


class NotSealed(BrokenSeal):
    """These bytes do not begin as a record sealed by this version of the library, or by one near it."""


class SealedElsewhere(BrokenSeal):
    """These bytes may be a valid record under another ring of keys, another seal, or for another store."""


class RecordSeal(Protocol):
    """The seal of one record."""

    def seal(self, record: bytes, /) -> bytes:
        """Seal a record; the result differs each time."""
        ...

    def unseal(self, sealed: bytes, /) -> SecretBytes:
        """Return the record.

        Raises:
            BrokenSeal: it was not sealed for this place by a key of this ring. If more is known: `NotSealed`, or
                `SealedElsewhere`, a record that `MFA.discard` refuses to delete.
        """
        ...

    def is_current(self, sealed: bytes, /) -> bool:
        """Return whether it is sealed under the key that new writes use."""
        ...


class Seal(Protocol):
    """The protection of records at rest; a third party may implement its own, such as with a key management service."""

    def for_record(self, key: str, /) -> RecordSeal:
        """Return the seal of the record in one place, which is the store key and the store id as one string."""
        ...


class AESGCMSeal:
    """A seal under a ring of keys, which can be rotated.

    Args:
        keys: key id (1 to 32 ASCII characters) to 32 random bytes.
        seal_with: the id of the key for new writes; the other keys only unseal.

    Raises:
        ValueError: a key or id is not of that form, or ``seal_with`` is not among them.
    """

    def __init__(self, keys: Mapping[str, bytes], *, seal_with: str) -> None:
        problem = _find_problem(keys, seal_with)
        if problem:
            keys = {}  # the traceback has this frame, and tools print its locals
            raise ValueError(problem)
        self._ring = {key_id.encode(): SecretBytes(key) for key_id, key in keys.items()}
        self._current = seal_with.encode()
        self._headers = {key_id: _make_header(key_id, key) for key_id, key in self._ring.items()}
        self._cipher = lru_cache(maxsize=CIPHERS)(self._derive_cipher)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], *, create: bool = False) -> Self:
        """Return the seal under the keys of a file in the format of `ram_mfa.key_ring`; its first key seals.

        Args:
            path: the name of a file that others may not read or write.
            create: whether to make a file with one random key if there is none; leave it out in production.

        Raises:
            ValueError: the file cannot be read, is accessible to others, or holds no ring; the message quotes nothing.
        """
        if create:
            create_key_file(path)
        try:
            ring = parse_ring(read_secret_file(path))
        except ValueError as error:
            raise ValueError(f"key file: {error}") from None
        return cls(ring, seal_with=next(iter(ring)))

    @classmethod
    def from_env(cls, name: str) -> Self:
        """Return the seal under the keys of an environment variable, in the same format as a file's.

        Raises:
            ValueError: there is no such variable, or it holds no ring; the message quotes nothing of it.
        """
        if name not in os.environ:
            raise ValueError(f"there is no environment variable {name}")
        try:
            ring = parse_ring(SecretBytes(os.environ[name].encode("utf-8", "surrogateescape")))
        except ValueError as error:
            raise ValueError(f"environment variable {name}: {error}") from None
        return cls(ring, seal_with=next(iter(ring)))

    def _derive_cipher(self, key_id: bytes, place: bytes) -> AESGCM:
        return AESGCM(SecretBytes(hmac.digest(self._ring[key_id], _LABEL + place, "sha256")))

    def __repr__(self) -> str:
        if not hasattr(self, "_ring"):  # the constructor raised, and tools print the locals of its frame
            return "<AESGCMSeal>"
        ids = ", ".join(sorted(key_id.decode() for key_id in self._ring))
        return f"<AESGCMSeal keys {ids}; seals with {self._current.decode()}>"

    def for_record(self, key: str, /) -> RecordSeal:
        """Return the seal of the record under a store key."""
        return _AESGCMRecordSeal(self._cipher, self._headers, self._current, key.encode())


def _find_problem(keys: Mapping[str, bytes], seal_with: str) -> str:
    """Return the problem with a ring, without any of its keys; empty if there is none."""
    for key_id, key in keys.items():
        if not (isinstance(key_id, str) and key_id.isascii() and 1 <= len(key_id) <= 32):
            return "a key id is 1 to 32 ASCII characters"
        if not (isinstance(key, bytes) and len(key) == 32):
            return f"key {key_id!r} is not 32 bytes"
    return "" if seal_with in keys else "seal_with is not the id of a key in the ring"


class _AESGCMRecordSeal:
    __slots__ = ("_cipher", "_current", "_header", "_headers", "_place")

    def __init__(
        self, cipher: Callable[[bytes, bytes], AESGCM], headers: Mapping[bytes, bytes], current: bytes, place: bytes
    ) -> None:
        self._cipher = cipher
        self._headers = headers
        self._current = current
        self._place = place
        self._header = headers[current]

    def seal(self, record: bytes, /) -> bytes:
        head = self._header
        nonce = os.urandom(NONCE)
        return (
            head + nonce + self._cipher(self._current, self._place).encrypt(nonce, _frame(record), head + self._place)
        )

    def unseal(self, sealed: bytes, /) -> SecretBytes:
        header = self._header
        if sealed.startswith(header):
            key_id = self._current
        else:
            key_id, header = self._find_header(sealed)
        start = len(header) + NONCE
        framed = None
        try:
            framed = SecretBytes(
                self._cipher(key_id, self._place).decrypt(
                    sealed[len(header) : start], sealed[start:], header + self._place
                )
            )
        except (InvalidTag, ValueError):
            framed = None
        if framed is None:
            raise BrokenSeal("altered, or moved from another place")
        return _unframe(framed)

    def is_current(self, sealed: bytes, /) -> bool:
        return sealed.startswith(self._header)

    def _find_header(self, sealed: bytes) -> tuple[bytes, bytes]:
        """Return the id of the key under which bytes are sealed, and the whole header; not for the current key."""
        if len(sealed) < 2 or sealed[0] >= VERSIONS:
            raise NotSealed("not sealed")
        if sealed[0] != _SEALED:
            raise SealedElsewhere("not sealed, or by another version of the library")
        key_id = sealed[2 : 2 + sealed[1]]
        header = self._headers.get(key_id)
        if header is None:
            raise SealedElsewhere("sealed under a key that is not in the ring")
        if not sealed.startswith(header):
            raise SealedElsewhere("sealed under another key with the same id")
        return key_id, header


class UnsafePlaintextWarning(UserWarning):
    """A warning that `UnsafePlaintext` is used on a durable store, which leaves secrets readable on a disk.

    ``warnings.simplefilter("ignore", UnsafePlaintextWarning)`` silences it, in development.
    """


class UnsafePlaintext:
    """A seal that encrypts nothing, for reading records during development.

    Using it on a durable store issues an `UnsafePlaintextWarning`. Every write still carries 96 new random bits.
    """

    def __repr__(self) -> str:
        return "<UnsafePlaintext>"

    def for_record(self, key: str, /) -> RecordSeal:
        """Return the seal of the record under a store key."""
        del key
        return _PlainRecordSeal()


class _PlainRecordSeal:
    __slots__ = ()

    def seal(self, record: bytes, /) -> bytes:
        return bytes([_PLAIN]) + os.urandom(NONCE) + _frame(record)

    def unseal(self, sealed: bytes, /) -> SecretBytes:
        if not self.is_current(sealed):
            known = len(sealed) > 0 and sealed[0] < VERSIONS
            raise (SealedElsewhere if known else NotSealed)("not a plaintext record")
        return _unframe(SecretBytes(sealed[1 + NONCE :]))

    def is_current(self, sealed: bytes, /) -> bool:
        return sealed[:1] == bytes([_PLAIN])


def _make_header(key_id: bytes, key: bytes) -> bytes:
    return bytes([_SEALED, len(key_id)]) + key_id + hmac.digest(key, _CHECK_LABEL, "sha256")[:_CHECK]


def _frame(record: bytes) -> SecretBytes:
    size = len(record)
    return SecretBytes(size.to_bytes(4, "big") + record + bytes(-(size + 4) % BLOCK))


def _unframe(framed: SecretBytes) -> SecretBytes:
    end = 4 + int.from_bytes(framed[:4], "big")
    if end > len(framed) or len(framed) % BLOCK or len(framed) - end >= BLOCK or any(framed[end:]):
        raise BrokenSeal("not framed as this library frames records")
    return SecretBytes(framed[4:end])
