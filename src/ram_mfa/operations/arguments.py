# SPDX-License-Identifier: Apache-2.0
"""The arguments of ``python -m ram_mfa``, and their conversion into values."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

import attrs

from .._version import __version__
from ..policy import MFAPolicy
from ..sealing import Seal, UnsafePlaintext
from .policy_files import read_policy
from .secret_files import Usage, make_seal, read_ring, read_secret
from .store_urls import HIDDEN, Address, StoreOptions, parse_address
from .tools import add_tools

VARIABLE: Final = "RAM_MFA_STORE"

_CODES: Final = """\
exit codes:
  0    done, and nothing is wrong
  1    done, and something is wrong; it is printed
  2    the arguments, a key file or a policy file cannot be used
  3    the store did not answer, or kept changing: run the command again
  4    the store cannot be used, and running the command again does not help
  70   a fault of this program
  130  interrupted (Ctrl-C): run the command again
  141  the reader of the output closed it
"""

_STORES: Final = f"""\
stores:
  mfa.db, sqlite:///mfa.db            SQLite
  postgresql://user:password@host/db  PostgreSQL
  redis://host:6379/0, rediss://...   Redis; redis+cluster://... a Cluster
  redis+sentinel://h:26379,i/name/0   Redis behind Sentinels, which know the master by that name
  sqlalchemy+URL                      through SQLAlchemy, such as sqlalchemy+mysql+pymysql://...
  Other users of the machine can see arguments: give a URL with a password by {VARIABLE} or --store-file.
"""

_OPTION: Final = re.compile("--[a-z-]+")
_VALUE: Final = re.compile(
    r"(invalid [a-z ]*(?:choice|value): |explicit argument )(.*?)(?= \(choose from|$)", re.DOTALL
)

_STORE_COMMANDS: Final = {
    "create": "make the table and the root record, if there is none",
    "open": "show whether the store opens, and count its records by the key that they are sealed under",
    "reseal": "re-seal every record that is not sealed under the first key; the store may be in use",
    "declare-restored": "declare that history was lost, by a restore or a promotion that the database does not show",
    "renew-tickets": "draw a new ticket key: every open ticket, offer and receipt ends",
    "copy": "copy the store into another one, of the same or another engine; resumable, and verified",
    "report": "print the credential report: one row for each user of one tenant",
    "check": "read every record and change nothing: check that it unseals, and that users, keys and claims agree",
}

_USER_COMMANDS: Final = {
    "show": "show a user's settings and devices, and what keeps the user out; change nothing",
    "unlock": "forgive a user's wrong codes of new browsers, and end the delays after them",
    "reset": "remove a user's devices, machines and counts of wrong codes, and require the user to bind again",
    "require": "require MFA of a user at logon, or no longer",
}


class Parser(argparse.ArgumentParser):
    """An argument parser whose messages repeat no value, since a value may be a key or a URL with a password."""

    def error(self, message: str) -> NoReturn:
        """Raise a `Usage` that says what is wrong with the arguments."""
        head, unknown, rest = message.partition("unrecognized arguments: ")
        if unknown:
            names = [word.partition("=")[0] for word in rest.split()]
            shown = [name if _OPTION.fullmatch(name) else HIDDEN for name in names]
            raise Usage(f"{head}{unknown}{' '.join(shown)}")
        raise Usage(_VALUE.sub(rf"\1{HIDDEN}", message))


def parser() -> Parser:
    """Return the parser of the whole command."""
    program = "ram-mfa" if Path(sys.argv[0]).stem == "ram-mfa" else "python -m ram_mfa"
    top = Parser(prog=program, description="Operate the stores and users of ram_mfa.", allow_abbrev=False)
    top.add_argument("--version", action="version", version=f"ram_mfa {__version__}")
    subjects = top.add_subparsers(dest="subject", required=True, metavar="SUBJECT", parser_class=Parser)
    add_tools(subjects)
    for action, one in _add_subject(subjects, "store", "operate a store", _STORE_COMMANDS).items():
        _add_common_options(one)
        _add_store_options(action, one)
    for action, one in _add_subject(subjects, "user", "help one user", _USER_COMMANDS).items():
        _add_user_options(action, one)
        _add_common_options(one)
    return top


def _add_subject(subjects: Any, name: str, text: str, actions: Mapping[str, str]) -> dict[str, Parser]:
    """Add a subject of the command line, and return the parsers of its commands by name."""
    form = argparse.RawDescriptionHelpFormatter
    texts: Any = {"epilog": _STORES + "\n" + _CODES, "formatter_class": form, "allow_abbrev": False}
    subject = subjects.add_parser(name, help=text, description=f"{text.capitalize()}.", **texts)
    commands = subject.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    return {
        action: commands.add_parser(action, help=text, description=f"{text.capitalize()}.", **texts)
        for action, text in actions.items()
    }


def _add_store_options(action: str, one: argparse.ArgumentParser) -> None:
    if action == "create":
        one.add_argument(
            "--unsafe-new-root", action="store_true", help="even if there are records whose root record is gone"
        )
    if action == "reseal":
        one.add_argument(
            "--new-store-id", action="store_true",
            help="give a copied store its own id before it is used; records of the old id become unreadable",
        )  # fmt: skip
    if action == "open":
        one.add_argument("--root-only", action="store_true", help="do not count the records")
    if action == "copy":
        where = one.add_mutually_exclusive_group(required=True)
        where.add_argument("--to", metavar="URL", help="the target, which has no root record")
        where.add_argument("--to-file", metavar="FILE", help="a file with the target's URL, which others cannot read")
        one.add_argument("--to-replicas", metavar="N", type=int, help="as --replicas, for the target")
    if action in {"report", "check"}:
        _add_policy(one)
    if action == "report":
        _add_tenant(one)
        one.add_argument("--format", choices=("csv", "jsonl"), default="csv", help="csv (the default) or jsonl")
        one.add_argument("--output", metavar="FILE", help="a file, replaced once the report is complete")
    if action == "check":
        one.add_argument("--list-all", action="store_true", help="name every record with a problem")
        one.add_argument(
            "--tenant", metavar="NAME", action="append", default=[], help="a tenant to check too; repeatable"
        )


def _add_user_options(action: str, one: argparse.ArgumentParser) -> None:
    one.add_argument("user", metavar="USER", help="the user id, exactly as the application gives it")
    _add_tenant(one)
    _add_policy(one)
    if action != "show":
        one.add_argument("--by", metavar="NAME", required=True, help="who asks, recorded in the events")
    if action == "require":
        one.add_argument("--not-required", action="store_true", help="MFA is no longer required of the user")
        one.add_argument("--new-record", action="store_true", help="make a record where the user has none")


def _add_tenant(one: argparse.ArgumentParser) -> None:
    one.add_argument("--tenant", metavar="NAME", default="", help="the tenant; without it, users of no tenant")


def _add_policy(one: argparse.ArgumentParser) -> None:
    one.add_argument("--policy", metavar="FILE", help="the policy, as JSON made by policy_to_plain")


def _add_common_options(one: argparse.ArgumentParser) -> None:
    where = one.add_argument_group("the store").add_mutually_exclusive_group()
    where.add_argument("--store", metavar="URL", help=f"the store; without it, the environment variable {VARIABLE}")
    where.add_argument("--store-file", metavar="FILE", help="a file with the URL, which others cannot read")
    seal = one.add_argument_group("the seal").add_mutually_exclusive_group(required=True)
    seal.add_argument(
        "--seal-key", metavar="[ID=]FILE", action="append",
        help="a key of the ring, in a file that others cannot read: 32 bytes, raw, in hexadecimal or base64; "
        "repeatable: the first key seals, all keys unseal",
    )  # fmt: skip
    seal.add_argument("--unsafe-plaintext", action="store_true", help="records are not sealed")
    options = one.add_argument_group("options")
    options.add_argument("--deadline", metavar="SECONDS", type=float, default=5.0, help="the deadline of each call (5)")
    options.add_argument("--replicas", metavar="N", type=int, help="Redis: how many replicas must acknowledge a write")
    options.add_argument(
        "--unsafe-setting",
        metavar="NAME",
        action="append",
        default=[],
        help="Redis: a setting that may be unsafe",
    )
    options.add_argument("--quiet", action="store_true", help="show no progress")


def read(words: Sequence[str]) -> argparse.Namespace:
    """Parse the words of the command line.

    Raises:
        Usage: they are not valid arguments.
        SystemExit: help was requested, and was printed.
    """
    arguments: argparse.Namespace = parser().parse_args(words)
    if not 0 < getattr(arguments, "deadline", 1) <= 600:
        raise Usage("--deadline is a number of seconds, up to 600")
    return arguments


def address(arguments: argparse.Namespace, environment: Mapping[str, str] = os.environ) -> Address:
    """Return the address of the store; it hides the password of a copy's target too.

    Raises:
        Usage: none is given, or it cannot be parsed.
    """
    store = _source_address(arguments, environment)
    if arguments.command != "copy":
        return store
    return attrs.evolve(store, secrets=(*store.secrets, *target_address(arguments).secrets))


def _source_address(arguments: argparse.Namespace, environment: Mapping[str, str]) -> Address:
    if arguments.store_file is not None:
        return _address_in(arguments.store_file, "--store-file")
    text = arguments.store or environment.get(VARIABLE)
    if not text:
        raise Usage(f"no store is given: use --store, --store-file, or {VARIABLE} in the environment")
    return parse_address(text)


def target_address(arguments: argparse.Namespace) -> Address:
    """Return the address of the store to copy into.

    Raises:
        Usage: it cannot be parsed.
    """
    return parse_address(arguments.to) if arguments.to_file is None else _address_in(arguments.to_file, "--to-file")


def _address_in(path: str, label: str) -> Address:
    try:
        return parse_address(read_secret(path, label).decode())
    except UnicodeDecodeError:
        raise Usage(f"{label}: the file is not text") from None


def store_options(arguments: argparse.Namespace) -> StoreOptions:
    """Return the options with which the store is opened."""
    return StoreOptions(arguments.deadline, arguments.command == "create", arguments.replicas, arguments.unsafe_setting)


def seal(arguments: argparse.Namespace) -> tuple[Seal, dict[str, Seal]]:
    """Return the seal, and for each key id a seal that seals with that key, the present key's first.

    Raises:
        Usage: a key cannot be read.
    """
    if arguments.unsafe_plaintext:
        return UnsafePlaintext(), {"plaintext": UnsafePlaintext()}
    ring = read_ring(arguments.seal_key)  # read only once, since a file may be a pipe
    return make_seal(ring), {name: make_seal({name: key}) for name, key in ring.items()}


def policy(arguments: argparse.Namespace) -> MFAPolicy | None:
    """Return the policy in the given file, or None without one.

    Raises:
        Usage: the file cannot be read, or holds no policy.
    """
    name = getattr(arguments, "policy", None)
    return None if name is None else read_policy(name, "--policy")
