# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from ram_mfa import Administrator, OpenAccount, Operation, Proof, ResetMFA
from ram_mfa.testing import enrolled
from tests.support.web_visitor import ORIGIN, Visitor, site_of

DELETE = Operation("server.delete", "1")
JSON = {"accept": "application/json"}


def logged_on():
    site = site_of()
    site.mfa.perform("alice", OpenAccount(required=True, by=Administrator("root")))
    phone = enrolled(site.mfa, "alice")
    visitor = Visitor(site)
    page = visitor.password("alice").page
    visitor.send(page, {"mfa_code": phone.code_at(site.clock())})
    assert visitor.user == "alice"
    site.clock.advance(60)
    return site, visitor, phone


def fields(page, **more):
    return [*page.hidden, *more.items()]


class TestForm:
    def test_asks_and_carries_the_fields(self):
        """A form is asked for a code by a page that carries its own fields, lists and order too."""
        site, visitor, phone = logged_on()
        sent = (("server", "1"), ("tag", "b"), ("tag", "a"), ("empty", ""), ("csrf_token", "x"))
        asked = visitor.require(DELETE, fields=sent)
        assert asked.page.step == "step_up"
        assert asked.page.action == "/servers/1/delete"
        assert asked.page.about == "server.delete 1"
        assert tuple(pair for pair in asked.page.hidden if not pair[0].startswith("mfa_")) == sent
        proof = visitor.require(DELETE, fields=fields(asked.page, mfa_code=phone.code_at(site.clock())))
        assert isinstance(proof, Proof)
        assert proof.operation == DELETE

    def test_wrong_code_asks_again(self):
        """A wrong code is 422 and the page still carries the fields."""
        site, visitor, phone = logged_on()
        asked = visitor.require(DELETE, fields=[("server", "1")])
        wrong = visitor.require(DELETE, fields=fields(asked.page, mfa_code="000000"))
        assert wrong.status == 422
        assert ("server", "1") in wrong.page.hidden
        again = fields(wrong.page, mfa_code=phone.code_at(site.clock()))
        assert isinstance(visitor.require(DELETE, fields=again), Proof)

    def test_other_operation_is_refused(self):
        """An answer for one operation or subject does nothing for another."""
        site, visitor, phone = logged_on()
        for other in (Operation("server.delete", "2"), Operation("server.delete"), Operation("server.stop", "1")):
            asked = visitor.require(DELETE)
            answer = fields(asked.page, mfa_code=phone.code_at(site.clock()))
            assert visitor.require(other, fields=answer).page.step == "step_up"

    def test_too_large_or_with_files_is_413(self):
        """A form that a page cannot carry is not carried in part."""
        _, visitor, _ = logged_on()
        assert visitor.require(DELETE, fields=[("text", "x" * 70_000)]).status == 413
        assert visitor.require(DELETE, files=True).status == 413

    def test_nobody_logged_on(self):
        """Nobody is sent to the logon; a script gets 401."""
        visitor = Visitor(site_of())
        assert visitor.require(DELETE).redirect == "/logon"
        assert visitor.require(DELETE, headers=JSON).status == 401

    def test_ended_session_proves_nothing(self):
        """After a reset the right code of the former device proves nothing."""
        site, visitor, phone = logged_on()
        asked = visitor.require(DELETE)
        site.mfa.perform("alice", ResetMFA(Administrator("root")))
        answer = fields(asked.page, mfa_code=phone.code_at(site.clock()))
        assert visitor.require(DELETE, fields=answer).redirect == "/logon"

    def test_without_a_device(self):
        """Without a device a sensitive operation is refused, and says that one must be bound."""
        site = site_of()
        site.mfa.perform("bob", OpenAccount(required=False, by=Administrator("root")))
        visitor = Visitor(site)
        visitor.password("bob")
        response = visitor.require(DELETE)
        assert (response.status, response.page.message.id) == (403, "no_device")


class TestFetch:
    def test_problem_receipt_and_repeated_request(self):
        """A script gets a problem, answers it, and repeats its request with the receipt, which passes once."""
        site, visitor, phone = logged_on()
        asked = visitor.require(DELETE, headers=JSON)
        assert (asked.status, asked.content_type) == (403, "application/problem+json")
        body = asked.json_body()
        assert body["type"] == "urn:ram-mfa:step-up"
        assert body["action"] == "/mfa/step-up"
        answer = body["hidden"] | {"mfa_code": phone.code_at(site.clock())}
        proved = visitor.post("step_up", answer, headers=JSON).json_body()
        assert proved["step"] == "proved"
        header = JSON | {"mfa-receipt": proved["receipt"]}
        other = visitor.require(Operation("server.delete", "2"), headers=header)
        assert other.status == 403
        assert isinstance(visitor.require(DELETE, headers=header), Proof)
        assert visitor.require(DELETE, headers=header).status == 403

    def test_bearer_is_told_by_rfc_9470(self):
        """A client with a bearer token is answered with 401 and insufficient_user_authentication."""
        _, visitor, _ = logged_on()
        asked = visitor.require(DELETE, headers=JSON | {"authorization": "Bearer x"})
        assert asked.status == 401
        assert 'error="insufficient_user_authentication"' in dict(asked.headers)["WWW-Authenticate"]
        assert asked.json_body()["type"] == "urn:ram-mfa:step-up"

    def test_wrong_code_at_the_route(self):
        """A wrong code at the step-up route is 422 with a page to answer again."""
        _, visitor, _ = logged_on()
        body = visitor.require(DELETE, headers=JSON).json_body()
        wrong = visitor.post("step_up", body["hidden"] | {"mfa_code": "000000"}, headers=JSON)
        assert wrong.status == 422
        assert wrong.json_body()["hidden"]["mfa_ticket"]

    def test_nonsense_at_the_route(self):
        """No operation, no ticket or no answer is 400."""
        _, visitor, _ = logged_on()
        assert visitor.post("step_up", {}).status == 400
        assert visitor.post("step_up", {"mfa_operation": "\n"}).status == 400
        assert visitor.post("step_up", {"mfa_operation": "server.delete"}).status == 400


class TestGet:
    def test_receipt_waits_in_a_cookie(self):
        """A GET is asked by a page whose answer leads back to it; the receipt passes once."""
        site, visitor, phone = logged_on()
        asked = visitor.require(DELETE, method="GET", url="/servers/1?x=1")
        assert asked.status == 403
        assert asked.page.action == "/mfa/step-up"
        back = visitor.send(asked.page, {"mfa_code": phone.code_at(site.clock())})
        assert back.redirect == "/servers/1?x=1"
        assert "__Host-mfa_receipt" in visitor.cookies
        assert isinstance(visitor.require(DELETE, method="GET", url="/servers/1?x=1"), Proof)
        assert visitor.require(DELETE, method="GET", url="/servers/1?x=1").status == 403

    def test_form_with_files_is_proved_before(self):
        """The GET of a form with files proves, and its POST spends the receipt."""
        site, visitor, phone = logged_on()
        fresh = visitor.run(site.flows.require_fresh(DELETE, visitor.request("GET", url="/upload")))
        visitor.send(fresh.page, {"mfa_code": phone.code_at(site.clock())})
        assert visitor.run(site.flows.require_fresh(DELETE, visitor.request("GET", url="/upload"))) is None
        assert isinstance(visitor.require(DELETE, files=True), Proof)

    def test_waiting_receipt_is_of_no_use_to_a_sibling(self):
        """A form of a sibling host cannot spend the receipt that waits in the cookie."""
        site, visitor, phone = logged_on()
        fresh = visitor.run(site.flows.require_fresh(DELETE, visitor.request("GET", url="/upload")))
        visitor.send(fresh.page, {"mfa_code": phone.code_at(site.clock())})
        sibling = {"origin": "https://blog.example", "sec-fetch-site": "same-site"}
        assert not isinstance(visitor.require(DELETE, headers=sibling), Proof)
        assert isinstance(visitor.require(DELETE, headers={"origin": ORIGIN}), Proof)
