# SPDX-License-Identifier: Apache-2.0
"""How hypothesis runs here. Marks are registered in pyproject.toml and printed by docs/print_standards.py."""

from __future__ import annotations

import sys

import pytest
from hypothesis import HealthCheck, settings

from tests import support

# No test judges a time: a busy machine is no defect. A failure prints what repeats it.
settings.register_profile("ram_mfa", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("ram_mfa")


def has_rounds(module):
    """Whether a module uses `tests.support.rounds`, or anything of a module of tests.support that does."""
    used = [module, *(sys.modules.get(getattr(value, "__module__", None) or "") for value in vars(module).values())]
    used += vars(module).values()
    return any(getattr(one, "rounds", None) is support.rounds for one in used if one is not support)


def pytest_collection_modifyitems(items):
    """Mark the tests of each file that has rounds, which ``nox -s rounds`` selects."""
    for item in items:
        if has_rounds(item.module):
            item.add_marker(pytest.mark.rounds)


@pytest.fixture(params=["MFA", "AsyncMFA"])
def services(request):
    """Make services of one's own, over each driver in turn: see `tests.support.service.Services`."""
    from tests.support.service import Services

    made = Services(request.param)
    yield made
    made.close()


@pytest.fixture
def service(services):
    """A service under the rules of the preset `MFAPolicy.ram`, over each driver in turn."""
    return services()
