# SPDX-License-Identifier: Apache-2.0
"""Normalisation of typed codes, before they are counted or compared.

Requirement O18. Two forms of one code that count as two codes would defeat a replay guard or a limit on guesses, so
this is the only normalisation, and it happens once:

1. white space of ASCII (space, tab, line feed, carriage return, vertical tab, form feed) at both ends is removed;
2. between two digits one space or one hyphen of ASCII, as in ``123 456``, is removed;
3. the rest must be exactly N digits of ASCII; anything else is not a code.

So these are no codes: digits of other scripts, full-width digits, signs, underscores, points, doubled or other
spaces, zero-width characters, a digit too few or too many. Leading zeros are digits like others. No ``int()``: it
takes signs, underscores and the digits of every script.
"""

from __future__ import annotations

MAX_TYPED = 64
"""The maximum length of input, in characters; anything longer is not a code."""

_WHITE_SPACE = " \t\n\r\v\f"


def canonical_code(typed: str, digits: int) -> bytes | None:
    """Return exactly ``digits`` ASCII digits, or None where ``typed`` is no code of that length.

    Args:
        typed: what a person typed; anything, it never raises on it.
        digits: how many digits the code has.
    """
    if not isinstance(typed, str):
        return None
    if len(typed) > MAX_TYPED or not typed.isascii():
        return None
    if len(typed) != digits or not typed.isdigit():
        groups = typed.strip(_WHITE_SPACE).replace("-", " ").split(" ")
        # A sign, a doubled separator or one at an end leaves an empty group, which is not digits
        if not all(group.isdigit() for group in groups):
            return None
        typed = "".join(groups)
        if len(typed) != digits:
            return None
    return typed.encode()
