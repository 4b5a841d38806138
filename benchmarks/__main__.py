# SPDX-License-Identifier: Apache-2.0
"""Runs the benchmarks, each ``bench_*.py`` of this folder in a process of its own: all, or those named.

They print their figures and judge nothing. Only ratios measured side by side in one run mean anything.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def main(names: list[str]) -> int:
    """Run them; return 0 if each ran to its end."""
    all_of_them = sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))
    unknown = sorted(set(names) - set(all_of_them))
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(all_of_them)}")
        return 2
    failed = []
    for name in names or all_of_them:
        print(f"\n== {name}", flush=True)
        if subprocess.run(
            [sys.executable, "-m", f"benchmarks.bench_{name}"], cwd=FOLDER.parent, check=False
        ).returncode:
            failed.append(name)
    if failed:
        print(f"did not run to the end: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
