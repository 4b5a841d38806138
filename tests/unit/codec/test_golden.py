# SPDX-License-Identifier: Apache-2.0
"""Golden records: what each version of the library wrote, which every later release reads.

``golden/v<N>`` holds the records that version N wrote, in hexadecimal. A file is never changed once a release has
written that version: CONTRIBUTING.md says how to add a field. The expected values are written out here, independent of
the examples of other tests.
"""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from ram_mfa import Event, EventType, codec
from ram_mfa._secret import SecretBytes
from ram_mfa.account import (
    Account,
    Machine,
    OfferedSecurityKey,
    OfferedVirtualDevice,
    SecurityKey,
    VirtualMFADevice,
)
from ram_mfa.browsers import Browsers, WrongKnownCode
from ram_mfa.codec import CredentialClaim
from ram_mfa.context import Loss, Root
from ram_mfa.otp import Algorithm
from ram_mfa.recovery_code_set import RecoveryCodeSet, StoredRecoveryCode

GOLDEN = Path(__file__).parent / "golden"

ACCOUNT = Account(
    user="alice",
    handle=b"h" * 32,
    epoch=b"e" * 16,
    created_at=1699990000.0,
    required=True,
    devices=(
        VirtualMFADevice(
            id="AAAAAAAAAAAAAAAAAAAAAA",
            name="Phone",
            secret=SecretBytes(b"12345678901234567890"),
            algorithm=Algorithm.SHA1,
            digits=7,
            period=30,
            last_step=56666665,
            accepted=(
                56666660,
                56666665,
            ),
            floor=56666600,
            drift=-3,
            failures=7,
            closed_until=1700000060.5,
            disabled_at=1700000001.0,
            bound_at=1699999000.0,
            bound_by="administrator root",
            last_used_at=1699999990.0,
            history=b"y" * 16,
        ),
        SecurityKey(
            credential_id=b"key handle",
            name="Schlüssel",
            public_key=b"\x04" + bytes(range(64)),
            sign_count=4294967295,
            rp_id="example.com",
            app_id=None,
            transports=(
                "usb",
                "nfc",
            ),
            backup_eligible=True,
            backup_state=True,
            uv_initialized=True,
            attestation="trusted",
            models=(
                "0123456789abcdef",
                "Key 5",
            ),
            cloned_at=1699999999.25,
            bound_at=1699999100.0,
            bound_by="owner",
            last_used_at=None,
        ),
        SecurityKey(
            credential_id=b"legacy",
            name="Old key",
            public_key=b"\x04" + bytes(64),
            sign_count=3,
            rp_id=None,
            app_id="https://example.com/app-id.json",
            transports=(),
            backup_eligible=None,
            backup_state=None,
            uv_initialized=False,
            attestation="none",
            models=(),
            cloned_at=None,
            bound_at=1699999200.0,
            bound_by="unproved administrator script",
            last_used_at=1699999300.0,
        ),
    ),
    offers=(
        OfferedVirtualDevice(
            stamp=bytes.fromhex("00060a24181e400000060a243be186006e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e"),
            actor=b"a" * 32,
            tries=9,
            name="Second phone",
            account_name="alice@example",
            history=b"y" * 16,
            secret=SecretBytes(b"s" * 32),
            algorithm=Algorithm.SHA256,
            digits=8,
            period=60,
            codes=2,
        ),
        OfferedSecurityKey(
            stamp=bytes.fromhex("00060a24182d824000060a243bf0c8406b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b"),
            actor=b"b" * 32,
            tries=8,
            name="Second key",
            account_name="alice@example.com",
            history=b"z" * 16,
            claimed=b"c" * 32,
        ),
    ),
    answered=(
        bytes.fromhex("00060a241785a98000060a2429674c8031313131313131313131313131313131"),
        bytes.fromhex("00060a2417a42e0000060a242985d10032323232323232323232323232323232"),
    ),
    failed=(bytes.fromhex("00060a241794ebc000060a2429768ec033333333333333333333333333333333"),),
    not_before=1699999980000000,
    machines=(
        Machine(
            digest=b"d" * 32,
            label="Laptop",
            remembered_at=1699999400.0,
            expires_at=1700604200.0,
            history=b"y" * 16,
            device=b"v" * 16,
            password_mark=b"m" * 32,
        ),
    ),
    wrong=(
        1699999995.0,
        1699999996.5,
    ),
    password_mark=b"p" * 32,
    old_marks=(
        b"o" * 16,
        b"l" * 16,
    ),
    outbox=(
        Event(
            type=EventType.DEVICE_BOUND,
            user="alice",
            at=1699999000.0,
            actor="administrator root",
            device="AAAAAAAAAAAAAAAAAAAAAA",
            detail="phone",
        ),
        Event(type=EventType.PASSWORD_CHANGED, user="alice", at=1699999001.0, actor="", device=None, detail=""),
    ),
    moved_to="alicia",
    reserved_for="alison",
    reservation=b"v" * 16,
    browsers=Browsers(
        epoch=b"B" * 16,
        wrong=(WrongKnownCode(1699999991.0, b"tokn"), WrongKnownCode(1699999993.5, b"TOKN")),
        unforgiven=(b"sess", b"SESS", b"sess"),
        faded_at=1699000000.0,
        cleared_at=1699900000.25,
    ),
    recovery=RecoveryCodeSet(
        salt=b"S" * 16,
        made_at=1699990000.5,
        history=b"y" * 16,
        codes=(StoredRecoveryCode("0123AZ", b"D" * 16, 10), StoredRecoveryCode("WXYZ09", b"E" * 16, 3)),
    ),
)
EMPTY = Account(
    user="nobody yet",
    handle=b"H" * 32,
    epoch=bytes(16),
    created_at=0.0,
    required=False,
    devices=(),
    offers=(),
    answered=(),
    failed=(),
    not_before=0,
    machines=(),
    wrong=(),
    password_mark=None,
    old_marks=(),
    outbox=(),
    moved_to=None,
    reserved_for=None,
    reservation=None,
    browsers=Browsers(b"b" * 16),
)
FIRST_ROOT = Root(SecretBytes(b"T" * 32), SecretBytes(b"W" * 32), "", b"Y" * 16, (), b"I" * 16, None)
LATER_ROOT = Root(
    ticket_key=SecretBytes(b"t" * 32),
    browser_key=SecretBytes(b"w" * 32),
    incarnation="timeline 3",
    history=b"y" * 16,
    losses=(Loss(at=1_699_000_000.0, history=b"x" * 16), Loss(at=1_699_500_000.5, history=b"y" * 16)),
    store_id=b"i" * 16,
    older=b"h" * 16,
)

ACCOUNTS = (codec.encode_account, codec.decode_account)
ROOTS = (codec.encode_root, codec.decode_root)
CLAIMS = (codec.encode_claim, codec.decode_claim)
EXPECTED = {
    "v1/account.hex": (ACCOUNT, *ACCOUNTS),
    "v1/account-empty.hex": (EMPTY, *ACCOUNTS),
    "v1/root.hex": (LATER_ROOT, *ROOTS),
    "v1/root-first.hex": (FIRST_ROOT, *ROOTS),
    "v1/claim.hex": (CredentialClaim("u" + 43 * "A"), *CLAIMS),
}


def golden(name):
    return bytes.fromhex((GOLDEN / name).read_text(encoding="ascii"))


class TestGolden:
    def test_every_file_is_read(self):
        """No golden file is without an expected value, and each kind of record has one of every version."""
        files = {path.relative_to(GOLDEN).as_posix() for path in GOLDEN.rglob("*.hex")}
        assert files == set(EXPECTED)
        for version in range(1, codec.VERSION + 1):
            assert {f"v{version}/{kind}.hex" for kind in ("account", "root", "claim")} <= files

    @pytest.mark.requirement("S15")
    @pytest.mark.parametrize("name", EXPECTED)
    def test_read(self, name):
        """A record of any version is read as the value that was written."""
        value, _, decode = EXPECTED[name]
        assert decode(golden(name)) == value

    @pytest.mark.parametrize("name", [name for name in EXPECTED if name.startswith(f"v{codec.VERSION}/")])
    def test_written(self, name):
        """What is written is byte for byte what this version has always written: other bytes are a new version."""
        value, encode, _ = EXPECTED[name]
        assert encode(value) == golden(name)


def changes_of(value):
    """Yield (class, field, value with that one field changed) for every field of a value and of the values in it.

    A change keeps the type and the length, and lies within the bounds of the field. None and () stay as they are.
    """
    if attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            for owner, name, inner in changes_of(getattr(value, field.name)):
                own = owner or type(value).__name__, name or field.name
                yield *own, attrs.evolve(value, **{field.name: inner})
    elif isinstance(value, tuple):
        if value:
            yield None, None, value[1:]
        for at, one in enumerate(value):
            for owner, name, inner in changes_of(one):
                yield owner, name, (*value[:at], inner, *value[at + 1 :])
    elif isinstance(value, bool):
        yield None, None, not value
    elif isinstance(value, Algorithm | EventType):
        members = list(type(value))
        yield None, None, members[members.index(value) - 1]
    elif isinstance(value, int | float):
        yield None, None, value - 1
    elif isinstance(value, str):
        yield None, None, value + "x"
    elif isinstance(value, bytes):
        yield None, None, type(value)(bytes([value[0] ^ 1]) + value[1:])
    else:
        assert value is None


class TestEveryField:
    """No attribute is dropped: a new one that the codec does not know fails here, and so does one left at None."""

    @pytest.mark.requirement("A34")
    @pytest.mark.parametrize("name", ["v1/account.hex", "v1/root.hex", "v1/claim.hex"])
    def test_survives(self, name):
        """Each field of each class of a record, changed alone, is read as it was changed."""
        value, encode, decode = EXPECTED[name]
        changed = set()
        for owner, field, other in changes_of(value):
            assert other != value, (owner, field)
            assert decode(encode(other)) == other, (owner, field)
            changed.add((owner, field))
        classes = {
            "v1/account.hex": (
                *(Account, VirtualMFADevice, SecurityKey, OfferedVirtualDevice, OfferedSecurityKey, Machine, Event),
                *(Browsers, WrongKnownCode, RecoveryCodeSet, StoredRecoveryCode),
            ),
            "v1/root.hex": (Root, Loss),
            "v1/claim.hex": (CredentialClaim,),
        }[name]
        every = {(one.__name__, field.name) for one in classes for field in attrs.fields(one)}
        assert changed == every - {("Account", "browsers"), ("Account", "recovery")}  # their own fields stand for them
