# SPDX-License-Identifier: Apache-2.0
"""Validators for the fields of every public value: the one way in which a constructor checks its arguments.

Each function returns a validator for ``attrs.field(validator=...)``. It raises `TypeError` for a value of a wrong type
and `ValueError` for a wrong value; the message names class and field, says what is expected, and never repeats the
value, which may be a secret.

Invariant: a type is compared, never a value. ``type(value)`` decides, so that an object which equals everything, or
claims another ``__class__``, passes nowhere; a ``bool`` is no number, a ``float`` is no whole number, and a word is no
member of an enum.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from typing import Any, Final, NoReturn, TypeGuard, TypeVar

T = TypeVar("T")
Validator = Callable[[Any, Any, Any], None]
"""Takes the instance that is being built, the attribute (which has a ``name``), and the value."""

MAX_TEXT: Final = 4_096
"""Characters of a text that has no closer bound of its own."""


def wrong_type(instance: object, attribute: Any, expected: str, value: object) -> NoReturn:
    """Raise a TypeError that names class, field, the expected and the actual type."""
    raise TypeError(f"{type(instance).__name__}.{attribute.name} must be {expected}, not {type(value).__name__}")


def wrong_value(instance: object, attribute: Any, expected: str) -> NoReturn:
    """Raise the ValueError that names class, field and what was expected."""
    raise ValueError(f"{type(instance).__name__}.{attribute.name} must be {expected}")


def is_a(value: object, *kinds: type[T]) -> TypeGuard[T]:
    """Return whether a value is of one of these types or of a subclass, whatever it claims to be."""
    return issubclass(type(value), kinds)


def instance_of(*kinds: type[Any]) -> Validator:
    """Accept an instance of one of these types or of a subclass."""
    expected = " or ".join(kind.__name__ for kind in kinds)

    def validate(instance: object, attribute: Any, value: Any) -> None:
        if not is_a(value, *kinds):
            wrong_type(instance, attribute, f"of type {expected}", value)

    return validate


def member_of(kind: type[enum.Enum]) -> Validator:
    """Accept a member of the enum; its name and its value are words, and are refused."""

    def validate(instance: object, attribute: Any, value: Any) -> None:
        if type(value) is not kind:
            wrong_type(instance, attribute, f"a member of {kind.__name__}", value)

    return validate


def is_flag(instance: object, attribute: Any, value: Any) -> None:
    """Accept True or False."""
    if type(value) is not bool:
        wrong_type(instance, attribute, "True or False", value)


def whole(least: int, most: int) -> Validator:
    """Accept an int from ``least`` to ``most``; no bool, no float."""
    expected = f"a whole number from {least} to {most}"

    def validate(instance: object, attribute: Any, value: Any) -> None:
        if type(value) is not int:
            wrong_type(instance, attribute, expected, value)
        if not least <= value <= most:
            wrong_value(instance, attribute, expected)

    return validate


def number(least: float, most: float) -> Validator:
    """Accept a finite int or float from ``least`` to ``most``, such as a span in seconds; no bool."""
    expected = f"a number from {least:g} to {most:g}"

    def validate(instance: object, attribute: Any, value: Any) -> None:
        if type(value) is not int and type(value) is not float:
            wrong_type(instance, attribute, expected, value)
        if not least <= value <= most:  # which is false of NaN, and true of no infinity and no huge int
            wrong_value(instance, attribute, expected)

    return validate


def text(least: int = 0, most: int = MAX_TEXT) -> Validator:
    """Accept a str of ``least`` to ``most`` characters that UTF-8 can encode."""
    expected = f"a string of {least} to {most} characters"

    def validate(instance: object, attribute: Any, value: Any) -> None:
        if not is_a(value, str):
            wrong_type(instance, attribute, expected, value)
        if not least <= len(value) <= most:
            wrong_value(instance, attribute, expected)
        if not is_encodable(value):
            wrong_value(instance, attribute, f"{expected}, without half a surrogate pair")

    return validate


def name(most: int, least: int = 1) -> Validator:
    """Accept a str of ``least`` to ``most`` characters that stays in its line, with something to see in it.

    Control characters, separators of lines and paragraphs, format characters (which turn the direction of a line) and
    surrogates are not printable: what is accepted cannot forge a line of a log.
    """
    expected = f"a string of {least} to {most} printable characters, not all of them blank"

    def validate(instance: object, attribute: Any, value: Any) -> None:
        if not is_a(value, str):
            wrong_type(instance, attribute, expected, value)
        if not is_name(value, most, least):
            wrong_value(instance, attribute, expected)

    return validate


def octets(least: int, most: int) -> Validator:
    """Accept bytes of a length from ``least`` to ``most``."""
    expected = f"{least} bytes" if least == most else f"{least} to {most} bytes"

    def validate(instance: object, attribute: Any, value: Any) -> None:
        if not is_a(value, bytes):
            wrong_type(instance, attribute, f"bytes ({expected})", value)
        if not least <= len(value) <= most:
            wrong_value(instance, attribute, expected)

    return validate


def optional(validator: Validator) -> Validator:
    """Accept None too."""

    def validate(instance: object, attribute: Any, value: Any) -> None:
        if value is not None:
            validator(instance, attribute, value)

    return validate


def each(collection: type[Any], validator: Validator, *, least: int = 0, most: int = 256) -> Validator:
    """Accept a tuple or frozenset of ``least`` to ``most`` elements that ``validator`` accepts."""
    expected = f"a {collection.__name__} of {least} to {most} elements"

    def validate(instance: object, attribute: Any, value: Any) -> None:
        if type(value) is not collection:
            wrong_type(instance, attribute, expected, value)
        if not least <= len(value) <= most:
            wrong_value(instance, attribute, expected)
        for element in value:
            validator(instance, attribute, element)

    return validate


def both(*validators: Validator) -> Validator:
    """Accept what all of these accept, asked in this order."""

    def validate(instance: object, attribute: Any, value: Any) -> None:
        for validator in validators:
            validator(instance, attribute, value)

    return validate


def as_tuple(values: Iterable[Any]) -> Any:
    """Convert a list, set or other iterable to a tuple; leave text, bytes and what holds nothing to the validator."""
    return _collected(tuple, values)


def as_frozenset(values: Iterable[Any]) -> Any:
    """Convert a list, set or other iterable to a frozenset; leave all else to the validator."""
    return _collected(frozenset, values)


def is_encodable(value: str) -> bool:
    """Return whether UTF-8 can encode a string."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_name(value: str, most: int, least: int = 1) -> bool:
    """Return whether a string has ``least`` to ``most`` characters, all printable, and not all of them blank."""
    return least <= len(value) <= most and value.isprintable() and not value.isspace()


def _collected(collection: type[Any], values: Any) -> Any:
    if is_a(values, str, bytes, bytearray, dict) or type(values) is collection:
        return values
    try:
        return collection(values)
    except TypeError:
        return values
