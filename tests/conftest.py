# SPDX-License-Identifier: Apache-2.0
"""How hypothesis runs here. Marks are registered in pyproject.toml and printed by docs/print_standards.py."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

# No test judges a time: a busy machine is no defect. A failure prints what repeats it.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("house")


@pytest.fixture(params=["MFA", "AsyncMFA"])
def services(request):
    """Make services of one's own, over each driver in turn: see `tests.support.spine.Services`."""
    from tests.support.spine import Services

    made = Services(request.param)
    yield made
    made.close()


@pytest.fixture
def service(services):
    """A service under the rules of the preset `MFAPolicy.ram`, over each driver in turn."""
    return services()
