# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import attrs
import pytest

from ram_mfa import Administrator, Kind, OpenAccount, PasswordChanged, ResetMFA, UnknownUsers
from ram_mfa.errors import StoreUnavailable
from ram_mfa.stores.memory import MemoryStore
from ram_mfa.testing import AuthenticatorApp, SoftSecurityKey, enrolled, enrolled_key
from ram_mfa.web import UserInfo
from tests.support.web_visitor import ORIGIN, Visitor, site_of

ROOT = Administrator("root")


def opened(**choices):
    site = site_of(**choices)
    for name in site.users:
        site.mfa.perform(name, OpenAccount(required=name == "alice", by=ROOT))
    return site


def code(site, phone, ahead=0):
    return {"mfa_code": phone.code_at(site.clock() + 30 * ahead)}


class TestForcedBind:
    def test_virtual_device_binds_and_logs_on(self):
        """A user who must bind chooses a kind, scans, types the code, and is logged on where they wanted to go."""
        site = opened()
        visitor = Visitor(site)
        page = visitor.password("alice", following="/servers?page=2").page
        assert page.step == "choose_kind"
        assert page.kinds == (Kind.VIRTUAL, Kind.SECURITY_KEY)
        page = visitor.get("enrol", {"kind": "virtual"}).page
        assert page.setup.account_name == "alice@example"
        phone = AuthenticatorApp.scan(page.setup.key_uri)
        response = visitor.send(page, code(site, phone))
        assert (response.status, response.redirect) == (303, "/servers?page=2")
        assert visitor.user == "alice"
        assert response.logged_on.proof.kind is Kind.VIRTUAL

    def test_security_key_binds_and_logs_on(self):
        """A user who must bind registers a security key, and is logged on."""
        visitor = Visitor(opened())
        visitor.password("alice")
        page = visitor.get("enrol", {"kind": "security_key"}).page
        answer = json.dumps(SoftSecurityKey().create(page.key.options, ORIGIN))
        response = visitor.send(page, {"mfa_answer": answer})
        assert response.redirect == "/console"
        assert response.logged_on.proof.phishing_resistant

    def test_reload_and_wrong_code_keep_the_qr_code(self):
        """Neither a reload nor a wrong code changes the QR code, and the right code then binds."""
        site = opened()
        visitor = Visitor(site)
        visitor.password("alice")
        first = visitor.get("enrol", {"kind": "virtual"}).page
        again = visitor.get("enrol", {"kind": "virtual"}).page
        assert again.setup.key_uri == first.setup.key_uri
        wrong = visitor.send(again, {"mfa_code": "000000"})
        assert wrong.status == 422
        assert wrong.page.message.id == "wrong_code"
        assert wrong.page.setup.key_uri == first.setup.key_uri
        phone = AuthenticatorApp.scan(first.setup.key_uri)
        assert visitor.send(wrong.page, code(site, phone)).redirect == "/console"

    def test_renew_gives_another_qr_code(self):
        """A new QR code is given where it is asked for; a code of the earlier one shows the new one."""
        site = opened()
        visitor = Visitor(site)
        visitor.password("alice")
        first = visitor.get("enrol", {"kind": "virtual"}).page
        renewed = visitor.send(first, {"mfa_action": "renew"}).page
        assert renewed.message.id == "renewed"
        assert renewed.setup.key_uri != first.setup.key_uri
        phone = AuthenticatorApp.scan(first.setup.key_uri)
        refused = visitor.send(renewed, code(site, phone))
        assert refused.status == 422
        assert visitor.user is None

    def test_cannot_be_passed_by(self):
        """Whoever must bind reaches no other page, and is not logged on by any of them."""
        visitor = Visitor(opened())
        visitor.password("alice")
        for route in ("devices", "bind", "account", "account_bind"):
            assert visitor.get(route).redirect == "/logon"
            assert visitor.get(route, headers={"accept": "application/json"}).status == 401
        assert visitor.post("logon", {"mfa_ticket": "x", "mfa_code": "123456"}).logged_on is None
        assert visitor.post("step_up", {"mfa_operation": "mfa.bind"}).logged_on is None

    def test_prefetch_makes_no_offer(self):
        """A page that a browser fetches ahead shows the choice again, and offers nothing."""
        visitor = Visitor(opened())
        visitor.password("alice")
        page = visitor.get("enrol", {"kind": "virtual"}, headers={"sec-purpose": "prefetch"}).page
        assert page.step == "choose_kind"
        assert page.setup is None


class TestCode:
    def test_logs_on_once(self):
        """A right code logs on; sent again it says that it was sent, and the pending logon goes on."""
        site = opened()
        phone = enrolled(site.mfa, "alice")
        visitor, twin = Visitor(site), Visitor(site)
        page = visitor.password("alice").page
        assert page.step == "ask"
        twin.cookies = dict(visitor.cookies)
        assert visitor.send(page, code(site, phone)).redirect == "/console"
        again = twin.send(page, code(site, phone))
        assert again.logged_on is None
        assert again.page.message.id == "already_sent"
        assert "seconds" in again.page.message.text
        assert twin.send(again.page, code(site, phone, 1)).logged_on.user == "alice"

    def test_wrong_code_asks_again(self):
        """A wrong code is 422 and asks again; the right one then logs on."""
        site = opened()
        phone = enrolled(site.mfa, "alice")
        visitor = Visitor(site)
        page = visitor.password("alice").page
        wrong = visitor.send(page, {"mfa_code": "no code"})
        assert (wrong.status, wrong.page.message.id) == (422, "wrong_code")
        assert visitor.send(wrong.page, code(site, phone)).logged_on.user == "alice"

    def test_throttle_says_when_to_come_back(self):
        """A closed gate is 429 with Retry-After; a reload shows the same, and the logon lives."""
        site = opened()
        phone = enrolled(site.mfa, "alice")
        visitor = Visitor(site)
        page = visitor.password("alice").page
        for _ in range(5):
            page = visitor.send(page, {"mfa_code": "000000"}).page
        closed = visitor.send(page, code(site, phone))
        assert closed.status == 429
        assert int(dict(closed.headers)["Retry-After"]) <= 30
        assert visitor.get("logon").page.message.id == "throttled"
        site.clock.advance(31)
        assert visitor.send(closed.page, code(site, phone)).logged_on.user == "alice"

    def test_security_key_logs_on(self):
        """A security key's answer logs on."""
        site = opened()
        key = enrolled_key(site.mfa, "alice")
        visitor = Visitor(site)
        page = visitor.password("alice").page
        assert page.codes == 0
        answer = json.dumps(key.get(page.key.options, ORIGIN))
        assert visitor.send(page, {"mfa_answer": answer}).logged_on.proof.phishing_resistant

    def test_nonsense_is_refused(self):
        """A form without ticket or answer is 400, and a ticket of nobody is refused: never an error of the server."""
        site = opened()
        enrolled(site.mfa, "alice")
        visitor = Visitor(site)
        page = visitor.password("alice").page
        assert visitor.post("logon", {}).status == 400
        assert visitor.post("logon", {"mfa_ticket": "\ud800", "mfa_code": "\ud800"}).status == 409
        assert visitor.post("logon", {"mfa_ticket": page.hidden[0][1], "mfa_answer": "{"}).status == 422
        assert visitor.post("enrol", {"mfa_kind": "virtual", "mfa_ticket": "x"}).status in {403, 409}
        assert visitor.user is None

    def test_store_that_is_down_lets_nobody_in(self):
        """Where the store fails, the answer is 503 and nobody is logged on."""

        class Failing(MemoryStore):
            down = False

            def load(self, key):
                if self.down:
                    raise StoreUnavailable
                return super().load(key)

        store = Failing()
        site = opened(store=store)
        phone = enrolled(site.mfa, "alice")
        visitor = Visitor(site)
        page = visitor.password("alice").page
        store.down = True
        assert visitor.send(page, code(site, phone)).status == 503
        assert visitor.get("logon").status == 503
        assert visitor.password("alice").status == 503
        assert visitor.user is None


class TestBrowser:
    def test_ticket_is_of_one_browser(self):
        """A ticket and its code do nothing in another browser that has a pending logon of its own."""
        site = opened()
        phone = enrolled(site.mfa, "alice")
        visitor, thief = Visitor(site), Visitor(site)
        page = visitor.password("alice").page
        thief.password("bob")
        stolen = thief.send(page, code(site, phone))
        assert stolen.status == 409
        assert stolen.logged_on is None
        assert visitor.send(page, code(site, phone)).logged_on.user == "alice"

    def test_string_is_renewed(self):
        """The browser string changes at each right password and at each logon."""
        site = opened()
        phone = enrolled(site.mfa, "alice")
        visitor = Visitor(site, cookies={"__Host-mfa": "A" * 43})
        page = visitor.password("alice").page
        before = visitor.cookies["__Host-mfa"]
        assert before != "A" * 43
        visitor.send(page, code(site, phone))
        assert visitor.cookies["__Host-mfa"] != before
        assert "__Host-mfa_logon" not in visitor.cookies

    def test_planted_logon_of_another_browser_is_worth_nothing(self):
        """An attacker's own pending logon, planted in a victim's browser, does not resume there."""
        site = opened()
        enrolled(site.mfa, "alice")
        attacker, victim = Visitor(site), Visitor(site)
        attacker.password("alice")
        victim.cookies["__Host-mfa_logon"] = attacker.cookies["__Host-mfa_logon"]
        assert victim.get("logon").status == 409
        victim.cookies["__Host-mfa"] = "B" * 43
        assert victim.get("logon").status == 409

    def test_second_users_password_in_between(self):
        """Where another user's password came in between, the first form does not log its user on."""
        site = opened()
        phone = enrolled(site.mfa, "alice")
        enrolled(site.mfa, "bob")
        visitor = Visitor(site)
        page = visitor.password("alice").page
        visitor.password("bob")
        late = visitor.send(page, code(site, phone))
        assert late.status == 409
        assert visitor.user is None
        assert visitor.get("logon").page.step == "ask"

    def test_late_submit_after_the_logon(self):
        """A form that is sent after the logon, out of another tab, starts over; the session stays."""
        site = opened()
        phone = enrolled(site.mfa, "alice")
        visitor = Visitor(site)
        page = visitor.password("alice").page
        visitor.send(page, code(site, phone))
        assert visitor.send(page, code(site, phone, 1)).status == 409
        assert visitor.get("logon").redirect == "/console"
        assert visitor.user == "alice"

    def test_expired_says_so(self):
        """After the ticket's ten minutes the logon starts over, and says so."""
        site = opened()
        phone = enrolled(site.mfa, "alice")
        visitor = Visitor(site)
        page = visitor.password("alice").page
        site.clock.advance(601)
        response = visitor.send(page, code(site, phone))
        assert response.status == 409
        assert response.page.message.id == "start_over"

    def test_new_password_ends_the_pending_logon(self):
        """A logon begun under the old password is over once it is a new one, told or not."""
        site = opened()
        phone = enrolled(site.mfa, "alice")
        visitor = Visitor(site)
        page = visitor.password("alice").page
        site.users["alice"] = UserInfo("hash of a new one", "alice@example")
        assert visitor.send(page, code(site, phone)).status == 409
        page = visitor.password("alice").page
        site.mfa.perform("alice", PasswordChanged())
        assert visitor.send(page, code(site, phone)).status == 409


class TestRemember:
    def remembered(self, ticked):
        site = opened()
        phone = enrolled(site.mfa, "alice")
        visitor = Visitor(site)
        page = visitor.password("alice").page
        assert page.remember_days == 7
        visitor.send(page, code(site, phone) | ticked)
        return site, visitor

    @pytest.mark.parametrize("ticked", [{}, {"mfa_remember": ""}])
    def test_only_if_ticked(self, ticked):
        """A machine is remembered where the box was ticked, and an empty field is no tick."""
        _, visitor = self.remembered(ticked)
        assert "__Host-mfa_machines" not in visitor.cookies

    def test_skips_the_second_factor_for_seven_days(self):
        """A remembered machine skips the second factor, for this user and for seven days, and has a readable name."""
        site, visitor = self.remembered({"mfa_remember": "yes"})
        assert visitor.password("alice").logged_on.proof is None
        page = visitor.get("devices").page
        assert [one.label for one in page.account.machines] == ["Chrome on Windows"]
        site.clock.advance(7 * 86_400 - 60)
        assert visitor.password("alice").logged_on.user == "alice"
        site.clock.advance(60)
        assert visitor.password("alice").page.step == "ask"

    def test_never_for_another_user(self):
        """One user's machine skips nothing for another user."""
        site, visitor = self.remembered({"mfa_remember": "yes"})
        enrolled(site.mfa, "bob")
        assert visitor.password("bob").page.step == "ask"

    def test_ends_with_the_password(self):
        """A new password ends a remembered machine, even where nobody said so."""
        site, visitor = self.remembered({"mfa_remember": "yes"})
        site.users["alice"] = UserInfo("another hash", "alice@example")
        assert visitor.password("alice").page.step == "ask"

    def test_not_offered_where_not_allowed(self):
        """Where the policy remembers no machine the box is not shown, and a made-up tick does nothing."""
        site = opened(remember=None)
        phone = enrolled(site.mfa, "alice")
        visitor = Visitor(site)
        page = visitor.password("alice").page
        assert page.remember_days == 0
        visitor.send(page, code(site, phone) | {"mfa_remember": "yes"})
        assert "__Host-mfa_machines" not in visitor.cookies


class TestUnknown:
    def test_user_without_a_record_is_refused(self):
        """A user without a record is refused, as the policy says by default."""
        response = Visitor(site_of()).password("alice")
        assert (response.status, response.page.message.id) == (403, "no_account")

    def test_user_without_a_record_must_bind_where_the_policy_says_so(self):
        """Where the policy says so by name, a user without a record must bind."""
        site = site_of(unknown_users=UnknownUsers.MUST_BIND)
        visitor = Visitor(site)
        assert visitor.password("alice").page.step == "choose_kind"
        page = visitor.get("enrol", {"kind": "virtual"}).page
        phone = AuthenticatorApp.scan(page.setup.key_uri)
        assert visitor.send(page, code(site, phone)).logged_on.user == "alice"

    def test_user_of_whom_nothing_is_required(self):
        """A user of whom MFA is not required is logged on by the password's own POST."""
        response = Visitor(opened()).password("bob", following="/servers")
        assert (response.status, response.redirect) == (303, "/servers")
        assert response.logged_on.user == "bob"

    def test_user_whom_the_application_does_not_know(self):
        """To log on a user whom load_user does not know is the application's own fault."""
        with pytest.raises(ValueError, match="load_user"):
            Visitor(opened()).password("mallory")


class TestNext:
    @pytest.mark.parametrize(
        "url",
        [
            "https://evil.example/",
            "//evil.example/",
            "/\\evil.example/",
            "\\\\evil.example",
            "/\t/evil.example",
            "javascript:alert(1)",
            "/a\r\nSet-Cookie: x=y",
            "evil",
            "/" + "a" * 2_000,
            "/é",
        ],
    )
    def test_stays_inside(self, url):
        """A logon never leads to another origin."""
        assert Visitor(opened()).password("bob", following=url).redirect == "/console"

    def test_comes_back_after_the_second_factor(self):
        """The page that was wanted is kept over the second factor, in a cookie and in no URL."""
        site = opened()
        phone = enrolled(site.mfa, "alice")
        visitor = Visitor(site)
        page = visitor.password("alice", following="/servers?x=%2F").page
        assert visitor.send(page, code(site, phone)).redirect == "/servers?x=%2F"


class TestSession:
    def test_ends_with_a_reset(self):
        """A session ends when an administrator resets the user's MFA."""
        site = opened()
        phone = enrolled(site.mfa, "alice")
        visitor = Visitor(site)
        visitor.send(visitor.password("alice").page, code(site, phone))
        assert visitor.get("devices").status == 200
        site.mfa.perform("alice", ResetMFA(ROOT))
        assert visitor.get("devices").redirect == "/logon"
        assert visitor.run(site.flows.check_session(visitor.request("GET"))) is None

    def test_without_its_mark_is_none(self):
        """A session without a mark, or with a constant one, is nobody's."""
        site = opened()
        visitor = Visitor(site, user="bob")
        assert visitor.get("devices").redirect == "/logon"
        visitor.mark = "constant"
        assert visitor.get("devices").redirect == "/logon"

    def test_log_out_keeps_the_machines_only(self):
        """A log-out deletes every cookie but the remembered machines, and asks the browser to empty its cache."""
        site = opened()
        phone = enrolled(site.mfa, "alice")
        visitor = Visitor(site)
        visitor.send(visitor.password("alice").page, code(site, phone) | {"mfa_remember": "yes"})
        response = visitor.run(site.flows.log_out(visitor.request("POST")))
        assert set(visitor.cookies) == {"__Host-mfa_machines"}
        assert dict(response.headers)["Clear-Site-Data"] == '"cache"'
        assert response.redirect == "/logon"


class TestLoggedOn:
    def test_is_the_only_name(self):
        """No page and no response but LoggedOn names a user of a pending logon."""
        site = opened()
        enrolled(site.mfa, "alice")
        response = Visitor(site).password("alice")
        assert response.logged_on is None
        assert "alice" not in repr(attrs.asdict(response, recurse=False))
