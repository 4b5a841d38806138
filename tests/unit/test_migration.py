# SPDX-License-Identifier: Apache-2.0
"""Users moved in bulk: once, whole, and reported row by row."""

from __future__ import annotations

import asyncio
import base64

import pytest

from ram_mfa import (
    MFA,
    Administrator,
    AsyncMFA,
    BeginLogon,
    Describe,
    FinishLogon,
    ImportUser,
    ImportVirtualDevice,
    Kind,
    MFAPolicy,
    OpenAccount,
    Owner,
    Reason,
    Refused,
    TOTPCode,
    Unbind,
    UnsafePlaintext,
    in_threads,
)
from ram_mfa.from_other_libraries import (
    Incoming,
    LeftBehind,
    from_django_otp,
    from_django_otp_static,
    from_pyotp,
    read_rows,
)
from ram_mfa.migration import MigratedRow, MigrationResult, migrate, migrate_async
from ram_mfa.otp import TOTP, KeyURI
from ram_mfa.stores.memory import MemoryStore
from ram_mfa.testing import ManualClock
from tests.support.service import PARTY

ROOT = Administrator("root")
SESSION = "the session of one browser"
MOVED, SKIPPED, REFUSED, LEFT = MigrationResult


def secret(number):
    return bytes([number]) * 20


def table(*users, **fields):
    """Rows of django-otp's table, each user's with a key of its own."""
    return [
        {"id": n, "user": user, "key": secret(n).hex(), "confirmed": True} | fields for n, user in enumerate(users, 1)
    ]


def incoming(rows, convert=from_django_otp, source="TOTPDevice"):
    return read_rows(rows, convert, by=ROOT, user=lambda row: row["user"], source=source)


class World:
    """A store that counts its swaps, and fails at one of them where a test says so."""

    def __init__(self, **policy):
        self.clock, self.inner = ManualClock(1_700_000_000), MemoryStore()
        self.swaps, self.dies_at = 0, None
        self.mfa = self.made(MFA, self, **policy)
        self.mfa.open()
        self.swaps = 0

    def made(self, driver, store, **policy):
        rules = MFAPolicy.aws(issuer="Example", relying_party=PARTY, **policy)
        return driver(store, rules, seal=UnsafePlaintext(), clock=self.clock, create=True)

    durable = False

    def load(self, key):
        return self.inner.load(key)

    def swap(self, key, old, new):
        self.swaps += 1
        if self.swaps == self.dies_at:
            raise KeyboardInterrupt
        return self.inner.swap(key, old, new)

    def keys(self, kind):
        return self.inner.keys(kind)

    def contents(self):
        return {key: self.inner.load(key) for kind in "uc" for key in self.inner.keys(kind)}

    def log_on(self, user, code):
        ask = self.mfa.perform(user, BeginLogon(SESSION))
        return self.mfa.perform(user, FinishLogon(ask.id, TOTPCode(code), session=SESSION))


@pytest.fixture
def world():
    return World()


class TestMigrate:
    def test_a_table(self, world):
        """Every user logs on afterwards, MFA is required of each, and the report has every row."""
        report = migrate(world.mfa, incoming(table("alice", "bob")))
        assert report.rows == (
            MigratedRow("alice", "TOTPDevice 1", MOVED),
            MigratedRow("bob", "TOTPDevice 2", MOVED),
        )
        assert (report.count(MOVED), report.count(SKIPPED), report.dry_run) == (2, 0, False)
        world.clock.advance(90)
        for number, user in enumerate(("alice", "bob"), 1):
            assert world.log_on(user, TOTP(secret(number)).at(world.clock())).user == user
            view = world.mfa.perform(user, Describe())
            assert view.required
            assert view.devices[0].bound_by == "administrator root"

    @pytest.mark.requirement("O7")
    def test_a_code_used_before(self, world):
        """A code that the other library accepted stays refused."""
        step = TOTP(secret(1)).step(world.clock())
        migrate(world.mfa, incoming(table("alice", last_t=step)))
        with pytest.raises(Refused) as caught:
            world.log_on("alice", TOTP(secret(1)).at_step(step))
        assert caught.value.refusal.reason is Reason.REPLAYED_CODE
        assert world.log_on("alice", TOTP(secret(1)).at_step(step + 1)).user == "alice"

    def test_all_devices_in_one_write(self, world):
        """A user's devices out of several tables, wherever the rows stand, come in one swap, under ids of their own."""
        rows = [
            *incoming(table("alice", "bob")),
            *incoming([{"user": "alice", "secret": "GE" * 16}], from_pyotp, "ours"),
        ]
        report = migrate(world.mfa, rows)
        assert [(row.user, row.source, row.result) for row in report.rows] == [
            ("alice", "TOTPDevice 1", MOVED),
            ("alice", "ours", MOVED),
            ("bob", "TOTPDevice 2", MOVED),
        ]
        assert world.swaps == 2
        assert len({device.id for device in world.mfa.perform("alice", Describe()).devices}) == 2

    def test_a_second_run(self, world):
        """A second run writes nothing, and says that the users have records."""
        rows = list(incoming(table("alice", "bob")))
        migrate(world.mfa, rows)
        before, world.swaps = world.contents(), 0
        report = migrate(world.mfa, rows)
        assert (report.count(SKIPPED), report.rows[0].why) == (2, Reason.ACCOUNT_EXISTS.value)
        assert (world.contents(), world.swaps) == (before, 0)

    def test_unbound_since(self, world):
        """A device that an administrator unbound after the move does not return with a second run."""
        migrate(world.mfa, incoming(table("alice")))
        world.mfa.perform("alice", Unbind(by=ROOT))
        migrate(world.mfa, incoming(table("alice")))
        assert world.mfa.perform("alice", Describe()).devices == ()

    def test_a_dry_run(self, world):
        """A dry run writes nothing, and reports what the run then does."""
        world.mfa.perform("carol", OpenAccount(required=True, by=ROOT))
        rows = list(incoming([*table("alice", "bob", "carol"), {"id": 4, "user": "dave", "key": "no hex"}]))
        before, world.swaps = world.contents(), 0
        dry = migrate(world.mfa, rows, dry_run=True)
        assert (world.contents(), world.swaps, dry.dry_run) == (before, 0, True)
        assert dry.rows == migrate(world.mfa, rows).rows
        assert [row.result for row in dry.rows] == [MOVED, MOVED, SKIPPED, LEFT]

    @pytest.mark.parametrize("at", [1, 2, 3])
    def test_stopped(self, world, at):
        """A run that is stopped at any write is resumed by the same call, and nothing moves twice."""
        rows = list(incoming(table("alice", "bob", "carol")))
        world.dies_at = at
        with pytest.raises(KeyboardInterrupt):
            migrate(world.mfa, rows)
        report = migrate(world.mfa, rows)
        assert (report.count(SKIPPED), report.count(MOVED)) == (at - 1, 4 - at)
        for user in ("alice", "bob", "carol"):
            assert len(world.mfa.perform(user, Describe()).devices) == 1

    def test_what_stays(self, world):
        """What cannot be read or is not imported is left behind by its field, and the user's other devices move."""
        codes = [{"id": 7, "user": "alice", "token": "abcdefgh"}, {"id": 8, "user": "bob", "token": "abcdefgh"}]
        rows = [*incoming(table("alice")), *incoming(codes, from_django_otp_static, "StaticToken")]
        report = migrate(world.mfa, [*rows, *incoming(table("carol", confirmed=False))])
        assert [(row.user, row.source, row.result) for row in report.rows] == [
            ("alice", "TOTPDevice 1", MOVED),
            ("alice", "StaticToken 7", LEFT),
            ("bob", "StaticToken 8", LEFT),
            ("carol", "TOTPDevice 1", LEFT),
        ]
        assert "recovery codes" in report.rows[1].why
        assert "never confirmed" in report.rows[3].why
        with pytest.raises(Refused):
            world.mfa.perform("bob", Describe())

    def test_what_the_policy_refuses(self):
        """Of several devices, those move that the policy allows; a user of whom none may gets no record."""
        world = World(devices=MFAPolicy.ram(issuer="Example").devices)
        rows = [*incoming(table("alice")), *incoming(table("alice", "bob", key="31" * 15))]
        report = migrate(world.mfa, rows)
        assert [(row.user, row.result, row.why) for row in report.rows] == [
            ("alice", MOVED, ""),
            ("alice", REFUSED, Reason.TOO_MANY_DEVICES.value),
            ("bob", REFUSED, Reason.WEAK_SECRET.value),
        ]
        with pytest.raises(Refused):
            world.mfa.perform("bob", Describe())

    def test_the_same_secret_twice(self, world):
        """A secret that stands in two rows of a user is bound once."""
        report = migrate(world.mfa, [*incoming(table("alice")), *incoming(table("alice"))])
        assert [row.result for row in report.rows] == [MOVED, REFUSED]
        assert len(world.mfa.perform("alice", Describe()).devices) == 1

    def test_more_than_a_record_holds(self, world):
        """Rows of a user beyond 16 are refused, and the others move as far as the policy allows."""
        report = migrate(world.mfa, incoming(table(*["alice"] * 17)))
        assert [row.result for row in report.rows] == [MOVED] * 8 + [REFUSED] * 9
        assert "more devices than a record holds" in report.rows[-1].why

    def test_one_user_who_cannot_be(self, world):
        """A user id that no user can have, or a record that cannot be read, does not stop the others."""
        migrate(world.mfa, incoming(table("alice")))
        (key,) = world.inner.keys("u")
        world.inner.swap(key, world.inner.load(key), b"broken")
        report = migrate(world.mfa, incoming(table("alice", "", "bob")))
        assert [row.result for row in report.rows] == [REFUSED, REFUSED, MOVED]
        assert report.rows[1].why == Reason.BAD_USER_ID.value

    def test_an_actor_who_may_not(self, world):
        """An actor who may not import ends the run, before anything is written."""
        by = Owner.first_device("ticket", session=SESSION)
        with pytest.raises(Refused) as caught:
            migrate(world.mfa, read_rows(table("alice"), from_django_otp, by=by, user=lambda row: "alice", source=""))
        assert caught.value.refusal.reason is Reason.NOT_AUTHORISED
        assert world.swaps == 0

    def test_no_store(self, world):
        """Without a root record the run ends, rows or none."""
        mfa = MFA(MemoryStore(), MFAPolicy.ram(issuer="Example"), seal=UnsafePlaintext())
        with pytest.raises(Refused) as caught:
            migrate(mfa, [])
        assert caught.value.refusal.reason is Reason.NO_ROOT

    def test_progress(self, world):
        """Each row is passed on as soon as its user's write is durable."""
        seen = []
        migrate(world.mfa, incoming(table("alice", "bob")), progress=lambda row: seen.append((row.user, world.swaps)))
        assert seen == [("alice", 1), ("bob", 2)]

    def test_no_rows_of_its_own(self, world):
        """What is no `Incoming` is the developer's error, found before anything is written."""
        with pytest.raises(TypeError):
            migrate(world.mfa, [*incoming(table("alice")), "alice"])
        assert world.swaps == 0

    def test_events(self):
        """Each device is reported as bound; a dry run reports none."""
        events = []
        mfa = MFA(
            MemoryStore(),
            MFAPolicy.ram(issuer="Example"),
            seal=UnsafePlaintext(),
            observers=[events.append],
            create=True,
        )
        migrate(mfa, incoming(table("alice")), dry_run=True)
        assert events == []
        migrate(mfa, incoming(table("alice")))
        assert [(event.user, event.detail) for event in events] == [("alice", Kind.VIRTUAL.value)]


class TestAwaited:
    def test_the_same(self, world):
        """The awaited variant moves, skips, refuses and leaves behind the same rows."""
        mfa = world.made(AsyncMFA, in_threads(world))
        world.mfa.perform("carol", OpenAccount(required=True, by=ROOT))
        rows = [*incoming(table("alice", "", "carol")), Incoming("bob", "a row", LeftBehind("no device"))]
        seen = []

        async def run():
            dry = await migrate_async(mfa, rows, dry_run=True)
            assert [row.result for row in dry.rows] == [MOVED, REFUSED, SKIPPED, LEFT]
            return await migrate_async(mfa, rows, progress=seen.append)

        report = asyncio.run(run())
        assert [row.result for row in report.rows] == [MOVED, REFUSED, SKIPPED, LEFT]
        assert tuple(seen) == report.rows
        world.clock.advance(90)
        assert world.log_on("alice", TOTP(secret(1)).at(world.clock())).user == "alice"

    def test_an_actor_who_may_not(self, world):
        """An actor who may not import ends the run."""
        mfa = world.made(AsyncMFA, in_threads(world))
        by = Owner.first_device("ticket", session=SESSION)
        rows = read_rows(table("alice"), from_django_otp, by=by, user=lambda row: "alice", source="")
        with pytest.raises(Refused):
            asyncio.run(migrate_async(mfa, rows))


class TestImportUser:
    def test_who_has_a_record(self, world):
        """A user who has a record is refused."""
        world.mfa.perform("alice", OpenAccount(required=False, by=ROOT))
        device = ImportVirtualDevice(str(KeyURI("totp", "Old", "alice", secret(1))), last_step=None, by=ROOT)
        with pytest.raises(Refused) as caught:
            world.mfa.perform("alice", ImportUser([device], by=ROOT))
        assert caught.value.refusal.reason is Reason.ACCOUNT_EXISTS

    def test_secrets_stay_out_of_reprs(self):
        """No repr of a row shows its secret."""
        (row,) = incoming([{"user": "alice", "secret": base64.b32encode(secret(1)).decode()}], from_pyotp, "ours")
        assert base64.b32encode(secret(1)).decode().rstrip("=") not in repr(row)
