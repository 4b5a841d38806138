# SPDX-License-Identifier: Apache-2.0
"""Serve the console on this machine: ``python -m examples.console``, then the address that it prints.

It has an administrator and three users, whose passwords it prints. It needs ``ram_mfa[starlette]``, ``uvicorn``,
``itsdangerous`` and ``python-multipart``. The records lie in a file that passes with the program; with ``--store`` they
stay in that store, sealed under a key in ``demo-data``. ``--terminal`` and ``--auto`` are the walk in a terminal.
"""

from __future__ import annotations

import argparse
import contextlib
import secrets
import sys
import tempfile
from pathlib import Path
from typing import Any

import uvicorn

from ram_mfa import AESGCMSeal
from ram_mfa.operations.store_urls import StoreOptions, parse_address

from . import demo
from .app import console_at

NAMES = ("root", "alice", "bob", "carol")


KEYS = Path("demo-data")


def main(arguments: list[str]) -> int:
    """Serve until Ctrl-C; return the exit status."""
    if {"--terminal", "--auto"} & set(arguments):
        return demo.main([one for one in arguments if one != "--terminal"])
    parser = argparse.ArgumentParser(prog="python -m examples.console", description="A console with MFA.")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--store", metavar="URL", help="where the records stay, such as sqlite:///mfa.db")
    parser.add_argument("--terminal", action="store_true", help="bind an authenticator app in this terminal instead")
    parser.add_argument("--auto", action="store_true", help="the same with a virtual phone and no keyboard")
    options = parser.parse_args(arguments)
    with contextlib.ExitStack() as stack:
        passing = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if options.store:
            KEYS.mkdir(exist_ok=True)
        seal = AESGCMSeal.from_file((KEYS if options.store else passing) / "console.keys", create=True)
        address = parse_address(options.store or f"sqlite:///{passing / 'mfa.db'}")
        store = address.open(StoreOptions(deadline=5.0, create=True))
        stack.callback(store.close)
        return serve(store, seal, options.port)


def serve(store: Any, seal: AESGCMSeal, port: int) -> int:
    """Serve the console on a store until Ctrl-C; return the exit status."""
    origin = f"http://localhost:{port}"
    passwords = {name: secrets.token_urlsafe(6) for name in NAMES}
    console = console_at(origin, store, passwords, seal=seal)
    print(f"{origin}; Ctrl-C ends it")
    for name, password in passwords.items():
        print(f"  {name:6} {password}{'   (administrator)' if name == 'root' else ''}")
    sys.stdout.flush()
    uvicorn.run(console.app, host="127.0.0.1", port=port, log_level="warning")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
