# SPDX-License-Identifier: Apache-2.0
"""Flows: generators that ask for verbs and users, and are driven by two short loops, one of them awaited.

A flow knows no framework and does no I/O. `run` and `run_async` perform what it yields and send the outcome back, or
throw the exception of the verb into it.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Generic, TypeVar

import attrs

from .._secret import Unpickled
from ..ceremonies import Verb
from ..mfa import MFA, AsyncMFA
from ..policy import MFAPolicy
from .values import UserInfo

T = TypeVar("T")


@attrs.frozen
class Perform(Unpickled, Generic[T]):
    """A verb to perform for a user.

    Attributes:
        user: the user id.
        verb: what is to happen.
    """

    user: str
    verb: Verb[T]


@attrs.frozen
class LoadUser:
    """The application's data of a user, to be loaded.

    Attributes:
        user: the user id.
    """

    user: str


@attrs.frozen
class ReadPolicy:
    """The policy in force, to be read."""


Effect = Perform[Any] | LoadUser | ReadPolicy
Flow = Generator[Effect, Any, T]
"""Yields effects, is sent their outcomes or has their exceptions thrown in, and returns."""

UserLoader = Callable[[str], UserInfo | None]
AsyncUserLoader = Callable[[str], UserInfo | Awaitable[UserInfo | None] | None]


def perform(user: str, verb: Verb[T]) -> Flow[T]:
    """Perform a verb for a user, and return its outcome."""
    outcome: T = yield Perform(user, verb)
    return outcome


def load_user(user: str) -> Flow[UserInfo | None]:
    """Return the application's data of a user, or None where it has no such user."""
    info: UserInfo | None = yield LoadUser(user)
    return info


def read_policy() -> Flow[MFAPolicy]:
    """Return the policy in force."""
    policy: MFAPolicy = yield ReadPolicy()
    return policy


def run(flow: Flow[T], mfa: MFA, load: UserLoader) -> T:
    """Drive a flow to its end.

    Args:
        flow: as a function of this package returned it.
        mfa: performs the verbs.
        load: the application's callback.
    """
    try:
        effect = next(flow)
        while True:
            try:
                outcome = _immediate(effect, mfa, load)
                if isinstance(effect, Perform):
                    outcome = mfa.perform(effect.user, effect.verb)
                elif isinstance(effect, LoadUser):
                    _check(outcome)
            except Exception as error:  # noqa: BLE001 - the flow decides what it means
                effect = flow.throw(error)
            else:
                effect = flow.send(outcome)
    except StopIteration as done:
        value: T = done.value
        return value


async def run_async(flow: Flow[T], mfa: AsyncMFA, load: AsyncUserLoader) -> T:
    """Drive a flow to its end on an event loop; see `run`.

    Args:
        flow: as a function of this package returned it.
        mfa: performs the verbs.
        load: the application's callback, plain or a coroutine function.
    """
    try:
        effect = next(flow)
        while True:
            try:
                outcome = _immediate(effect, mfa, load)
                if isinstance(effect, Perform):
                    outcome = await mfa.perform(effect.user, effect.verb)
                elif isinstance(effect, LoadUser):
                    if inspect.isawaitable(outcome):
                        outcome = await outcome
                    _check(outcome)
            except Exception as error:  # noqa: BLE001 - the flow decides what it means
                effect = flow.throw(error)
            else:
                effect = flow.send(outcome)
    except StopIteration as done:
        value: T = done.value
        return value


def _immediate(effect: Effect, mfa: MFA | AsyncMFA, load: Callable[[str], Any]) -> Any:
    if isinstance(effect, ReadPolicy):
        return mfa.policy
    return load(effect.user) if isinstance(effect, LoadUser) else None


def _check(info: object) -> None:
    if info is not None and not isinstance(info, UserInfo):
        raise TypeError(f"load_user returned neither a UserInfo nor None but {type(info).__name__}")
