# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import io

import pytest

from ram_mfa.operations import terminal


class Screen(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """What the progress takes for the time; a list whose last entry is now."""
    now = [100.0]
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now[-1])
    return now


class TestProgress:
    def test_on_a_terminal_is_one_line(self, clock):
        """A bar that is written over, five times a second at most, and taken away at the end."""
        screen = Screen()
        progress = terminal.Terminal(io.StringIO(), screen).progress("checked", 1000)
        progress.at(1)
        assert screen.getvalue() == ""
        clock.append(101.0)
        progress.at(500, ", 3 wrong")
        progress.at(501)
        progress.end()
        progress.end()
        bar = f"[{'#' * 12}{'.' * 12}]"
        assert screen.getvalue() == f"\r\x1b[K{bar} checked 500 of 1,000, 3 wrong, 500/s\r\x1b[K"

    def test_in_a_log_is_a_line_every_ten_seconds(self, clock):
        log = io.StringIO()
        progress = terminal.Terminal(io.StringIO(), log).progress("checked")
        for second in range(25):
            clock.append(100.0 + second)
            progress.at(1000 * second)
        progress.end()
        assert log.getvalue() == "checked 10,000, 1,000/s\nchecked 20,000, 1,000/s\n"

    def test_is_silent_where_that_is_asked(self, clock):
        screen = Screen()
        progress = terminal.Terminal(io.StringIO(), screen, quiet=True).progress("checked", 2)
        clock.append(200.0)
        progress.at(1)
        progress.end()
        assert screen.getvalue() == ""
