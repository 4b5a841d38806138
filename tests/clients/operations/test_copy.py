# SPDX-License-Identifier: Apache-2.0
"""`python -m ram_mfa store copy`: from engine to engine, killed on the way, equal at the end."""

from __future__ import annotations

import time

import pytest

from ram_mfa import Reason, Refused, RequireMFA
from ram_mfa.engine.records import ROOT_KEY, user_key
from ram_mfa.operations.copying import Copy
from ram_mfa.testing import enrolled_key
from tests.support import all_rounds, rounds
from tests.support.command import PATIENCE, contents, figures, kill, sealed
from tests.support.races import begin, finish, phone_of
from tests.support.service import ROOT

MANY = 300
FULL = 50_000
"""Users under all rounds."""


def records(store, name="old"):
    """Return the decoded records but the root record."""
    return {key: value for key, value in contents(store, name).items() if key != ROOT_KEY}


def count(store):
    return sum(1 for kind in "uc" for _ in store.keys(kind))


def assert_refused(site):
    """Every MFA refuses the store, also the command's."""
    store = site.store()
    with pytest.raises(Refused) as refused:
        site.mfa("old", store=store).open()
    assert refused.value.refusal.reason is Reason.NO_ROOT
    store.close()
    assert site.call("open")[0] == 1
    assert site.call("create")[0] == 1


def kill_on_the_way(source, target, more_than):
    """Start the copy, and kill it once the target has more records than that; return how many there are."""
    process = source.start("copy", "--to", target.url)
    until, found = time.monotonic() + PATIENCE, 0
    store = None
    while process.poll() is None and found <= more_than:
        assert time.monotonic() < until
        time.sleep(0.01)
        if store is None and process.poll() is None:
            store = open_when_made(target)
        if store is not None:
            found = count(store)
    assert process.poll() is None, "it ended before it could be killed"
    kill(process)
    found = count(store)
    store.close()
    return found


def open_when_made(target):
    try:
        store = target.store()
        count(store)
    except Exception:  # noqa: BLE001 - the command has not made the table yet, as each engine says in its own way
        return None
    return store


@pytest.mark.requirement("S12")
class TestCopy:
    def test_from_engine_to_engine_killed_twice(self, make_site):
        """SQLite, PostgreSQL, Redis and back to SQLite: each copy is killed on its way, the first one twice, and is
        refused by every MFA until it is complete. All records are equal at the end, users log on before and after, and
        a code used before is refused after.
        """
        users = [f"user {number}" for number in range(rounds(FULL) if all_rounds else MANY)]
        engines = ["sqlite", "postgresql", "redis", "sqlite"]
        source = make_site(engines[0])
        source.populate(users)
        store = source.store()
        mfa = source.mfa("old", store=store)
        enrolled_key(mfa, "with a key", by=ROOT)
        code = phone_of(users[0]).code_at(time.time())
        assert finish(mfa, users[0], begin(mfa, users[0]), code) == "proof"
        original = records(store)
        assert len(original) == len(users) + 2
        store.close()
        found = 0
        for number, engine in enumerate(engines[1:]):
            target = make_site(engine)
            for part in (1, 2) if number == 0 else (1,):
                found = kill_on_the_way(source, target, part * len(users) // 4)
                assert found < len(original)
                assert_refused(target)
            code, out, err = source.run("copy", "--to", target.url)
            assert (code, err) == (0, "")
            assert int(figures(out)["copied"]) == len(original) - found
            store = target.store()
            assert records(store) == original
            store.close()
            assert target.call("check")[0] == 0
            source = target
        store = source.store()
        now = time.time()
        mfa = source.mfa("old", store=store)
        code = phone_of(users[0]).code_at(now)
        assert finish(mfa, users[0], begin(mfa, users[0]), code) == "REPLAYED_CODE"
        later = source.mfa("old", store=store, clock=lambda: now + 600)
        for user in users[:5]:
            assert finish(later, user, begin(later, user), phone_of(user).code_at(now + 600)) == "proof"
        store.close()

    def test_has_an_id_and_keys_of_its_own(self, make_site):
        """The copy has another id, another ticket key and one more loss; no record of one store is readable in the
        other, and no ticket of one counts in the other.
        """
        source, target = make_site("sqlite"), make_site("sqlite")
        source.populate(["alice"])
        ours = source.store()
        mfa = source.mfa("old", store=ours)
        ticket = begin(mfa, "alice")
        assert source.call("copy", "--to", target.url)[0] == 0
        theirs = target.store()
        one, other = contents(ours, "old")[ROOT_KEY], contents(theirs, "old")[ROOT_KEY]
        assert one.store_id != other.store_id
        assert len(other.losses) == len(one.losses) + 1
        copied = target.mfa("old", store=theirs, clock=lambda: time.time() + 200)
        assert finish(copied, "alice", ticket, phone_of("alice").code_at(time.time() + 200)) == "FOREIGN_TICKET"
        key = user_key("", "alice")
        assert theirs.swap(key, theirs.load(key), ours.load(key))
        assert target.call("check")[0] == 1

    def test_takes_up_what_changed(self, make_site, monkeypatch):
        """What changed in the source, was erased there, or is broken in an unfinished target is put right by the next
        run.
        """
        source, target = make_site("sqlite"), make_site("sqlite")
        source.populate(["alice", "bob", "carol"])
        with monkeypatch.context() as patched:
            patched.setattr(Copy, "finish", lambda _: False)
            assert source.call("copy", "--to", target.url)[0] == 1
        assert_refused(target)
        ours, theirs = source.store(), target.store()
        source.mfa("old", store=ours).perform("alice", RequireMFA(required=False, by=ROOT))
        assert ours.swap(user_key("", "bob"), ours.load(user_key("", "bob")), None)
        broken = theirs.load(user_key("", "carol"))
        assert theirs.swap(user_key("", "carol"), broken, broken[:-1] + bytes([broken[-1] ^ 1]))
        code, out, _ = source.call("copy", "--to", target.url)
        assert (code, figures(out)["records"], figures(out)["copied"]) == (0, "2", "3")
        assert records(theirs) == records(ours)

    def test_leaves_a_finished_target_alone(self, make_site):
        """A target with a root record is refused, and nothing in it changes; nor is a store copied onto itself."""
        source, target = make_site("sqlite"), make_site("sqlite")
        source.populate(["alice"])
        target.populate(["bob"])
        before = sealed(target.store())
        assert source.call("copy", "--to", target.url)[0] == 1
        assert source.call("copy", "--to", source.url)[0] == 1
        assert sealed(target.store()) == before

    def test_does_not_finish_while_the_source_changes(self, make_site, monkeypatch):
        """While every walk finds something new, the target gets no root record, and the exit code is 3."""
        source, target = make_site("sqlite"), make_site("sqlite")
        source.populate(["alice"])
        mfa = source.mfa("old")
        walk, required = Copy.walk, [True, False, True, False]

        def changing(copy, progress):
            done = walk(copy, progress)
            mfa.perform("alice", RequireMFA(required=required.pop(0) is False, by=ROOT))
            return done

        monkeypatch.setattr(Copy, "walk", changing)
        code, out, _ = source.call("copy", "--to", target.url)
        assert code == 3
        assert "the source changed meanwhile" in out
        assert_refused(target)

    @pytest.mark.requirement("O20")
    def test_hides_the_password_of_the_target(self, site):
        """No message repeats the password in either URL."""
        site.populate([])
        for scheme in ("postgresql", "redis"):
            code, out, err = site.call("copy", "--to", f"{scheme}://mfa:s3cr%40t@127.0.0.1:1/0")
            assert code in {3, 4}
            assert "s3cr" not in out + err
        assert site.call("copy")[0] == 2
        assert site.call("copy", "--to", "nonsense://x")[0] == 2
