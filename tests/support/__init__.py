# SPDX-License-Identifier: Apache-2.0
"""What many tests need: judged vectors, real programs, and how many rounds to run."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

real = os.environ.get("RAM_MFA_REQUIRE_REAL") == "1"
"""Whether everything must really run: whatever is missing is a failure and no skip."""

all_rounds = os.environ.get("RAM_MFA_ROUNDS") == "all"
"""Whether races, kills and fuzzing run all their rounds, as the session ``rounds`` of noxfile.py has it."""


def rounds(full: int) -> int:
    """Return ``full`` where all rounds are run, else a twentieth of it, and at least 1."""
    return full if all_rounds else max(1, full // 20)


def missing(what: str) -> None:
    """Skip the test or the whole module, or fail where everything must really run."""
    if real:
        pytest.fail(what)
    pytest.skip(what, allow_module_level=True)


def require_program(name: str, package: str) -> str:
    """Return the path of a program, or skip and say which package brings it."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/local/sbin")
    if path is None:
        missing(f"{name} is not installed: the Debian package {package} brings it")
    assert path is not None
    return path


def require_module(name: str, package: str) -> Any:
    """Return an importable module, or skip and say which package brings it."""
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        missing(f"{name} is not installed: the package {package} brings it")


def vectors(name: str) -> list[dict[str, Any]]:
    """Return the judged vectors of one file, such as ``totp``, from the folder that RAM_MFA_VECTORS names.

    Where it names none, the test skips, in CI too: these vectors are an extra, and none is part of the project.
    """
    folder = os.environ.get("RAM_MFA_VECTORS")
    if not folder:
        pytest.skip("RAM_MFA_VECTORS names no folder of judged vectors")
    return json.loads((Path(folder) / f"{name}.json").read_text(encoding="utf-8"))["vectors"]  # type: ignore[no-any-return]


def replace_everywhere(monkeypatch: pytest.MonkeyPatch, original: object, replacement: object) -> None:
    """Replace a function or class of the package under every name of every module that holds it."""
    modules = [module for name, module in list(sys.modules.items()) if name.partition(".")[0] == "ram_mfa"]
    found = [(module, name) for module in modules for name, value in list(vars(module).items()) if value is original]
    assert found, f"no module holds {original}"
    for module, name in found:
        monkeypatch.setattr(module, name, replacement)
