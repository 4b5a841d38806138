# SPDX-License-Identifier: Apache-2.0
"""The commands that need no store: ``selftest``."""

from __future__ import annotations

import argparse
import json
from typing import Any

from . import selftest
from .exit_codes import DONE, WRONG
from .terminal import Terminal


def add_tools(subjects: Any) -> None:
    """Add the commands to the parser of the whole command; each sets ``tool`` to what performs it."""
    one = _add(subjects, "selftest", "run the test vectors that the standards print", _selftest)
    _add_json(one)


def _add(subjects: Any, name: str, text: str, tool: Any) -> argparse.ArgumentParser:
    one: argparse.ArgumentParser = subjects.add_parser(
        name, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False
    )
    one.set_defaults(tool=tool)
    return one


def _add_json(one: argparse.ArgumentParser) -> None:
    one.add_argument("--json", action="store_true", help="print JSON instead of text")


def _selftest(arguments: argparse.Namespace, terminal: Terminal) -> int:
    results = selftest.run()
    if arguments.json:
        terminal.say(json.dumps(selftest.as_plain(results), indent=1))
    else:
        for line in selftest.as_lines(results):
            terminal.say(line)
    return WRONG if any(result.failures for result in results) else DONE
