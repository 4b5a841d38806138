# SPDX-License-Identifier: Apache-2.0
"""`python -m ram_mfa store reseal`: killed at any moment, under traffic, with a server that goes away."""

from __future__ import annotations

import contextlib
import random
import signal
import sqlite3
import threading

import pytest

from ram_mfa import MFA, MFAError, UnreadableRecord
from ram_mfa.engine.records import user_key
from ram_mfa.testing import ManualClock
from tests.support import rounds
from tests.support.command import KEYS, PATIENCE, altered, contents, figures, kill, seal, sealed, until_resealed
from tests.support.races import begin, finish, phone_of
from tests.support.records import AsStored

USERS = [f"user {number}" for number in range(200)]


def under(store, name, key):
    """Return the seal of a record under one key of the ring."""
    return AsStored(seal(name), store, opens=seal("new", "old")).for_record(key)


def opens_only_with(site, name, other):
    """Whether one key opens everything, and the other nothing."""
    with pytest.raises(UnreadableRecord):
        site.mfa(other).open()
    code, out, _ = site.call("open", keys=(name,))
    assert (code, figures(out)["opens"]) == (0, "yes")
    return figures(out)[f"sealed under {name}"] == str(len(sealed(site.store())))


class TestKilled:
    @pytest.mark.requirement("B24", "S3", "S5")
    def test_goes_on_where_it_was_killed(self, each_site):
        """Killed with -9 at a moment of chance, again and again, and begun again: at the end every record is under the
        new key with its content unchanged, the old key opens nothing, and a further run finds nothing to do.
        """
        seed = random.randrange(2**32)
        print(f"seed {seed}")
        chance = random.Random(seed)
        each_site.populate(USERS)
        store = each_site.store()
        before = contents(store, "old")
        names, killed, turn = ["new", "old"], 0, 0
        while killed < rounds(20):
            assert turn < 10 * rounds(20), "it ends before it can be killed"
            new, old = names[turn % 2], names[(turn + 1) % 2]
            for _ in range(4):
                left = [key for key, record in sealed(store).items() if not under(store, new, key).is_current(record)]
                if not left:  # killed while it looked again
                    break
                process = each_site.start("reseal", keys=(new, old))
                if until_resealed(process, store, chance.choice(left), new):
                    killed += kill(process)[0] == -signal.SIGKILL
                else:
                    process.communicate()
                assert contents(store, "new", "old") == before
                if process.returncode == 0 or killed == rounds(20):
                    break
            code, out, err = each_site.run("reseal", keys=(new, old))
            assert (code, err) == (0, "")
            assert figures(out)["records"] == str(len(before))
            assert contents(store, new) == before
            assert opens_only_with(each_site, new, old)
            turn += 1
        code, out, _ = each_site.call("reseal", keys=(new, old))
        assert (code, figures(out)["resealed"]) == (0, "0")
        store.close()

    @pytest.mark.requirement("B24")
    def test_ends_cleanly_when_interrupted(self, site):
        """Ctrl-C while a record waits to be written: one line, exit code 130, and the next run goes on."""
        site.populate(USERS)
        store = site.store()
        before = contents(store, "old")
        process = site.start("reseal", keys=("new", "old"))
        until_resealed(process, store, next(iter(store.keys("u"))))
        with contextlib.closing(sqlite3.connect(site.url, isolation_level=None, timeout=PATIENCE)) as lock:
            lock.execute("BEGIN IMMEDIATE")
            left = [key for key, record in sealed(store).items() if not under(store, "new", key).is_current(record)]
            if left:  # it cannot come to its end before the lock is gone
                process.send_signal(signal.SIGINT)
            lock.execute("ROLLBACK")
        out, err = process.communicate(timeout=PATIENCE)
        if left:
            assert (process.returncode, out, err) == (130, "", "ram_mfa: interrupted: run the command again\n")
        assert site.run("reseal", keys=("new", "old"))[0] == 0
        assert contents(store, "new") == before
        store.close()

    @pytest.mark.requirement("S16")
    def test_a_server_that_goes_away(self, postgresql_site, postgresql):
        """The server is killed meanwhile: one line and exit code 3; once it is back, the next run goes on."""
        site, server = postgresql_site, postgresql.server
        site.populate(USERS)
        store = site.store()
        before = contents(store, "old")
        process = site.start("reseal", keys=("new", "old"))
        at_work = until_resealed(process, store, next(iter(store.keys("u"))))
        with server.stopped():
            _, err = process.communicate()
        assert process.returncode == 3 or not at_work or process.returncode == 0
        assert err.count("\n") <= 1
        assert "Traceback" not in err
        store.close()
        store = site.store()
        assert site.run("reseal", keys=("new", "old"))[0] == 0
        assert contents(store, "new") == before
        store.close()


class People(threading.Thread):
    """Log their users on until they are stopped, and submit each code that was accepted once more."""

    def __init__(self, site, users):
        super().__init__()
        self.clock = ManualClock(1_700_000_000.0)
        self.store = site.store()
        self.mfa = site.mfa("new", "old", store=self.store, clock=self.clock)
        self.users = users
        self.stopped = threading.Event()
        self.wrong = []
        self.passes = 0

    def run(self):
        phones = {user: phone_of(user) for user in self.users}
        while not self.stopped.is_set() or not self.passes:
            self.clock.advance(60)
            for user, phone in phones.items():
                code = phone.code_at(self.clock.now)
                try:
                    told = [self.log_on(user, code) for _ in range(2)]
                except MFAError as error:
                    told = [repr(error)]
                if told != ["proof", "REPLAYED_CODE"]:
                    self.wrong.append((user, told))
            self.passes += 1
        self.store.close()

    def log_on(self, user, code):
        """Log on; where a re-sealing ended the ticket, start over with the same code."""
        for _ in range(10):
            told = finish(self.mfa, user, begin(self.mfa, user), code)
            if told != "FOREIGN_TICKET":
                break
        return told


class TestUnderTraffic:
    @pytest.mark.requirement("B24", "O7", "S5")
    def test_no_logon_is_lost_and_no_code_revived(self, each_site):
        """While three threads log everybody on, again and again, the store is sealed anew, and back, and anew: every
        logon is accepted, no code twice, then or afterwards, and the new key alone opens everything. On the way back
        the crowd still seals with the new key, which may be told.
        """
        users = USERS[:60]
        each_site.populate(users)
        crowd = [People(each_site, users[number::3]) for number in range(3)]
        for people in crowd:
            people.start()
        try:
            for turn in ("new", *("old", "new") * (rounds(20) // 2)):
                code, out, err = each_site.run("reseal", keys=("new", "old") if turn == "new" else ("old", "new"))
                assert (err, figures(out)["records"], figures(out)["unreadable"]) == ("", "61", "0")
                assert code == 0 or (turn == "old" and "written under another key meanwhile" in out)
        finally:
            for people in crowd:
                people.stopped.set()
            for people in crowd:
                people.join()
        assert [people.wrong for people in crowd] == [[], [], []]
        store = each_site.store()
        assert all(under(store, "new", key).is_current(record) for key, record in sealed(store).items())
        for people in crowd:
            clock = ManualClock(people.clock.now)
            mfa = each_site.mfa("new", store=store, clock=clock)
            for user in people.users:
                used = phone_of(user).code_at(clock.now)
                assert finish(mfa, user, begin(mfa, user), used) == "REPLAYED_CODE"
            clock.advance(60)
            for user in people.users:
                assert finish(mfa, user, begin(mfa, user), phone_of(user).code_at(clock.now)) == "proof"
        store.close()

    @pytest.mark.requirement("B24")
    def test_says_so_where_somebody_still_seals_with_the_old_key(self, site, monkeypatch):
        """What others wrote under the old key meanwhile is sealed too, and told: the old key is not to be taken out."""
        site.populate(USERS[:3])
        reseal = MFA.reseal
        store = site.store()
        key = user_key("", USERS[0])

        def meddled(mfa, progress=None, **how):
            done = reseal(mfa, progress, **how)
            record = store.load(key)
            again = under(store, "old", key).seal(under(store, "new", key).unseal(record))
            assert store.swap(key, record, again)
            return done

        monkeypatch.setattr(MFA, "reseal", meddled)
        code, out, _ = site.call("reseal", keys=("new", "old"))
        said = figures(out)
        assert code == 3
        assert said["resealed"] == "5"
        assert said["written under another key meanwhile"].startswith("1;")
        store.close()


def test_unreadable_records_are_named_and_left(site):
    """A record that does not unseal stays as it is, its key is printed, and the exit code is 1."""
    site.populate(USERS[:3])
    store = site.store()
    key = user_key("", USERS[1])
    broken = altered(store.load(key))
    assert store.swap(key, store.load(key), broken)
    code, out, err = site.call("reseal", keys=("new", "old"))
    assert (code, err) == (1, "")
    assert figures(out)["unreadable"] == "1"
    assert f"  {key}\n" in out
    assert store.load(key) == broken
    store.close()


def test_without_the_old_key_nothing_is_written(site):
    """The present key alone does not even open the store: exit code 1, and nothing changed."""
    site.populate(USERS[:3])
    store = site.store()
    before = sealed(store)
    code, out, err = site.call("reseal", keys=("new",))
    assert (code, out) == (1, "")
    assert "not in the ring" in err
    assert sealed(store) == before
    assert KEYS["old"] != KEYS["new"]
    store.close()
