# SPDX-License-Identifier: Apache-2.0
"""A store on Redis: one server, one behind Sentinel, or a Cluster, awaited or not."""

from __future__ import annotations

from .aio import AsyncRedisStore
from .configuration import UnsafeConfiguration
from .store import RedisStore

__all__ = ["AsyncRedisStore", "RedisStore", "UnsafeConfiguration"]
