# SPDX-License-Identifier: Apache-2.0
"""Whole services while the server that takes writes is cut off or killed, and another one is promoted."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ram_mfa import BeginLogon, BeginStepUp, FinishStepUp, Refused, SpendReceipt
from ram_mfa.engine.records import user_key
from ram_mfa.errors import StoreUnavailable, StoreUncertain
from ram_mfa.testing import enrolled_key, proved
from tests.stores import test_postgres, test_redis
from tests.stores.test_postgres import Pair
from tests.stores.test_redis import ClusterMaker
from tests.support import rounds
from tests.support.deployment import STEP, Crowd, Deployment
from tests.support.key_apis import KeyAPI, answer
from tests.support.races import begin, finish
from tests.support.servers import Proxy, Redis, RedisCluster
from tests.support.service import DELETE, SESSION
from tests.support.service import finish as finishing

MARGIN = 5
"""Steps behind that of a loss whose codes are refused: one that is taken early, and twice the clocks' skew of 60 s."""
PATIENCE = 20.0
"""Seconds that a store waits for a server that lives."""
CROWD = ("alice", "bob", "carol", "dave")


class PostgreSQLPartition(Pair):
    """A primary, and an asynchronous standby that can be cut off and promoted while the primary lives on."""

    def __init__(self):
        super().__init__(synchronous=False)
        self.old, self.new = self.primary, self.standby

    def maker(self, port):
        return test_postgres.Maker(self.old.url(port), PATIENCE)

    def promote(self):
        self.standby.promote()


class RedisPartition:
    """A master, and a replica that can be cut off and promoted while the master lives on."""

    def __init__(self):
        self.old = Redis().start()
        self.link = Proxy(self.old.port)
        self.new = Redis("--replicaof", "127.0.0.1", str(self.link.port)).start()
        self.caught_up()  # a first replica begins a history, which is not the one to be lost

    def maker(self, port):
        return test_redis.Maker(port, PATIENCE)

    def caught_up(self):
        """Wait until the replica has all that the master has."""
        until = time.monotonic() + 30
        while not (
            "master_link_status:up" in self.new.ask("INFO", "replication")
            and offset(self.new, "slave_repl_offset") >= offset(self.old, "master_repl_offset")
        ):
            assert time.monotonic() < until
            time.sleep(0.02)

    def promote(self):
        assert self.new.ask("REPLICAOF", "NO", "ONE") == "OK"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.link.close()
        self.new.close()
        self.old.close()


def offset(server, name):
    said = server.ask("INFO", "replication")
    return int(said.split(f"{name}:")[1].split()[0]) if f"{name}:" in said else -1


def told(mfa, user, verb):
    """Return the reason of a refusal, or what came instead."""
    try:
        return mfa.perform(user, verb)
    except Refused as refused:
        return refused.refusal.reason.name


class TestPartition:
    @pytest.mark.requirement("S8", "S12")
    @pytest.mark.parametrize("partition", [PostgreSQLPartition, RedisPartition])
    def test_what_a_promotion_lost_is_not_accepted_again(self, partition):
        """The other server is cut off, codes are accepted, and it is promoted, 5 times: 0 come twice.

        It never had the writes that spent these codes, challenges and receipts: only the rule of lost history refuses
        them. The old server goes on in its part of the network, and what it accepts until the rule's margin is over is
        not accepted either. Then honest codes pass, and a security key needs to wait for nothing.
        """
        for _ in range(rounds(5)):
            with partition() as pair, Proxy(pair.old.port) as road, Deployment(pair.maker(road.port)) as deployment:
                key = enrolled_key(deployment.mfa, "kim")
                other, stale = deployment.service(), deployment.service(pair.maker(pair.old.port))
                for mfa in (deployment.mfa, other, stale):
                    assert deployment.log_on(deployment.code(), mfa) == "proof"
                    deployment.clock.advance(STEP)
                pair.caught_up()
                pair.link.close()  # the partition: the other server hears nothing more

                accepted = []

                def accept(mfa, deployment=deployment, accepted=accepted):
                    accepted.append(deployment.code())
                    assert deployment.log_on(accepted[-1], mfa) == "proof"

                accept(other)
                deployment.clock.advance(STEP)
                accept(deployment.mfa)
                asked = deployment.mfa.perform("kim", BeginLogon(session=SESSION))
                tapped = finishing(asked, answer(KeyAPI.WEBAUTHN, key, asked))
                deployment.mfa.perform("kim", tapped)
                asked = deployment.mfa.perform("kim", BeginStepUp(DELETE, session=SESSION))
                step_up = FinishStepUp(asked.id, answer(KeyAPI.WEBAUTHN, key, asked), operation=DELETE, session=SESSION)
                spent = SpendReceipt(deployment.mfa.perform("kim", step_up).receipt, operation=DELETE, session=SESSION)
                deployment.mfa.perform("kim", spent)
                begun = begin(deployment.mfa, "alice")

                pair.promote()
                road.target = pair.new.port
                road.cut()
                fresh = deployment.service()
                services = (deployment.mfa, other, fresh)
                for mfa in services:
                    for code in accepted:  # both are within the window
                        assert deployment.log_on(code, mfa) == "REPLAYED_CODE"
                    assert finish(mfa, "alice", begun, deployment.code()) == "FOREIGN_TICKET"
                    assert told(mfa, "kim", tapped) == "FOREIGN_TICKET"
                    assert told(mfa, "kim", step_up) == "FOREIGN_TICKET"
                    assert told(mfa, "kim", spent) == "BAD_RECEIPT"
                    assert proved(mfa, "kim", key).user == "kim"
                for _ in range(MARGIN):
                    deployment.clock.advance(STEP)
                    accept(stale)
                    for mfa in services:
                        assert deployment.log_on(accepted[-2], mfa) == "REPLAYED_CODE"
                        assert deployment.log_on(accepted[-1], mfa) == "REPLAYED_CODE"
                deployment.clock.advance(STEP)
                assert deployment.log_on(accepted[-1], fresh) == "REPLAYED_CODE"
                assert deployment.log_on(deployment.code(), fresh) == "proof"
                for mfa in services:
                    assert deployment.log_on(deployment.code(), mfa) == "REPLAYED_CODE"


def fails_over(deployment, kill, take_over):
    """Have a crowd log on while another server takes over; check that nobody is let in twice, and all are again.

    The first round that is answered after the kill submits what was submitted before it.
    """
    key = enrolled_key(deployment.mfa, "kim")
    killed = threading.Event()
    began = []

    def strike():
        time.sleep(random.uniform(0, 0.1))
        began.append(time.monotonic())
        kill()
        killed.set()
        take_over()

    until = time.monotonic() + 120
    with Crowd(deployment) as crowd, ThreadPoolExecutor(1) as pool:
        for _ in range(5):
            while crowd.round() != (True, set(CROWD)):
                assert time.monotonic() < until
        taken_over = pool.submit(strike)
        back = False
        while not back:
            after, acknowledged = killed.is_set(), dict(crowd.acknowledged)
            answered, _ = crowd.round()
            back = after and answered
            assert time.monotonic() < until
        answered_again = time.monotonic() - began[0]
        for user, moment in acknowledged.items():
            assert deployment.last_used(user) >= moment
        while not let_in_by_a_key(deployment.mfa, key):
            assert time.monotonic() < until
        key_again = time.monotonic() - began[0]
        taken_over.result()
        again = set()
        while again != set(CROWD):
            again |= crowd.round()[1]
            assert time.monotonic() < until
    waited = max(crowd.acknowledged[user] - moment for user, moment in acknowledged.items()) / STEP
    assert waited <= MARGIN + 2
    print(
        f"\nafter the kill all are answered in {answered_again:.2f} s, a key is let in in {key_again:.2f} s, "
        f"phones are {waited:.0f} codes later"
    )


def let_in_by_a_key(mfa, key):
    try:
        return proved(mfa, "kim", key).user == "kim"
    except (StoreUncertain, StoreUnavailable):
        time.sleep(0.02)
        return False


class TestPromotion:
    @pytest.mark.requirement("S3", "S8", "S12", "S13")
    def test_a_synchronous_standby_lets_nobody_in_twice(self):
        """PostgreSQL's primary is killed under logons and its standby promoted, 5 times: each code passes once."""
        for _ in range(rounds(5)):
            with (
                Pair(synchronous=True) as pair,
                Deployment(test_postgres.Maker(pair.conninfo, PATIENCE), CROWD) as deployment,
            ):
                fails_over(deployment, pair.primary.kill, pair.standby.promote)

    @pytest.mark.requirement("S3", "S8", "S12", "S13")
    def test_a_cluster_lets_nobody_in_twice(self):
        """A master of a Redis Cluster is killed under logons and its replica promoted, 5 times: each code passes once.

        The killed server is started again, as a supervisor does, and follows the new one, whose writes want a replica.
        """
        for _ in range(rounds(5)):
            with RedisCluster() as cluster:
                maker = ClusterMaker([server.port for server in cluster.servers], 5.0, replicas=1)
                with Deployment(maker, CROWD) as deployment:
                    place = user_key("", CROWD[0])
                    master = next(one for one in cluster.masters() if one.ask("EXISTS", place) == "1")
                    others = [one for one in cluster.servers if one is not master]

                    def take_over(master=master, others=others):
                        until = time.monotonic() + 60
                        while sum("role:master" in one.ask("INFO", "replication") for one in others) < 3:
                            assert time.monotonic() < until
                            time.sleep(0.05)
                        master.start()

                    fails_over(deployment, master.kill, take_over)
