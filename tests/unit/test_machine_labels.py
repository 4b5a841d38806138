# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa import FinishLogon, TOTPCode, machine_label

MOZILLA = "Mozilla/5.0"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
WINDOWS = f"{MOZILLA} (Windows NT 10.0; Win64; x64) {WEBKIT}"
ANDROID = f"{MOZILLA} (Linux; Android 10; K) {WEBKIT}"
MAC = f"{MOZILLA} (Macintosh; Intel Mac OS X 10_15_7)"
IPHONE = f"{MOZILLA} (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"

AGENTS = {
    f"{WINDOWS} Chrome/126.0.0.0 Safari/537.36": "Chrome on Windows",
    f"{WINDOWS} Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0": "Edge on Windows",
    f"{WINDOWS} Chrome/126.0.0.0 Safari/537.36 OPR/112.0.0.0": "Opera on Windows",
    f"{MOZILLA} (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0": "Firefox on Windows",
    f"{MOZILLA} (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko": "Internet Explorer on Windows",
    f"{MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15": "Safari on macOS",
    f"{MAC} {WEBKIT} Chrome/126.0.0.0 Safari/537.36": "Chrome on macOS",
    f"{IPHONE} Version/17.5 Mobile/15E148 Safari/604.1": "Safari on iPhone",
    f"{IPHONE} CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1": "Chrome on iPhone",
    f"{ANDROID} Chrome/126.0.0.0 Mobile Safari/537.36": "Chrome on Android",
    f"{ANDROID} SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36": "Samsung Internet on Android",
    f"{ANDROID} Chrome/116.0 Mobile Safari/537.36 MicroMessenger/8.0.49": "WeChat on Android",
    f"{MOZILLA} (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0": "Firefox on Linux",
    f"{MOZILLA} (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/126.0.0.0 Safari/537.36": "Chrome on ChromeOS",
    "curl/8.8.0": "curl",
    "Something (Windows NT 10.0)": "Windows",
    "Something else": "Unknown browser",
    "": "Unknown browser",
}


@pytest.mark.requirement("W5")
class TestMachineLabel:
    @pytest.mark.parametrize(("agent", "label"), AGENTS.items(), ids=AGENTS.values())
    def test_browsers(self, agent, label):
        """A browser and its system are named, whatever else it says to be compatible with."""
        assert machine_label(agent) == label

    @pytest.mark.parametrize("nothing", [None, b"curl/8.8.0", 5, ["curl/8.8.0"]])
    def test_no_header(self, nothing):
        """Without the header, and for what is no text, there is a label too."""
        assert machine_label(nothing) == "Unknown browser"

    @given(st.text())
    def test_always_a_label(self, agent):
        """Whatever a browser sends becomes a label that can be remembered."""
        verb = FinishLogon("", TOTPCode(""), session="s" * 22, remember=machine_label(agent), password_mark="mark")
        assert verb.remember == machine_label(agent)

    def test_bounded(self):
        """Only the first 1,024 characters are searched."""
        assert machine_label("x" * (1_024 - len("Firefox/")) + "Firefox/") == "Firefox"
        assert machine_label("x" * (1_025 - len("Firefox/")) + "Firefox/") == "Unknown browser"
