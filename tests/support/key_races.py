# SPDX-License-Identifier: Apache-2.0
"""What the worker processes of tests/properties/test_security_key_races.py do: see `tests.support.races`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from ram_mfa import Assertion, ConfirmSecurityKey, FinishLogon, MFAError, Refused, U2FSignature, Verb

from .races import PATIENCE, ServiceOnFile, Worker
from .service import ROOT, SESSION


@attrs.frozen
class Answered:
    """One round: a ticket, and the answer that everybody submits.

    Attributes:
        ticket: as it travels.
        assertion: through WebAuthn; None where it came through U2F.
        u2f: through U2F.
    """

    ticket: str
    assertion: dict[str, Any] | None
    u2f: dict[str, Any] | None


@attrs.frozen
class Registered:
    """One round of one user: an offer, and the registration that answers it."""

    user: str
    offer: str
    response: dict[str, Any]


def _outcome(mfa: Any, user: str, verb: Verb[Any], done: str) -> str:
    try:
        mfa.perform(user, verb)
    except Refused as refused:
        return refused.refusal.reason.name
    except MFAError as error:
        return type(error).__name__
    return done


def submit_one_answer(worker: Worker, place: ServiceOnFile, meet: Any, answers: Sequence[Answered]) -> list[str]:
    """In each round submit the answer that all submit; return what each came to."""
    del worker
    clock = place.clock()
    mfa, store = place.open(clock)
    outcomes = []
    for one in answers:
        clock.advance(60)
        evidence = U2FSignature(one.u2f) if one.assertion is None else Assertion(one.assertion)
        verb = FinishLogon(one.ticket, evidence, session=SESSION)
        meet.wait(PATIENCE)
        outcomes.append(_outcome(mfa, "alice", verb, "proof"))
    store.close()
    return outcomes


def bind_one_credential(
    worker: Worker, place: ServiceOnFile, meet: Any, users: Sequence[Sequence[Registered]]
) -> list[str]:
    """In each round bind the round's credential to this process's user; return what each came to."""
    mfa, store = place.open(place.clock())
    outcomes = []
    for one in users[worker.number]:
        verb = ConfirmSecurityKey(one.response, offer=one.offer, by=ROOT, session=SESSION)
        meet.wait(PATIENCE)
        outcomes.append(_outcome(mfa, one.user, verb, "bound"))
    store.close()
    return outcomes
