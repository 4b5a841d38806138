# SPDX-License-Identifier: Apache-2.0
"""A real browser with virtual authenticators: Debian's Chromium, driven over its DevTools protocol.

The pages are empty and come from two servers of the test's own, one at ``http://localhost``, one behind TLS under
names that only this browser resolves. What a test calls is what a page would: ``parseCreationOptionsFromJSON``,
``navigator.credentials``, ``toJSON``.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import http.server
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.support import require_module, require_program

SITE = "console.example.test"
"""The name of the HTTPS site; every name under ``example.test`` leads there."""

_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--ignore-certificate-errors",
    "--host-resolver-rules=MAP *.example.test 127.0.0.1, MAP *.evil.test 127.0.0.1",
)

_CREATE = """async options => {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
    try { return (await navigator.credentials.create({publicKey})).toJSON(); }
    catch (error) { return {refused: error.name, message: error.message}; }
}"""
_GET = _CREATE.replace("Creation", "Request").replace("credentials.create", "credentials.get")


class PageRefused(Exception):
    """The browser refused: ``name`` is the ``DOMException``'s."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name


@attrs.frozen
class Authenticator:
    """A virtual authenticator plugged into one page."""

    devtools: Any
    id: str

    def credentials(self) -> list[dict[str, Any]]:
        """Return what it remembers: credentialId, rpId, privateKey (base64), signCount ..."""
        answer = self.devtools.send("WebAuthn.getCredentials", {"authenticatorId": self.id})
        return list(answer["credentials"])

    def add(self, **credential: Any) -> None:
        """Put a credential in, as made elsewhere."""
        self.devtools.send("WebAuthn.addCredential", {"authenticatorId": self.id, "credential": credential})

    def touch(self, simulated: bool) -> None:
        """Say whether somebody touches it when it blinks."""
        self.devtools.send(
            "WebAuthn.setAutomaticPresenceSimulation", {"authenticatorId": self.id, "enabled": simulated}
        )

    def unplug(self) -> None:
        """Take it out, with all that it remembers."""
        self.devtools.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": self.id})


@attrs.frozen
class Browser:
    """A running Chromium and the two sites that it can visit.

    Attributes:
        localhost: origin of the site on this machine, ``http://localhost:PORT``.
        port: the port of the HTTPS site, under whatever name.
    """

    context: Any
    localhost: str
    port: int

    @property
    def site(self) -> str:
        """Origin of the HTTPS site."""
        return self.origin(SITE)

    def origin(self, host: str) -> str:
        """Return the HTTPS site's origin under another of its names."""
        return f"https://{host}:{self.port}"

    @contextlib.contextmanager
    def page(self, origin: str) -> Iterator[Page]:
        """Open a page of that origin in a tab of its own."""
        tab = self.context.new_page()
        try:
            devtools = self.context.new_cdp_session(tab)
            # On every tab, or its requests wait for a dialog that nobody sees.
            devtools.send("WebAuthn.enable", {"enableUI": False})
            tab.goto(origin + "/")
            yield Page(tab, devtools, origin)
        finally:
            tab.close()


@attrs.frozen
class Page:
    """One tab."""

    tab: Any
    devtools: Any
    origin: str

    def plug(self, protocol: str, **options: Any) -> Authenticator:
        """Plug in a virtual authenticator that speaks ``u2f`` or ``ctap2``."""
        wanted = {"protocol": protocol, "transport": "usb", "automaticPresenceSimulation": True, **options}
        answer = self.devtools.send("WebAuthn.addVirtualAuthenticator", {"options": wanted})
        return Authenticator(self.devtools, answer["authenticatorId"])

    def visit(self, origin: str) -> Page:
        """Go to another origin in the same tab, authenticators and all."""
        self.tab.goto(origin + "/")
        return attrs.evolve(self, origin=origin)

    def frame(self, origin: str) -> Page:
        """Show another origin's page in a frame that may ask security keys."""
        self.tab.evaluate(
            """src => new Promise(shown => {
                const frame = document.createElement("iframe");
                frame.allow = "publickey-credentials-get *; publickey-credentials-create *";
                frame.onload = shown;
                frame.src = src;
                document.body.append(frame);
            })""",
            origin + "/",
        )
        (inner,) = [frame for frame in self.tab.frames if frame.url == origin + "/"]
        return attrs.evolve(self, tab=inner, origin=origin)


def create(page: Page, options: dict[str, Any]) -> dict[str, Any]:
    """Return what ``navigator.credentials.create`` answers to JSON-ready options.

    Raises:
        PageRefused: with the name of the ``DOMException``.
    """
    return _answer(page.tab.evaluate(_CREATE, options))


def get(page: Page, options: dict[str, Any]) -> dict[str, Any]:
    """Return what ``navigator.credentials.get`` answers to JSON-ready options.

    Raises:
        PageRefused: with the name of the ``DOMException``.
    """
    return _answer(page.tab.evaluate(_GET, options))


def _answer(answer: dict[str, Any]) -> dict[str, Any]:
    if "refused" in answer:
        raise PageRefused(answer["refused"], answer["message"])
    return answer


@contextlib.contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Start Chromium and the two sites, and stop them at the end.

    Args:
        folder: empty; the browser's profile and the site's certificate go there.
    """
    chromium = require_program("chromium", "chromium")
    playwright = require_module("playwright.sync_api", "playwright")
    with (
        _served(None) as plain,
        _served(_tls(folder)) as secured,
        playwright.sync_playwright() as driver,
    ):
        context = driver.chromium.launch_persistent_context(
            str(folder / "profile"), executable_path=chromium, headless=True, args=list(_ARGUMENTS)
        )
        try:
            yield Browser(context, f"http://localhost:{plain}", secured)
        finally:
            context.close()


class _EmptyPages(http.server.BaseHTTPRequestHandler):
    """Answers every request with an empty page."""

    def do_GET(self) -> None:
        body = b"<!doctype html><title>A page</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Keep the test's output to the test."""


@contextlib.contextmanager
def _served(tls: ssl.SSLContext | None) -> Iterator[int]:
    """Serve empty pages on a free port of this machine, and return the port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _EmptyPages)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _tls(folder: Path) -> ssl.SSLContext:
    """Return the server's side of TLS, with a certificate that nobody issued: the browser is told not to mind."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, SITE)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("*.example.test")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "site.pem"
    pem.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context
