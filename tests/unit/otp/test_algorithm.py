# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import copy
import pickle

import pytest

from ram_mfa.otp import Algorithm


class TestAlgorithm:
    @pytest.mark.requirement("O3")
    @pytest.mark.standard("RFC 6238 5.1", "ram_mfa.otp.Algorithm")
    def test_secret_size(self):
        """A new secret is as long as the HMAC output."""
        assert {each.value: each.secret_size for each in Algorithm} == {"SHA1": 20, "SHA256": 32, "SHA512": 64}

    @pytest.mark.parametrize("algorithm", Algorithm)
    def test_one_of_a_kind(self, algorithm):
        """A name, a copy and a pickle give the member itself."""
        assert Algorithm(algorithm.value) is algorithm
        assert copy.deepcopy(algorithm) is algorithm
        assert pickle.loads(pickle.dumps(algorithm)) is algorithm

    def test_no_others(self):
        """MD5 and the like are not known."""
        with pytest.raises(ValueError, match="MD5"):
            Algorithm("MD5")
