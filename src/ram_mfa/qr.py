# SPDX-License-Identifier: Apache-2.0
"""A key URI as a QR code: for a page (SVG), a mail or an API (PNG), or a terminal.

ISO/IEC 18004:2015 (https://www.iso.org/standard/62021.html): error correction level M or better, a quiet zone of
four modules on each side. segno makes the symbol (extra ``qr``); this room gives it colours that scan everywhere.

The rule of the room: a picture of a secret is the secret. What is returned is a str or bytes with a blank repr that
refuses to be pickled; title and label never hold any of the text; every colour is named, so that the symbol stays
dark on light on a dark page and in a dark terminal (many readers refuse an inverted one).
"""

from __future__ import annotations

import html
import io

import segno

from ._secret import SecretBytes, SecretText
from .otp import KeyURI

# The quiet zone of ISO/IEC 18004, in modules.
_BORDER = 4
# Pixels along a module's side, where the page does not say otherwise.
_SVG_SCALE = 4
# What version 40 holds at level M in byte mode; in it, every text that is ASCII fits.
_MAX_CHARACTERS = 2331
# Entries 16 and 231 of the 256-colour palette are black and white in every theme; the first 16 are the theme's own.
_DARK_ON_LIGHT = "\x1b[38;5;16;48;5;231m"
_RESET = "\x1b[0m"
# (upper module is dark, lower module is dark) -> one character cell
_HALVES = {(False, False): " ", (True, False): "\u2580", (False, True): "\u2584", (True, True): "\u2588"}


def svg(text: str | KeyURI, *, label: str = "QR code") -> str:
    """Return an ``<svg>`` element to put into a page.

    Black modules on a white ground of its own, whatever the page's colours or ``currentColor`` are. No style
    attribute and no script: a strict content security policy shows it too. Give it another size by CSS.

    Args:
        text: the key URI, or any printable ASCII text.
        label: what a screen reader says; in the page's language, and never anything of ``text``.

    Raises:
        ValueError: the text is empty, not printable ASCII, or longer than 2,331 characters.
    """
    symbol = _symbol(text)
    width, height = symbol.symbol_size(scale=_SVG_SCALE, border=_BORDER)
    file = io.BytesIO()
    symbol.save(
        file, kind="svg", scale=_SVG_SCALE, border=_BORDER, dark="#000", light="#fff", title=label,
        xmldecl=False, nl=False, omitsize=True, svgclass=None, lineclass=None,
    )  # fmt: skip
    # segno knows a title, but no role; a role and a label are what screen readers agree on.
    drawn = file.getvalue().decode().removeprefix("<svg ")
    named = (
        f'role="img" aria-label="{html.escape(label)}" width="{width}" height="{height}" shape-rendering="crispEdges"'
    )
    return SecretText(f"<svg {named} {drawn}")


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
    _symbol(text).save(file, kind="png", scale=scale, border=_BORDER, dark="#000", light="#fff")
    return SecretBytes(file.getvalue())


def terminal(text: str | KeyURI) -> str:
    """Return lines to print in a terminal of 256 colours: two modules, one above the other, in each cell.

    It scans on a dark and on a light background. A key URI takes 45 to 80 columns and half as many lines.

    Args:
        text: the key URI, or any printable ASCII text.

    Raises:
        ValueError: the text is empty, not printable ASCII, or longer than 2,331 characters.
    """
    rows = [[module == 1 for module in row] for row in _symbol(text).matrix_iter(border=_BORDER)]
    # A symbol's side is odd: the lowest line of cells gets a light lower half.
    rows.append([False] * len(rows[0]))
    lines = (
        "".join(_HALVES[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(rows[::2], rows[1::2], strict=True)
    )
    return SecretText("\n".join(f"{_DARK_ON_LIGHT}{line}{_RESET}" for line in lines) + "\n")


def _symbol(text: str | KeyURI) -> segno.QRCode:
    """Return the smallest symbol that holds the text at level M, raised to a better level where that costs nothing."""
    written = str(text)
    if not (written.isascii() and written.isprintable() and written):
        raise ValueError("a QR code here holds printable ASCII: percent-encode the rest of a URI")
    if len(written) > _MAX_CHARACTERS:
        raise ValueError(f"{len(written)} characters do not fit into a QR code: at most {_MAX_CHARACTERS} do")
    return segno.make_qr(written, error="m", encoding="iso-8859-1")
