# SPDX-License-Identifier: Apache-2.0
"""The failures that a test can inflict on the engine under a store, said by whoever runs the kit."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import attrs

Fault = Callable[[], AbstractContextManager[object]]


@attrs.frozen(kw_only=True)
class Faults:
    """What the kit may do to the engine; each one that is given brings checks of its own.

    Attributes:
        restart: kill the engine without warning (kill -9) and start it again on the same data.
        stopped: the engine is not running while the context lasts, and runs again after it.
        paused: the engine lives but does not answer (SIGSTOP), for longer than the store's deadline.
        replies_lost: the engine carries out what it is asked, and its replies do not arrive.
        full: the engine has no room left for writes.
        size: asked, and nothing is done to it: how many bytes the engine takes for its records, once it has done the
            clearing that it does by itself. With it the kit sees whether what was replaced piles up.
        patience: after how many seconds a call counts as hanging, or an engine as not coming back; well above the
            store's deadline.
    """

    restart: Callable[[], None] | None = None
    stopped: Fault | None = None
    paused: Fault | None = None
    replies_lost: Fault | None = None
    full: Fault | None = None
    size: Callable[[], int] | None = None
    patience: float = 30.0
