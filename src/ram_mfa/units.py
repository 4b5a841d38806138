# SPDX-License-Identifier: Apache-2.0
"""Spans of time, in seconds. Every time in this library is a number of seconds since 1970-01-01 00:00 UTC."""

from __future__ import annotations

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
