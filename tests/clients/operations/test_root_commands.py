# SPDX-License-Identifier: Apache-2.0
"""`python -m ram_mfa store declare-restored`, `renew-tickets`, `reseal --new-store-id` and a new root record."""

from __future__ import annotations

import time

import pytest

from ram_mfa import Describe, UnreadableRecord
from ram_mfa.engine.records import ROOT_KEY, user_key
from tests.support.command import contents, sealed
from tests.support.races import begin, finish, phone_of

USERS = ["alice", "bob"]


def root_of(store):
    return contents(store, "old")[ROOT_KEY]


@pytest.mark.requirement("A4", "A5")
class TestDeclareRestored:
    def test_reaches_an_open_process(self, each_site):
        """A declaration by the command reaches a process that stayed open: a code used before is refused."""
        each_site.populate(USERS)
        store = each_site.store()
        mfa = each_site.mfa("old", store=store)
        code = phone_of("alice").code_at(time.time())
        assert finish(mfa, "alice", begin(mfa, "alice"), code) == "proof"
        assert each_site.call("declare-restored")[0] == 0
        assert finish(mfa, "bob", begin(mfa, "bob"), phone_of("bob").code_at(time.time())) == "REPLAYED_CODE"
        store.close()

    def test_withdraws_and_says_so(self, site):
        """Losses that a wrong clock noted in the future are withdrawn, and printed."""
        site.populate(USERS)
        store = site.store()
        site.mfa("old", store=store, clock=lambda: 4_102_444_800.0).declare_restored()
        assert root_of(store).lost_at == (4_102_444_800.0,)
        code, out, err = site.call("declare-restored")
        assert (code, err) == (0, "")
        assert "withdrawn: a loss noted at 2100-01-01T00:00:00" in out
        assert len(root_of(store).lost_at) == 1
        assert "withdrawn" not in site.call("declare-restored")[1]
        store.close()


@pytest.mark.requirement("A10")
class TestRenewTickets:
    def test_open_tickets_end(self, each_site):
        """Every open ticket ends, in a process that stayed open too, and the next one logs on."""
        each_site.populate(USERS)
        store = each_site.store()
        mfa = each_site.mfa("old", store=store)
        ask, code = begin(mfa, "alice"), phone_of("alice").code_at(time.time())
        assert each_site.call("renew-tickets") == (0, "renewed: all open tickets, offers and receipts end\n", "")
        assert finish(mfa, "alice", ask, code) == "FOREIGN_TICKET"
        assert finish(mfa, "alice", begin(mfa, "alice"), code) == "proof"
        store.close()


@pytest.mark.requirement("A14")
class TestStoreId:
    def test_a_copy_gets_an_id_of_its_own(self, each_site):
        """After ``reseal --new-store-id`` everything opens, and what was sealed for the old id is nothing."""
        each_site.populate(USERS)
        store, key = each_site.store(), user_key("", "alice")
        before = sealed(store)
        code, _, err = each_site.call("reseal", "--new-store-id")
        assert (code, err) == (0, "")
        assert each_site.mfa("old", store=store).perform("alice", Describe()).user == "alice"
        assert store.swap(key, store.load(key), before[key])
        with pytest.raises(UnreadableRecord, match="another store"):
            each_site.mfa("old", store=store).perform("alice", Describe())
        code, out, _ = each_site.call("check")
        assert code == 1
        assert "bound to another store" in out
        store.close()

    def test_a_new_root_record_takes_the_records_id(self, each_site):
        """Where the root record is gone, ``--unsafe-new-root`` makes one under which all records still open."""
        each_site.populate(USERS)
        store = each_site.store()
        store_id = root_of(store).store_id
        assert store.swap(ROOT_KEY, store.load(ROOT_KEY), None)
        assert each_site.call("create", "--unsafe-new-root")[0] == 0
        assert root_of(store).store_id == store_id
        assert len(root_of(store).losses) == 1
        assert each_site.mfa("old", store=store).perform("alice", Describe()).user == "alice"
        store.close()


class TestHealthCheck:
    def test_each_state_has_its_exit_code(self, site):
        """0 where verbs can be performed; 4 without the file, 1 without the root record or with another ring."""
        assert site.call("open", "--root-only")[0] == 4
        site.populate(USERS)
        store = site.store()
        before = sealed(store)
        assert site.call("open", "--root-only")[0] == 0
        assert site.call("open", "--root-only", keys=("new",))[0] == 1
        assert sealed(store) == before
        assert store.swap(ROOT_KEY, store.load(ROOT_KEY), None)
        assert site.call("open", "--root-only")[0] == 1
