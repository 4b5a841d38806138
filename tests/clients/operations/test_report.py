# SPDX-License-Identifier: Apache-2.0
"""`python -m ram_mfa store report`: the rows of `MFA.credential_report`, as text, whatever their number."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import stat
import subprocess
import sys

import attrs
import pytest

from ram_mfa import OpenAccount, ReportRow
from ram_mfa.codec import decode_account, decode_root, encode_account
from ram_mfa.engine.binding import StoreSeal
from ram_mfa.engine.records import ROOT_KEY, user_key
from ram_mfa.operations.report import NAMES, format_time
from ram_mfa.testing import enrolled_key
from tests.support import rounds
from tests.support.command import PATIENCE, POLICY, seal
from tests.support.service import ROOT


def as_json(out):
    return [json.loads(line) for line in out.splitlines()]


def as_csv(out):
    return list(csv.DictReader(io.StringIO(out)))


def crowd(site, count):
    """Fill an SQLite store with that many users, all like the one that is there."""
    store = site.store()
    key = user_key("", "alice")
    root = decode_root(seal("old").for_record(ROOT_KEY).unseal(store.load(ROOT_KEY)))
    ring = StoreSeal(seal("old"), root)
    account = decode_account(ring.for_record(key).unseal(store.load(key)))
    store.close()

    def rows():
        for number in range(count):
            user = f"user {number}"
            place = user_key("", user)
            yield place, bytes(ring.for_record(place).seal(encode_account(attrs.evolve(account, user=user))))

    connection = sqlite3.connect(site.url)
    with connection:
        connection.executemany("INSERT INTO ram_mfa VALUES (?, ?)", rows())
    connection.close()


LAUNCHER = """
import os, sys
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(child, 0)
print(used.ru_maxrss, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""A process counts what its parent held when it was made: so its parent is a small one."""


def peak(site, action, *more, keys=("old",)):
    """Run the command as a process; return how many bytes of memory it held at most."""
    words = [sys.executable, "-c", LAUNCHER, *site.words(action, *more, keys=keys)]
    done = subprocess.run(words, env=site.environment(), capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return int(done.stderr) * 1024


class TestRows:
    def test_are_those_of_the_engine(self, each_site):
        """JSON lines hold the very values; a CSV's moments are in ISO 8601 and its truths are words."""
        each_site.populate(["alice", "bob"])
        store = each_site.store()
        mfa = each_site.mfa("old", store=store)
        enrolled_key(mfa, "dora")
        rows = {row.user: row for row in mfa.credential_report()}
        code, out, err = each_site.run("report", "--format", "jsonl")
        assert (code, err) == (0, "")
        told = {row["user"]: row for row in as_json(out)}
        expected = {
            user: {**attrs.asdict(row), "kinds": [kind.value for kind in row.kinds]} for user, row in rows.items()
        }
        assert told == expected
        code, out, err = each_site.call("report")
        assert (code, err) == (0, "")
        told = {row["user"]: row for row in as_csv(out)}
        assert set(told) == set(rows)
        assert told["dora"]["bound_at"] == format_time(rows["dora"].bound_at)
        assert told["dora"]["kinds"] == rows["dora"].kinds[0].value
        assert told["dora"]["mfa_active"] == "true"
        assert told["alice"]["last_used_at"] == ""
        assert out.startswith(
            "user,key,mfa_active,kinds,devices,bound_at,last_used_at,required,must_bind,machines,disallowed,weak,unforgiven,recovery_codes,problem"
        )
        store.close()

    def test_of_a_tenant_under_its_policy(self, site, tmp_path):
        """A tenant's users and nobody else's; whether one must bind is what the given policy says."""
        site.populate(["alice"])
        mfa = site.mfa("old")
        mfa.for_tenant("other", POLICY).perform("bob", OpenAccount(required=False, by=ROOT))
        rows = as_json(site.call("report", "--format", "jsonl", "--tenant", "other")[1])
        assert [(row["user"], row["must_bind"]) for row in rows] == [("bob", False)]
        policy = tmp_path / "policy.json"
        policy.write_text('{"issuer": "Example", "requirement": "everybody"}', encoding="utf-8")
        words = ("report", "--format", "jsonl", "--tenant", "other", "--policy", str(policy))
        rows = as_json(site.call(*words)[1])
        assert [(row["user"], row["must_bind"]) for row in rows] == [("bob", True)]
        for text in ("{", "[]", '{"issuer": 1}', '{"colour": "red"}'):
            policy.write_text(text, encoding="utf-8")
            assert site.call(*words)[0] == 2
        policy.unlink()
        assert site.call(*words) == (2, "", "ram_mfa: --policy: No such file or directory (--help says more)\n")

    def test_one_that_cannot_be_read(self, site):
        """It is a row with its problem, and the exit code is 1."""
        site.populate(["alice", "bob"])
        store = site.store()
        key = user_key("", "bob")
        assert store.swap(key, store.load(key), b"\x01\x03oldbroken")
        code, out, err = site.call("report")
        assert (code, err) == (1, "")
        assert [row["key"] for row in as_csv(out) if row["problem"]] == [key]
        store.close()

    @pytest.mark.parametrize("user", ['=cmd("x")', "+1", "-1", "@alice", "\tx"])
    def test_no_cell_of_a_csv_is_a_formula(self, site, user):
        """A user id that a spreadsheet would run is quoted in CSV, and as it is in JSON."""
        site.populate([])
        site.mfa("old").perform(user, OpenAccount(required=False, by=ROOT))
        assert [row["user"] for row in as_csv(site.call("report")[1])] == ["'" + user]
        assert [row["user"] for row in as_json(site.call("report", "--format", "jsonl")[1])] == [user]

    def test_columns_are_the_rows_attributes(self):
        """A new attribute of the row is a new column."""
        assert tuple(field.name for field in attrs.fields(ReportRow)) == NAMES


class TestOutput:
    def test_is_whole_or_not_there(self, site):
        """A file comes to be when the report is finished, readable by its owner; until then what was there stays."""
        site.populate(["alice", "bob"])
        target = site.folder / "report.csv"
        target.write_text("yesterday's", encoding="utf-8")
        assert site.call("report", "--output", str(target), keys=("new",))[0] == 1
        assert target.read_text(encoding="utf-8") == "yesterday's"
        assert site.call("report", "--output", str(target)) == (0, "", "")
        assert len(as_csv(target.read_text(encoding="utf-8"))) == 2
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
        assert [file.name for file in site.folder.iterdir() if "report" in file.name] == ["report.csv"]

    def test_a_place_that_is_none(self, site):
        """One line and exit code 2."""
        site.populate(["alice"])
        code, out, err = site.call("report", "--output", str(site.folder / "nowhere" / "report.csv"))
        assert (code, out, err) == (2, "", "ram_mfa: --output: No such file or directory (--help says more)\n")

    def test_a_reader_who_has_seen_enough(self, site):
        """A pipe that is closed in the middle ends the report without a word."""
        site.populate(["alice"])
        crowd(site, 2000)
        process = site.start("report")
        assert process.stdout.readline().startswith("user,")
        process.stdout.close()
        err = process.stderr.read()
        process.stderr.close()
        assert (process.wait(timeout=PATIENCE), err) == (141, "")


class TestMemory:
    def test_is_bounded(self, site):
        """A report, a check, a count and a re-sealing of many users hold no more memory than those of few."""
        few, many = 500, max(2_000, rounds(40_000))
        site.populate(["alice"])
        crowd(site, few)
        of_few = [peak(site, *words) for words in (("report",), ("check",), ("open",))]
        of_few.append(peak(site, "reseal", keys=("new", "old")))
        (site.folder / "mfa.db").unlink()
        site.populate(["alice"])
        crowd(site, many)
        of_many = [peak(site, *words) for words in (("report",), ("check",), ("open",))]
        connection = sqlite3.connect(site.url)
        with connection:
            # Each record is a commit and an fsync: a quarter of them is enough.
            some = "SELECT key FROM ram_mfa WHERE key > 'u' ORDER BY key LIMIT ?"
            connection.execute(f"DELETE FROM ram_mfa WHERE key > 'u' AND key NOT IN ({some})", (max(800, many // 4),))
        connection.close()
        of_many.append(peak(site, "reseal", keys=("new", "old")))
        print(of_few, of_many)
        assert all(many - few < 10_000_000 for few, many in zip(of_few, of_many, strict=True))
