# SPDX-License-Identifier: Apache-2.0
"""A sabotaged site for each promise of the kit: careless applications, and adapters with one rule taken away.

Each function breaks its promises on the parts of `tests.support.kit_site`, or by pytest's monkeypatch, and may
return the parts of the second worker.
"""

from __future__ import annotations

import json

import attrs
from flask import redirect, request, session
from jinja2 import Environment

from ram_mfa import Advice, BeginLogon, Operation, Refused, SpendReceipt, ThrottlePolicy, Ticket
from ram_mfa.integrations import flask as adapter
from ram_mfa.rules.tickets import NOTHING, Purpose
from ram_mfa.rules.verb import Transition
from ram_mfa.web import UserInfo, asking, flows, layout, logon, offers, rendering, state, step_up, values, visit
from tests.support.kit_site import Parts

SABOTAGES = {}


def breaks(*names):
    """Mark a function as what breaks promises."""

    def mark(function):
        for name in names:
            SABOTAGES[name] = function
        return function

    return mark


def trust_session(parts):
    """Let the application believe its session, without the mark."""
    parts.user = lambda site: session.get("user")


# The application


@breaks("logon.password_alone_opens_nothing")
def log_on_with_the_password(parts, patch):
    trust_session(parts)
    parts.require = lambda site, subject: None

    def after_password(site, name, following):
        response = site.logon(name, following)
        session["user"] = name
        return response

    parts.after_password = after_password


@breaks("logon.forced_bind_is_not_passed_by")
def log_on_by_head(parts, patch):
    trust_session(parts)

    def finish(app):
        @app.before_request
        def pending_user():
            ticket = request.cookies.get("__Host-mfa_logon", "").partition(".")[0]
            if request.method == "HEAD" and ticket:
                session["user"] = Ticket(ticket).user

    parts.finish = finish


@breaks("logon.virtual_device_binds_and_logs_on", "browsers.two_tabs_do_not_disturb_each_other")
def log_nobody_on(parts, patch):
    parts.log_on = lambda logged_on: None


@breaks("logon.unknown_user_looks_like_a_wrong_password")
def tell_unknown_users(parts, patch):
    parts.wrong = lambda name: ("Wrong password." if name in parts.users else "No such user.", 403)


@breaks("browsers.planted_session_is_worth_nothing", "browsers.earlier_user_is_gone")
def keep_the_session_id(parts, patch):
    sessions = {}

    def finish(app):
        @app.before_request
        def find():
            request.sid = request.cookies.get("sid") or f"sid{len(sessions)}x{id(request)}"

        @app.after_request
        def keep(response):
            if "sid" not in request.cookies:
                response.set_cookie("sid", request.sid, secure=True)
            return response

    def log_on(logged_on):
        sessions.setdefault(request.sid, (logged_on.user, str(logged_on.session_mark)))

    parts.finish, parts.log_on = finish, log_on
    parts.session = lambda: sessions.get(request.sid, (None, None))


@breaks("browsers.late_submit_changes_nothing")
def end_the_session_at_a_late_submit(parts, patch):
    def finish(app):
        @app.before_request
        def late():
            if request.method == "POST" and request.path == "/mfa/logon" and "__Host-mfa_logon" not in request.cookies:
                session.clear()

    parts.finish = finish


@breaks("browsers.log_out_ends_everything")
def log_nobody_out(parts, patch):
    parts.log_out = lambda site: redirect("/logon")


@breaks("browsers.workers_go_on_with_each_other")
def give_each_worker_its_own_store(parts, patch):
    return Parts()


@breaks(
    "remember.not_for_another_user",
    "remember.ends_with_a_reset",
    "remember.ends_after_seven_days",
)
def trust_any_machine_cookie(parts, patch):
    trust_session(parts)

    def after_password(site, name, following):
        response = site.logon(name, following)
        if request.cookies.get("__Host-mfa_machines"):
            session["user"] = name
            return redirect("/", 303)
        return response

    parts.after_password = after_password


@breaks("remember.ends_with_the_password", "endings.new_password_ends_pending_logons")
def have_one_mark_for_all_passwords(parts, patch):
    parts.load_user = lambda name: UserInfo("constant", f"{name}@example", name == "root")


@breaks("remember.never_for_a_step_up")
def take_a_machine_for_a_step_up(parts, patch):
    require = parts.require
    parts.require = lambda site, subject: request.cookies.get("__Host-mfa_machines") or require(site, subject)


@breaks("step_up.asks_and_then_does")
def ask_nobody(parts, patch):
    parts.require = lambda site, subject: None


@breaks("step_up.asks_each_time")
def ask_once(parts, patch):
    require = parts.require

    def once(site, subject):
        if not session.get("proved"):
            require(site, subject)
        session["proved"] = True

    parts.require = once


@breaks("step_up.wrong_code_does_nothing")
def swallow_exceptions(parts, patch):
    require = parts.require

    def swallowing(site, subject):
        try:
            require(site, subject)
        except adapter.AnswerFirst:
            if "mfa_code" not in request.form:
                raise

    parts.require = swallowing


@breaks("step_up.other_subject_is_refused")
def forget_the_subject(parts, patch):
    parts.require = lambda site, subject: site.require(Operation("thing.do"))


@breaks("endings.unbind_ends_other_sessions", "endings.reset_ends_sessions")
def forget_the_mark(parts, patch):
    trust_session(parts)


@breaks("endings.administrators_page_is_theirs", "endings.unknown_users_page_looks_the_same")
def make_everybody_an_administrator(parts, patch):
    load_user = parts.load_user
    parts.load_user = lambda name: (info := load_user(name)) and attrs.evolve(info, administrator=True)


@breaks("wire.pages_have_their_headers")
def drop_headers(parts, patch):
    def finish(app):
        @app.after_request
        def drop(response):
            response.headers.pop("Content-Security-Policy", None)
            return response

    parts.finish = finish


@breaks("wire.other_origins_may_not_read")
def let_everybody_read(parts, patch):
    def finish(app):
        @app.after_request
        def allow(response):
            response.headers["Access-Control-Allow-Origin"] = request.headers.get("Origin", "*")
            return response

    parts.finish = finish


@breaks("wire.no_secret_is_in_a_url")
def put_the_browser_string_into_urls(parts, patch):
    def finish(app):
        @app.after_request
        def tell(response):
            if response.status_code == 303 and "__Host-mfa" in request.cookies:
                response.headers["Location"] += f"?browser={request.cookies['__Host-mfa']}"
            return response

    parts.finish = finish


# The policy


@breaks("logon.guesses_are_slowed")
def slow_nobody(parts, patch):
    policy = attrs.evolve(parts.mfa.policy, throttle=ThrottlePolicy(free_attempts=19))
    parts.mfa._engine.policy = lambda: policy


# The adapter


@breaks("logon.security_key_binds_and_logs_on")
def lose_the_answer_of_a_key(parts, patch):
    patch.setattr(offers, "ANSWER", "answer")


@breaks("logon.reload_and_wrong_code_keep_the_offer")
def renew_each_offer(parts, patch):
    page = logon.offer_page
    patch.setattr(logon, "offer_page", lambda *args, **named: page(*args, **{**named, "renew": True}))


@breaks("logon.wrong_code_is_shown")
def answer_a_wrong_code_with_200(parts, patch):
    patch.setitem(visit._STATUS, Advice.RETYPE, 200)


@breaks("logon.code_passes_once", "logon.parallel_posts_log_on_once")
def swallow_refusals(parts, patch):
    perform, proofs = logon.perform, {}

    def performed(user, verb):
        try:
            outcome = yield from perform(user, verb)
        except Refused:
            if type(verb).__name__ == "FinishLogon" and user in proofs:
                return proofs[user]
            raise
        if type(verb).__name__ == "FinishLogon":
            proofs[user] = outcome
        return outcome

    patch.setattr(logon, "perform", performed)


@breaks("logon.store_that_is_down_lets_nobody_in")
def raise_what_the_store_raised(parts, patch):
    def refuse(self, error, *, start_over=True):
        raise error

    patch.setattr(visit.Visit, "refuse", refuse)


@breaks("logon.nonsense_is_no_error")
def read_json_without_a_care(parts, patch):
    patch.setattr(adapter, "read_fields", lambda kind, body: tuple(json.loads(body).items()))


@breaks("browsers.ticket_is_of_one_browser", "browsers.browser_string_is_renewed", "step_up.receipt_is_of_one_browser")
def have_one_string_for_all_browsers(parts, patch):
    patch.setattr(logon, "new_session", lambda: "A" * 43)


@breaks("browsers.ticket_is_of_one_user")
def route_by_the_form(parts, patch):
    have_one_string_for_all_browsers(parts, patch)
    pending = logon._pending

    def by_the_form(at):
        ticket = at.request.field(asking.TICKET)
        if ticket:
            return Ticket(ticket).user, parts.load_user(Ticket(ticket).user)
        return (yield from pending(at))

    patch.setattr(logon, "_pending", by_the_form)


@breaks("browsers.ticket_is_of_one_purpose")
def have_one_purpose_for_all_tickets(parts, patch):
    from ram_mfa.ceremonies import logon as logon_verbs
    from ram_mfa.ceremonies import step_up as step_up_verbs
    from ram_mfa.rules import challenges

    have_one_string_for_all_browsers(parts, patch)
    for module in (logon_verbs, step_up_verbs, challenges):
        patch.setattr(module, "purpose_of", lambda operation: Purpose.LOGON, raising=False)
        patch.setattr(module, "subject_of", lambda operation, mark=NOTHING: NOTHING, raising=False)


@breaks("browsers.expired_logon_says_so")
def say_nothing_of_an_expired_logon(parts, patch):
    say = visit.Visit.say
    patch.setattr(visit.Visit, "say", lambda self, key, status, **named: say(self, key, 200, **named))


@breaks("remember.only_if_ticked")
def remember_whoever_logs_on(parts, patch):
    patch.setattr(logon, "REMEMBER", asking.TICKET)


@breaks("remember.skips_the_second_factor")
def forget_the_machine_cookie(parts, patch):
    def begin(*, session, machine, password_mark):
        return BeginLogon(session=session, password_mark=password_mark)

    patch.setattr(logon, "BeginLogon", begin)


@breaks("step_up.fields_come_back")
def carry_nothing(parts, patch):
    patch.setattr(step_up, "_carried", lambda fields: ())


@breaks("step_up.script_gets_a_problem")
def answer_scripts_in_html(parts, patch):
    patch.setattr(values.WebRequest, "wants_json", False)


@breaks("step_up.receipt_passes_once")
def spend_nothing(parts, patch):
    class Unspent(SpendReceipt):
        def __call__(self, account, context):
            transition = super().__call__(account, context)
            return Transition(account, transition.outcome)

    patch.setattr(step_up, "SpendReceipt", Unspent)


@breaks("wire.cookies_have_their_attributes")
def show_cookies_to_scripts(parts, patch):
    header = values.Cookie.header.fget
    patch.setattr(values.Cookie, "header", property(lambda self: header(self).replace("; HttpOnly", "")))


@breaks("wire.other_sites_cannot_post")
def take_every_post(parts, patch):
    patch.setattr(flows, "is_from_here", lambda request, origins: True)


@breaks("wire.siblings_cannot_post")
def take_posts_of_siblings(parts, patch):
    here = flows.is_from_here
    patch.setattr(
        flows, "is_from_here", lambda web, known: web.headers.get("sec-fetch-site") == "same-site" or here(web, known)
    )


@breaks("wire.opaque_origins_cannot_post")
def take_posts_of_opaque_origins(parts, patch):
    here = flows.is_from_here
    patch.setattr(flows, "is_from_here", lambda web, known: web.headers.get("origin") == "null" or here(web, known))


@breaks("wire.changes_need_the_pages_own_form")
def take_forms_without_their_token(parts, patch):
    patch.setattr(visit.Visit, "has_form_token", lambda self, user: True)


@breaks("wire.json_as_text_is_not_read")
def read_text_as_json(parts, patch):
    read = adapter.read_fields
    patch.setattr(
        adapter, "read_fields", lambda kind, body: read("application/json" if kind == "text/plain" else kind, body)
    )


@breaks("wire.next_stays_inside")
def go_anywhere(parts, patch):
    for module in (logon, state):
        patch.setattr(module, "safe_next", lambda url: url)


@breaks("wire.setup_key_is_gone_after_the_bind")
def show_the_last_setup_key(parts, patch):
    lay_out, last = rendering.lay_out, []

    def leaking(page):
        if page.setup is not None:
            last[:] = [page.setup.setup_key]
        return attrs.evolve(lay_out(page), site=f"{page.site} {''.join(last)}")

    patch.setattr(rendering, "lay_out", leaking)


@breaks("wire.hostile_names_are_escaped")
def escape_nothing(parts, patch):
    patch.setattr(rendering.jinja2, "Environment", lambda **named: Environment(**{**named, "autoescape": False}))


@breaks("wire.languages_are_complete")
def speak_english_only(parts, patch):
    choose = visit.choose
    patch.setattr(visit, "choose", lambda tables, chosen, accepted: choose(tables, "en", accepted))


@breaks("wire.codes_work_without_a_script")
def hide_the_code_from_phones(parts, patch):
    field = layout.Field
    patch.setattr(layout, "Field", lambda **named: field(**{**named, "autocomplete": "off"}))
