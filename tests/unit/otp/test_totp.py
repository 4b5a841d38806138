# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import copy
import math
import pickle
import subprocess
from fractions import Fraction

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import ram_mfa.otp.totp
from ram_mfa._secret import SecretBytes
from ram_mfa.operations.selftest import vectors as printed
from ram_mfa.otp import TOTP, Algorithm, hotp
from ram_mfa.otp.totp import MAX_PERIOD
from tests.support import require_program, vectors

SECRET = b"12345678901234567890"
LAST_STEP = 2**64 - 1

# RFC 6238 appendix B: the seeds are the digits repeated to the length of the HMAC output, as its program has them
SEEDS = {each: (b"1234567890" * 7)[: each.secret_size] for each in Algorithm}
[_APPENDIX_B] = [one for one in printed.load("rfc")["standards"] if one["check"] == "totp"]
APPENDIX_B = [(one["time"], one["code"], Algorithm(one["algorithm"])) for one in _APPENDIX_B["vectors"]]

# Steps of SECRET that share their code with the next step or the one after it, found by search
COLLISIONS = [
    (153567, 153569, "468457"),
    (679858, 679860, "038755"),
    (910737, 910738, "911617"),
    (1300575, 1300576, "761737"),
]

parameters = st.builds(
    TOTP,
    st.binary(min_size=1, max_size=150),
    algorithm=st.sampled_from(Algorithm),
    digits=st.sampled_from([6, 7, 8]),
    period=st.integers(1, 300) | st.integers(1, MAX_PERIOD),
)


class TestTOTP:
    @pytest.mark.parametrize("digits", [-6, 0, 1, 5, 9, 10])
    @pytest.mark.requirement("O2")
    def test_digits_out_of_bounds(self, digits):
        """A generator of fewer than six digits cannot be built."""
        with pytest.raises(ValueError, match="digits is 6 to 8"):
            TOTP(SECRET, digits=digits)

    def test_frozen(self):
        """No parameter of a generator changes after the checks of its constructor."""
        generator = TOTP(SECRET)
        for field in attrs.fields(TOTP):
            with pytest.raises(attrs.exceptions.FrozenInstanceError):
                setattr(generator, field.name, getattr(generator, field.name))

    @pytest.mark.parametrize("period", [-30, 0, MAX_PERIOD + 1])
    def test_period_out_of_bounds(self, period):
        """A period is a second or more, and fits what apps keep it in."""
        with pytest.raises(ValueError, match="period"):
            TOTP(SECRET, period=period)

    @pytest.mark.parametrize(
        ("arguments", "named"),
        [
            ({"secret": "text"}, {}),
            ({"secret": 20}, {}),
            ({"secret": None}, {}),
            ({}, {"algorithm": "SHA1"}),
            ({}, {"digits": 6.0}),
            ({}, {"digits": "6"}),
            ({}, {"period": 30.0}),
            ({}, {"period": None}),
        ],
    )
    def test_wrong_types(self, arguments, named):
        """What has the wrong type is refused when it is built, not later."""
        with pytest.raises(TypeError):
            TOTP(**{"secret": SECRET, **arguments, **named})

    def test_no_secret(self):
        """An empty secret is refused: everybody has it."""
        for none in (b"", SecretBytes(b"")):
            with pytest.raises(ValueError, match="empty"):
                TOTP(none)

    @pytest.mark.requirement("O20")
    def test_secret_is_not_printed(self):
        """No repr shows the secret, before a use and after it, and no pickle holds it."""
        totp = TOTP(SECRET)
        for _ in range(2):
            for text in (repr(totp), str(totp), f"{totp}", repr(totp.secret), repr([totp])):
                assert "1234567890" not in text
                assert SECRET.hex() not in text
            with pytest.raises(TypeError, match="not pickled"):
                pickle.dumps(totp)
            totp.match(totp.at(59), at=59)
        assert isinstance(totp.secret, SecretBytes)

    def test_copy(self):
        """A copy makes the same codes."""
        for other in (copy.copy(TOTP(SECRET)), copy.deepcopy(TOTP(SECRET))):
            assert other.at(59) == TOTP(SECRET).at(59)


class TestAt:
    @pytest.mark.requirement("O5")
    @pytest.mark.standard("RFC 6238 B", "ram_mfa.otp.TOTP.at")
    @pytest.mark.parametrize(("time", "code", "algorithm"), APPENDIX_B)
    def test_appendix_b(self, time, code, algorithm):
        """The eighteen values of RFC 6238 appendix B."""
        assert TOTP(SEEDS[algorithm], algorithm, digits=8).at(time) == code

    @pytest.mark.requirement("O5")
    def test_vectors(self):
        """Every judged vector; a time before the epoch, which honest readers round differently, is refused."""
        for vector in vectors("totp"):
            if vector["type"] != "totp":
                continue
            totp = TOTP(
                bytes.fromhex(vector["secret_hex"]),
                Algorithm(vector["algorithm"]),
                digits=vector["digits"],
                period=vector["period"],
            )
            time = vector["time"]
            if time < 0:
                assert vector["policy"]
                with pytest.raises(ValueError, match="0 or later"):
                    totp.at(time)
                continue
            assert totp.step(time) == vector["counter"], vector["id"]
            assert (totp.at(time) == vector["code"]) is (vector["expected"] == "match"), vector["id"]
            if "window" in vector:
                reach, offset = vector["window"], vector["matched_step_offset"]
                expected = None if offset is None else vector["counter"] + offset
                found = totp.match(vector["code"], at=time, backward=reach, forward=reach)
                assert found == expected, vector["id"]

    @pytest.mark.requirement("O1", "O5")
    @pytest.mark.parametrize("period", [30, 60])
    @pytest.mark.parametrize("digits", [6, 7, 8])
    @pytest.mark.parametrize("algorithm", Algorithm)
    def test_a_real_program_agrees(self, algorithm, digits, period):
        """The codes of oathtool: three algorithms, three lengths, two periods, in 1970, now and in 2603."""
        oathtool = require_program("oathtool", "oathtool")
        secret = SEEDS[algorithm]
        totp = TOTP(secret, algorithm, digits, period)
        for time in (0, 59, 1_111_111_109, 1_763_956_800, 20_000_000_000):
            told = subprocess.run(
                [
                    *(oathtool, f"--totp={algorithm.value.lower()}", "-d", str(digits), "-s", f"{period}s"),
                    *("-w", "2", "-N", f"@{time}", secret.hex()),
                ],
                capture_output=True,
                check=True,
                text=True,
            )
            assert told.stdout.split() == [totp.at(time + ahead * period) for ahead in range(3)]
            assert totp.match(told.stdout.split()[1], at=time) == totp.step(time) + 1

    @pytest.mark.requirement("O5")
    @pytest.mark.standard("RFC 6238 4.2", "ram_mfa.otp.TOTP.step")
    @given(totp=parameters, time=st.integers(0, 2**70) | st.floats(0, 2e20) | st.fractions(0, 2**64))
    @example(totp=TOTP(SECRET), time=29.999999)
    @example(totp=TOTP(SECRET), time=2**32 * 30)
    @example(totp=TOTP(SECRET), time=30 * LAST_STEP + 29)
    def test_step(self, totp, time):
        """The step is the time divided by the period and rounded down, exactly, as far as 2^64 - 1."""
        exact = math.floor(Fraction(time) / totp.period)
        if exact > LAST_STEP:
            with pytest.raises(ValueError, match="beyond the last step"):
                totp.step(time)
        else:
            assert totp.step(time) == exact
            assert totp.at(time) == totp.at_step(exact)

    @pytest.mark.requirement("O5")
    @pytest.mark.standard("RFC 6238 4.2", "ram_mfa.otp.TOTP.at_step")
    @given(totp=parameters, step=st.integers(0, LAST_STEP))
    @example(totp=TOTP(SECRET), step=2**32)
    @example(totp=TOTP(SECRET), step=LAST_STEP)
    def test_code_of_a_step(self, totp, step):
        """TOTP is HOTP of the step."""
        assert totp.at_step(step) == hotp(totp.secret, step, digits=totp.digits, algorithm=totp.algorithm)

    @pytest.mark.parametrize("time", [-1, -0.001, -29.5, math.inf, -math.inf, math.nan, 30 * 2**64])
    def test_no_time(self, time):
        """A time before the epoch, beyond the last step, or no time at all is refused."""
        totp = TOTP(SECRET)
        for use in (totp.at, totp.step, lambda at: totp.match("755224", at=at)):
            with pytest.raises(ValueError, match="time"):
                use(time)

    @pytest.mark.parametrize("step", [-1, 2**64])
    def test_no_step(self, step):
        """A step is 0 to 2^64 - 1."""
        with pytest.raises(ValueError, match="2\\^64"):
            TOTP(SECRET).at_step(step)

    def test_step_of_the_wrong_type(self):
        """A step is a whole number."""
        with pytest.raises(TypeError):
            TOTP(SECRET).at_step(1.0)


class TestMatch:
    @pytest.mark.requirement("O8")
    @pytest.mark.standard("RFC 6238 5.2", "ram_mfa.otp.TOTP.match")
    @pytest.mark.standard("RFC 6238 6", "ram_mfa.otp.TOTP.match")
    @pytest.mark.parametrize("forward", [0, 1, 2])
    @pytest.mark.parametrize("backward", [0, 1, 2])
    def test_acceptance_set(self, backward, forward):
        """Of the codes of the 2,001 steps around now, exactly those of the window match, each its own step."""
        totp, now = TOTP(SECRET), 1_763_956_800 // 30
        codes = {step: totp.at_step(step) for step in range(now - 1000, now + 1001)}
        window = range(now - backward, now + forward + 1)
        by_code = {codes[step]: step for step in window}
        accepted = {}
        for step, code in codes.items():
            found = totp.match(code, at=now * 30 + 17.5, backward=backward, forward=forward)
            assert found == by_code.get(code)
            if found is not None:
                accepted[step] = found
        assert accepted == {step: step for step in window}

    @pytest.mark.requirement("O8")
    def test_default_window(self):
        """Without being told otherwise, it looks one step back and one forward."""
        totp, now = TOTP(SECRET), 50_000_000
        steps = range(now - 5, now + 6)
        found = [totp.match(totp.at_step(step), at=now * 30) for step in steps]
        assert [step for step in found if step is not None] == [now - 1, now, now + 1]

    @pytest.mark.requirement("O8")
    @given(totp=parameters, now=st.integers(0, LAST_STEP), back=st.integers(0, 3), ahead=st.integers(0, 3))
    @example(totp=TOTP(SECRET), now=0, back=3, ahead=3)
    @example(totp=TOTP(SECRET), now=1, back=3, ahead=0)
    @example(totp=TOTP(SECRET), now=LAST_STEP, back=0, ahead=3)
    @example(totp=TOTP(SECRET), now=LAST_STEP - 1, back=1, ahead=3)
    def test_against_a_search(self, totp, now, back, ahead):
        """Whatever the parameters, it finds what a search over the codes of the window finds; no step is below 0."""
        window = range(max(0, now - back), min(now + ahead, LAST_STEP) + 1)
        for step in (*window, now + ahead + 1, now - back - 1):
            if not 0 <= step <= LAST_STEP:
                continue
            code = totp.at_step(step)
            expected = max((other for other in window if totp.at_step(other) == code), default=None)
            assert totp.match(code, at=now * totp.period, backward=back, forward=ahead) == expected

    @pytest.mark.requirement("O17")
    @pytest.mark.parametrize(("lower", "higher", "code"), COLLISIONS)
    def test_collision(self, lower, higher, code):
        """Where one code belongs to two steps of the window, the higher one is found, wherever now stands."""
        totp = TOTP(SECRET)
        assert totp.at_step(lower) == totp.at_step(higher) == code
        for now in range(higher - 1, lower + 2):
            assert totp.match(code, at=now * 30) == higher
        assert totp.match(code, at=lower * 30, backward=1, forward=0) == lower

    @pytest.mark.requirement("O19")
    @pytest.mark.standard("ASVS 11.2.4", "ram_mfa.otp.TOTP.match")
    @pytest.mark.parametrize("step", [None, 8, 9, 10, 11, 12])
    def test_every_step_is_compared(self, monkeypatch, step):
        """Whichever step matches, or none, every step is computed and compared, over bytes, in one order."""
        totp = TOTP(SECRET)
        compared = []

        def compare(ours: bytes, typed: bytes) -> bool:
            assert type(ours) is type(typed) is bytes
            compared.append(ours.decode())
            return ours == typed

        monkeypatch.setattr(ram_mfa.otp.totp, "compare_digest", compare)
        code = "000000" if step is None else totp.at_step(step)
        assert totp.match(code, at=300, backward=2, forward=2) == step
        assert compared == [totp.at_step(each) for each in range(8, 13)]

    @pytest.mark.requirement("O18")
    @pytest.mark.parametrize(
        "code", ["", "94287", "9428708", "\uff19\uff14\uff12\uff18\uff17\uff10", "-42870", None, 287082]
    )
    def test_malformed(self, code):
        """A malformed code matches nothing, and nothing is raised."""
        assert TOTP(SECRET).match(code, at=59) is None

    @pytest.mark.parametrize("window", [{"backward": -1}, {"forward": -1}, {"backward": -1, "forward": 3}])
    def test_window_that_is_none(self, window):
        """A window of a negative reach is the developer's error."""
        with pytest.raises(ValueError, match="window"):
            TOTP(SECRET).match("755224", at=59, **window)

    def test_step_0_is_a_match(self):
        """The first step is found as such, although 0 is falsy."""
        assert TOTP(SECRET).match("755224", at=0) == 0
