# SPDX-License-Identifier: Apache-2.0
"""Devices that other libraries kept, on their way in."""

from __future__ import annotations

import base64

import pytest

from ram_mfa import (
    MFA,
    Administrator,
    BeginLogon,
    Describe,
    FinishLogon,
    ImportVirtualDevice,
    MFAPolicy,
    Reason,
    Refused,
    TOTPCode,
    UnsafePlaintext,
)
from ram_mfa.ceremonies.import_devices import MAX_KEY_URI
from ram_mfa.errors import MalformedMessage
from ram_mfa.from_other_libraries import from_base32, from_django_otp, from_key_uri
from ram_mfa.otp import TOTP, KeyURI
from ram_mfa.stores.memory import MemoryStore
from ram_mfa.testing import ManualClock

ROOT = Administrator("root")
KEY = bytes(range(20))


def row(**fields):
    """A row of django-otp's table, as its model's fields by name."""
    return {"key": KEY.hex(), "step": 30, "t0": 0, "digits": 6, "drift": 0, "last_t": -1, "confirmed": True} | fields


@pytest.fixture
def clock():
    return ManualClock(1_700_000_000)


@pytest.fixture
def mfa(clock):
    return MFA(MemoryStore(), MFAPolicy.ram(issuer="Example"), seal=UnsafePlaintext(), clock=clock, create=True)


def logged_on(mfa, code):
    ask = mfa.perform("alice", BeginLogon("the session of one browser"))
    return mfa.perform("alice", FinishLogon(ask.id, TOTPCode(code), session="the session of one browser"))


class TestEachDoor:
    @pytest.mark.parametrize(
        "verb",
        [
            from_key_uri(str(KeyURI("totp", "Old", "alice", KEY)), by=ROOT, create=True),
            from_base32(base64.b32encode(KEY).decode().lower(), by=ROOT, account_name="alice", create=True),
            from_django_otp(row(name="Phone"), by=ROOT, account_name="alice", issuer="Old", create=True),
        ],
        ids=["otpauth", "base32", "django-otp"],
    )
    def test_logs_on(self, mfa, clock, verb):
        """The device logs on, but not with a code that it may have used before it came."""
        mfa.perform("alice", verb)
        with pytest.raises(Refused):
            logged_on(mfa, TOTP(KEY).at(clock()))
        clock.advance(90)
        assert logged_on(mfa, TOTP(KEY).at(clock())).user == "alice"

    def test_last_step_and_drift(self, mfa, clock):
        """What django-otp remembered of steps and drift is remembered here."""
        step = TOTP(KEY).step(clock())
        mfa.perform("alice", from_django_otp(row(last_t=step + 2, drift=2), by=ROOT, account_name="alice", create=True))
        with pytest.raises(Refused):
            logged_on(mfa, TOTP(KEY).at_step(step + 2))
        assert logged_on(mfa, TOTP(KEY).at_step(step + 3)).user == "alice"


SHORT = KEY[:10]
SHORT_KEYS = {
    "otpauth": lambda **how: from_key_uri(str(KeyURI("totp", "Old", "alice", SHORT)), by=ROOT, create=True, **how),
    "base32": lambda **how: from_base32(
        base64.b32encode(SHORT).decode(), by=ROOT, account_name="alice", create=True, **how
    ),
    "django-otp": lambda **how: from_django_otp(
        row(key=SHORT.hex()), by=ROOT, account_name="alice", create=True, **how
    ),
}


class TestShortSecrets:
    @pytest.mark.parametrize("source", SHORT_KEYS.values(), ids=SHORT_KEYS)
    def test_by_name(self, mfa, clock, source):
        """A secret of 80 bits is bound where the import says so; it logs on, and is shown as weak."""
        bound = mfa.perform("alice", source(unsafe_short_secret=True))
        clock.advance(90)
        assert logged_on(mfa, TOTP(SHORT).at(clock())).user == "alice"
        assert bound.weak
        assert [device.weak for device in mfa.perform("alice", Describe()).devices] == [True]
        assert [(row.user, row.weak) for row in mfa.credential_report()] == [("alice", 1)]

    @pytest.mark.requirement("O3")
    @pytest.mark.parametrize("source", SHORT_KEYS.values(), ids=SHORT_KEYS)
    def test_not_by_default(self, mfa, source):
        """Otherwise it is refused."""
        with pytest.raises(Refused) as caught:
            mfa.perform("alice", source())
        assert caught.value.refusal.reason is Reason.WEAK_SECRET

    def test_shorter(self, mfa):
        """A secret of fewer than 80 bits is refused in any case."""
        uri = str(KeyURI("totp", "Old", "alice", KEY[:9]))
        with pytest.raises(Refused) as caught:
            mfa.perform("alice", from_key_uri(uri, by=ROOT, create=True, unsafe_short_secret=True))
        assert caught.value.refusal.reason is Reason.WEAK_SECRET

    def test_long_enough(self, mfa):
        """A secret of 128 bits is not weak."""
        uri = str(KeyURI("totp", "Old", "alice", KEY[:16]))
        assert not mfa.perform("alice", from_key_uri(uri, by=ROOT, create=True, unsafe_short_secret=True)).weak


class TestWhatCannotCome:
    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"confirmed": False}, "confirmed"),
            ({"t0": 5}, "t0"),
            ({"digits": 10}, "digits"),
            ({"step": 0}, "step"),
            ({"drift": "1"}, "drift"),
            ({"last_t": True}, "last_t"),
            ({"key": "no hex"}, "key"),
            ({"key": 5}, "key"),
            ({"key": ""}, "key"),
            ({"name": 5}, "name"),
        ],
    )
    def test_rows(self, fields, field):
        """A row that django-otp does not write is named by its field."""
        with pytest.raises(MalformedMessage) as caught:
            from_django_otp(row(**fields), by=ROOT, account_name="alice", create=True)
        assert caught.value.field == field

    @pytest.mark.parametrize("how", [{"last_step": 2**60}, {"last_step": None, "drift": 11}])
    def test_steps_that_no_device_has(self, mfa, how):
        """A last step or drift that no device can have is refused, not crashed on."""
        verb = ImportVirtualDevice(str(KeyURI("totp", "Old", "alice", KEY)), by=ROOT, **how, create=True)
        with pytest.raises(Refused) as caught:
            mfa.perform("alice", verb)
        assert caught.value.refusal.reason is Reason.BAD_IMPORT

    def test_names(self, mfa):
        """A name that no device may have is refused."""
        with pytest.raises(Refused) as caught:
            mfa.perform(
                "alice", from_key_uri(str(KeyURI("totp", "Old", "alice", KEY)), by=ROOT, name="\n", create=True)
            )
        assert caught.value.refusal.reason is Reason.BAD_NAME

    @pytest.mark.requirement("A8")
    def test_a_giant_uri(self, mfa):
        """A key URI longer than any device's is refused before it is parsed."""
        giant = str(KeyURI("totp", "Old", "alice", bytes(20_000)))
        assert len(giant) > MAX_KEY_URI
        with pytest.raises(Refused) as caught:
            mfa.perform("alice", from_key_uri(giant, by=ROOT, create=True))
        assert caught.value.refusal.reason is Reason.BAD_IMPORT
