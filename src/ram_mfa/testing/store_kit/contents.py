# SPDX-License-Identifier: Apache-2.0
"""Contents of records: returned as they were written (S5), and compared byte by byte (S1)."""

from __future__ import annotations

import secrets

from .look_alikes import look_alike_values
from .results import expect
from .store_pair import StorePair

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


def contents_unchanged(pair: StorePair) -> None:
    """Return every value as it was written, as ``bytes``, and replace it."""
    edged = [bytes([edge]) * 3 + b"value" + bytes([edge]) * 3 for edge in EDGES]
    values = [*AWKWARD, *edged, *(secrets.token_bytes(size) for size in SIZES)]
    key = pair.key()
    held: bytes | None = None
    for value in values:
        problem = f"a value of {len(value)} bytes" + (f", {value!r}," if len(value) < 40 else "")
        expect(pair.a.swap(key, held, value), "S5", f"{problem} could not be written")
        expect(pair.b.load(key) == value, "S5", f"{problem} did not come back as it was written")
        expect(pair.a.load(key) == value, "S5", f"{problem} did not come back as it was written")
        other = value[:-1] + bytes([value[-1] ^ 0x80])
        expect(not pair.b.swap(key, other, b"x"), "S5", f"{problem} is taken for another that differs in its last byte")
        held = value
    expect(pair.a.swap(key, held, None), "S5", "the last value could not be deleted")


def distinct_values(pair: StorePair) -> None:
    """Distinguish values that share a checksum, a prefix, a length or their folded form."""
    key = pair.key()
    for alike, value, twin in look_alike_values():
        pair.put(key, None, value)
        problem = f"a value is taken for another that is equal in {alike}"
        for handle in (pair.a, pair.b):
            expect(handle.load(key) == value, "S5", f"{problem}: it did not come back")
            expect(not handle.swap(key, twin, b"x"), "S1", problem)
            expect(not handle.swap(key, twin, None), "S1", problem)
            expect(not handle.swap(key, twin, value), "S1", problem)
        expect(pair.b.load(key) == value, "S1", f"{problem}: it was changed")
        expect(pair.a.swap(key, value, twin), "S1", f"{problem}: it could not be replaced by it")
        expect(pair.b.load(key) == twin, "S5", f"{problem}: it was not replaced by it")
        expect(not pair.b.swap(key, value, None), "S1", problem)
        expect(pair.b.swap(key, twin, None), "S13", f"{problem}: it could not be deleted")
