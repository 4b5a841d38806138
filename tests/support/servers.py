# SPDX-License-Identifier: Apache-2.0
"""Private servers for tests: direct children, in a temporary folder, on a free port of the loopback interface.

No test uses a server that happens to be there. Each of these can be killed, started again on its data, and frozen;
a proxy in front of one can lose its replies.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from ram_mfa.testing import TCPProxy

from . import missing, require_program

Proxy = TCPProxy

PATIENCE = 60.0


PORTS = range(11_000, 22_000)
"""Below those that the system hands out to clients, and with them those 10,000 above: Redis Cluster's own."""


def claim_port() -> tuple[int, socket.socket]:
    """Return a free port of the loopback interface, and a socket that claims it and the port 10,000 above until closed.

    The system gives no such port to a client. The claim is a name in Linux's abstract namespace, so that another run of
    the tests does not take the port while its server is down.
    """
    for port in random.sample(PORTS, len(PORTS)):
        claim = socket.socket(socket.AF_UNIX)
        with contextlib.suppress(OSError), socket.socket() as one, socket.socket() as other:
            claim.bind(f"\0ram_mfa-test-port-{port}")
            for each in (one, other):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(("127.0.0.1", port))
            other.bind(("127.0.0.1", port + 10_000))
            return port, claim
        claim.close()
    raise RuntimeError("no port is free")


def family(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for one in found:
        found.extend(children.get(one, []))
    return found


def lives(pid: int) -> bool:
    """Say whether a process is there and is more than a zombie."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


class Server:
    """A server program as a direct child, with a folder of its own."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="ram_mfa-test-"))
        self.folder.chmod(0o755)
        self.port, self._claim = claim_port()
        self.child = None
        self.user = None

    def command(self):
        raise NotImplementedError

    def answers(self):
        raise NotImplementedError

    def start(self):
        log = (self.folder / "log").open("ab")
        self.child = subprocess.Popen(
            self.command(),
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            user=self.user,
            cwd=self.folder,
            restore_signals=False,  # a file that may not grow is then an error of the write, as on a full disk
        )
        log.close()
        until = time.monotonic() + PATIENCE
        while not self.answers():
            if self.child.poll() is not None or time.monotonic() > until:
                tail = (self.folder / "log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{type(self).__name__} does not start: {tail}")
            time.sleep(0.02)
        return self

    def signal(self, number):
        for pid in family(self.child.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self):
        """Kill every process of the server with -9, and wait for the end of each.

        It is stopped first, so that it has no further child meanwhile: PostgreSQL does not start while one of the
        former server's is left.
        """
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.child.pid, signal.SIGSTOP)
        everyone = family(self.child.pid)
        self.signal(signal.SIGKILL)
        self.child.wait()
        until = time.monotonic() + PATIENCE
        while any(map(lives, everyone)) and time.monotonic() < until:
            time.sleep(0.01)

    def restart(self):
        self.kill()
        self.start()

    @contextlib.contextmanager
    def stopped(self):
        self.kill()
        try:
            yield
        finally:
            self.start()

    @contextlib.contextmanager
    def paused(self):
        self.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)

    def close(self):
        if self.child is not None and self.child.poll() is None:
            self.kill()
        self._claim.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_):
        self.close()

    def connects(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False


def _as(name: str) -> str | None:
    """Return the user that a server runs as: its own where the tests are root's, else whoever runs them."""
    if os.geteuid():
        return None
    try:
        pwd.getpwnam(name)
    except KeyError:
        missing(f"there is no user {name} to run the server as")
    return name


class PostgreSQL(Server):
    """A PostgreSQL cluster, with fsync on; ``settings`` go into its configuration."""

    def __init__(self, settings: str = "", *, copy_of: PostgreSQL | None = None):
        self.bin = _postgresql_programs()
        super().__init__()
        self.user = _as("postgres")
        self.data = self.folder / "data"
        if self.user:
            shutil.chown(self.folder, self.user)
        if copy_of is None:
            self.run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C")
        else:
            source = f"host=127.0.0.1 port={copy_of.port} user=postgres"
            self.run("pg_basebackup", "-d", source, "-D", self.data, "-X", "stream", "-R", "-c", "fast")
        self.settings(
            f"port = {self.port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n"
            f"max_connections = 200\nautovacuum_naptime = 5min\n{settings}"
        )

    def settings(self, text):
        with (self.data / "postgresql.auto.conf").open("a") as file:
            file.write(text + "\n")

    def run(self, program, *arguments):
        command = [self.bin / program, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, user=self.user, cwd=self.folder)
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr}")
        return done.stdout

    def command(self):
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        return [self.bin / "postgres", "-D", self.data]

    def answers(self):
        ready = [self.bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return self.connects() and not subprocess.run(ready, check=False).returncode

    def url(self, port=None):
        return f"postgresql://postgres@127.0.0.1:{port or self.port}/postgres"

    def sql(self, text, *, database="postgres"):
        target = self.url().rpartition("/")[0] + f"/{database}"
        return self.run("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", target, "-c", text).strip()

    def size(self):
        """Return how many bytes the table and its index take."""
        return int(self.sql("SELECT pg_total_relation_size('ram_mfa')"))

    def promote(self):
        self.run("pg_ctl", "-D", self.data, "promote", "-w")


class PgBouncer(Server):
    """PgBouncer before a PostgreSQL, in one of its modes (``session``, ``transaction``, ``statement``)."""

    def __init__(self, server: PostgreSQL, mode: str):
        self.program = require_program("pgbouncer", "pgbouncer")
        super().__init__()
        self.user = server.user
        if self.user:
            shutil.chown(self.folder, self.user)
        self.file = self.folder / "pgbouncer.ini"
        self.file.write_text(
            f"[databases]\npostgres = host=127.0.0.1 port={server.port} user=postgres\n[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\nauth_type = any\n"
            f"pool_mode = {mode}\ndefault_pool_size = 1\n"
        )

    def command(self):
        return [self.program, self.file]

    def answers(self):
        return self.connects()

    def url(self):
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"


def _postgresql_programs() -> Path:
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "postgres").exists():
            return folder
    return Path(require_program("postgres", "postgresql")).parent


class MariaDB(Server):
    """A MariaDB server with its own data folder."""

    def __init__(self, *options: str):
        install = require_program("mariadb-install-db", "mariadb-server")
        self.program = require_program("mariadbd", "mariadb-server")
        super().__init__()
        self.user = _as("mysql")
        self.options = options
        self.data = self.folder / "data"
        self.temporary = self.folder / "tmp"  # a server that starts deletes what others keep in a common one
        for place in (self.data, self.temporary):
            place.mkdir()
        if self.user:
            for place in (self.folder, self.data, self.temporary):
                shutil.chown(place, self.user)
        command = [install, "--no-defaults", f"--datadir={self.data}", "--auth-root-authentication-method=normal"]
        command += ["--skip-test-db", "--innodb-log-file-size=8M"]
        environment = os.environ | {"TMPDIR": str(self.temporary)}
        done = subprocess.run(command, capture_output=True, text=True, user=self.user, cwd=self.folder, env=environment)
        if done.returncode:
            raise RuntimeError(f"mariadb-install-db: {done.stderr}")

    def command(self):
        return [
            self.program,
            "--no-defaults",
            f"--datadir={self.data}",
            f"--tmpdir={self.temporary}",
            f"--port={self.port}",
            f"--socket={self.folder / 'socket'}",
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--innodb-log-file-size=8M",
            *self.options,
        ]

    def answers(self):
        import pymysql

        with contextlib.suppress(pymysql.Error):
            connection = pymysql.connect(host="127.0.0.1", port=self.port, user="root", connect_timeout=2)
            with connection.cursor() as cursor:
                cursor.execute("CREATE DATABASE IF NOT EXISTS mfa")
            connection.close()
            return True
        return False

    def url(self, port=None, driver="pymysql"):
        return f"mysql+{driver}://root@127.0.0.1:{port or self.port}/mfa"

    def connect(self):
        """Return a connection of the administrator's, in autocommit."""
        import pymysql

        return pymysql.connect(host="127.0.0.1", port=self.port, user="root", autocommit=True)

    def sql(self, *texts):
        """Run statements, and return the rows of the last one."""
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            for text in texts:
                cursor.execute(text)
            return cursor.fetchall()

    @contextlib.contextmanager
    def interrupted(self):
        """Interrupt whatever statement another connection is in, over and over, as KILL QUERY does."""
        over = threading.Event()
        thread = threading.Thread(target=self._interrupt, args=(over,))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _interrupt(self, over):
        import pymysql

        others = "SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND user = 'root'"
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            while not over.is_set():
                cursor.execute(others)
                for (number,) in list(cursor.fetchall()) * 20:
                    with contextlib.suppress(pymysql.Error):  # it is gone
                        cursor.execute(f"KILL QUERY {number}")

    @contextlib.contextmanager
    def impatient(self, seconds=0.00002):
        """Have connections that are made meanwhile give up each statement after so many seconds."""
        self.sql(f"SET GLOBAL max_statement_time = {seconds}")
        try:
            yield
        finally:
            self.sql("SET GLOBAL max_statement_time = 0")


class Redis(Server):
    """A Redis server that appends to its file, and syncs it, before it answers; ``options`` change that."""

    def __init__(self, *options: str):
        self.program = require_program("redis-server", "redis-server")
        super().__init__()
        self.options = options
        self.data = self.folder / "data"
        self.data.mkdir()

    def command(self):
        safe = ["--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction", "--save"]
        where = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.data), "--protected-mode", "no"]
        where += ["--repl-diskless-sync-delay", "0"]
        return [self.program, *where, *safe, "", *self.options]

    def answers(self):
        return self.ask("PING") == "PONG"

    def ask(self, *words):
        program = require_program("redis-cli", "redis-tools")
        command = [program, "-h", "127.0.0.1", "-p", str(self.port), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    def url(self, port=None):
        return f"redis://127.0.0.1:{port or self.port}/0"


class Sentinel(Redis):
    """A Redis Sentinel that watches one server, and alone decides that it is down."""

    def __init__(self, watched: Redis):
        super().__init__()
        self.file = self.folder / "sentinel.conf"
        self.file.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {self.folder}\nprotected-mode no\n"
            f"sentinel monitor mfa 127.0.0.1 {watched.port} 1\nsentinel down-after-milliseconds mfa 500\n"
            "sentinel failover-timeout mfa 3000\n"
        )

    def command(self):
        return [self.program, str(self.file), "--sentinel"]


class RedisCluster:
    """Six Redis servers on loopback: three masters and a replica of each."""

    def __init__(self):
        self.servers = []

    def __enter__(self):
        try:
            for _ in range(6):
                server = Redis(*["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"])
                server.options += ("--cluster-replica-validity-factor", "0")
                self.servers.append(server)
                server.start()
            nodes = [f"127.0.0.1:{server.port}" for server in self.servers]
            create = ["redis-cli", "--cluster", "create", *nodes, "--cluster-replicas", "1", "--cluster-yes"]
            subprocess.run(create, check=True, capture_output=True)
            self.wait_until_whole()
        except BaseException:
            self.close()
            raise
        return self

    def wait_until_whole(self):
        """Wait until every slot is served and every replica follows its master."""
        until = time.monotonic() + PATIENCE
        while not self.whole():
            if time.monotonic() > until:
                raise RuntimeError("the Redis Cluster does not come up")
            time.sleep(0.1)

    def whole(self):
        alive = [server for server in self.servers if server.child.poll() is None]
        states = [server.ask("CLUSTER", "INFO") for server in alive]
        links = [server.ask("INFO", "replication") for server in alive]
        replicas = [link for link in links if "role:slave" in link]
        return (
            all("cluster_state:ok" in state for state in states)
            and len(replicas) == 3
            and all("master_link_status:up" in link for link in replicas)
        )

    def masters(self):
        return [server for server in self.servers if "role:master" in server.ask("INFO", "replication")]

    def close(self):
        for server in self.servers:
            server.close()

    def __exit__(self, *_):
        self.close()
