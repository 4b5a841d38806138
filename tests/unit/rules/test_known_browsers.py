# SPDX-License-Identifier: Apache-2.0
"""Known browsers: which browser is known, which gate it meets, and what is forgiven."""

from __future__ import annotations

import attrs
import pytest

from ram_mfa import (
    AdmitBrowser,
    BeginLogon,
    BeginStepUp,
    Describe,
    DevicePolicy,
    Enrolment,
    EventType,
    FinishLogon,
    FinishStepUp,
    ForgetMachines,
    KnownBrowsers,
    MFAPolicy,
    NewBrowserRule,
    Operation,
    PasswordChanged,
    Reason,
    Requirement,
    ResetMFA,
    ResumeLogon,
    ResyncVirtualDevice,
    ThrottlePolicy,
    TOTPCode,
    TOTPCodes,
    Unbind,
    Unlock,
    add_to_browser_cookie,
)
from ram_mfa.ceremonies.bind_virtual import ConfirmVirtualDevice, OfferVirtualDevice
from ram_mfa.engine.records import user_key
from ram_mfa.policy.values import DAY, WEEK
from ram_mfa.rules.browser_tokens import MAX_TOKENS, TOKEN_LENGTH, holds_token, new_browser_token, sender_of
from ram_mfa.rules.throttle import recent_wrong_codes
from ram_mfa.testing import AuthenticatorApp
from tests.support.service import DELETE, OTHER_SESSION, ROOT, SESSION, StoreWithHistory

KNOWN = KnownBrowsers()
THIEF = "the session of somebody who knows the password"


def device(service, user="alice"):
    return service.account(user).devices[0]


def counts(service):
    """Return (failures, day of new browsers, day of known ones, unforgiven)."""
    account = service.account("alice")
    return (
        account.devices[0].failures,
        len(account.wrong),
        len(account.browsers.wrong),
        len(account.browsers.unforgiven),
    )


def begin(service, *, browser=None, session=SESSION, mark=None, user="alice"):
    return service.perform(user, BeginLogon(session, browser=browser, password_mark=mark))


def log_on(service, evidence, *, browser=None, session=SESSION, mark=None, user="alice"):
    """Log on in a browser, and return the proof."""
    asked = begin(service, browser=browser, session=session, mark=mark, user=user)
    return service.perform(user, FinishLogon(asked.id, evidence, session=session, browser=browser, password_mark=mark))


def refuse(service, evidence, *, browser=None, session=THIEF, mark=None):
    """Send evidence that is refused, and return the refusal."""
    asked = begin(service, browser=browser, session=session, mark=mark)
    return service.refusal(
        "alice", FinishLogon(asked.id, evidence, session=session, browser=browser, password_mark=mark)
    )


def known_cookie(service, phone, *, mark=None, session=SESSION, cookie=None):
    """Return the cookie of a browser that has just logged on."""
    service.clock.advance(2 * phone.period)
    proof = log_on(service, service.code(phone), session=session, mark=mark)
    assert proof.browser is not None
    return str(add_to_browser_cookie(cookie, proof.browser))


def is_known(service, cookie, *, user="alice", mark=None):
    """Return whether a browser is known, as the account's view and the gate both say."""
    view = service.perform(user, Describe(browser=cookie))
    account, context = service.account(user), service.context(user)
    known = sender_of(cookie, account, context, session=SESSION).token is not None
    assert view.known_browser is known
    return known


def pair(service, phone, *, steps=0):
    return TOTPCodes(phone.codes_at(service.clock() + steps * phone.period))


def wrong_pair(service, phone):
    return TOTPCodes([service.wrong(phone).code] * 2)


def exhaust(service, phone, number):
    """Plant unforgiven wrong codes of a thief."""
    browsers = service.account("alice").browsers
    tags = (b"thie",) * number
    service.plant("alice", browsers=attrs.evolve(browsers, unforgiven=tags, faded_at=service.clock()))


@pytest.fixture
def known(services):
    return services(known_browsers=KNOWN)


class TestTokens:
    def test_form(self, known):
        """A proof of a logon makes a new token of 99 characters; a step-up makes none, and neither does no policy."""
        phone = known.phone("alice")
        first = log_on(known, known.code(phone)).browser
        assert len(first) == TOKEN_LENGTH == 99
        known.clock.advance(30)
        assert log_on(known, known.code(phone), browser=str(first)).browser != first
        known.clock.advance(30)
        asked = known.ask("alice", operation=DELETE)
        proof = known.perform("alice", FinishStepUp(asked.id, known.code(phone), operation=DELETE, session=SESSION))
        assert proof.browser is None

    def test_off(self, service):
        """Without the policy's value nothing is made, asked or admitted, and two codes at once are no evidence."""
        phone = service.phone("alice")
        proof = log_on(service, service.code(phone), browser="x" * 99)
        assert proof.browser is None
        assert service.refusal("alice", AdmitBrowser(ROOT)).reason is Reason.NOT_AUTHORISED
        with service.unchanged():
            assert refuse(service, pair(service, phone, steps=1)).reason is Reason.WRONG_EVIDENCE

    def test_an_enrolment_makes_one(self, services):
        """A bind at logon is the proof of that logon, and makes its browser a known one."""
        service = services(known_browsers=KNOWN, requirement=Requirement.EVERYBODY)
        service.phone("alice")
        service.perform("alice", Unbind(by=ROOT))
        must = begin(service)
        by = Enrolment(must.id, session=SESSION)
        offer = service.perform("alice", OfferVirtualDevice(by, account_name="alice", session=SESSION))
        phone = AuthenticatorApp.scan(offer.key_uri)
        code = phone.code_at(service.clock())
        bound = service.perform("alice", ConfirmVirtualDevice([code], offer=offer.id, by=by, session=SESSION))
        assert is_known(service, bound.proof.browser)

    def test_the_jar(self, known):
        """One cookie holds sixteen users' tokens, one of each; of seventeen tokens none counts."""
        phone, jar = known.phone("alice"), None
        first = known_cookie(known, phone)
        for number in range(MAX_TOKENS - 1):
            user = f"user {number}"
            proof = log_on(known, known.code(known.phone(user)), user=user)
            jar = add_to_browser_cookie(jar, proof.browser)
        jar = add_to_browser_cookie(jar, first)
        assert jar.count(".") == MAX_TOKENS - 1
        assert is_known(known, jar)
        assert is_known(known, jar, user="user 0")
        again = known_cookie(known, phone, cookie=jar)
        assert again.count(".") == MAX_TOKENS - 1
        assert first not in again
        assert not is_known(known, f"{jar}.{first}")

    @pytest.mark.parametrize("cookie", ["", "x", "." * 50, "A" * 99, "+" * 99, "é" * 99, "A" * 5_000])
    def test_rubbish(self, known, cookie):
        """Whatever is not a token makes an unknown browser, and no error; the helper drops nothing valid for it."""
        phone = known.phone("alice")
        token = known_cookie(known, phone)
        assert not is_known(known, cookie)
        assert is_known(known, add_to_browser_cookie(cookie, token))
        known.clock.advance(30)
        assert log_on(known, known.code(phone), browser=cookie).user == "alice"

    def test_of_another_user_tenant_or_key(self, known):
        """A token is its user's, in its tenant, under its store's key."""
        phone = known.phone("alice")
        cookie = known_cookie(known, phone)
        known.phone("bob")
        assert not is_known(known, cookie, user="bob")
        account, context = known.account("alice"), known.context("alice")
        elsewhere = attrs.evolve(context, key=user_key("tenant", "alice"))
        assert holds_token(cookie, context)
        assert not holds_token(cookie, elsewhere)
        assert not holds_token(None, context)
        token = new_browser_token(account, elsewhere, lifetime=600)
        assert not is_known(known, token)
        known.run(known.mfa.renew_tickets())
        assert not is_known(known, cookie)

    def test_altered(self, known):
        """No character of a token can be another."""
        cookie = known_cookie(known, known.phone("alice"))
        for at in range(TOKEN_LENGTH):
            other = "A" if cookie[at] != "A" else "B"
            assert not is_known(known, cookie[:at] + other + cookie[at + 1 :])

    def test_a_ticket_is_none(self, known):
        """A ticket or receipt is no token, and a token no ticket."""
        phone = known.phone("alice")
        asked = begin(known)
        for text in (str(asked.id), str(asked.id)[:99], str(asked.logon)):
            assert not is_known(known, text)
        cookie = known_cookie(known, phone)
        finish = FinishLogon(cookie, known.code(phone, steps=1), session=SESSION)
        assert known.refusal("alice", finish).reason is Reason.FOREIGN_TICKET

    def test_times(self, known):
        """It ends after 90 days, does not count before its time, and a shorter policy shortens it."""
        phone = known.phone("alice")
        cookie = known_cookie(known, phone)
        made = known.clock()
        known.clock.set(made - 61)
        assert not is_known(known, cookie)
        known.clock.set(made - 59)
        assert is_known(known, cookie)
        known.clock.set(made + 90 * DAY - 1)
        assert is_known(known, cookie)
        known.clock.set(made + 90 * DAY)
        assert not is_known(known, cookie)
        account = known.account("alice")
        shorter = MFAPolicy.ram(issuer="Example", known_browsers=KnownBrowsers(lifetime=DAY))
        lowered = known.context("alice", policy=shorter, now=made + DAY - 1)
        assert sender_of(cookie, account, lowered, session=SESSION).token
        lowered = attrs.evolve(lowered, now=made + DAY)
        assert sender_of(cookie, account, lowered, session=SESSION).token is None
        assert holds_token(cookie, lowered)
        assert not holds_token(cookie, known.context("alice", now=made + 90 * DAY))
        assert not holds_token(cookie, known.context("alice", policy=MFAPolicy.ram(issuer="Example")))

    def test_of_another_mark(self, known):
        """A token is bound to the password mark of its logon, with the finish's mark and with the record's."""
        phone = known.phone("alice")
        cookie = known_cookie(known, phone, mark="one")
        assert is_known(known, cookie)
        exhaust(known, phone, 60)
        assert begin(known, browser=cookie, mark="one").codes == begin(known, browser=cookie).codes == 1
        assert begin(known, browser=cookie, mark="two").codes == 2

    @pytest.mark.parametrize(
        "verb",
        [PasswordChanged(), ResetMFA(ROOT), Unbind(by=ROOT), ForgetMachines(ROOT)],
        ids=lambda verb: type(verb).__name__,
    )
    def test_end(self, known, verb):
        """A new password, a reset, an administrator's unbind and forgotten machines make every browser a new one."""
        cookie = known_cookie(known, known.phone("alice"))
        known.perform("alice", verb)
        assert not is_known(known, cookie)

    def test_stay(self, services):
        """An owner's bind and a lost history leave a browser known: a spare device costs nobody anything."""
        service = services(known_browsers=KNOWN, devices=DevicePolicy(max_devices=2), store=StoreWithHistory())
        phone = service.phone("alice")
        cookie = known_cookie(service, phone)
        owner = service.owner("alice", phone, Operation.BIND)
        offer = service.perform("alice", OfferVirtualDevice(owner, account_name="alice", session=SESSION))
        spare = AuthenticatorApp.scan(offer.key_uri)
        service.perform(
            "alice",
            ConfirmVirtualDevice([spare.code_at(service.clock())], offer=offer.id, by=owner, session=SESSION),
        )
        assert is_known(service, cookie)
        service.store.history = "2"
        assert is_known(service, cookie)
        service.run(service.mfa.declare_restored())
        assert is_known(service, cookie)

    def test_an_owner_s_unbind(self, known):
        """An owner's unbind leaves the browser known and the wrong codes unforgiven."""
        phone = known.phone("alice")
        cookie = known_cookie(known, phone)
        refuse(known, known.wrong(phone))
        known.perform("alice", Unbind(by=known.owner("alice", phone, Operation.UNBIND, session=OTHER_SESSION)))
        assert is_known(known, cookie)
        assert known.perform("alice", Describe()).unforgiven == 1

    def test_disabling_ends_them(self, known):
        """A device that is disabled makes every browser a new one."""
        phone = known.phone("alice")
        cookie = known_cookie(known, phone)
        known.plant("alice", devices=(attrs.evolve(device(known), failures=99),))
        assert refuse(known, known.wrong(phone), browser=cookie).reason is Reason.DEVICE_DISABLED
        assert not is_known(known, cookie)
        assert known.events(EventType.DEVICE_DISABLED)


class TestVerbs:
    @pytest.mark.parametrize(
        "verb",
        [
            BeginLogon(SESSION, browser="cookie"),
            ResumeLogon("ticket", session=SESSION, browser="cookie"),
            FinishLogon("ticket", TOTPCode("000000"), session=SESSION, browser="cookie"),
            BeginStepUp(DELETE, session=SESSION, browser="cookie"),
            FinishStepUp("ticket", TOTPCode("000000"), operation=DELETE, session=SESSION, browser="cookie"),
        ],
        ids=lambda verb: type(verb).__name__,
    )
    def test_show_their_cookie(self, verb):
        """Every begin and finish shows the driver the cookie it came with, by which its queue is chosen."""
        assert verb.browser_cookie == "cookie"
        assert "cookie" not in repr(verb)
        assert Describe(browser="cookie").browser_cookie is None


class TestGates:
    @pytest.mark.requirement("B25")
    def test_the_owner_gets_in(self, known):
        """While a thief has closed the gate of new browsers, a known one logs on, resumes and steps up."""
        phone = known.phone("alice")
        cookie = known_cookie(known, phone)
        for _ in range(5):
            refuse(known, known.wrong(phone))
        known.clock.advance(60)
        closed = begin(known)
        assert closed.retry_after is None
        for _ in range(15):
            known.clock.advance(3_600)
            refuse(known, known.wrong(phone))
        assert counts(known) == (20, 20, 0, 20)
        assert begin(known).retry_after > 3_600
        assert refuse(known, known.code(phone)).reason is Reason.THROTTLED
        asked = begin(known, browser=cookie)
        assert (asked.retry_after, asked.codes) == (None, 1)
        resumed = known.perform("alice", ResumeLogon(asked.logon, session=SESSION, browser=cookie))
        assert (resumed.retry_after, resumed.codes) == (None, 1)
        step_up = known.perform("alice", BeginStepUp(DELETE, session=SESSION, browser=cookie))
        assert step_up.retry_after is None
        finish = FinishStepUp(step_up.id, known.code(phone), operation=DELETE, session=SESSION, browser=cookie)
        assert known.perform("alice", finish).user == "alice"
        assert counts(known) == (0, 20, 0, 20)
        assert known.perform("alice", Describe()).unforgiven == 20

    def test_a_step_up_without_the_cookie(self, known):
        """A step-up that leaves out ``browser`` is a new browser's."""
        phone = known.phone("alice")
        known_cookie(known, phone)
        known.plant("alice", devices=(attrs.evolve(device(known), closed_until=known.clock() + 60),))
        asked = known.perform("alice", BeginStepUp(DELETE, session=SESSION))
        assert asked.retry_after == 60
        known.clock.advance(30)
        finish = FinishStepUp(asked.id, known.code(phone), operation=DELETE, session=SESSION)
        assert known.refusal("alice", finish).reason is Reason.THROTTLED

    def test_three_wrong_codes_of_one_token(self, known):
        """A known browser has no delays, and three wrong codes in 24 hours; then it is as a new one, and not before."""
        phone = known.phone("alice")
        cookie = known_cookie(known, phone)
        for turn in range(3):
            refusal = refuse(known, known.wrong(phone), browser=cookie, session=SESSION)
            assert (refusal.reason, refusal.retry_after) == (Reason.WRONG_CODE, 0)
            assert counts(known) == (turn + 1, 0, turn + 1, 0)
        refuse(known, known.wrong(phone), browser=cookie, session=SESSION)
        assert counts(known) == (4, 1, 3, 1)
        known.clock.advance(30)
        cookie = str(log_on(known, known.code(phone), browser=cookie).browser)
        assert counts(known) == (0, 1, 3, 0)  # as a new browser, its success forgives its own session's
        refuse(known, known.wrong(phone), browser=cookie)
        assert counts(known) == (1, 1, 4, 0)
        known.clock.advance(DAY)
        refuse(known, known.wrong(phone), browser=cookie)
        assert counts(known) == (2, 1, 1, 0)

    @pytest.mark.requirement("B26")
    def test_twenty_of_all_known_browsers(self, known):
        """All known browsers together have twenty wrong codes in 24 hours."""
        phone = known.phone("alice")
        for _ in range(7):
            cookie = known_cookie(known, phone)
            for _ in range(3):
                refuse(known, known.wrong(phone), browser=cookie)
        assert counts(known)[1:3] == (1, 20)

    @pytest.mark.requirement("B25")
    def test_new_browsers_disable_nothing(self, known):
        """From the eightieth consecutive failure on only a known browser sends codes; only it brings the hundredth."""
        phone = known.phone("alice")
        cookie = known_cookie(known, phone)
        known.plant("alice", devices=(attrs.evolve(device(known), failures=79),))
        refuse(known, known.wrong(phone))
        with known.unchanged():
            for evidence in (known.wrong(phone), known.code(phone, steps=1), wrong_pair(known, phone)):
                assert refuse(known, evidence).reason is Reason.NEW_BROWSERS_CLOSED
        asked = begin(known)
        assert (asked.codes, asked.retry_after) == (0, 0)
        known.clock.advance(30)
        log_on(known, known.code(phone), browser=cookie)
        assert device(known).failures == 0

    def test_an_admitted_browser(self, known):
        """An administrator, or the owner elsewhere, admits one browser for ten minutes: to the known gate only."""
        phone = known.phone("alice")
        known.plant("alice", devices=(attrs.evolve(device(known), failures=80),))
        admitted = known.perform("alice", AdmitBrowser(ROOT))
        (event,) = known.events(EventType.BROWSER_ADMITTED)
        assert event.actor == "administrator root"
        assert admitted.expires_at == known.clock() + 600
        cookie = str(add_to_browser_cookie(None, admitted.token))
        known.clock.advance(599)
        assert is_known(known, cookie)
        known.clock.advance(1)
        assert not is_known(known, cookie)
        cookie = known.perform("alice", AdmitBrowser(ROOT)).token
        assert log_on(known, known.code(phone), browser=cookie).user == "alice"
        owner = known.owner("alice", phone, Operation.ADMIT_BROWSER)
        assert is_known(known, known.perform("alice", AdmitBrowser(owner)).token)
        assert known.refusal("alice", AdmitBrowser(owner)).reason is Reason.BAD_RECEIPT

    def test_admitted_after_a_new_password(self, known):
        """A browser is admitted under the new password's mark, which the record has not seen yet."""
        phone = known.phone("alice")
        known_cookie(known, phone, mark="old")
        known.perform("alice", PasswordChanged())
        known.plant("alice", devices=(attrs.evolve(device(known), failures=80),))
        known.clock.advance(30)
        cookie = known.perform("alice", AdmitBrowser(ROOT, password_mark="new")).token
        assert log_on(known, known.code(phone), browser=cookie, mark="new").user == "alice"

    def test_resynchronisation(self, known):
        """An authorised actor resynchronises at the known gate; a fourth wrong try is a new browser's, of two codes."""
        phone = known.phone("alice")
        known.plant("alice", devices=(attrs.evolve(device(known), failures=80),))
        wrong = [known.wrong(phone).code] * 2
        for _ in range(3):
            assert known.refusal("alice", ResyncVirtualDevice(codes=wrong, by=ROOT)).reason is Reason.WRONG_CODE
        assert counts(known) == (83, 0, 3, 0)
        refusal = known.refusal("alice", ResyncVirtualDevice(codes=wrong, by=ROOT))
        assert refusal.reason is Reason.NEW_BROWSERS_CLOSED
        known.plant("alice", devices=(attrs.evolve(device(known), failures=3),))
        assert known.refusal("alice", ResyncVirtualDevice(codes=wrong, by=ROOT)).reason is Reason.WRONG_CODE
        assert counts(known) == (4, 0, 3, 0)
        right = phone.codes_at(known.clock() + 30)
        known.perform("alice", ResyncVirtualDevice(codes=right, by=ROOT))

    def test_switched_off(self, services):
        """Where the policy is switched off, the codes of known browsers count in the day's budget of all."""
        policies = [MFAPolicy.ram(issuer="Example", known_browsers=KNOWN)]
        service = services(policy=lambda: policies[0])
        phone = service.phone("alice")
        cookie = known_cookie(service, phone)
        for _ in range(3):
            refuse(service, service.wrong(phone), browser=cookie)
        policies[0] = MFAPolicy.ram(issuer="Example", throttle=ThrottlePolicy(max_per_day=3))
        assert refuse(service, service.code(phone), browser=cookie).reason is Reason.THROTTLED


class TestTwoCodes:
    def test_are_asked_of_new_browsers(self, known):
        """From sixty unforgiven wrong codes on, a new browser sends two consecutive codes, a known one still one."""
        phone = known.phone("alice")
        cookie = known_cookie(known, phone)
        exhaust(known, phone, 60)
        known.clock.advance(30)
        assert begin(known).codes == 2
        assert begin(known, browser=cookie).codes == 1
        log_on(known, known.code(phone), browser=cookie)
        known.clock.advance(60)
        proof = log_on(known, pair(known, phone), session=OTHER_SESSION)
        assert proof.user == "alice"
        used = device(known)
        assert used.last_step == used.accepted[-1] == used.accepted[-2] + 1
        assert counts(known)[3] == 60

    @pytest.mark.requirement("B26")
    def test_a_single_code_is_no_oracle(self, known):
        """A single code is answered alike, right, spent or wrong: nothing is compared, counted or written."""
        phone = known.phone("alice")
        known_cookie(known, phone)
        exhaust(known, phone, 60)
        with known.unchanged():
            for evidence in (known.code(phone, steps=1), known.code(phone), known.wrong(phone), TOTPCode("x")):
                refusal = refuse(known, evidence)
                assert (refusal.reason, refusal.retry_after) == (Reason.TWO_CODES_NEEDED, 0)
                assert refusal.next_challenge.codes == 2

    def test_half_a_pair_is_no_oracle(self, known):
        """A pair with one right code is a wrong pair like any other; so is one code, and three."""
        phone = known.phone("alice")
        exhaust(known, phone, 60)
        right, after = phone.codes_at(known.clock())
        bad = known.wrong(phone).code
        for turn, codes in enumerate(([right, bad], [bad, after], [right], [right, after, bad])):
            assert refuse(known, TOTPCodes(codes)).reason is Reason.WRONG_CODE
            assert counts(known) == (turn + 1, 0, 0, 60)

    @pytest.mark.requirement("B25")
    def test_wrong_pairs(self, known):
        """Wrong pairs count as failures only, with delays, and no success of a new browser forgives what they do not
        add; at eighty the gate closes.
        """
        phone = known.phone("alice")
        exhaust(known, phone, 60)
        for _ in range(5):
            refusal = refuse(known, wrong_pair(known, phone))
        assert refusal.retry_after == 30
        assert counts(known) == (5, 0, 0, 60)
        known.plant("alice", devices=(attrs.evolve(device(known), failures=79, closed_until=0),))
        refuse(known, wrong_pair(known, phone))
        assert refuse(known, wrong_pair(known, phone)).reason is Reason.NEW_BROWSERS_CLOSED
        assert device(known).disabled_at is None

    def test_a_spent_pair(self, known):
        """Two codes of which one is spent do not pass, and are not counted; a double click is recognised."""
        phone = known.phone("alice")
        exhaust(known, phone, 60)
        known.clock.advance(60)
        asked = begin(known)
        sent = pair(known, phone)
        finish = FinishLogon(asked.id, sent, session=SESSION)
        known.perform("alice", finish)
        assert known.refusal("alice", finish).reason is Reason.ALREADY_SENT
        with known.unchanged():
            assert refuse(known, sent).reason is Reason.REPLAYED_CODE
            known.clock.advance(30)
            assert refuse(known, pair(known, phone)).reason is Reason.REPLAYED_CODE
        known.plant("alice", devices=(attrs.evolve(device(known), last_step=-1, floor=-1),))
        assert refuse(known, sent).reason is Reason.REPLAYED_CODE
        future = attrs.evolve(device(known), last_step=10**8, accepted=(10**8,))
        known.plant("alice", devices=(future,))
        known.clock.advance(60)
        assert refuse(known, pair(known, phone)).reason is Reason.RESYNC_NEEDED

    def test_a_pair_where_one_is_asked(self, known):
        """Two codes pass where one is asked too: what was asked may have changed since the begin."""
        phone = known.phone("alice")
        cookie = known_cookie(known, phone)
        known.clock.advance(60)
        assert log_on(known, pair(known, phone)).user == "alice"
        refuse(known, wrong_pair(known, phone), browser=cookie)
        assert counts(known) == (1, 0, 1, 0)

    def test_close(self, services):
        """CLOSE: new browsers send nothing until one wrong code is forgiven for its age."""
        service = services(known_browsers=KnownBrowsers(beyond=NewBrowserRule.CLOSE))
        phone = service.phone("alice")
        exhaust(service, phone, 60)
        with service.unchanged():
            refusal = refuse(service, service.code(phone))
        assert (refusal.reason, refusal.retry_after) == (Reason.NEW_BROWSERS_CLOSED, WEEK)
        assert begin(service).codes == 0
        service.clock.advance(WEEK)
        assert log_on(service, service.code(phone)).user == "alice"

    def test_disable(self, services):
        """DISABLE: the sixtieth unforgiven wrong code disables the device."""
        service = services(known_browsers=KnownBrowsers(beyond=NewBrowserRule.DISABLE))
        phone = service.phone("alice")
        exhaust(service, phone, 58)
        assert refuse(service, service.wrong(phone)).reason is Reason.WRONG_CODE
        assert refuse(service, service.wrong(phone)).reason is Reason.DEVICE_DISABLED


class TestForgiveness:
    @pytest.mark.requirement("B26")
    def test_a_new_browser_forgives_its_own_session(self, known):
        """A new browser's success forgives the wrong codes of its session only; a known one's forgives none."""
        phone = known.phone("alice")
        cookie = known_cookie(known, phone)
        for session in (THIEF, SESSION, THIEF, SESSION):
            refuse(known, known.wrong(phone), session=session)
        known.clock.advance(30)
        log_on(known, known.code(phone), browser=cookie)
        assert counts(known) == (0, 4, 0, 4)
        known.clock.advance(30)
        log_on(known, known.code(phone))
        assert counts(known) == (0, 4, 0, 2)

    @pytest.mark.parametrize("verb", [PasswordChanged(), ResetMFA(ROOT), Unbind(by=ROOT), Unlock(ROOT)])
    def test_all(self, known, verb):
        """A new password, a reset, an administrator's unbind and an unlock forgive all of them."""
        known.phone("alice")
        exhaust(known, None, 60)
        known.perform("alice", verb)
        assert known.perform("alice", Describe()).unforgiven == 0

    def test_a_new_bind(self, services):
        """A new bind forgives."""
        service = services(known_browsers=KNOWN, devices=DevicePolicy(max_devices=2))
        service.phone("alice")
        exhaust(service, None, 60)
        service.phone("alice")
        assert service.perform("alice", Describe()).unforgiven == 0

    def test_one_fades_a_week(self, known):
        """One is forgiven a week, whether the record is written meanwhile or not; a clock ahead stops no fading."""
        phone = known.phone("alice")
        exhaust(known, phone, 6)
        started = known.clock()
        for weeks in range(7):
            known.clock.set(started + weeks * WEEK)
            assert known.perform("alice", Describe()).unforgiven == 6 - weeks
        known.clock.set(started + 3 * WEEK)
        refuse(known, known.wrong(phone))
        assert counts(known)[3] == 4
        assert known.account("alice").browsers.faded_at == started + 3 * WEEK
        browsers = known.account("alice").browsers
        known.plant("alice", browsers=attrs.evolve(browsers, faded_at=known.clock() + 400 * DAY))
        refuse(known, known.wrong(phone))
        assert known.account("alice").browsers.faded_at == known.clock()

    def test_a_clock_ahead(self, known):
        """Wrong codes of known browsers that a clock dated far ahead do not count; those up to a day ahead do."""
        phone = known.phone("alice")
        cookie = known_cookie(known, phone)
        for _ in range(3):
            refuse(known, known.wrong(phone), browser=cookie)
        browsers = known.account("alice").browsers
        for ahead, number in ((2 * DAY, 1), (DAY, 3)):
            wrong = tuple(attrs.evolve(one, at=known.clock() + ahead) for one in browsers.wrong)
            known.plant("alice", browsers=attrs.evolve(browsers, wrong=wrong))
            refuse(known, known.wrong(phone), browser=cookie)
            assert counts(known)[2] == number

    @pytest.mark.parametrize(("number", "limit"), [(5, 60), (3, 3)])
    def test_notices(self, services, number, limit):
        """At five unforgiven wrong codes, and where two codes begin, an event says that the password may be known."""
        service = services(known_browsers=KnownBrowsers(max_unforgiven=limit), outbox=2)
        phone = service.phone("alice")
        for _ in range(number):
            assert not service.events(EventType.PASSWORD_SUSPECTED)
            refuse(service, service.wrong(phone))
        (event,) = service.events(EventType.PASSWORD_SUSPECTED)
        assert event.detail == f"{number} wrong codes of new browsers"

    def test_a_full_outbox(self, services):
        """A full outbox neither leaves a wrong code uncounted nor drops the notice."""
        service = services(known_browsers=KNOWN, outbox=2)
        phone = service.phone("alice")
        for number in range(5):
            refuse(service, service.wrong(phone))
            assert counts(service)[3] == number + 1
        assert EventType.PASSWORD_SUSPECTED in {event.type for event in service.account("alice").outbox}

    def test_a_lowered_policy(self, services):
        """A lowered limit takes effect at once, on what is counted already."""
        policies = [MFAPolicy.ram(issuer="Example", known_browsers=KNOWN)]
        service = services(policy=lambda: policies[0])
        phone = service.phone("alice")
        for _ in range(4):
            refuse(service, service.wrong(phone))
        policies[0] = MFAPolicy.ram(issuer="Example", known_browsers=KnownBrowsers(max_unforgiven=4))
        assert begin(service).codes == 2
        lowered = KnownBrowsers(closes_at=4)
        policies[0] = MFAPolicy.ram(issuer="Example", known_browsers=lowered)
        assert refuse(service, service.code(phone)).reason is Reason.NEW_BROWSERS_CLOSED


class TestNewMarks:
    @pytest.mark.requirement("B26")
    def test_clear_the_day_once(self, known):
        """However often the password mark changes, new browsers have the day's codes twice in 24 hours at the most."""
        phone = known.phone("alice")
        known_cookie(known, phone, mark="first")
        verified = 0
        for turn in range(60):
            known.plant("alice", devices=(attrs.evolve(device(known), failures=0, closed_until=0),))
            refusal = refuse(known, known.wrong(phone), mark=f"mark {turn // 10}")
            verified += refusal.reason is Reason.WRONG_CODE
            known.clock.advance(60)
        account = known.account("alice")
        assert verified <= 40
        assert len(recent_wrong_codes(account, known.context("alice"))) == 20

    def test_a_clock_that_was_ahead(self, known):
        """A clearing dated more than a day ahead does not count; one within a day does, so the bound holds."""
        phone = known.phone("alice")
        known_cookie(known, phone, mark="first")
        for number, (ahead, left) in enumerate(((2 * DAY, 1), (DAY, 3))):
            refuse(known, known.wrong(phone), mark=f"mark {number - 1}")
            browsers = known.account("alice").browsers
            known.plant("alice", browsers=attrs.evolve(browsers, cleared_at=known.clock() + ahead))
            refuse(known, known.wrong(phone), mark=f"mark {number}")
            assert counts(known)[1] == left

    def test_an_unlock_is_one_of_them(self, known):
        """An unlock clears the day within the same bound; what it has nothing to do for is refused."""
        phone = known.phone("alice")
        assert known.refusal("alice", Unlock(ROOT)).reason is Reason.NOTHING_TO_DO
        for left in (0, 5):
            for _ in range(5):
                refuse(known, known.wrong(phone))
            assert refuse(known, known.code(phone)).reason is Reason.THROTTLED
            known.perform("alice", Unlock(ROOT))
            account = known.account("alice")
            assert (len(account.wrong), account.browsers.unforgiven, account.devices[0].closed_until) == (left, (), 0)
            known.clock.advance(1)
            if left:
                break
            known.clock.advance(3_600)
            known.plant("alice", devices=(attrs.evolve(device(known), failures=0),))
        assert known.events(EventType.UNLOCKED)
        known.clock.advance(30)
        assert log_on(known, known.code(phone)).user == "alice"

    def test_an_unlock_by_the_owner(self, service):
        """Without known browsers an unlock ends the delay and clears the day; a security key has none."""
        phone = service.phone("alice")
        owner = service.owner("alice", phone, Operation.UNLOCK)
        for _ in range(5):
            refuse(service, service.wrong(phone))
        service.perform("alice", Unlock(owner))
        account = service.account("alice")
        assert (account.wrong, account.devices[0].closed_until) == ((), 0)
        service.key("bob")
        assert service.refusal("bob", Unlock(ROOT)).reason is Reason.NOTHING_TO_DO
