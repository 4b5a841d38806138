# SPDX-License-Identifier: Apache-2.0
"""The pages on FastAPI: the example application, walked over ASGI."""

from __future__ import annotations

import pytest

from tests.support import require_module

require_module("fastapi", "fastapi")
require_module("itsdangerous", "itsdangerous")

from examples.fastapi_app import create_app  # noqa: E402 - where it is installed
from examples.passwords import User  # noqa: E402
from ram_mfa import Administrator, ResetMFA  # noqa: E402
from ram_mfa.stores.memory import MemoryStore  # noqa: E402
from ram_mfa.testing import ManualClock  # noqa: E402
from ram_mfa.testing.site_kit import ASGITransport, check_site  # noqa: E402
from tests.support.site_walks import MISSING, ORIGIN, WALKS, Example, kit_site, quick_hash  # noqa: E402


@pytest.fixture
def example():
    clock = ManualClock()
    app = create_app(ORIGIN, MemoryStore(), clock=clock)
    transport = ASGITransport(app, ORIGIN)

    def change_password(name, password):
        app.state.users[name] = User.new(name, password, administrator=name == "root")

    def reset(name):
        transport.run(app.state.mfa.perform(name, ResetMFA(Administrator("root"))))

    yield Example(transport, clock, lambda: app.state.servers, change_password, reset)
    transport.close()


class TestFastAPI:
    @pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.__name__)
    def test_walk(self, example, walk):
        """The walk goes as it must."""
        walk(example)

    def test_keeps_every_promise_of_the_kit(self, example, monkeypatch):
        """The kit for authors of adapters finds no promise broken."""
        monkeypatch.setattr("examples.passwords._hash", quick_hash)
        example.change_password("root", "root")
        report = check_site(kit_site(example, example.change_password))
        assert report.broken == (), str(report)
        assert report.not_tried == MISSING, str(report)
