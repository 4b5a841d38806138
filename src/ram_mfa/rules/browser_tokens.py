# SPDX-License-Identifier: Apache-2.0
"""Browser tokens: authenticated and not stored, they make the browser that holds one a known browser.

::

    token = base64url(head || MAC)                                                         99 characters
    head  = version (1) || purpose (1) || stamp || state (8)
    stamp = issued (8) || expires (8) || nonce (16)                                        times in microseconds
    state = the first 8 bytes of SHA-256(label || browser epoch || digest of the password mark)
    MAC   = HMAC-SHA-256(browser key, label || store key || head)

A token names nobody, and its MAC is verified without the record. Every proof of a logon makes a new one. It skips
nothing: it only selects the gate of `ram_mfa.rules.throttle` for codes. Unlike a ticket it stays valid after an owner's
bind and after a lost history, else an attacker's patience would make every browser a stranger. The cookie holds several
tokens, so that users of one browser do not displace each other; set ``Secure``, ``HttpOnly``, ``SameSite=Lax`` and the
``__Host-`` prefix on it.

Invariant: whatever is not a valid token makes an unknown browser, and is no error.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

import attrs

from .._secret import SecretText
from ..account import STAMP, Account, expires_at, issued_at
from ..browsers import SESSION_TAG, TOKEN_TAG
from ..context import Context
from ..encoding import base64url
from ..errors import MalformedMessage
from .tickets import MICROSECONDS, NOTHING, Purpose, fresh

TOKEN_LENGTH: Final = 99
"""Characters of a token: base64url of 74 bytes."""
MAX_TOKENS: Final = 16
"""The most tokens that one cookie holds; the oldest are dropped."""
_VERSION: Final = 1
_STATE: Final = 8
_HEAD: Final = 2 + STAMP + _STATE
_MAC_LABEL: Final = b"ram_mfa browser token\x00"
_STATE_LABEL: Final = b"ram_mfa browser state\x00"
_SESSION_LABEL: Final = b"ram_mfa session of a wrong code\x00"
_ACTOR_LABEL: Final = b"ram_mfa resynchronisation\x00"


@attrs.frozen
class Sender:
    """The browser that sends a code.

    Attributes:
        session: 4 bytes, a digest of its session.
        token: 4 bytes that identify its valid token; None of a new browser.
    """

    session: bytes
    token: bytes | None


def add_to_browser_cookie(cookie: str | None, token: str) -> SecretText:
    """Return the cookie's next value, with one more browser token in it, in place of the same user's last one.

    Args:
        cookie: the cookie's present value, as the browser sent it, or None.
        token: `Proof.browser`, or `AdmittedBrowser.token`.
    """
    state = _state_of(token)
    others = [one for one in _tokens(cookie) if _state_of(one) != state]
    return SecretText(".".join([*others, token][-MAX_TOKENS:]))


def new_browser_token(account: Account, context: Context, *, lifetime: float, mark: bytes = NOTHING) -> SecretText:
    """Return a new token, which makes the browser that presents it a known one.

    Args:
        account: whose browser it is.
        context: policy, time, entropy and the root record.
        lifetime: seconds.
        mark: the digest of the password mark now; `NOTHING` for the one in the record.
    """
    stamp = fresh(context, Purpose.BROWSER, lifetime=lifetime)
    head = bytes((_VERSION, Purpose.BROWSER)) + stamp + _state(account, mark)
    return SecretText(base64url.encode(head + _mac(context, head)))


def sender_of(cookie: str | None, account: Account, context: Context, *, session: str, mark: bytes = NOTHING) -> Sender:
    """Return the browser that sends a code, known where its cookie holds a valid token of this user.

    Args:
        cookie: the browser cookie as received, or None.
        account: the user's account.
        context: policy, time, entropy and the root record.
        session: the application's session string.
        mark: the digest of the password mark of a logon; `NOTHING` for the one in the record.
    """
    token: bytes | None = None
    allowed = context.policy.known_browsers
    if allowed is not None and cookie is not None:
        state = _state(account, mark)
        latest = (context.now + context.policy.clock_skew) * MICROSECONDS
        for head in _authentic_heads(cookie, context):
            stamp = head[2:-_STATE]
            ends = min(expires_at(stamp), issued_at(stamp) + int(allowed.lifetime * MICROSECONDS))
            current = issued_at(stamp) <= latest and context.now * MICROSECONDS < ends
            if current and hmac.compare_digest(head[-_STATE:], state):
                token = stamp[-TOKEN_TAG:]
    digest = hashlib.sha256(_SESSION_LABEL + session.encode("utf-8", "surrogatepass")).digest()
    return Sender(digest[:SESSION_TAG], token)


def actor_as_sender(actor: str) -> Sender:
    """Return an authorised actor, who resynchronises a device, as the sender of its codes: a known one."""
    digest = hashlib.sha256(_ACTOR_LABEL + actor.encode("utf-8", "surrogatepass")).digest()
    return Sender(digest[:SESSION_TAG], digest[-TOKEN_TAG:])


def holds_token(cookie: str | None, context: Context) -> bool:
    """Return whether a cookie holds an authentic token of this user that has not expired; the record is not asked."""
    if cookie is None or context.policy.known_browsers is None:
        return False
    return any(context.now * MICROSECONDS < expires_at(head[2:-_STATE]) for head in _authentic_heads(cookie, context))


def _state(account: Account, mark: bytes) -> bytes:
    if mark == NOTHING and account.password_mark is not None:
        mark = account.password_mark
    return hashlib.sha256(_STATE_LABEL + account.browsers.epoch + mark).digest()[:_STATE]


def _mac(context: Context, head: bytes) -> bytes:
    return hmac.digest(context.root.browser_key, _MAC_LABEL + context.key.encode() + head, "sha256")


def _tokens(cookie: str | None) -> list[str]:
    if not isinstance(cookie, str) or len(cookie) > (TOKEN_LENGTH + 1) * MAX_TOKENS:
        return []
    return [token for token in cookie.split(".") if len(token) == TOKEN_LENGTH]


def _decode(token: str) -> bytes | None:
    try:
        return base64url.decode(token, message="browser token", field="token", limit=TOKEN_LENGTH)
    except MalformedMessage:
        return None


def _state_of(token: str) -> bytes | None:
    """Return the state in a token, which all tokens of one user have in common until one of its parts is new."""
    raw = _decode(token)
    return None if raw is None else raw[_HEAD - _STATE : _HEAD]


def _authentic_heads(cookie: str, context: Context) -> list[bytes]:
    """Return the heads of the tokens in a cookie that were made here for this user, whatever their age and state."""
    heads: list[bytes] = []
    for token in _tokens(cookie):
        raw = _decode(token)
        if raw is None:
            continue
        head, mac = raw[:_HEAD], raw[_HEAD:]
        if hmac.compare_digest(mac, _mac(context, head)) and head[:2] == bytes((_VERSION, Purpose.BROWSER)):
            heads.append(head)
    return heads
