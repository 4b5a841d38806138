# SPDX-License-Identifier: Apache-2.0
"""A small mutation fuzzer: the same seed gives the same inputs, in every run and on every machine.

`mutations` makes inputs out of good ones, `drive` feeds them to a parser and lets only the documented errors pass.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import attrs

from ram_mfa.errors import MalformedMessage, VerificationError

INTERESTING = bytes(
    (0x00, 0x01, 0x04, 0x05, 0x20, 0x22, 0x2F, 0x30, 0x5C, 0x7B, 0x7F, 0x80, 0x81, 0x82, 0x84, 0xFE, 0xFF)
)


def mutations(seed_inputs: Sequence[bytes], count: int, seed: int) -> Iterator[bytes]:
    """Yield ``count`` inputs, each made from one of ``seed_inputs`` by one to four small damages."""
    rng = random.Random(seed)
    seeds = [bytes(one) for one in seed_inputs]
    for _ in range(count):
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
            data = rng.choice(_DAMAGES)(rng, data, seeds)
        yield bytes(data)


def _span(rng: random.Random, data: bytearray) -> tuple[int, int]:
    start = rng.randrange(len(data) + 1)
    return start, min(len(data), start + rng.choice((1, 1, 2, 4, 8, 32, 128)))


def _flip(rng, data, seeds):
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data


def _set(rng, data, seeds):
    if data:
        data[rng.randrange(len(data))] = rng.choice(INTERESTING)
    return data


def _nudge(rng, data, seeds):
    """Lengths are off by one more often than by anything else."""
    if data:
        at = rng.randrange(len(data))
        data[at] = (data[at] + rng.choice((-2, -1, 1, 2))) & 0xFF
    return data


def _insert(rng, data, seeds):
    at = rng.randrange(len(data) + 1)
    data[at:at] = rng.choice(INTERESTING).to_bytes(1, "big") * rng.choice((1, 1, 2, 4, 300))
    return data


def _delete(rng, data, seeds):
    start, end = _span(rng, data)
    del data[start:end]
    return data


def _repeat(rng, data, seeds):
    start, end = _span(rng, data)
    data[start:start] = data[start:end] * rng.choice((1, 2, 40))
    return data


def _cut(rng, data, seeds):
    return data[: rng.randrange(len(data) + 1)]


def _extend(rng, data, seeds):
    return data + rng.randbytes(rng.choice((1, 2, 16)))


def _splice(rng, data, seeds):
    other = rng.choice(seeds)
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def _scramble(rng, data, seeds):
    start, end = _span(rng, data)
    data[start:end] = rng.randbytes(end - start)
    return data


_DAMAGES = (
    _flip,
    _flip,
    _flip,
    _set,
    _set,
    _nudge,
    _nudge,
    _insert,
    _delete,
    _repeat,
    _cut,
    _extend,
    _splice,
    _scramble,
)


@attrs.frozen
class Driven:
    """What driving a parser showed.

    Attributes:
        tried: how many inputs it was given.
        accepted: those that it took.
        slowest: the input that took longest.
        seconds: how long that one took, of this thread's own time.
    """

    tried: int
    accepted: tuple[bytes, ...]
    slowest: bytes
    seconds: float

    def __str__(self) -> str:
        return (
            f"{self.tried:,} inputs, {len(self.accepted):,} accepted; the slowest took {self.seconds * 1e6:.0f} us: "
            f"{len(self.slowest)} bytes, {self.slowest[:48].hex()}"
        )


def drive(parse: Callable[[bytes], object], inputs: Iterable[bytes]) -> Driven:
    """Give each input to ``parse``; any error that is not documented ends the drive, with the input in its notes.

    The time is kept and not judged.
    """
    tried, accepted, slowest, longest = 0, [], b"", 0.0
    for data in inputs:
        tried += 1
        start = time.thread_time()
        try:
            parse(data)
        except (MalformedMessage, VerificationError):
            pass
        except Exception as error:
            error.add_note(f"input: {data.hex()}")
            raise
        else:
            accepted.append(data)
        took = time.thread_time() - start
        if took > longest:
            slowest, longest = data, took
    return Driven(tried, tuple(accepted), slowest, longest)
