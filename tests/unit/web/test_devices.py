# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import attrs
import pytest

from ram_mfa import (
    Administrator,
    AdministratorProof,
    DevicePolicy,
    KindRule,
    OpenAccount,
    Operation,
    SelfManagement,
    TOTPPolicy,
)
from ram_mfa.testing import AuthenticatorApp, SoftSecurityKey, enrolled
from tests.support.web_visitor import ORIGIN, Visitor, site_of

ROOT = Administrator("root")


def logged_on(user="alice", *, required=True, **choices):
    site = site_of(**choices)
    for name in site.users:
        site.mfa.perform(name, OpenAccount(required=required, by=ROOT))
    phone = enrolled(site.mfa, user) if required else None
    visitor = Visitor(site)
    response = visitor.password(user)
    if required:
        response = visitor.send(response.page, {"mfa_code": phone.code_at(site.clock())})
    assert visitor.user == user
    site.clock.advance(60)
    return site, visitor, phone


def do(visitor, page, phone=None, **fields):
    """Ask for a change, and answer the step-up with the next code."""
    response = visitor.send(page, fields)
    if response.page is not None and response.page.step == "step_up":
        site = visitor.site
        response = visitor.send(response.page, {"mfa_code": phone.code_at(site.clock())})
        site.clock.advance(60)
    return response


class TestOwner:
    def test_unbinds_after_a_step_up_and_stays_logged_on(self):
        """The owner unbinds after a code; this session goes on, and every other one of the user ends."""
        site, visitor, phone = logged_on()
        other = attrs.evolve(visitor, cookies=dict(visitor.cookies))
        page = visitor.get("devices").page
        [device] = page.account.devices
        asked = visitor.send(page, {"do": "unbind", "target": device.id})
        assert asked.page.step == "step_up"
        response = visitor.send(asked.page, {"mfa_code": phone.code_at(site.clock())})
        assert response.page.message.id == "unbound"
        assert response.page.account.devices == ()
        assert other.get("devices").redirect == "/logon"

    def test_renames_and_forgets(self):
        """The owner renames a device and forgets machines, each after a code of its own."""
        site, visitor, phone = logged_on()
        remembered = Visitor(site)
        remembered.send(
            remembered.password("alice").page, {"mfa_code": phone.code_at(site.clock()), "mfa_remember": "yes"}
        )
        site.clock.advance(60)
        page = visitor.get("devices").page
        [device], [machine] = page.account.devices, page.account.machines
        page = do(visitor, page, phone, do="rename", target=device.id, name="<b>Phone</b>").page
        assert [one.name for one in page.account.devices] == ["<b>Phone</b>"]
        page = do(visitor, page, phone, do="forget", target=machine.id).page
        assert page.account.machines == ()
        response = do(visitor, page, phone, do="forget_all")
        assert (response.status, response.page.message.id) == (409, "nothing_to_do")

    def test_synchronises(self):
        """The owner of a phone whose clock is off synchronises it by two codes."""
        site, visitor, phone = logged_on()
        page = visitor.get("devices").page
        [device] = page.account.devices
        asked = visitor.send(page, {"do": "resync", "target": device.id, "code1": "", "code2": ""})
        # The step-up takes one code; the two of the drifted phone are carried
        ahead = site.clock() + 150
        carried = [pair for pair in asked.page.hidden if not pair[0].startswith("code")]
        first, second = phone.code_at(ahead), phone.code_at(ahead + 30)
        fields = [*carried, ("code1", first), ("code2", second), ("mfa_code", phone.code_at(site.clock()))]
        response = visitor.follow(visitor.post("devices", fields))
        assert response.page.message.id == "resynced"

    def test_binds_a_first_device_by_a_fresh_password(self):
        """A user of whom nothing is required binds a first device while the password is fresh, and stays logged on."""
        site, visitor, _ = logged_on("bob", required=False)
        page = visitor.get("devices").page
        offer = visitor.send(page, {"do": "bind", "kind": "virtual"}).page
        phone = AuthenticatorApp.scan(offer.setup.key_uri)
        response = visitor.send(offer, {"mfa_code": phone.code_at(site.clock())})
        assert response.page.message.id == "bound"
        assert len(response.page.account.devices) == 1
        assert visitor.get("devices").status == 200

    def test_first_device_needs_a_fresh_password(self):
        """After ten minutes a first device needs the password again."""
        site, visitor, _ = logged_on("bob", required=False)
        page = visitor.get("devices").page
        site.clock.advance(700)
        response = visitor.send(page, {"do": "bind", "kind": "virtual"})
        assert (response.status, response.page.message.id) == (403, "password_again")
        del visitor.cookies["__Host-mfa_logon"]
        assert visitor.send(page, {"do": "bind", "kind": "virtual"}).page.message.id == "password_again"

    def test_binds_a_spare_after_a_step_up(self):
        """Where the policy allows a spare, it is bound after a code of the first device."""
        _, visitor, phone = logged_on(devices=DevicePolicy(rule=KindRule.ANY_MIX, max_devices=3))
        page = visitor.get("devices").page
        offer = do(visitor, page, phone, do="bind", kind="security_key").page
        assert offer.step == "bind_key"
        again = visitor.get("bind", {"kind": "security_key"}).page
        answer = json.dumps(SoftSecurityKey().create(again.key.options, ORIGIN))
        response = visitor.send(again, {"mfa_answer": answer})
        assert [one.kind.name for one in response.page.account.devices] == ["VIRTUAL", "SECURITY_KEY"]
        assert "__Host-mfa_receipt" not in visitor.cookies

    def test_may_not_where_self_management_is_off(self):
        """Where users may not manage their devices, the page has no buttons and a made-up form is refused."""
        _, visitor, phone = logged_on(self_management=SelfManagement.NOT_ALLOWED)
        page = visitor.get("devices").page
        assert not page.manage
        [device] = page.account.devices
        response = do(visitor, page, phone, do="unbind", target=device.id)
        assert response.status == 403
        assert len(visitor.get("devices").page.account.devices) == 1

    @pytest.mark.parametrize("action", ["", "erase", "bind"])
    def test_unknown_action_is_400(self, action):
        """An action that there is not is 400."""
        _, visitor, _ = logged_on()
        page = visitor.get("devices").page
        assert visitor.send(page, {"do": action}).status == 400

    def test_form_needs_its_token(self):
        """A form without the value that its page had, or with that of another user or route, is refused."""
        site, visitor, _ = logged_on()
        [device] = visitor.get("devices").page.account.devices
        unbind = {"do": "unbind", "target": device.id}
        assert visitor.post("devices", unbind).status == 403
        other = Visitor(site)
        other.password("root")
        token = {"mfa_form": "A" * 43}
        assert visitor.post("devices", unbind | token).status == 403
        offer_token = dict(visitor.get("devices").page.hidden)
        assert visitor.post("bind", offer_token).status == 403


class TestAdministrator:
    def page(self, visitor, user="bob"):
        return visitor.get("account", {"user": user}).page

    def test_binds_a_device_for_a_user(self):
        """An administrator binds a device for a user, and then unbinds it after a question."""
        site, visitor, _ = logged_on("root")
        page = self.page(visitor)
        assert page.about == "bob"
        offer = visitor.send(page, {"do": "bind", "kind": "virtual"}).page
        assert offer.setup.account_name == "bob@example"
        phone = AuthenticatorApp.scan(offer.setup.key_uri)
        page = visitor.send(offer, {"mfa_code": phone.code_at(site.clock())}).page
        [device] = page.account.devices
        assert device.bound_by == "administrator root"
        sure = visitor.send(page, {"do": "unbind", "target": device.id})
        assert sure.page.step == "confirm"
        assert device.name in sure.page.about
        page = visitor.send(sure.page, {}).page
        assert page.message.id == "unbound"
        assert page.account.devices == ()

    def test_requires_resets_and_forgets(self):
        """An administrator sets whether MFA is required, and resets a user's MFA."""
        site, visitor, _ = logged_on("root")
        page = visitor.send(self.page(visitor), {"do": "not_require"}).page
        assert not page.account.required
        page = visitor.send(page, {"do": "require"}).page
        assert page.account.required
        enrolled(site.mfa, "bob")
        page = visitor.send(visitor.send(self.page(visitor), {"do": "reset"}).page, {}).page
        assert page.account.must_bind
        response = visitor.send(visitor.send(page, {"do": "forget_all"}).page, {})
        assert response.page.message.id == "nothing_to_do"

    def test_makes_a_record_for_a_user_without_one(self):
        """A user without a record has a page, on which MFA can be required."""
        site = site_of(users=("carol",))
        for name in ("root",):
            site.mfa.perform(name, OpenAccount(required=False, by=ROOT))
        visitor = Visitor(site)
        visitor.password("root")
        page = self.page(visitor, "carol")
        assert page.account is None
        assert visitor.send(page, {"do": "require"}).page.account.must_bind

    def test_only_administrators_see_it(self):
        """Whoever is no administrator is refused, for every user and for one that there is not."""
        _, visitor, _ = logged_on()
        for user in ("bob", "alice", "nobody"):
            assert visitor.get("account", {"user": user}).status == 403
            assert visitor.get("account_bind", {"user": user, "kind": "virtual"}).status == 403
        token = dict(visitor.get("devices").page.hidden)
        assert visitor.post("account", {**token, "user": "bob", "do": "reset"}).status == 403

    def test_unknown_user_is_404(self):
        """A user that the application does not know is 404."""
        _, visitor, _ = logged_on("root")
        assert visitor.get("account", {"user": "nobody"}).status == 404
        assert visitor.get("account").status == 404

    def test_proves_themselves_where_the_policy_asks(self):
        """Where the policy asks for it, an administrator proves themselves first, once for several changes."""
        site, visitor, phone = logged_on("root", administrator_proof=AdministratorProof.NOT_ASKED)
        asking = site_of(administrator_proof=AdministratorProof.ASKED)
        del asking
        policy = attrs.evolve(site.mfa.policy, administrator_proof=AdministratorProof.ASKED)
        site.mfa._engine.policy = lambda: policy
        asked = visitor.send(self.page(visitor), {"do": "not_require"})
        assert asked.page.step == "step_up"
        page = visitor.send(asked.page, {"mfa_code": phone.code_at(site.clock())}).page
        assert page.message.id == "not_required"
        assert visitor.send(page, {"do": "require"}).page.message.id == "required"

    def test_two_codes_confirm_where_the_policy_says_so(self):
        """Where two codes confirm a bind, the page asks for two."""
        site, visitor, _ = logged_on("root", totp=TOTPPolicy(codes=2))
        offer = visitor.send(self.page(visitor), {"do": "bind", "kind": "virtual"}).page
        assert offer.codes == 2
        phone = AuthenticatorApp.scan(offer.setup.key_uri)
        first, second = phone.codes_at(site.clock() - 30)
        assert visitor.send(offer, {"mfa_code": first, "mfa_code2": second}).page.message.id == "bound"

    def test_own_words_for_an_operation(self):
        """An operation is named in the site's own words where it has some."""
        from ram_mfa.web import SiteSettings

        words = {"en": {"operation.server.delete": "delete the server {subject}"}}
        _, visitor, _ = logged_on(settings=SiteSettings(words=words))
        asked = visitor.require(Operation("server.delete", "i-1"))
        assert asked.page.about == "delete the server i-1"
