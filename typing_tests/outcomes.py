# SPDX-License-Identifier: Apache-2.0
"""Whom an application may log on: `NotRequired`, `Remembered` and `Proof` have a user, and no other outcome has."""

from __future__ import annotations

from typing import assert_never, assert_type

from ram_mfa import (
    MFA,
    Admission,
    AsyncMFA,
    BeginLogon,
    Bound,
    Challenge,
    FinishLogon,
    LogonStart,
    MustBind,
    NotRequired,
    Proof,
    Refusal,
    Remembered,
    SecurityKeyOffer,
    Ticket,
    TOTPCode,
    VirtualDeviceOffer,
)


def log_on(user: str) -> None:
    """Stand for what an application does with the user's name."""


def these_three_have_a_user(admission: Admission) -> None:
    match admission:
        case NotRequired() | Remembered() | Proof():
            assert_type(admission.user, str)
        case _ as unreachable:
            assert_never(unreachable)


def no_other_outcome_of_a_logon_has(must: MustBind, ask: Challenge, refusal: Refusal) -> None:
    log_on(must.user)  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue]
    log_on(ask.user)  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue]
    log_on(refusal.user)  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue]


def nor_has_what_a_bind_hands_out(app: VirtualDeviceOffer, key: SecurityKeyOffer, bound: Bound) -> None:
    log_on(app.user)  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue]
    log_on(key.user)  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue]
    log_on(bound.user)  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue]


def the_truth_of_an_outcome_says_nothing(start: LogonStart) -> None:
    if start:  # type: ignore[truthy-bool]
        log_on("anybody")


def the_truth_of_an_optional_proof_says_whether_there_is_one(bound: Bound) -> None:
    if bound.proof:
        log_on(bound.proof.user)


def a_match_that_is_whole(start: LogonStart) -> Admission | None:
    match start:
        case NotRequired() | Remembered():
            return start
        case MustBind() | Challenge():
            return None
        case _ as unreachable:
            assert_never(unreachable)


def a_match_that_forgets_the_bind(start: LogonStart) -> None:
    match start:
        case NotRequired() | Remembered():
            log_on(start.user)
        case Challenge():
            pass
        case _ as unreachable:
            assert_never(unreachable)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def a_match_that_forgets_the_challenge(start: LogonStart) -> None:
    match start:
        case NotRequired() | Remembered():
            log_on(start.user)
        case MustBind():
            pass
        case _ as unreachable:
            assert_never(unreachable)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def a_careless_else(start: LogonStart) -> None:
    if isinstance(start, Challenge):
        return
    log_on(start.user)  # type: ignore[union-attr] # pyright: ignore[reportAttributeAccessIssue]


def a_careless_wildcard(start: LogonStart) -> None:
    match start:
        case MustBind():
            pass
        case _:
            log_on(start.user)  # type: ignore[union-attr] # pyright: ignore[reportAttributeAccessIssue]


def an_outcome_not_looked_at(mfa: MFA, session: str) -> None:
    start = mfa.perform("alice", BeginLogon(session=session))
    log_on(start.user)  # type: ignore[union-attr] # pyright: ignore[reportAttributeAccessIssue]


def a_ticket_only_routes(ask: Challenge) -> None:
    """`Ticket.user` is a string, which no type can tell from a user who was admitted: see the how-to on logon."""
    assert_type(ask.id.user, str)


def admitted(admission: Admission) -> None:
    """The door of an application that asks for more than a name: a ticket's user does not fit into it."""
    log_on(admission.user)


def the_door_takes_admissions_only(ask: Challenge, must: MustBind, bound: Bound) -> None:
    admitted(ask)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    admitted(must)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    admitted(ask.id.user)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    admitted(bound.proof)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    if bound.proof is not None:
        admitted(bound.proof)


async def a_forgotten_await(mfa: AsyncMFA, ticket: Ticket, session: str) -> None:
    finish = FinishLogon(ticket, TOTPCode("755224"), session=session)
    log_on(mfa.perform("alice", finish).user)  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue]
    admitted(mfa.perform("alice", finish))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    mfa.perform("alice", finish)  # type: ignore[unused-coroutine] # pyright: ignore[reportUnusedCoroutine]
    proof = mfa.perform("alice", finish)
    log_on(proof.user)  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue]
    log_on((await mfa.perform("alice", finish)).user)


async def a_forgotten_await_at_the_begin(mfa: AsyncMFA, session: str) -> None:
    start = mfa.perform("alice", BeginLogon(session=session))
    a_match_that_is_whole(start)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def frozen(proof: Proof) -> None:
    proof.user = "mallory"  # type: ignore[misc] # pyright: ignore[reportAttributeAccessIssue]
