# SPDX-License-Identifier: Apache-2.0
"""Files that hold a secret: the keys of the seal, and the URL of a store with its password.

The room's rule: a secret is never an argument, and what was meant as a file's name may be the secret itself, so no
message repeats it. A file that others may read or write is refused.
"""

from __future__ import annotations

import base64
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from .._secret import SecretBytes
from ..sealing import AESGCMSeal

LARGEST: Final = 8_192
KEY: Final = 32
_OTHERS: Final = stat.S_IROTH | stat.S_IWOTH


class Usage(Exception):
    """The command was not asked as it can be: a message for the operator, without any secret."""


def secret_in(path: str, what: str) -> SecretBytes:
    """Return what a file holds.

    Args:
        path: of a file, or of a pipe such as the shell's ``<(...)``.
        what: names the file in messages.

    Raises:
        Usage: it cannot be read, is too large, or others may read or write it.
    """
    try:
        with Path(path).open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = SecretBytes(b"" if stat.S_ISDIR(mode) else file.read(LARGEST + 1))
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or "no name of a file"
        raise Usage(f"{what}: {problem}") from None
    if os.name == "posix" and mode & _OTHERS:
        raise Usage(f"{what}: others may read or write the file: chmod o-rw")
    if len(data) > LARGEST:
        raise Usage(f"{what}: the file has more than {LARGEST} bytes")
    return data


def ring_of(keys: Sequence[str]) -> dict[str, SecretBytes]:
    """Return the keys of ``ID=FILE`` arguments by their ids, in that order.

    Raises:
        Usage: one is not of that form, or its file holds no key.
    """
    ring: dict[str, SecretBytes] = {}
    for number, text in enumerate(keys, start=1):
        what = f"seal key {number}"
        key_id, equals, path = text.partition("=")
        if not (key_id and equals and path):
            raise Usage(f"{what}: it is given as ID=FILE")
        if key_id in ring:
            raise Usage(f"{what}: its id was given before")
        ring[key_id] = _key(secret_in(path, what), what)
    return ring


def seal_of(ring: Mapping[str, SecretBytes]) -> AESGCMSeal:
    """Return the seal under a ring: its first key seals, all open.

    Raises:
        Usage: a key id cannot be one.
    """
    try:
        return AESGCMSeal(ring, seal_with=next(iter(ring)))
    except ValueError:
        raise Usage("seal key: an id is 1 to 32 ASCII characters") from None


def _key(data: SecretBytes, what: str) -> SecretBytes:
    """Return the 32 bytes that a file holds raw, in hexadecimal or in base64."""
    if len(data) == KEY:
        return data
    text = data.strip()
    for read in (_from_hexadecimal, _from_base64):
        try:
            key = SecretBytes(read(text))
        except ValueError:
            continue
        if len(key) == KEY:
            return key
    raise Usage(f"{what}: the file holds no key: {KEY} random bytes, raw, in hexadecimal or in base64")


def _from_hexadecimal(text: bytes) -> bytes:
    return bytes.fromhex(text.decode())


def _from_base64(text: bytes) -> bytes:
    """Read base64 of either alphabet, padded or not."""
    bare = text.translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
    return base64.b64decode(bare + b"=" * (-len(bare) % 4), validate=True)
