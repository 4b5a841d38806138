# SPDX-License-Identifier: Apache-2.0
"""Threads that are shaken: they give way to others between any two steps of the store's own Python code.

A store that reads, compares and then writes has a window of some microseconds, which a race may miss for days. Here it
is as wide as a pause can make it.
"""

from __future__ import annotations

import contextlib
import random
import site
import sys
import sysconfig
import time
from collections.abc import Callable, Generator
from pathlib import Path
from types import FrameType
from typing import Any, Final

_PAUSES: Final = 120
"""How often a thread is held up, at most, each time that it is shaken."""
_FOREIGN: Final = tuple(
    {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    | set(site.getsitepackages())
    | {str(Path(__file__).parent), "<"}
)


@contextlib.contextmanager
def shaken(seed: object) -> Generator[None]:
    """Hold up this thread here and there in whatever Python code of the store it runs meanwhile."""
    before: Any = sys.gettrace()
    sys.settrace(_tracer(random.Random(str(seed))))
    try:
        yield
    finally:
        sys.settrace(before)


def _tracer(dice: random.Random) -> Callable[[FrameType, str, Any], Any]:
    left = _PAUSES

    def step(_frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        if left and event in ("line", "opcode") and dice.random() < (0.3 if event == "line" else 0.05):
            left -= 1
            time.sleep(dice.choice((0.0, 0.0, 0.0001, 0.0005)))
        return step

    def entered(frame: FrameType, _event: str, _: Any) -> Any:
        if not left or frame.f_code.co_filename.startswith(_FOREIGN):
            return None
        frame.f_trace_opcodes = True
        return step

    return entered


@contextlib.contextmanager
def switching_often() -> Generator[None]:
    """Let threads take turns as often as the interpreter can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
