# SPDX-License-Identifier: Apache-2.0
"""Resumption of a logon by its first-factor ticket, so that its page can be loaded again without the password.

It takes no machine, and its outcome never admits anybody: only the password's own `BeginLogon` and a proof do that.
"""

from __future__ import annotations

import attrs

from .._secret import SecretText
from ..account import Account, expires_at
from ..context import Context
from ..refusals import Challenge, Reason, Ticket
from ..rules import fields
from ..rules.admission import MustBind
from ..rules.first_factor import open_first_factor
from ..rules.logon_stages import second_factor, why_not_required
from ..rules.password_marks import digest_of, is_password_mark
from ..rules.verb import Transition, Verb, refused


@attrs.frozen
class ResumeLogon(Verb[MustBind | Challenge]):
    """Ask again for what a logon still needs. Writes nothing.

    The outcome expires no later than the ticket: one password check is valid for ten minutes in all. Where MFA is no
    longer required of the user, the refusal is `Reason.NOT_REQUIRED`, and the logon starts over with the password.

    Attributes:
        ticket: `Challenge.logon` or `MustBind.logon`, as the browser sent it.
        session: the same as at the begin.
        password_mark: the user's mark now; the ticket is foreign unless it is the same as at the begin.
        browser: the browser cookie as the browser sent it, or None.
    """

    ticket: SecretText = attrs.field(converter=fields.as_typed, repr=False)
    session: str = attrs.field(kw_only=True, repr=False, validator=fields.is_session)
    password_mark: str | None = attrs.field(default=None, kw_only=True, repr=False, validator=is_password_mark)
    browser: str | None = attrs.field(default=None, kw_only=True, repr=False, validator=fields.is_optional_text)

    @property
    def browser_cookie(self) -> str | None:
        """The browser cookie that it was sent with."""
        return self.browser

    def __call__(self, account: Account | None, context: Context) -> Transition[MustBind | Challenge]:
        """Return the same account, and a challenge or the right to bind."""
        mark = digest_of(self.password_mark)
        opened = open_first_factor(self.ticket, account, context, session=self.session, mark=mark)
        if isinstance(opened, Reason):
            return refused(account, context, opened)
        if why_not_required(account, context) is not None:
            return refused(account, context, Reason.NOT_REQUIRED)
        until, logon = expires_at(opened.stamp), Ticket(str(self.ticket))
        stage = second_factor(
            account, context, session=self.session, mark=mark, logon=logon, until=until, browser=self.browser
        )
        return refused(account, context, stage) if isinstance(stage, Reason) else Transition(account, stage)
