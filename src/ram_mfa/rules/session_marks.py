# SPDX-License-Identifier: Apache-2.0
"""Session marks: what an application keeps with a logged-on user, to learn whether that session has ended.

::

    mark = base64url(HMAC-SHA-256(ticket key, label || store key || record (1) || epoch || history))

``record`` is 1 where the user has a record and 0 where not. A mark ends with every change of devices or password,
because each renews the epoch; with an erased, discarded or moved record; with a lost history of the store, because an
epoch renewed in the part that was lost would come back; and with a new ticket key. It names nobody and admits nobody.
"""

from __future__ import annotations

import hmac
from typing import Final

from ..account import NO_EPOCH, Account
from ..context import Context
from ..encoding import base64url
from ..policy import UnknownUsers
from .actors import Actor, Owner

_LABEL: Final = b"ram_mfa session mark\x00"


def session_mark(account: Account | None, context: Context) -> str:
    """Return the mark of a session admitted under the account's epoch: 43 characters.

    Args:
        account: the account as it is stored with the admission; None for a user without a record.
        context: policy, time, entropy and the root record.
    """
    epoch, record = (NO_EPOCH, b"\x00") if account is None else (account.epoch, b"\x01")
    message = _LABEL + context.key.encode() + record + epoch + context.root.history
    return base64url.encode(hmac.digest(context.root.ticket_key, message, "sha256"))


def mark_for(actor: Actor, account: Account, context: Context) -> str | None:
    """Return the mark with which the owner's own session outlives the owner's change; None for any other actor.

    An administrator acts in a session of another user, and an enrolment's proof has a mark of its own.

    Args:
        actor: who made the change, and was authorised.
        account: the account after the change.
        context: policy, time, entropy and the root record.
    """
    return session_mark(account, context) if isinstance(actor, Owner) else None


def is_alive(mark: str, account: Account | None, context: Context) -> bool:
    """Return whether a mark is of the account's present epoch, of this history and store.

    Without a record no session is alive, unless the policy says by name that users without one need no MFA.
    """
    if account is None and context.policy.unknown_users is not UnknownUsers.NOT_REQUIRED:
        return False
    expected = session_mark(account, context)
    return hmac.compare_digest(mark.encode("utf-8", "surrogatepass"), expected.encode())
