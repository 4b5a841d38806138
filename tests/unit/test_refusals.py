# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import pickle

import pytest

from ram_mfa import Advice, Challenge, Kind, MalformedMessage, Reason, Refusal, Ticket
from ram_mfa.encoding import base64url

HEAD = "A" * Ticket.HEAD


class TestTicket:
    @pytest.mark.parametrize("user", ["alice", "a", "älice@example.com", "用户", "x" * 1_024])
    def test_names_its_user(self, user):
        """It says whose record to open, and survives a form and JSON as the string that it is."""
        ticket = Ticket(HEAD + base64url.encode(user.encode()))
        assert ticket.user == user
        assert Ticket(json.loads(json.dumps(ticket))).user == user

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "A",
            HEAD,
            HEAD[:-1],
            HEAD + "A",
            HEAD + "Zg==",
            HEAD + "_w",
            HEAD + "é",
            "x" * 3_000,
            HEAD + base64url.encode(b"x" * 1_025),
        ],
    )
    def test_no_ticket(self, text):
        """What is no ticket has no user: a MalformedMessage, whatever came in the form."""
        with pytest.raises(MalformedMessage):
            _ = Ticket(text).user

    @pytest.mark.requirement("O20")
    def test_not_shown(self):
        """Its repr is blank and it is not pickled; as text it is whole."""
        ticket = Ticket(HEAD + "Zg")
        assert repr(ticket) == "<ticket>"
        assert str(ticket) == HEAD + "Zg"
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(ticket)


class TestReason:
    @pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.name)
    def test_one_advice(self, reason):
        """Each reason has one translation for the person."""
        assert isinstance(reason.advice, Advice)
        assert Refusal(reason).advice is reason.advice

    @pytest.mark.requirement("O25")
    def test_replay_looks_like_a_typing_error(self):
        """A replayed code is told apart in the log, and not to the person."""
        assert Reason.REPLAYED_CODE is not Reason.WRONG_CODE
        assert Reason.REPLAYED_CODE.advice is Reason.WRONG_CODE.advice is Advice.RETYPE

    def test_every_advice_is_given(self):
        """No advice is dead."""
        assert {reason.advice for reason in Reason} == set(Advice)

    @pytest.mark.requirement("B12")
    def test_tickets_start_over(self):
        """Whatever is wrong with a ticket, the person starts over."""
        tickets = [Reason.FOREIGN_TICKET, Reason.EXPIRED_TICKET, Reason.SPENT_TICKET, Reason.OFFER_GONE]
        assert {reason.advice for reason in tickets} == {Advice.START_OVER}


class TestValues:
    def test_refusal_defaults(self):
        """A refusal that says no more than its reason asks for no wait and holds no challenge."""
        assert Refusal(Reason.CLOCK) == Refusal(Reason.CLOCK, retry_after=0, next_challenge=None, check=None)

    @pytest.mark.requirement("O20")
    def test_challenge_shows_nothing(self):
        """The repr of a challenge holds neither the ticket nor what a key is asked."""
        ask = Challenge(Ticket(HEAD + "Zg"), (Kind.VIRTUAL,), (("id", "name"),), {"challenge": "c"}, None, False, 5.0)
        assert HEAD not in repr(ask)
        assert "challenge" not in repr(ask).replace("Challenge", "")
