# SPDX-License-Identifier: Apache-2.0
"""Random pauses between the lines of a store's Python code, which let other threads run there.

A store that reads, compares and then writes has a race window of some microseconds, which tests may miss for days. A
pause inside the window makes it wide enough to be hit.
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

_MAX_PAUSES: Final = 120
"""The largest number of pauses of a thread within one context."""
_FOREIGN: Final = tuple(
    {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    | set(site.getsitepackages())
    | {str(Path(__file__).parent), "<"}
)


@contextlib.contextmanager
def random_pauses(seed: object) -> Generator[None]:
    """Pause this thread at random in the Python code of the store that it runs within the context."""
    before: Any = sys.gettrace()
    sys.settrace(_tracer(random.Random(str(seed))))
    try:
        yield
    finally:
        sys.settrace(before)


def _tracer(dice: random.Random) -> Callable[[FrameType, str, Any], Any]:
    left = _MAX_PAUSES

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
def frequent_switches() -> Generator[None]:
    """Have the interpreter switch between threads as often as it can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
