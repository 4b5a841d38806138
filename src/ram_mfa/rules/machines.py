# SPDX-License-Identifier: Apache-2.0
"""Remembered machines: a random handle in the browser's cookie, its digest and absolute expiry in the record.

They skip the MFA step of a logon, never a step-up, a bind or an unbind (requirements B15 to B18; V18 to V20). The
cookie holds several handles, so that users of one browser do not displace each other; set ``Secure``, ``HttpOnly``,
``SameSite=Lax`` and the ``__Host-`` prefix on it.
"""

from __future__ import annotations

import hashlib
import hmac

import attrs

from .._secret import SecretText
from ..account import Account, Device, Machine
from ..context import Context
from ..encoding import base64url
from ..events import Event, EventType
from .devices import usable_devices
from .password_marks import mark_digest

HANDLE_LENGTH = 43
"""Characters of a token: base64url of 32 bytes."""
MAX_HANDLES = 16
"""The most handles that one cookie holds; the oldest are dropped."""
MAX_LABEL = 64


def add_to_machine_cookie(cookie: str | None, token: str) -> SecretText:
    """Return the cookie's next value, with one more machine token in it.

    Args:
        cookie: the cookie's present value, as the browser sent it, or None.
        token: `Proof.machine`.
    """
    return SecretText(".".join([*(one for one in _handles(cookie) if one != token), token][-MAX_HANDLES:]))


def device_digest(device: Device) -> bytes:
    """Return the 16-byte digest of a device that a machine stores."""
    return hashlib.sha256(device.id.encode()).digest()[:16]


def find(cookie: str | None, account: Account) -> Machine | None:
    """Return the account's machine whose handle is in the cookie, valid or not."""
    digests = {hashlib.sha256(handle.encode()).digest() for handle in _handles(cookie)}
    return next((machine for machine in reversed(account.machines) if machine.digest in digests), None)


def is_valid(machine: Machine, account: Account, context: Context, password_mark: str | None) -> bool:
    """Return whether a machine skips the MFA step now."""
    remember = context.policy.remember
    return (
        remember is not None
        and password_mark is not None
        and machine.remembered_at <= context.now + context.policy.clock_skew
        and context.now < min(machine.expires_at, machine.remembered_at + remember.lifetime)
        and hmac.compare_digest(machine.password_mark, mark_digest(password_mark))
        and not context.root.losses_since(machine.history)
        and any(machine.device == device_digest(device) for device in usable_devices(account, context.policy))
    )


def remember(
    account: Account, context: Context, *, label: str, password_mark: str, device: Device
) -> tuple[Account, SecretText | None, tuple[Event, ...]]:
    """Return the account that remembers this machine, its token and the events; no token where not allowed."""
    allowed = context.policy.remember
    if allowed is None:
        return account, None, ()
    token = SecretText(base64url.encode(context.draw("machine", 32)))
    shown = "".join(character for character in label if character.isprintable())[:MAX_LABEL]
    machine = Machine(
        digest=hashlib.sha256(token.encode()).digest(),
        label=shown,
        remembered_at=context.now,
        expires_at=context.now + allowed.lifetime,
        history=context.root.history,
        device=device_digest(device),
        password_mark=mark_digest(password_mark),
    )
    unexpired = tuple(one for one in account.machines if one.expires_at > context.now)
    event = context.event(EventType.MACHINE_REMEMBERED, detail=machine.id)
    return attrs.evolve(account, machines=(*unexpired, machine)[-allowed.max_machines :]), token, (event,)


def under_mark(account: Account, digest: bytes) -> tuple[Machine, ...]:
    """Return the machines remembered under this password mark.

    The others are no longer valid, and must not become valid again when an old mark returns.
    """
    return tuple([machine for machine in account.machines if machine.password_mark == digest])


def _handles(cookie: str | None) -> list[str]:
    if not isinstance(cookie, str) or len(cookie) > (HANDLE_LENGTH + 1) * MAX_HANDLES:
        return []
    return [handle for handle in cookie.split(".") if len(handle) == HANDLE_LENGTH and handle.isascii()]
