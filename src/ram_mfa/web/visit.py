# SPDX-License-Identifier: Apache-2.0
"""One visit: a request with the policy, the words and the state in force, and the responses made from them."""

from __future__ import annotations

from typing import Any, Final

import attrs

from .._secret import Unpickled
from ..ceremonies import Operation
from ..errors import MalformedMessage, MFAError, StoreError
from ..mfa import new_session
from ..policy import MFAPolicy
from ..refusals import Advice, Kind, Reason, Refusal, Refused
from .flow import Flow, read_policy
from .forgery import FORM_TOKEN, form_token, has_form_token
from .pages import Message, Page
from .settings import BASE, Route, SiteSettings
from .state import State, changed_cookies, header_state, read_state
from .values import Pairs, WebRequest, WebResponse
from .words import Words, choose

_STATUS: Final = {
    Advice.RETYPE: 422,
    Advice.WAIT: 429,
    Advice.START_OVER: 409,
    Advice.ALREADY_DONE: 409,
    Advice.PROVE_AGAIN: 403,
    Advice.BIND_AGAIN: 403,
    Advice.ASK_ADMINISTRATOR: 403,
    Advice.NOT_ALLOWED: 403,
}
_UNAVAILABLE: Final = {Reason.NO_ROOT, Reason.MOVING, Reason.OUTBOX_FULL, Reason.CLOCK}
"""Refusals that no visitor caused: the site itself is not in order."""

_HEADERS: Final[Pairs] = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    # Never no-referrer: browsers then post "Origin: null" from our own forms.
    ("Referrer-Policy", "same-origin"),
    ("Permissions-Policy", "publickey-credentials-create=(self), publickey-credentials-get=(self)"),
    ("Vary", "Cookie, Accept, Accept-Language, MFA-State"),
)
_FRAMES: Final = "frame-ancestors 'none'; base-uri 'none'"
_STRICT: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    f"form-action 'self'; {_FRAMES}"
)


def status_of(refusal: Refusal) -> int:
    """Return the HTTP status of a refusal."""
    return 503 if refusal.reason in _UNAVAILABLE else _STATUS[refusal.advice]


@attrs.define
class Visit(Unpickled):
    """A request being answered.

    Attributes:
        request: as received.
        settings: of the site.
        policy: in force.
        words: of the visitor's language.
        before: the state as it was received.
        state: the state after the response; flows replace it.
    """

    request: WebRequest
    settings: SiteSettings
    policy: MFAPolicy
    words: Words
    before: State
    state: State

    @property
    def browser(self) -> str:
        """The browser string, made where there is none."""
        if self.state.browser is None:
            self.state = attrs.evolve(self.state, browser=new_session())
        assert self.state.browser is not None
        return self.state.browser

    def change(self, **changes: Any) -> None:
        """Replace parts of the state."""
        self.state = attrs.evolve(self.state, **changes)

    def url(self, route: Route) -> str:
        """Return the URL path of a route."""
        return self.request.urls[route.value]

    # Messages

    def message(self, key: str, *, good: bool = False, **values: object) -> Message:
        """Return a message of the pages themselves."""
        return Message(key.partition(".")[2], self.words.say(key, **values), good=good)

    def refusal_message(self, refusal: Refusal) -> Message:
        """Return the message of a refusal: its reason's own sentence, or its advice's."""
        key = f"reason.{refusal.reason.name.lower()}"
        if key not in self.words:
            key = f"advice.{refusal.advice.name.lower()}"
        wait = self.words.wait(refusal.retry_after)
        return Message(refusal.reason.name.lower(), self.words.say(key, wait=wait), retry_after=refusal.retry_after)

    def operation(self, operation: Operation) -> str:
        """Return an operation in words: the site's own, or its name and subject."""
        key = f"operation.{operation.name}"
        if key in self.words:
            return self.words.say(key, subject=operation.subject or "")
        return operation.name if operation.subject is None else f"{operation.name} {operation.subject}"

    # Pages

    def page(self, step: str, **parts: Any) -> Page:
        """Return a page with the visitor's words and the site's name."""
        parts.setdefault("title", self.words.say(f"title.{step}"))
        return Page(
            step=step,
            words=self.words,
            site=self.settings.name or self.policy.issuer,
            urls=dict(self.request.urls),
            **parts,
        )

    def form_token(self, route: Route, user: str) -> tuple[str, str]:
        """Return the hidden field that ties a form to this browser, a user and a route."""
        return FORM_TOKEN, form_token(self.browser, user, route.value)

    def has_form_token(self, user: str) -> bool:
        """Return whether the request carries that field."""
        return has_form_token(self.request, self.before.browser, user)

    def message_page(self, message: Message, *, start_over: bool = True) -> Page:
        """Return a page that says one thing, with the ways out."""
        home = (self.words.say("link.home"), self.settings.home)
        again = (self.words.say("link.start_over"), self.settings.logon_url)
        return self.page("message", message=message, links=(again,) if start_over else (home,))

    # Responses

    def respond(self, page: Page | None = None, status: int = 200, **parts: Any) -> WebResponse:
        """Return a response with the headers of all of them and the cookies of the changed state."""
        token_client = self.request.token_client
        strict = self.settings.base == BASE
        headers: Pairs = (*_HEADERS, ("Content-Security-Policy", _STRICT if strict else _FRAMES))
        wait = 0.0 if page is None or page.message is None else page.message.retry_after
        if wait and status in {429, 503}:
            headers = (*headers, ("Retry-After", str(max(1, round(wait)))))
        lifetime = int(self.policy.remember.lifetime) if self.policy.remember else 0
        state = header_state(self.state) if token_client else None
        if state is not None:  # in a header too: the body of a logon is the application's own
            headers = (*headers, ("MFA-State", state))
        return WebResponse(
            status=status,
            page=page,
            json=self.request.wants_json,
            cookies=() if token_client else changed_cookies(self.before, self.state, machine_lifetime=lifetime),
            headers=headers + tuple(parts.pop("headers", ())),
            state=state,
            **parts,
        )

    def see(self, url: str, **parts: Any) -> WebResponse:
        """Return a redirect to be fetched with GET; as JSON, the URL in the body."""
        return self.respond(None, 200 if self.request.wants_json else 303, redirect=url, **parts)

    def say(self, key: str, status: int, *, start_over: bool = True) -> WebResponse:
        """Return a page that says one thing."""
        return self.respond(self.message_page(self.message(key), start_over=start_over), status)

    def refuse(self, error: Exception, *, start_over: bool = True) -> WebResponse:
        """Return the page of an error that a verb raised, where no form can be shown again.

        Raises:
            Exception: the error itself, where it is none that a visitor or the store caused.
        """
        if isinstance(error, Refused):
            message = self.refusal_message(error.refusal)
            return self.respond(self.message_page(message, start_over=start_over), status_of(error.refusal))
        if isinstance(error, MalformedMessage):
            return self.say("message.start_over", 409)
        if isinstance(error, MFAError | StoreError):
            return self.say("message.store_down", 503, start_over=False)
        raise error


def visit(request: WebRequest, settings: SiteSettings) -> Flow[Visit]:
    """Return the visit of a request."""
    policy = yield from read_policy()
    words = choose(settings.tables, request.language, request.headers.get("accept-language", ""))
    state = read_state(request)
    return Visit(request, settings, policy, words, state, state)


def origins(settings: SiteSettings, policy: MFAPolicy) -> frozenset[str]:
    """Return the origins whose pages may post to these routes."""
    party = policy.relying_party
    return settings.origins | (frozenset(party.origins) if party else frozenset())


def remember_days(policy: MFAPolicy) -> int:
    """Return for how many days a machine may be remembered, at least 1; 0 where it may not."""
    return max(1, round(policy.remember.lifetime / 86_400)) if policy.remember else 0


def sorted_kinds(kinds: tuple[Kind, ...]) -> tuple[Kind, ...]:
    """Return kinds in the order of `Kind`."""
    return tuple(kind for kind in Kind if kind in kinds)
