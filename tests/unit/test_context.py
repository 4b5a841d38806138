# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa import MFAPolicy
from ram_mfa._secret import SecretBytes
from ram_mfa.context import MAX_LOSSES, Context, Loss
from tests.support.accounts import ROOT_RECORD

MOMENT = Context(MFAPolicy.ram(issuer="Example"), 5.0, SecretBytes(b"e" * 32), ROOT_RECORD, "alice", "u" + 43 * "A")


class TestDraw:
    @pytest.mark.standard("RFC 7693 2.9", "ram_mfa.context.Context.draw")
    def test_keyed_blake2b(self):
        """What is drawn is keyed BLAKE2b over the label."""
        expected = hashlib.blake2b(b"secret", key=b"e" * 32, digest_size=20).digest()
        assert MOMENT.draw("secret", 20) == expected

    @pytest.mark.requirement("O4")
    @given(label=st.text(max_size=8), other=st.text(max_size=8), size=st.integers(16, 64))
    def test_pure_and_apart(self, label, other, size):
        """The same label gives the same bytes over all turns, another label or another perform other bytes."""
        drawn = MOMENT.draw(label, size)
        assert len(drawn) == size
        assert MOMENT.draw(label, size) == drawn
        assert (MOMENT.draw(other, size) == drawn) is (label == other)
        assert attrs.evolve(MOMENT, entropy=SecretBytes(b"f" * 32)).draw(label, size) != drawn

    @pytest.mark.requirement("O20")
    def test_blank(self):
        """Neither what is drawn nor what it is drawn from is shown."""
        assert repr(MOMENT.draw("secret", 20)) == "<secret bytes>"
        assert "eeee" not in repr(MOMENT)
        assert "tttt" not in repr(MOMENT)


class TestRoot:
    @pytest.mark.requirement("S12")
    def test_after_loss(self):
        """A loss is remembered, under the engine's present name and a new history; the store's id stays."""
        after = ROOT_RECORD.after_loss(at=1_699_400_000.0, incarnation="4", history=b"z" * 16)
        assert (after.incarnation, after.history) == ("4", b"z" * 16)
        assert (after.store_id, after.older) == (ROOT_RECORD.store_id, ROOT_RECORD.older)
        assert after.losses == (*ROOT_RECORD.losses, Loss(1_699_400_000.0, b"z" * 16))
        assert after.lost_at == (1_699_000_000.0, 1_699_400_000.0, 1_699_500_000.5)

    @pytest.mark.requirement("A5")
    def test_losses_since(self):
        """Only losses noted after a history began count for what was proved in it; for an unknown history, all do."""
        first, second = (loss.at for loss in ROOT_RECORD.losses)
        assert ROOT_RECORD.losses_since(b"y" * 16) == ()
        assert ROOT_RECORD.losses_since(b"x" * 16) == (second,)
        assert ROOT_RECORD.losses_since(b"?" * 16) == (first, second)
        withdrawn = attrs.evolve(ROOT_RECORD, losses=())
        assert withdrawn.losses_since(b"y" * 16) == withdrawn.losses_since(b"?" * 16) == ()

    def test_bounded(self):
        """Of more losses than are kept, the first is merged into the next: its moment is never forgotten."""
        root = attrs.evolve(ROOT_RECORD, losses=())
        for at in (9_000_000_000.0, *(1_800_000_000.0 + number for number in range(2 * MAX_LOSSES))):
            root = root.after_loss(at=at, incarnation="5", history=b"%16d" % at)
        assert [loss.history for loss in root.losses] == [
            b"%16d" % (1_800_000_000 + number) for number in range(MAX_LOSSES, 2 * MAX_LOSSES)
        ]
        assert [loss.at for loss in root.losses[1:]] == [
            1_800_000_000.0 + number for number in range(MAX_LOSSES + 1, 2 * MAX_LOSSES)
        ]
        assert root.losses[0].at == 9_000_000_000.0
