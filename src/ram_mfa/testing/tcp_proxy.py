# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy in front of an engine, for the store kit, that loses replies, stalls, and cuts connections.

::

    with TCPProxy(5432) as proxy:
        faults = Faults(replies_lost=proxy.replies_lost, one_reply_lost=proxy.one_reply_lost, paused=proxy.frozen)
        check_store(lambda: MyStore(port=proxy.port), faults=faults)

Invariant: a reply is lost only after the engine has sent it, so the request has been executed.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Generator
from typing import Final, Self

_STORE_KEY: Final = re.compile(rb"[A-Za-z][A-Za-z0-9_-]{43}")
_CHUNK: Final = 65_536
_PATIENCE: Final = 10.0
"""Seconds for a connection to the engine, and for the proxy's threads to end."""


def names_a_store_key(request: bytes) -> bool:
    """Return whether a request contains a store key, as loads and swaps do, and greetings and settings do not."""
    return _STORE_KEY.search(request) is not None


class TCPProxy:
    """TCP proxy on a free port of the loopback interface.

    Args:
        target: the engine's port.
        host: the engine's host.
        matching: which requests may lose their replies. Others pass, so that a client can connect anew meanwhile. By
            default those that name a store key, which a connection under TLS does not show: give
            ``lambda request: True`` there.

    Attributes:
        port: where the proxy listens.
        target: the engine's port; a change applies to new connections.
    """

    def __init__(
        self, target: int, host: str = "127.0.0.1", *, matching: Callable[[bytes], bool] = names_a_store_key
    ) -> None:
        self.target: int = target
        self._host = host
        self._matching = matching
        self._losing = 0  # how many replies more are lost; -1 stands for all
        self._silent = False
        self._flowing = threading.Event()
        self._flowing.set()
        self._closed = False
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @contextlib.contextmanager
    def replies_lost(self, *, silent: bool = False) -> Generator[None]:
        """Pass requests on and lose their replies: cut the connection, or stay silent where ``silent`` is True."""
        self._losing, self._silent = -1, silent
        try:
            yield
        finally:
            self._losing = 0

    @contextlib.contextmanager
    def one_reply_lost(self, *, silent: bool = False) -> Generator[None]:
        """Lose the next reply only; a repeated request is answered."""
        self._losing, self._silent = 1, silent
        try:
            yield
        finally:
            self._losing = 0

    @contextlib.contextmanager
    def frozen(self) -> Generator[None]:
        """Hold back the traffic in both directions, and let it go on afterwards."""
        self._flowing.clear()
        try:
            yield
        finally:
            self._flowing.set()

    @contextlib.contextmanager
    def unreachable(self) -> Generator[None]:
        """Cut all connections, and refuse new ones."""
        target, self.target = self.target, 0
        self.cut()
        try:
            yield
        finally:
            self.target = target

    def cut(self) -> None:
        """Cut all connections."""
        with self._lock:
            sockets, self._sockets = self._sockets, set()
        for one in sockets:
            _end(one)

    def close(self) -> None:
        """Stop listening and cut all connections."""
        self._closed = True
        self._flowing.set()
        _end(self._listener)  # closing alone leaves the port open for as long as a thread waits in accept
        self.cut()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        try:
            if not self.target:
                raise ConnectionRefusedError
            server = socket.create_connection((self._host, self.target), timeout=_PATIENCE)
        except OSError:
            _end(client)
            return
        server.settimeout(None)
        with self._lock:
            self._sockets |= {client, server}
        if self._closed:
            self.cut()
        _Pair(self, client, server).run()

    def _loses(self, request: bytes) -> bool:
        """Return whether the reply to a request is lost, and count it."""
        if not self._losing or not self._matching(request):
            return False
        with self._lock:
            if not self._losing:
                return False
            if self._losing > 0:
                self._losing -= 1
            return True


class _Pair:
    """Both ends of one proxied connection."""

    def __init__(self, proxy: TCPProxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self._lost = False

    def run(self) -> None:
        threading.Thread(target=self._replies, daemon=True).start()
        with contextlib.suppress(OSError):
            while chunk := self._client.recv(_CHUNK):
                self._proxy._flowing.wait()  # noqa: SLF001 (its own pair)
                if self._proxy._loses(chunk):  # noqa: SLF001
                    self._lost = True
                self._server.sendall(chunk)
        self._close()

    def _replies(self) -> None:
        with contextlib.suppress(OSError):
            while chunk := self._server.recv(_CHUNK):
                self._proxy._flowing.wait()  # noqa: SLF001
                if not self._lost:
                    self._client.sendall(chunk)
                elif not self._proxy._silent:  # noqa: SLF001
                    break
        self._close()

    def _close(self) -> None:
        with self._proxy._lock:  # noqa: SLF001
            self._proxy._sockets -= {self._client, self._server}  # noqa: SLF001
        _end(self._client)
        _end(self._server)


def _end(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
