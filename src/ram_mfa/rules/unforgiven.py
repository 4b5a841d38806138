# SPDX-License-Identifier: Apache-2.0
"""Wrong codes of new browsers that are not forgiven: whoever sends them knows the password.

One is forgiven a week. A new browser's success forgives those of its own session, and a known browser's success none:
otherwise the owner's logons would allow an attacker 20 codes a day. A new password, a new bind, an administrator's
unbind or reset, and `Unlock` forgive all of them.
"""

from __future__ import annotations

from typing import Final

import attrs

from ..account import Account
from ..browsers import MAX_UNFORGIVEN, Browsers
from ..context import Context
from ..events import Event, EventType
from ..policy import KnownBrowsers
from ..policy.values import WEEK

NOTICE: Final = 5
"""Unforgiven wrong codes at which an event says that somebody else may know the password."""


def count(account: Account, now: float) -> int:
    """Return how many wrong codes of new browsers are unforgiven now."""
    return len(_faded(account.browsers, now).unforgiven)


def next_fade(account: Account, context: Context) -> float:
    """Return the seconds until the next one is forgiven for its age."""
    return _faded(account.browsers, context.now).faded_at + WEEK - context.now


def add(account: Account, context: Context, known: KnownBrowsers, session: bytes) -> tuple[Account, tuple[Event, ...]]:
    """Return the account with one more unforgiven wrong code, and the notice of it where one is due."""
    browsers = _faded(account.browsers, context.now)
    codes = (*browsers.unforgiven, session)[-MAX_UNFORGIVEN:]
    since = browsers.faded_at if browsers.unforgiven else context.now
    account = attrs.evolve(account, browsers=attrs.evolve(browsers, unforgiven=codes, faded_at=since))
    if len(codes) not in {NOTICE, known.max_unforgiven}:
        return account, ()
    return account, (context.event(EventType.PASSWORD_SUSPECTED, detail=f"{len(codes)} wrong codes of new browsers"),)


def forgive_session(account: Account, context: Context, session: bytes) -> Account:
    """Return the account after a new browser's success: the wrong codes of its own session are forgiven."""
    browsers = _faded(account.browsers, context.now)
    left = tuple([one for one in browsers.unforgiven if one != session])
    return attrs.evolve(account, browsers=attrs.evolve(browsers, unforgiven=left))


def forgive_all(account: Account) -> Account:
    """Return the account with no wrong code unforgiven."""
    return attrs.evolve(account, browsers=attrs.evolve(account.browsers, unforgiven=(), faded_at=0))


def with_new_epoch(account: Account, context: Context) -> Browsers:
    """Return what the account counts of browsers, under a new epoch, which makes every browser a new one."""
    return attrs.evolve(account.browsers, epoch=bytes(context.draw("browser epoch", 16)))


def cleared(account: Account, context: Context) -> Browsers:
    """Return nothing counted of browsers, under a new epoch; kept is when the day was cleared by a new password."""
    return attrs.evolve(with_new_epoch(account, context), wrong=(), unforgiven=(), faded_at=0)


def _faded(browsers: Browsers, now: float) -> Browsers:
    """Return the counts without what its age forgave. A clock that was ahead does not stop the fading."""
    if not browsers.unforgiven:
        return browsers
    since = min(browsers.faded_at, now)
    weeks = int((now - since) // WEEK)
    return attrs.evolve(browsers, unforgiven=browsers.unforgiven[weeks:], faded_at=since + weeks * WEEK)
