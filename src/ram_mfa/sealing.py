# SPDX-License-Identifier: Apache-2.0
"""The sealing of records: a key for each record, its place as associated data, a fresh nonce for every write.

AES-256-GCM (NIST SP 800-38D, https://doi.org/10.6028/NIST.SP.800-38D) under

    record key = HMAC-SHA-256(ring key, label || store key)
    sealed     = header || nonce || AES-256-GCM(record key, framed, associated data = header || store key)
    header     = version || length of the key id || key id || check
    check      = the first 4 bytes of HMAC-SHA-256(ring key, label of checks)
    framed     = length of the record (4 bytes) || record || zeros to a multiple of 128

One key for all records would meet GCM's bound on random nonces within days of a large service's traffic. The key id
selects the key, and the check tells another key of the same id; keys are never tried in turn. Every write draws 96
random bits from the system, so that the bytes of no two writes are the same, whatever the seal: comparing old bytes is
then a sound compare-and-swap.
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
"""Record keys derived and kept: those of the records met last."""
_LABEL: Final = b"ram_mfa record key 1\x00"
_CHECK_LABEL: Final = b"ram_mfa key check 1\x00"
_CHECK: Final = 4
VERSIONS: Final = 16
"""First bytes that versions of this library may use for seals; more would be no seal at all."""
_SEALED: Final = 1
_PLAIN: Final = 0


class BrokenSeal(Exception):
    """These bytes were not sealed for this place by a key of this ring."""


class NotSealed(BrokenSeal):
    """These bytes do not begin as this library, or any version of it near this one, seals records."""


class SealedElsewhere(BrokenSeal):
    """These bytes may be a good record under another ring of keys, another seal, or for another store."""


class RecordSeal(Protocol):
    """The seal of one record."""

    def seal(self, record: bytes, /) -> bytes:
        """Return the record sealed; the bytes are different each time."""
        ...

    def unseal(self, sealed: bytes, /) -> SecretBytes:
        """Return the record.

        Raises:
            BrokenSeal: it was not sealed for this place by a key of this ring. Where that is known, more exactly:
                `NotSealed`, or `SealedElsewhere`, which `MFA.discard` then refuses to delete.
        """
        ...

    def is_current(self, sealed: bytes, /) -> bool:
        """Return whether it is sealed under the key that new writes use."""
        ...


class Seal(Protocol):
    """What protects records at rest; third parties may bring their own, such as a key management service's."""

    def for_record(self, key: str, /) -> RecordSeal:
        """Return the seal of the record in a place: a store key and the id of the store, as one string."""
        ...


class AESGCMSeal:
    """Seals records under a ring of keys, with rotation.

    Args:
        keys: key id (1 to 32 ASCII characters) to 32 random bytes.
        seal_with: the id of the key that new writes use; the others only open what they sealed.

    Raises:
        ValueError: a key or id is not of that form, or ``seal_with`` is not among them.
    """

    def __init__(self, keys: Mapping[str, bytes], *, seal_with: str) -> None:
        problem = _problem_of(keys, seal_with)
        if problem:
            keys = {}  # what is raised from here has this frame, and tools print its locals
            raise ValueError(problem)
        self._ring = {key_id.encode(): SecretBytes(key) for key_id, key in keys.items()}
        self._current = seal_with.encode()
        self._headers = {key_id: _header(key_id, key) for key_id, key in self._ring.items()}
        self._cipher = lru_cache(maxsize=CIPHERS)(self._derived)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], *, create: bool = False) -> Self:
        """Return the seal under the keys of a file, which `ram_mfa.key_ring` describes; its first key seals.

        Args:
            path: of a file that others may not read or write.
            create: whether a file with one random key is made where there is none; production leaves it out.

        Raises:
            ValueError: the file cannot be read, is open to others, or holds no ring. Nothing of it is repeated.
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
            ValueError: there is no such variable, or it holds no ring. Nothing of it is repeated.
        """
        if name not in os.environ:
            raise ValueError(f"there is no environment variable {name}")
        try:
            ring = parse_ring(SecretBytes(os.environ[name].encode("utf-8", "surrogateescape")))
        except ValueError as error:
            raise ValueError(f"environment variable {name}: {error}") from None
        return cls(ring, seal_with=next(iter(ring)))

    def _derived(self, key_id: bytes, place: bytes) -> AESGCM:
        return AESGCM(SecretBytes(hmac.digest(self._ring[key_id], _LABEL + place, "sha256")))

    def __repr__(self) -> str:
        if not hasattr(self, "_ring"):  # refused when built: tools print it out of the frame of that error
            return "<AESGCMSeal>"
        ids = ", ".join(sorted(key_id.decode() for key_id in self._ring))
        return f"<AESGCMSeal keys {ids}; seals with {self._current.decode()}>"

    def for_record(self, key: str, /) -> RecordSeal:
        """Return the seal of the record under a store key."""
        return _AESGCMRecordSeal(self._cipher, self._headers, self._current, key.encode())


def _problem_of(keys: Mapping[str, bytes], seal_with: str) -> str:
    """Return what is wrong with a ring, without any of its keys; empty where nothing is."""
    for key_id, key in keys.items():
        if not (isinstance(key_id, str) and key_id.isascii() and 1 <= len(key_id) <= 32):
            return "a key id is 1 to 32 ASCII characters"
        if not (isinstance(key, bytes) and len(key) == 32):
            return f"key {key_id!r} is not 32 bytes"
    return "" if seal_with in keys else "seal_with names no key of the ring"


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
            head + nonce + self._cipher(self._current, self._place).encrypt(nonce, _framed(record), head + self._place)
        )

    def unseal(self, sealed: bytes, /) -> SecretBytes:
        header = self._header
        if sealed.startswith(header):
            key_id = self._current
        else:
            key_id, header = self._sealed_under(sealed)
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
            raise BrokenSeal("altered, or moved")
        return _unframed(framed)

    def is_current(self, sealed: bytes, /) -> bool:
        return sealed.startswith(self._header)

    def _sealed_under(self, sealed: bytes) -> tuple[bytes, bytes]:
        """Return the id of the key that bytes are sealed under, and the whole header; the current key's is known."""
        if len(sealed) < 2 or sealed[0] >= VERSIONS:
            raise NotSealed("not sealed")
        if sealed[0] != _SEALED:
            raise SealedElsewhere("not sealed, or by another version of the library")
        key_id = sealed[2 : 2 + sealed[1]]
        header = self._headers.get(key_id)
        if header is None:
            raise SealedElsewhere("sealed under a key that is not in the ring")
        if not sealed.startswith(header):
            raise SealedElsewhere("sealed under another key of that id")
        return key_id, header


class UnsafePlaintextWarning(UserWarning):
    """`UnsafePlaintext` on a store that keeps records beyond the process: secrets lie readable on a disk.

    ``warnings.simplefilter("ignore", UnsafePlaintextWarning)`` silences it, in development.
    """


class UnsafePlaintext:
    """Seals nothing: records lie readable in the store. For looking at records in development, by its name.

    On a store that keeps records beyond the process it is warned of (`UnsafePlaintextWarning`). Every write still
    carries 96 fresh random bits.
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
        return bytes([_PLAIN]) + os.urandom(NONCE) + _framed(record)

    def unseal(self, sealed: bytes, /) -> SecretBytes:
        if not self.is_current(sealed):
            known = len(sealed) > 0 and sealed[0] < VERSIONS
            raise (SealedElsewhere if known else NotSealed)("not a plaintext record")
        return _unframed(SecretBytes(sealed[1 + NONCE :]))

    def is_current(self, sealed: bytes, /) -> bool:
        return sealed[:1] == bytes([_PLAIN])


def _header(key_id: bytes, key: bytes) -> bytes:
    return bytes([_SEALED, len(key_id)]) + key_id + hmac.digest(key, _CHECK_LABEL, "sha256")[:_CHECK]


def _framed(record: bytes) -> SecretBytes:
    size = len(record)
    return SecretBytes(size.to_bytes(4, "big") + record + bytes(-(size + 4) % BLOCK))


def _unframed(framed: SecretBytes) -> SecretBytes:
    end = 4 + int.from_bytes(framed[:4], "big")
    if end > len(framed) or len(framed) % BLOCK or len(framed) - end >= BLOCK or any(framed[end:]):
        raise BrokenSeal("not framed as this library frames records")
    return SecretBytes(framed[4:end])
