# SPDX-License-Identifier: Apache-2.0
"""The logged-on session: whether it has ended meanwhile, and its end."""

from __future__ import annotations

from .._secret import SecretText
from ..ceremonies import CheckSession
from ..errors import MalformedMessage
from ..refusals import Refused, Ticket
from .flow import Flow, perform
from .state import State
from .values import LoggedOn, WebRequest, WebResponse
from .visit import Visit


def check_session(request: WebRequest) -> Flow[str | None]:
    """Return who is logged on, or None where nobody is or the session has ended.

    Raises:
        MFAError: the store failed; then nobody is known to be logged on.
    """
    if request.user is None or request.session_mark is None:
        return None
    try:
        yield from perform(request.user, CheckSession(request.session_mark))
    except Refused:
        return None
    return request.user


def log_out(visit: Visit) -> WebResponse:
    """Return the response that ends everything of this browser but its remembered machines.

    The application ends its own session with it. Tickets and receipts of the browser end with its string.
    """
    visit.state = State(machines=visit.state.machines)
    return visit.see(visit.settings.logon_url, headers=(("Clear-Site-Data", '"cache"'),))


def renewed_mark(user: str, session_mark: str | None) -> LoggedOn | None:
    """Return the new mark of a session whose owner changed their devices, or None where it did not change."""
    return None if session_mark is None else LoggedOn(user, SecretText(session_mark), None, renewed=True)


def first_factor(visit: Visit, user: str) -> str | None:
    """Return the first-factor ticket that this browser still has of a user, or None."""
    ticket = visit.state.logon
    try:
        return ticket if ticket is not None and Ticket(ticket).user == user else None
    except MalformedMessage:
        return None
