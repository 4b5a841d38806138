# SPDX-License-Identifier: Apache-2.0
"""QR codes, read back by two readers that know nothing of this library."""

from __future__ import annotations

import copy
import io
import pickle
import re
import subprocess
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest

from tests.support import require_module, require_program

segno = pytest.importorskip("segno", reason="segno is not installed: the extra qr brings it")

from ram_mfa import qr  # noqa: E402 - behind the skip
from ram_mfa.otp import KeyURI  # noqa: E402 - likewise

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
ISSUERS = [
    "Example",
    "Example Cloud",
    "R&D=100% (a/b?c#d) +~",
    "Größe & Söhne",
    "例え話クラウド",
    "Пример Облако",
    "مثال سحابة",
    "\U0001f511 Keys \u00e9\u0301",
]
THEMES = {"dark": ((229, 229, 229), (0, 0, 0)), "light": ((51, 51, 51), (255, 255, 255))}


def uri_of(issuer: str) -> str:
    name = quote(issuer, safe="")
    return f"otpauth://totp/{name}:alice%40example?secret={SECRET}&issuer={name}"


def read_by_zbar(path: Path) -> bytes:
    zbarimg = require_program("zbarimg", "zbar-tools")
    found = subprocess.run(
        [zbarimg, "--nodbus", "-q", "--raw", "-Sdisable", "-Sqrcode.enable", "--oneshot", path],
        capture_output=True,
        check=False,
    )
    return found.stdout.removesuffix(b"\n")


def read_by_zxing(path: Path) -> bytes:
    image = require_module("PIL.Image", "pillow").open(path)
    found = require_module("zxingcpp", "zxing-cpp").read_barcodes(image)
    return b"".join(one.bytes for one in found)


def rasterised(svg: str, folder: Path) -> Path:
    """A PNG of an SVG file, drawn by librsvg."""
    drawn, source = folder / "svg.png", folder / "symbol.svg"
    source.write_text(svg, encoding="utf-8")
    subprocess.run([require_program("rsvg-convert", "librsvg2-bin"), "-o", drawn, source], check=True)
    return drawn


def shown_in_a_terminal(lines: str, theme: str, folder: Path) -> Path:
    """A PNG of what a terminal of 256 colours shows: cells of 8 by 16 pixels, with the theme all around."""
    image_of = require_module("PIL.Image", "pillow").new
    draw_on = require_module("PIL.ImageDraw", "pillow").Draw
    theme_colours = THEMES[theme]
    palette = {"16": (0, 0, 0), "231": (255, 255, 255)}
    screen = image_of("RGB", (90 * 8, 60 * 16), theme_colours[1])
    pen = draw_on(screen)
    foreground, background = theme_colours
    for y, line in enumerate(lines.splitlines(), start=2):
        x = 2
        for escape, cell in re.findall("\x1b\\[([0-9;]*)m|(.)", line):
            if not cell:
                codes = re.fullmatch(r"0|38;5;(\d+);48;5;(\d+)", escape)
                assert codes is not None
                foreground, background = (palette[codes[1]], palette[codes[2]]) if codes[1] else theme_colours
                continue
            left, top = x * 8, y * 16
            pen.rectangle((left, top, left + 7, top + 7), foreground if cell in "▀█" else background)
            pen.rectangle((left, top + 8, left + 7, top + 15), foreground if cell in "▄█" else background)
            x += 1
    path = folder / f"{theme}.png"
    screen.save(path)
    return path


class TestReadBack:
    """Byte for byte, by zbar and by zxing-cpp."""

    @pytest.mark.parametrize("issuer", ISSUERS)
    @pytest.mark.parametrize("reader", [read_by_zbar, read_by_zxing])
    def test_svg(self, issuer, reader, tmp_path):
        """A phone reads the URI from the SVG, whatever the issuer's script."""
        assert reader(rasterised(qr.svg(uri_of(issuer)), tmp_path)) == uri_of(issuer).encode()

    @pytest.mark.parametrize("issuer", ISSUERS)
    @pytest.mark.parametrize("scale", [2, 8])
    @pytest.mark.parametrize("reader", [read_by_zbar, read_by_zxing])
    def test_png(self, issuer, scale, reader, tmp_path):
        """A phone reads the URI from the PNG, at the smallest scale too."""
        path = tmp_path / "symbol.png"
        path.write_bytes(qr.png(uri_of(issuer), scale=scale))
        assert reader(path) == uri_of(issuer).encode()

    @pytest.mark.parametrize("issuer", ISSUERS)
    @pytest.mark.parametrize("theme", THEMES)
    @pytest.mark.parametrize("reader", [read_by_zbar, read_by_zxing])
    def test_terminal(self, issuer, theme, reader, tmp_path):
        """A phone reads the URI from a terminal, dark or light."""
        assert reader(shown_in_a_terminal(qr.terminal(uri_of(issuer)), theme, tmp_path)) == uri_of(issuer).encode()

    @pytest.mark.parametrize("reader", [read_by_zbar, read_by_zxing])
    def test_a_page(self, reader, tmp_path):
        """In a real browser it scans from a dark page whose style sheet gives every icon the text's colour."""
        chromium, playwright = (
            require_program("chromium", "chromium"),
            require_module("playwright.sync_api", "playwright"),
        )
        page_text = (
            "<!doctype html><meta charset=utf-8>"
            "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'nonce-page'\">"
            "<style nonce=page>body {color: white; background: black}"
            "svg {fill: currentColor; stroke: currentColor; width: 600px; height: auto}</style>"
            f"{qr.svg(uri_of('Größe'))}"
        )
        shot = tmp_path / "page.png"
        with playwright.sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page(color_scheme="dark")
            objections = []
            page.on("console", lambda message: objections.append(message.text))
            page.set_content(page_text)
            image = page.get_by_role("img", name="QR code")
            assert image.bounding_box()["width"] == 600
            page.screenshot(path=shot)
            browser.close()
        assert objections == []
        assert reader(shot) == uri_of("Größe").encode()

    def test_a_key_uri(self):
        """A KeyURI and its text give the same picture."""
        uri = KeyURI.parse(uri_of("Example"))
        assert qr.svg(uri) == qr.svg(str(uri))
        assert qr.png(uri) == qr.png(str(uri))
        assert qr.terminal(uri) == qr.terminal(str(uri))


class TestAccessible:
    def test_a_screen_reader_says_what_it_is(self):
        """The SVG is one image with one name, which may be in the page's language."""
        for text, label in (
            (qr.svg(uri_of("A")), "QR code"),
            (qr.svg(uri_of("A"), label='QR "<Code> & é"'), 'QR "<Code> & é"'),
        ):
            element = ET.fromstring(text)
            assert element.get("role") == "img"
            assert element.get("aria-label") == label
            assert element.findtext("{http://www.w3.org/2000/svg}title") == label

    def test_it_fits_any_size(self):
        """The SVG has a view box, so that a page may size it, and a size where the page does not."""
        element = ET.fromstring(qr.svg(uri_of("A")))
        side = element.get("width")
        assert side == element.get("height")
        assert element.get("viewBox") == f"0 0 {side} {side}"

    def test_every_colour_is_named(self):
        """No colour is left to the page, and a strict content security policy has nothing to object to."""
        text = qr.svg(uri_of("A"))
        assert "currentColor" not in text
        assert not re.search(r"style|script|href|class=", text.replace("http://www.w3.org/2000/svg", ""))
        assert set(re.findall('(?:fill|stroke)="([^"]*)"', text)) == {"#fff", "#000"}

    def test_quiet_zone(self):
        """Four light modules stand on each side of the symbol."""
        image = require_module("PIL.Image", "pillow").open(io.BytesIO(qr.png(uri_of("A"), scale=2))).convert("L")
        inside = image.point([255 - level for level in range(256)]).getbbox()
        assert inside == (8, 8, image.width - 8, image.height - 8)
        lines = re.sub("\x1b\\[[0-9;]*m", "", qr.terminal(uri_of("A"))).splitlines()
        assert all(line[:4] == line[-4:] == "    " for line in lines)
        assert {*lines[0], *lines[1], *lines[-2], *lines[-1]} == {" "}


class TestLimits:
    @pytest.mark.parametrize("draw", [qr.svg, qr.png, qr.terminal])
    def test_too_long(self, draw):
        """What does not fit is said in numbers, without the text."""
        longest = "otpauth://totp/" + "a" * (2331 - 15)
        assert draw(longest)
        with pytest.raises(ValueError, match=r"^2332 characters do not fit into a QR code: at most 2331 do$"):
            draw(longest + "a")

    @pytest.mark.parametrize("draw", [qr.svg, qr.png, qr.terminal])
    @pytest.mark.parametrize("text", ["", "otpauth://totp/Größe", "a\nb", "a\x00b", "\u202eabc"])
    def test_not_a_uri(self, draw, text):
        """Empty text, control characters and raw unicode are the developer's mistake: readers guess at them."""
        with pytest.raises(ValueError, match="percent-encode"):
            draw(text)

    @pytest.mark.parametrize("scale", [-1, 0, 1, 65])
    def test_scale(self, scale):
        """A PNG that some reader cannot read, or that fills the memory, is not made."""
        with pytest.raises(ValueError, match="2 to 64"):
            qr.png(uri_of("A"), scale=scale)


class TestSecrecy:
    @pytest.mark.parametrize("draw", [qr.svg, qr.png, qr.terminal])
    @pytest.mark.requirement("O20")
    def test_a_picture_of_a_secret_is_a_secret(self, draw):
        """What is returned has a blank repr, in containers and tracebacks too, and is not pickled."""
        picture = draw(uri_of("A"))
        assert repr(picture) in {"<secret text>", "<secret bytes>"}
        assert len(repr([picture])) < 20
        assert copy.deepcopy(picture) is picture
        with pytest.raises(TypeError):
            pickle.dumps(picture)

    @pytest.mark.requirement("O20")
    def test_no_word_of_the_text(self):
        """Neither the title nor the label, nor any other text of the three, holds the URI or the secret."""
        for text in (qr.svg(uri_of("A")), qr.terminal(uri_of("A")), qr.png(uri_of("A")).decode("latin-1")):
            assert SECRET not in text
            assert "otpauth" not in text
            assert "alice" not in text
