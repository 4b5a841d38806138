# SPDX-License-Identifier: Apache-2.0
"""The files and functions of this package that one `FinishLogon` by a right code goes through.

``python -m benchmarks trace``. The store is in memory, the seal is AES-GCM, and every cache is warm. A call is one of a
function or method that a file of src defines, as ``sys.setprofile`` reports it: a generator counts once however often
it is resumed, a comprehension is no function, and constructors that attrs generates stand in no file. The calls are
listed in their order (``python -m benchmarks.bench_trace calls``). Nothing is judged here.
"""

from __future__ import annotations

import inspect
import sys
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import ram_mfa
from benchmarks.bench_perform import Deployment
from ram_mfa.stores.memory import MemoryStore

WARM = 20
SOURCES = str(Path(ram_mfa.__file__).parent)


def traced(run: Any) -> list[CodeType]:
    """Run something, and return the code of each function of the package that it called, in their order."""
    calls: list[CodeType] = []
    begun: set[FrameType] = set()

    def note(frame: FrameType, event: str, argument: object) -> None:
        del argument
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(SOURCES) or code.co_name.startswith("<"):
            return
        if code.co_flags & inspect.CO_GENERATOR:
            if frame in begun:
                return
            begun.add(frame)
        calls.append(code)

    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(None)
    return calls


def main(arguments: list[str]) -> None:
    deployment = Deployment(MemoryStore())
    *warm, last = deployment.logons(WARM + 1)
    for logon in warm:
        deployment.perform(logon)
    deployment.clock.now, verb = last
    calls = traced(lambda: deployment.mfa.perform("alice", verb))
    files = Counter(str(Path(code.co_filename).relative_to(SOURCES)) for code in calls)
    print(f"one FinishLogon by a right code: {len(calls)} calls of functions in {len(files)} files of src\n")
    for file, count in sorted(files.items(), key=lambda item: (-item[1], item[0])):
        print(f"{count:4}  {file}")
    if arguments == ["calls"]:
        print()
        for code in calls:
            print(f"{Path(code.co_filename).relative_to(SOURCES)}:{code.co_firstlineno} {code.co_qualname}")


if __name__ == "__main__":
    main(sys.argv[1:])
