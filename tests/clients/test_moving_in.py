# SPDX-License-Identifier: Apache-2.0
"""Users of the real packages move in: rows that django-otp, django-allauth and the others made and used themselves.

The packages stand in an environment of their own, made once a run from the package index. RAM_MFA_OTHER_LIBRARIES names
the Python of one that is there already.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import missing

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "tests" / "support" / "moving_in.py"
PACKAGES = ("django-otp", "django-allauth[mfa]", "django-two-factor-auth[webauthn]", "pyotp", "phonenumbers", "six")
CORE = ("attrs", "cbor2", "cryptography")
NOT_FOUND = ("No matching distribution", "Could not find a version", "Failed to establish a new connection")
ALWAYS = ("the dry run wrote nothing", "a killed run was resumed", "a second run changed nothing")


def install(python, *packages):
    """Install packages, or skip where pip finds none of that name."""
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode and any(words in done.stderr for words in NOT_FOUND):
        missing(f"pip finds no {', '.join(packages)} here: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def other_python(tmp_path_factory):
    """The Python of an environment with the other libraries."""
    if named := os.environ.get("RAM_MFA_OTHER_LIBRARIES"):
        return named
    home = tmp_path_factory.mktemp("other libraries")
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True, timeout=300)
    python = str(home / "bin" / "python")
    install(python, *PACKAGES, *CORE)
    install(python, "--no-deps", "python-u2flib-server")  # it names packages of Python 2
    return python


def moved(python, library):
    """Run the program for one library, and return the lines that it printed."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [python, "-P", str(PROGRAM), library]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    return tuple(done.stdout.splitlines())


@pytest.mark.parametrize("library", ["django-otp", "django-allauth", "pyotp"])
def test_apps(other_python, library):
    """Users keep logging on with their apps, no code that the old system accepted passes, a second run changes nothing,
    a dry run writes nothing, and a killed run is resumed.
    """
    assert moved(other_python, library) == (*ALWAYS, "a code used before was refused", "users log on")


@pytest.mark.parametrize(
    "library",
    [
        "django-allauth with keys",
        "django-two-factor-auth with keys",
        "py_webauthn",
        "python-fido2",
        "python-u2flib-server",
    ],
)
def test_security_keys(other_python, library):
    """Users keep logging on with their security keys, and the runs are as for apps."""
    assert moved(other_python, library) == (*ALWAYS, "users log on")
