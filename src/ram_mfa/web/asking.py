# SPDX-License-Identifier: Apache-2.0
"""Pages that ask for a second factor, and the evidence that their forms send back."""

from __future__ import annotations

from typing import Any

from ..ceremonies import Assertion, Evidence, TOTPCode
from ..refusals import Challenge, Kind
from .pages import KeyRequest, Message, Page
from .values import WebRequest
from .visit import Visit, remember_days

TICKET = "mfa_ticket"
CODE = "mfa_code"
CODE2 = "mfa_code2"
ANSWER = "mfa_answer"
DEVICE = "mfa_device"
REMEMBER = "mfa_remember"
OFFER = "mfa_offer"
KIND = "mfa_kind"
ACTION = "mfa_action"
PREFIX = "mfa_"
"""Fields of this package begin so, which parts them from an application's in one form."""


def evidence_of(request: WebRequest) -> Evidence | None:
    """Return the evidence in a form: a security key's answer or a code; None where it holds neither."""
    answer = request.field(ANSWER)
    if answer:
        return Assertion(answer)
    code = request.field(CODE)
    return TOTPCode(code, request.field(DEVICE) or None) if code or _has(request, CODE) else None


def _has(request: WebRequest, name: str) -> bool:
    return any(key == name for key, _ in request.fields)


def ask_page(visit: Visit, challenge: Challenge, *, step: str, action: str, **parts: Any) -> Page:
    """Return the page that asks for what a challenge takes.

    Args:
        visit: the request.
        challenge: as a begin or a refusal returned it.
        step: ``ask`` for a logon, ``step_up`` for an operation.
        action: where its form is posted to.
        parts: further parts of the page; ``hidden`` is added to.
    """
    message: Message | None = parts.pop("message", None)
    parts.setdefault("links", ((visit.words.say("link.home"), visit.settings.home),))
    hidden = ((TICKET, str(challenge.id)), *parts.pop("hidden", ()))
    virtual = Kind.VIRTUAL in challenge.kinds
    days = remember_days(visit.policy) if challenge.may_remember and not visit.request.token_client else 0
    return visit.page(
        step,
        action=action,
        message=message,
        hidden=hidden,
        kinds=challenge.kinds,
        codes=1 if virtual else 0,
        key=None if challenge.options is None else KeyRequest("get", challenge.options),
        remember_days=days,
        devices=challenge.devices if virtual and len(challenge.devices) > 1 else (),
        **parts,
    )
