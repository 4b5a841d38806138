# SPDX-License-Identifier: Apache-2.0
"""TOTP: time-based codes, and the search for the time step of a code.

RFC 6238 sections 4 and 5 (https://www.rfc-editor.org/rfc/rfc6238), with T0 = 0. No clock here: the time is an
argument, in seconds since 1970-01-01 00:00 UTC. Nothing here remembers an accepted step, so a matching step is not
yet an accepted one: section 5.2 forbids a second use, which the caller checks against the record.
"""

from __future__ import annotations

import math
from hmac import compare_digest

import attrs

from .._secret import SecretBytes
from .algorithm import Algorithm
from .hotp import MAX_COUNTER, MODULUS, check_counter, check_digits, secret_bytes, snum
from .normalise import canonical_code

MAX_PERIOD = 2**31 - 1
"""The longest time step in seconds: the largest signed 32-bit number, the type in which apps store it.

The standard sets no bound. The policy's bound for a device is far lower.
"""

_LAYOUT = {6: b"%06d", 7: b"%07d", 8: b"%08d"}


@attrs.frozen(eq=False)
class TOTP:
    """A secret with its parameters, shared by a virtual MFA device and its verifier.

    Attributes:
        secret: the shared secret K: raw bytes, at least one; never in a repr or a pickle. The minimum length of a
            device's secret is checked where the device is bound.
        algorithm: the hash function.
        digits: how many digits a code has, 6 to 8.
        period: the time step X in seconds, 1 to 2^31 - 1; the device's own, never a global setting.

    Raises:
        ValueError: an argument is out of its bounds.
        TypeError: an argument is of the wrong type.
    """

    secret: SecretBytes = attrs.field(converter=secret_bytes, repr=False)
    algorithm: Algorithm = Algorithm.SHA1
    digits: int = 6
    period: int = 30

    def __attrs_post_init__(self) -> None:
        if type(self.algorithm) is not Algorithm:
            raise TypeError("the algorithm is an Algorithm")
        check_digits(self.digits)
        check_period(self.period)

    def at(self, unix_time: float) -> str:
        """Return the code at a time (section 4.2).

        Args:
            unix_time: seconds since the epoch, 0 or later.

        Raises:
            ValueError: the time is negative, not finite, or its step beyond 2^64 - 1.
        """
        return self._code(self.step(unix_time))

    def step(self, unix_time: float) -> int:
        """Return the time step T = floor(unix_time / X) (section 4.2).

        Args:
            unix_time: seconds since the epoch, 0 or later. RFC 6238 defines no time before T0.

        Raises:
            ValueError: the time is negative, not finite, or its step beyond 2^64 - 1.
        """
        if not 0 <= unix_time < math.inf:
            raise ValueError("a time is a finite number of seconds since the epoch, 0 or later")
        step = int(unix_time) // self.period
        if step > MAX_COUNTER:
            raise ValueError("the time is beyond the last step, 2^64 - 1")
        return step

    def at_step(self, step: int) -> str:
        """Return the code of a time step: HOTP(K, T) (section 4.2).

        Args:
            step: T, 0 to 2^64 - 1.

        Returns:
            ASCII digits, with leading zeros.

        Raises:
            ValueError: the step is out of these bounds.
            TypeError: the step is not an int.
        """
        check_counter(step)
        return self._code(step)

    def _code(self, step: int) -> str:
        digits = self.digits
        return str(snum(self.secret, step, self.algorithm) % MODULUS[digits]).zfill(digits)

    def match(self, code: str, *, at: float, backward: int = 1, forward: int = 1) -> int | None:
        """Return the highest time step in the window whose code equals ``code``, or None.

        The plan, each step marked below:

        1. make the code canonical; a malformed code matches nothing (requirement O18);
        2. compute the window around the step of ``at`` (sections 5.2 and 6), within 0 and 2^64 - 1;
        3. compute the code of *every* step and compare it in constant time, whether or not one matched before, so
           that neither the time nor the work reveals which one did (requirement O19);
        4. return the highest step that matched: where one code belongs to two steps, consuming the lower one would
           let it pass again (requirement O17).

        This method does not detect reuse: the caller must store the last accepted step, refuse a step that is not above
        it, and store the new step before it reports success (section 5.2).

        Args:
            code: what a person typed.
            at: the current time in seconds since the epoch, plus the device's drift where it has one.
            backward: the number of steps before the current one that are tried.
            forward: the number of steps after it that are tried.

        Raises:
            ValueError: ``backward`` or ``forward`` is negative, the time is negative or not finite, or its step
                beyond 2^64 - 1.
        """
        if backward < 0 or forward < 0:
            raise ValueError("a window reaches 0 or more steps backward and forward")
        now = self.step(at)
        digits = self.digits
        # 1. The canonical code (requirement O18)
        typed = canonical_code(code, digits)
        if typed is None:
            return None
        # 2. The window (sections 5.2 and 6)
        first = now - backward if now > backward else 0
        last = min(now + forward, MAX_COUNTER)
        # 3. Every step of it (section 5.2; RFC 4226 section 5.3)
        secret, algorithm = self.secret, self.algorithm
        layout, modulus = _LAYOUT[digits], MODULUS[digits]
        matched = None
        for step in range(first, last + 1):
            if compare_digest(layout % (snum(secret, step, algorithm) % modulus), typed):
                matched = step
        # 4. The highest that matched
        return matched


def check_period(period: int) -> None:
    """Raise TypeError or ValueError unless ``period`` is 1 to 2^31 - 1."""
    if type(period) is not int:
        raise TypeError("the period is a whole number of seconds")
    if not 1 <= period <= MAX_PERIOD:
        raise ValueError("the period is 1 to 2^31 - 1 seconds")
