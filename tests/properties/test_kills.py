# SPDX-License-Identifier: Apache-2.0
"""What was acknowledged outlives the process that acknowledged it: kill -9 in the middle of everything, on SQLite."""

from __future__ import annotations

import random
import time

import attrs
import pytest

from ram_mfa import Reason
from ram_mfa.account import Account
from ram_mfa.codec import decode_account
from ram_mfa.engine.records import user_key
from ram_mfa.testing import AuthenticatorApp
from tests.support import rounds
from tests.support.races import ServiceOnFile, Workers, begin, finish, limits, live
from tests.support.records import AsStored
from tests.support.service import SEAL

WORKERS = 3
STEPS_IN_A_LIFE = 14
"""A bind, twelve codes and an unbind: see ``live``."""


@attrs.define
class Told:
    """What a worker acknowledged to one user, and what must therefore be true permanently.

    Attributes:
        actions: how many, in the order of ``live``.
        uri: of the device that is bound, or empty.
        codes: (moment, code) of every code that was accepted.
        wrong: moments of the wrong codes since the last unbind.
    """

    actions: int = 0
    uri: str = ""
    codes: list[tuple[float, str]] = attrs.field(factory=list)
    wrong: list[float] = attrs.field(factory=list)

    def note(self, action, moment, about):
        self.actions += 1
        if action == "bound":
            self.uri = about
            self.codes.append((moment - 30, AuthenticatorApp.scan(about).code_at(moment - 30)))
        elif action == "proof":
            self.codes.append((moment, about))
        elif action == "WRONG_CODE":
            self.wrong.append(moment)
        else:
            assert action == "unbound"
            self.uri, self.codes, self.wrong = "", [], []


def drained(end) -> list[tuple[str, float, str]]:
    """What a killed worker still had told."""
    told = []
    while True:
        try:
            told.append(end.recv())
        except (EOFError, OSError):
            return told


class TestKillMinusNine:
    @pytest.mark.requirement("S3", "S10", "S13", "V1", "V3", "O7", "O12")
    def test_nothing_acknowledged_is_lost(self, tmp_path):
        """50 times the processes are killed amid logons, guesses, binds and unbinds. After each restart every code that
        was acknowledged is refused, every wrong one is still counted, and every device is bound or unbound as told.
        """
        seed = random.randrange(2**32)
        print(f"seed {seed}")
        chance = random.Random(seed)
        place = ServiceOnFile(str(tmp_path / "mfa.db"), limits(max_per_day=1000, digits=8))
        _, store = place.open(place.clock(), create=True)
        store.close()
        everybody: dict[str, Told] = {}
        for turn in range(rounds(50)):
            place = attrs.evolve(place, start=place.start + 1_000_000)
            people = {f"user {turn} {number}": Told() for number in range(WORKERS)}
            with Workers(live, WORKERS, place, list(people)) as crew:
                for told, end in zip(people.values(), crew.ends, strict=True):
                    for _ in range(chance.randrange(2 * STEPS_IN_A_LIFE)):
                        told.note(*end.recv())
                time.sleep(chance.random() * 0.02)
                crew.kill()
                for told, end in zip(people.values(), crew.ends, strict=True):
                    for action in drained(end):
                        told.note(*action)
            before = chance.sample(sorted(everybody), min(len(everybody), 6))
            everybody |= people
            self._restarted(place, {user: everybody[user] for user in [*people, *before]})
        self._restarted(place, everybody)
        assert sum(told.actions for told in everybody.values()) > rounds(50)

    def _restarted(self, place, people):
        clock = place.clock()
        mfa, store = place.open(clock)
        for user, told in people.items():
            key = user_key("", user)
            sealed = store.load(key)
            if sealed is None:
                assert told.actions == 0
                continue
            account = decode_account(AsStored(SEAL, store).for_record(key).unseal(sealed))
            if not self._bound_as_told(account, told):
                continue
            (device,) = account.devices
            ticks = [int(moment // device.period) for moment, _ in told.codes]
            assert device.last_step >= max(ticks)
            assert set(told.wrong) <= set(account.wrong)
            for moment, code in told.codes:
                clock.set(moment)
                # the further the clock of that moment is behind the last code, the less it is believed
                assert finish(mfa, user, begin(mfa, user), code) in {
                    Reason.REPLAYED_CODE.name,
                    Reason.RESYNC_NEEDED.name,
                    Reason.REBIND_NEEDED.name,
                    Reason.CLOCK_SET_BACK.name,
                }
            # a clock set back may have ended the account's tickets; what was spent is as it was
            after = decode_account(AsStored(SEAL, store).for_record(key).unseal(store.load(key)))
            assert (after.devices, after.wrong) == (account.devices, account.wrong)
        store.close()

    def _bound_as_told(self, account: Account, told: Told) -> bool:
        """Whether the device that was told is the one to look at: one action more than was told may have landed."""
        place_in_life = told.actions % STEPS_IN_A_LIFE
        if not told.uri:
            assert place_in_life == 0
            assert len(account.devices) <= 1
            return False
        if not account.devices:
            assert place_in_life == STEPS_IN_A_LIFE - 1
            return False
        assert account.devices[0].bound_at <= min(moment + 30 for moment, _ in told.codes)
        return True
