# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ram_mfa import ConfirmVirtualDevice, FinishLogon, MFAPolicy, OfferVirtualDevice, Reason, TOTPCode
from ram_mfa._secret import SecretBytes
from ram_mfa.context import Context
from ram_mfa.rules import fields
from tests.support.accounts import ROOT_RECORD
from tests.support.service import ROOT, SESSION

CONTEXT = Context(
    MFAPolicy.ram(issuer="Example"), 5.0, SecretBytes(b"e" * 32), ROOT_RECORD, "alice-0123456789-0123456789", "u"
)


class TestSession:
    def test_the_user_id_is_no_session(self):
        """A session string is secret, and the user id is not."""
        assert fields.is_user_id(CONTEXT.user, CONTEXT)
        assert not fields.is_user_id(SESSION, CONTEXT)
        verb = OfferVirtualDevice(ROOT, account_name="alice", session=CONTEXT.user, create=True)
        assert verb(None, CONTEXT).outcome.reason is Reason.BAD_SESSION


class TestAccountName:
    @pytest.mark.parametrize("name", ["a", "alice@example.com", "é", "a b"])
    def test_taken(self, name):
        assert OfferVirtualDevice(ROOT, account_name=name, session=SESSION).account_name == name

    @pytest.mark.parametrize("name", ["", " ", " a", "a ", "a\n", "a\0b"])
    def test_refused(self, name):
        with pytest.raises(ValueError, match="account_name"):
            OfferVirtualDevice(ROOT, account_name=name, session=SESSION)


class TestLabel:
    @pytest.mark.parametrize(
        ("typed", "label"),
        [
            ("Laptop", "Laptop"),
            (" Laptop\n", "Laptop"),
            ("e\u0301", "é"),
            ("a\0b\u200bc", "abc"),
            ("x" * 63 + " y", "x" * 63),
            ("x" * 65, "x" * 64),
        ],
    )
    def test_as_label(self, typed, label):
        """Composed, printable, without blanks at its ends, and at most 64 characters."""
        assert FinishLogon("", TOTPCode(""), session=SESSION, remember=typed, password_mark="m").remember == label

    @pytest.mark.parametrize("label", ["", " ", "\0"])
    def test_an_unticked_box(self, label):
        with pytest.raises(ValueError, match="unticked"):
            FinishLogon("", TOTPCode(""), session=SESSION, remember=label, password_mark="m")


class TestTyped:
    def test_what_is_no_text(self):
        """What people and browsers send is never refused when a verb is built: it is text that never passes."""
        assert TOTPCode(5).code == TOTPCode(None).code == ""
        for codes in (None, 5, ["1", 2, None, "4"]):
            confirm = ConfirmVirtualDevice(codes, offer="", by=ROOT, session=SESSION)
            assert len(confirm.codes) <= 3
            assert all(isinstance(code, str) for code in confirm.codes)
