# SPDX-License-Identifier: Apache-2.0
"""One small program for each extra, run by ``nox -s extras`` where that extra alone is installed.

Run as ``python -I tests/extras.py NAME``: isolated, so that nothing but the wheel and what it brought can be imported.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ram_mfa import MFA, Administrator, AESGCMSeal, Describe, MFAPolicy, OpenAccount
from ram_mfa.errors import StoreUnavailable

PATIENCE = 60.0


def missing(what: str) -> None:
    """Say what is not there to be tried; fail where everything must really run."""
    if os.environ.get("RAM_MFA_REQUIRE_REAL") == "1":
        raise SystemExit(what)
    print(f"not tried: {what}")


def try_out(store) -> None:
    """Perform two verbs on a store."""
    mfa = MFA(
        store, MFAPolicy.ram(issuer="Example"), seal=AESGCMSeal({"1": os.urandom(32)}, seal_with="1"), create=True
    )
    by = Administrator("root")
    mfa.perform("alice", OpenAccount(required=True, by=by))
    assert mfa.perform("alice", Describe()).required


@contextlib.contextmanager
def served(command, answers, **named) -> Iterator[None]:
    """Run a server until the end of the block, from when it answers."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **named)
    try:
        until = time.monotonic() + PATIENCE
        while not answers():
            assert child.poll() is None, "the server does not start"
            assert time.monotonic() < until, "the server does not answer"
            time.sleep(0.05)
        yield
    finally:
        child.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown, and an end for Redis too
        try:
            child.wait(PATIENCE)
        finally:
            child.kill()


def qr(folder: Path) -> None:
    from ram_mfa.qr import svg

    assert b"<svg" in svg("otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQ&issuer=Example").encode()


def sqlalchemy(folder: Path) -> None:
    import sqlalchemy as sa

    from ram_mfa.stores.sqlalchemy import SQLAlchemyStore

    engine = sa.create_engine(f"sqlite:///{folder / 'mfa.db'}")
    store = SQLAlchemyStore(engine)
    store.create_table()
    try_out(store)
    engine.dispose()


def redis(folder: Path) -> None:
    import redis as package

    from ram_mfa.stores.redis import RedisStore

    nobody = package.Redis(unix_socket_path=str(folder / "nobody"))
    refused(lambda: RedisStore(nobody).load("u" + "A" * 43))
    program = shutil.which("redis-server")
    if program is None:
        missing("redis-server is not installed")
        return
    socket = folder / "socket"
    command = [program, "--port", "0", "--unixsocket", str(socket), "--dir", str(folder)]
    command += ["--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"]
    with served(command, socket.exists), contextlib.closing(package.Redis(unix_socket_path=str(socket))) as client:
        try_out(RedisStore(client))


def postgres(folder: Path) -> None:
    import psycopg

    from ram_mfa.stores.postgres import PostgresStore

    # The wheel brings a libpq of its own, so that none has to be installed.
    assert psycopg.pq.__impl__ == "binary"
    libraries = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "libpq" in line}
    assert libraries, "no libpq was loaded"
    assert all("site-packages" in library for library in libraries), libraries
    refused(lambda: PostgresStore(f"host={folder} user=postgres").load("u" + "A" * 43))
    programs = next((one.parent for one in sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))), None)
    if programs is None:
        missing("PostgreSQL is not installed")
        return
    user = None if os.geteuid() else "postgres"
    if user:
        shutil.chown(folder, pwd.getpwnam(user).pw_name)
    data = folder / "data"
    initdb = [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust"]
    subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, user=user, cwd=folder)
    command = [programs / "postgres", "-D", data, "-k", folder, "-h", ""]
    ready = [programs / "pg_isready", "-q", "-h", folder]
    with served(command, lambda: not subprocess.run(ready).returncode, user=user, cwd=folder):
        store = PostgresStore(f"host={folder} user=postgres")
        store.create_table()
        try_out(store)
        store.close()


def django(folder: Path) -> None:
    import django as package
    from django.conf import settings
    from django.core.management import call_command

    settings.configure(
        INSTALLED_APPS=[
            *(f"django.contrib.{name}" for name in ("auth", "contenttypes", "sessions")),
            "ram_mfa.integrations.django",
        ],
        RAM_MFA_DATABASE="mfa",
        DATABASES={
            name: {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / name)} for name in ("default", "mfa")
        },
    )
    package.setup()
    call_command("check", verbosity=0)
    call_command("migrate", verbosity=0, database="mfa")
    from ram_mfa.integrations.django import DjangoStore
    from ram_mfa.integrations.django.middleware import MFAMiddleware
    from ram_mfa.integrations.django.urls import urlpatterns
    from ram_mfa.qr import svg

    try_out(DjangoStore())
    assert MFAMiddleware
    assert urlpatterns
    assert svg("otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQ&issuer=Example")


def web(folder: Path) -> None:
    """The pages: templates, stylesheet and script come out of the wheel, and a QR code is drawn."""
    from ram_mfa.stores.memory import MemoryStore
    from ram_mfa.web import PATHS, Route, SiteSettings, UserInfo, WebFlows, WebRequest, asset, run
    from ram_mfa.web.rendering import Renderer

    seal = AESGCMSeal({"1": os.urandom(32)}, seal_with="1")
    mfa = MFA(MemoryStore(), MFAPolicy.ram(issuer="Example"), seal=seal, create=True)
    mfa.perform("alice", OpenAccount(required=True, by=Administrator("root")))
    urls = {route.value: f"/mfa/{path}" for route, path in PATHS.items()}
    flows, load = WebFlows(SiteSettings()), lambda user: UserInfo("hash", f"{user}@example")
    start = run(flows.start_logon("alice", WebRequest(method="POST", urls=urls)), mfa, load)
    cookies = {cookie.name: cookie.value for cookie in start.cookies}
    request = WebRequest(method="GET", route="enrol", urls=urls, args={"kind": "virtual"}, cookies=cookies)
    html = Renderer(flows.settings).render(run(flows.handle(request), mfa, load).page)
    assert "<svg" in html
    assert asset(Route.STYLE).body
    assert b"mfaFetch" in asset(Route.SCRIPT).body


def starlette(folder: Path) -> None:
    """The pages on Starlette, by ASGI: a logon that must bind."""
    from starlette.applications import Starlette
    from starlette.routing import Route

    from ram_mfa import AsyncMFA, in_threads
    from ram_mfa.integrations.starlette import MFASite
    from ram_mfa.stores.memory import MemoryStore
    from ram_mfa.testing.site_kit import ASGITransport, Browser
    from ram_mfa.web import UserInfo

    seal = AESGCMSeal({"1": os.urandom(32)}, seal_with="1")
    mfa = AsyncMFA(in_threads(MemoryStore()), MFAPolicy.ram(issuer="Example"), seal=seal, create=True)

    def load_user(user):
        return UserInfo("hash", f"{user}@example")

    site = MFASite(mfa, load_user=load_user, log_on=lambda *_: None, session=lambda _: (None, None))

    async def logon(request):
        return await site.logon(request, "alice")

    app = Starlette(routes=[Route("/logon", logon, methods=["POST"])])
    site.install(app)
    transport = ASGITransport(app, "https://localhost")
    transport.run(mfa.perform("alice", OpenAccount(required=True, by=Administrator("root"))))
    browser = Browser(transport, "https://localhost")
    browser.post("/logon")
    assert browser.page.step == "choose_kind"
    browser.fill(browser.page.form("kind", "virtual"))
    assert "<svg" in browser.answer.text
    transport.close()


def flask(folder: Path) -> None:
    """The pages on Flask, by WSGI: a logon that must bind."""
    import flask as package

    from ram_mfa.integrations.flask import MFASite
    from ram_mfa.stores.memory import MemoryStore
    from ram_mfa.testing.site_kit import Browser, WSGITransport
    from ram_mfa.web import UserInfo

    seal = AESGCMSeal({"1": os.urandom(32)}, seal_with="1")
    mfa = MFA(MemoryStore(), MFAPolicy.ram(issuer="Example"), seal=seal, create=True)
    mfa.perform("alice", OpenAccount(required=True, by=Administrator("root")))

    def load_user(user):
        return UserInfo("hash", f"{user}@example")

    site = MFASite(mfa, load_user=load_user, log_on=lambda _: None, session=lambda: (None, None))
    app = package.Flask("example")
    site.init_app(app)
    app.post("/logon")(lambda: site.logon("alice"))
    browser = Browser(WSGITransport(app, "https://localhost"), "https://localhost")
    browser.post("/logon")
    assert browser.page.step == "choose_kind"
    browser.fill(browser.page.form("kind", "virtual"))
    assert "<svg" in browser.answer.text


def refused(act) -> None:
    """A server that is not there is what the library says it is, and no exception of the driver's."""
    try:
        act()
    except StoreUnavailable:
        return
    raise AssertionError("a server that is not there answered")


def sqlalchemy_asyncio(folder: Path) -> None:
    """The awaited store. The driver, which the session installs too, is the application's choice."""
    from sqlalchemy.ext.asyncio import create_async_engine

    from ram_mfa.stores.sqlalchemy import AsyncSQLAlchemyStore

    async def main() -> None:
        engine = create_async_engine(f"sqlite+aiosqlite:///{folder / 'mfa.db'}")
        store = AsyncSQLAlchemyStore(engine)
        await store.create_table()
        assert await store.swap("u" + "A" * 43, None, b"bytes")
        assert await store.load("u" + "A" * 43) == b"bytes"
        await engine.dispose()

    asyncio.run(main())


PROGRAMS = {
    "qr": qr,
    "sqlalchemy": sqlalchemy,
    "sqlalchemy-asyncio": sqlalchemy_asyncio,
    "postgres": postgres,
    "redis": redis,
    "django": django,
    "flask": flask,
    "starlette": starlette,
    "web": web,
}

if __name__ == "__main__":
    [name] = sys.argv[1:]
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        place.chmod(0o755)
        PROGRAMS[name](place)
    print(f"{name}: works")
