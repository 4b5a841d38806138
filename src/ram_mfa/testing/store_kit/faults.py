# SPDX-License-Identifier: Apache-2.0
"""The failures that a test can inflict on the engine under a store, given by whoever runs the kit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import attrs

Fault = Callable[[], AbstractContextManager[object]]


@attrs.frozen(kw_only=True)
class Faults:
    """Hooks by which the kit makes the engine fail; each brings checks of its own.

    A `Fault` is a function that returns a context manager: the failure lasts as long as the context.
    ``ram_mfa.testing.TCPProxy`` has ready-made ones for any engine that is reached by TCP.

    Attributes:
        restart: kill the engine without warning (kill -9) and start it again on the same data.
        stopped: the engine is not running while the context lasts, and runs again after it.
        paused: the engine lives but does not answer (SIGSTOP), for longer than the store's deadline.
        replies_lost: the engine executes requests, and its replies do not arrive.
        one_reply_lost: the same for the next reply only; a repeated request is answered.
        interrupted: statements are interrupted again and again (KILL QUERY, ``max_statement_time``), or the engine is
            otherwise busy with refusing some of them; between the interruptions it works.
        full: the engine has no space left for writes.
        new_history: make the engine begin another history, with another name (a restart, a promotion, a restore): it
            works again, with all records, when this returns.
        size: returns the number of bytes that the engine takes for its records, after any cleaning that it does by
            itself. It is no failure; with it the kit checks that the space of replaced bytes is reused.
        foreign: functions that each open the store on a place that holds something else (another table under the
            store's name, a table with a wrong collation, a server set up unsafely), which it has to refuse.
        short_deadline: opens the store, as ``make`` does, with a short deadline. The calls that are made while the
            engine fails are made on it, and those that have to succeed on ``make``'s: then ``make``'s deadline can be
            as long as a busy machine needs. Without it all calls are made on ``make``'s.
        patience: after how many seconds a call counts as hanging, or an engine as not coming back; well above the
            deadline of ``make``'s stores.
    """

    restart: Callable[[], object] | None = None
    stopped: Fault | None = None
    paused: Fault | None = None
    replies_lost: Fault | None = None
    one_reply_lost: Fault | None = None
    interrupted: Fault | None = None
    full: Fault | None = None
    new_history: Callable[[], object] | None = None
    size: Callable[[], int] | None = None
    foreign: Sequence[Callable[[], Any]] = ()
    short_deadline: Callable[[], Any] | None = None
    patience: float = 30.0
