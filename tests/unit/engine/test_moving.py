# SPDX-License-Identifier: Apache-2.0
"""Moving an account to another user id."""

from __future__ import annotations

import pytest

from ram_mfa import MFA, Administrator, Describe, MFAPolicy, OpenAccount, Reason, Refused, UnsafePlaintext
from ram_mfa.stores.memory import MemoryStore

ROOT = Administrator("root")


class TestNewUserId:
    @pytest.mark.parametrize("new", ["", "x" * 2_000, "\ud800"])
    def test_one_that_cannot_be(self, new):
        """A user id that cannot be one is refused before the old record leaves."""
        mfa = MFA(MemoryStore(), MFAPolicy.ram(issuer="Example"), seal=UnsafePlaintext(), create=True)
        mfa.perform("alice", OpenAccount(by=ROOT))
        with pytest.raises(Refused) as refused:
            mfa.move("alice", new, ROOT)
        assert refused.value.refusal.reason is Reason.BAD_USER_ID
        assert mfa.perform("alice", Describe()).user == "alice"
        mfa.move("alice", "bob", ROOT)
        assert mfa.perform("bob", Describe()).user == "bob"
