# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ram_mfa.errors import HistoryLost, StoreUnavailable, StoreUncertain
from ram_mfa.testing import Faults, check_async_store, check_store
from ram_mfa.testing.store_kit.processes import process_race
from ram_mfa.testing.store_kit.store_pair import StorePair
from tests.stores.conftest import LONG, SHORT, until_connected, until_found
from tests.support import real, require_module, rounds
from tests.support.servers import Redis, RedisCluster, Sentinel

redis = require_module("redis", "redis")
aio = require_module("redis.asyncio", "redis")
sentinels = require_module("redis.sentinel", "redis")
async_sentinels = require_module("redis.asyncio.sentinel", "redis")
stores = require_module("ram_mfa.stores.redis", "redis")

KEY = "r" + "A" * 43


class Maker:
    """Opens stores; can be pickled."""

    def __init__(self, port, deadline=LONG, **named):
        self.port = port
        self.settings = {"socket_timeout": deadline, "socket_connect_timeout": deadline}
        self.named = named

    def __call__(self):
        return stores.RedisStore(self.client(), **self.named)

    async def awaited(self):
        client = self.async_client()
        try:
            return await stores.AsyncRedisStore.open(client, **self.named)
        except BaseException:
            await client.aclose()
            raise

    def client(self):
        return redis.Redis(port=self.port, **self.settings)

    def async_client(self):
        pool = aio.BlockingConnectionPool(port=self.port, max_connections=20, timeout=30, **self.settings)
        return aio.Redis.from_pool(pool)


class ClusterMaker(Maker):
    """Opens stores on a Cluster; can be pickled."""

    def nodes(self, node_type):
        return [node_type("127.0.0.1", port) for port in self.port]

    def client(self):
        return redis.RedisCluster(startup_nodes=self.nodes(redis.cluster.ClusterNode), **self.settings)

    def async_client(self):
        return aio.RedisCluster(startup_nodes=self.nodes(aio.cluster.ClusterNode), **self.settings)


class InALoop:
    """An asynchronous store, called from a test that is not."""

    def __init__(self, maker):
        self.loop = asyncio.new_event_loop()
        try:
            self.store = self.run(maker.awaited())
        except BaseException:
            self.loop.close()
            raise

    def run(self, work):
        return self.loop.run_until_complete(work)

    def load(self, key, /):
        return self.run(self.store.load(key))

    def swap(self, key, old, new, /):
        return self.run(self.store.swap(key, old, new))

    def keys(self, kind, /):
        listing = self.store.keys(kind)

        async def following():
            return await anext(listing, None)

        while (key := self.run(following())) is not None:
            yield key

    def incarnation(self):
        return self.run(self.store.incarnation())

    def close(self):
        self.run(self.store.close())
        self.loop.close()


OPENERS = [lambda maker: maker(), InALoop]
BOTH = pytest.mark.parametrize("opener", OPENERS, ids=["called", "awaited"])


@contextlib.contextmanager
def replica_of(master, *options):
    with Redis("--replicaof", "127.0.0.1", str(master.port), *options) as replica:
        until = time.monotonic() + 30
        master.ask("SET", "seen", "yes")
        while replica.ask("GET", "seen") != "yes" or "lag=0" not in master.ask("INFO", "replication"):
            assert time.monotonic() < until
            time.sleep(0.02)
        yield replica


class TestRedisStore:
    @pytest.mark.requirement("S1", "S2", "S3", "S4", "S5", "S9", "S11", "S12", "S13", "S14", "S16")
    def test_keeps_the_promises(self, redis_server):
        """Every promise, on a server that is killed, frozen, and whose replies are lost."""
        faults = redis_server.faults(Maker(redis_server.proxy.port, SHORT))
        maker = Maker(redis_server.proxy.port)
        check_store(maker, rounds=rounds(100), processes=4 * real, faults=faults)

    @pytest.mark.requirement("S1")
    def test_eight_processes_swap_from_the_same_bytes(self, redis_server):
        """In each of 2,000 rounds exactly one of eight processes lands, and no increment is lost."""
        pair = StorePair(Maker(redis_server.proxy.port, 60.0), rounds(2000), Faults())
        process_race(pair, 8 if real else 3, "spawn")
        pair.close()

    @pytest.mark.requirement("S4", "S14")
    @BOTH
    def test_a_server_that_never_replies_is_uncertain(self, redis_server, opener):
        """The reply is not cut off but never comes, and nothing is asked twice."""
        store = opener(Maker(redis_server.proxy.port))
        assert store.swap(KEY, None, b"x")
        waiting = until_connected(lambda: opener(Maker(redis_server.proxy.port, SHORT)))
        assert until_connected(lambda: waiting.load(KEY)) == b"x"
        with redis_server.proxy.replies_lost(silent=True):
            with pytest.raises(StoreUncertain):
                waiting.swap(KEY, b"x", b"y")
            with pytest.raises(StoreUnavailable):
                waiting.load(KEY)
        until_found(store, KEY, b"y")
        assert store.swap(KEY, b"y", None)
        waiting.close()
        store.close()

    @pytest.mark.requirement("S4", "S16")
    def test_a_connection_that_another_thread_closes_is_lost(self, redis_server):
        """As the client of a Cluster closes those to a node that is gone, whoever waits on them."""
        maker = Maker(redis_server.proxy.port, 20.0)
        client = maker.client()
        store = stores.RedisStore(client)
        assert store.swap(KEY, None, b"x")
        with redis_server.proxy.replies_lost(silent=True), ThreadPoolExecutor(1) as pool:
            swapping = pool.submit(store.swap, KEY, b"x", b"y")
            closed = closing(client.connection_pool, swapping)
        assert closed
        with pytest.raises(StoreUncertain):
            swapping.result()
        assert store.load(KEY) == b"y"
        assert store.swap(KEY, b"y", None)
        store.close()

    @BOTH
    def test_goes_on_when_the_server_forgets_its_scripts(self, redis_server, opener):
        """NOSCRIPT says that nothing ran: the script is sent whole."""
        store = opener(Maker(redis_server.proxy.port))
        assert store.swap(KEY, None, b"x")
        assert redis_server.server.ask("SCRIPT", "FLUSH") == "OK"
        assert store.swap(KEY, b"x", b"y")
        assert store.swap(KEY, b"y", None)
        store.close()

    @pytest.mark.requirement("S9", "S16")
    @BOTH
    def test_a_full_server_evicts_nothing(self, opener):
        """A write without room is refused, for certain; every record is still there."""
        with Redis() as server:
            store = opener(Maker(server.port))
            written = {}
            used = int(server.ask("INFO", "memory").split("used_memory:")[1].split()[0])
            server.ask("CONFIG", "SET", "maxmemory", str(used + 400_000))
            with pytest.raises(StoreUnavailable, match="maxmemory"):
                for number in range(1000):
                    key, value = f"{number:044}", os.urandom(2000)
                    assert store.swap(key, None, value)
                    written[key] = value
            assert len(written) > 10
            assert all(store.load(key) == value for key, value in written.items())
            assert store.swap(key, None, None) is False
            store.close()

    def test_shows_nothing(self, redis_server):
        store = Maker(redis_server.proxy.port)()
        assert repr(store) == "<RedisStore>"
        store.close()

    @pytest.mark.requirement("S14", "S16")
    @BOTH
    def test_refuses_a_client_that_waits_for_ever(self, opener):
        with pytest.raises(ValueError, match="socket_timeout"):
            opener(Maker(1, None))
        with pytest.raises(ValueError, match="replicas"):
            opener(Maker(1, replicas=-1))
        with pytest.raises(StoreUnavailable):
            opener(Maker(1, SHORT))

    @pytest.mark.requirement("S14")
    def test_refuses_a_pool_that_waits_for_ever(self):
        """For a connection that others keep: no socket's time-out ends that."""
        settings = {"port": 1, "socket_timeout": 1.0, "timeout": None}
        with pytest.raises(ValueError, match="pool a timeout"):
            stores.RedisStore(redis.Redis(connection_pool=redis.BlockingConnectionPool(**settings)))
        with pytest.raises(ValueError, match="pool a timeout"):
            asyncio.run(stores.AsyncRedisStore.open(aio.Redis.from_pool(aio.BlockingConnectionPool(**settings))))

    def test_names_each_key_once_in_several_parts(self, redis_server, monkeypatch):
        """A listing remembers what it named; a large one goes over the keys more than once, part by part."""
        for module in ("ram_mfa.stores.redis.store", "ram_mfa.stores.redis.aio"):
            monkeypatch.setattr(require_module(module, "redis"), "KEYS_AT_ONCE", 50)
        store = Maker(redis_server.proxy.port)()
        keys = {f"w{number:043}" for number in range(230)}
        for key in keys:
            assert store.swap(key, None, b"x")
        assert sorted(store.keys("w")) == sorted(keys)
        awaited = InALoop(Maker(redis_server.proxy.port))

        async def listed():
            return sorted([key async for key in awaited.store.keys("w")])

        assert awaited.run(listed()) == sorted(keys)
        for key in keys:
            assert store.swap(key, b"x", None)
        awaited.close()
        store.close()

    @BOTH
    def test_a_listing_does_not_go_on_after_a_restart(self, opener):
        """A cursor is a place in one run's table: on another run it would pass keys over."""
        with Redis() as server:
            store = opener(Maker(server.port))
            for number in range(3000):
                assert store.swap(f"w{number:043}", None, b"x")
            keys = store.keys("w")
            next(keys)
            server.restart()
            with pytest.raises(StoreUnavailable, match="replaced"):
                list(keys)
            assert len(set(store.keys("w"))) == 3000
            store.close()

    def test_a_child_opens_connections_of_its_own(self, redis_server):
        store = Maker(redis_server.proxy.port)()
        assert store.swap(KEY, None, b"0")
        child = os.fork()
        if not child:
            os._exit(0 if store.swap(KEY, b"0", b"1") else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert store.load(KEY) == b"1"
        assert store.swap(KEY, b"1", None)
        store.close()


class TestConfiguration:
    @pytest.mark.requirement("S3", "S9", "S15")
    @pytest.mark.parametrize(
        ("options", "setting"),
        [
            (["--maxmemory-policy", "allkeys-lru"], "maxmemory-policy"),
            (["--maxmemory-policy", "volatile-ttl"], "maxmemory-policy"),
            (["--appendonly", "no"], "appendonly"),
            (["--appendfsync", "no"], "appendfsync"),
            (["--no-appendfsync-on-rewrite", "yes"], "no-appendfsync-on-rewrite"),
            (["--rename-command", "CONFIG", "hidden"], "CONFIG"),
        ],
    )
    @BOTH
    def test_refuses_a_server_that_may_lose_what_it_acknowledges(self, options, setting, opener):
        """Each unsafe setting is refused by its name, and allowed by its name."""
        with Redis(*options) as server:
            with pytest.raises(stores.UnsafeConfiguration, match=setting) as refused:
                opener(Maker(server.port))
            assert refused.value.settings == (setting,)
            store = opener(Maker(server.port, unsafe_settings=[setting]))
            assert store.swap(KEY, None, b"x")
            store.close()

    def test_an_installed_redis_is_not_a_store(self):
        """As the package brings it: snapshots only."""
        with Redis("--appendonly", "no", "--appendfsync", "everysec", "--save", "3600 1") as server:
            with pytest.raises(stores.UnsafeConfiguration) as refused:
                Maker(server.port, replicas=1)()
            assert refused.value.settings == ("appendfsync", "appendonly", "replicas")

    def test_refuses_a_name_that_is_no_setting(self):
        with pytest.raises(ValueError, match="no such setting: durability"):
            Maker(1, unsafe_settings=["durability"])()

    @pytest.mark.requirement("S2", "S15")
    @BOTH
    def test_refuses_a_replica(self, opener):
        with Redis() as master, replica_of(master) as replica, pytest.raises(StoreUnavailable, match="is a replica"):
            opener(Maker(replica.port))


class TestReplicas:
    @pytest.mark.requirement("S2")
    @BOTH
    def test_a_server_that_became_a_replica_answers_nothing(self, opener):
        """It keeps its clients and its old records; a read of them would be a read of another's past."""
        with Redis() as one, Redis() as other:
            store = opener(Maker(one.port))
            assert store.swap(KEY, None, b"x")
            view = store.at(store.incarnation()) if opener is not InALoop else None
            assert one.ask("REPLICAOF", "127.0.0.1", str(other.port)) == "OK"
            for seen in (store, view) if view else (store,):
                with pytest.raises(StoreUnavailable, match="is a replica"):
                    seen.load(KEY)
                with pytest.raises(StoreUnavailable, match="is a replica"):
                    seen.swap(KEY, b"x", b"y")
                with pytest.raises(StoreUnavailable, match="is a replica"):
                    seen.swap(KEY, None, b"y")
            store.close()

    @pytest.mark.requirement("S3", "S4")
    @BOTH
    def test_a_write_that_reached_no_replica_is_uncertain(self, opener):
        """WAIT answers with a count also when its time is over; the count is looked at."""
        with Redis() as master, replica_of(master) as replica:
            store = opener(Maker(master.port, replicas=1))
            assert store.swap(KEY, None, b"x")
            assert replica.ask("GET", KEY) == "x"
            waiting = until_connected(lambda: opener(Maker(master.port, SHORT, replicas=1)))
            assert until_connected(lambda: waiting.load(KEY)) == b"x"
            with replica.paused():
                with pytest.raises(StoreUncertain):
                    waiting.swap(KEY, b"x", b"y")
                assert store.load(KEY) == b"y"
                assert until_connected(lambda: waiting.swap(KEY, b"x", b"z")) is False
            waiting.close()
            store.close()

    @pytest.mark.requirement("S12")
    @BOTH
    def test_a_promoted_replica_has_another_history(self, opener):
        """Writes that the replica never saw are lost by a promotion, and a view of before says so."""
        with Redis() as master, replica_of(master) as replica:
            store = opener(Maker(master.port))
            before = store.incarnation()
            store.close()
            replica.ask("REPLICAOF", "NO", "ONE")
            promoted = Maker(replica.port)()
            now = promoted.incarnation()
            assert now != before
            for call in (
                lambda: promoted.at(before).load(KEY),
                lambda: promoted.at(before).swap(KEY, None, b"x"),
            ):
                with pytest.raises(HistoryLost) as lost:
                    call()
                assert lost.value.incarnation == now
            assert promoted.load(KEY) is None
            promoted.close()

    @pytest.mark.requirement("S3", "S4")
    @pytest.mark.parametrize(
        ("answer", "ends"), [(b"*2\r\n:1\r\n:0\r\n", True), (b"*2\r\n:0\r\n:0\r\n", None), (b"-ERR no\r\n", None)]
    )
    @BOTH
    def test_waits_for_the_file_where_the_server_can(self, answer, ends, opener):
        """From 7.2 on, everysec is no hindrance: WAITAOF follows each swap, and its counts are looked at."""
        with Scripted(answer) as server:
            maker = Maker(server.port)
            maker.settings["protocol"] = 2
            store = opener(maker)
            if ends:
                assert store.swap(KEY, None, b"x") is True
            else:
                with pytest.raises(StoreUncertain):
                    store.swap(KEY, None, b"x")
            assert [command[0] for command in server.heard[-2:]] == [b"EVALSHA", b"WAITAOF"]
            assert server.heard[-1] == [b"WAITAOF", b"1", b"0", b"16000"]
            store.close()


class Scripted:
    """A server of version 7.2 that says what it is told to, for there is none here."""

    def __init__(self, answer):
        self.answers = {b"WAITAOF": answer, b"EVALSHA": b":1\r\n"}
        self.heard = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with contextlib.suppress(OSError, ValueError), client, client.makefile("rb") as asked:
            while line := asked.readline():
                command = []
                for _ in range(int(line[1:])):
                    size = int(asked.readline()[1:])
                    command.append(asked.read(size + 2)[:-2])
                self.heard.append(command)
                client.sendall(self.answer(command))

    def answer(self, command):
        word = command[0].upper()
        if word == b"HELLO":
            return b"-ERR unknown command\r\n"
        if word == b"CONFIG":
            values = {b"appendonly": b"yes", b"appendfsync": b"everysec", b"maxmemory-policy": b"noeviction"}
            values[b"no-appendfsync-on-rewrite"] = b"no"
            return b"*2\r\n" + bulk(command[2]) + bulk(values[command[2]])
        if word == b"INFO":
            return bulk(b"redis_version:7.2.4\r\nrole:master\r\nconnected_slaves:0\r\n")
        return self.answers.get(word, b"+OK\r\n")


def bulk(value):
    return b"$%d\r\n%s\r\n" % (len(value), value)


class TestSentinel:
    @pytest.mark.requirement("S3", "S12")
    @pytest.mark.parametrize("awaited", [False, True])
    def test_follows_a_failover(self, awaited):
        """The master is killed, Sentinel promotes its replica: what was acknowledged is there, in another history."""
        with Redis() as master, replica_of(master), Sentinel(master) as sentinel:
            until = time.monotonic() + 30
            while "slaves=1" not in sentinel.ask("INFO", "sentinel"):
                assert time.monotonic() < until
                time.sleep(0.05)
            first = Maker(master.port, replicas=1)()
            assert first.swap(KEY, None, b"x")
            first.close()
            named = {"socket_timeout": 2.0, "socket_connect_timeout": 2.0}
            if awaited:

                class Watched(Maker):
                    def async_client(self):
                        self.sentinel = found = async_sentinels.Sentinel(
                            [("127.0.0.1", sentinel.port)], sentinel_kwargs=named
                        )
                        return found.master_for("mfa", **named)

                maker = Watched(0, replicas=1)
                store = until_connected(lambda: InALoop(maker))
            else:
                found = sentinels.Sentinel([("127.0.0.1", sentinel.port)], sentinel_kwargs=named)
                store = until_connected(lambda: stores.RedisStore(found.master_for("mfa", **named), replicas=1))
            assert back(store, KEY) == b"x"
            before = until_connected(store.incarnation)
            master.kill()
            began = time.monotonic()
            assert back(store, KEY) == b"x"
            print(f"\nservice is back {time.monotonic() - began:.2f} s after the master was killed")
            assert until_connected(store.incarnation) != before
            # The only replica is the master now: what asks for one is uncertain, and landed.
            with pytest.raises(StoreUncertain):
                store.swap(KEY, b"x", b"y")
            assert back(store, KEY) == b"y"
            if awaited:
                for one in maker.sentinel.sentinels:
                    store.run(one.aclose())
            store.close()


class TestCluster:
    @pytest.mark.requirement("S1", "S2", "S5", "S9", "S11", "S12", "S13", "S16")
    def test_keeps_the_promises(self, redis_cluster):
        """Every promise, over six nodes, each swap acknowledged by a replica."""
        ports = [server.port for server in redis_cluster.servers]
        check_store(ClusterMaker(ports, replicas=1), rounds=rounds(100), processes=4 * real)

    @pytest.mark.requirement("S1", "S2", "S5", "S9", "S11", "S12", "S13", "S16")
    def test_keeps_the_promises_awaited(self, redis_cluster):
        ports = [server.port for server in redis_cluster.servers]
        check_async_store(ClusterMaker(ports, replicas=1).awaited, rounds=rounds(100))

    @pytest.mark.requirement("S3", "S13")
    @BOTH
    def test_wants_a_replica_unless_told_otherwise(self, redis_cluster, opener):
        """Where a replica may take over, an acknowledged write that none has would be lost without a trace."""
        ports = [server.port for server in redis_cluster.servers]
        store = opener(ClusterMaker(ports, 5.0))
        assert (store.store if opener is InALoop else store)._parameters.barrier == ("WAIT", 1, 4000)
        store.close()
        with pytest.raises(stores.UnsafeConfiguration, match="replicas"):
            opener(ClusterMaker(ports, 5.0, replicas=0))
        opener(ClusterMaker(ports, 5.0, replicas=0, unsafe_settings=["replicas"])).close()

    @BOTH
    def test_follows_a_slot_that_moves(self, redis_cluster, opener):
        """ASK while a slot moves, MOVED when it has: nothing ran, and it is asked where it is."""
        ports = [server.port for server in redis_cluster.servers]
        masters = redis_cluster.masters()
        store = opener(ClusterMaker(ports))
        slot = masters[0].ask("CLUSTER", "KEYSLOT", KEY)
        names = {master.ask("CLUSTER", "MYID"): master for master in masters}
        source = next(m for m in masters if not m.ask("GET", KEY).startswith("MOVED"))
        target = next(m for m in masters if m is not source)
        ids = {id(master): name for name, master in names.items()}
        assert target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[id(source)]) == "OK"
        assert source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[id(target)]) == "OK"
        assert store.load(KEY) is None
        assert store.swap(KEY, None, b"x")
        assert store.load(KEY) == b"x"
        with pytest.raises(StoreUnavailable, match="slots moved"):
            list(store.keys(KEY[0]))
        for master in (target, source, *masters):
            master.ask("CLUSTER", "SETSLOT", slot, "NODE", ids[id(target)])
        assert store.load(KEY) == b"x"
        assert store.swap(KEY, b"x", None)
        store.close()

    @pytest.mark.requirement("S3", "S12", "S13")
    def test_a_promoted_master_has_all_that_was_acknowledged(self):
        """A master is killed under load and its replica promoted, 5 times: nothing acknowledged is gone.

        The views of before say that the history is another one, and service is back within seconds.
        """
        for _ in range(rounds(5)):
            with RedisCluster() as cluster:
                ports = [server.port for server in cluster.servers]
                store, hurried = ClusterMaker(ports, replicas=1)(), ClusterMaker(ports, 2.0, replicas=1)()
                before = store.incarnation()
                acknowledged = {f"{number:044}": 0 for number in range(6)}
                for key in acknowledged:
                    assert store.swap(key, None, b"0")
                stop = threading.Event()

                def write(key, store=hurried, acknowledged=acknowledged, stop=stop):
                    held = b"0"
                    for turn in itertools.count(1):
                        new = b"%d" % turn
                        try:
                            if stop.is_set() or not store.swap(key, held, new):
                                return
                        except (StoreUncertain, StoreUnavailable):
                            return
                        acknowledged[key] = turn
                        held = new

                threads = [threading.Thread(target=write, args=(key,)) for key in tuple(acknowledged)]
                for thread in threads:
                    thread.start()
                time.sleep(0.3)
                cluster.masters()[0].kill()
                began = time.monotonic()
                time.sleep(0.2)
                stop.set()
                for thread in threads:
                    thread.join()
                for key, turn in acknowledged.items():
                    assert int(back(store, key)) in {turn, turn + 1}
                print(f"\nservice is back {time.monotonic() - began:.2f} s after a master was killed")
                now = store.incarnation()
                assert now != before
                lost = 0
                for key in acknowledged:
                    with contextlib.suppress(HistoryLost):
                        store.at(before).load(key)
                        lost -= 1
                    lost += 1
                    assert store.at(now).load(key) is not None
                assert 0 < lost <= len(acknowledged)
                hurried.close()
                store.close()


class TestAsyncRedisStore:
    @pytest.mark.requirement("S1", "S2", "S3", "S4", "S5", "S9", "S11", "S12", "S14", "S16")
    def test_keeps_the_promises(self, redis_server):
        faults = redis_server.faults(Maker(redis_server.proxy.port, SHORT).awaited)
        check_async_store(Maker(redis_server.proxy.port).awaited, rounds=rounds(100), faults=faults)

    @pytest.mark.requirement("S14")
    def test_a_thousand_tasks_share_twenty_connections(self, redis_server):
        """A thousand tasks count up one record and their own: no update is lost, no connection leaks."""

        async def main():
            store = await Maker(redis_server.proxy.port, 60.0).awaited()
            shared, tasks = "t" * 44, rounds(1000)

            async def count(number):
                own = f"{number:044}"
                assert await store.swap(own, None, b"x")
                while True:
                    held = await store.load(shared)
                    if await store.swap(shared, held, b"%d" % (int(held or b"0") + 1)):
                        break
                assert await store.swap(own, b"x", None)

            await asyncio.gather(*(count(number) for number in range(tasks)))
            assert await store.load(shared) == b"%d" % tasks
            assert await store.swap(shared, b"%d" % tasks, None)
            assert not store._servers._pool._in_use_connections
            await store.close()

        asyncio.run(main())

    @pytest.mark.requirement("S4", "S16")
    def test_a_connection_that_another_task_closes_is_lost(self, redis_server):
        async def main():
            client = Maker(redis_server.proxy.port, 20.0).async_client()
            store = await stores.AsyncRedisStore.open(client)
            assert await store.swap(KEY, None, b"x")
            with redis_server.proxy.replies_lost(silent=True):
                swapping = asyncio.ensure_future(store.swap(KEY, b"x", b"y"))
                for _ in range(400):  # as long as the store's deadline
                    if swapping.done():
                        break
                    await asyncio.sleep(0.05)
                    await client.connection_pool.disconnect()
            with pytest.raises(StoreUncertain):
                await swapping
            assert await store.load(KEY) == b"y"
            assert await store.swap(KEY, b"y", None)
            await store.close()

        asyncio.run(main())

    def test_leaves_no_connection_open_where_it_refuses(self, redis_cluster, monkeypatch):
        """The pools that it made for itself are closed, since nobody has a store to close."""
        made = []

        class Pool(aio.BlockingConnectionPool):
            def __init__(self, *given, **named):
                super().__init__(*given, **named)
                made.append(self)

        monkeypatch.setattr(aio, "BlockingConnectionPool", Pool)
        ports = [server.port for server in redis_cluster.servers]

        async def main():
            client = ClusterMaker(ports, 5.0).async_client()
            with pytest.raises(stores.UnsafeConfiguration, match="replicas"):
                await stores.AsyncRedisStore.open(client, replicas=5)
            connections = [connection for pool in made for connection in pool._available_connections]
            assert connections
            assert not any(connection.is_connected for connection in connections)
            assert not any(pool._in_use_connections for pool in made)
            await client.aclose()

        asyncio.run(main())

    def test_shows_nothing(self, redis_server):
        store = InALoop(Maker(redis_server.proxy.port))
        assert repr(store.store) == "<AsyncRedisStore>"
        store.close()


def closing(pool, waiting):
    """Close a pool's connections, in use or not, until a call on one of them has ended; return how often."""
    until, times = time.monotonic() + 15, 0
    while not waiting.done():
        assert time.monotonic() < until
        time.sleep(0.05)
        pool.disconnect()
        times += 1
    return times


def back(store, key):
    """Load as soon as the store answers."""
    until = time.monotonic() + 60
    while True:
        try:
            return store.load(key)
        except StoreUnavailable:
            assert time.monotonic() < until
            time.sleep(0.05)
