# SPDX-License-Identifier: Apache-2.0
"""Validators and converters of the fields that verbs, actors and evidence share.

Invariant: a value that the application passes is checked when the verb is built, which raises TypeError or ValueError;
input from people and browsers is only stored there, and verified inside the verb, where a failure is counted.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any, Final

from .._secret import SecretText
from .._validation import instance_of, is_a, is_name, name, optional, text, wrong_type, wrong_value
from ..context import Context
from .operation import Operation

MIN_SESSION: Final = 22
"""Characters of a session string: 128 bits in base64url (requirement A36)."""
MAX_ACCOUNT_NAME: Final = 128
MAX_LABEL: Final = 64
MAX_ADMINISTRATOR: Final = 128
_MAX_RAW_LABEL: Final = 1_024

_session_text: Final = text(MIN_SESSION)
is_text: Final = instance_of(str)
"""A str of any content, which the verb verifies."""
is_optional_text: Final = optional(is_text)
"""None, or a str of any content, which the verb verifies."""
is_operation: Final = instance_of(Operation)
is_administrator_name: Final = name(MAX_ADMINISTRATOR)


def is_session(instance: object, attribute: Any, value: Any) -> None:
    """Accept the application's session string: at least 22 characters, as `new_session` makes them.

    Raises:
        TypeError: it is no string.
        ValueError: it is shorter than 128 bits can be, or longer than 4,096 characters.
    """
    if is_a(value, str) and len(value) < MIN_SESSION:
        wrong_value(instance, attribute, f"at least {MIN_SESSION} characters, random, as new_session() makes them")
    _session_text(instance, attribute, value)


def is_account_name(instance: object, attribute: Any, value: Any) -> None:
    """Accept the account name that an app or a browser shows: 1 to 128 printable characters that a key URI can hold.

    Raises:
        TypeError: it is no string.
        ValueError: it has another length, a colon, a blank at an end, or a character that is not printable.
    """
    if not is_a(value, str):
        wrong_type(instance, attribute, "a string", value)
    if not 1 <= len(value) <= MAX_ACCOUNT_NAME:
        wrong_value(instance, attribute, f"a string of 1 to {MAX_ACCOUNT_NAME} characters")
    if ":" in value:
        wrong_value(instance, attribute, "a string without a colon, which parts issuer and account in a key URI")
    if value != value.strip():
        wrong_value(instance, attribute, "a string without a blank at an end")
    if not is_name(value, MAX_ACCOUNT_NAME):
        wrong_value(instance, attribute, "a string of printable characters")


def is_label(instance: object, attribute: Any, value: Any) -> None:
    """Accept the label of a machine to be remembered, as `as_label` made it, or None.

    Raises:
        TypeError: it is neither a string nor None.
        ValueError: it holds no printable character. An unticked box sends an empty string, which is not a label.
    """
    if value is None:
        return
    if not is_a(value, str):
        wrong_type(instance, attribute, "a label for the machine, or None", value)
    if not is_name(value, MAX_LABEL):
        wrong_value(instance, attribute, "None, or a label with a printable character: an unticked box is None")


def as_label(value: Any) -> Any:
    """Convert text to a label: in Unicode's form NFC, printable characters only, at most 64 of them."""
    if not is_a(value, str):
        return value
    composed = unicodedata.normalize("NFC", value[:_MAX_RAW_LABEL])
    return "".join(character for character in composed if character.isprintable()).strip()[:MAX_LABEL].rstrip()


def is_user_id(session: str, context: Context) -> bool:
    """Return whether a session string is the user id, which is not secret."""
    return session == context.user


def as_typed(value: str) -> SecretText:
    """Return typed text with its repr hidden; a value that is not text becomes the empty text, which never passes."""
    return SecretText(value) if is_a(value, str) else SecretText()


def as_codes(values: Iterable[str]) -> tuple[SecretText, ...]:
    """Return the typed codes in order: at most three, since more than two never pass; none where it is not iterable."""
    if is_a(values, str):
        return (as_typed(values),)
    try:
        iter(values)
    except TypeError:
        return ()
    return tuple(as_typed(value) for value, _ in zip(values, range(3), strict=False))
