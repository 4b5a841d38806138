# SPDX-License-Identifier: Apache-2.0
"""`python -m ram_mfa user show|unlock|reset|require`: a user who cannot log on, helped from the command line alone."""

from __future__ import annotations

import time

import attrs
import pytest

from ram_mfa import BeginLogon, MustBind, Reason, Refused, RequireMFA, new_session
from ram_mfa.codec import decode_account, encode_account
from ram_mfa.engine.records import user_key
from ram_mfa.otp import KeyURI, setup_key
from tests.support.command import POLICY, figures, seal, sealed
from tests.support.races import begin, finish, phone_of, uri_of
from tests.support.records import AsStored
from tests.support.service import ROOT

DISABLED = "disabled by too many wrong codes"


def lock_out(store, user, *, wrong=(), **changes):
    """Give the user's record and device the counts of an attacker's wrong codes."""
    key = user_key("", user)
    record = AsStored(seal("old"), store).for_record(key)
    old = store.load(key)
    account = decode_account(record.unseal(old))
    account = attrs.evolve(account.with_device(attrs.evolve(account.devices[0], **changes)), wrong=wrong)
    assert store.swap(key, old, record.seal(encode_account(account)))


@pytest.mark.requirement("O13", "O14")
class TestShow:
    def test_says_what_keeps_the_user_out(self, site, policy_file):
        """The day's wrong codes, the delay and the disabled device are printed, and nothing is changed."""
        site.populate(["alice"])
        store = site.store()
        mfa = site.mfa("old", store=store)
        wrong = phone_of("bob").code_at(time.time())
        assert finish(mfa, "alice", begin(mfa, "alice"), wrong) == "WRONG_CODE"
        before = sealed(store)
        code, out, err = site.call("user show", "alice", "--policy", policy_file)
        assert (code, err) == (0, "")
        said = figures(out)
        assert (said["user"], said["devices"], said["must bind at the next logon"]) == ("alice", "1", "no")
        assert said["wrong codes in the last 24 hours"] == f"1 of {POLICY.throttle.max_per_day}"
        assert "consecutive wrong codes: 1\n" in out
        assert DISABLED not in out
        assert sealed(store) == before
        lock_out(store, "alice", failures=100, disabled_at=time.time(), closed_until=4_102_444_800.0)
        _, out, _ = site.call("user show", "alice")
        assert DISABLED in out
        assert "no code is accepted before 2100-01-01T00:00:00Z" in out

    def test_says_when_the_day_is_spent(self, site):
        """With as many wrong codes as a day allows, it says that no code is accepted."""
        site.populate(["alice"])
        store = site.store()
        lock_out(store, "alice", wrong=(time.time(),) * 20)
        _, out, _ = site.call("user show", "alice")
        assert "wrong codes in the last 24 hours: 20 of 20; no code is accepted until there are fewer\n" in out

    def test_shows_no_secret_and_no_line_of_a_name(self, site):
        """No secret is printed, and a name with a line break or an escape sequence stays one line of plain text."""
        site.populate(["alice"])
        store = site.store()
        evil = "alice\nMFA required: \x1b[2Jno"
        site.mfa("old", store=store).perform(evil, RequireMFA(by=ROOT))
        lock_out(store, "alice", name="Phone\u202e\ndevices: 0\x1b[2J")
        for user, line in ((evil, "MFA required: "), ("alice", "devices: ")):
            code, out, _ = site.call("user show", user)
            assert code == 0
            assert all(each.isprintable() for each in out.splitlines())
            assert out.count(line) == 2
            assert sum(each.startswith(line) for each in out.splitlines()) == 1
        secret = KeyURI.parse(uri_of("alice")).secret
        assert setup_key(secret).replace(" ", "") not in out
        assert secret.hex() not in out

    def test_of_a_tenant(self, site):
        """Users of a tenant are found under its name only."""
        site.populate([])
        store = site.store()
        site.mfa("old", store=store).for_tenant("other", POLICY).perform("bob", RequireMFA(by=ROOT))
        assert site.call("user show", "bob")[0] == 1
        code, out, _ = site.call("user show", "bob", "--tenant", "other")
        assert (code, figures(out)["MFA required"]) == (0, "yes")
        assert site.call("user show", "bob", "--tenant", "x" * 201)[0] == 2


class TestUnlock:
    def test_helps_a_throttled_user(self, site):
        """A user whose day is spent and whose device is delayed is refused; after the command alone, the same device
        logs on. A second time there is nothing to do.
        """
        site.populate(["alice"])
        store = site.store()
        mfa = site.mfa("old", store=store)
        now = time.time()
        lock_out(store, "alice", wrong=(now,) * 20, failures=9, closed_until=now + 3_000)
        right = phone_of("alice").code_at(time.time())
        assert finish(mfa, "alice", begin(mfa, "alice"), right) == "THROTTLED"
        code, out, err = site.call("user unlock", "alice", "--by", "ops")
        assert (code, err) == (0, "")
        assert "by unproved administrator ops\n" in out
        right = phone_of("alice").code_at(time.time())
        assert finish(mfa, "alice", begin(mfa, "alice"), right) == "proof"
        assert site.call("user unlock", "alice", "--by", "ops")[0] == 1

    def test_says_where_it_does_not_help(self, site):
        """A device that too many wrong codes disabled stays so: the exit code is 1, and the output says what helps."""
        site.populate(["alice"])
        lock_out(site.store(), "alice", wrong=(time.time(),), failures=100, disabled_at=time.time())
        code, out, _ = site.call("user unlock", "alice", "--by", "ops")
        assert code == 1
        assert "stays disabled: unbind it, or reset the user\n" in out


@pytest.mark.requirement("B7")
class TestReset:
    def test_helps_a_locked_out_user(self, each_site):
        """A user whose device is disabled is refused; after the command alone, the user binds again at logon."""
        each_site.populate(["alice", "bob"])
        store = each_site.store()
        mfa = each_site.mfa("old", store=store)
        lock_out(store, "alice", failures=100, disabled_at=time.time())
        with pytest.raises(Refused) as refused:
            begin(mfa, "alice")
        assert refused.value.refusal.reason is Reason.DEVICE_DISABLED
        code, out, err = each_site.call("user reset", "alice", "--by", "helpdesk 7")
        assert (code, err) == (0, "")
        assert "MFA reset by unproved administrator helpdesk 7\n" in out
        assert "the user has to bind one at the next logon" in out
        assert isinstance(mfa.perform("alice", BeginLogon(session=new_session())), MustBind)
        assert figures(each_site.call("user show", "alice")[1])["devices"] == "0"
        assert finish(mfa, "bob", begin(mfa, "bob"), phone_of("bob").code_at(time.time())) == "proof"
        store.close()

    def test_needs_a_name(self, site):
        """Without --by, or with one that no actor can have, nothing is changed."""
        site.populate(["alice"])
        store = site.store()
        before = sealed(store)
        assert site.call("user reset", "alice")[0] == 2
        assert site.call("user reset", "alice", "--by", "a\nb")[0] == 2
        code, out, err = site.call("user reset", "nobody", "--by", "ops")
        assert (code, err.count("\n")) == (1, 1)
        assert "reset:" not in out
        assert sealed(store) == before


class TestRequire:
    def test_sets_and_clears_it(self, site):
        """MFA is required of the user, or no longer."""
        site.populate(["alice"])
        assert site.call("user require", "alice", "--by", "ops", "--not-required")[0] == 0
        assert figures(site.call("user show", "alice")[1])["MFA required"] == "no"
        code, out, _ = site.run("user require", "alice", "--by", "ops")
        assert (code, out.splitlines()[-1]) == (0, "MFA required: yes")
        assert figures(site.call("user show", "alice")[1])["MFA required"] == "yes"

    def test_makes_a_record_only_if_asked(self, site):
        """A mistyped user id makes no record; --new-record does."""
        site.populate([])
        assert site.call("user require", "alcie", "--by", "ops")[0] == 1
        assert site.call("user show", "alcie")[0] == 1
        assert site.call("user require", "alice", "--by", "ops", "--new-record")[0] == 0
        assert figures(site.call("user show", "alice")[1])["must bind at the next logon"] == "yes"
