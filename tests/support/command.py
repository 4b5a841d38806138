# SPDX-License-Identifier: Apache-2.0
"""The operator's command as a process of its own, on a private store, and what stands in that store."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs

from ram_mfa import MFA, AESGCMSeal, ImportVirtualDevice, MFAPolicy, RelyingParty
from ram_mfa.__main__ import main
from ram_mfa._secret import SecretBytes
from ram_mfa.codec import decode_account, decode_claim, decode_root
from ram_mfa.context import Root

from .races import ALL_THE_TIME, uri_of
from .records import AsStored
from .service import ROOT

KEYS = {"old": b"o" * 32, "new": b"n" * 32}
POLICY = MFAPolicy.ram(
    issuer="Example", relying_party=RelyingParty(id="example.com", origins=["https://console.example.com"])
)
PATIENCE = 300.0
"""Seconds for what is waited for: a slow machine is not the point."""


def seal(*names: str) -> AESGCMSeal:
    """Return a seal with these of the keys; the first seals."""
    return AESGCMSeal({name: KEYS[name] for name in names}, seal_with=names[0])


@attrs.define
class Site:
    """A store that the command operates on.

    Attributes:
        url: as the command is told.
        opener: opens the same store in this process.
        folder: for key files, and for what the command writes.
        started: the processes of the command, which end with the test.
        opened: the stores of this process, which are closed with it, however often somebody closed them before.
    """

    url: str
    opener: Callable[[], Any]
    folder: Path
    started: list[subprocess.Popen[str]] = attrs.field(factory=list, repr=False)
    opened: list[Any] = attrs.field(factory=list, repr=False)

    def store(self) -> Any:
        self.opened.append(self.opener())
        return self.opened[-1]

    def mfa(self, *names: str, store: Any = None, clock: Any = time.time, create: bool = False) -> MFA:
        store = self.store() if store is None else store
        return MFA(store, POLICY, seal=seal(*names), clock=clock, deadline=ALL_THE_TIME, create=create)

    def key_file(self, name: str) -> Path:
        file = self.folder / f"{name}.key"
        if not file.exists():
            file.touch(0o600)
            file.write_bytes(KEYS[name])
        return file

    def words(self, action: str, *more: str, keys: tuple[str, ...] = ("old",)) -> list[str]:
        """Return the whole command, of a store unless ``action`` begins with another subject.

        It is quiet, since a slow machine would else add lines of progress.
        """
        subject, _, command = action.rpartition(" ")
        words = [sys.executable, "-m", "ram_mfa", subject or "store", command, "--deadline", "60", "--quiet", *more]
        for name in keys:
            words += ["--seal-key", f"{name}={self.key_file(name)}"]
        return words

    def environment(self) -> dict[str, str]:
        return {**os.environ, "RAM_MFA_STORE": self.url}

    def start(self, action: str, *more: str, keys: tuple[str, ...] = ("old",)) -> subprocess.Popen[str]:
        with interruptible():
            process = subprocess.Popen(
                self.words(action, *more, keys=keys),
                env=self.environment(),
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        self.started.append(process)
        return process

    def end(self) -> None:
        """Kill what a failed test left running, and close what stands open."""
        for store in self.opened:
            store.close()
        for process in self.started:
            process.kill()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
            process.wait()

    def run(self, action: str, *more: str, keys: tuple[str, ...] = ("old",)) -> tuple[int, str, str]:
        """Run the command to its end; return its exit code, and what it said on either stream."""
        process = self.start(action, *more, keys=keys)
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out, err

    def call(self, action: str, *more: str, keys: tuple[str, ...] = ("old",)) -> tuple[int, str, str]:
        """Run the command in this process, which is quicker; return as ``run`` does."""
        out, err = io.StringIO(), io.StringIO()
        before = os.environ.get("RAM_MFA_STORE")
        os.environ["RAM_MFA_STORE"] = self.url
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = main(self.words(action, *more, keys=keys)[3:])
        finally:
            del os.environ["RAM_MFA_STORE"]
            if before is not None:
                os.environ["RAM_MFA_STORE"] = before
        return code, out.getvalue(), err.getvalue()

    def populate(self, users: list[str]) -> None:
        """Create the store, and bind a virtual device to each user, whose secret is made from the user id."""
        code, _, err = self.call("create")
        assert (code, err) == (0, "")
        store = self.store()
        mfa = self.mfa("old", store=store)
        for user in users:
            mfa.perform(user, ImportVirtualDevice(uri_of(user), last_step=-1, by=ROOT, create=True))
        store.close()


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Have processes that are started meanwhile heed Ctrl-C, also where a shell started the tests in the background."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def figures(out: str) -> dict[str, str]:
    """Return what the lines of an answer say by name."""
    pairs = (line.partition(": ") for line in out.splitlines() if not line.startswith(("wrong: u", "wrong: c", "  ")))
    return {name: value for name, _, value in pairs}


def sealed(store: Any) -> dict[str, bytes]:
    """Return all records as they stand in a store."""
    return {key: store.load(key) for kind in "ucr" for key in store.keys(kind)}


def altered(record: bytes) -> bytes:
    """Return a record with one bit turned."""
    return record[:-1] + bytes([record[-1] ^ 1])


def contents(store: Any, *names: str) -> dict[str, Any]:
    """Return all records, unsealed under these keys and decoded; without its keys, which are renewed."""

    def root(record: bytes) -> Root:
        return attrs.evolve(decode_root(record), ticket_key=SecretBytes(b""), browser_key=SecretBytes(b""))

    readers: dict[str, Callable[[bytes], Any]] = {"u": decode_account, "c": decode_claim, "r": root}
    ring = seal(*names)
    return {
        key: readers[key[0]](AsStored(ring, store).for_record(key).unseal(record))
        for key, record in sealed(store).items()
    }


def until_resealed(process: subprocess.Popen[str], store: Any, key: str, name: str = "new") -> bool:
    """Wait until a record is sealed under a key; return whether the command was still at work then."""
    current = AsStored(seal(name), store, opens=seal("new", "old")).for_record(key)
    until = time.monotonic() + PATIENCE
    while process.poll() is None:
        if current.is_current(store.load(key)):
            return True
        assert time.monotonic() < until
        time.sleep(0.0005)
    return False


def kill(process: subprocess.Popen[str], number: int = signal.SIGKILL) -> tuple[int, str, str]:
    """Send a signal to a command, and return how it ended."""
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err
