# SPDX-License-Identifier: Apache-2.0
"""The setup key: the secret in the form that a user types into an app that cannot scan.

Base32 (RFC 4648 section 6, https://www.rfc-editor.org/rfc/rfc4648) in groups of four; RFC 4226 appendix E leaves the
form to the implementer, and apps accept this one. The parser accepts either case, and ASCII white space and hyphens
anywhere.
"""

from __future__ import annotations

from .._secret import SecretBytes, SecretText
from ..errors import MalformedMessage
from . import base32

_MESSAGE = "setup key"
_MAX_TYPED = 4 * base32.MAX_SECRET
_SEPARATORS = str.maketrans("", "", " \t\n\r\v\f-")


def setup_key(secret: bytes) -> SecretText:
    """Return the secret as base32, in upper case, in groups of four separated by spaces, without padding.

    Args:
        secret: raw bytes.
    """
    text = base32.encode(secret)
    return SecretText(" ".join(text[at : at + 4] for at in range(0, len(text), 4)))


def parse_setup_key(text: str) -> SecretBytes:
    """Return the secret of a setup key that a user typed or another system printed.

    Args:
        text: base32 in either case, with or without padding, with ASCII white space and hyphens anywhere.
            ``0``, ``1``, ``8`` and ``9`` are refused, not read as the letters that they resemble.

    Raises:
        MalformedMessage: it is not a str, empty, too long, or not base32.
    """
    if not isinstance(text, str):
        raise MalformedMessage(_MESSAGE, "text", "not a string")
    if len(text) > _MAX_TYPED:
        raise MalformedMessage(_MESSAGE, "text", f"longer than {_MAX_TYPED} characters")
    text = SecretText(text)
    try:
        return base32.decode(text.translate(_SEPARATORS), message=_MESSAGE, field="secret")
    except MalformedMessage as bad:
        problem = bad.problem
    # A new error, raised outside the handler: the frames of the first hold the secret, which tools print
    raise MalformedMessage(_MESSAGE, "secret", problem)
