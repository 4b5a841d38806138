# SPDX-License-Identifier: Apache-2.0
"""A key URI as a QR code: for a page (SVG), a mail or an API (PNG), or a terminal.

ISO/IEC 18004:2015 (https://www.iso.org/standard/62021.html): error correction level M or better, a quiet zone of
four modules on each side. segno makes the symbol (extra ``qr``); this module sets colours that scan everywhere.

Invariant: an image of a secret is treated as the secret. The results are a str or bytes with a blank repr that cannot
be pickled, and title and label never hold any part of the text. Every colour is explicit, so that the symbol is dark on
light even on a dark page and in a dark terminal (many readers reject an inverted one).
"""

from __future__ import annotations

import html
import io

import segno

from ._secret import SecretBytes, SecretText
from .otp import KeyURI

# The quiet zone of ISO/IEC 18004, in modules.
_BORDER = 4
# Pixels along a module's side, unless the page overrides the size.
_SVG_SCALE = 4
# The capacity of version 40 at level M in byte mode, which encodes any ASCII text.
_MAX_CHARACTERS = 2331
# Entries 16 and 231 of the 256-colour palette are black and white in every theme; the first 16 are the theme's own.
_DARK_ON_LIGHT = "\x1b[38;5;16;48;5;231m"
_RESET = "\x1b[0m"
# (upper module is dark, lower module is dark) -> one character cell
_HALVES = {(False, False): " ", (True, False): "\u2580", (False, True): "\u2584", (True, True): "\u2588"}


def svg(text: str | KeyURI, *, label: str = "QR code") -> str:
    """Return an ``<svg>`` element for a page.

    It has black modules on a white background of its own, whatever the page's colours or ``currentColor`` are. It has
    no style attribute and no script, so it works under a strict content security policy. Change its size by CSS.

    Args:
        text: the key URI, or any printable ASCII text.
        label: the text for a screen reader, in the page's language; never any part of ``text``.

    Raises:
        ValueError: the text is empty, not printable ASCII, or longer than 2,331 characters.
    """
    symbol = _make_symbol(text)
    width, height = symbol.symbol_size(scale=_SVG_SCALE, border=_BORDER)
    file = io.BytesIO()
    symbol.save(
        file, kind="svg", scale=_SVG_SCALE, border=_BORDER, dark="#000", light="#fff", title=label,
        xmldecl=False, nl=False, omitsize=True, svgclass=None, lineclass=None,
    )  # fmt: skip
    # segno can set a title but no role; screen readers consistently support a role with a label.
    element = file.getvalue().decode().removeprefix("<svg ")
    attributes = (
        f'role="img" aria-label="{html.escape(label)}" width="{width}" height="{height}" shape-rendering="crispEdges"'
    )
    return SecretText(f"<svg {attributes} {element}")


def png(text: str | KeyURI, *, scale: int = 8) -> bytes:
    """Return a PNG file.

    Args:
        text: the key URI, or any printable ASCII text.
        scale: pixels along a module's side, 2 to 64; at 1 some readers fail.

    Raises:
        ValueError: the scale is out of bounds, or the text is empty, not printable ASCII, or longer than 2,331
            characters.
    """
    if not 2 <= scale <= 64:
        raise ValueError("scale must be 2 to 64 pixels a module")
    file = io.BytesIO()
    _make_symbol(text).save(file, kind="png", scale=scale, border=_BORDER, dark="#000", light="#fff")
    return SecretBytes(file.getvalue())


def terminal(text: str | KeyURI) -> str:
    """Return lines for a terminal with 256 colours; each cell shows two modules, one above the other.

    It scans on a dark and on a light background. A key URI takes 45 to 80 columns and half as many lines.

    Args:
        text: the key URI, or any printable ASCII text.

    Raises:
        ValueError: the text is empty, not printable ASCII, or longer than 2,331 characters.
    """
    rows = [[module == 1 for module in row] for row in _make_symbol(text).matrix_iter(border=_BORDER)]
    # A symbol has an odd number of rows, so the last line of cells gets a light lower half.
    rows.append([False] * len(rows[0]))
    lines = (
        "".join(_HALVES[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(rows[::2], rows[1::2], strict=True)
    )
    return SecretText("\n".join(f"{_DARK_ON_LIGHT}{line}{_RESET}" for line in lines) + "\n")


def _make_symbol(text: str | KeyURI) -> segno.QRCode:
    """Return the smallest symbol for the text at level M, or at a better level if the size stays the same."""
    content = str(text)
    if not (content.isascii() and content.isprintable() and content):
        raise ValueError("the text must be printable ASCII: percent-encode other characters of a URI")
    if len(content) > _MAX_CHARACTERS:
        raise ValueError(f"{len(content)} characters do not fit into a QR code: at most {_MAX_CHARACTERS} do")
    return segno.make_qr(content, error="m", encoding="iso-8859-1")
