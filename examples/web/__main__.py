# SPDX-License-Identifier: Apache-2.0
"""Serve the example on this machine: ``python -m examples.web``, then http://localhost:8000 in a browser.

Alice has the password ``alice`` and must bind a device; root is an administrator with the password ``root``. The
records lie in a file that passes with the program.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from ram_mfa import Administrator, AESGCMSeal, OpenAccount
from ram_mfa.stores.sqlite import SQLiteStore

from .app import Site
from .people import User


class Server(ThreadingMixIn, WSGIServer):
    """A thread for each connection: a browser opens some that it says nothing on."""

    daemon_threads = True


class Quiet(WSGIRequestHandler):
    """Writes no line for each request."""

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base class's name for it
        """Write nothing."""


def site_at(origin: str, file: Path, *, clock: Callable[[], float] = time.time) -> Site:
    """Return the console at an origin, with its two users."""
    users = [User.new("root", "root", administrator=True), User.new("alice", "alice")]
    site = Site(origin, SQLiteStore(file), AESGCMSeal({"1": os.urandom(32)}, seal_with="1"), users, clock=clock)
    for user in users:
        site.mfa.perform(user.name, OpenAccount(required=not user.administrator, by=Administrator("the example")))
    return site


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m examples.web", description="A small console with MFA.")
    parser.add_argument("--port", type=int, default=8000)
    port = parser.parse_args().port
    origin = f"http://localhost:{port}"
    with tempfile.TemporaryDirectory() as folder:
        site = site_at(origin, Path(folder) / "mfa.db")
        server = make_server("127.0.0.1", port, site, Server, Quiet)
        print(f"{origin} (alice/alice, root/root); Ctrl-C ends it")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
        finally:
            server.server_close()


if __name__ == "__main__":
    main()
