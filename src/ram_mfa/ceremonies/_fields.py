# SPDX-License-Identifier: Apache-2.0
"""The fields that many verbs and evidences share, so that each is checked, and hidden from reprs, the same way.

What people typed is only kept here; it is judged inside the verb, where it is counted.
"""

from __future__ import annotations

from collections.abc import Iterable

from .._secret import SecretText
from .actors import checked_session
from .outcomes import Operation


def is_session(instance: object, attribute: object, value: str) -> None:
    """Check the application's session string."""
    del instance, attribute
    checked_session(value)


def is_operation(instance: object, attribute: object, value: Operation) -> None:
    """Check that a step-up names an operation."""
    del instance, attribute
    if not isinstance(value, Operation):
        raise TypeError("operation is an Operation, the same at both ends of a step-up")


def as_typed(value: str) -> SecretText:
    """Return what somebody typed as text without a repr; what is no text is the empty text, which never passes."""
    return SecretText(value) if isinstance(value, str) else SecretText()


def as_codes(values: Iterable[str]) -> tuple[SecretText, ...]:
    """Return typed codes in their order; more than two are one too many already, and what is no list holds none."""
    if isinstance(values, str):
        return (as_typed(values),)
    if not isinstance(values, Iterable):
        return ()
    return tuple(as_typed(value) for value, _ in zip(values, range(3), strict=False))
