# SPDX-License-Identifier: Apache-2.0
"""The command ``key new``: a file with a new random key for the ring of a seal.

Invariant: the key is never printed, and no file is replaced.
"""

from __future__ import annotations

import argparse
import os
import re
import time
from typing import Final

from .._secret import SecretBytes
from ..key_ring import KEY_SIZE
from .exit_codes import DONE, WRONG
from .secret_files import Usage
from .terminal import Terminal

_ID: Final = re.compile("[A-Za-z0-9._-]{1,32}")


def new_key(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Write a ring with one new key to a file that only its owner may read.

    Raises:
        Usage: the id is malformed, or the file cannot be written.
    """
    key_id = arguments.id or time.strftime("%Y-%m-%d", time.gmtime())
    if not _ID.fullmatch(key_id):
        raise Usage("--id: an id has 1 to 32 letters, digits, dots, hyphens and underscores")
    try:
        handle = os.open(arguments.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(b"# The first key seals, all keys unseal. Keep this file apart from the database.\n")
            file.write(SecretBytes(key_id.encode() + b" = " + os.urandom(KEY_SIZE).hex().encode() + b"\n"))
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        terminal.say("there is such a file; nothing was changed")
        return WRONG
    except OSError as error:
        raise Usage(f"key new: {error.strerror}") from None
    terminal.say(f"made: the key {key_id}")
    return DONE
