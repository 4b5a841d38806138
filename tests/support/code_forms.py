# SPDX-License-Identifier: Apache-2.0
"""Some 600 ways to type one code, as people, keyboards and attackers produce them (requirement O18).

Each is named ``same: ...`` where it is the same attempt as the code itself, or ``refused: ...`` where it is no code at
all. None is another code of the right length, which would be another guess.
"""

from __future__ import annotations

import functools
import sys
import unicodedata

ASCII_WHITE_SPACE = {
    "space": " ",
    "tab": "\t",
    "line feed": "\n",
    "carriage return": "\r",
    "vertical tab": "\v",
    "form feed": "\f",
}
LETTERS_LIKE_DIGITS = "OoQDlI|iZzESsGbTBgqe"
DASHES = "\u00ad\u058a\u05be\u1806\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2e3a\u301c\ufe58\ufe63\uff0d"
OTHER_SEPARATORS = "_.,;:/\\'\"`|+*~^&#@!?=$%<>()[]{}\u00b7\u2022\u2027\u30fb\u2044\u2219"
SIGNS = "+-\u00b1\u2212\uff0b\uff0d\u2795\u2796\ufe62\ufe63"
NUMBER_FORMS = {
    "circled": "\u24ea\u2460\u2461\u2462\u2463\u2464\u2465\u2466\u2467\u2468",
    "superscript": "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079",
    "subscript": "\u2080\u2081\u2082\u2083\u2084\u2085\u2086\u2087\u2088\u2089",
    "roman": "\u2188\u2160\u2161\u2162\u2163\u2164\u2165\u2166\u2167\u2168",
    "ideographic": "\u3007\u4e00\u4e8c\u4e09\u56db\u4e94\u516d\u4e03\u516b\u4e5d",
}


STRANGERS = "\0\x07\x08\x1b\x7f\u034f\u115f\u3164\ufe0f\u20e3\u0301\ud800"


@functools.cache
def _invisible() -> list[str]:
    """White space and format characters that are not ASCII's white space; tags and hieroglyphs' joiners left out."""
    return [
        character
        for character in map(chr, range(0x13000))
        if (character.isspace() or unicodedata.category(character) in {"Cf", "Zl", "Zp", "Zs"})
        and character not in ASCII_WHITE_SPACE.values()
    ]


@functools.cache
def _digits_of_scripts() -> dict[str, str]:
    """The ten digits of every script that has its own, by the script's name."""
    zeros = [
        character
        for character in map(chr, range(0x80, sys.maxunicode + 1))
        if unicodedata.category(character) == "Nd" and unicodedata.decimal(character) == 0
    ]
    return {
        unicodedata.name(zero).lower().replace(" digit zero", ""): "".join(
            chr(ord(zero) + value) for value in range(10)
        )
        for zero in zeros
    }


def code_forms(code: str) -> list[tuple[str, str]]:
    """Return (name, typed text) for each form of ``code``, which is six to eight ASCII digits."""
    table = [*_same(code), *_spaced(code), *_scripts(code), *_wrapped(code), *_lengths(code)]
    assert len({typed for _, typed in table}) == len(table), "a form stands in the table twice"
    return table


def _same(code: str) -> list[tuple[str, str]]:
    middle = len(code) // 2
    rows = [("same: plain", code)]
    for name, space in ASCII_WHITE_SPACE.items():
        rows += [(f"same: {name} before", space + code), (f"same: {name} behind", code + space)]
        rows += [(f"same: {name} around", space + code + space), (f"same: two of {name} behind", code + space * 2)]
    rows += [
        ("same: a pasted line", code + "\r\n"),
        ("same: white space of all kinds around", " \t\n" + code + "\v\f\r"),
        ("same: groups, white space around", f"\t{code[:middle]} {code[middle:]}\n"),
        ("same: every digit apart by spaces", " ".join(code)),
        ("same: every digit apart by hyphens", "-".join(code)),
        ("same: spaces and a hyphen", f"{code[0]} {code[1:middle]}-{code[middle:]}"),
        ("same: hyphens and a space", f"{code[0]}-{code[1:middle]} {code[middle:]}"),
    ]
    for at in range(1, len(code)):
        rows += [(f"same: a space after digit {at}", f"{code[:at]} {code[at:]}")]
        rows += [(f"same: a hyphen after digit {at}", f"{code[:at]}-{code[at:]}")]
    return rows


def _spaced(code: str) -> list[tuple[str, str]]:
    """White space, invisible characters, dashes and separators that do not belong."""
    middle = len(code) // 2
    left, right = code[:middle], code[middle:]
    rows = []
    strangers = [*_invisible(), *STRANGERS]
    for character in strangers:
        name = f"U+{ord(character):04X}"
        rows += [
            (f"refused: {name} before", character + code),
            (f"refused: {name} behind", code + character),
            (f"refused: {name} inside", left + character + right),
        ]
    for character in dict.fromkeys(DASHES + OTHER_SEPARATORS):
        if character not in strangers:
            rows += [(f"refused: U+{ord(character):04X} inside", left + character + right)]
    for name, space in ASCII_WHITE_SPACE.items():
        if space != " ":
            rows += [(f"refused: {name} inside", left + space + right)]
    rows += [
        ("refused: two spaces inside", f"{left}  {right}"),
        ("refused: two hyphens inside", f"{left}--{right}"),
        ("refused: a space and a hyphen inside", f"{left} -{right}"),
        ("refused: a hyphen between spaces", f"{left} - {right}"),
        ("refused: an underscore between all", "_".join(code)),
        ("refused: a hyphen behind", code + "-"),
        ("refused: a hyphen and a space behind", code + "- "),
        ("refused: a space and a hyphen behind", code + " -"),
        ("refused: two hyphens before", "--" + code),
    ]
    return rows


def _scripts(code: str) -> list[tuple[str, str]]:
    """The digits of every script that has them, full-width ones among them, and other forms of numbers."""
    rows = []
    for name, forms in {**_digits_of_scripts(), **NUMBER_FORMS}.items():
        rows += [
            (f"refused: {name} digits", "".join(forms[int(digit)] for digit in code)),
            (f"refused: one {name} digit", forms[int(code[0])] + code[1:]),
        ]
    for letter in LETTERS_LIKE_DIGITS:
        rows += [(f"refused: the letter {letter} for a digit", code[:1] + letter + code[2:])]
    return rows


def _wrapped(code: str) -> list[tuple[str, str]]:
    """Signs, and what programs take for numbers or text."""
    rows = []
    for sign in dict.fromkeys(SIGNS):
        rows += [(f"refused: the sign U+{ord(sign):04X}", sign + code)]
        rows += [(f"refused: the sign U+{ord(sign):04X} behind a space", f" {sign}{code}")]
    for before, behind in (
        *(("0x", ""), ("0o", ""), ("0b", ""), ("0d", ""), ("#", ""), ("$", ""), ("=", ""), ("~", ""), ("\\", "")),
        *(("", ".0"), ("", "."), ("", "e0"), ("", "E+0"), ("", "L"), ("", "j"), ("", "n"), ("", "%"), ("", ";")),
        *(("'", "'"), ('"', '"'), ("`", "`"), ("(", ")"), ("[", "]"), ("{", "}"), ("<", ">"), ("b'", "'"), ("[", ",]")),
        *(("code ", ""), ("OTP:", ""), ("", " or 1=1"), ("", "'--"), ("", "\r\nSet-Cookie: a=b"), ("", "\\n")),
        *(("%20", ""), ("", "%00"), ("&nbsp;", ""), ("", "<br>"), ("{{", "}}"), ("${", "}"), ("%", "d")),
    ):
        rows += [(f"refused: {before}...{behind!r}", before + code + behind)]
    rows += [
        ("refused: as escapes of a URI", "".join(f"%{ord(digit):02X}" for digit in code)),
        ("refused: as entities of HTML", "".join(f"&#{ord(digit)};" for digit in code)),
        ("refused: as escapes of JSON", "".join(f"\\u{ord(digit):04x}" for digit in code)),
        ("refused: in hexadecimal", f"{int(code) + 0xA000000:x}"),
    ]
    return rows


def _lengths(code: str) -> list[tuple[str, str]]:
    """Too little and too much."""
    rows = [(f"refused: the first {size} digits", code[:size]) for size in range(len(code))]
    rows += [(f"refused: the last {size} digits", code[-size:]) for size in range(2, len(code))]
    rows += [
        ("refused: a zero before", "0" + code),
        ("refused: zeros before", "0000" + code),
        ("refused: a zero behind", code + "0"),
        ("refused: twice", code + code),
        ("refused: twice, apart", f"{code} {code}"),
        ("refused: two in lines", f"{code}\n{code}"),
        ("refused: two in a list", f"{code},{code}"),
        ("refused: a thousand digits", code[0] * 1000),
        ("refused: a page of spaces before", " " * 1000 + code),
        ("refused: a page of spaces behind", code + " " * 1000),
        *((f"refused: nothing but {name}", space * len(code)) for name, space in ASCII_WHITE_SPACE.items()),
        ("refused: nothing but hyphens", "-" * len(code)),
        ("refused: words", "verify"),
        ("refused: None", "None"),
        ("refused: not a number", "NaN"),
        ("refused: infinity", "Infinity"),
    ]
    return list({typed: (name, typed) for name, typed in rows}.values())
