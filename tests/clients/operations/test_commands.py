# SPDX-License-Identifier: Apache-2.0
"""`python -m ram_mfa store create|open|check` on each engine, as processes."""

from __future__ import annotations

import re

import attrs
import pytest

from ram_mfa import RequireMFA
from ram_mfa.codec import CredentialClaim, decode_account, decode_root, encode_account, encode_claim, encode_root
from ram_mfa.engine.records import ROOT_KEY, claim_key, user_key
from ram_mfa.rules.verb import Claim
from ram_mfa.testing import enrolled_key
from tests.support.command import altered, figures, seal, sealed
from tests.support.records import AsStored
from tests.support.service import ROOT

USERS = ["alice", "bob", "carol"]


def put(store, key, record, name="old"):
    """Write a record over another, sealed."""
    assert store.swap(key, store.load(key), AsStored(seal(name), store).for_record(key).seal(record))


def account(store, user):
    key = user_key("", user)
    return decode_account(AsStored(seal("old"), store).for_record(key).unseal(store.load(key)))


def plant(store, user, **changes):
    put(store, user_key("", user), encode_account(attrs.evolve(account(store, user), **changes)))


class TestCreate:
    def test_makes_the_root_record_once(self, any_site):
        """Where nothing is, the table and the root record are made; the second time nothing is changed, and the exit
        code is 1, under another key too.
        """
        assert any_site.run("create") == (0, "created\n", "")
        store = any_site.store()
        before = sealed(store)
        assert list(before) == [ROOT_KEY]
        assert any_site.call("create") == (1, "there is already a root record; nothing was changed\n", "")
        code, out, err = any_site.call("create", keys=("new",))
        assert (code, out) == (1, "")
        assert "not in the ring" in err
        assert sealed(store) == before
        any_site.mfa("old", store=store).open()
        store.close()

    @pytest.mark.requirement("S12")
    def test_no_other_root_record_over_records(self, site):
        """Where the root record is gone and others are there, something was lost: nothing is made unless that is said
        by name, and then history counts as lost.
        """
        site.populate(USERS)
        store = site.store()
        assert store.swap(ROOT_KEY, store.load(ROOT_KEY), None)
        code, out, err = site.call("create")
        assert (code, err) == (1, "")
        assert out == "there are records but no root record; nothing was changed: is this the right store?\n"
        assert store.load(ROOT_KEY) is None
        assert site.call("create", "--unsafe-new-root") == (0, "created\n", "")
        assert figures(site.call("open")[1])["histories lost"].startswith("1, ")
        store.close()


class TestOpen:
    def test_counts_records_by_their_keys(self, any_site):
        """How many records there are of each kind, and under each key; 1 where one is under none of these."""
        any_site.populate(USERS)
        store = any_site.store()
        any_site.mfa("new", "old", store=store).perform("alice", RequireMFA(required=False, by=ROOT))
        code, out, err = any_site.run("open", keys=("new", "old"))
        assert (code, err) == (0, "")
        said = figures(out)
        assert said["opens"] == "yes"
        assert (said["users"], said["claims"], said["root records"]) == ("3", "0", "1")
        assert (said["sealed under new"], said["sealed under old"]) == ("1", "3, to be resealed")
        code, out, _ = any_site.call("open", keys=("old",))
        assert (code, figures(out)["sealed under none of these, or not at all"]) == (1, "1")
        store.close()

    @pytest.mark.requirement("S12")
    def test_tells_of_lost_history(self, each_site):
        """How many losses of history the root record knows of; a loss changes the mark of the history."""
        each_site.populate([])
        before = figures(each_site.call("open", "--root-only")[1])
        assert before["histories lost"] == "0"
        assert "users" not in before
        store = each_site.store()
        each_site.mfa("old", store=store).declare_restored()
        after = figures(each_site.call("open", "--root-only")[1])
        assert after["histories lost"].startswith("1, last at 20")
        assert after["incarnation"] == before["incarnation"]
        assert after["history"] != before["history"]
        store.close()

    def test_a_store_that_was_not_created(self, site):
        """Without a root record it does not open; nothing is made."""
        site.populate(["alice"])
        store = site.store()
        assert store.swap(ROOT_KEY, store.load(ROOT_KEY), None)
        code, out, err = site.call("open")
        assert (code, out, err) == (1, "opens: no, no root record: the store was never created\n", "")
        assert store.load(ROOT_KEY) is None
        store.close()

    def test_another_key(self, site):
        """Under another key it does not open, and that is told."""
        site.populate([])
        code, out, err = site.call("open", keys=("new",))
        assert (code, out, err) == (1, "opens: no, the root record: sealed under a key that is not in the ring\n", "")

    def test_no_file_and_no_table_are_made(self, site):
        """A path that leads to no store, or to another program's database, is left as it is: exit code 4."""
        code, out, err = site.call("open")
        assert (code, out, err) == (4, "", "ram_mfa: the store cannot be used: SQLite: there is no such file\n")
        other = site.folder / "mfa.db"
        assert not other.exists()
        other.write_bytes(b"")
        for action in ("open", "reseal", "report", "check"):
            code, out, err = site.call(action)
            assert (code, out) == (4, "")
            assert err == "ram_mfa: the store cannot be used: SQLite: the file holds no table ram_mfa\n"
        assert other.read_bytes() == b""


class TestCheck:
    @pytest.mark.requirement("S5", "S7")
    def test_a_store_as_it_was_left(self, any_site):
        """Devices of either kind, their claims, a tenant's user: nothing is wrong, and nothing is written."""
        any_site.populate(USERS)
        store = any_site.store()
        mfa = any_site.mfa("old", store=store)
        enrolled_key(mfa, "dora")
        mfa.for_tenant("other", mfa._engine.policy()).perform("alice", RequireMFA(required=True, by=ROOT))
        before = sealed(store)
        code, out, err = any_site.run("check")
        assert (code, err) == (0, "")
        said = figures(out)
        assert (said["users"], said["claims"], said["root records"], said["wrong"]) == ("5", "1", "1", "0")
        assert said["users of tenants that were not named"] == "1"
        code, out, _ = any_site.call("check", "--tenant", "other")
        assert code == 0
        assert "users of tenants that were not named" not in figures(out)
        assert sealed(store) == before
        store.close()

    def test_a_broken_record(self, site):
        """One that was altered, moved, or written by somebody else is named; the others are still looked at."""
        site.populate(USERS)
        store = site.store()
        alice, bob, carol = (user_key("", user) for user in USERS)
        assert store.swap(alice, store.load(alice), altered(store.load(alice)))
        assert store.swap(bob, store.load(bob), store.load(carol))
        put(store, carol, b"\x00")
        code, out, err = site.call("check")
        assert (code, err) == (1, "")
        problem = "altered, or moved from another place"
        assert {line for line in out.splitlines() if line.startswith("wrong: u")} == {
            f"wrong: {alice}: {problem}",
            f"wrong: {bob}: {problem}",
            f"wrong: {carol}: not a record of this library",
        }
        assert figures(out)["wrong"] == "3"
        store.close()

    @pytest.mark.requirement("A30")
    def test_many_equal_findings(self, site):
        """One line and a count for more than ten; each by its key where that is asked for."""
        site.populate(USERS)
        store = site.store()
        for number in range(500):
            put(store, user_key("", f"broken {number}"), b"\x00")
        code, out, _ = site.call("check")
        assert code == 1
        lines = [line for line in out.splitlines() if line.startswith("wrong: ")]
        assert len(lines) == 2
        assert re.fullmatch(r"wrong: 500 records, the first u\S{43}: not a record of this library", lines[0])
        assert lines[1] == "wrong: 500"
        code, out, _ = site.call("check", "--list-all")
        assert code == 1
        assert len([line for line in out.splitlines() if line.startswith("wrong: u")]) == 500
        store.close()

    @pytest.mark.requirement("S7")
    def test_claims_and_keys_that_do_not_agree(self, site, policy_file):
        """A security key without its claim, or that another user has claimed; a claim without a user."""
        site.populate(USERS)
        store = site.store()
        mfa = site.mfa("old", store=store)
        for user in ("dora", "emil", "fritz"):
            enrolled_key(mfa, user)
        places = {}
        for user in ("dora", "emil", "fritz"):
            (key,) = account(store, user).devices
            places[user] = claim_key("", Claim("example.com", key.credential_id))
        assert store.swap(places["dora"], store.load(places["dora"]), None)
        put(store, places["emil"], encode_claim(CredentialClaim(user_key("", "alice"))))
        put(store, places["fritz"], encode_claim(CredentialClaim("x")))
        code, out, _ = site.call("check")
        assert code == 1
        assert {line for line in out.splitlines() if line.startswith(("wrong: u", "wrong: c"))} == {
            f"wrong: {user_key('', 'dora')}: a security key without its claim",
            f"wrong: {user_key('', 'emil')}: a security key that another user has claimed",
            f"wrong: {user_key('', 'fritz')}: a security key that another user has claimed",
            f"wrong: {places['fritz']}: a claim without a user",
        }
        (key,) = account(store, "dora").devices
        plant(store, "dora", devices=(attrs.evolve(key, rp_id=None, app_id="https://console.example.com/app-id.json"),))
        lines = site.call("check")[1].splitlines()
        assert f"wrong: {user_key('', 'dora')}: a security key without its claim" not in lines
        assert "security keys of U2F not compared with their claims: give the policy: 1" in lines
        lines = site.call("check", "--policy", policy_file)[1].splitlines()
        assert f"wrong: {user_key('', 'dora')}: a security key without its claim" in lines
        store.close()

    def test_what_is_unusual_and_not_wrong(self, site):
        """A move that a crash parted, and claims of users who are gone: counted."""
        site.populate(USERS)
        store = site.store()
        mfa = site.mfa("old", store=store)
        for user in ("dora", "emil"):
            enrolled_key(mfa, user)
        assert store.swap(user_key("", "dora"), store.load(user_key("", "dora")), None)
        leaving = account(store, "emil")
        put(store, user_key("", "emma"), encode_account(attrs.evolve(leaving, user="emma")))
        plant(store, "emil", moved_to="emma")
        code, out, _ = site.call("check")
        assert code == 0
        said = figures(out)
        assert (said["claims of users without a record"], said["moves under way"], said["wrong"]) == ("1", "1", "0")
        (key,) = leaving.devices
        place = claim_key("", Claim("example.com", key.credential_id))
        put(store, place, encode_claim(CredentialClaim(user_key("", "emma"))))
        assert site.call("check")[0] == 0
        store.close()

    @pytest.mark.requirement("S12")
    def test_the_root_record(self, each_site):
        """None, one in another place, and one of another history: the last is counted and not written anew."""
        each_site.populate(USERS)
        store = each_site.store()
        astray = "r" + "A" * 43
        put(store, astray, b"\x00")
        code, out, _ = each_site.call("check")
        assert code == 1
        assert f"wrong: {astray}: a root record under another record's key" in out
        assert store.swap(astray, store.load(astray), None)
        if hasattr(store, "incarnation"):
            root = decode_root(seal("old").for_record(ROOT_KEY).unseal(store.load(ROOT_KEY)))
            put(store, ROOT_KEY, encode_root(attrs.evolve(root, incarnation="another")))
            before = sealed(store)
            code, out, _ = each_site.call("check")
            assert (code, figures(out)["losses of history that no process has noted yet"]) == (0, "1")
            assert sealed(store) == before
            assert figures(each_site.call("open")[1])["histories lost"].startswith("1, ")
        assert store.swap(ROOT_KEY, store.load(ROOT_KEY), None)
        code, out, _ = each_site.call("check")
        assert code == 1
        assert "there is no root record" in out
        store.close()


class TestRedis:
    @pytest.mark.requirement("S3")
    def test_settings_are_the_applications(self, redis_site):
        """A server that has not the replicas that are asked for is refused, unless that is named: exit code 2."""
        redis_site.populate(USERS)
        code, out, err = redis_site.call("open", "--replicas", "1")
        assert (code, out) == (2, "")
        assert err.startswith("ram_mfa: this Redis server can lose acknowledged writes (replicas)")
        assert redis_site.call("open", "--replicas", "1", "--unsafe-setting", "replicas")[0] == 0
        code, _, err = redis_site.call("open", "--unsafe-setting", "colour")
        assert code == 2
        assert err.startswith("ram_mfa: no such setting: colour")

    @pytest.mark.requirement("O20")
    def test_a_password_that_is_right_and_one_that_is_wrong(self, redis_site, redis_server):
        """The one opens, the other does not, and neither is repeated."""
        redis_site.populate(USERS)
        redis_server.server.ask("ACL", "SETUSER", "operator", "on", ">s3cr@t", "~*", "&*", "+@all")
        place = redis_site.url.partition("://")[2]
        redis_site.url = f"redis://operator:s3cr%40t@{place}"
        assert redis_site.call("check")[0] == 0
        redis_site.url = f"redis://operator:wr0ng%40@{place}"
        code, out, err = redis_site.call("check")
        assert (code, out, err.count("\n")) == (4, "", 1)
        assert "password" in err
        assert "wr0ng" not in err

    def test_a_cluster(self, cluster_site):
        """A URL of any of its nodes leads to all of it; each write has its replica."""
        cluster_site.populate(USERS)
        assert figures(cluster_site.run("open")[1])["users"] == "3"
        code, out, err = cluster_site.run("reseal", keys=("new", "old"))
        assert (code, err, figures(out)["resealed"]) == (0, "", "4")
        assert figures(cluster_site.call("check", keys=("new",))[1])["wrong"] == "0"
        code, out, err = cluster_site.call("report", "--format", "jsonl", keys=("new",))
        assert (code, err, out.count("\n")) == (0, "", 3)

    def test_a_cluster_that_is_not_there(self, site):
        """One line, exit code 3."""
        site.url = "redis+cluster://mfa:s3cret@127.0.0.1:1/0"
        code, out, err = site.call("open")
        assert (code, out, err.count("\n")) == (3, "", 1)
        assert "s3cret" not in err
