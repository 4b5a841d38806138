# SPDX-License-Identifier: Apache-2.0
"""The row of a set of recovery codes."""

from __future__ import annotations

import pytest

from ram_mfa.codec.recovery_rows import read_recovery, recovery_row
from ram_mfa.codec.rows import Unreadable
from ram_mfa.recovery_code_set import CODE_TRIES, MAX_CODES, RecoveryCodeSet, StoredRecoveryCode

CODE = StoredRecoveryCode("0123AZ", b"d" * 16, CODE_TRIES)
CODES = RecoveryCodeSet(b"s" * 16, 5.0, b"h" * 16, (CODE,) * MAX_CODES)


class TestRecoveryRow:
    def test_is_read_as_it_was_written(self):
        """A full set, an empty one, and none."""
        for codes in (CODES, RecoveryCodeSet(b"s" * 16, 0.0, b"h" * 16, ()), None):
            assert read_recovery(recovery_row(codes) and list(recovery_row(codes))) == codes

    def test_shows_nothing(self):
        """Neither the row nor the values print a salt, a selector or a digest."""
        shown = repr(recovery_row(CODES)) + repr(CODES)
        assert not any(secret in shown for secret in ("0123AZ", "ddd", "sss"))

    @pytest.mark.parametrize(
        ("place", "value"),
        [
            (0, bytes(15)),
            (1, 5),
            (1, -1.0),
            (1, float("inf")),
            (1, float("nan")),
            (2, bytes(17)),
            (3, [["0123AZ", b"d" * 16, 10]] * (MAX_CODES + 1)),
            (3, [["0123AZ", b"d" * 15, 10]]),
            (3, [["0123AZ", b"d" * 16, 0]]),
            (3, [["0123AZ", b"d" * 16, CODE_TRIES + 1]]),
            (3, [["0123AZ", b"d" * 16, True]]),
            (3, [[b"0123AZ", b"d" * 16, 10]]),
            (3, [5]),
        ],
    )
    def test_out_of_bounds(self, place, value):
        """A field of another type or out of its bounds makes the record unreadable."""
        row = list(recovery_row(CODES))
        row[place] = value
        with pytest.raises(Unreadable):
            read_recovery(row)
