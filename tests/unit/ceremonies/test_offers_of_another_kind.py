# SPDX-License-Identifier: Apache-2.0
"""A confirmation binds only a device of the kind that was offered."""

from __future__ import annotations

from ram_mfa import ConfirmSecurityKey, ConfirmVirtualDevice, Reason
from tests.support.accounts import ACCOUNT, KEY_OFFER, OFFER
from tests.support.service import ROOT, SESSION


def test_no_kind_confirms_the_other():
    """The ticket's purpose parts the kinds already; were it not so, the offer's own kind would."""
    phone = ConfirmVirtualDevice(["000000"], offer="ticket", by=ROOT, session=SESSION)
    assert phone.verify(ACCOUNT, None, KEY_OFFER, None) is Reason.OFFER_GONE
    key = ConfirmSecurityKey({}, offer="ticket", by=ROOT, session=SESSION)
    assert key.verify(ACCOUNT, None, OFFER, None) is Reason.OFFER_GONE
