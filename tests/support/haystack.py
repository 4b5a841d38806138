# SPDX-License-Identifier: Apache-2.0
"""Looking for secrets in everything that is written: needles in every spelling, and a haystack.

A needle is what nobody may read: a secret, a code, a token, the MAC of a ticket, a key. It is looked for as it is, in
the usual encodings, and in the two halves of each, since a repr may be cut short.
"""

from __future__ import annotations

import base64
import contextlib
import logging
import pickle
import pprint
import traceback
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import attrs

from ram_mfa._secret import SecretBytes, SecretText
from ram_mfa.refusals import Ticket

SHORTEST = 8
"""Characters: a code of eight digits; what is shorter turns up by chance."""
_HALF = 16
_HEAD_OF_A_TICKET = 46
"""The base64url characters of a ticket before its MAC: version, purpose, times and nonce, which are no secret."""


class Haystack:
    """What was written, and what must not stand in it."""

    def __init__(self) -> None:
        self._needles: dict[str, str] = {}
        self._texts: dict[str, str] = {}

    # Needles

    def hide_bytes(self, what: str, secret: bytes) -> None:
        """Look for bytes, raw and encoded."""
        raw = bytes(secret)
        for piece in {raw, raw[: len(raw) // 2], raw[len(raw) // 2 :]} if len(raw) >= _HALF else {raw}:
            self._hide(what, repr(piece)[2:-1])
            self._hide(what, piece.decode("latin-1"))
            self._hide(what, ", ".join(map(str, piece)))
            self._hide(what, str(int.from_bytes(piece, "big")))
            self._hide(what, piece.hex())
            self._hide(what, piece.hex().upper())
            self._hide(what, base64.b64encode(piece).decode().rstrip("="))
            self._hide(what, base64.urlsafe_b64encode(piece).decode().rstrip("="))
            self._hide(what, base64.b32encode(piece).decode().rstrip("="))

    def hide_text(self, what: str, secret: str) -> None:
        """Look for text, as it is and encoded; of a ticket for its MAC, of a key URI for its secret."""
        text = str.__str__(secret)
        if text.startswith("otpauth://"):
            given = parse_qs(urlsplit(text).query)
            (text,) = given.get("secret") or given["secrets"]
        elif len(text) > Ticket.HEAD:
            text = text[_HEAD_OF_A_TICKET : Ticket.HEAD]
            self.hide_bytes(what, base64.urlsafe_b64decode(text[2:] + "=" * (-len(text[2:]) % 4)))
        pieces = {text, text.replace(" ", "")}
        if len(text) >= 2 * _HALF:
            pieces |= {text[: len(text) // 2], text[len(text) // 2 :]}
        for piece in pieces:
            self._hide(what, piece)
            self._hide(what, piece.lower())
            self._hide(what, quote(piece, safe=""))
            self._hide(what, piece.encode().hex())
            self._hide(what, base64.b64encode(piece.encode()).decode().rstrip("="))

    def _hide(self, what: str, needle: str) -> None:
        if len(needle) >= SHORTEST:
            self._needles.setdefault(needle, what)

    def hide_all_of(self, what: str, value: Any) -> None:
        """Look for every secret that stands somewhere in a value: in fields, in lists, in options for browsers.

        Each is also read by itself, as somebody who holds it may print it.
        """
        match value:
            case SecretBytes():
                self.hide_bytes(what, value)
                self.read_object(what, value)
            case SecretText() | Ticket():
                self.hide_text(what, value)
                self.read_object(what, value)
            case Mapping():
                for name, inner in value.items():
                    if name == "challenge" and isinstance(inner, str):
                        self.hide_text(f"{what} (challenge)", inner)
                    self.hide_all_of(what, inner)
            case list() | tuple():
                for inner in value:
                    self.hide_all_of(what, inner)
            case _ if attrs.has(type(value)):
                for field in attrs.fields(type(value)):
                    self.hide_all_of(f"{type(value).__name__}.{field.name}", getattr(value, field.name))
            case _:
                pass

    # Hay

    def read(self, where: str, text: str) -> None:
        """Note a text that somebody may read."""
        self._texts.setdefault(text, where)

    def read_object(self, where: str, value: Any) -> None:
        """Note everything that printing, formatting and pickling make of a value."""
        self.read_shown(where, value)
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with contextlib.suppress(TypeError, pickle.PicklingError, AttributeError):
                self.read(f"pickle of {where}", pickle.dumps(value, protocol).decode("latin-1"))

    def read_shown(self, where: str, value: Any) -> None:
        """Note what printing and formatting make of a value; a text by itself is asked for its repr alone, since it is
        meant for a page.
        """
        shown = [repr(value), ascii(value), f"{value!r}", repr([value]), repr({"it": value}), pprint.pformat(value)]
        if not isinstance(value, str):
            shown += [str(value), format(value), f"{value}"]
        for text in shown:
            self.read(where, text)

    def read_error(self, where: str, error: BaseException) -> None:
        """Note an error, with all that stands in the frames of the package and below it, not of the tests."""
        self.read_object(where, error)
        behind: BaseException | None = error
        seen: set[int] = set()
        while behind is not None and id(behind) not in seen:
            seen.add(id(behind))
            self.read(where, repr(behind))
            for frame, line in traceback.walk_tb(behind.__traceback__):
                code = frame.f_code
                if "/tests/" not in code.co_filename:
                    for name, value in frame.f_locals.items():
                        place = f"{where}: local {name} of {code.co_name}, {code.co_filename}:{line}"
                        self.read(place, _shown(value))
            behind = behind.__cause__ or behind.__context__
        self.read(where, "".join(traceback.format_exception(error)))

    @contextlib.contextmanager
    def reading_logs(self) -> Iterator[None]:
        """Note all that is logged meanwhile, by anybody, at any level."""
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

    # The search

    def found(self) -> list[str]:
        """Return what was found, and where, without any of it."""
        starts: dict[str, list[str]] = {}
        for needle in self._needles:
            starts.setdefault(needle[:SHORTEST], []).append(needle)
        hits = set()
        for text, where in self._texts.items():
            for place in range(len(text) - SHORTEST + 1):
                for needle in starts.get(text[place : place + SHORTEST], ()):
                    if text.startswith(needle, place):
                        hits.add(f"{self._needles[needle]} in {where}")
        return sorted(hits)

    @property
    def size(self) -> tuple[int, int]:
        """How many needles there are, and how many characters of hay."""
        return len(self._needles), sum(map(len, self._texts))


def _shown(value: Any) -> str:
    """Return the repr of a value; where that fails, as it does for one that is half built, what it holds by itself."""
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - whatever a repr raises
        fields = getattr(type(value), "__slots__", ())
        return repr([getattr(value, name, None) for name in fields if "secret" not in name])


class _Reader(logging.Handler):
    def __init__(self, haystack: Haystack) -> None:
        super().__init__(logging.DEBUG)
        self._haystack = haystack
        self.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        where = f"log of {record.name}"
        self._haystack.read(where, self.format(record))
        self._haystack.read_object(where, {name: value for name, value in vars(record).items() if name != "exc_info"})
        if record.exc_info and record.exc_info[1] is not None:
            self._haystack.read_error(where, record.exc_info[1])
