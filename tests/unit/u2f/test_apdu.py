# SPDX-License-Identifier: Apache-2.0
"""APDU framing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa.errors import MalformedMessage
from ram_mfa.u2f import CommandAPDU, ResponseAPDU, StatusWord, exchange

octet = st.integers(0, 255)


@st.composite
def commands(draw):
    extended = draw(st.booleans())
    data = draw(st.binary(max_size=300 if extended else 255))
    response = draw(st.integers(0, 65_536 if extended else 256))
    # A command without data and answer has no length, and so no form.
    extended = extended and bool(data or response)
    return CommandAPDU(draw(octet), draw(octet), draw(octet), data, response, extended, draw(octet))


class TestCommand:
    @pytest.mark.standard("FIDO U2F Raw 3.1", "ram_mfa.u2f.CommandAPDU")
    @pytest.mark.parametrize(
        ("command", "raw"),
        [
            (CommandAPDU(3, response=0, extended=False), "00030000"),
            (CommandAPDU(3, response=256, extended=False), "0003000000"),
            (CommandAPDU(3, response=255, extended=False), "00030000ff"),
            (CommandAPDU(1, data=b"ab", response=0, extended=False), "00010000026162"),
            (CommandAPDU(1, data=b"ab", response=256, extended=False), "0001000002616200"),
            (CommandAPDU(3), "00030000000000"),
            (CommandAPDU(3, response=1), "00030000000001"),
            (CommandAPDU(2, 7, data=b"ab"), "0002070000000261620000"),
            (CommandAPDU(2, 8, 9, b"ab", 0, True, 0x80), "8002080900000261" + "62"),
            (CommandAPDU(2, 3, data=b"a" * 256, response=257), "00020300000100" + "61" * 256 + "0101"),
        ],
    )
    def test_forms(self, command, raw):
        """Each form of ISO 7816-4, short and extended, with and without data and answer, both ways."""
        assert bytes(command).hex() == raw
        assert CommandAPDU.parse(bytes.fromhex(raw)) == command

    @given(commands())
    def test_round_trip(self, command):
        """Every command is read back as it was."""
        assert CommandAPDU.parse(bytes(command)) == command

    @given(st.binary(max_size=80))
    def test_one_form(self, raw):
        """What is taken is written back, but for an empty length that some hosts write out."""
        try:
            command = CommandAPDU.parse(raw)
        except MalformedMessage:
            return
        assert bytes(command) == (raw if raw[4:7] != bytes(3) or len(raw) == 7 else raw[:4] + b"\0" + raw[7:])

    def test_empty_length(self):
        """An extended command whose data is none may say so: python-fido2 asks for the version like that."""
        assert CommandAPDU.parse(bytes.fromhex("000300000000000000")) == CommandAPDU(3)

    @pytest.mark.parametrize(
        "raw",
        [
            *("", "00", "000100"),
            *("000100000261", "00010000026162ffff", "0001000002616263ff"),
            *("000100000000", "000100000001", "0001000000000261", "0001000000000061", "00010000000001610000ff"),
        ],
    )
    def test_malformed(self, raw):
        """Lengths that do not add up are refused."""
        with pytest.raises(MalformedMessage):
            CommandAPDU.parse(bytes.fromhex(raw))

    @pytest.mark.parametrize(
        "wrong",
        [
            {"ins": 256},
            {"ins": -1},
            {"ins": 1, "p1": 256},
            {"ins": 1, "p2": -1},
            {"ins": 1, "cla": 300},
            {"ins": 1, "data": bytes(65_536)},
            {"ins": 1, "data": bytes(256), "extended": False, "response": 0},
            {"ins": 1, "response": 65_537},
            {"ins": 1, "response": 257, "extended": False},
            {"ins": 1, "response": -1},
        ],
    )
    def test_builders_faults(self, wrong):
        """What no form can hold cannot be built."""
        with pytest.raises(ValueError, match=r"from 0 to|form"):
            CommandAPDU(**wrong)


class TestResponse:
    @pytest.mark.standard("FIDO U2F Raw 3.3", "ram_mfa.u2f.StatusWord")
    @pytest.mark.parametrize("status", list(StatusWord))
    def test_status_words(self, status):
        """The status words of U2F are known by name, both ways."""
        answer = ResponseAPDU.parse(b"data" + int(status).to_bytes(2, "big"))
        assert answer == ResponseAPDU(b"data", status)
        assert isinstance(answer.status, StatusWord)
        assert bytes(answer) == b"data" + int(status).to_bytes(2, "big")

    def test_others(self):
        """Any other status word is kept as a number; a status alone is an answer."""
        assert ResponseAPDU.parse(b"\x6f\x00") == ResponseAPDU(b"", 0x6F00)

    @pytest.mark.parametrize("raw", [b"", b"\x90"])
    def test_malformed(self, raw):
        """An answer without a status word is none."""
        with pytest.raises(MalformedMessage):
            ResponseAPDU.parse(raw)


class Key:
    """A key that answers in pieces and remembers what it was sent."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.sent = []

    def __call__(self, raw):
        self.sent.append(raw)
        return bytes(self.answers.pop(0))


class TestChaining:
    def test_pieces(self):
        """Each piece but the last says how many bytes wait, 00 for 256 and more."""
        chain = ResponseAPDU(bytes(700)).chained()
        assert [(len(piece.data), piece.status) for piece in chain] == [(256, 0x6100), (256, 0x61BC), (188, 0x9000)]
        assert ResponseAPDU(b"").chained() == (ResponseAPDU(b""),)
        assert ResponseAPDU(bytes(256)).chained() == (ResponseAPDU(bytes(256)),)

    @given(data=st.binary(max_size=900), size=st.integers(1, 256), status=st.sampled_from((0x9000, 0x6985)))
    def test_exchange(self, data, size, status):
        """Whatever the size of the pieces, the whole answer comes back, with the last status word."""
        key = Key(*ResponseAPDU(data, status).chained(size))
        assert exchange(CommandAPDU(1), key) == ResponseAPDU(data, status)
        assert key.answers == []
        assert all(CommandAPDU.parse(raw).ins == 0xC0 for raw in key.sent[1:])

    def test_asked_for(self):
        """GET RESPONSE asks for as many bytes as wait."""
        key = Key(*ResponseAPDU(bytes(520)).chained())
        exchange(CommandAPDU(1, extended=False, response=256), key)
        assert [raw.hex() for raw in key.sent] == ["0001000000", "00c0000000", "00c0000008"]

    @pytest.mark.requirement("V35")
    @pytest.mark.parametrize("endless", [ResponseAPDU(b"", 0x6100), ResponseAPDU(bytes(256), 0x6100)])
    def test_endless(self, endless):
        """A key that never ends is left after 65,536 bytes, or at its first empty piece."""
        pieces = iter([bytes(endless)] * 300)
        with pytest.raises(MalformedMessage) as refused:
            exchange(CommandAPDU(1), lambda _: next(pieces))
        assert refused.value.field == "chain"
