# SPDX-License-Identifier: Apache-2.0
"""The row of a set of recovery codes, inside an account."""

from __future__ import annotations

import math
from typing import Any, Final

from .. import account as bounds
from .. import recovery_code_set as sizes
from .._secret import SecretList
from ..recovery_code_set import RecoveryCodeSet, StoredRecoveryCode
from .rows import check, typed, types_of


def recovery_row(codes: RecoveryCodeSet | None) -> list[Any] | None:
    """Return a set of recovery codes as a row; None where there is none."""
    if codes is None:
        return None
    rows = [[one.selector, one.digest, one.tries] for one in codes.codes]
    return SecretList([codes.salt, float(codes.made_at), codes.history, rows])


_SET: Final = types_of(bytes, float, bytes, list)
_CODE: Final = types_of(str, bytes, int)


def read_recovery(row: list[Any] | None) -> RecoveryCodeSet | None:
    """Return the set of recovery codes of a row."""
    if row is None:
        return None
    salt, made_at, history, codes = typed(row, _SET)
    check(len(salt) == sizes.SALT and len(history) == bounds.HISTORY, "recovery codes")
    check(len(codes) <= sizes.MAX_CODES and 0 <= made_at < math.inf, "recovery codes")
    return RecoveryCodeSet(salt, made_at, history, tuple([_code(one) for one in codes]))


def _code(row: list[Any]) -> StoredRecoveryCode:
    selector, digest, tries = typed(row, _CODE)
    check(len(digest) == sizes.DIGEST and 1 <= tries <= sizes.CODE_TRIES, "recovery code")
    return StoredRecoveryCode(selector, digest, tries)
