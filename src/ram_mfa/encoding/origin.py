# SPDX-License-Identifier: Apache-2.0
"""Origins: scheme, host and port, parsed and compared whole.

RFC 6454, sections 4 and 6.2 (https://www.rfc-editor.org/rfc/rfc6454); the form is the one that browsers serialise
(https://url.spec.whatwg.org/#concept-url-origin, https://html.spec.whatwg.org/#ascii-serialisation-of-an-origin).

Invariant: an origin has exactly one form, and origins are compared only as a whole. Other forms of the same origin
(upper case, a default port, a trailing dot, Unicode) are never sent by a browser, so they are refused rather than
normalised (requirement V27).
"""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final, Self

import attrs

from .._validation import instance_of, whole
from ..errors import MalformedMessage

DEFAULT_PORTS: Final = {"https": 443, "http": 80}
MAX_LENGTH: Final = 300
"""The longest origin, in characters: a domain has at most 253."""

_LABEL = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")
_DIGITS = frozenset("0123456789")
_MESSAGE = "origin"


@attrs.frozen
class Origin:
    """The origin of a page. Two origins are equal when all three parts are equal.

    Attributes:
        scheme: ``"https"`` or ``"http"``.
        host: a domain in lower case (IDNs in their ``xn--`` form), an IPv4 address, or an IPv6 address in brackets.
        port: 1 to 65535, the scheme's default included.
    """

    scheme: str = attrs.field(validator=instance_of(str))
    host: str = attrs.field(validator=instance_of(str))
    port: int = attrs.field(validator=whole(1, 65_535))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the origin that ``text`` serialises, such as ``"https://example.com"`` or ``"http://localhost:8080"``.

        Raises:
            MalformedMessage: it is not the serialisation of an http or https origin, which has no path, not even "/".
        """
        if not isinstance(text, str):
            raise MalformedMessage(_MESSAGE, _MESSAGE, "not a string")
        if len(text) > MAX_LENGTH:
            raise MalformedMessage(_MESSAGE, _MESSAGE, f"longer than {MAX_LENGTH} characters")
        scheme, separator, place = text.partition("://")
        if not separator or scheme not in DEFAULT_PORTS:
            upper = separator and scheme.lower() in DEFAULT_PORTS
            raise MalformedMessage(_MESSAGE, "scheme", "in upper case" if upper else "neither https:// nor http://")
        _check_bare(place)
        host, colon, digits = place.rpartition(":") if not place.endswith("]") else (place, "", "")
        if not colon:
            host, digits = place, ""
        check_host(host)
        port = DEFAULT_PORTS[scheme]
        if colon:
            if not digits or len(digits) > 5 or not _DIGITS.issuperset(digits) or digits[0] == "0":
                raise MalformedMessage(_MESSAGE, "port", "not a number in its shortest form")
            if int(digits) > 65_535:
                raise MalformedMessage(_MESSAGE, "port", "above 65535")
            if int(digits) == port:
                raise MalformedMessage(_MESSAGE, "port", "the scheme's default, which browsers leave out")
            port = int(digits)
        return cls(scheme, host, port)

    @property
    def secure(self) -> bool:
        """Whether the scheme is https."""
        return self.scheme == "https"

    @property
    def local(self) -> bool:
        """Whether the host is ``localhost``, where browsers treat http as secure."""
        return self.host == "localhost"

    def __str__(self) -> str:
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"


def _check_bare(place: str) -> None:
    """Check that only host and port follow the scheme; ``field`` of the error names the part that does not belong."""
    if place.endswith("/") and not any(mark in place[:-1] for mark in _OTHER_PARTS):
        raise MalformedMessage(_MESSAGE, "path", "a trailing slash, which is not part of an origin")
    for mark, part in _OTHER_PARTS.items():
        if mark in place:
            raise MalformedMessage(_MESSAGE, part, "not part of an origin")


_OTHER_PARTS: Final = {"@": "user info", "/": "path", "?": "query", "#": "fragment"}


def check_host(host: str) -> None:
    """Check that a host has the form that browsers serialise.

    Raises:
        MalformedMessage: it is neither a domain in lower-case ASCII without a trailing dot nor an IP address in its
            canonical form.
    """
    if host.startswith("["):
        try:
            canonical = f"[{IPv6Address(host[1:-1])}]"
        except AddressValueError:
            canonical = ""
        if canonical != host or "%" in host:
            raise MalformedMessage(_MESSAGE, "host", "not an IPv6 address in its canonical form")
        return
    if not host.isascii():
        raise MalformedMessage(_MESSAGE, "host", "not ASCII: international domains are written as xn--")
    if host != host.lower():
        raise MalformedMessage(_MESSAGE, "host", "in upper case")
    if host.endswith("."):
        raise MalformedMessage(_MESSAGE, "host", "a trailing dot")
    labels = host.split(".")
    if len(host) > 253 or not all(0 < len(label) < 64 and _LABEL.issuperset(label) for label in labels):
        raise MalformedMessage(_MESSAGE, "host", "not a domain in lower-case ASCII")
    # In URLs 127.1, 0x7f.1 and 2130706433 are addresses: a host whose last label looks like a number is an address.
    if _DIGITS.issuperset(labels[-1]) or labels[-1].startswith("0x"):
        try:
            IPv4Address(host)
        except AddressValueError:
            raise MalformedMessage(_MESSAGE, "host", "not an IPv4 address in its canonical form") from None
