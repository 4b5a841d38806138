# SPDX-License-Identifier: Apache-2.0
"""The project's sessions: ``nox -s demo``, ``tests``, ``lint``, ``types``, ``docs``, ``benchmarks``, ``standards``.

Each makes an environment of its own and needs Python, pip and a package registry, and nothing else: a test that wants
a browser, a database server or another program says which package brings it and skips.
With RAM_MFA_REQUIRE_REAL=1 (CI) what is missing is a failure.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.10.14"
nox.options.sessions = ["tests", "lint", "types", "docs"]
# A Python that is not here is passed over, in CI too, and none is fetched.
nox.options.error_on_missing_interpreters = False
nox.options.download_python = "never"

PROJECT = nox.project.load_toml("pyproject.toml")
ALL = f".[{','.join(PROJECT['project']['optional-dependencies'])}]"

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
PYTHONS = [RUNNING, *(version for version in ("3.11", "3.12", "3.13", "3.14") if version != RUNNING)]


def group(name: str) -> list[str]:
    """Return the requirements of a dependency group."""
    return list(nox.project.dependency_groups(PROJECT, name))


@nox.session
def demo(session: nox.Session) -> None:
    """Bind a virtual MFA device in this terminal and log on with it; ``-- --auto`` needs no phone and no keyboard."""
    session.install(".[qr]")
    session.run("python", "examples/console/demo.py", *session.posargs)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests on each Python that is here; ``-- ARGUMENTS`` go to pytest.

    The Python that runs nox also counts branches, and the session fails below all of those of floors 0 to 4.
    """
    session.install(ALL, *group("test"))
    if session.python != RUNNING:
        session.run("python", "-m", "pytest", *session.posargs)
        return
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *session.posargs)
    session.run("coverage", "combine", "--quiet")
    # A part of the tests covers a part of the branches: the gate is for all of them.
    session.run("coverage", "report", *(["--fail-under=0"] if session.posargs else []))


@nox.session
def lint(session: nox.Session) -> None:
    """Check every rule of ruff but those that pyproject.toml explains, and its formatter."""
    session.install(*group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Run mypy and pyright, both strict, over the package, and over what its users write or copy."""
    session.install(ALL, *group("types"))
    session.run("mypy")
    # Run by the node that its wheel brought; a newer pyright is nobody's business here.
    quiet = {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    session.run("pyright", "--pythonpath", str(Path(session.bin) / "python"), env=quiet)


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
