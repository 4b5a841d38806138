# SPDX-License-Identifier: Apache-2.0
"""``python -m ram_mfa``, also installed as ``ram-mfa``: the operator's command on stores and users.

``selftest``, ``inspect``, ``totp``, ``uri`` and ``qr`` need no store.

Invariant: an expected failure ends in one line and an exit code of its own. The store's password is removed from
everything that is printed, the traceback of a fault of the program included.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Sequence
from typing import TextIO

from .errors import MFAError, StoreContended, StoreUnavailable, StoreUncertain, UnreadableRecord
from .operations import arguments as command_line
from .operations.commands import perform
from .operations.exit_codes import AGAIN, FAULT, INTERRUPTED, NEVER, PIPE, USAGE, WRONG, exit_code_of
from .operations.secret_files import Usage
from .operations.store_urls import Address
from .operations.terminal import Terminal
from .refusals import Refused


def main(words: Sequence[str] | None = None) -> int:
    """Run the command that the arguments give, and return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        _set_utf8(stream)
    address: Address | None = None
    try:
        arguments = command_line.read(sys.argv[1:] if words is None else words)
        if hasattr(arguments, "tool"):  # a command that needs no store
            code = int(arguments.tool(arguments, Terminal(sys.stdout, sys.stderr)))
        else:
            address = command_line.address(arguments)
            code = perform(arguments, address, Terminal(sys.stdout, sys.stderr, arguments.quiet))
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _end("interrupted: run the command again", INTERRUPTED)
    except BrokenPipeError:  # the reader of the report has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE
    except Usage as error:
        return _end(f"{error} (--help says more)", USAGE)
    except MFAError as error:
        line, code = _describe(error)
        return _end(_hide(line, address), code)
    except OSError as error:
        return _end(_hide(f"output: {error.strerror}", address), USAGE)
    except Exception:  # noqa: BLE001 - a fault of ours; its traceback may quote a driver's message about the URL
        return _end(_hide(f"a fault of this program:\n{traceback.format_exc()}", address), FAULT)
    return code


def _describe(error: MFAError) -> tuple[str, int]:
    """Return a line for the operator about an error of the library, and the exit code."""
    match error:
        case Refused() | UnreadableRecord():
            return str(error), WRONG
        case StoreUnavailable():
            code, text = exit_code_of(error), " ".join(str(error).split())
            return f"the store {'cannot be used' if code == NEVER else 'did not answer'}: {text}", code
        case StoreUncertain() | StoreContended():
            return f"{error}: run the command again", AGAIN
        case _:
            return f"{type(error).__name__}: {error}", AGAIN


def _hide(text: str, address: Address | None) -> str:
    return text if address is None else address.hide(text)


def _end(line: str, code: int) -> int:
    with contextlib.suppress(BrokenPipeError):
        print(f"ram_mfa: {line}", file=sys.stderr)
    return code


def _set_utf8(stream: TextIO) -> None:
    """Make a stream accept every user id, whatever the locale."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8", errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())
