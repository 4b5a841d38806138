# SPDX-License-Identifier: Apache-2.0
"""Normalisation of typed codes, before they are counted or compared.

Requirement O18. A replay guard or a limit on guesses would fail if two forms of one code counted as two codes, so this
is the only normalisation, and it is applied once:

1. ASCII white space (space, tab, line feed, carriage return, vertical tab, form feed) at both ends is removed;
2. one ASCII space or hyphen between two digits, as in ``123 456``, is removed;
3. the rest must be exactly N ASCII digits; anything else is not a code.

Refused, for example: digits of other scripts, full-width digits, signs, underscores, points, doubled or other spaces,
zero-width characters, a digit too few or too many. Leading zeros count as digits. ``int()`` is not used, because it
accepts signs, underscores and the digits of every script.
"""

from __future__ import annotations

MAX_TYPED = 64
"""The maximum length of input, in characters; anything longer is not a code."""

_WHITE_SPACE = " \t\n\r\v\f"


def canonical_code(typed: str, digits: int) -> bytes | None:
    """Return exactly ``digits`` ASCII digits, or None where ``typed`` is not a code of that length.

    Args:
        typed: what a user typed; a value of any type, none of which raises an error.
        digits: the number of digits of the code.
    """
    if not isinstance(typed, str):
        return None
    if len(typed) > MAX_TYPED or not typed.isascii():
        return None
    if len(typed) != digits or not typed.isdigit():
        groups = typed.strip(_WHITE_SPACE).replace("-", " ").split(" ")
        # A sign, a doubled separator or one at either end leaves an empty group, which is not digits
        if not all(group.isdigit() for group in groups):
            return None
        typed = "".join(groups)
        if len(typed) != digits:
            return None
    return typed.encode()
