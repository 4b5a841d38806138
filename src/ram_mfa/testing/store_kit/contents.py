# SPDX-License-Identifier: Apache-2.0
"""Bytes come back as they were written (S5), and are told apart byte by byte (S1)."""

from __future__ import annotations

import secrets

from .failure import expect
from .store_pair import Bench
from .twins import byte_twins

SIZES = (
    *(1, 2, 3, 15, 16, 17, 127, 128, 255, 256, 257, 511, 512, 767, 768, 1000, 1023, 1024, 1025, 2000, 2047, 2048, 2049),
    *(3072, 4000, 4095, 4096, 4097, 8000, 8191, 8192, 8193, 10_000, 12_288, 15_999, 16_000, 16_383, 16_384, 16_385),
    *(32_767, 32_768, 65_535, 65_536, 70_000),
)
"""Round numbers, where engines change how they keep a value, and one above the 16 bits of a MySQL BLOB."""

AWKWARD = (
    bytes(range(256)),
    bytes(range(255, -1, -1)) * 3,
    b"\0" * 300,
    b"\0",
    b" ",
    b"\n",
    b"0",
    b"ends in zeros\0\0\0",
    b"ends in blanks   \t\r\n",
    b"  starts with blanks",
    b"line\r\nends\rof\nall\n\rkinds\x0b\x0c\x1c\x1d\x1e\x85",
    b"\xff\xfe\xef\xbb\xbf",
    b"\xef\xbb\xbfstarts with a BOM",
    b"\xc3\x28 \xed\xa0\x80 \xf5 \xc0\x80",
    "grün €".encode(),
    "grün €".encode("utf-16"),
    "e\u0301 and \u00e9".encode(),
    b"\\x41\\101 'quoted' \"twice\" %s %(name)s :name ? $1 {0}",
    b"b'bytes'",
    b"YmFzZTY0",
    b"0x3132",
    b"12345",
    b"1e3",
    b"-0",
    b"NULL",
    b"None",
    b"null",
    b"false",
    b"{}",
    b"[]",
    b"''",
)
EDGES = bytes((0, 9, 10, 11, 12, 13, 26, 27, 28, 31, 32, 34, 39, 92, 127, 128, 133, 160, 254, 255))
"""Bytes that a store may cut off where a value begins or ends."""


def untouched(bench: Bench) -> None:
    """Whatever is written comes back, as ``bytes``, and can be swapped away."""
    edged = [bytes([edge]) * 3 + b"value" + bytes([edge]) * 3 for edge in EDGES]
    values = [*AWKWARD, *edged, *(secrets.token_bytes(size) for size in SIZES)]
    key = bench.key()
    held: bytes | None = None
    for value in values:
        told = f"a value of {len(value)} bytes" + (f", {value!r}," if len(value) < 40 else "")
        expect(bench.a.swap(key, held, value), "S5", f"{told} could not be written")
        expect(bench.b.load(key) == value, "S5", f"{told} did not come back as it was written")
        expect(bench.a.load(key) == value, "S5", f"{told} did not come back as it was written")
        other = value[:-1] + bytes([value[-1] ^ 0x80])
        expect(not bench.b.swap(key, other, b"x"), "S5", f"{told} is taken for another that differs in its last")
        held = value
    expect(bench.a.swap(key, held, None), "S5", "the last value could not be deleted")


def bytes_apart(bench: Bench) -> None:
    """Values that are alike in a checksum, a prefix, a length or once folded are different values."""
    key = bench.key()
    for alike, value, twin in byte_twins():
        bench.put(key, None, value)
        told = f"a value is taken for another that is alike in {alike}"
        for handle in (bench.a, bench.b):
            expect(handle.load(key) == value, "S5", f"{told}: it did not come back")
            expect(not handle.swap(key, twin, b"x"), "S1", told)
            expect(not handle.swap(key, twin, None), "S1", told)
            expect(not handle.swap(key, twin, value), "S1", told)
        expect(bench.b.load(key) == value, "S1", f"{told}: it was changed")
        expect(bench.a.swap(key, value, twin), "S1", f"{told}: it could not be replaced by it")
        expect(bench.b.load(key) == twin, "S5", f"{told}: it was not replaced by it")
        expect(not bench.b.swap(key, value, None), "S1", told)
        expect(bench.b.swap(key, twin, None), "S13", f"{told}: it could not be deleted")
