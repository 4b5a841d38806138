# SPDX-License-Identifier: Apache-2.0
"""``python -m ram_mfa store create|open|reseal|declare-restored|renew-tickets|report|check``: the operator's command.

The rule: what is expected to fail ends in one line and an exit code of its own; whatever is printed, of a fault of the
program too, passes through what hides the store's password.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Sequence
from typing import TextIO

from .errors import MFAError, StoreContended, StoreUnavailable, StoreUncertain, UnreadableRecord
from .operations import arguments as given
from .operations.commands import perform
from .operations.exit_codes import AGAIN, FAULT, INTERRUPTED, NEVER, PIPE, USAGE, WRONG, code_of
from .operations.secret_files import Usage
from .operations.store_urls import Address
from .operations.terminal import Terminal
from .refusals import Refused


def main(words: Sequence[str] | None = None) -> int:
    """Do what the arguments ask for, and return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        _as_utf8(stream)
    address: Address | None = None
    try:
        arguments = given.read(sys.argv[1:] if words is None else words)
        address = given.address(arguments)
        code = perform(arguments, address, Terminal(sys.stdout, sys.stderr, arguments.quiet))
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _ended("interrupted: begin again", INTERRUPTED)
    except BrokenPipeError:  # whoever read the report has seen enough of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE
    except Usage as error:
        return _ended(f"{error} (--help says more)", USAGE)
    except MFAError as error:
        line, code = _told(error)
        return _ended(_hidden(line, address), code)
    except OSError as error:
        return _ended(_hidden(f"output: {error.strerror}", address), USAGE)
    except Exception:  # noqa: BLE001 - a fault of ours; its traceback may quote what a driver said of the URL
        return _ended(_hidden(f"a fault of this program:\n{traceback.format_exc()}", address), FAULT)
    return code


def _told(error: MFAError) -> tuple[str, int]:
    """Return what an error of the library means to an operator, and the exit code."""
    match error:
        case Refused() | UnreadableRecord():
            return str(error), WRONG
        case StoreUnavailable():
            code, text = code_of(error), " ".join(str(error).split())
            return f"the store {'cannot be used' if code == NEVER else 'did not answer'}: {text}", code
        case StoreUncertain() | StoreContended():
            return f"{error}: begin again", AGAIN
        case _:
            return f"{type(error).__name__}: {error}", AGAIN


def _hidden(text: str, address: Address | None) -> str:
    return text if address is None else address.hide(text)


def _ended(line: str, code: int) -> int:
    with contextlib.suppress(BrokenPipeError):
        print(f"ram_mfa: {line}", file=sys.stderr)
    return code


def _as_utf8(stream: TextIO) -> None:
    """Have a stream take every user id, whatever the locale."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8", errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())
