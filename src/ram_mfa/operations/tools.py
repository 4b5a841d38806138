# SPDX-License-Identifier: Apache-2.0
"""The commands that need no store: ``key``, ``policy``, ``selftest``, ``inspect``, ``totp``, ``uri`` and ``qr``."""

from __future__ import annotations

import argparse
import json
from typing import Any

from ..otp import Algorithm
from . import policy_files, selftest, setup_keys
from .exit_codes import DONE, WRONG
from .inspection import inspect as inspection
from .new_key import new_key
from .terminal import Terminal


def add_tools(subjects: Any) -> None:
    """Add the commands to the parser of the whole command; each sets ``tool`` to what performs it."""
    one = _add(_add_group(subjects, "key", "make keys"), "new", "write a new key to a new file", new_key)
    one.add_argument("file", metavar="FILE", help="the file, which only its owner may read; it must not exist")
    one.add_argument("--id", metavar="ID", help="the id of the key in the ring (today's date)")
    policies = _add_group(subjects, "policy", "check policies")
    one = _add(policies, "check", "explain every decision of a policy", policy_files.check)
    one.add_argument("file", metavar="FILE", help="the policy, as JSON made by policy_to_plain")
    one = _add(subjects, "selftest", "run the test vectors that the standards print", _selftest)
    _add_json(one)
    one = _add(subjects, "inspect", "decode a message, and say what is wrong with it", inspection.inspect)
    one.add_argument("kind", metavar="KIND", choices=inspection.KINDS, help=", ".join(inspection.KINDS))
    one.add_argument(
        "input", metavar="FILE", nargs="?", default="-", help="a file; standard input without it, or for -"
    )
    one.add_argument(
        "--encoding", choices=inspection.ENCODINGS, default="auto", help="the encoding of the input (auto)"
    )
    one.add_argument("--show-secrets", action="store_true", help="show secrets, such as that of a key URI")
    _add_json(one)
    one = _add(subjects, "totp", "print the current code of a setup key or a key URI", setup_keys.totp)
    _add_key(one)
    one.add_argument("--at", metavar="SECONDS", type=float, help="the time, in seconds since 1970 (now)")
    _add_json(one)
    one = _add(subjects, "uri", "describe a key URI, or make one of a setup key", setup_keys.uri)
    _add_key(one)
    _add_names(one)
    one.add_argument("--show-secrets", action="store_true", help="show the secret of a key URI")
    _add_json(one)
    one = _add(subjects, "qr", "draw the QR code of a key URI or a setup key", setup_keys.qr)
    _add_key(one)
    _add_names(one)
    one.add_argument("--output", metavar="FILE", help="a new file, .svg or .png, instead of the terminal")


def _add_group(subjects: Any, name: str, text: str) -> Any:
    group = subjects.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False)
    return group.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=type(group))


def _add(subjects: Any, name: str, text: str, tool: Any) -> argparse.ArgumentParser:
    one: argparse.ArgumentParser = subjects.add_parser(
        name, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False
    )
    one.set_defaults(tool=tool)
    return one


def _add_json(one: argparse.ArgumentParser) -> None:
    one.add_argument("--json", action="store_true", help="print JSON instead of text")


def _add_key(one: argparse.ArgumentParser) -> None:
    one.add_argument(
        "input", metavar="FILE", nargs="?", default="-",
        help="a file with the setup key (base32) or the key URI; standard input without it, or for -",
    )  # fmt: skip
    options = one.add_argument_group("options of a setup key; a key URI has its own")
    options.add_argument("--algorithm", choices=[each.value for each in Algorithm], default="SHA1", help="(SHA1)")
    options.add_argument("--digits", metavar="N", type=int, default=6, help="6 to 8 (6)")
    options.add_argument("--period", metavar="SECONDS", type=int, default=30, help="the time step (30)")


def _add_names(one: argparse.ArgumentParser) -> None:
    one.add_argument("--issuer", metavar="NAME", help="the service, for the URI of a setup key")
    one.add_argument("--account", metavar="NAME", help="the user's account there, for the URI of a setup key")


def _selftest(arguments: argparse.Namespace, terminal: Terminal) -> int:
    results = selftest.run()
    if arguments.json:
        terminal.say(json.dumps(selftest.as_plain(results), indent=1))
    else:
        for line in selftest.as_lines(results):
            terminal.say(line)
    return WRONG if any(result.failures for result in results) else DONE
