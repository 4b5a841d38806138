# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hmac
import pickle

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa import AESGCMSeal, UnsafePlaintext
from ram_mfa.sealing import BrokenSeal
from tests.support.frame_locals import locals_of_the_package

PLACE, ELSEWHERE = "u" + 43 * "A", "u" + 43 * "B"
OLD, NEW = b"o" * 32, b"n" * 32
RECORD = b"the plaintext of a record"
SEALS = {
    "AESGCMSeal": AESGCMSeal({"2026": NEW}, seal_with="2026"),
    "UnsafePlaintext": UnsafePlaintext(),
}
each_seal = pytest.mark.parametrize("seal", SEALS.values(), ids=SEALS)


def broken(seal, sealed, place=PLACE):
    with pytest.raises(BrokenSeal) as error:
        seal.for_record(place).unseal(sealed)
    return str(error.value)


class TestEverySeal:
    @each_seal
    @given(record=st.binary(max_size=600))
    def test_round_trip(self, seal, record):
        """What was sealed for a place is unsealed there, as bytes that nothing prints."""
        one = seal.for_record(PLACE)
        found = one.unseal(one.seal(record))
        assert found == record
        assert repr(found) == "<secret bytes>"

    @each_seal
    def test_every_write_differs(self, seal):
        """The bytes of no two writes of one record are the same: comparing old bytes is sound."""
        one = seal.for_record(PLACE)
        assert len({one.seal(RECORD) for _ in range(500)}) == 500

    @each_seal
    @given(length=st.integers(0, 600))
    def test_padding(self, seal, length):
        """A record is padded to a multiple of 128: its length tells no more than that."""
        one, empty = seal.for_record(PLACE), len(seal.for_record(PLACE).seal(b""))
        assert (len(one.seal(bytes(length))) - empty) % 128 == 0
        assert len(one.seal(bytes(length))) == empty + (length + 4 + 127) // 128 * 128 - 128

    @each_seal
    def test_every_truncation(self, seal):
        """A sealed record cut anywhere, or with bytes behind it, is broken."""
        sealed = seal.for_record(PLACE).seal(RECORD)
        for length in range(len(sealed)):
            broken(seal, sealed[:length])
        broken(seal, sealed + b"\x00")
        broken(seal, sealed + bytes(128))

    @each_seal
    @given(data=st.binary(max_size=200))
    def test_any_bytes(self, seal, data):
        """Bytes of any other origin are broken, by this one exception."""
        broken(seal, data)

    @each_seal
    def test_current(self, seal):
        """What new writes use is current."""
        one = seal.for_record(PLACE)
        assert one.is_current(one.seal(RECORD))
        assert not one.is_current(b"")

    def test_one_is_not_the_other(self):
        """A plaintext record is none under a seal, and a sealed one none in plain text: no downgrade."""
        sealed, plain = (seal.for_record(PLACE).seal(RECORD) for seal in SEALS.values())
        assert "not sealed" in broken(SEALS["AESGCMSeal"], plain)
        assert "not a plaintext" in broken(SEALS["UnsafePlaintext"], sealed)
        assert not SEALS["AESGCMSeal"].for_record(PLACE).is_current(plain)
        assert not SEALS["UnsafePlaintext"].for_record(PLACE).is_current(sealed)


class TestAESGCM:
    @pytest.mark.requirement("O20")
    @pytest.mark.standard("NIST SP 800-38D 5.2", "ram_mfa.AESGCMSeal.for_record")
    def test_the_format(self):
        """Version || key id || nonce || AES-256-GCM(HMAC(ring key, label || store key), length || record || zeros)."""
        sealed = SEALS["AESGCMSeal"].for_record(PLACE).seal(RECORD)
        header, nonce, body = sealed[:10], sealed[10:22], sealed[22:]
        assert header == b"\x01\x042026" + hmac.digest(NEW, b"ram_mfa key check 1\x00", "sha256")[:4]
        key = hmac.digest(NEW, b"ram_mfa record key 1\x00" + PLACE.encode(), "sha256")
        framed = AESGCM(key).decrypt(nonce, body, header + PLACE.encode())
        assert framed == (len(RECORD).to_bytes(4, "big") + RECORD).ljust(128, b"\x00")

    @pytest.mark.requirement("O20", "B19")
    def test_every_flip(self):
        """A bit flipped anywhere breaks it, the header and the nonce included."""
        seal = SEALS["AESGCMSeal"]
        sealed = seal.for_record(PLACE).seal(RECORD)
        for place in range(len(sealed)):
            for bit in range(8):
                flipped = bytearray(sealed)
                flipped[place] ^= 1 << bit
                broken(seal, bytes(flipped))

    @pytest.mark.requirement("O20", "V14")
    def test_moved(self):
        """A record that was moved to another place is broken there."""
        seal = SEALS["AESGCMSeal"]
        assert "moved" in broken(seal, seal.for_record(PLACE).seal(RECORD), ELSEWHERE)

    @pytest.mark.requirement("B24")
    def test_rotation(self):
        """A ring opens what its old keys sealed and seals with the new one; without the old key it opens it no more."""
        before = AESGCMSeal({"old": OLD}, seal_with="old")
        ring = AESGCMSeal({"old": OLD, "new": NEW}, seal_with="new")
        after = AESGCMSeal({"new": NEW}, seal_with="new")
        sealed = before.for_record(PLACE).seal(RECORD)
        one = ring.for_record(PLACE)
        assert one.unseal(sealed) == RECORD
        assert not one.is_current(sealed)
        again = one.seal(RECORD)
        assert one.is_current(again)
        assert after.for_record(PLACE).unseal(again) == RECORD
        assert "not in the ring" in broken(after, sealed)
        assert "not in the ring" in broken(before, again)

    def test_the_id_selects(self):
        """The key id selects the key, and no other is tried: another key of the same id opens nothing."""
        sealed = AESGCMSeal({"k": OLD}, seal_with="k").for_record(PLACE).seal(RECORD)
        impostor = AESGCMSeal({"k": NEW, "other": OLD}, seal_with="k")
        assert "another key with the same id" in broken(impostor, sealed)

    def test_ids_of_one_beginning(self):
        """A key id that begins as another one does is another one."""
        ring = AESGCMSeal({"k": OLD, "k2": NEW}, seal_with="k")
        for seal_with in ("k", "k2"):
            sealed = AESGCMSeal({"k": OLD, "k2": NEW}, seal_with=seal_with).for_record(PLACE).seal(RECORD)
            assert ring.for_record(PLACE).unseal(sealed) == RECORD
            assert ring.for_record(PLACE).is_current(sealed) is (seal_with == "k")

    def test_another_version(self):
        """A record sealed by another version of the library is refused, never guessed."""
        seal = SEALS["AESGCMSeal"]
        sealed = seal.for_record(PLACE).seal(RECORD)
        for version in (0, 2, 15):
            assert "another version" in broken(seal, bytes([version]) + sealed[1:])

    @pytest.mark.parametrize(
        ("keys", "seal_with"),
        [
            ({"k": bytes(31)}, "k"),
            ({"k": bytes(33)}, "k"),
            ({"k": "k" * 32}, "k"),
            ({"k": bytearray(32)}, "k"),
            ({"": bytes(32)}, ""),
            ({"k" * 33: bytes(32)}, "k" * 33),
            ({"schlüssel": bytes(32)}, "schlüssel"),
            ({5: bytes(32)}, 5),
            ({"k": bytes(32)}, "other"),
            ({}, "k"),
        ],
    )
    def test_configuration(self, keys, seal_with):
        """A ring that is none is refused when it is built, without a key in the words."""
        with pytest.raises(ValueError) as error:
            AESGCMSeal(keys, seal_with=seal_with)
        assert "kkkkkkkk" not in str(error.value).replace("k" * 33, "")

    @pytest.mark.requirement("O20", "V36")
    def test_nothing_is_shown(self):
        """The repr names the ids and no key; broken records leave nothing of theirs in an exception's frames."""
        seal = AESGCMSeal({"old": OLD, "new": NEW}, seal_with="new")
        assert repr(seal) == "<AESGCMSeal keys new, old; seals with new>"
        assert repr(UnsafePlaintext()) == "<UnsafePlaintext>"
        with pytest.raises(Exception, match="pickle"):
            pickle.dumps(seal)
        sealed = seal.for_record(PLACE).seal(RECORD)
        with pytest.raises(BrokenSeal) as error:
            seal.for_record(ELSEWHERE).unseal(sealed)
        shown = locals_of_the_package(error.value)
        assert "nnnn" not in shown
        assert "oooo" not in shown
        assert error.value.__context__ is None


class TestPlaintext:
    def test_readable(self):
        """For looking at records in development: they lie readable, behind 96 random bits."""
        sealed = UnsafePlaintext().for_record(PLACE).seal(RECORD)
        assert sealed[0] == 0
        assert sealed[13:] == (len(RECORD).to_bytes(4, "big") + RECORD).ljust(128, b"\x00")

    def test_framing(self):
        """Bytes in the padding, a wrong length and a whole block too many are no framing of this library."""
        seal = UnsafePlaintext()
        good = seal.for_record(PLACE).seal(RECORD)
        for wrong in (
            good[:-1] + b"\x01",
            good[:13] + (124 + 1).to_bytes(4, "big") + good[17:],
            good[:13] + b"\xff" * 4 + good[17:],
            good + bytes(128),
            good[:13] + bytes(4),
            good[:13],
        ):
            assert "framed" in broken(seal, wrong)
