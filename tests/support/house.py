# SPDX-License-Identifier: Apache-2.0
"""The former name of `tests.support.deployment`, for tests that are being changed elsewhere."""

from .deployment import FAILED, STEP, Crowd
from .deployment import AsyncDeployment as AwaitedHouse
from .deployment import Deployment as House

__all__ = ["FAILED", "STEP", "AwaitedHouse", "Crowd", "House"]
