# SPDX-License-Identifier: Apache-2.0
"""Values and keys that a careless store may confuse: equal in a checksum, a prefix, a length or their folded form."""

from __future__ import annotations

import base64
import functools
import hashlib
import secrets
import zlib
from collections.abc import Callable, Iterator

CRC32 = 0x104C11DB7

_MD5_ONE = (
    "d131dd02c5e6eec4693d9a0698aff95c2fcab58712467eab4004583eb8fb7f8955ad340609f4b30283e488832571415a085125e8f7cdc99f"
    "d91dbdf280373c5bd8823e3156348f5bae6dacd436c919c6dd53e2b487da03fd02396306d248cda0e99f33420f577ee8ce54b67080a80d1e"
    "c69821bcb6a8839396f9652b6ff72a70"
)
"""X. Wang and H. Yu, "How to Break MD5 and Other Hash Functions" (2005); the other value differs in six bits."""
_MD5_BITS = (19, 45, 59, 83, 109, 123)

DIGESTS: dict[str, Callable[[bytes], object]] = {
    "CRC-32": zlib.crc32,
    "Adler-32": zlib.adler32,
    "hash()": lambda value: hash(value) & 0xFFFF_FFFF,
    "the first 4 bytes of SHA-256": lambda value: hashlib.sha256(value).digest()[:4],
    "the last 4 bytes of SHA-256": lambda value: hashlib.sha256(value).digest()[-4:],
    "the first 4 bytes of SHA-1": lambda value: hashlib.sha1(value, usedforsecurity=False).digest()[:4],
    "the first 4 bytes of MD5": lambda value: hashlib.md5(value, usedforsecurity=False).digest()[:4],
    "the first 4 bytes of BLAKE2b": lambda value: hashlib.blake2b(value).digest()[:4],
}

_OF_KEYS = ("CRC-32", "Adler-32", "hash()", "the first 4 bytes of SHA-256", "the first 4 bytes of MD5")


def look_alike_values() -> Iterator[tuple[str, bytes, bytes]]:
    """Yield pairs of different values, each with the name of what they share."""
    value = secrets.token_bytes(300)
    yield "CRC-32", value, _same_crc32(value)
    yield from _digest_twins()
    md5 = bytes.fromhex(_MD5_ONE)
    yield "MD5", md5, bytes(byte ^ (0x80 if place in _MD5_BITS else 0) for place, byte in enumerate(md5))
    yield "sum and length", b"ab" + value, b"ba" + value
    for size in (300, 2_500, 16_384):
        value = secrets.token_bytes(size)
        for place in (0, 1, 7, 15, 31, 63, 127, 254, 255, 256, 511, 1023, 2047, 4095, 4096, 8191, 8192, 16_382):
            if place < size - 1:
                yield f"all but byte {place}", value, _changed(value, place)
        yield f"the first {size - 1} bytes", value, _changed(value, size - 1)
    text = b"The Quick Brown Fox " * 15
    yield "all but case", text, text.swapcase()
    yield "all but one letter's case", text, text[:-2] + b"X "
    for name, extra in (
        ("a blank", b" "),
        ("a NUL", b"\0"),
        ("a line end", b"\n"),
        ("a tab", b"\t"),
        ("\\r\\n", b"\r\n"),
    ):
        yield f"all but {name} at the end", text + b".", text + b"." + extra
        yield f"all but {name} at the start", b"." + text, extra + b"." + text
    yield "all but what follows a NUL", text + b"\0one", text + b"\0two"
    yield "all but line ends", b"one\r\ntwo" * 30, b"one\ntwo" * 30
    yield "all but the form of an accent", "\u00e9".encode() * 99, "e\u0301".encode() * 99
    yield "all but bytes that are no UTF-8", b"\xff" * 300, b"\xfe" * 300
    yield "all but bytes that are no ASCII", b"\x80abc" * 70, b"abc" * 70
    yield "value as a number", b"1", b"1.0"
    yield "value as a number", b"0x10", b"16"
    yield "value as a number", b"007", b"7"
    yield "emptiness", b"\0", b" "
    yield "emptiness", b"0", b"False"
    yield "emptiness", b"None", b"null"


@functools.cache
def _digest_twins() -> tuple[tuple[str, bytes, bytes], ...]:
    return tuple((name, *_alike(digest, secrets.token_bytes(292))) for name, digest in DIGESTS.items())


@functools.cache
def look_alike_keys() -> tuple[tuple[str, str, str], ...]:
    """Return pairs of different keys of the library's form, each with the name of what they share."""
    stem = "k" + secrets.token_urlsafe(32)
    pairs = [(name, *_alike_keys(DIGESTS[name])) for name in _OF_KEYS]
    for size in (1, 8, 16, 20, 32, 36, 40, 42, 43):
        pairs.append((f"the first {size} characters", stem, stem[:size] + _other(stem[size]) + stem[size + 1 :]))
        pairs.append((f"the last {size} characters", "K" + stem[1:-size] + stem[-size:], "j" + stem[1:]))
    for place in (0, 1, 21, 42, 43):
        stem = "k" + "".join("a" if place == spot else letter for spot, letter in enumerate(stem[1:], 1))
        pairs.append(
            (f"all but the case of character {place}", stem, stem[:place] + stem[place].upper() + stem[place + 1 :])
        )
    for one, other in (("-", "_"), ("_", "a"), ("0", "O"), ("l", "1"), ("s", "z")):
        pairs.append((f"all but {one} and {other}", stem[:20] + one * 4 + stem[24:], stem[:20] + other * 4 + stem[24:]))
    pairs.append(("all but case", stem, stem.swapcase()))
    pairs.append(("its characters", stem[:-2] + "ab", stem[:-2] + "ba"))
    return tuple(pairs)


def malformed_keys(key: str) -> tuple[str, ...]:
    """Return malformed variants of a key, none of which may be taken for it."""
    return (key + " ", " " + key, key + "\0", key + "\n", key + "\t", key[:-1], key + "A", key + "/", "./" + key)


def _same_crc32(value: bytes) -> bytes:
    changed = bytearray(value)
    for place in range(33):  # reflected: the first bit of a byte is its lowest
        if CRC32 >> (32 - place) & 1:
            changed[100 + place // 8] ^= 1 << place % 8
    return bytes(changed)


def _alike(digest: Callable[[bytes], object], start: bytes) -> tuple[bytes, bytes]:
    seen: dict[object, bytes] = {}
    while True:  # about 80,000 values, for 32 bits
        value = start + secrets.token_bytes(8)
        if seen.setdefault(digest(value), value) != value:
            return seen[digest(value)], value


def _alike_keys(digest: Callable[[bytes], object]) -> tuple[str, str]:
    one, other = _alike(lambda tail: digest(b"k" + base64.urlsafe_b64encode(tail)[:43]), secrets.token_bytes(24))
    first, second = ("k" + base64.urlsafe_b64encode(tail)[:43].decode() for tail in (one, other))
    return first, second


def _changed(value: bytes, place: int) -> bytes:
    return value[:place] + bytes([value[place] ^ 0x20]) + value[place + 1 :]


def _other(letter: str) -> str:
    return "B" if letter == "A" else "A"
