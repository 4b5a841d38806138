# SPDX-License-Identifier: Apache-2.0
"""Origins that are not the one asked for, by the way in which a careless comparison takes them for it.

Each list is of texts that a client could claim; none is ``https://login.example.com``, and none may be accepted where
that one is allowed. Sources: requirement V27 and the libraries named there, RFC 6454, the URL Standard's host parser,
UTS 39 (confusables).
"""

from __future__ import annotations

GOOD_HOST = "login.example.com"
GOOD = f"https://{GOOD_HOST}"
PRIVATE_LABEL = "example.com"

_CONFUSABLES = {
    "l": "ⅼӏ1Iｌ",
    "o": "οо0ｏօ",
    "g": "ɡｇ",
    "i": "іｉı",
    "n": "ｎո",
    "e": "еｅ",
    "x": "хｘ",
    "a": "аɑａ",
    "m": "ｍ",
    "p": "рｐ",
    "c": "сｃϲ",
    ".": "。．｡․",
}
_INVISIBLE = (
    "\u00ad",
    "\u200b",
    "\u200d",
    "\u2060",
    "\ufeff",
    "\u00a0",
    "\u3000",
    " ",
    "\t",
    "\n",
    "\r",
    "\0",
    "\x1f",
    "\x7f",
)


def _each(text: str, change) -> list[str]:
    """Change one character after the other."""
    return [text[:at] + new + text[at + 1 :] for at, old in enumerate(text) for new in change(old) if new != old]


def hostile_origins() -> dict[str, list[str]]:
    """Return the lists by the kind of attack."""
    evil = "evil.test"
    around = [
        f"evil{GOOD_HOST}",
        f"evil-{GOOD_HOST}",
        f"{GOOD_HOST}.{evil}",
        f"{GOOD_HOST}-{evil}",
        f"{GOOD_HOST}{evil}",
        f"{GOOD_HOST}evil",
        f"{GOOD_HOST}.evil",
        f"{GOOD_HOST}m",
        f"{evil}.{GOOD_HOST}",
        f"a.{GOOD_HOST}",
        f"a.b.{GOOD_HOST}",
        f"www.{GOOD_HOST}",
        f"login.{GOOD_HOST}",
        f"_.{GOOD_HOST}",
        f"-.{GOOD_HOST}",
        "example.com",
        "www.example.com",
        "logout.example.com",
        "com",
        "login",
        "login.example",
        "login.example.org",
        "login.example.co",
        "login.example.com.au",
        "loginexample.com",
        "login-example.com",
        "login_example.com",
        "login.examplecom",
        "login.example.net",
        "ogin.example.com",
        "n.example.com",
        "login.com",
        "example.login.com",
        "com.example.login",
        "login.evil.com",
        "login.evil-example.com",
        "login.evilexample.com",
        f"{evil}",
        f"{evil}.example.com",
        "localhost",
        "login.example.localhost",
    ]
    return {
        "suffix, prefix, parent, sibling": [f"https://{host}" for host in around],
        "each character of the host dropped, doubled or changed": [
            f"https://{host}"
            for host in dict.fromkeys(
                _each(GOOD_HOST, lambda old: ("",))
                + _each(GOOD_HOST, lambda old: (old * 2,))
                + _each(GOOD_HOST, lambda _: "x")
            )
        ],
        "a dot read as any character": [
            f"https://{GOOD_HOST[:at]}{new}{GOOD_HOST[at + 1 :]}"
            for at in (5, 13)
            for new in "abcdefghijklmnopqrstuvwxyz0123456789-_~!$&'()*+,;=%"
        ],
        "scheme": [
            f"{scheme}{GOOD_HOST}"
            for scheme in (
                "http://",
                "ftp://",
                "ws://",
                "wss://",
                "file://",
                "file:///",
                "blob:https://",
                "data:https://",
                "view-source:https://",
                "javascript://",
                "javascript:https://",
                "chrome-extension://",
                "moz-extension://",
                "android-app://",
                "app://",
                "https:",
                "https:/",
                "https:///",
                "https:////",
                "https:\\\\",
                "https:/\\",
                "//",
                "/",
                "",
                "://",
                "https//",
                "https;//",
                "http+s://",
                "shttp://",
                "httpss://",
                "https ://",
                "https: //",
                " https://",
                "\thttps://",
                "\nhttps://",
                "\0https://",
                "https%3a//",
                "https://https://",
                "ｈttps://",
                "httрs://",
                "http://https://",
                "https:https://",
            )
        ],
        "port": [
            f"{GOOD}{port}"
            for port in (
                ":443",
                ":80",
                ":8443",
                ":444",
                ":44",
                ":4430",
                ":0",
                ":1",
                ":00443",
                ":0443",
                ":65535",
                ":65536",
                ":65979",
                ":99999",
                ":-443",
                ":+443",
                ":443.0",
                ":4.43e2",
                ":0x1bb",
                ":443 ",
                ": 443",
                ":443:443",
                ":",
                "::",
                ":443:",
                ":４４３",
                ":٤٤٣",
                ":http",
                ":https",
                ":4294967739",
                ":443a",
                ":443/",
                ":443@evil.test",
                ":@evil.test",
                ":443\n",
            )
        ]
        + [f"http://{GOOD_HOST}{port}" for port in (":443", ":80", ":8080")],
        "user info": [
            f"https://{text}"
            for text in (
                f"user@{GOOD_HOST}",
                f"user:pw@{GOOD_HOST}",
                f"@{GOOD_HOST}",
                f":@{GOOD_HOST}",
                f"{GOOD_HOST}@{evil}",
                f"{GOOD_HOST}:443@{evil}",
                f"{GOOD_HOST}%40{evil}",
                f"{evil}@{GOOD_HOST}",
                f"{evil}:443@{GOOD_HOST}",
                f"{GOOD_HOST}@",
                f"{GOOD_HOST}@{GOOD_HOST}",
                f"a@b@{GOOD_HOST}",
                f"{evil}%40{GOOD_HOST}",
                f"{evil}\\@{GOOD_HOST}",
                f"{evil}/@{GOOD_HOST}",
                f"{evil}?@{GOOD_HOST}",
                f"{evil}#@{GOOD_HOST}",
                f"{GOOD_HOST}\\@{evil}",
                f"{GOOD_HOST}＠{evil}",
            )
        ],
        "case": ["HTTPS://" + GOOD_HOST, "Https://" + GOOD_HOST, "httpS://" + GOOD_HOST, GOOD.upper(), GOOD.title()]
        + [f"https://{host}" for host in _each(GOOD_HOST, lambda old: (old.upper(),))],
        "confusables and IDN": [f"https://{host}" for host in _each(GOOD_HOST, lambda old: _CONFUSABLES.get(old, ""))]
        + [
            f"https://{host}"
            for host in (
                "xn--login-example-com",
                "login.xn--example-.com",
                "login.xn--xample-9uf.com",
                "xn--lgin-vqa.example.com",
                "login.example.xn--cm-lka",
                "XN--LOGIN.example.com",
                "login.ex\u0061\u0301mple.com",
                "login.exa\u0300mple.com",
                "lo\u0332gin.example.com",
                "login.exam\u202eple.com",
                "\u202elogin.example.com",
                "login.example.com\u202e",
                "login.exampl\u00e9.com",
                "\u212alogin.example.com",
                "login.example.\uff43\uff4f\uff4d",
                "login.example.com\u2024",
                "login.ex\ud800ample.com",
                "login.example.com\udfff",
            )
        ],
        "invisible characters and white space": [
            text
            for invisible in _INVISIBLE
            for text in (
                invisible + GOOD,
                GOOD + invisible,
                f"https://{invisible}{GOOD_HOST}",
                f"https://login{invisible}.example.com",
                f"https://login.{invisible}example.com",
                f"https://login.exam{invisible}ple.com",
                f"https:{invisible}//{GOOD_HOST}",
            )
        ],
        "dots": [
            f"https://{host}"
            for host in (
                f"{GOOD_HOST}.",
                f"{GOOD_HOST}..",
                f".{GOOD_HOST}",
                f"..{GOOD_HOST}",
                "login..example.com",
                "login.example..com",
                "login.example.com.:443",
                ".",
                "..",
                "...",
                "login.",
                ".com",
                f"{GOOD_HOST}%2e",
                f"{GOOD_HOST}%00",
                f"{GOOD_HOST}%00.{evil}",
            )
        ],
        "path, query, fragment": [
            f"{GOOD}{tail}"
            for tail in (
                "//",
                "/login",
                "/?",
                "?",
                "#",
                "/#",
                "?x",
                "#x",
                "/.",
                "/..",
                "/../",
                "\\",
                "/\\",
                ";",
                ";x",
                "/;",
                "%2f",
                "%2F",
                "%5c",
                "/https://evil.test",
                f"?{evil}",
                f"#{evil}",
                f"/{evil}",
                "/index.html",
                f"\\{evil}",
                f"\\.{evil}",
                f"/.{evil}",
                "|",
                "^",
                "`",
                "<",
                ">",
                '"',
                "'",
                "{}",
                "[]",
                ",https://evil.test",
                " https://evil.test",
                ";https://evil.test",
                "\nhttps://evil.test",
            )
        ],
        "percent-encoding": [
            "https://%6cogin.example.com",
            "https://login%2eexample%2ecom",
            "https://login%2Eexample.com",
        ]
        + [f"https://{GOOD_HOST[:at]}%{ord(GOOD_HOST[at]):02x}{GOOD_HOST[at + 1 :]}" for at in range(1, 17, 2)],
        "patterns": [
            "*",
            "https://*",
            "https://*.example.com",
            "https://*.com",
            "https://login.*",
            "https://login.*.com",
            "https://.*",
            "https://[a-z]+.example.com",
            "https://login.example.com|https://evil.test",
            ".*",
            "^https://login.example.com$",
            "https://login.example.com$",
            "^https://login.example.com",
            "https://login\\.example\\.com",
            "https://?ogin.example.com",
            "%",
            "_",
            "https://%.example.com",
        ],
        "no origin": [
            "null",
            "undefined",
            "None",
            "none",
            "true",
            "about:blank",
            "about:srcdoc",
            "file://",
            "data:,",
            "opaque",
            "self",
            "'self'",
            GOOD_HOST,
            f"//{GOOD_HOST}",
            f"{GOOD_HOST}:443",
            "[object Object]",
            '["https://login.example.com"]',
            f"{GOOD},{GOOD}",
            f"{GOOD} {GOOD}",
            f"{GOOD};",
            f"{GOOD}{GOOD}",
            "https",
            "https:",
            "https:/",
            "https://",
            "https:///",
            "://",
            ":",
            "/",
            " ",
            "",
        ],
        "addresses": [
            f"https://{host}"
            for host in (
                "127.0.0.1",
                "127.1",
                "0x7f.1",
                "0x7f000001",
                "2130706433",
                "017700000001",
                "0.0.0.0",
                "1.2.3",
                "1.2.3.4.5",
                "256.1.1.1",
                "01.02.03.04",
                "[::1]",
                "[::ffff:127.0.0.1]",
                "[0:0:0:0:0:0:0:1]",
                "[::1%25lo]",
                "[::1",
                "::1",
                "[login.example.com]",
                "[]",
                "[v1.x]",
                "[::1]login.example.com",
                "login.example.com[::1]",
                "[::1].login.example.com",
                "1.login.example.com.2",
            )
        ],
        "apps": [
            "android:apk-key-hash:pNiP5iKyQ8JwgGOaKA1zGPUPJIS-0H1xKCQcfIoGLck",
            "android:apk-key-hash:",
            "android:com.example.login",
            "ios:bundle-id:com.example.login",
            "ios:bundle-id:",
            "android:apk-key-hash-sha256:x",
            f"android:apk-key-hash:{GOOD}",
            f"ios:bundle-id:{GOOD_HOST}",
            "ANDROID:APK-KEY-HASH:x",
        ],
        "length": [
            "https://" + "a" * 300 + ".example.com",
            f"https://{'a.' * 200}{GOOD_HOST}",
            GOOD + "m" * 5000,
            "https://" + "a" * 64 + ".com",
        ],
    }


def all_hostile_origins() -> list[str]:
    """Return every text of `hostile_origins`, once each."""
    return list(dict.fromkeys(text for texts in hostile_origins().values() for text in texts))
