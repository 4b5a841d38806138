# SPDX-License-Identifier: Apache-2.0
"""Stores on Redis, sync and async: on one server, on one behind Sentinel, or on a Cluster."""

from __future__ import annotations

from .aio import AsyncRedisStore
from .configuration import UnsafeConfiguration
from .store import RedisStore

__all__ = ["AsyncRedisStore", "RedisStore", "UnsafeConfiguration"]
