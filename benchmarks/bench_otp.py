# SPDX-License-Identifier: Apache-2.0
"""One-time passwords: codes, matching, key URIs, beside the limit of the standard library and beside other libraries.

``python benchmarks/bench_otp.py``. In each of 51 rounds every row does the same work on keys it has not seen in that
round, in turn and in one process; a row shows the median of its ratios to the limit's time in the same round. The
limit is the least that the standard library needs: ``hmac.digest`` and the truncation, or ``urllib``. Other libraries
are measured where they are installed. Nothing is judged here.
"""

from __future__ import annotations

import base64
import hmac
import importlib.util
import random
import statistics
import struct
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from ram_mfa._secret import SecretBytes
from ram_mfa.otp import TOTP, KeyURI, hotp

ROUNDS = 51
KEYS = 400
NOW = 1_763_956_817
WRONG = "000000"
ISSUER = "Example Cloud"

Work = Callable[[Any], object]
Rows = dict[str, tuple[Work, list[Any]]]

eight_bytes = struct.Struct(">Q").pack


def code_of(key: bytes, step: int) -> str:
    """The least that a code takes: one hmac.digest and the truncation."""
    hs = hmac.digest(key, eight_bytes(step), "sha1")
    offset = hs[-1] & 15
    return str((int.from_bytes(hs[offset : offset + 4], "big") & 0x7FFFFFFF) % 1_000_000).zfill(6)


def installed(name: str) -> bool:
    """Say whether a library is there."""
    return importlib.util.find_spec(name) is not None


def generating(keys: list[bytes]) -> Rows:
    """One code of a fresh key."""
    step = NOW // 30
    text = eight_bytes(step)
    base32 = [base64.b32encode(key).decode() for key in keys]
    rows: Rows = {
        "limit: hmac.digest + truncation": (lambda key: code_of(key, step), keys),
        "hmac.digest alone": (lambda key: hmac.digest(key, text, "sha1"), keys),
        "hotp(key, step)": (lambda key: hotp(key, step), keys),
        "TOTP.at(now), made before": (lambda totp: totp.at(NOW), [TOTP(key) for key in keys]),
        "TOTP(key).at(now), key of a record": (lambda key: TOTP(key).at(NOW), [SecretBytes(key) for key in keys]),
        "TOTP(key).at(now)": (lambda key: TOTP(key).at(NOW), keys),
    }
    if installed("django_otp"):
        from django_otp import oath

        rows["django-otp oath"] = (lambda key: oath.hotp(key, step), keys)
    if installed("cryptography"):
        from cryptography.hazmat.primitives.hashes import SHA1
        from cryptography.hazmat.primitives.twofactor import totp as by_cryptography

        rows["cryptography"] = (lambda key: by_cryptography.TOTP(key, 6, SHA1(), 30).generate(NOW), keys)
    if installed("otpauth"):
        import otpauth

        def by_otpauth(key: bytes) -> str:
            totp = otpauth.TOTP(key)
            return totp.string_code(totp.generate(NOW))

        rows["otpauth"] = (by_otpauth, keys)
    if installed("passlib"):
        from passlib import totp as by_passlib

        rows["passlib"] = (lambda key: by_passlib.TOTP(key, format="raw").generate(NOW).token, keys)
    if installed("pyotp"):
        import pyotp

        rows["pyotp"] = (lambda key: pyotp.TOTP(key).at(NOW), base32)
    return rows


def matching(keys: list[bytes]) -> Rows:
    """A wrong code of a fresh key, in a window of one step each way."""
    step = NOW // 30
    texts = [eight_bytes(step + ahead) for ahead in (-1, 0, 1)]
    base32 = [base64.b32encode(key).decode() for key in keys]

    def alone(key: bytes) -> None:
        for text in texts:
            hmac.digest(key, text, "sha1")

    def limit(key: bytes) -> None:
        for ahead in (-1, 0, 1):
            code_of(key, step + ahead)

    rows: Rows = {
        "limit: three of hmac.digest + truncation": (limit, keys),
        "three of hmac.digest alone": (alone, keys),
        "TOTP.match, made before": (lambda totp: totp.match(WRONG, at=NOW), [TOTP(key) for key in keys]),
        "TOTP(key).match, key of a record": (
            lambda key: TOTP(key).match(WRONG, at=NOW),
            [SecretBytes(key) for key in keys],
        ),
        "TOTP(key).match": (lambda key: TOTP(key).match(WRONG, at=NOW), keys),
    }
    if installed("django_otp"):
        from django_otp import oath

        def django(key: bytes) -> None:
            totp = oath.TOTP(key)
            totp.time = NOW
            totp.verify(0, tolerance=1)

        rows["django-otp oath"] = (django, keys)
    if installed("cryptography"):
        from cryptography.hazmat.primitives.hashes import SHA1
        from cryptography.hazmat.primitives.twofactor import InvalidToken
        from cryptography.hazmat.primitives.twofactor import totp as by_cryptography

        def cryptography(key: bytes) -> None:
            totp = by_cryptography.TOTP(key, 6, SHA1(), 30)
            for ahead in (-30, 0, 30):
                try:
                    totp.verify(WRONG.encode(), NOW + ahead)
                except InvalidToken:
                    continue

        rows["cryptography"] = (cryptography, keys)
    if installed("otpauth"):
        import otpauth

        def by_otpauth(key: bytes) -> None:
            totp = otpauth.TOTP(key)
            for ahead in (-30, 0, 30):
                totp.verify(0, NOW + ahead)

        rows["otpauth"] = (by_otpauth, keys)
    if installed("passlib"):
        from passlib import totp as by_passlib
        from passlib.exc import TokenError

        def passlib(key: bytes) -> None:
            try:
                by_passlib.TOTP(key, format="raw").match(WRONG, NOW, window=30)
            except TokenError:
                return

        rows["passlib"] = (passlib, keys)
    if installed("pyotp"):
        import pyotp

        rows["pyotp"] = (lambda key: pyotp.TOTP(key).verify(WRONG, for_time=NOW, valid_window=1), base32)
    return rows


def building(keys: list[bytes]) -> Rows:
    """A key URI, from the raw secret where a library takes that."""
    named = [(key, f"user{number}@example.com") for number, key in enumerate(keys)]
    base32 = [(base64.b32encode(key).decode(), account) for key, account in named]

    def limit(pair: tuple[bytes, str]) -> str:
        key, issuer = base64.b32encode(pair[0]).decode(), quote(ISSUER, safe="")
        return (
            f"otpauth://totp/{issuer}:{quote(pair[1], safe='')}?secret={key}&issuer={issuer}"
            "&algorithm=SHA1&digits=6&period=30"
        )

    rows: Rows = {
        "limit: urllib.parse.quote, b32encode": (limit, named),
        "str(KeyURI), made before": (str, [KeyURI("totp", ISSUER, account, key) for key, account in named]),
        "str(KeyURI(...))": (lambda pair: str(KeyURI("totp", ISSUER, pair[1], pair[0])), named),
    }
    if installed("cryptography"):
        from cryptography.hazmat.primitives.hashes import SHA1
        from cryptography.hazmat.primitives.twofactor import totp as by_cryptography

        rows["cryptography"] = (
            lambda pair: by_cryptography.TOTP(pair[0], 6, SHA1(), 30).get_provisioning_uri(pair[1], ISSUER),
            named,
        )
    if installed("otpauth"):
        import otpauth

        rows["otpauth"] = (lambda pair: otpauth.TOTP(pair[0]).to_uri(f"{ISSUER}:{pair[1]}", ISSUER), named)
    if installed("passlib"):
        from passlib import totp as by_passlib

        rows["passlib"] = (lambda pair: by_passlib.TOTP(pair[0], format="raw").to_uri(pair[1], ISSUER), named)
    if installed("pyotp"):
        import pyotp

        rows["pyotp"] = (lambda pair: pyotp.TOTP(pair[0], name=pair[1], issuer=ISSUER).provisioning_uri(), base32)
    return rows


def parsing(keys: list[bytes]) -> Rows:
    """A key URI read; each is another, since urllib remembers what it split."""
    uris = [str(KeyURI("totp", ISSUER, f"user{number}@example.com", key)) + "" for number, key in enumerate(keys)]

    def limit(uri: str) -> object:
        parts = urlsplit(uri)
        query = dict(parse_qsl(parts.query, strict_parsing=True))
        return unquote(parts.path), base64.b32decode(query["secret"])

    rows: Rows = {
        "limit: urlsplit, parse_qsl, b32decode": (limit, uris),
        "KeyURI.parse": (KeyURI.parse, uris),
    }
    if installed("passlib"):
        from passlib import totp as by_passlib

        rows["passlib"] = (by_passlib.TOTP.from_uri, uris)
    if installed("pyotp"):
        import pyotp

        rows["pyotp"] = (pyotp.parse_uri, uris)
    return rows


def main() -> None:
    """Measure and print."""
    chance = random.Random(6238)
    times: dict[str, dict[str, list[float]]] = {}
    for _ in range(ROUNDS):
        keys = [chance.randbytes(20) for _ in range(KEYS)]
        for making in (generating, matching, building, parsing):
            rows = making(keys)
            for name, (work, inputs) in rows.items():
                begin = time.perf_counter()
                for one in inputs:
                    work(one)
                spent = time.perf_counter() - begin
                times.setdefault(str(making.__doc__), {}).setdefault(name, []).append(spent / KEYS)
    for title, rows_of in times.items():
        print(f"\n{title}")
        limit = next(iter(rows_of.values()))
        for name, spent_in in rows_of.items():
            ratio = statistics.median(one / least for one, least in zip(spent_in, limit, strict=True))
            print(f"  {name:<42} {ratio:6.2f} x limit   {statistics.median(spent_in) * 1e6:8.2f} us")


if __name__ == "__main__":
    main()
