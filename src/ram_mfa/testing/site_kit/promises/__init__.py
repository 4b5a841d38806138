# SPDX-License-Identifier: Apache-2.0
"""The promises that every integration keeps, by what they are about.

A promise is a function that takes the kit. Its docstring is the promise; a broken one raises `AssertionError`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ..site import Kit
from . import browsers, endings, logon, remember, step_up, wire

Promise = Callable[[Kit], None]
PROMISES: Final[dict[str, Promise]] = {
    f"{module.__name__.rpartition('.')[2]}.{promise.__name__}": promise
    for module in (logon, browsers, remember, step_up, endings, wire)
    for promise in module.PROMISES
}
"""Every promise by its name."""
