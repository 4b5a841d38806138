# SPDX-License-Identifier: Apache-2.0
"""The words that everything shares, as a type checker sees them."""

from __future__ import annotations

from typing import assert_type

from ram_mfa.errors import Check, MalformedMessage, MFAError, VerificationError
from ram_mfa.refusals import Refused
from ram_mfa.refusals import Advice, Challenge, Reason, Refusal, Ticket


def a_refusal_is_a_value_and_refused_carries_it(refused: Refused) -> None:
    assert_type(refused.refusal, Refusal)
    assert_type(refused.refusal.reason, Reason)
    assert_type(refused.refusal.advice, Advice)
    assert_type(refused.refusal.next_challenge, Challenge | None)


def a_refusal_cannot_be_raised(refusal: Refusal) -> None:
    raise refusal  # type: ignore[misc] # pyright: ignore[reportGeneralTypeIssues]


def a_ticket_routes_by_its_user_and_travels_as_a_string(ticket: Ticket) -> str:
    assert_type(ticket.user, str)
    return ticket


def blame_is_a_class_and_the_check_a_field(error: MFAError) -> None:
    match error:
        case MalformedMessage():
            assert_type(error.offset, int | None)
        case VerificationError():
            assert_type(error.check, Check)
        case _:
            pass
