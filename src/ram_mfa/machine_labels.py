# SPDX-License-Identifier: Apache-2.0
"""Labels for machines to be remembered, read out of what a browser calls itself: "Chrome on Windows".

A label only helps a person to recognise a machine in a list. Nothing is decided by it: a browser says what it likes
(RFC 9110 section 10.1.5, https://www.rfc-editor.org/rfc/rfc9110#section-10.1.5).
"""

from __future__ import annotations

from typing import Any, Final

UNKNOWN_MACHINE: Final = "Unknown browser"
_MAX_USER_AGENT: Final = 1_024
"""Characters that are searched; what stands behind them is ignored."""

_BROWSERS: Final = (
    ("edg/", "Edge"),
    ("edga/", "Edge"),
    ("edgios/", "Edge"),
    ("edge/", "Edge"),
    ("opr/", "Opera"),
    ("opios/", "Opera"),
    ("vivaldi/", "Vivaldi"),
    ("yabrowser/", "Yandex Browser"),
    ("samsungbrowser/", "Samsung Internet"),
    ("ucbrowser/", "UC Browser"),
    ("micromessenger/", "WeChat"),
    ("qqbrowser/", "QQ Browser"),
    ("firefox/", "Firefox"),
    ("fxios/", "Firefox"),
    ("crios/", "Chrome"),
    ("headlesschrome/", "Chrome"),
    ("chrome/", "Chrome"),
    ("chromium/", "Chromium"),
    ("msie ", "Internet Explorer"),
    ("trident/", "Internet Explorer"),
    ("safari/", "Safari"),
    ("curl/", "curl"),
)
"""Tokens in the order in which they decide: most browsers also name those that they descend from."""

_SYSTEMS: Final = (
    ("iphone", "iPhone"),
    ("ipad", "iPad"),
    ("android", "Android"),
    ("openharmony", "HarmonyOS"),
    ("harmonyos", "HarmonyOS"),
    ("cros ", "ChromeOS"),
    ("windows", "Windows"),
    ("mac os x", "macOS"),
    ("macintosh", "macOS"),
    ("linux", "Linux"),
)


def machine_label(user_agent: str | None) -> str:
    """Return a label for a machine by its ``User-Agent`` header: never empty, and short enough for ``remember=``.

    Args:
        user_agent: the header as the browser sent it; None or any nonsense gives a label too.
    """
    agent: Any = user_agent
    if not isinstance(agent, str):
        return UNKNOWN_MACHINE
    agent = agent[:_MAX_USER_AGENT].lower()
    browser = next((name for token, name in _BROWSERS if token in agent), "")
    system = next((name for token, name in _SYSTEMS if token in agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or UNKNOWN_MACHINE
