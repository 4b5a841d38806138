# SPDX-License-Identifier: Apache-2.0
"""A handle of the store in another process, called through a pipe, which can be killed without warning."""

from __future__ import annotations

import contextlib
import multiprocessing
import threading
from collections.abc import Callable, Iterator
from typing import Any, Literal

from .results import StoreCheckFailed, require

StartMethod = Literal["spawn", "fork", "forkserver"]


class Remote:
    """Handle of a store that another process opens.

    Args:
        make: opens the store, there.
        processes: how many the run may start; with 0 none is started.
        start_method: how it is started.
        patience: seconds after which an answer does not come any more.

    Raises:
        NotTriedError: no processes were asked for.
        StoreCheckFailed: the process does not start.
    """

    def __init__(self, make: Callable[[], Any], processes: int, start_method: StartMethod, patience: float) -> None:
        require(processes, "no processes were asked for: processes=")
        context: Any = multiprocessing.get_context(start_method)
        self._pipe, there = context.Pipe()
        self._patience = patience
        self._lock = threading.Lock()
        self._process = context.Process(target=_serve, args=(make, there), daemon=True)
        self._process.start()
        there.close()
        self._words = self._ask("", patience=patience + 30)
        for word in ("keys", "incarnation", "at", "clock"):
            if word not in self._words:
                setattr(self, word, None)

    def load(self, key: str, /) -> bytes | None:
        """Load in the process."""
        found: bytes | None = self._ask("load", key)
        return found

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        """Swap in the process."""
        applied: bool = self._ask("swap", key, old, new)
        return applied

    def keys(self, kind: str, /) -> Iterator[str]:
        """List the keys in the process."""
        named: list[str] = self._ask("keys", kind)
        return iter(named)

    def incarnation(self) -> str:
        """Return the incarnation that the process is shown."""
        name: str = self._ask("incarnation")
        return name

    def at(self, incarnation: str, /, *, beside: tuple[str, bytes] | None = None) -> Any:
        """Make a view in the process."""
        return _RemoteView(self, self._ask("at", incarnation, beside))

    def clock(self) -> float:
        """Return the clock that the process is shown."""
        now: float = self._ask("clock")
        return now

    def start(self, word: str, *arguments: Any) -> None:
        """Send a request without waiting for its answer."""
        self._pipe.send((word, arguments))

    def received(self, patience: float) -> Any:
        """Return the next message of the process; None where none comes in time."""
        with contextlib.suppress(EOFError, OSError):
            if self._pipe.poll(patience):
                return self._pipe.recv()
        return None

    def kill(self) -> None:
        """Kill the process with -9."""
        self._process.kill()
        self._process.join(self._patience)

    def end(self) -> None:
        """End the process."""
        with contextlib.suppress(OSError, ValueError):
            self._pipe.send(None)
        self._process.join(1.0)
        self._process.kill()
        self._process.join(5.0)
        self._pipe.close()

    def _ask(self, word: str, *arguments: Any, patience: float | None = None) -> Any:
        with self._lock:
            try:
                self._pipe.send((word, arguments))
                answered = self._pipe.poll(self._patience if patience is None else patience)
                answer = self._pipe.recv() if answered else None
            except (EOFError, OSError):
                self._process.join(1.0)
                code = self._process.exitcode
                raise StoreCheckFailed("S16", f"a process that used the store ended with code {code}") from None
        if answer is None:
            raise StoreCheckFailed("S14", f"{word or 'opening the store'} hangs in another process")
        well, value = answer
        if not well:
            raise value
        return value


class _RemoteView:
    def __init__(self, remote: Remote, number: int) -> None:
        self._remote, self._number = remote, number

    def load(self, key: str, /) -> bytes | None:
        found: bytes | None = self._remote._ask("view", self._number, "load", key)  # noqa: SLF001
        return found

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        applied: bool = self._remote._ask("view", self._number, "swap", key, old, new)  # noqa: SLF001
        return applied


def _serve(make: Callable[[], Any], pipe: Any) -> None:
    try:
        store = make()
    except BaseException as error:  # noqa: BLE001 (reported to the process that started this one)
        pipe.recv()
        pipe.send((False, StoreCheckFailed("S16", f"opening it in a process ends in {type(error).__name__}: {error}")))
        return
    views: list[Any] = []
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        while (asked := pipe.recv()) is not None:
            word, arguments = asked
            try:
                answer: tuple[bool, Any] = (True, _answer(store, views, pipe, word, arguments))
            except BaseException as error:  # noqa: BLE001 (raised in the process that asked)
                answer = (False, error)
            try:
                pipe.send(answer)
            except Exception as error:  # noqa: BLE001 (an exception that does not travel)
                text = f"{type(answer[1]).__name__}: {answer[1]}"
                pipe.send((False, StoreCheckFailed("S16", f"a {text} crosses the protocol ({error})")))


def _answer(store: Any, views: list[Any], pipe: Any, word: str, arguments: tuple[Any, ...]) -> Any:
    if word == "":
        return [name for name in ("keys", "incarnation", "at", "clock") if callable(getattr(store, name, None))]
    if word == "keys":
        return list(store.keys(*arguments))
    if word == "at":
        name, beside = arguments
        views.append(store.at(name) if beside is None else store.at(name, beside=beside))
        return len(views) - 1
    if word == "view":
        number, word, *rest = arguments
        return getattr(views[number], word)(*rest)
    if word == "write on":
        return _write_on(store, pipe, *arguments)
    return getattr(store, word)(*arguments)


def _write_on(store: Any, pipe: Any, keys: list[str], values: list[bytes]) -> None:
    """Create, replace and delete until killed, and report each request and each applied swap."""
    held: dict[str, bytes | None] = dict.fromkeys(keys)
    for number, value in enumerate(values):
        key = keys[number % len(keys)]
        new = None if number % 5 == 4 and held[key] is not None else value
        pipe.send(("asked", key, new))
        applied = store.swap(key, held[key], new)
        if applied is True:
            held[key] = new
            pipe.send(("applied", key, new))
    pipe.send(("over", "", None))
