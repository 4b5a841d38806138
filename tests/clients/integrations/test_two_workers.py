# SPDX-License-Identifier: Apache-2.0
"""Two workers of the FastAPI example, each a process of uvicorn, on one PostgreSQL."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs
import pytest

from examples.passwords import User
from ram_mfa.testing import AuthenticatorApp
from ram_mfa.testing.site_kit import Browser, HTTPTransport
from tests.support import require_module
from tests.support.servers import PostgreSQL

TOP = Path(__file__).parents[3]
HOST = "localhost"
ORIGIN = f"http://{HOST}"
PATIENCE = 60


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    """The transports to two workers."""
    for name, package in (("uvicorn", "uvicorn"), ("fastapi", "fastapi"), ("psycopg_pool", "psycopg[pool]")):
        require_module(name, package)
    with PostgreSQL() as server:
        environment = {
            **os.environ,
            "WORKER_DSN": server.url(),
            "WORKER_ORIGIN": ORIGIN,
            "WORKER_SECRET": os.urandom(32).hex(),
            "WORKER_HASH": User.new("alice", "alice").hashed,
        }
        children, ports = [], []
        log = (tmp_path_factory.mktemp("workers") / "log").open("wb")
        try:
            for _ in range(2):  # one after the other: the first makes table and root record
                ports.append(free_port())
                command = [sys.executable, "-m", "uvicorn", "--factory", "tests.support.worker_app:app"]
                command += ["--host", "127.0.0.1", "--port", str(ports[-1]), "--log-level", "warning"]
                children.append(subprocess.Popen(command, env=environment, cwd=TOP, stdout=log, stderr=log))
                wait_for(ports[-1], children[-1])
            yield [HTTPTransport(f"127.0.0.1:{port}", HOST) for port in ports]
        finally:
            for child in children:
                child.terminate()
                child.wait(PATIENCE)
            log.close()


def wait_for(port, child):
    end = time.monotonic() + PATIENCE
    while True:
        with socket.socket() as asking:
            if not asking.connect_ex(("127.0.0.1", port)):
                return
        assert child.poll() is None, "the worker ended"
        assert time.monotonic() < end, "the worker does not answer"
        time.sleep(0.05)


def password(browser):
    browser.post("/logon", {"name": "alice", "password": "alice"})


class TestTwoWorkers:
    def test_forty_parallel_posts_log_on_once(self, workers):
        """What one worker began the other goes on with; of 40 parallel posts of one form to both, one logs on."""
        one, two = workers
        browser = Browser(one, ORIGIN)
        password(browser)
        browser.fill(browser.page.form("kind", "virtual"))
        phone = AuthenticatorApp.typed(*browser.page.codes)
        browser.transport = two
        browser.fill(browser.page.form("mfa_code"), mfa_code=phone.code_at(time.time() - phone.period))
        assert "Servers of alice" in browser.page.text
        browser = Browser(one, ORIGIN)
        password(browser)
        form = browser.page.form("mfa_code")
        fields = [*((name, value) for name, value in form.fields if name != "mfa_code")]
        fields.append(("mfa_code", phone.code_at(time.time())))
        copies = [
            attrs.evolve(browser, transport=transport, cookies=dict(browser.cookies), set_cookies=[], urls=[])
            for transport in (one, two) * 20
        ]
        with ThreadPoolExecutor(40) as pool:
            answers = list(pool.map(lambda copy: copy.submit(form.action, fields), copies))
        statuses = sorted(answer.status for answer in answers)
        assert statuses.count(303) == 1, statuses
        assert set(statuses) <= {303, 409, 422, 503}, statuses
        inside = [copy for copy in copies if "Servers of alice" in copy.get("/").text]
        assert len(inside) == 1
