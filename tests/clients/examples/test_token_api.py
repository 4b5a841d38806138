# SPDX-License-Identifier: Apache-2.0
"""The API of examples/token_api.py, by a client that has no cookies."""

from __future__ import annotations

import json

import pytest

from tests.support import require_module

require_module("fastapi", "fastapi")
require_module("itsdangerous", "itsdangerous")

from examples.token_api import create_app  # noqa: E402 - where it is installed
from ram_mfa import Administrator, ResetMFA  # noqa: E402
from ram_mfa.stores.memory import MemoryStore  # noqa: E402
from ram_mfa.testing import AuthenticatorApp, ManualClock, SoftSecurityKey  # noqa: E402
from ram_mfa.testing.site_kit import ASGITransport  # noqa: E402

ORIGIN = "https://localhost"


class Client:
    """A client that keeps a state and a token, and nothing else."""

    def __init__(self, transport):
        self.transport, self.state, self.token = transport, "", ""

    def send(self, method, url, data=None, **headers):
        sent = {"mfa-state": self.state, "content-type": "application/json", **headers}
        if self.token:
            sent["authorization"] = f"Bearer {self.token}"
        body = b"" if data is None else json.dumps(data).encode()
        answer = self.transport.send(method, url, tuple(sent.items()), body)
        assert not answer.header("set-cookie")
        self.state = answer.header("mfa-state") or self.state
        found = json.loads(answer.body)
        self.token = found.get("access_token", self.token)
        return answer.status, found

    def password(self):
        self.token = self.state = ""
        return self.send("POST", "/token", {"name": "alice", "password": "alice"})


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def app(clock):
    return create_app(ORIGIN, MemoryStore(), clock=clock)


@pytest.fixture
def client(app):
    transport = ASGITransport(app, ORIGIN)
    yield Client(transport)
    transport.close()


class TestTokenAPI:
    def test_bind_log_on_and_step_up(self, app, client, clock):
        """A client binds, logs on, is asked by 401 before an operation, and proves it once."""
        status, page = client.password()
        assert (status, page["step"], page["kinds"]) == (200, "choose_kind", ["virtual", "security_key"])
        assert client.send("GET", "/servers")[0] == 401
        status, page = client.send("GET", f"{page['action']}?kind=virtual")
        phone = AuthenticatorApp.scan(page["setup"]["uri"])
        client.send("POST", page["action"], page["hidden"] | {"mfa_code": phone.code_at(clock())})
        assert client.send("GET", "/servers") == (200, {"user": "alice", "servers": ["i-0815", "i-4711"]})
        clock.advance(60)
        status, page = client.password()
        assert page["step"] == "ask"
        status, page = client.send("POST", page["action"], page["hidden"] | {"mfa_code": "000000"})
        assert (status, page["message"]["id"]) == (422, "wrong_code")
        client.send("POST", page["action"], page["hidden"] | {"mfa_code": phone.code_at(clock())})
        clock.advance(60)
        status, page = client.send("DELETE", "/servers/i-0815")
        assert (status, page["type"]) == (401, "urn:ram-mfa:step-up")
        status, proved = client.send("POST", page["action"], page["hidden"] | {"mfa_code": phone.code_at(clock())})
        receipt = {"mfa-receipt": proved["receipt"]}
        assert client.send("DELETE", "/servers/i-0815", **receipt) == (200, {"deleted": "i-0815"})
        assert client.send("DELETE", "/servers/i-0815", **receipt)[0] == 401
        assert app.state.servers == {"i-4711"}

    def test_security_key(self, client):
        """A client binds a security key by JSON, and logs on with it."""
        key = SoftSecurityKey()
        _, page = client.password()
        _, page = client.send("GET", f"{page['action']}?kind=security_key")
        client.send("POST", page["action"], page["hidden"] | {"mfa_answer": key.create(page["key"]["create"], ORIGIN)})
        assert client.token
        _, page = client.password()
        client.send("POST", page["action"], page["hidden"] | {"mfa_answer": key.get(page["key"]["get"], ORIGIN)})
        assert client.send("GET", "/servers")[0] == 200

    def test_reset_ends_the_token(self, app, client, clock):
        """After a reset the token, which has not expired, is nobody's."""
        _, page = client.password()
        _, page = client.send("GET", f"{page['action']}?kind=virtual")
        phone = AuthenticatorApp.scan(page["setup"]["uri"])
        client.send("POST", page["action"], page["hidden"] | {"mfa_code": phone.code_at(clock())})
        assert client.send("GET", "/servers")[0] == 200
        client.transport.run(app.state.mfa.perform("alice", ResetMFA(Administrator("root"))))
        assert client.send("GET", "/servers")[0] == 401
        client.token = "made.up.token"
        assert client.send("GET", "/servers")[0] == 401
