# SPDX-License-Identifier: Apache-2.0
"""What a whole service over Redis does while its server is cut off, killed, frozen or full: no code passes twice."""

from __future__ import annotations

import contextlib
import time

import pytest

from ram_mfa import MFA, MFAPolicy
from ram_mfa.errors import StoreUncertain
from ram_mfa.testing import Faults
from ram_mfa.testing.authenticator_app import AuthenticatorApp
from ram_mfa.testing.clock import ManualClock
from ram_mfa.testing.store_kit.bench import Bench
from ram_mfa.testing.store_kit.durability import outlives_a_kill
from tests.stores.test_redis import Maker
from tests.support import rounds
from tests.support.races import begin, bind, finish
from tests.support.servers import Proxy, Redis
from tests.support.spine import SEAL

STEP = 30.0
FAILED = {"StoreUnavailable", "StoreUncertain"}


class House:
    """One user with one phone, and a service on a Redis behind a proxy."""

    def __init__(self, proxy):
        self.proxy = proxy
        self.clock = ManualClock(1_700_000_000)
        self.mfa, self.store = self.service(create=True)
        self.phone = AuthenticatorApp.scan(bind(self.mfa, "alice", self.clock.now))
        self.clock.advance(2 * STEP)

    def service(self, *, create=False):
        store = Maker(self.proxy.port, 1.0)()
        policy = MFAPolicy.ram(issuer="Example")
        return MFA(store, policy, seal=SEAL, clock=self.clock, create=create), store

    def code(self):
        return self.phone.code_at(self.clock.now)

    def log_on(self, code, mfa=None):
        mfa = mfa or self.mfa
        return finish(mfa, "alice", begin(mfa, "alice"), code)


@pytest.fixture
def house():
    with Redis() as server, Proxy(server.port) as proxy:
        house = House(proxy)
        house.server = server
        yield house
        house.store.close()


class TestOneServer:
    @pytest.mark.requirement("S4", "S10")
    @pytest.mark.parametrize(("replies", "told"), [(1, "proof"), (2, "StoreUncertain")])
    def test_a_code_whose_reply_was_lost_passes_once(self, house, monkeypatch, replies, told):
        """Replies to swaps alone are lost after the server landed them. Where the service's second question is heard,
        the code passes; where that reply is lost as well, it does not. Either way it is spent.
        """
        run, lost = house.store._run, []

        def losing(steps):
            if steps.__name__ != "swap" or len(lost) == replies:
                return run(steps)
            with house.proxy.replies_lost():
                try:
                    return run(steps)
                except StoreUncertain:
                    lost.append(steps)
                    raise

        monkeypatch.setattr(house.store, "_run", losing)
        code = house.code()
        assert house.log_on(code) == told
        assert len(lost) == replies
        monkeypatch.undo()
        assert house.log_on(code) == "REPLAYED_CODE"

    @pytest.mark.requirement("S4", "S14")
    @pytest.mark.parametrize("silent", [False, True], ids=["cut", "silent"])
    def test_a_service_that_hears_nothing_passes_nothing(self, house, silent):
        """Neither before nor after the decision: a typed error, and afterwards the code passes once."""
        ticket, code = begin(house.mfa, "alice"), house.code()
        with house.proxy.replies_lost(silent=silent):
            assert finish(house.mfa, "alice", ticket, code) in FAILED
        assert [house.log_on(code) for _ in range(3)].count("proof") == 1

    @pytest.mark.requirement("S14")
    def test_a_frozen_server_passes_nothing(self, house):
        """Frozen beyond the deadline, a typed error; thawed, the code passes once."""
        ticket, code = begin(house.mfa, "alice"), house.code()
        with house.server.paused():
            assert finish(house.mfa, "alice", ticket, code) in FAILED
        assert [house.log_on(code) for _ in range(3)].count("proof") == 1

    @pytest.mark.requirement("S9")
    def test_a_full_server_passes_nothing(self, house):
        """Without room for the verdict there is no verdict; nothing is evicted to make room."""
        ticket, code = begin(house.mfa, "alice"), house.code()
        house.server.ask("CONFIG", "SET", "maxmemory", "1")
        assert finish(house.mfa, "alice", ticket, code) == "StoreUnavailable"
        house.server.ask("CONFIG", "SET", "maxmemory", "0")
        assert house.log_on(code) == "proof"
        assert house.log_on(code) == "REPLAYED_CODE"

    @pytest.mark.requirement("S3", "S13")
    def test_what_was_acknowledged_outlives_fifty_kills(self, house):
        """The server is killed with -9 under load, 50 times: no acknowledged write or delete is gone."""
        for _ in range(rounds(50)):
            bench = Bench(Maker(house.proxy.port, 1.0), 1, Faults(restart=house.server.restart))
            outlives_a_kill(bench)
            bench.close()


class TestPartition:
    @pytest.mark.requirement("S8", "S12")
    def test_codes_that_a_promotion_lost_are_not_accepted_again(self):
        """Replication is cut, codes are accepted, the server dies and its replica takes over, 5 times: 0 come twice.

        The replica never had the writes that spent these codes: only the rule of lost history refuses them.
        """
        for _ in range(rounds(5)):
            with contextlib.ExitStack() as stack:
                master = stack.enter_context(Redis())
                link, proxy = (stack.enter_context(Proxy(master.port)) for _ in range(2))
                replica = stack.enter_context(Redis("--replicaof", "127.0.0.1", str(link.port)))
                replica_has(replica, master)  # a first replica begins a history, which is not the one to be lost
                house = House(proxy)
                other, other_store = house.service()
                assert house.log_on(house.code(), other) == "proof"
                house.clock.advance(2 * STEP)
                assert master.ask("WAIT", "1", "5000") == "1"
                replica_has(replica, master)
                link.close()  # the partition: the replica hears nothing more
                accepted = []
                for _ in range(2):
                    accepted.append(house.code())
                    assert house.log_on(accepted[-1]) == "proof"
                    house.clock.advance(STEP)
                house.clock.advance(-STEP)
                master.kill()
                assert replica.ask("REPLICAOF", "NO", "ONE") == "OK"
                proxy.target = replica.port
                proxy.cut()
                fresh, fresh_store = house.service()
                for mfa in (house.mfa, other, fresh):
                    for code in accepted:  # both are within the window
                        assert house.log_on(code, mfa) == "REPLAYED_CODE"
                house.clock.advance(20 * STEP)
                assert house.log_on(house.code(), fresh) == "proof"
                assert house.log_on(house.code()) == "REPLAYED_CODE"
                for store in (house.store, other_store, fresh_store):
                    store.close()


def replica_has(replica, master):
    """Wait until a replica has all that its master has."""
    until = time.monotonic() + 30
    while not (
        "master_link_status:up" in replica.ask("INFO", "replication")
        and offset(replica, "slave_repl_offset") >= offset(master, "master_repl_offset")
    ):
        assert time.monotonic() < until
        time.sleep(0.02)


def offset(server, name):
    said = server.ask("INFO", "replication")
    return int(said.split(f"{name}:")[1].split()[0]) if f"{name}:" in said else -1
