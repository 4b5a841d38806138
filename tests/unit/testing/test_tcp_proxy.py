# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import contextlib
import socket
import threading

import pytest

from ram_mfa.testing import TCPProxy

KEY = b"u" + b"A" * 43


class Echo:
    """A server that remembers what it was asked, and answers with it."""

    def __init__(self):
        self.asked = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    def answer(self, connection):
        with contextlib.suppress(OSError), connection:
            while chunk := connection.recv(4096):
                self.asked.append(chunk)
                connection.sendall(chunk)

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def echo():
    with contextlib.closing(Echo()) as server:
        yield server


@pytest.fixture
def proxy(echo):
    with TCPProxy(echo.port) as proxy:
        yield proxy


def connect(proxy):
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=10)


def ask(connection, request):
    """Ask, and return the reply; b"" where the connection was cut instead."""
    try:
        connection.sendall(request)
        return connection.recv(4096)
    except ConnectionError:
        return b""


@pytest.mark.requirement("A27")
class TestTCPProxy:
    def test_passes_everything(self, proxy):
        """Without a failure it is not there."""
        with connect(proxy) as one:
            assert ask(one, b"hello") == b"hello"
            assert ask(one, KEY) == KEY

    def test_loses_replies(self, proxy, echo):
        """What names a store key is carried out, and the connection is cut in place of its reply; the rest passes."""
        with proxy.replies_lost():
            for _ in range(2):
                with connect(proxy) as one:
                    assert ask(one, b"hello") == b"hello"
                    assert ask(one, KEY) == b""
        assert echo.asked.count(KEY) == 2
        with connect(proxy) as one:
            assert ask(one, KEY) == KEY

    def test_loses_one_reply(self, proxy, echo):
        """Whoever asks once more is answered."""
        with proxy.one_reply_lost():
            with connect(proxy) as one:
                assert ask(one, KEY) == b""
            with connect(proxy) as one:
                assert ask(one, KEY) == KEY
        assert echo.asked.count(KEY) == 2

    def test_says_nothing(self, proxy, echo):
        """A silent loss leaves the connection open."""
        with proxy.replies_lost(silent=True), connect(proxy) as one:
            one.settimeout(0.2)
            with pytest.raises(TimeoutError):
                ask(one, KEY)
        assert echo.asked == [KEY]

    def test_freezes(self, proxy, echo):
        """Nothing passes while it is frozen, and all does after that."""
        with connect(proxy) as one:
            assert ask(one, b"hello") == b"hello"
            with proxy.frozen():
                one.settimeout(0.2)
                with pytest.raises(TimeoutError):
                    ask(one, KEY)
                assert KEY not in echo.asked
            one.settimeout(10)
            assert one.recv(4096) == KEY

    def test_is_unreachable(self, proxy):
        """Connections are cut, and new ones are, until it is over."""
        with connect(proxy) as one:
            assert ask(one, b"hello") == b"hello"
            with proxy.unreachable():
                assert ask(one, b"hello") == b""
                with connect(proxy) as other:
                    assert ask(other, b"hello") == b""
        with connect(proxy) as one:
            assert ask(one, b"hello") == b"hello"

    def test_chooses_requests(self, echo):
        """Under TLS no key can be seen: then all requests may lose their replies."""
        with TCPProxy(echo.port, matching=lambda request: True) as proxy, proxy.one_reply_lost():
            with connect(proxy) as one:
                assert ask(one, b"hello") == b""
            with connect(proxy) as one:
                assert ask(one, b"hello") == b"hello"

    def test_closes(self, echo):
        """A closed proxy has no open connections, and nobody listens."""
        proxy = TCPProxy(echo.port)
        with connect(proxy) as one:
            assert ask(one, b"hello") == b"hello"
            proxy.close()
            assert ask(one, b"hello") == b""
        with pytest.raises(OSError, match=r".+"):
            connect(proxy)
