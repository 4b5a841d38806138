# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pickle
from functools import partial

import pytest

from ram_mfa import Advice, Reason, Refusal, Refused, errors
from ram_mfa.errors import Check

EVERY = [
    errors.MalformedMessage("message", "field", "too short", offset=3),
    errors.MalformedMessage("message", "field", "too short"),
    errors.VerificationError(Check.ORIGIN, "another site"),
    Refused(Refusal(Reason.THROTTLED, 30)),
    errors.UnreadableRecord("u" + 43 * "A", "not sealed"),
    errors.StoreUncertain(),
    errors.StoreUnavailable("no route"),
    errors.StoreContended(),
    errors.HistoryLost("2"),
    errors.StoreUncertain("no reply"),
    errors.StoreContended("busy"),
    errors.HistoryLost("2", "another timeline"),
]
STORE_ERRORS = [errors.StoreUncertain, errors.StoreUnavailable, errors.StoreContended, partial(errors.HistoryLost, "2")]


class TestEvery:
    @pytest.mark.parametrize("error", EVERY, ids=lambda error: type(error).__name__)
    def test_one_family(self, error):
        """Whoever catches MFAError catches all that the library says of the world outside."""
        assert isinstance(error, errors.MFAError)
        assert not isinstance(error, BaseExceptionGroup)

    @pytest.mark.parametrize("error", EVERY, ids=lambda error: type(error).__name__)
    def test_travels(self, error):
        """An error crosses processes whole: its class, its words and its fields."""
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error)
        assert str(copy) == str(error)
        assert vars(copy) == vars(error)

    def test_drawn_whole(self):
        """The tree at the head of the file names every class of it."""
        for name, one in vars(errors).items():
            if isinstance(one, type) and issubclass(one, errors.MFAError):
                assert name in errors.__doc__


class TestMalformedMessage:
    def test_fields(self):
        """It says which message, which field, where and what; as a ValueError too."""
        error = errors.MalformedMessage("ticket", "user", "empty", offset=88)
        assert (error.message, error.field, error.problem, error.offset) == ("ticket", "user", "empty", 88)
        assert str(error) == "ticket: user at offset 88: empty"
        assert isinstance(error, ValueError)

    def test_no_place(self):
        """Where there is no place, none is said."""
        error = errors.MalformedMessage("ticket", "user", "empty")
        assert error.offset is None
        assert str(error) == "ticket: user: empty"


class TestVerificationError:
    def test_fields(self):
        """It names the check as a value, and what was found in a few words; a caller's ValueError it is not."""
        error = errors.VerificationError(Check.SIGN_COUNT, "went back")
        assert (error.check, error.problem) == (Check.SIGN_COUNT, "went back")
        assert str(error) == "sign count: went back"
        assert not isinstance(error, ValueError)


class TestRefused:
    def test_carries_the_value(self):
        """The exception carries the refusal and reads as its reason and advice."""
        refused = Refused(Refusal(Reason.NO_DEVICE))
        assert refused.refusal.advice is Advice.BIND_AGAIN
        assert str(refused) == "no device bound (bind a device first)"

    def test_compared_by_identity(self):
        """Two refusals of the same value are two exceptions."""
        refusal = Refusal(Reason.NO_DEVICE)
        assert Refused(refusal) != Refused(refusal)


class TestUnreadableRecord:
    def test_fields(self):
        """It says under which key, and what is wrong, without any of the record."""
        error = errors.UnreadableRecord("uKEY", "not sealed")
        assert (error.key, error.problem) == ("uKEY", "not sealed")
        assert str(error) == "record uKEY: not sealed"
        assert str(errors.UnreadableRecord("uKEY")) == "record uKEY: it cannot be read"


class TestStoreErrors:
    @pytest.mark.requirement("A29")
    @pytest.mark.parametrize("error", STORE_ERRORS)
    def test_any_text(self, error):
        """A store's author raises them with a text, with the driver's exception, with both, or with nothing."""
        for details in ((), ("no reply",), (OSError("no reply"),), ("PostgreSQL", OSError("no reply"), 5)):
            assert error(*details).detail == ": ".join(map(str, details))

    @pytest.mark.requirement("A29")
    @pytest.mark.parametrize("error", [errors.StoreUncertain, errors.StoreContended])
    def test_constant(self, error):
        """Their message is one constant, whatever the text was: what is shown does not depend on what was asked."""
        assert str(error()) == str(error("a store's own text"))
        assert "a store's own text" not in str(error("a store's own text"))
        assert vars(error()) == {"detail": ""}

    @pytest.mark.requirement("A29")
    def test_unavailable(self):
        """The text of StoreUnavailable is its message; without one it has a message too."""
        assert str(errors.StoreUnavailable("connection refused")) == "connection refused"
        assert str(errors.StoreUnavailable()) == "the store did not answer"

    def test_incarnation(self):
        """HistoryLost carries the engine's present name for its history, and a text beside it."""
        lost = errors.HistoryLost("2", "another timeline")
        assert (lost.incarnation, lost.detail) == ("2", "another timeline")
        assert str(lost) == "the store is on another history: 2"
