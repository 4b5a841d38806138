# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

import attrs
import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa import account as bounds
from ram_mfa import codec
from ram_mfa._secret import SecretBytes
from ram_mfa.browsers import MAX_UNFORGIVEN, MAX_WRONG_KNOWN, WrongKnownCode
from ram_mfa.codec import CredentialClaim, Unreadable
from tests.support import accounts
from tests.support.accounts import ACCOUNT, KEY, LEGACY, MACHINE, OFFER, PHONE, ROOT_RECORD
from tests.support.frame_locals import locals_of_the_package

CLAIM = CredentialClaim("u" + 43 * "A")
KINDS = {
    "account": (ACCOUNT, codec.encode_account, codec.decode_account),
    "root": (ROOT_RECORD, codec.encode_root, codec.decode_root),
    "claim": (CLAIM, codec.encode_claim, codec.decode_claim),
}
each_kind = pytest.mark.parametrize("kind", KINDS)


def written(kind):
    """Return the record of that kind, with a value in every field, as it is written."""
    value, encode, _ = KINDS[kind]
    return bytes(encode(value))


def row_of(account=ACCOUNT):
    """Return an account as the row that is written."""
    return cbor2.loads(codec.encode_account(account))


def unreadable(decode, data):
    with pytest.raises(Unreadable) as error:
        decode(data)
    return str(error.value)


class TestRoundTrip:
    @given(account=accounts.accounts)
    def test_account(self, account):
        """decode(encode(a)) == a, for every account within its bounds; and writing that again gives the same bytes."""
        data = codec.encode_account(account)
        again = codec.decode_account(data)
        assert again == account
        assert codec.encode_account(again) == data
        assert len(data) <= codec.MAX_SIZE

    @given(root=accounts.roots)
    def test_root(self, root):
        """decode(encode(r)) == r."""
        assert codec.decode_root(codec.encode_root(root)) == root

    @given(key=st.text(max_size=50))
    def test_claim(self, key):
        """decode(encode(h)) == h."""
        assert codec.decode_claim(codec.encode_claim(CredentialClaim(key))) == CredentialClaim(key)

    @pytest.mark.requirement("O20")
    def test_secrets_stay_hidden(self):
        """Secrets, tickets' key and whole records have a blank repr on both ways."""
        account = codec.decode_account(codec.encode_account(ACCOUNT))
        hidden = [account.devices[0].secret, account.offers[0].secret, codec.encode_account(ACCOUNT)]
        hidden += [codec.decode_root(written("root")).ticket_key, codec.encode_root(ROOT_RECORD)]
        assert {repr(one) for one in hidden} == {"<secret bytes>"}

    def test_whole_seconds(self):
        """A clock of whole seconds makes the same record as one of fractions."""
        whole = attrs.evolve(ACCOUNT, created_at=1_700_000_000, wrong=(1_700_000_000,))
        assert codec.decode_account(codec.encode_account(whole)) == whole


class TestDamage:
    @each_kind
    def test_every_truncation(self, kind):
        """A record cut anywhere is Unreadable, and so is one with a byte behind it."""
        data, decode = written(kind), KINDS[kind][2]
        for length in range(len(data)):
            unreadable(decode, data[:length])
        assert unreadable(decode, data + b"\x00") == "bytes after the record"

    @each_kind
    def test_every_flip(self, kind):
        """Whatever bit is flipped, it reads as another record or is Unreadable: no other exception, ever."""
        data, (_, encode, decode) = written(kind), KINDS[kind]
        read = 0
        for place in range(len(data)):
            for bit in range(8):
                flipped = bytearray(data)
                flipped[place] ^= 1 << bit
                try:
                    found = decode(bytes(flipped))
                except Unreadable:
                    continue
                read += 1
                encode(found)
        assert 0 < read < 8 * len(data)

    @each_kind
    @given(data=st.binary(max_size=60))
    def test_any_bytes(self, kind, data):
        """Bytes of any other origin are Unreadable."""
        unreadable(KINDS[kind][2], data)

    @each_kind
    @pytest.mark.parametrize(
        "data",
        [
            *(
                b"",
                b"\x80",
                b"\x01",
                b"\xf6",
                b"\x60",
                b"\xa0",
                b"\x81\x01",
                b"\x81\xf5",
                b"\x81\x61a",
                b"\xff",
                b"\x9f",
            ),
            *(b"\x81" * 10_000, b"\x9f" * 100_000, b"\x5b" + b"\x7f" * 8, b"\x9b" + b"\x7f" * 8),
            *(b"\xd9\x01\x02\x80", b"\xd8\x1c\x81\xd8\x1d\x00", b"\x82\x01\xc1\xfb\x7f\xf8" + bytes(6)),
        ],
        ids=lambda data: data[:4].hex(),
    )
    def test_other_cbor(self, kind, data):
        """Other CBOR is no record: another type, an empty row, depth, a length without bytes."""
        unreadable(KINDS[kind][2], data)

    @each_kind
    @pytest.mark.requirement("S15")
    @pytest.mark.parametrize("version", [0, 2, 3, 255, 2**64, -1])
    def test_another_version(self, kind, version):
        """A record of a newer version is refused, never guessed, whatever it looks like; and it says which."""
        row = [version, *cbor2.loads(written(kind))[1:]]
        for another in (row, [*row, "a field of tomorrow"], [version]):
            problem = unreadable(KINDS[kind][2], cbor2.dumps(another))
            assert problem == f"written by another version of the library: {version}"

    def test_one_kind_is_not_another(self):
        """A record of one kind is no record of another."""
        for kind in KINDS:
            for other, (_, _, decode) in KINDS.items():
                if other != kind:
                    unreadable(decode, written(kind))

    def test_too_large(self):
        """What is larger than any record is not even looked at."""
        assert unreadable(codec.decode_account, written("account") + bytes(codec.MAX_SIZE)) == "too large"

    @pytest.mark.requirement("O20", "V36")
    def test_nothing_in_the_frames(self):
        """Nothing of a broken record stands in the local variables of the exception's frames, or in its words."""
        row = row_of()
        row[6][0][3] = b"12345"
        with pytest.raises(Unreadable) as error:
            codec.decode_account(SecretBytes(cbor2.dumps(row)))
        assert error.value.__cause__ is None
        assert error.value.__context__ is None
        shown = locals_of_the_package(error.value) + str(error.value)
        assert "12345" not in shown
        assert "ssss" not in shown


def changed(path, value):
    """Return an account's bytes with one field of its row replaced."""
    row = row_of()
    inner = row
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return cbor2.dumps(row)


def places_in(row, path=()):
    """Yield the path and the value of every field of a row, those of inner rows included."""
    for place, value in enumerate(row):
        yield (*path, place), value
        if isinstance(value, list):
            yield from places_in(value, (*path, place))


# Where things stand in an account's row
USER, HANDLE, EPOCH, CREATED, REQUIRED, DEVICES, OFFERS, ANSWERED, FAILED, NOT_BEFORE = range(1, 11)
MACHINES, WRONG, MARK, OLD_MARKS, OUTBOX, MOVED = range(11, 17)


class TestBounds:
    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ((USER,), ""),
            ((USER,), b"alice"),
            ((HANDLE,), b""),
            ((HANDLE,), bytes(65)),
            ((EPOCH,), bytes(17)),
            ((CREATED,), 5),
            ((REQUIRED,), 1),
            ((NOT_BEFORE,), -1),
            ((MARK,), bytes(31)),
            ((MARK,), "mark"),
            ((OLD_MARKS,), bytes(15)),
            ((OLD_MARKS,), [bytes(16)]),
            ((MOVED,), 5),
            ((WRONG,), [5.0]),
            ((WRONG,), bytes(9)),
            ((DEVICES, 0), 5),
            ((DEVICES, 0), []),
            ((DEVICES, 0, 0), 2),
            ((DEVICES, 0, 0), -1),
            ((DEVICES, 0, 3), bytes(bounds.MIN_SHORT_SECRET - 1)),
            ((DEVICES, 0, 3), bytes(bounds.MAX_SECRET + 1)),
            ((DEVICES, 0, 3), "1234567890123456"),
            ((DEVICES, 0, 4), 3),
            ((DEVICES, 0, 4), -1),
            ((DEVICES, 0, 5), 5),
            ((DEVICES, 0, 5), 9),
            ((DEVICES, 0, 6), 0),
            ((DEVICES, 0, 7), -2),
            ((DEVICES, 0, 8), "1"),
            ((DEVICES, 0, 8), [1.5]),
            ((DEVICES, 0, 8), [-1]),
            ((DEVICES, 0, 8), [1] * (bounds.MAX_ACCEPTED + 1)),
            ((DEVICES, 0, 9), -2),
            ((DEVICES, 0, 11), -1),
            ((DEVICES, 0, 12), 5),
            ((DEVICES, 0, 16), "now"),
            ((DEVICES, 0, 17), bytes(15)),
            ((DEVICES, 1, 1), b""),
            ((DEVICES, 1, 1), bytes(1_024)),
            ((DEVICES, 1, 4), -1),
            ((DEVICES, 1, 4), 2**32),
            ((DEVICES, 1, 5), None),
            ((DEVICES, 1, 6), "https://example.com"),
            ((DEVICES, 1, 7, 0), 5),
            ((DEVICES, 1, 8), "yes"),
            ((OFFERS, 0, 0), 2),
            ((OFFERS, 0, 0), -1),
            ((OFFERS, 0, 1), bytes(31)),
            ((OFFERS, 0, 2), bytes(31)),
            ((OFFERS, 0, 3), 1.5),
            ((OFFERS, 0, 6), bytes(17)),
            ((OFFERS, 0, 7), bytes(15)),
            ((OFFERS, 0, 7), bytes(1_025)),
            ((OFFERS, 0, 8), 3),
            ((OFFERS, 0, 8), -1),
            ((OFFERS, 1, 2), bytes(31)),
            ((OFFERS, 1, 6), bytes(15)),
            ((OFFERS, 1, 7), bytes(31)),
            ((OFFERS, 1, 7), "claimed"),
            ((ANSWERED,), bytes(31)),
            ((ANSWERED,), []),
            ((FAILED,), bytes(33)),
            ((FAILED,), None),
            ((MACHINES, 0, 0), bytes(31)),
            ((MACHINES, 0, 4), bytes(15)),
            ((MACHINES, 0, 5), bytes(15)),
            ((MACHINES, 0, 6), bytes(31)),
            ((MACHINES, 0, 2), 5),
            ((OUTBOX, 0, 0), "something new"),
            ((OUTBOX, 0, 0), 5),
            ((OUTBOX, 0), ["logon proved"]),
        ],
        ids=lambda one: "-".join(map(str, one)) if isinstance(one, tuple) else "",
    )
    def test_fields(self, path, value):
        """Each field has its type and its bounds; what is out of them is Unreadable."""
        unreadable(codec.decode_account, changed(path, value))

    @each_kind
    def test_exact_types(self, kind):
        """A bool is never read for an int, an int never for a float, and nothing for None, at any place of a record."""
        value, encode, decode = KINDS[kind]
        tried = 0
        for path, held in places_in(cbor2.loads(encode(value))):
            for wrong in (True, False, 5, 5.0, b"", "", [], {}):
                if type(wrong) is not type(held) and held is not None:
                    row = cbor2.loads(encode(value))
                    inner = row
                    for place in path[:-1]:
                        inner = inner[place]
                    inner[path[-1]] = wrong
                    unreadable(decode, cbor2.dumps(row))
                    tried += 1
        assert tried > 10

    @pytest.mark.requirement("O3")
    def test_short_secrets_are_not_loaded(self):
        """A device with less than 80 bits is not loaded; one of 80 is: an import can allow it."""
        unreadable(codec.decode_account, changed((DEVICES, 0, 3), bytes(9)))
        for size in (10, 16):
            (device, *_) = codec.decode_account(changed((DEVICES, 0, 3), bytes(size))).devices
            assert device.secret == bytes(size)

    @pytest.mark.parametrize(
        ("field", "one", "most"),
        [
            ("devices", PHONE, bounds.MAX_DEVICES),
            ("devices", KEY, bounds.MAX_DEVICES),
            ("devices", LEGACY, bounds.MAX_DEVICES),
            ("offers", OFFER, bounds.MAX_OFFERS),
            ("answered", bytes(bounds.STAMP), bounds.MAX_SPENT),
            ("failed", bytes(bounds.STAMP), bounds.MAX_SPENT),
            ("machines", MACHINE, bounds.MAX_MACHINES),
            ("wrong", 5.0, bounds.MAX_WRONG_CODES),
            ("old_marks", bytes(bounds.OLD_MARK), bounds.MAX_OLD_MARKS),
            ("outbox", ACCOUNT.outbox[0], bounds.MAX_EVENTS),
        ],
    )
    def test_lists(self, field, one, most):
        """Every list has its bound, full lists included."""
        full = attrs.evolve(ACCOUNT, **{field: (one,) * most})
        assert codec.decode_account(codec.encode_account(full)) == full
        above = attrs.evolve(ACCOUNT, **{field: (one,) * (most + 1)})
        assert "out of bounds" in unreadable(codec.decode_account, codec.encode_account(above))

    @pytest.mark.parametrize(
        ("field", "one", "most"),
        [("wrong", WrongKnownCode(5.0, b"tokn"), MAX_WRONG_KNOWN), ("unforgiven", b"sess", MAX_UNFORGIVEN)],
    )
    def test_lists_of_browsers(self, field, one, most):
        """Every list of what is counted of browsers has its bound."""
        full = attrs.evolve(ACCOUNT, browsers=attrs.evolve(ACCOUNT.browsers, **{field: (one,) * most}))
        assert codec.decode_account(codec.encode_account(full)) == full
        above = attrs.evolve(ACCOUNT, browsers=attrs.evolve(ACCOUNT.browsers, **{field: (one,) * (most + 1)}))
        assert "out of bounds" in unreadable(codec.decode_account, codec.encode_account(above))

    def test_everything_full(self):
        """An account with every list full is far below the largest record that is read."""
        full = attrs.evolve(
            ACCOUNT,
            devices=(PHONE,) * bounds.MAX_DEVICES,
            offers=(OFFER,) * bounds.MAX_OFFERS,
            answered=ACCOUNT.answered[:1] * bounds.MAX_SPENT,
            failed=ACCOUNT.failed * bounds.MAX_SPENT,
            machines=(MACHINE,) * bounds.MAX_MACHINES,
            wrong=(5.0,) * bounds.MAX_WRONG_CODES,
            outbox=ACCOUNT.outbox[:1] * bounds.MAX_EVENTS,
            browsers=attrs.evolve(
                ACCOUNT.browsers,
                wrong=ACCOUNT.browsers.wrong[:1] * MAX_WRONG_KNOWN,
                unforgiven=ACCOUNT.browsers.unforgiven[:1] * MAX_UNFORGIVEN,
            ),
        )
        assert len(codec.encode_account(full)) < codec.MAX_SIZE // 10
        assert codec.decode_account(codec.encode_account(full)) == full

    @pytest.mark.parametrize(
        "row",
        [
            [1, bytes(31), bytes(32), "", bytes(16), [], bytes(16), None],
            [1, bytes(32), bytes(31), "", bytes(16), [], bytes(16), None],
            [1, bytes(32), bytes(32), "", bytes(15), [], bytes(16), None],
            [1, bytes(32), bytes(32), "", bytes(16), [5.0], bytes(16), None],
            [1, bytes(32), bytes(32), "", bytes(16), [[5, bytes(16)]], bytes(16), None],
            [1, bytes(32), bytes(32), "", bytes(16), [[5.0, bytes(15)]], bytes(16), None],
            [1, bytes(32), bytes(32), "", bytes(16), [[math.inf, bytes(16)]], bytes(16), None],
            [1, bytes(32), bytes(32), "", bytes(16), [[math.nan, bytes(16)]], bytes(16), None],
            [1, bytes(32), bytes(32), "", bytes(16), [[-1.0, bytes(16)]], bytes(16), None],
            [1, bytes(32), bytes(32), "", bytes(16), [[5.0, bytes(16)]] * 17, bytes(16), None],
            [1, bytes(32), bytes(32), "", bytes(16), [], bytes(15), None],
            [1, bytes(32), bytes(32), "", bytes(16), [], bytes(16), bytes(15)],
            [1, bytes(32), bytes(32), "", bytes(16), [], None, None],
            [1, bytes(32), bytes(32), b"", bytes(16), [], bytes(16), None],
            [1, bytes(32), bytes(32), "", bytes(16), [], bytes(16)],
            [1, bytes(32), bytes(32), "", bytes(16)],
        ],
    )
    def test_root(self, row):
        """The root record has its bounds too."""
        unreadable(codec.decode_root, cbor2.dumps(row))

    @pytest.mark.parametrize("row", [[1], [1, 5], [1, "key", "more"], [1, None]])
    def test_claim(self, row):
        """And so has a claim."""
        unreadable(codec.decode_claim, cbor2.dumps(row))
