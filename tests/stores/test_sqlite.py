# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import contextlib
import gc
import os
import random
import resource
import secrets
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from ram_mfa.errors import StoreUnavailable, StoreUncertain
from ram_mfa.stores.sqlite import SQLiteStore
from ram_mfa.testing import Faults, check_store
from ram_mfa.testing.store_kit.processes import process_race
from ram_mfa.testing.store_kit.store_pair import StorePair
from tests.stores.conftest import LONG
from tests.support import missing, real, require_program, rounds

KEY = "k" + "A" * 43


def value(number=0):
    return b"%08d" % number + secrets.token_bytes(2000)


@pytest.fixture
def path(tmp_path):
    """The file of a store; whatever a test makes itself is its owner's only, as a store's own file is."""
    before = os.umask(0o077)
    yield tmp_path / "mfa.db"
    os.umask(before)


@pytest.fixture
def store(path):
    store = SQLiteStore(path, deadline=0.3)
    yield store
    store.close()


class TestSQLiteStore:
    @pytest.mark.requirement("S1", "S2", "S5", "S9", "S11", "S13", "S16")
    def test_keeps_the_promises(self, path):
        """Every promise of a store, each handle on connections of its own, and with four processes."""

        def size():
            with contextlib.closing(sqlite3.connect(path)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return path.stat().st_size

        make = partial(SQLiteStore, path, deadline=LONG)
        check_store(make, rounds=rounds(200), processes=4 * real, faults=Faults(size=size))

    @pytest.mark.requirement("S1")
    def test_eight_processes_swap_from_the_same_bytes(self, path):
        """In each of 2,000 rounds exactly one of eight processes lands, and no increment of a shared count is lost."""
        pair = StorePair(partial(SQLiteStore, path, deadline=60.0), rounds(2000), Faults())
        process_race(pair, 8 if real else 4, "spawn")
        pair.close()

    def test_shows_its_file_and_nothing_else(self, store, path):
        assert repr(store) == f"<SQLiteStore {path}>"

    def test_keeps_its_file_when_the_process_changes_folder(self, tmp_path, monkeypatch):
        """A relative path is relative to where the store was opened, also for the connections of later threads."""
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path)
        store = SQLiteStore("mfa.db")
        store.swap(KEY, None, b"x")
        monkeypatch.chdir("elsewhere")
        found = []
        thread = threading.Thread(target=lambda: found.append(store.load(KEY)))
        thread.start()
        thread.join()
        assert found == [b"x"]
        store.close()

    def test_closes_the_connections_of_threads_that_ended(self, store):
        """A server that starts a thread for each request keeps no file open for those that are gone."""
        together = threading.Barrier(20)

        def work():
            store.load(KEY)
            together.wait()  # SQLite keeps as many files as were ever open at once, and uses them again

        def burst():
            threads = [threading.Thread(target=work) for _ in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        burst()
        gc.collect()
        before = len(list(Path("/proc/self/fd").iterdir()))
        burst()
        gc.collect()
        assert len(list(Path("/proc/self/fd").iterdir())) <= before

    def test_answers_nothing_after_it_was_closed(self, store):
        store.close()
        for call in (partial(store.load, KEY), partial(store.swap, KEY, None, b"x"), lambda: list(store.keys("k"))):
            with pytest.raises(StoreUnavailable, match="closed"):
                call()


class TestOpening:
    @pytest.mark.parametrize("name", ["", ":memory:"])
    def test_refuses_a_database_without_a_file(self, name):
        with pytest.raises(ValueError, match="needs a file"):
            SQLiteStore(name)

    def test_refuses_what_no_store_can_be(self, path):
        with pytest.raises(ValueError, match="synchronous"):
            SQLiteStore(path, synchronous="NORMAL")
        for deadline in (0, -1, float("nan")):
            with pytest.raises(ValueError, match="deadline"):
                SQLiteStore(path, deadline=deadline)

    @pytest.mark.parametrize(("said", "kept"), [("FULL", 2), ("EXTRA", 3), ("UnsafeNORMAL", 1)])
    def test_syncs_as_it_is_told(self, path, said, kept):
        """The mode that is asked for is the one that the connection runs in."""
        store = SQLiteStore(path, synchronous=said)
        connection = store._connections.current().connection
        assert connection.execute("PRAGMA synchronous").fetchone() == (kept,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        store.close()

    def test_makes_a_file_for_its_owner_only(self, path):
        """Nobody else reads the file, whatever the umask, nor the log beside it."""
        before = os.umask(0)
        try:
            store = SQLiteStore(path)
            store.swap(KEY, None, b"x")
            for name in ("", "-wal", "-shm"):
                assert stat.S_IMODE(Path(f"{path}{name}").stat().st_mode) == 0o600
        finally:
            os.umask(before)
        store.close()

    @pytest.mark.requirement("A26")
    @pytest.mark.parametrize("mode", [0o604, 0o602, 0o644])
    def test_warns_of_a_file_that_others_may_use(self, path, mode):
        """A file that was made beforehand is used, and its mode is left alone."""
        path.touch()
        path.chmod(mode)
        with pytest.warns(UserWarning, match="every user of this machine"):
            store = SQLiteStore(path)
        assert store.swap(KEY, None, b"x")
        store.close()
        assert stat.S_IMODE(path.stat().st_mode) == mode

    @pytest.mark.requirement("A28", "S15")
    @pytest.mark.parametrize(
        "made",
        [
            "CREATE TABLE ram_mfa (key TEXT COLLATE NOCASE PRIMARY KEY, value BLOB NOT NULL)",
            "CREATE TABLE ram_mfa (key INTEGER PRIMARY KEY, value BLOB NOT NULL)",
            "CREATE TABLE ram_mfa (key TEXT NOT NULL, value BLOB NOT NULL)",
            "CREATE TABLE ram_mfa (key TEXT PRIMARY KEY, value INTEGER)",
            "CREATE TABLE ram_mfa (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID",
            "CREATE TABLE t (key TEXT PRIMARY KEY, value BLOB); CREATE VIEW ram_mfa AS SELECT * FROM t",
            (
                "CREATE TABLE ram_mfa (key TEXT PRIMARY KEY, value BLOB);"
                " CREATE TRIGGER t AFTER UPDATE ON ram_mfa BEGIN DELETE FROM ram_mfa; END"
            ),
        ],
        ids=["collation", "key", "no primary key", "value", "no rowid", "view", "trigger"],
    )
    def test_refuses_a_foreign_table(self, path, made):
        """A table in which two keys could be one, or bytes could change, is refused and left as it is."""
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.executescript(made)
        with pytest.raises(StoreUnavailable, match="ram_mfa"):
            SQLiteStore(path)

    @pytest.mark.requirement("S15")
    @pytest.mark.parametrize(
        "content",
        [b"this is a text, and not a database\n" * 400, b"SQLite format 3\0" + b"\xff" * 5000],
        ids=["text", "header"],
    )
    def test_refuses_a_file_that_is_no_database(self, path, content):
        """Another file is refused and left as it is."""
        path.write_bytes(content)
        with pytest.raises(StoreUnavailable, match=r"NOTADB|CORRUPT"):
            SQLiteStore(path)
        assert path.read_bytes() == content

    @pytest.mark.requirement("S15")
    def test_refuses_a_table_of_another_shape(self, path):
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE ram_mfa (name TEXT, password TEXT)")
        connection.close()
        with pytest.raises(StoreUnavailable, match="no such column"):
            SQLiteStore(path)

    def test_refuses_a_place_where_no_file_can_be(self, tmp_path):
        for place in (tmp_path, tmp_path / "missing" / "mfa.db", Path("/dev/null/mfa.db")):
            with pytest.raises(StoreUnavailable):
                SQLiteStore(place)

    def test_makes_no_other_file_in_the_place_of_one_that_is_gone(self, store, path):
        """Only the constructor makes a file: a thread that comes later does not start an empty history."""
        store.close()
        store = SQLiteStore(path)
        path.unlink()
        raised = []

        def late():
            try:
                store.load(KEY)
            except StoreUnavailable as error:
                raised.append(error)

        thread = threading.Thread(target=late)
        thread.start()
        thread.join()
        assert raised
        assert not path.exists()
        store.close()

    def test_is_made_by_many_at_once(self, tmp_path):
        """Threads that open one new file at the same moment all get the same store."""
        for turn in range(rounds(60)):
            path = tmp_path / f"{turn}.db"
            stores = []
            start = threading.Barrier(8)

            def make(path=path, start=start, stores=stores):
                start.wait()
                stores.append(SQLiteStore(path, deadline=LONG))

            threads = [threading.Thread(target=make) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert [s.swap(KEY, None, b"x") for s in stores] == [True] + [False] * 7
            for made in stores:
                made.close()


class TestReplaced:
    """A backup that is moved over the live file, under open handles."""

    @pytest.fixture
    def backup(self, path):
        """A copy of the file with one record in it, made by SQLite itself."""
        store = SQLiteStore(path)
        assert store.swap(KEY, None, b"0")
        store.close()
        copy = path.with_name("backup")
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("VACUUM INTO ?", (str(copy),))
        return copy

    @staticmethod
    def refuses(store):
        view = store.at("", beside=(KEY, b"0"))
        for call in (
            lambda: store.load(KEY),
            lambda: store.swap(KEY, b"0", b"lost"),
            lambda: store.swap("other", None, b"lost"),
            lambda: list(store.keys("k")),
            lambda: view.load(KEY),
            lambda: view.swap("other", None, b"lost"),
        ):
            with pytest.raises(StoreUnavailable, match="replaced"):
                call()

    @pytest.mark.requirement("A28")
    def test_is_noticed_by_every_handle(self, path, backup):
        """No call of a store that was opened before reads or writes, in threads old and new, until it is opened anew.

        And none takes the new file's write-ahead log away when it is closed.
        """
        handles = [SQLiteStore(path) for _ in range(3)]
        for handle in handles:
            assert handle.load(KEY) == b"0"
        for suffix in ("-wal", "-shm"):
            Path(f"{path}{suffix}").unlink()
        backup.replace(path)
        anew = SQLiteStore(path)
        assert anew.swap(KEY, b"0", b"1")
        for handle in handles:
            self.refuses(handle)
            thread = threading.Thread(target=self.refuses, args=(handle,))
            thread.start()
            thread.join()
        for handle in handles:
            handle.close()
        gc.collect()
        assert anew.swap(KEY, b"1", b"2")
        again = SQLiteStore(path)
        assert again.load(KEY) == b"2"
        assert list(again.keys("k")) == [KEY]
        anew.close()
        again.close()

    @pytest.mark.requirement("A28")
    def test_acknowledges_nothing_once_the_file_is_another(self, path, backup):
        """Of 400 swaps on two handles around the replacement none is acknowledged after it."""
        handles, landed, turned = [SQLiteStore(path) for _ in range(2)], 0, rounds(400)
        held = b"0"
        for turn in range(2 * turned):
            if turn == turned:
                backup.replace(path)
            new = b"%d" % (turn + 1)
            with contextlib.suppress(StoreUnavailable):
                assert handles[turn % 2].swap(KEY, held, new)
                held, landed = new, landed + 1
        assert landed == turned
        for handle in handles:
            handle.close()

    @pytest.mark.requirement("A28")
    def test_a_removed_file_is_noticed(self, path, backup):
        store = SQLiteStore(path)
        path.unlink()
        self.refuses(store)
        store.close()


class TestFailures:
    @pytest.mark.requirement("S14", "S16")
    def test_a_lock_that_is_not_let_go_is_unavailable(self, store, path):
        """Another program's write transaction: reads go on, a swap gives up by its deadline, and nothing landed."""
        store.swap(KEY, None, b"x")
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert store.load(KEY) == b"x"
        for old, new in ((b"x", b"y"), (b"x", None), (None, b"y")):
            with pytest.raises(StoreUnavailable, match="BUSY"):
                store.swap(KEY, old, new)
        other.execute("ROLLBACK")
        other.close()
        assert store.swap(KEY, b"x", b"y")

    @pytest.mark.requirement("S16")
    def test_a_database_under_exclusive_lock_is_unavailable(self, store, path):
        """Opening and reading give up by the deadline too."""
        store.close()
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("INSERT INTO ram_mfa VALUES ('k', x'00')")
        with pytest.raises(StoreUnavailable, match="BUSY"):
            SQLiteStore(path, deadline=0.1)
        other.close()
        SQLiteStore(path).close()

    @pytest.mark.requirement("S15", "S16")
    def test_a_corrupted_file_is_unavailable(self, path):
        """Rubbish over the pages of a database that worked is never read as a record, nor as the absence of one."""
        store = SQLiteStore(path)
        keys = ["k" + secrets.token_urlsafe(32) for _ in range(200)]
        held = {key: value() for key in keys}
        for key in keys:
            store.swap(key, None, held[key])
        store.close()
        content = bytearray(path.read_bytes())
        for page in range(4096, len(content), 4096):
            content[page : page + 100] = b"\xa5" * 100
        path.write_bytes(content)
        store = SQLiteStore(path)
        for key in keys:
            with pytest.raises(StoreUnavailable):
                store.load(key)
            with pytest.raises(StoreUnavailable):
                store.swap(key, held[key], None)
        with pytest.raises(StoreUnavailable):
            list(store.keys("k"))
        store.close()

    @pytest.mark.requirement("S16")
    def test_a_file_that_may_only_be_read_is_unavailable(self):
        """A process without the right to write gets no store, and changes nothing."""
        if os.geteuid():
            missing("only root can try what another user may do")
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o755)
            path = Path(folder, "mfa.db")
            SQLiteStore(path).close()
            path.chmod(0o444)
            os.seteuid(65534)
            try:
                with pytest.warns(UserWarning, match="every user"), pytest.raises(StoreUnavailable):
                    SQLiteStore(path)
            finally:
                os.seteuid(0)
            path.chmod(0o444)
            connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
            assert connection.execute("SELECT count(*) FROM ram_mfa").fetchone() == (0,)
            connection.close()

    @pytest.mark.requirement("S4", "S16")
    def test_a_limit_on_the_size_of_files_never_loses_or_passes_anything(self, path):
        """The log cannot grow: each swap says unavailable or uncertain, and the next attempt is right."""
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

        @contextlib.contextmanager
        def full():
            resource.setrlimit(resource.RLIMIT_FSIZE, (8192, hard))
            yield
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

        check_store(partial(SQLiteStore, path, deadline=LONG), rounds=1, faults=Faults(full=full))

    @pytest.mark.requirement("S4", "S16")
    def test_a_full_disk_never_loses_or_passes_anything(self, tmp_path):
        """A small file system is filled to the last byte, by somebody else, under the store."""
        mount = require_program("mount", "mount")
        if subprocess.run([mount, "-t", "tmpfs", "-o", "size=20m", "none", tmp_path], capture_output=True).returncode:
            missing("mounting a file system takes root with the right to mount")

        @contextlib.contextmanager
        def full():
            ballast = tmp_path / "ballast"
            with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
            yield
            ballast.unlink()

        try:
            check_store(partial(SQLiteStore, tmp_path / "mfa.db", deadline=LONG), rounds=1, faults=Faults(full=full))
        finally:
            subprocess.run(["umount", tmp_path], check=True)

    @pytest.mark.requirement("S4")
    def test_a_sync_that_fails_is_uncertain(self, path):
        """The disk refuses to sync: the frame may be in the log, so nobody may say that nothing landed."""
        script = """
            import sys
            from ram_mfa.errors import StoreUncertain
            from ram_mfa.stores.sqlite import SQLiteStore
            store = SQLiteStore(sys.argv[1])
            print("open", flush=True)
            sys.stdin.readline()
            for old, new in ((None, b"new"), (b"x", b"y"), (b"x", None)):
                try:
                    print(store.swap("k" if old is None else "held", old, new))
                except StoreUncertain:
                    print("uncertain")
        """
        store = SQLiteStore(path)
        store.swap("held", None, b"x")
        strace = require_program("strace", "strace")
        inject = "inject=fsync,fdatasync:error=EIO"
        # The injection must not hit the opening: the tracer joins once the store is open.
        with python(script, path) as child:
            assert child.stdout.readline() == "open\n"
            tracer = subprocess.Popen(
                [strace, "-f", "-p", str(child.pid), "-e", "trace=fsync,fdatasync", "-e", inject],
                stderr=subprocess.PIPE,
                text=True,
            )
            if "attached" not in (said := tracer.stderr.readline()):
                missing(f"strace cannot join a process here: {said}")
            out, _ = child.communicate("go\n")
            tracer.communicate()
        assert out.split() == ["uncertain"] * 3
        assert store.load("held") in (b"x", b"y", None)
        store.close()


class TestDurability:
    @pytest.mark.requirement("S3")
    def test_acknowledges_after_the_log_is_synced(self, path):
        """Between a swap's write to the log and its True lies an fdatasync of the log."""
        strace = require_program("strace", "strace")
        script = """
            import os, sys
            from ram_mfa.stores.sqlite import SQLiteStore
            store = SQLiteStore(sys.argv[1])
            held = None
            for turn in range(20):
                new = b"%d" % turn * 500
                os.write(2, b"ASK")
                assert store.swap("k", held, new)
                os.write(2, b"ACK")
                held = new
        """
        log = path.with_name("trace")
        calls = "trace=pwrite64,write,fsync,fdatasync"
        command = [strace, "-f", "-y", "-s", "8", "-e", calls, "-o", str(log), *interpreter(script), str(path)]
        run = subprocess.run(command, capture_output=True, text=True)
        if not log.exists() or not log.read_text():
            missing(f"strace cannot trace here: {run.stderr}")
        assert run.returncode == 0
        asks = log.read_text().split('"ASK"')[1:]
        assert len(asks) == 20
        for ask in asks:
            lines = ask.split('"ACK"')[0].splitlines()
            writes = [place for place, line in enumerate(lines) if "pwrite64" in line and "-wal>" in line]
            syncs = [place for place, line in enumerate(lines) if "sync(" in line and "-wal>" in line]
            assert writes
            assert syncs
            assert syncs[-1] > writes[-1]

    @pytest.mark.requirement("S3", "S13")
    def test_what_was_acknowledged_outlives_a_kill(self, path):
        """A process is killed with -9 while it writes, 50 times: what it told of last is there after each."""
        script = """
            import sys
            from ram_mfa.stores.sqlite import SQLiteStore
            store = SQLiteStore(sys.argv[1])
            held = store.load("count")
            number = int(held[:8]) if held else 0
            while True:
                number += 1
                new = b"%08d" % number + bytes(2000)
                assert store.swap("count", held, new)
                held = new
                if number % 2:
                    assert store.swap("odd", None, b"odd")
                else:
                    assert store.swap("odd", b"odd", None)
                print(number, flush=True)
        """
        dice = random.Random(5)
        told = 0
        for _ in range(rounds(50)):
            with python(script, path) as child:
                for _ in range(dice.randrange(1, 40)):
                    told = int(child.stdout.readline())
                time.sleep(dice.random() * 0.01)
                child.send_signal(signal.SIGKILL)
                told = max(
                    [told, *(int(line) for line in child.stdout.read().splitlines(keepends=True) if line[-1] == "\n")]
                )
            store = SQLiteStore(path)
            number = int(store.load("count")[:8])
            assert number in (told, told + 1)
            if number == told:
                assert store.load("odd") == (b"odd" if number % 2 else None)
            # The killed one may have been between its two swaps: the next one starts where both stand.
            left = store.load("odd")
            if (left is not None) != bool(number % 2):
                assert number == told + 1
                assert store.swap("odd", left, b"odd" if left is None else None)
            store.close()


class TestFork:
    @pytest.mark.requirement("S3", "S10")
    def test_what_a_child_acknowledges_outlives_its_parents_close(self, path):
        """The trap: a parent that closes after a fork deletes the log of a child that inherited its connection."""
        store = SQLiteStore(path)
        assert store.swap("parent", None, b"1")
        told_r, told_w = os.pipe()
        go_r, go_w = os.pipe()
        child = os.fork()
        if not child:
            with leaving():
                assert store.swap("child 1", None, b"1")
                os.write(told_w, b"1")
                os.read(go_r, 1)
                assert store.swap("child 2", None, b"2")
                os.write(told_w, b"2")
                os.read(go_r, 1)
        os.read(told_r, 1)
        store.close()
        os.write(go_w, b"1")
        os.read(told_r, 1)
        again = SQLiteStore(path)
        assert [again.load(key) for key in ("parent", "child 1", "child 2")] == [b"1", b"1", b"2"]
        os.write(go_w, b"2")
        assert os.waitpid(child, 0)[1] == 0
        assert again.load("child 2") == b"2"
        again.close()

    @pytest.mark.requirement("S1")
    def test_forks_while_its_threads_write(self, path):
        """Children of a process whose threads are in the middle of swaps neither hang, nor lose, nor undo anything."""
        store = SQLiteStore(path, deadline=60.0)
        stop = threading.Event()
        counts = [0, 0, 0]

        def count_up(number, store, turns):
            key = f"thread {number}"
            held = store.load(key)
            while turns > 0 and not stop.is_set():
                new = value(int(held[:8] if held else 0) + 1)
                assert store.swap(key, held, new)
                counts[number] += 1
                held = new
                turns -= 1

        threads = [threading.Thread(target=count_up, args=(number, store, 10**9)) for number in (1, 2)]
        for thread in threads:
            thread.start()
        children = []
        for number in range(rounds(60)):
            child = os.fork()
            if not child:
                with leaving():
                    for turn in range(5):
                        assert store.swap(f"child {number} {turn}", None, b"there")
                    again = SQLiteStore(path, deadline=60.0)
                    assert again.load(f"child {number} 0") == b"there"
            children.append(child)
            assert store.load("thread 1") is None or store.load("thread 1")[:8].isdigit()
        for child in children:
            assert os.waitpid(child, 0)[1] == 0
        stop.set()
        for thread in threads:
            thread.join()
        assert counts[1]
        assert counts[2]
        store.close()
        again = SQLiteStore(path)
        for number in (1, 2):
            assert int(again.load(f"thread {number}")[:8]) == counts[number]
        for number in range(len(children)):
            assert all(again.load(f"child {number} {turn}") == b"there" for turn in range(5))
        again.close()

    def test_refuses_to_work_where_python_did_not_see_the_fork(self, path):
        """A fork by foreign code leaves the parent's connection open in the child: it is neither used nor closed."""
        script = """
            import ctypes, os, sys
            from ram_mfa.errors import StoreUnavailable
            from ram_mfa.stores.sqlite import SQLiteStore
            store = SQLiteStore(sys.argv[1])
            store.swap("k", None, b"x")
            child = ctypes.PyDLL(None).fork()
            if not child:
                try:
                    store.load("k")
                except StoreUnavailable as error:
                    print(error, flush=True)
                store.close()
                os._exit(0)
            os.waitpid(child, 0)
            print(store.load("k"))
        """
        with python(script, path) as child:
            out, _ = child.communicate()
        told, kept = out.splitlines()
        assert "open the store after the fork" in told
        assert kept == "b'x'"


class TestPowerLoss:
    @pytest.mark.requirement("S3")
    def test_what_was_acknowledged_is_in_what_was_synced(self, path):
        """Of the files, only what was synced by then is kept: each acknowledged swap is found by a recovery."""
        strace = require_program("strace", "strace")
        script = """
            import os, sys
            from ram_mfa.stores.sqlite import SQLiteStore
            store = SQLiteStore(sys.argv[1])
            held = None
            for turn in range(1, 31):
                new = b"%08d" % turn + bytes([turn]) * 3000
                assert store.swap("k", held, new)
                os.write(2, b"ACK%d\\n" % turn)
                held = new
            os.kill(os.getpid(), 9)
        """
        log = path.with_name("trace")
        calls = "trace=pwrite64,write,fsync,fdatasync,ftruncate"
        command = [strace, "-f", "-y", "-xx", "-s", "70000", "-e", calls, "-o", str(log)]
        run = subprocess.run([*command, *interpreter(script), str(path)], capture_output=True, text=True)
        if not log.exists() or not log.read_text():
            missing(f"strace cannot trace here: {run.stderr}")
        acknowledged, states = 0, []
        disk = Disk(path)
        for line in log.read_text().splitlines():
            if (acknowledgement := disk.replay(line)) is not None:
                acknowledged = acknowledgement
                states.append((acknowledged, dict(disk.synced)))
        assert acknowledged == 30
        every = 1 if real else 5
        for acknowledged, files in states[::every]:
            with tempfile.TemporaryDirectory() as folder:
                for name, content in files.items():
                    Path(folder, name).write_bytes(content)
                survivor = SQLiteStore(Path(folder, path.name))
                found = survivor.load("k")
                assert found is not None
                assert int(found[:8]) >= acknowledged
                survivor.close()


class Disk:
    """What a traced program wrote, and how much of it was synced."""

    def __init__(self, path):
        self.names = {str(path): path.name, f"{path}-wal": f"{path.name}-wal"}
        self.written = {name: bytearray() for name in self.names.values()}
        self.synced = {}

    def replay(self, line):
        """Replay one line of strace; return the number of an acknowledgement."""
        _, _, call = line.partition(" ")
        call = call.strip()
        word, _, rest = call.partition("(")
        if word == "write":
            text = bytes.fromhex(rest.split('"')[1].replace("\\x", "")) if '"' in rest else b""
            return int(text[3:]) if text.startswith(b"ACK") else None
        file = (
            bytes.fromhex(found).decode()
            if (found := rest.partition("<")[2].partition(">")[0].replace("\\x", ""))
            else ""
        )
        name = self.names.get(file)
        if name is None:
            return None
        content = self.written[name]
        if word == "pwrite64":
            data = bytes.fromhex(rest.split('"')[1].replace("\\x", ""))
            offset = int(rest.rsplit(")", 1)[0].rsplit(",", 1)[1])
            content.extend(bytes(max(0, offset + len(data) - len(content))))
            content[offset : offset + len(data)] = data
        elif word == "ftruncate":
            size = int(rest.rsplit(")", 1)[0].rsplit(",", 1)[1])
            del content[size:]
        else:
            self.synced[name] = bytes(content)
        return None


def interpreter(script):
    body = "\n".join(line[12:] for line in script.splitlines())
    return [sys.executable, "-c", body]


def python(script, *arguments):
    """Run a script in an interpreter of its own."""
    command = [*interpreter(script), *(str(argument) for argument in arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@contextlib.contextmanager
def leaving():
    """End a forked child here, with 0 where all went well."""
    try:
        yield
    except BaseException as error:  # noqa: BLE001 (told to the parent by the status)
        os.write(2, f"child: {error!r}\n".encode())
        os._exit(1)
    os._exit(0)


def test_uncertain_is_a_type_of_its_own():
    """StoreUncertain is no StoreUnavailable: whoever catches the one does not take it for the other."""
    assert not issubclass(StoreUncertain, StoreUnavailable)
