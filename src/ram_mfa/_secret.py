# SPDX-License-Identifier: Apache-2.0
"""Bytes and text that nothing prints, formats by accident into a log, or pickles.

They are what they hold (a subclass of ``bytes`` or ``str``) for every computation; only ``repr`` and pickling
are taken away. Blank reprs matter in tracebacks too, where tools print the locals of each frame.
"""

from __future__ import annotations

from typing import Any, NoReturn, Self


class Unpickled:
    """A frozen value that may hold a secret, a token or a session: it is not pickled, and a copy is the same object."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError(f"{type(self).__name__} is not pickled: it may hold a secret, a token or a session")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return self


class SecretBytes(bytes):
    """Bytes with a blank repr that refuse to be pickled; a copy is the same object."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<secret bytes>"

    __str__ = __repr__

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a secret is not pickled")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return self


class SecretList(list[Any]):
    """A list with a blank repr: the row of a record, on its way to or from its encoding."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<secret list>"

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a secret is not pickled")


class SecretText(str):
    """Text with a blank repr that refuses to be pickled; ``str()`` still gives the text, for its page or form."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<secret text>"

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a secret is not pickled")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return self
