# SPDX-License-Identifier: Apache-2.0
"""The arguments of ``python -m ram_mfa store``, and what they are read into."""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from ..errors import MalformedMessage
from ..policy import MFAPolicy, policy_from_plain
from ..sealing import Seal, UnsafePlaintext
from .secret_files import Usage, ring_of, seal_of, secret_in
from .store_urls import HIDDEN, Address, Terms, address_of

VARIABLE: Final = "RAM_MFA_STORE"

_CODES: Final = """\
exit codes:
  0    done, and nothing is wrong
  1    done, and something is wrong: it is printed
  2    the command cannot be asked so
  3    the store did not answer, or kept changing: begin again
  70   a fault of this program
  130  interrupted (Ctrl-C): begin again
  141  nobody reads the output any more
"""

_STORES: Final = f"""\
stores:
  mfa.db, sqlite:///mfa.db            SQLite
  postgresql://user:password@host/db  PostgreSQL
  redis://host:6379/0, rediss://...   Redis; redis+cluster://... a Cluster
  sqlalchemy+URL                      through SQLAlchemy, such as sqlalchemy+mysql+pymysql://...
  Arguments are visible to others on the machine: a URL with a password is given by {VARIABLE} or --store-file.
"""

_OPTION: Final = re.compile("--[a-z-]+")
_VALUE: Final = re.compile(
    r"(invalid [a-z ]*(?:choice|value): |explicit argument )(.*?)(?= \(choose from|$)", re.DOTALL
)

_COMMANDS: Final = {
    "create": "make the table and the root record, where there is none",
    "open": "say whether the store opens, and count its records by the key that they are sealed under",
    "reseal": "seal every record anew that is not sealed under the first key, while the store is in use",
    "declare-restored": "declare that history was lost: after a restore, or a promotion that the engine does not show",
    "renew-tickets": "draw a new ticket key: every open ticket, offer and receipt ends",
    "report": "print the credential report: a row for each user of one tenant",
    "check": "read every record and change nothing: does each unseal, and do users, keys and claims agree",
}


class Parser(argparse.ArgumentParser):
    """An argument parser that repeats no value in its messages: it may be a URL with a password, or a key."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments, and end."""
        head, unknown, rest = message.partition("unrecognized arguments: ")
        if unknown:
            names = [word.partition("=")[0] for word in rest.split()]
            shown = [name if _OPTION.fullmatch(name) else HIDDEN for name in names]
            raise Usage(f"{head}{unknown}{' '.join(shown)}")
        raise Usage(_VALUE.sub(rf"\1{HIDDEN}", message))


def parser() -> Parser:
    """Return the parser of the whole command."""
    form = argparse.RawDescriptionHelpFormatter
    top = Parser(prog="python -m ram_mfa", description="Operate the stores of ram_mfa.", allow_abbrev=False)
    subjects = top.add_subparsers(dest="subject", required=True, metavar="SUBJECT", parser_class=Parser)
    store = subjects.add_parser(
        "store", help="operate a store", description="Operate a store.", epilog=_STORES + "\n" + _CODES,
        formatter_class=form, allow_abbrev=False,
    )  # fmt: skip
    commands = store.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    for action, text in _COMMANDS.items():
        one = commands.add_parser(
            action, help=text, description=f"{text.capitalize()}.", epilog=_STORES + "\n" + _CODES,
            formatter_class=form, allow_abbrev=False,
        )  # fmt: skip
        _common(one)
        if action == "create":
            one.add_argument(
                "--unsafe-new-root", action="store_true", help="also where there are records whose root record is gone"
            )
        if action == "reseal":
            one.add_argument(
                "--new-store-id", action="store_true",
                help="for a copy of a store, before anybody performs on it: what was sealed for the old id is nothing",
            )  # fmt: skip
        if action == "open":
            one.add_argument("--root-only", action="store_true", help="leave the records uncounted")
        if action in {"report", "check"}:
            one.add_argument("--policy", metavar="FILE", help="the policy, as JSON of policy_to_plain")
        if action == "report":
            one.add_argument("--tenant", metavar="NAME", default="", help="whose users; without it, those of no tenant")
            one.add_argument("--format", choices=("csv", "jsonl"), default="csv", help="csv (the default) or jsonl")
            one.add_argument("--output", metavar="FILE", help="a file, which is replaced when all is written")
        if action == "check":
            one.add_argument("--list-all", action="store_true", help="name every record, however many are alike")
            one.add_argument(
                "--tenant", metavar="NAME", action="append", default=[], help="also whose users; repeat it"
            )
    return top


def _common(one: argparse.ArgumentParser) -> None:
    where = one.add_argument_group("the store").add_mutually_exclusive_group()
    where.add_argument("--store", metavar="URL", help=f"the store; else {VARIABLE} in the environment")
    where.add_argument("--store-file", metavar="FILE", help="a file that holds the URL, and that others cannot read")
    seal = one.add_argument_group("the seal").add_mutually_exclusive_group(required=True)
    seal.add_argument(
        "--seal-key", metavar="[ID=]FILE", action="append",
        help="a key of the ring, in a file that others cannot read: 32 bytes, raw, in hexadecimal or base64; "
        "repeat it: the first seals, all open",
    )  # fmt: skip
    seal.add_argument("--unsafe-plaintext", action="store_true", help="records are not sealed")
    how = one.add_argument_group("how")
    how.add_argument("--deadline", metavar="SECONDS", type=float, default=5.0, help="for each call (5)")
    how.add_argument("--replicas", metavar="N", type=int, help="Redis: how many replicas must have a write")
    how.add_argument(
        "--unsafe-setting", metavar="NAME", action="append", default=[], help="Redis: what may be unsafe, by name"
    )
    how.add_argument("--quiet", action="store_true", help="show no progress")


def read(words: Sequence[str]) -> argparse.Namespace:
    """Return the arguments.

    Raises:
        Usage: they are none.
        SystemExit: help was asked for, and is printed.
    """
    arguments: argparse.Namespace = parser().parse_args(words)
    if not 0 < arguments.deadline <= 600:
        raise Usage("--deadline is a number of seconds, up to 600")
    return arguments


def address(arguments: argparse.Namespace, environment: Mapping[str, str] = os.environ) -> Address:
    """Return where the store is.

    Raises:
        Usage: nothing says so, or nothing that can be read.
    """
    if arguments.store_file is not None:
        try:
            return address_of(secret_in(arguments.store_file, "--store-file").decode())
        except UnicodeDecodeError:
            raise Usage("--store-file: the file holds no text") from None
    text = arguments.store or environment.get(VARIABLE)
    if not text:
        raise Usage(f"which store? Give --store, --store-file, or {VARIABLE} in the environment")
    return address_of(text)


def terms(arguments: argparse.Namespace) -> Terms:
    """Return how the store is opened."""
    return Terms(arguments.deadline, arguments.command == "create", arguments.replicas, arguments.unsafe_setting)


def seal(arguments: argparse.Namespace) -> tuple[Seal, dict[str, Seal]]:
    """Return the seal, and for each key id one that seals with it, the present key's first.

    Raises:
        Usage: a key cannot be read.
    """
    if arguments.unsafe_plaintext:
        return UnsafePlaintext(), {"plaintext": UnsafePlaintext()}
    ring = ring_of(arguments.seal_key)  # read once: a file may be a pipe
    return seal_of(ring), {name: seal_of({name: key}) for name, key in ring.items()}


def policy(arguments: argparse.Namespace) -> MFAPolicy | None:
    """Return the policy that a file holds, or None where none is given.

    Raises:
        Usage: it holds none.
    """
    name = getattr(arguments, "policy", None)
    if name is None:
        return None
    try:
        plain: Any = json.loads(Path(name).read_text(encoding="utf-8"))
        return policy_from_plain(plain)
    except OSError as error:
        raise Usage(f"--policy: {error.strerror}") from None
    except MalformedMessage as error:
        raise Usage(f"--policy: {error}") from None
    except ValueError as error:
        raise Usage(f"--policy: {error}") from None
