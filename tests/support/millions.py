# SPDX-License-Identifier: Apache-2.0
"""Many users at once, loaded past the library as a database is restored: each with a phone that is made from the id.

``python -m tests.support.millions URL USERS LOGONS`` loads them, logs some on, reads the credential report of them all,
and prints what it saw: a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import gc
import json
import random
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from ram_mfa import MFA, AESGCMSeal, BeginLogon, Challenge, FinishLogon, MFAPolicy, Proof, TOTPCode
from ram_mfa._secret import SecretBytes
from ram_mfa.codec import decode_account, decode_root, encode_account
from ram_mfa.engine.binding import StoreSeal
from ram_mfa.engine.maintenance import ReportRow
from ram_mfa.engine.records import ROOT_KEY, user_key
from ram_mfa.otp import KeyURI
from ram_mfa.store import Store
from ram_mfa.stores.memory import MemoryStore
from ram_mfa.stores.sqlite import SQLiteStore
from ram_mfa.testing import AuthenticatorApp, ManualClock, enrolled
from tests.support.records import AsStored
from tests.support.service import SESSION

START = 1_700_000_000.0
POLICY = MFAPolicy.ram(issuer="Example")
SEAL = AESGCMSeal({"2026": b"k" * 32}, seal_with="2026")


def name_of(number: int) -> str:
    """Return the id of a user."""
    return f"user {number}"


def secret_of(number: int) -> bytes:
    """Return the secret of a user's phone."""
    return number.to_bytes(20, "big")


def phone_of(number: int) -> AuthenticatorApp:
    """Return a user's phone."""
    return AuthenticatorApp.scan(str(KeyURI("totp", "Example", name_of(number), secret_of(number))))


def records(count: int, store: Store) -> Iterator[tuple[str, bytes]]:
    """Yield the store keys and sealed records of so many users: one bound as any is, the others like that one.

    They are bound to the id in the root record of ``store``, which is read when the first one is asked for.
    """
    model, clock = MemoryStore(), ManualClock(START - 3_600)
    enrolled(MFA(model, POLICY, seal=SEAL, clock=clock, create=True), "one")
    place = user_key("", "one")
    one = decode_account(AsStored(SEAL, model).for_record(place).unseal(model.load(place)))
    (phone,) = one.devices
    seal = StoreSeal(SEAL, decode_root(SEAL.for_record(ROOT_KEY).unseal(store.load(ROOT_KEY) or b"")))
    for number in range(count):
        user = name_of(number)
        device = attrs.evolve(phone, id=f"{number:022}", secret=SecretBytes(secret_of(number)))
        key = user_key("", user)
        account = attrs.evolve(one, user=user, devices=(device,))
        yield key, seal.for_record(key).seal(encode_account(account))


def filled(url: str, count: int) -> Any:
    """Make a store, load so many users into it, and open it: PostgreSQL by its URL, SQLite by its path."""
    if not url.startswith("postgresql:"):
        fill_sqlite(url, count)
        return SQLiteStore(url)
    from ram_mfa.stores.postgres import PostgresStore

    fill_postgresql(url, count)
    return PostgresStore(url)


def service(store: Store, clock: ManualClock) -> MFA:
    """Return the service of those users on a store."""
    return MFA(store, POLICY, seal=SEAL, clock=clock, create=True)


def fill_sqlite(path: str, count: int) -> None:
    """Make a store in a file and load it."""
    store = SQLiteStore(path)
    service(store, ManualClock(START))
    file = sqlite3.connect(path)
    with file:
        file.executemany("INSERT INTO ram_mfa VALUES (?, ?)", records(count, store))
    store.close()
    file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file.close()


def fill_postgresql(conninfo: str, count: int) -> None:
    """Make a store in a database and load it."""
    import psycopg

    from ram_mfa.stores.postgres import PostgresStore

    store = PostgresStore(conninfo)
    store.create_table()
    service(store, ManualClock(START))
    with psycopg.connect(conninfo) as connection, connection.cursor() as cursor:
        with cursor.copy("COPY ram_mfa (key, value) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(("text", "bytea"))
            for row in records(count, store):
                copy.write_row(row)
        connection.commit()
        connection.autocommit = True
        cursor.execute("VACUUM ANALYZE ram_mfa")
    store.close()


def log_on(mfa: MFA, number: int, now: float) -> None:
    """Log a user on from begin to finish."""
    user = name_of(number)
    asked = mfa.perform(user, BeginLogon(session=SESSION))
    assert isinstance(asked, Challenge)
    code = TOTPCode(phone_of(number).code_at(now))
    assert isinstance(mfa.perform(user, FinishLogon(asked.id, code, session=SESSION)), Proof)


def resident() -> int:
    """Return how many bytes of this process are in memory."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def report(mfa: MFA, count: int) -> dict[str, Any]:
    """Read the credential report, and return what was seen of it.

    Returns:
        ``rows``; ``users``, how many different ones; ``inactive``; ``logged_on``, the numbers of those
        who did since ``START``; ``kept``, how many rows were alive at once after a tenth; ``grown``, the bytes by which
        the process grew from then on.
    """
    seen, rows, inactive, logged_on, kept, before = bytearray(count), 0, 0, [], 0, 0
    for row in mfa.credential_report():
        rows += 1
        number = int(row.user.removeprefix("user "))
        seen[number] = 1
        inactive += not row.mfa_active
        if (row.last_used_at or 0) >= START:
            logged_on.append(number)
        if rows == count // 10:
            kept = sum(isinstance(one, ReportRow) for one in gc.get_objects())
            before = resident()
    return {
        "rows": rows,
        "users": sum(seen),
        "inactive": inactive,
        "logged_on": sorted(logged_on),
        "kept": kept,
        "grown": resident() - before,
    }


def main(url: str, users: int, logons: int) -> None:
    """Load the users, log some on, and print the report."""
    store, clock = filled(url, users), ManualClock(START)
    mfa = service(store, clock)
    for number in chosen(users, logons):
        log_on(mfa, number, clock.now)
    json.dump(report(mfa, users), sys.stdout)
    store.close()


def chosen(users: int, logons: int) -> list[int]:
    """Return the numbers of those who log on."""
    return random.Random(1).sample(range(users), logons)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
