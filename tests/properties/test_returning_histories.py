# SPDX-License-Identifier: Apache-2.0
"""Histories that come back, hosts whose clock is wrong, and re-sealings that are broken off: every interleaving.

Each rule is taken away once, by a store or a host that does not keep it, and the walk then finds what it prevents.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from unittest import mock

import attrs
import pytest

from ram_mfa import Describe, OpenAccount
from ram_mfa.codec import decode_root, encode_root
from ram_mfa.engine import resealing
from ram_mfa.engine.binding import StoreSeal
from ram_mfa.engine.records import ROOT_KEY, user_key
from ram_mfa.sealing import BrokenSeal
from tests.properties.test_history_explorer import (
    POLICY,
    Promotable,
    code,
    holds_everywhere,
    log_on,
    noted,
    once,
    scene,
)
from tests.support.explorer import (
    SEAL,
    Broken,
    ClockedWords,
    Desk,
    IncarnatedWords,
    NamedWords,
    Process,
    World,
    desks,
    explore,
    note,
    replaced,
)
from tests.support.service import ROOT


@cache
def declared(root: bytes, at: float) -> bytes:
    """Return a root record after an operator declared a loss."""
    seal = SEAL.for_record(ROOT_KEY)
    before = decode_root(seal.unseal(root))
    with mock.patch("os.urandom", bytes):
        after = before.after_loss(at=at, incarnation=before.incarnation, history=b"declared" * 2)
        return seal.seal(encode_root(after))


@attrs.frozen(cache_hash=True)
class Restorable(Promotable):
    """A store without a name for its history.

    Attributes:
        restores: how many times the backup of the start may be put back and declared, while processes are open.
        returns: how many times an engine may lose its last writes and come back under the same name.
    """

    restores: int = 0
    returns: int = 0

    def turns(self) -> Iterator[tuple[str, World]]:
        """See `World`."""
        yield from super().turns()
        if self.restores:
            records = (self.earlier or (self.records,))[0]
            root = declared(dict(records)[ROOT_KEY], self.now)
            records = replaced(records, ROOT_KEY, root)
            yield "restored and declared", attrs.evolve(self, records=records, earlier=(), restores=self.restores - 1)
        if self.returns:
            for kept, records in enumerate(self.earlier):
                world = attrs.evolve(self, records=records, earlier=(), returns=self.returns - 1)
                yield f"there and back, {len(self.earlier) - kept} writes lost", world


def start(**changes):
    """Return the scene's world, with other turns."""
    it = scene().world
    return Restorable(**{**attrs.asdict(it, recurse=False), "promotions": 0, **changes})


def then(*programs):
    """Do one after the other."""

    def program(desk: Desk):
        for one in programs:
            yield from one(desk)

    return program


def look(desk: Desk):
    """Look at alice's account."""
    yield from desk.perform("alice", Describe())


def walk(programs, world, *, words=IncarnatedWords, skews=(0, 0, 0), law=once, memory=None):
    processes = [Process("abc"[place], program, skews[place]) for place, program in enumerate(programs)]
    return explore(processes, world, desks(POLICY, store=words), law=law, memory=memory)


@pytest.mark.requirement("A4")
class TestABackupPutBack:
    """A backup is put back and declared while two processes are open, whatever they are doing."""

    def test_pinned(self):
        """One code logs on once: each statement compares the root record."""
        explored = walk([log_on(code())] * 2, start(restores=1))
        holds_everywhere(explored)
        assert {"proof", "FOREIGN_TICKET", "REPLAYED_CODE"} <= noted(explored)

    def test_read_between_load_and_swap(self):
        """Reading the root record between load and swap is not enough: the restore brings the same bytes back."""
        explored = walk([log_on(code())] * 2, start(restores=1), words=NamedWords)
        assert explored.broken == "accepted 2 times", str(explored)
        print(explored)


@pytest.mark.requirement("A4")
class TestANameThatComesBack:
    def test_new_names(self):
        """Under names that never come back, one code logs on once over two losses."""
        holds_everywhere(walk([log_on(code())] * 2, start(promotions=1)))

    def test_the_same_name(self):
        """A store whose name comes back, where nobody wrote the loss down, lets one code log on twice."""
        explored = walk([log_on(code())] * 2, start(returns=1))
        assert explored.broken == "accepted 2 times", str(explored)
        print(explored)


@pytest.mark.requirement("A5")
class TestAWrongClock:
    """One right host logs on twice with one code; one wrong host meets the promotion first, perhaps."""

    PROGRAMS = (then(log_on(code()), log_on(code())), look)

    @pytest.mark.parametrize("skew", [-480, 480, -86_400 * 365, 86_400 * 365])
    def test_the_store_has_a_clock(self, skew):
        """A host whose clock differs from the store's notes no loss, and one code logs on once."""
        explored = walk(self.PROGRAMS, start(promotions=1), words=ClockedWords, skews=(0, skew, 0))
        holds_everywhere(explored)
        assert {"proof", "REPLAYED_CODE"} <= noted(explored)

    def test_a_slow_host(self):
        """Without the store's clock, a slow host notes the loss too early, and one code logs on twice."""
        explored = walk(self.PROGRAMS, start(promotions=1), skews=(0, -480, 0))
        assert explored.broken == "accepted 2 times", str(explored)
        print(explored)


def reseal(desk: Desk):
    """Give the store a new id."""
    yield from resealing.reseal(desk.engine, None, new_store=True)
    yield note, ("resealed",)


def make(user):
    """Make a record."""

    def program(desk: Desk):
        yield from desk.action(user, OpenAccount(by=ROOT), f"{user} made")

    return program


def readable(memory, before, after, notes):
    """Every record opens under the root record of the moment."""
    records = dict(after.records)
    root = decode_root(SEAL.for_record(ROOT_KEY).unseal(records[ROOT_KEY]))
    for key, sealed in after.records:
        if key.startswith("u"):
            try:
                StoreSeal(SEAL, root).for_record(key).unseal(sealed)
            except BrokenSeal:
                raise Broken("a record that nobody can read") from None
    return memory


@pytest.mark.requirement("A10", "A14")
class TestResealing:
    """A re-sealing to a new store id, which may crash at any step, while another process makes a user."""

    @pytest.fixture(autouse=True)
    def _listing(self, monkeypatch):
        """Let the listing name all users that there may be: one without a record is passed over."""

        def next_key(keys):
            return next(keys, None)
            yield

        places = [user_key("", user) for user in ("alice", "bob", "carol")]
        monkeypatch.setattr(resealing, "list_keys", lambda store, kind: iter(places if kind == "u" else []))
        monkeypatch.setattr(resealing, "next_key", next_key)

    @pytest.mark.parametrize("second", [make("carol"), reseal], ids=["a user is made", "another re-sealing"])
    def test_every_interleaving(self, second):
        """At every moment every record can be read."""
        explored = walk([reseal, second], start(), law=readable)
        holds_everywhere(explored)
        assert "resealed" in noted(explored)

    def test_history_lost_meanwhile(self):
        """Also where history is lost on the way."""
        holds_everywhere(walk([reseal], start(promotions=1), law=readable))

    def test_views_that_are_not_pinned(self, monkeypatch):
        """Without pinned views, and without the wait, a process with the old root record makes what nobody can read."""
        places = [user_key("", user) for user in ("alice", "bob")]  # the listing passed her place before she was made
        monkeypatch.setattr(resealing, "list_keys", lambda store, kind: iter(places if kind == "u" else []))
        explored = walk([reseal, make("carol")], start(), words=NamedWords, law=readable)
        assert explored.broken == "a record that nobody can read", str(explored)
        print(explored)
