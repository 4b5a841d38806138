# SPDX-License-Identifier: Apache-2.0
"""Bytes come back as they were written (S5), and keys are told apart character by character (S11)."""

from __future__ import annotations

import secrets

from .bench import Bench
from .failure import expect

SIZES = (1, 2, 255, 256, 257, 1023, 2047, 2048, 2049, 4096, 8192, 16_383, 16_384, 16_385, 65_535, 65_536, 70_000)
"""Round numbers, where engines change how they keep a value, and one above the 16 bits of a MySQL BLOB."""

AWKWARD = (
    bytes(range(256)),
    bytes(range(255, -1, -1)) * 3,
    b"\0" * 300,
    b"\0",
    b"ends in zeros\0\0\0",
    b"ends in blanks   \t\r\n",
    b"  starts with blanks",
    b"\xff\xfe\xef\xbb\xbf",
    "grün €".encode(),
    "e\u0301 and \u00e9".encode(),
    b"\\x41\\101 'quoted' \"twice\" %s %(name)s :name ? $1 {0}",
    b"12345",
    b"NULL",
)


def untouched(bench: Bench) -> None:
    """Whatever is written comes back, as ``bytes``, and can be swapped away."""
    values = [*AWKWARD, *(secrets.token_bytes(size) for size in SIZES)]
    key = bench.key()
    held: bytes | None = None
    for value in values:
        told = f"a value of {len(value)} bytes"
        expect(bench.a.swap(key, held, value) is True, "S5", f"{told} could not be written")
        found = bench.b.load(key)
        expect(type(found) is bytes, "S5", f"load gives a {type(found).__name__} instead of bytes")
        expect(found == value, "S5", f"{told} did not come back as it was written")
        other = value[:-1] + bytes([value[-1] ^ 0x80])
        expect(bench.b.swap(key, other, b"x") is False, "S5", f"{told} is taken for another that differs in its last")
        held = value
    expect(bench.a.swap(key, held, None) is True, "S5", "the last value could not be deleted")


def keys_apart(bench: Bench) -> None:
    """Keys that differ in case, in a last character, or in a blank are different keys."""
    stem = bench.key()[:40]
    near = [stem + tail for tail in ("abcd", "ABCD", "abcD", "abce", "-_-_", "____", "----", "0000", "O0O0", "abc")]
    near += [stem.swapcase() + "abcd", stem.upper() + "abcd", "K" + stem[1:] + "abcd", stem + "abcd-", stem + "abcd_"]
    near = list(dict.fromkeys(near))
    bench.used.extend(near)
    values = {key: secrets.token_bytes(300) for key in near}
    for key, value in values.items():
        expect(bench.a.load(key) is None, "S11", "a key is taken for another that is like it")
        expect(bench.a.swap(key, None, value) is True, "S11", "a key is taken for another that is like it")
    for key, value in values.items():
        expect(bench.b.load(key) == value, "S11", "a key's record was overwritten through another key")
    for place, (key, value) in enumerate(values.items()):
        expect(bench.b.swap(key, value, None) is True, "S11", "a key's record is gone with another's")
        for other in near[place + 1 :]:
            expect(bench.a.load(other) == values[other], "S11", "a key's record is gone with another's")


def nothing_goes(bench: Bench) -> None:
    """Many records are all there after many more were written, and after the handle that wrote them is gone."""
    writer = bench.handle()
    first = {bench.key(): secrets.token_bytes(1500) for _ in range(50)}
    for key, value in first.items():
        expect(writer.swap(key, None, value) is True, "S9", "a record could not be written")
    spent = {bench.key(): secrets.token_bytes(1500) for _ in range(min(1000, 50 * bench.rounds))}
    for key, value in spent.items():
        expect(writer.swap(key, None, value) is True, "S9", "a record could not be written among many")
    for key, value in first.items():
        expect(bench.a.load(key) == value, "S9", "a record is gone after many others were written")
    for key, value in spent.items():
        expect(bench.a.load(key) == value, "S9", "a record is gone among many")
        expect(bench.a.swap(key, value, None) is True, "S9", "a record is gone among many")
