# SPDX-License-Identifier: Apache-2.0
"""Policy files: their reading, and the explanation of every decision of a policy (``policy check``)."""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import MalformedMessage
from ..policy import Decision, MFAPolicy, policy_from_plain
from ..refusals import Kind
from .exit_codes import DONE, WRONG
from .secret_files import Usage
from .terminal import Terminal


def read_policy(path: str, label: str) -> MFAPolicy:
    """Return the policy in a file.

    Raises:
        Usage: the file cannot be read, or holds no policy.
    """
    try:
        plain: Any = json.loads(Path(path).read_text(encoding="utf-8"))
        return policy_from_plain(plain)
    except OSError as error:
        raise Usage(f"{label}: {error.strerror}") from None
    except (MalformedMessage, ValueError, TypeError) as error:
        raise Usage(f"{label}: {error}") from None


def check(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Print each decision of the policy in a file with its rule and reason, and the warnings.

    Raises:
        Usage: the file cannot be read, or holds no policy.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        policy = read_policy(arguments.file, "policy check")
    for question, decision in explain(policy):
        answer = "yes" if decision.allowed else "no"
        terminal.say(f"{question}: {answer} ({decision.rule.value}: {decision.reason})")
    terminal.say(f"logon of a user without a record: {policy.unknown_users.value}")
    terminal.say(f"wrong codes in 24 hours: {policy.wrong_codes_per_day(digits=policy.totp.digits)}")
    terminal.say(f"probability that guessing for 24 hours meets a code: {float(policy.guess_probability):.1e}")
    found = list(dict.fromkeys(str(each.message) for each in caught))
    for text in found:
        terminal.say(f"warning: {text}")
    return WRONG if found else DONE


def explain(policy: MFAPolicy) -> Iterator[tuple[str, Decision]]:
    """Yield each question that a policy answers, with its decision."""
    for required in (True, False):
        who = "a user of whom an administrator requires it" if required else "any other user"
        yield f"MFA is required at logon of {who}", policy.must_use_mfa(required=required)
    for kind in Kind:
        yield f"a {kind.value} may be bound", policy.may_use(kind)
        for other in Kind:
            yield f"a {kind.value} may be bound besides a {other.value}", policy.may_bind(kind, bound=(other,))
        yield f"a bound {kind.value} may answer", policy.may_answer(kind)
    yield "a security key registered through U2F may answer", policy.may_answer(Kind.SECURITY_KEY, through_u2f=True)
    yield "users manage their own devices", policy.may_manage_self()
    yield "a machine may be remembered", policy.may_remember()
