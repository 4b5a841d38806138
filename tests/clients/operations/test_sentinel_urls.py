# SPDX-License-Identifier: Apache-2.0
"""Stores behind Redis Sentinel by URL, on a real server and a real Sentinel."""

from __future__ import annotations

import time

import pytest

from ram_mfa.__main__ import main
from tests.support import require_module
from tests.support.servers import Redis, Sentinel

require_module("redis", "redis")

UNREPLICATED = ("--replicas", "0", "--unsafe-setting", "replicas", "--unsafe-plaintext", "--quiet")


class TestSentinelURL:
    def test_finds_the_master(self, capsys):
        """The command finds the master by its name, although the first Sentinel is down, and works on the database."""
        with Redis() as master, Sentinel(master) as sentinel:
            url = f"redis+sentinel://127.0.0.1:1,127.0.0.1:{sentinel.port}/mfa/2"
            until, code = time.monotonic() + 60, 3
            while code == 3 and time.monotonic() < until:  # until the Sentinel answers
                code = main(["store", "create", "--store", url, *UNREPLICATED])
            assert code == 0
            assert "db2:keys=1" in master.ask("INFO", "keyspace")
            assert main(["store", "open", "--store", url, *UNREPLICATED]) == 0
            assert "root records: 1\n" in capsys.readouterr().out
            other = f"redis+sentinel://127.0.0.1:{sentinel.port}/other"
            assert main(["store", "open", "--store", other, *UNREPLICATED]) == 3

    @pytest.mark.parametrize(
        "url", ["redis+sentinel://h", "redis+sentinel://h/mfa/s3cret", "redis+sentinel://h/mfa?s3cret=s3cret"]
    )
    def test_refuses_what_names_no_master(self, url, capsys):
        """One line and exit code 2, which repeat nothing of the URL."""
        assert main(["store", "open", "--store", url, *UNREPLICATED]) == 2
        assert "s3cret" not in "".join(capsys.readouterr())

    def test_hides_both_passwords(self, capsys):
        """Neither the master's password nor the Sentinels' is repeated."""
        url = "redis+sentinel://mfa:s3cret@127.0.0.1:1/mfa?sentinel_password=s3cret2"
        assert main(["store", "open", "--store", url, *UNREPLICATED]) in {3, 4}
        assert "s3cret" not in "".join(capsys.readouterr())
