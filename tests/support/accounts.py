# SPDX-License-Identifier: Apache-2.0
"""An account with every kind of field in it, and hypothesis's whole space of accounts."""

from __future__ import annotations

from hypothesis import strategies as st

from ram_mfa import Event, EventType
from ram_mfa import account as bounds
from ram_mfa._secret import SecretBytes
from ram_mfa.account import (
    Account,
    Machine,
    OfferedSecurityKey,
    OfferedVirtualDevice,
    SecurityKey,
    VirtualMFADevice,
)
from ram_mfa.browsers import MAX_UNFORGIVEN, Browsers, WrongKnownCode
from ram_mfa.context import MAX_LOSSES, Loss, Root
from ram_mfa.otp import Algorithm

PHONE = VirtualMFADevice(
    id="AAAAAAAAAAAAAAAAAAAAAA",
    name="Phone",
    secret=SecretBytes(b"12345678901234567890"),
    algorithm=Algorithm.SHA1,
    digits=6,
    period=30,
    last_step=56_666_665,
    accepted=(56_666_660, 56_666_665),
    floor=56_666_600,
    drift=-3,
    failures=7,
    closed_until=1_700_000_060.5,
    disabled_at=1_700_000_001.0,
    bound_at=1_699_999_000.0,
    bound_by="administrator root",
    last_used_at=1_699_999_990.0,
    history=b"y" * 16,
)
KEY = SecurityKey(
    credential_id=b"key handle",
    name="Schlüssel",
    public_key=b"\x04" + bytes(range(64)),
    sign_count=4_294_967_295,
    rp_id="example.com",
    app_id=None,
    transports=("usb", "nfc"),
    backup_eligible=True,
    backup_state=True,
    uv_initialized=True,
    attestation="trusted",
    models=("0123456789abcdef", "Key 5"),
    cloned_at=1_699_999_999.25,
    bound_at=1_699_999_100.0,
    bound_by="owner",
    last_used_at=None,
)
LEGACY = SecurityKey(
    credential_id=b"legacy",
    name="Old key",
    public_key=b"\x04" + bytes(64),
    sign_count=0,
    rp_id=None,
    app_id="https://example.com/app-id.json",
    transports=(),
    backup_eligible=None,
    backup_state=None,
    uv_initialized=False,
    attestation="none",
    models=(),
    cloned_at=None,
    bound_at=1_699_999_200.0,
    bound_by="unproved administrator script",
    last_used_at=1_699_999_300.0,
)
MACHINE = Machine(
    digest=b"d" * 32,
    label="Laptop",
    remembered_at=1_699_999_400.0,
    expires_at=1_700_604_200.0,
    history=b"y" * 16,
    device=b"v" * 16,
    password_mark=b"m" * 32,
)


def stamp(issued_at: int, expires_at: int, nonce: bytes) -> bytes:
    """Return the stamp of a ticket: its times in seconds, and what tells it from those of the same times."""
    return b"".join((at * 1_000_000).to_bytes(8, "big") for at in (issued_at, expires_at)) + nonce * 16


OFFER = OfferedVirtualDevice(
    stamp=stamp(1_700_000_000, 1_700_000_600, b"n"),
    actor=b"a" * 32,
    tries=9,
    name="Second phone",
    account_name="alice@example",
    secret=SecretBytes(b"s" * 32),
    algorithm=Algorithm.SHA256,
    digits=8,
    period=60,
    codes=2,
    history=b"y" * 16,
)
KEY_OFFER = OfferedSecurityKey(
    stamp=stamp(1_700_000_001, 1_700_000_601, b"k"),
    actor=b"b" * 32,
    tries=8,
    name="Second key",
    account_name="alice@example.com",
    history=b"z" * 16,
    claimed=b"c" * 32,
)
ACCOUNT = Account(
    user="alice",
    handle=b"h" * 32,
    epoch=b"e" * 16,
    created_at=1_699_990_000.0,
    required=True,
    devices=(PHONE, KEY, LEGACY),
    offers=(OFFER, KEY_OFFER),
    answered=(stamp(1_699_999_990, 1_700_000_290, b"1"), stamp(1_699_999_992, 1_700_000_292, b"2")),
    failed=(stamp(1_699_999_991, 1_700_000_291, b"3"),),
    not_before=1_699_999_980_000_000,
    machines=(MACHINE,),
    wrong=(1_699_999_995.0, 1_699_999_996.5),
    password_mark=b"p" * 32,
    old_marks=(b"o" * 16, b"l" * 16),
    outbox=(
        Event(
            EventType.DEVICE_BOUND,
            user="alice",
            at=1_699_999_000.0,
            actor="administrator root",
            device="AAAAAAAAAAAAAAAAAAAAAA",
            detail="phone",
        ),
        Event(EventType.PASSWORD_CHANGED, user="alice", at=1_699_999_001.0),
    ),
    moved_to="alicia",
    reserved_for="alison",
    reservation=b"v" * 16,
    browsers=Browsers(
        b"B" * 16, (WrongKnownCode(1_699_999_994.0, b"tokn"),), (b"sess", b"SESS"), 1_699_000_000.0, 1_699_900_000.0
    ),
)
ROOT_RECORD = Root(
    SecretBytes(b"t" * 32),
    SecretBytes(b"w" * 32),
    "timeline 3",
    b"y" * 16,
    (Loss(1_699_000_000.0, b"x" * 16), Loss(1_699_500_000.5, b"y" * 16)),
    b"i" * 16,
    b"h" * 16,
)

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_some = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
_moments = st.floats(0, 2**40)
_maybe = st.none() | _moments
_counts = st.integers(0, 2**60)
_secrets = st.binary(min_size=bounds.MIN_SECRET, max_size=64).map(SecretBytes)


def _exactly(size):
    return st.binary(min_size=size, max_size=size)


def _tuples(of, most):
    return st.lists(of, max_size=min(most, 3)).map(tuple) | st.lists(of, min_size=most, max_size=most).map(tuple)


_events = st.builds(
    Event,
    st.sampled_from(EventType),
    user=_text,
    at=_moments,
    actor=_text,
    device=st.none() | _text,
    detail=_text,
)
_phones = st.builds(
    VirtualMFADevice,
    id=_text,
    name=_text,
    secret=_secrets,
    algorithm=st.sampled_from(Algorithm),
    digits=st.integers(6, 8),
    period=st.integers(1, 2**31 - 1),
    last_step=st.integers(-1, 2**60),
    accepted=_tuples(_counts, bounds.MAX_ACCEPTED),
    floor=st.integers(-1, 2**60),
    drift=st.integers(-10, 10),
    failures=st.integers(0, 100),
    closed_until=_moments,
    disabled_at=_maybe,
    bound_at=_moments,
    bound_by=_text,
    last_used_at=_maybe,
    history=_exactly(bounds.HISTORY),
)


@st.composite
def _keys(draw):
    through_u2f = draw(st.booleans())
    return SecurityKey(
        credential_id=draw(st.binary(min_size=1, max_size=1_023)),
        name=draw(_text),
        public_key=draw(st.binary(max_size=100)),
        sign_count=draw(st.integers(0, 2**32 - 1)),
        rp_id=None if through_u2f else draw(_text),
        app_id=draw(_text) if through_u2f else None,
        transports=tuple(draw(st.lists(_text, max_size=3))),
        backup_eligible=draw(st.none() | st.booleans()),
        backup_state=draw(st.none() | st.booleans()),
        uv_initialized=draw(st.booleans()),
        attestation=draw(_text),
        models=tuple(draw(st.lists(_text, max_size=bounds.MAX_MODELS))),
        cloned_at=draw(_maybe),
        bound_at=draw(_moments),
        bound_by=draw(_text),
        last_used_at=draw(_maybe),
    )


_offered = {
    "stamp": _exactly(bounds.STAMP),
    "actor": _exactly(32),
    "tries": st.integers(1, 10),
    "name": _text,
    "account_name": _text,
    "history": _exactly(bounds.HISTORY),
}
_offers = st.builds(
    OfferedVirtualDevice,
    **_offered,
    secret=_secrets,
    algorithm=st.sampled_from(Algorithm),
    digits=st.integers(0, 8),
    period=st.integers(0, 120),
    codes=st.integers(0, 2),
) | st.builds(OfferedSecurityKey, **_offered, claimed=st.just(b"") | _exactly(32))
_stamps = _exactly(bounds.STAMP)
_machines = st.builds(
    Machine,
    digest=_exactly(32),
    label=_text,
    remembered_at=_moments,
    expires_at=_moments,
    history=_exactly(bounds.HISTORY),
    device=_exactly(16),
    password_mark=_exactly(32),
)
_browsers = st.builds(
    Browsers,
    epoch=_exactly(16),
    wrong=_tuples(st.builds(WrongKnownCode, at=_moments, token=_exactly(4)), 4),
    unforgiven=_tuples(_exactly(4), MAX_UNFORGIVEN),
    faded_at=_moments,
    cleared_at=_moments,
)
accounts = st.builds(
    Account,
    user=_some,
    handle=_exactly(32),
    epoch=_exactly(16),
    created_at=_moments,
    required=st.booleans(),
    devices=_tuples(_phones | _keys(), bounds.MAX_DEVICES),
    offers=_tuples(_offers, bounds.MAX_OFFERS),
    answered=_tuples(_stamps, bounds.MAX_SPENT),
    failed=_tuples(_stamps, bounds.MAX_SPENT),
    not_before=_counts,
    machines=_tuples(_machines, 4),
    wrong=_tuples(_moments, 4),
    password_mark=st.none() | _exactly(32),
    old_marks=_tuples(_exactly(bounds.OLD_MARK), bounds.MAX_OLD_MARKS),
    outbox=_tuples(_events, 4),
    moved_to=st.none() | _text,
    reserved_for=st.none() | _text,
    reservation=st.none() | _exactly(16),
    browsers=_browsers,
)
roots = st.builds(
    Root,
    ticket_key=_exactly(32).map(SecretBytes),
    browser_key=_exactly(32).map(SecretBytes),
    incarnation=_text,
    history=_exactly(16),
    losses=_tuples(st.builds(Loss, at=_moments, history=_exactly(16)), MAX_LOSSES),
    store_id=_exactly(16),
    older=st.none() | _exactly(16),
)
