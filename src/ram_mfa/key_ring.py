# SPDX-License-Identifier: Apache-2.0
"""The keys of a seal in a file or an environment variable: one format, and its one reader.

::

    # the first key seals, all of them open
    2026 = 8f3c...     64 hexadecimal digits, or 43 characters of base64url
    2025 = 1b90...

An entry is ``ID = KEY``: an id of 1 to 32 ASCII characters, and 32 random bytes in hexadecimal or in base64 (either
alphabet, padded or not). Entries are parted by line ends or commas; empty ones, and lines that begin with ``#``, are
passed over.

Invariant: no error repeats anything of a file, a variable or a name, which may be the secret itself by mistake, and no
frame of one holds a key that tools would print. A file that others may read or write is refused.
"""

from __future__ import annotations

import base64
import contextlib
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ._secret import SecretBytes

MAX_FILE: Final = 8_192
"""Bytes of a file with a secret."""
KEY_SIZE: Final = 32
_OTHERS: Final = stat.S_IROTH | stat.S_IWOTH


def read_secret_file(path: str | os.PathLike[str]) -> SecretBytes:
    """Return what a file, or a pipe such as the shell's ``<(...)``, holds.

    Raises:
        ValueError: it cannot be read, has more than 8,192 bytes, or others may read or write it.
    """
    try:
        with Path(path).open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = SecretBytes(b"" if stat.S_ISDIR(mode) else file.read(MAX_FILE + 1))
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or "no name of a file"
        raise ValueError(problem) from None
    if os.name == "posix" and mode & _OTHERS:
        raise ValueError("others may read or write the file: chmod o-rw")
    if len(data) > MAX_FILE:
        raise ValueError(f"the file has more than {MAX_FILE} bytes")
    return data


def create_key_file(path: str | os.PathLike[str]) -> None:
    """Write a file with one random key that its owner alone may read, where there is none.

    It has its name only once it is whole; of two processes that do this at once, both then read the first one's.

    Raises:
        OSError: it cannot be written, or its file system has no hard links.
    """
    path = Path(path)
    if os.path.lexists(path):
        return
    place, whole = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(place, "wb") as file:
            file.write(b"# The first key seals, all of them open. Keep this file apart from the database.\n1 = ")
            file.write(SecretBytes(os.urandom(KEY_SIZE).hex().encode()) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(whole, path)
    finally:
        Path(whole).unlink()


def parse_ring(text: SecretBytes) -> dict[str, SecretBytes]:
    """Return the keys by their ids, in the order of the text.

    Raises:
        ValueError: an entry is not of the form, an id stands twice, or there is no entry; entries are named by number.
    """
    ring: dict[str, SecretBytes] = {}
    lines = [SecretBytes(line.strip()) for line in text.splitlines()]
    entries = [SecretBytes(entry.strip()) for line in lines if not line.startswith(b"#") for entry in line.split(b",")]
    for number, entry in enumerate(filter(None, entries), start=1):
        key_id, key = _entry_of(entry)
        if key is None or not key_id:
            raise ValueError(f"entry {number} is not ID = KEY, {KEY_SIZE} random bytes in hexadecimal or base64")
        if key_id in ring:
            raise ValueError(f"entry {number} has an id that was given before")
        ring[key_id] = key
    if not ring:
        raise ValueError("no key in it")
    return ring


def parse_key(text: bytes) -> SecretBytes | None:
    """Return the 32 bytes that a text gives in hexadecimal or in base64, or None where it gives none."""
    for read in (_from_hexadecimal, _from_base64):
        key = _read(read, text)
        if key is not None and len(key) == KEY_SIZE:
            return key
    return None


def _entry_of(entry: SecretBytes) -> tuple[str, SecretBytes | None]:
    """Return id and key of an entry; "" or None where it has none."""
    name, _, text = map(SecretBytes, entry.partition(b"="))
    if not name.isascii():
        return "", None
    return bytes(name).decode().strip(), parse_key(SecretBytes(text.strip()))


def _read(read: Callable[[bytes], bytes], text: bytes) -> SecretBytes | None:
    try:
        return SecretBytes(read(text))
    except ValueError:
        return None


def _from_hexadecimal(text: bytes) -> bytes:
    return bytes.fromhex(text.decode())


def _from_base64(text: bytes) -> bytes:
    """Read base64 of either alphabet, padded or not."""
    bare = text.translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
    return base64.b64decode(bare + b"=" * (-len(bare) % 4), validate=True)
