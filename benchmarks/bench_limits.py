# SPDX-License-Identifier: Apache-2.0
"""The most CPU that one message of each kind can cost, found by search, beside one ECDSA P-256 verification.

``python -m benchmarks.bench_limits [seconds]``. The search begins with the inputs of `tests.support.limits`, which are
built to be expensive and at the kind's size limit, and mutates the worst one found so far (slices repeated, moved,
cut, bytes changed) for that many seconds (2) a kind. Each row shows the worst thread time of the kind in milliseconds
and as a ratio to one verification, both the best of three runs of the same input in this process. Nothing is judged
here; docs/limits.md holds a table of these figures.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from ram_mfa.attestation_certificates import certificates, public_keys
from ram_mfa.signatures import cose
from tests.support.limits import KINDS, REFUSALS, Kind

RUNS = 3


def cost(read: Callable[[Any], object], message: object) -> float:
    """Return the thread time of reading a message, in seconds: the best of three, no caches warm."""
    best = float("inf")
    for _ in range(RUNS):
        for cache in (certificates._parse, public_keys.load_certificate_key, cose.load_public_key):
            cache.cache_clear()
        start = time.thread_time()
        try:
            read(message)
        except REFUSALS:
            pass
        except ValueError:  # user ids: the application's own argument
            pass
        best = min(best, time.thread_time() - start)
    return best


def mutated(message: Any, limit: int, chance: random.Random) -> Any:
    """Return a neighbour of a message, no longer than its limit."""
    if not message:
        return message
    start, end = sorted(chance.choices(range(len(message) + 1), k=2))
    piece, kind = message[start:end], chance.randrange(5)
    if kind == 0:
        end = min(end, start + 64)
        piece = message[start:end]
        message = message[:start] + piece * (limit // max(1, len(piece))) + message[end:]
    elif kind == 1:
        message = message[:start] + message[end:]
    elif kind == 2:
        at = chance.randrange(len(message) + 1)
        message = message[:at] + piece + message[at:]
    elif kind == 3 and isinstance(message, bytes):
        message = message[:start] + bytes((chance.randrange(256),)) + message[start + 1 :]
    elif kind == 3:
        message = message[:start] + chance.choice('[]{}",:0123456789.-\\ue%&=') + message[start + 1 :]
    else:
        message = message[:start] + piece[::-1] + message[end:]
    return message[:limit]


def search(kind: Kind, seconds: float) -> tuple[float, int]:
    """Return the worst cost found, in seconds, and how many inputs were tried."""
    chance = random.Random(0)
    costs = sorted(((cost(kind.read, one), at, one) for at, one in enumerate(kind.candidates())), reverse=True)[:8]
    tried, end = len(costs), time.monotonic() + seconds
    while time.monotonic() < end:
        _, _, parent = chance.choice(costs)
        child = mutated(parent, kind.limit, chance)
        tried += 1
        costs = sorted([*costs, (cost(kind.read, child), tried + 1_000, child)], reverse=True)[:8]
    return costs[0][0], tried


def main(seconds: float) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    scheme = ec.ECDSA(hashes.SHA256())
    signature, public = key.sign(b"data", scheme), key.public_key()
    unit = min(cost(lambda _: public.verify(signature, b"data", scheme), None) for _ in range(100))
    print(f"one ECDSA P-256 verification: {unit * 1e6:.0f} us\n")
    print(f"{'message':32} {'limit':>8} {'ms':>8} {'ratio':>8} {'inputs':>8}")
    for kind in KINDS:
        worst, tried = search(kind, seconds)
        print(f"{kind.name:32} {kind.limit:8,} {worst * 1e3:8.2f} {worst / unit:8.0f} {tried:8,}", flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 2)
