# SPDX-License-Identifier: Apache-2.0
"""Files that hold a secret: the keys of the seal, and the URL of a store with its password.

Invariant: a secret is never an argument. The value given as a file's name may by mistake be the secret itself, so no
message repeats it. A file that others may read or write is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .._secret import SecretBytes
from ..key_ring import KEY_SIZE, parse_key, parse_ring, read_secret_file
from ..sealing import AESGCMSeal


class Usage(Exception):
    """The command cannot be run as given; the message is for the operator and holds no secret."""


def read_secret(path: str, label: str) -> SecretBytes:
    """Return the contents of a file.

    Args:
        path: the name of a file, or of a pipe such as the shell's ``<(...)``.
        label: names the file in messages.

    Raises:
        Usage: it cannot be read, is too large, or others may read or write it.
    """
    try:
        return read_secret_file(path)
    except ValueError as error:
        raise Usage(f"{label}: {error}") from None


def read_ring(keys: Sequence[str]) -> dict[str, SecretBytes]:
    """Return the keys of ``ID=FILE`` and ``FILE`` arguments by their ids, in that order.

    Args:
        keys: ``ID=FILE`` names a file with one key; ``FILE`` alone names one with a ring: see `AESGCMSeal.from_file`.

    Raises:
        Usage: an argument is not of that form, or its file holds no key.
    """
    ring: dict[str, SecretBytes] = {}
    for number, text in enumerate(keys, start=1):
        label = f"seal key {number}"
        key_id, equals, path = text.partition("=")
        if not text or (equals and not (key_id and path)):
            raise Usage(f"{label}: give it as ID=FILE, or as FILE with a ring")
        if equals:
            keys_by_id = {key_id: _parse_key(read_secret(path, label), label)}
        else:
            keys_by_id = _parse_ring(read_secret(text, label), label)
        if not ring.keys().isdisjoint(keys_by_id):
            raise Usage(f"{label}: its id was given before")
        ring.update(keys_by_id)
    return ring


def _parse_ring(data: SecretBytes, label: str) -> dict[str, SecretBytes]:
    try:
        return parse_ring(data)
    except ValueError as error:
        raise Usage(f"{label}: {error}") from None


def make_seal(ring: Mapping[str, SecretBytes]) -> AESGCMSeal:
    """Return the seal under a ring: its first key seals, all keys unseal.

    Raises:
        Usage: a key id is not valid.
    """
    try:
        return AESGCMSeal(ring, seal_with=next(iter(ring)))
    except ValueError:
        raise Usage("seal key: an id is 1 to 32 ASCII characters") from None


def _parse_key(data: SecretBytes, label: str) -> SecretBytes:
    """Return the 32 bytes in a file, raw, in hexadecimal or in base64."""
    key = data if len(data) == KEY_SIZE else parse_key(SecretBytes(data.strip()))
    if key is None:
        raise Usage(f"{label}: the file holds no key: {KEY_SIZE} random bytes, raw, in hexadecimal or in base64")
    return key
