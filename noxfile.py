# SPDX-License-Identifier: Apache-2.0
"""The project's sessions: ``nox -s tests``, ``lint``, ``types``, ``docs``, ``lowest``, ``extras``, ``mutations`` ...

Each makes an environment of its own and needs Python, pip and a package registry, and nothing else: a test that wants
a browser, a database server or another program says which package brings it and skips.
With RAM_MFA_REQUIRE_REAL=1 (CI) what is missing is a failure.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import nox
from packaging.requirements import Requirement

nox.needs_version = ">=2025.10.14"
nox.options.sessions = ["tests", "lint", "types", "docs"]
# A Python that is not installed is skipped, in CI too, and none is downloaded.
nox.options.error_on_missing_interpreters = False
nox.options.download_python = "never"

PROJECT = nox.project.load_toml("pyproject.toml")
EXTRAS = PROJECT["project"]["optional-dependencies"]
ALL = f".[{','.join(EXTRAS)}]"

UNITS = ["tests/unit"]
PROPERTIES = ["tests/properties", "tests/scenarios"]
"""Tests of layers 0 to 5 through the whole service: races, explorers, state machines, the manual."""
TRACED = "tests/properties/test_interrupted.py::TestInterrupted"
"""Tests that trace each line themselves, and so cannot run while coverage traces them."""
CLIENTS = ["tests/clients", "tests/stores/test_store_kit.py"]
"""Tests of layer 6 besides the stores, with the documentation's programs; the store kit's are here for balance."""
STORES = ["tests/stores", "--ignore", "tests/stores/test_store_kit.py"]
FAILURES = [f"tests/stores/test_{name}_failures.py" for name in ("service", "sql", "redis")]
MAX_SECONDS = 1800
"""The longest that a part of the tests may run."""

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
PYTHONS = [RUNNING, *(version for version in ("3.11", "3.12", "3.13", "3.14") if version != RUNNING)]


def group(name: str) -> list[str]:
    """Return the requirements of a dependency group."""
    return list(nox.project.dependency_groups(PROJECT, name))


@nox.session
def demo(session: nox.Session) -> None:
    """Open the console on localhost, with an administrator, three users and printed passwords; Ctrl-C ends it.

    ``-- --store URL`` keeps the records there; ``-- --terminal`` binds your authenticator app in this terminal instead,
    and ``-- --auto`` does that with a virtual phone and no keyboard.
    """
    session.install(".[starlette]", "uvicorn", "itsdangerous", "python-multipart")
    session.run("python", "-m", "examples.console", *session.posargs)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run all tests on the Python that runs nox, and those of layers 0 to 5 on each other one that is here.

    The first also counts branches, and the session fails below all of those of layers 0 to 5. What is above, the
    engines and the clients, does not depend on the interpreter. ``-- ARGUMENTS`` go to pytest, which then runs alone.
    """
    session.install(ALL, *group("test"))
    if session.posargs:
        session.run("python", "-m", "pytest", *session.posargs)
    elif session.python != RUNNING:
        side_by_side(session, UNITS, PROPERTIES)
    else:
        session.run("coverage", "erase")
        measured = [*PROPERTIES, "--deselect", TRACED]
        side_by_side(session, UNITS, measured, runner=["coverage", "run", "-m", "pytest"])
        session.run("coverage", "combine", "--quiet")
        session.run("coverage", "report")
        side_by_side(session, [*CLIENTS, TRACED], STORES)


def side_by_side(session: nox.Session, *parts: list[str], runner: Sequence[str] = ("pytest",)) -> None:
    """Run pytest over each part in a process of its own, all at once; the first prints at once, each other at its end.

    A part that takes longer than MAX_SECONDS is killed, and any part that fails fails the session.
    """
    environment = {**os.environ, "PATH": os.pathsep.join([session.bin, os.environ["PATH"]])}
    logs = [None, *(tempfile.TemporaryFile() for _ in parts[1:])]  # noqa: SIM115 - each goes with its process
    children = []
    try:
        for part, log in zip(parts, logs, strict=True):
            command = [str(Path(session.bin) / "python"), "-m", *runner, *part]
            session.log(" ".join(command[1:]))
            children.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        until = time.monotonic() + MAX_SECONDS
        codes = []
        for child, log in zip(children, logs, strict=True):
            codes.append(child.wait(until - time.monotonic()))
            if log is not None:
                log.seek(0)
                sys.stdout.write(log.read().decode(errors="replace"))
                sys.stdout.flush()
    finally:
        for child in children:
            child.send_signal(signal.SIGINT)  # pytest then ends the servers that it started; nothing where it has ended
        for child in children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(30)
            child.kill()
    if any(codes):
        session.error(f"pytest ended with {codes}")


@nox.session(python=PYTHONS[0])
def lowest(session: nox.Session) -> None:
    """Run layers 0 to 5, and the tests of stores, on the lowest versions that pyproject.toml allows."""
    declared = [*PROJECT["project"]["dependencies"], *(one for extra in EXTRAS.values() for one in extra)]
    pinned = {str(lowest_of(one)) for one in [*declared, *group("drivers")]}
    session.install(".", *sorted(pinned), *group("test"))
    if session.posargs:
        session.run("python", "-m", "pytest", *session.posargs)
    else:
        side_by_side(session, [*UNITS, *PROPERTIES], FAILURES)


def lowest_of(requirement: str) -> Requirement:
    """Return a requirement of the lowest version that one allows."""
    wanted = Requirement(requirement)
    [bound] = [one.version for one in wanted.specifier if one.operator == ">="]
    wanted.specifier = type(wanted.specifier)(f"=={bound}")
    return wanted


@nox.session
def rounds(session: nox.Session) -> None:
    """Run the tests that have rounds (races, kills, promotions, fuzzing) with all of them, for an hour or more."""
    session.install(ALL, *group("test"))
    patience = ["-o", "faulthandler_timeout=3600"]  # for one test with all its rounds
    environment = {"RAM_MFA_ROUNDS": "all"}
    session.run("python", "-m", "pytest", "-m", "rounds", "-rP", *patience, *session.posargs, env=environment)


@nox.session
def mutations(session: nox.Session) -> None:
    """Break layers 0 to 4 in 60 places, one at a time: each package's own unit tests must notice, all but three.

    ``-- --seed 1`` chooses others, ``-- otp`` those of one package; it takes about ten minutes.
    """
    session.install(ALL, *group("test"))
    session.run("python", "-m", "tests.mutations", *session.posargs)


@nox.session
@nox.parametrize("extra", sorted(EXTRAS))
def extras(session: nox.Session, extra: str) -> None:
    """Install each extra alone, from the wheel, into an empty environment, and run its program in tests/extras.py."""
    folder = Path(session.create_tmp())
    for wheel in folder.glob("*.whl"):
        wheel.unlink()
    session.run("python", "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), ".")
    [wheel] = folder.glob("*.whl")
    # The one extra that does nothing without a driver, which is the application's choice.
    session.install(f"{wheel}[{extra}]", *(["aiosqlite"] if extra == "sqlalchemy-asyncio" else []))
    session.run("python", "-I", "tests/extras.py", extra)


@nox.session(python=PYTHONS)
def selftest(session: nox.Session) -> None:
    """Install the wheel with nothing but its own dependencies, on each Python that is here, and run its selftest."""
    folder = Path(session.create_tmp())
    for wheel in folder.glob("*.whl"):
        wheel.unlink()
    session.run("python", "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), ".")
    session.install(*map(str, folder.glob("*.whl")))
    session.run("python", "-I", "-m", "ram_mfa", "selftest")


@nox.session
def lint(session: nox.Session) -> None:
    """Check every rule of ruff but those that pyproject.toml explains, and its formatter."""
    session.install(*group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Run mypy and pyright, both strict, over the package, the typing tests and the examples.

    Pyright also verifies that the type of every public symbol of the installed package is known and unambiguous; it
    fails below 100 %.
    """
    session.install(ALL, *group("types"))
    session.run("mypy")
    # Run by the node that its wheel brought; pyright is pinned, and its notice of a newer version is not wanted.
    quiet = {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    session.run("pyright", "--pythonpath", str(Path(session.bin) / "python"), env=quiet)
    session.run("pyright", "--verifytypes", "ram_mfa", "--ignoreexternal", env=quiet)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation, warnings as errors, after a look whether standards.md is what the tests' marks say."""
    session.install(ALL, *group("docs"), *group("test"))
    session.run("python", "docs/print_standards.py", "--check")
    session.run("sphinx-build", "-W", "--keep-going", "-n", "-E", "-b", "html", "docs", "docs/_build/html")


@nox.session
def standards(session: nox.Session) -> None:
    """Print docs/standards.md from the tests' marks."""
    session.install(ALL, *group("test"))
    session.run("python", "docs/print_standards.py")


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Measure, and judge nothing; ``-- NAME ...`` runs those alone."""
    session.install(ALL, *group("benchmark"))
    session.run("python", "-m", "benchmarks", *session.posargs)
