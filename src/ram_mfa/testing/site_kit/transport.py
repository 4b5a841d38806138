# SPDX-License-Identifier: Apache-2.0
"""Transports: a request to an application in this process, by WSGI (PEP 3333) or ASGI 3, or to a server by HTTP."""

from __future__ import annotations

import asyncio
import http.client
import io
import sys
import threading
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Protocol, TypeVar
from urllib.parse import unquote, urlsplit

import attrs

T = TypeVar("T")
Headers = tuple[tuple[str, str], ...]


@attrs.frozen
class Answer:
    """A response as received over the wire.

    Attributes:
        status: of it.
        headers: in their order, names in lower case.
        body: of it.
        url: that was asked for, path and query.
    """

    status: int
    headers: Headers
    body: bytes
    url: str

    def header(self, name: str) -> str:
        """Return the first value of a header, or ""."""
        return next((value for key, value in self.headers if key == name), "")

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")


class Transport(Protocol):
    """Sends one request."""

    def send(self, method: str, url: str, headers: Headers, body: bytes) -> Answer:
        """Return the response to a request for a path and query."""
        ...


@attrs.frozen
class WSGITransport:
    """Calls a WSGI application.

    Attributes:
        app: the application.
        origin: where browsers see it.
    """

    app: Callable[..., Iterable[bytes]]
    origin: str

    def send(self, method: str, url: str, headers: Headers, body: bytes) -> Answer:
        """See `Transport`."""
        parts, here = urlsplit(url), urlsplit(self.origin)
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(parts.path, "latin-1"),
            "QUERY_STRING": parts.query,
            "SERVER_NAME": here.hostname or "",
            "SERVER_PORT": str(here.port or (443 if here.scheme == "https" else 80)),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_HOST": here.netloc,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": here.scheme,
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in headers:
            key = name.upper().replace("-", "_")
            environ[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = value
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, found: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
            del exc_info
            started.append((status, found))
            return lambda _: None

        chunks = self.app(environ, start_response)
        try:
            content = b"".join(chunks)
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()
        status, found = started[-1]
        return Answer(int(status[:3]), tuple((name.lower(), value) for name, value in found), content, url)


class ASGITransport:
    """Calls an ASGI application, on an event loop of its own that goes on between two requests.

    Args:
        app: the application.
        origin: where browsers see it.
    """

    def __init__(self, app: Callable[..., Any], origin: str) -> None:
        self._app = app
        self._origin = origin
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def send(self, method: str, url: str, headers: Headers, body: bytes) -> Answer:
        """See `Transport`."""
        return self.run(self._send(method, url, headers, body))

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Return the result of a coroutine on the application's event loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def close(self) -> None:
        """End the event loop."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _send(self, method: str, url: str, headers: Headers, body: bytes) -> Answer:
        parts, here = urlsplit(url), urlsplit(self._origin)
        sent = (("host", here.netloc), ("content-length", str(len(body))), *headers)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": here.scheme,
            "path": unquote(parts.path),
            "raw_path": parts.path.encode(),
            "root_path": "",
            "query_string": parts.query.encode(),
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in sent],
            "client": ("127.0.0.1", 1),
            "server": (here.hostname, here.port or (443 if here.scheme == "https" else 80)),
        }
        messages: list[dict[str, Any]] = []
        waiting = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            if not waiting:
                await asyncio.Event().wait()  # the client stays; the application ends the wait with the response
            return waiting.pop()

        async def send(message: dict[str, Any]) -> None:
            messages.append(message)

        await self._app(scope, receive, send)
        start = next(one for one in messages if one["type"] == "http.response.start")
        found = tuple((name.decode().lower(), value.decode("latin-1")) for name, value in start["headers"])
        content = b"".join(one.get("body", b"") for one in messages if one["type"] == "http.response.body")
        return Answer(start["status"], found, content, url)


@attrs.frozen
class HTTPTransport:
    """Speaks to a server on this machine.

    Attributes:
        address: host and port.
        host: the ``Host`` header, where browsers see the site.
        deadline: seconds.
    """

    address: str
    host: str
    deadline: float = 30.0

    def send(self, method: str, url: str, headers: Headers, body: bytes) -> Answer:
        """See `Transport`."""
        connection = http.client.HTTPConnection(self.address, timeout=self.deadline)
        try:
            connection.request(method, url, body, {"Host": self.host, **dict(headers)})
            response = connection.getresponse()
            found = tuple((name.lower(), value) for name, value in response.getheaders())
            return Answer(response.status, found, response.read(), url)
        finally:
            connection.close()
