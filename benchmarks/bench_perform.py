# SPDX-License-Identifier: Apache-2.0
"""What the loop costs: one perform in memory and its stages, a whole logon over SQLite, and the import.

``python -m benchmarks perform``. A logon that is accepted is measured, on a hot record with one device, each with a
challenge and a code of its own, made before the time is taken; the clock moves ten minutes from one to the next. The
limits of the same round stand beside it: one ``hmac.digest`` (SHA-1, 20 bytes of key, 8 of text) in memory, and the
raw driver's SELECT and conditional UPDATE of as many bytes on the same kind of file. A row shows the median of its
ratios over all rounds. Nothing is judged here.
"""

from __future__ import annotations

import hmac
import importlib.util
import itertools
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ram_mfa import (
    MFA,
    AESGCMSeal,
    BeginLogon,
    Challenge,
    FinishLogon,
    MFAPolicy,
    Reason,
    Refused,
    TOTPCode,
    Verb,
)
from ram_mfa._secret import SecretBytes
from ram_mfa.codec import decode_account, decode_root, encode_account
from ram_mfa.context import Context
from ram_mfa.engine.binding import StoreSeal
from ram_mfa.engine.records import ROOT_KEY, user_key
from ram_mfa.stores.memory import MemoryStore
from ram_mfa.stores.sqlite import SQLiteStore, Synchronous
from ram_mfa.testing import AuthenticatorApp, ManualClock, enrolled

ROUNDS = 31
IN_MEMORY = 200
ON_DISK = 20
IMPORTS = 15
APART = 600.0
SESSION = "the session of this benchmark"
KEYS = {"2026": os.urandom(32)}

Times = dict[str, list[float]]


def seconds_each(work: Callable[[Any], object], inputs: list[Any]) -> float:
    """Seconds that ``work`` takes for one of the inputs."""
    begin = time.perf_counter()
    for one in inputs:
        work(one)
    return (time.perf_counter() - begin) / len(inputs)


class Deployment:
    """One user with one phone, and logons of that user made ready."""

    def __init__(self, store: Any) -> None:
        self.clock = ManualClock(1_700_000_000)
        self.store = store
        self.policy = MFAPolicy.ram(issuer="Example Cloud")
        self.seal = AESGCMSeal(KEYS, seal_with="2026")
        self.mfa = MFA(store, self.policy, seal=self.seal, clock=self.clock, create=True)
        self.phone: AuthenticatorApp = enrolled(self.mfa, "alice")

    def logons(self, count: int) -> list[tuple[float, Verb[Any]]]:
        """Moments, and the logon that is right at each."""
        ready = []
        for _ in range(count):
            self.clock.advance(APART)
            ask = self.mfa.perform("alice", BeginLogon(session=SESSION))
            assert isinstance(ask, Challenge)
            code = self.phone.code_at(self.clock.now)
            ready.append((self.clock.now, FinishLogon(ask.id, TOTPCode(code), session=SESSION)))
        return ready

    def perform(self, logon: tuple[float, Verb[Any]]) -> None:
        """Perform one of them at its moment."""
        self.clock.now = logon[0]
        self.mfa.perform("alice", logon[1])

    def whole(self, moment: float) -> None:
        """Log on from begin to finish."""
        self.clock.now = moment
        ask = self.mfa.perform("alice", BeginLogon(session=SESSION))
        assert isinstance(ask, Challenge)
        self.mfa.perform(ask.id.user, FinishLogon(ask.id, TOTPCode(self.phone.code_at(moment)), session=SESSION))

    def refused(self, verb: Verb[Any]) -> None:
        """Perform a verb that is refused."""
        try:
            self.mfa.perform("alice", verb)
        except Refused:
            return
        raise AssertionError("it passed")


def stages(deployment: Deployment, logons: list[tuple[float, Verb[Any]]], spent: Times) -> None:
    """Add the time of each stage of a perform, on the record as it is."""
    store, seal = deployment.store, deployment.seal
    key = user_key("", "alice")
    sealed = store.load(key)
    root = decode_root(seal.for_record(ROOT_KEY).unseal(store.load(ROOT_KEY)))
    bound = StoreSeal(seal, root)
    record_seal = bound.for_record(key)
    record = record_seal.unseal(sealed)
    account = decode_account(record)
    entropy = SecretBytes(os.urandom(32))
    moments = [(verb, Context(deployment.policy, now, entropy, root, "alice", key)) for now, verb in logons]
    after = moments[0][0](account, moments[0][1]).account
    assert after is not None
    encoded = encode_account(after)
    many = [None] * len(logons)
    fresh = [bound.for_record(key) for _ in many]
    for name, work, inputs in (
        ("load", lambda _: store.load(key), many),
        ("key of the record's seal, and store key", lambda _: bound.for_record(user_key("", "alice")), many),
        ("unseal, with a fresh record key", lambda one: one.unseal(sealed), fresh),
        ("unseal, record key at hand", lambda _: record_seal.unseal(sealed), many),
        ("decode", lambda _: decode_account(record), many),
        ("entropy", lambda _: SecretBytes(os.urandom(32)), many),
        ("decide", lambda pair: pair[0](account, pair[1]), moments),
        ("encode", lambda _: encode_account(after), many),
        ("seal, record key at hand", lambda _: record_seal.seal(encoded), many),
    ):
        spent.setdefault(name, []).append(seconds_each(work, inputs))
    chain = [sealed, *(record_seal.seal(encoded) for _ in many)]
    begin = time.perf_counter()
    for old, new in itertools.pairwise(chain):
        store.swap(key, old, new)
    spent.setdefault("swap", []).append((time.perf_counter() - begin) / len(many))
    store.swap(key, chain[-1], sealed)


def in_memory() -> None:
    """One perform and its stages over one hmac.digest."""
    deployment = Deployment(MemoryStore())
    secret, text = os.urandom(20), (56_666_666).to_bytes(8, "big")
    times: Times = {}
    parts: Times = {}
    closed = Deployment(MemoryStore())
    while True:
        ask = closed.mfa.perform("alice", BeginLogon(session=SESSION))
        assert isinstance(ask, Challenge)
        guess = FinishLogon(ask.id, TOTPCode("none"), session=SESSION)
        try:
            closed.mfa.perform("alice", guess)
        except Refused as refused:
            if refused.refusal.reason is Reason.THROTTLED:
                break
    deployment.perform(deployment.logons(1)[0])
    for _ in range(ROUNDS):
        logons = deployment.logons(IN_MEMORY)
        last = deployment.clock.now
        many = [None] * IN_MEMORY
        hmacs = seconds_each(lambda _: hmac.digest(secret, text, "sha1"), many * 5)
        times.setdefault("limit: one hmac.digest", []).append(hmacs)
        times.setdefault("FinishLogon, accepted", []).append(seconds_each(deployment.perform, logons))
        begin = BeginLogon(session=SESSION)
        times.setdefault("BeginLogon", []).append(
            seconds_each(lambda _, begin=begin: deployment.mfa.perform("alice", begin), many)
        )
        times.setdefault("FinishLogon, gate closed", []).append(seconds_each(lambda _: closed.refused(guess), many))
        moments = [last + APART * (number + 1) for number in range(IN_MEMORY)]
        times.setdefault("whole logon, the phone's code too", []).append(seconds_each(deployment.whole, moments))
        stages(deployment, deployment.logons(IN_MEMORY), parts)
    table("One perform in memory", times)
    table("Its stages, one by one", {"limit: one hmac.digest": times["limit: one hmac.digest"], **parts})


def on_sqlite(folder: Path, synchronous: Synchronous) -> None:
    """A whole logon over SELECT and UPDATE of the raw driver, of as many bytes."""
    deployment = Deployment(SQLiteStore(folder / f"{synchronous}.db", synchronous=synchronous))
    deployment.whole(deployment.clock.now + APART)
    size = len(deployment.store.load(user_key("", "alice")))
    raw = sqlite3.connect(folder / f"raw {synchronous}.db", isolation_level=None)
    raw.execute("PRAGMA journal_mode = WAL")
    raw.execute(f"PRAGMA synchronous = {synchronous.removeprefix('Unsafe')}")
    raw.execute("CREATE TABLE records (key TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL)")
    key = user_key("", "alice")
    raw.execute("INSERT INTO records VALUES (?, ?)", (key, os.urandom(size)))

    def pair(new: bytes) -> None:
        (old,) = raw.execute("SELECT value FROM records WHERE key = ?", (key,)).fetchone()
        raw.execute("UPDATE records SET value = ? WHERE key = ? AND value = ?", (new, key, old))

    django = django_otp(folder / f"django {synchronous}.db", synchronous) if installed("django_otp") else None
    times: Times = {}
    for _ in range(ROUNDS):
        values = [os.urandom(size) for _ in range(ON_DISK)]
        times.setdefault("limit: SELECT and UPDATE", []).append(seconds_each(pair, values))
        logons = deployment.logons(ON_DISK)
        times.setdefault("FinishLogon alone", []).append(seconds_each(deployment.perform, logons))
        moments = [deployment.clock.now + APART * (number + 1) for number in range(ON_DISK)]
        times.setdefault("BeginLogon and FinishLogon", []).append(seconds_each(deployment.whole, moments))
        if django is not None:
            times.setdefault("django-otp: match_token", []).append(seconds_each(django, moments))
    table(f"A whole logon on SQLite, synchronous {synchronous}", times)
    raw.close()
    deployment.store.close()


def installed(name: str) -> bool:
    """Say whether a library is there."""
    return importlib.util.find_spec(name) is not None


def django_otp(file: Path, synchronous: str) -> Callable[[float], None]:
    """Return django-otp's logon of one user, on a file of the same kind."""
    import types

    import django
    from django.conf import settings
    from django.db import connection, connections

    options = {"init_command": f"PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous.removeprefix('Unsafe')}"}
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(file), "OPTIONS": options}
    if not settings.configured:
        apps = ["django.contrib.contenttypes", "django.contrib.auth", "django_otp", "django_otp.plugins.otp_totp"]
        settings.configure(DATABASES={"default": database}, INSTALLED_APPS=apps, USE_TZ=True)
        django.setup()
    else:
        connection.close()
        connections.settings["default"].update(database)
        connection.settings_dict.update(connections.settings["default"])
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django_otp import match_token
    from django_otp.plugins.otp_totp import models

    call_command("migrate", verbosity=0)
    user = User.objects.create(username="alice")
    secret = os.urandom(20)
    device = models.TOTPDevice.objects.create(user=user, name="phone", key=secret.hex())
    shown = ManualClock()
    models.time = types.SimpleNamespace(time=shown)  # type: ignore[attr-defined]
    from ram_mfa.otp import TOTP

    phone = TOTP(secret)

    def logon(moment: float) -> None:
        shown.now = moment
        if match_token(user, phone.at(moment)) is None:
            raise AssertionError("it did not pass")

    assert device.confirmed
    return logon


def importing() -> None:
    """The import of a library over a bare interpreter, in processes of their own."""
    peers = ("webauthn", "fido2.server", "pyotp", "django_otp.oath")
    names = ["ram_mfa", "ram_mfa.otp", *(name for name in peers if installed(name.partition(".")[0]))]
    commands = {"nothing": "pass", **{name: f"import {name}" for name in names}}
    times: Times = {}
    for _ in range(IMPORTS):
        for name, command in commands.items():
            begin = time.perf_counter()
            subprocess.run([sys.executable, "-c", command], check=True)
            times.setdefault(name, []).append(time.perf_counter() - begin)
    print("\nImport, over a bare interpreter")
    bare = times.pop("nothing")
    over = {name: [one - least for one, least in zip(spent, bare, strict=True)] for name, spent in times.items()}
    limit = statistics.median(over["webauthn"]) if "webauthn" in over else None
    for name, spent in over.items():
        middle = statistics.median(spent)
        beside = "" if limit is None else f"   {middle / limit:6.2f} x webauthn"
        print(f"  {name:<42} {middle * 1e3:8.1f} ms{beside}")


def table(title: str, times: Times) -> None:
    """Print each row's ratio to the first."""
    print(f"\n{title}")
    limit = next(iter(times.values()))
    for name, spent in times.items():
        ratio = statistics.median(one / least for one, least in zip(spent, limit, strict=True))
        print(f"  {name:<42} {ratio:7.2f} x limit   {statistics.median(spent) * 1e6:10.2f} us")


def main(parts: list[str]) -> None:
    """Measure and print all parts, or those named: memory, sqlite, import."""
    if not parts or "memory" in parts:
        in_memory()
    if not parts or "sqlite" in parts:
        with tempfile.TemporaryDirectory() as folder:
            on_sqlite(Path(folder), "FULL")
            on_sqlite(Path(folder), "UnsafeNORMAL")
    if not parts or "import" in parts:
        importing()


if __name__ == "__main__":
    main(sys.argv[1:])
