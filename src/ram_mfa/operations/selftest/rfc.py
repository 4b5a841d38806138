# SPDX-License-Identifier: Apache-2.0
"""The vectors of the RFCs: one-time passwords and base encodings.

RFC 4226 appendix D, RFC 6238 appendix B, RFC 4648 section 10 (https://www.rfc-editor.org).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from ...encoding import base64url
from ...otp import TOTP, Algorithm, hotp, parse_setup_key, setup_key
from ...otp.hotp import snum
from .vectors import Suite, expect


def suites(document: Mapping[str, Any]) -> Iterator[Suite]:
    """Return the vectors, ready to be tried."""
    for one in document["standards"]:
        check = _CHECKS[one["check"]]
        vectors = tuple((_name(vector), partial(check, vector)) for vector in one["vectors"])
        yield Suite(one["standard"], one["section"], one["url"], vectors, _NOTES.get(one["check"], ""))


def _name(vector: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {value!r}" for name, value in vector.items() if name in {"counter", "time", "algorithm", "text"}
    )


def _hotp(vector: Mapping[str, Any]) -> None:
    secret, counter = bytes.fromhex(vector["secret"]), vector["counter"]
    expect(snum(secret, counter, Algorithm.SHA1), vector["truncated"])
    expect(hotp(secret, counter), vector["code"])


def _totp(vector: Mapping[str, Any]) -> None:
    totp = TOTP(bytes.fromhex(vector["secret"]), Algorithm(vector["algorithm"]), digits=8)
    expect(totp.at(vector["time"]), vector["code"])
    expect(totp.match(vector["code"], at=vector["time"], backward=0, forward=0), vector["time"] // 30)


def _base32(vector: Mapping[str, Any]) -> None:
    data, encoded = vector["text"].encode(), vector["encoded"]
    expect(str(setup_key(data)).replace(" ", ""), encoded.rstrip("="))
    if encoded:  # a setup key is never empty
        expect(bytes(parse_setup_key(encoded)), data)


def _base64(vector: Mapping[str, Any]) -> None:
    data, encoded = vector["text"].encode(), vector["encoded"].rstrip("=")
    expect(base64url.encode(data), encoded)
    expect(base64url.decode(encoded, message="vector", field="text"), data)


_CHECKS: Final[dict[str, Callable[[Mapping[str, Any]], None]]] = {
    "hotp": _hotp,
    "totp": _totp,
    "base32": _base32,
    "base64": _base64,
}
_NOTES: Final = {
    "base32": "compared without padding, as key URIs carry it; the empty text is encoded only",
    "base64": "compared without padding, as base64url (section 5); no vector has a character in which the two differ",
}
