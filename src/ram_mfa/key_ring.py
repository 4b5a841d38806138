# SPDX-License-Identifier: Apache-2.0
"""The ring of keys of a seal in a file or an environment variable: its format and its parser.

::

    # the first key seals, all keys unseal
    2026 = 8f3c...     64 hexadecimal digits, or 43 characters of base64url
    2025 = 1b90...

An entry is ``ID = KEY``: an id of 1 to 32 ASCII characters, and 32 random bytes in hexadecimal or in base64 (either
alphabet, padded or not). Entries are separated by line ends or commas. Empty entries, and lines that begin with ``#``,
are ignored.

Invariant: no error repeats any part of a file, a variable or a name, since it may by mistake be the secret itself, and
no frame of an error holds a key in a form that tools would print. A file that others may read or write is refused.
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
"""Bytes; the largest file with a secret."""
KEY_SIZE: Final = 32
_OTHERS: Final = stat.S_IROTH | stat.S_IWOTH


def read_secret_file(path: str | os.PathLike[str]) -> SecretBytes:
    """Return the contents of a file, or of a pipe such as the shell's ``<(...)``.

    Raises:
        ValueError: it cannot be read, it has more than 8,192 bytes, or others may read or write it.
    """
    try:
        with Path(path).open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = SecretBytes(b"" if stat.S_ISDIR(mode) else file.read(MAX_FILE + 1))
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or "not the name of a file"
        raise ValueError(problem) from None
    if os.name == "posix" and mode & _OTHERS:
        raise ValueError("others may read or write the file: chmod o-rw")
    if len(data) > MAX_FILE:
        raise ValueError(f"the file has more than {MAX_FILE} bytes")
    return data


def create_key_file(path: str | os.PathLike[str]) -> None:
    """Write a file with one random key that only its owner may read, if there is no file.

    The file gets its name only when it is complete. If two processes do this at once, both use the first one's file.

    Raises:
        OSError: it cannot be written, or the file system has no hard links.
    """
    path = Path(path)
    if os.path.lexists(path):
        return
    handle, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(b"# The first key seals, all keys unseal. Keep this file apart from the database.\n1 = ")
            file.write(SecretBytes(os.urandom(KEY_SIZE).hex().encode()) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        Path(draft).unlink()


def parse_ring(text: SecretBytes) -> dict[str, SecretBytes]:
    """Return the keys by their ids, in the order of the text.

    Raises:
        ValueError: an entry is malformed, an id occurs twice, or there is no entry; the message gives its number.
    """
    ring: dict[str, SecretBytes] = {}
    lines = [SecretBytes(line.strip()) for line in text.splitlines()]
    entries = [SecretBytes(entry.strip()) for line in lines if not line.startswith(b"#") for entry in line.split(b",")]
    for number, entry in enumerate(filter(None, entries), start=1):
        key_id, key = _parse_entry(entry)
        if key is None or not key_id:
            raise ValueError(f"entry {number} is not ID = KEY, {KEY_SIZE} random bytes in hexadecimal or base64")
        if key_id in ring:
            raise ValueError(f"entry {number} has the id of an earlier entry")
        ring[key_id] = key
    if not ring:
        raise ValueError("it holds no key")
    return ring


def parse_key(text: bytes) -> SecretBytes | None:
    """Return the 32 bytes that a text encodes in hexadecimal or in base64, or None."""
    for read in (_from_hexadecimal, _from_base64):
        key = _try(read, text)
        if key is not None and len(key) == KEY_SIZE:
            return key
    return None


def _parse_entry(entry: SecretBytes) -> tuple[str, SecretBytes | None]:
    """Return the id and the key of an entry; "" or None for what is malformed."""
    name, _, text = map(SecretBytes, entry.partition(b"="))
    if not name.isascii():
        return "", None
    return bytes(name).decode().strip(), parse_key(SecretBytes(text.strip()))


def _try(read: Callable[[bytes], bytes], text: bytes) -> SecretBytes | None:
    try:
        return SecretBytes(read(text))
    except ValueError:
        return None


def _from_hexadecimal(text: bytes) -> bytes:
    return bytes.fromhex(text.decode())


def _from_base64(text: bytes) -> bytes:
    """Decode base64 of either alphabet, padded or not."""
    bare = text.translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
    return base64.b64decode(bare + b"=" * (-len(bare) % 4), validate=True)
