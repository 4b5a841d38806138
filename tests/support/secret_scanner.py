# SPDX-License-Identifier: Apache-2.0
"""A scanner that looks for secrets, in their usual encodings, in everything that is written.

A secret is a key, a code, a token or the MAC of a ticket. Its two halves are looked for as well, since a repr may be
truncated.
"""

from __future__ import annotations

import base64
import contextlib
import logging
import pickle
import pprint
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import attrs

from ram_mfa._secret import SecretBytes, SecretText
from ram_mfa.refusals import Ticket

MIN_LENGTH = 8
"""Characters: a code of eight digits; anything shorter turns up by chance."""
_TESTS = Path(__file__).parents[1]
_HALF = 16
_HEAD_OF_A_TICKET = 46
"""The base64url characters of a ticket before its MAC: version, purpose, times and nonce, which are no secret."""


class SecretScanner:
    """The texts that were written, and the secrets that none of them may contain."""

    def __init__(self) -> None:
        self._secrets: dict[str, str] = {}
        self._texts: dict[str, str] = {}

    # The secrets

    def add_bytes(self, what: str, secret: bytes) -> None:
        """Look for bytes, raw and encoded."""
        raw = bytes(secret)
        for piece in {raw, raw[: len(raw) // 2], raw[len(raw) // 2 :]} if len(raw) >= _HALF else {raw}:
            self._add(what, repr(piece)[2:-1])
            self._add(what, piece.decode("latin-1"))
            self._add(what, ", ".join(map(str, piece)))
            self._add(what, str(int.from_bytes(piece, "big")))
            self._add(what, piece.hex())
            self._add(what, piece.hex().upper())
            self._add(what, base64.b64encode(piece).decode().rstrip("="))
            self._add(what, base64.urlsafe_b64encode(piece).decode().rstrip("="))
            self._add(what, base64.b32encode(piece).decode().rstrip("="))

    def add_text(self, what: str, secret: str) -> None:
        """Look for a text, plain and encoded; for a ticket's MAC, and for a key URI's secret."""
        text = str.__str__(secret)
        if text.startswith("otpauth://"):
            given = parse_qs(urlsplit(text).query)
            (text,) = given.get("secret") or given["secrets"]
        elif len(text) > Ticket.HEAD:
            text = text[_HEAD_OF_A_TICKET : Ticket.HEAD]
            self.add_bytes(what, base64.urlsafe_b64decode(text[2:] + "=" * (-len(text[2:]) % 4)))
        pieces = {text, text.replace(" ", "")}
        if len(text) >= 2 * _HALF:
            pieces |= {text[: len(text) // 2], text[len(text) // 2 :]}
        for piece in pieces:
            self._add(what, piece)
            self._add(what, piece.lower())
            self._add(what, quote(piece, safe=""))
            self._add(what, piece.encode().hex())
            self._add(what, base64.b64encode(piece.encode()).decode().rstrip("="))

    def _add(self, what: str, secret: str) -> None:
        if len(secret) >= MIN_LENGTH:
            self._secrets.setdefault(secret, what)

    def add_all_of(self, what: str, value: Any) -> None:
        """Look for every secret inside a value: in fields, in lists, in options for browsers.

        The printed form of each secret is scanned as well.
        """
        match value:
            case SecretBytes():
                self.add_bytes(what, value)
                self.scan_object(what, value)
            case SecretText() | Ticket():
                self.add_text(what, value)
                self.scan_object(what, value)
            case Mapping():
                for name, inner in value.items():
                    if name == "challenge" and isinstance(inner, str):
                        self.add_text(f"{what} (challenge)", inner)
                    self.add_all_of(what, inner)
            case list() | tuple():
                for inner in value:
                    self.add_all_of(what, inner)
            case _ if attrs.has(type(value)):
                for field in attrs.fields(type(value)):
                    self.add_all_of(f"{type(value).__name__}.{field.name}", getattr(value, field.name))
            case _:
                pass

    # The texts

    def scan(self, where: str, text: str) -> None:
        """Scan a text."""
        self._texts.setdefault(text, where)

    def scan_object(self, where: str, value: Any) -> None:
        """Scan what printing, formatting and pickling make of a value."""
        self.scan_reprs(where, value)
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with contextlib.suppress(TypeError, pickle.PicklingError, AttributeError):
                self.scan(f"pickle of {where}", pickle.dumps(value, protocol).decode("latin-1"))

    def scan_reprs(self, where: str, value: Any) -> None:
        """Scan what printing and formatting make of a value; of a text only the repr, since the text is for a page."""
        shown = [repr(value), ascii(value), f"{value!r}", repr([value]), repr({"it": value}), pprint.pformat(value)]
        if not isinstance(value, str):
            shown += [str(value), format(value), f"{value}"]
        for text in shown:
            self.scan(where, text)

    def scan_error(self, where: str, error: BaseException) -> None:
        """Scan an error and its causes, with the local variables of all frames but those of the tests."""
        self.scan_object(where, error)
        behind: BaseException | None = error
        seen: set[int] = set()
        while behind is not None and id(behind) not in seen:
            seen.add(id(behind))
            self.scan(where, repr(behind))
            for frame, line in traceback.walk_tb(behind.__traceback__):
                code = frame.f_code
                if not is_of_the_tests(code.co_filename):
                    for name, value in frame.f_locals.items():
                        place = f"{where}: local {name} of {code.co_name}, {code.co_filename}:{line}"
                        self.scan(place, _shown(value))
            behind = behind.__cause__ or behind.__context__
        self.scan(where, "".join(traceback.format_exception(error)))

    @contextlib.contextmanager
    def scanning_logs(self) -> Iterator[None]:
        """Scan everything that any logger writes within the block, at any level."""
        root = logging.getLogger()
        handler = _Reader(self)
        level, disabled = root.level, logging.root.manager.disable
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        logging.disable(logging.NOTSET)
        try:
            yield
        finally:
            root.removeHandler(handler)
            root.setLevel(level)
            logging.disable(disabled)

    # The result

    def findings(self) -> list[str]:
        """Return which secrets stand where, by their names."""
        starts: dict[str, list[str]] = {}
        for secret in self._secrets:
            starts.setdefault(secret[:MIN_LENGTH], []).append(secret)
        hits = set()
        for text, where in self._texts.items():
            for place in range(len(text) - MIN_LENGTH + 1):
                for secret in starts.get(text[place : place + MIN_LENGTH], ()):
                    if text.startswith(secret, place):
                        hits.add(f"{self._secrets[secret]} in {where}")
        return sorted(hits)

    @property
    def size(self) -> tuple[int, int]:
        """The numbers of secrets (in all encodings) and of characters of text."""
        return len(self._secrets), sum(map(len, self._texts))


def is_of_the_tests(filename: str) -> bool:
    """Return whether a source file is one of the tests."""
    return _TESTS in Path(filename).parents


def _shown(value: Any) -> str:
    """Return the repr of a value; where that fails, as for a half-built one, the repr of its fields."""
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - whatever a repr raises
        fields = getattr(type(value), "__slots__", ())
        return repr([getattr(value, name, None) for name in fields if "secret" not in name])


class _Reader(logging.Handler):
    def __init__(self, scanner: SecretScanner) -> None:
        super().__init__(logging.DEBUG)
        self._scanner = scanner
        self.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        where = f"log of {record.name}"
        self._scanner.scan(where, self.format(record))
        self._scanner.scan_object(where, {name: value for name, value in vars(record).items() if name != "exc_info"})
        if record.exc_info and record.exc_info[1] is not None:
            self._scanner.scan_error(where, record.exc_info[1])
