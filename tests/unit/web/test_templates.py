# SPDX-License-Identifier: Apache-2.0
"""The templates of the pages: one set, in what Jinja and Django's language share."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from ram_mfa import Administrator, DevicePolicy, KindRule, OpenAccount, Operation
from ram_mfa.testing import enrolled, enrolled_key
from ram_mfa.web import SiteSettings, lay_out
from ram_mfa.web.rendering import Renderer
from tests.support.web_visitor import Visitor, site_of

FOLDER = files("ram_mfa.web").joinpath("templates", "ram_mfa")
NAMES = sorted(one.name for one in FOLDER.iterdir())
ALLOWED = [
    r"extends base",
    r'include "ram_mfa/\w+\.html"',
    r"block content",
    r"endblock",
    r"if \w+(\.\w+)*",
    r"else",
    r"endif",
    r"for \w+(, \w+)? in \w+(\.\w+)*",
    r"endfor",
]
HOSTILE = "\"'><b>&amp;{{ 7 }}</b>"


class DOM(HTMLParser):
    """The elements, attributes and texts of a page, without the white space between them."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.parts = []
        self.open = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.parts.append((tag, sorted(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        self.parts.append(("/", tag))

    def handle_data(self, data):
        if data.strip():
            self.parts.append(" ".join(data.split()))


def pages():
    """Every step there is, with hostile names and both languages."""
    site = site_of(devices=DevicePolicy(rule=KindRule.ANY_MIX, max_devices=3))
    for name in site.users:
        site.mfa.perform(name, OpenAccount(required=True, by=Administrator("root")))
    phone, admin = enrolled(site.mfa, "alice", name=HOSTILE), enrolled(site.mfa, "root")
    enrolled_key(site.mfa, "alice", name="Key")
    for language in ("en", "zh-CN"):
        headers = {"accept-language": language, "accept": "text/html", "user-agent": HOSTILE}
        new, alice = Visitor(site, headers=headers), Visitor(site, headers=headers)
        yield new.get("logon").page
        yield new.password("bob").page
        yield new.get("enrol", {"kind": "virtual"}).page
        yield new.get("enrol", {"kind": "security_key"}).page
        site.clock.advance(90)
        page = alice.password("alice", following="/").page
        yield page
        wrong = alice.send(page, {"mfa_code": "000000"}).page
        yield wrong
        alice.send(wrong, {"mfa_code": phone.code_at(site.clock() + 30), "mfa_remember": "yes"})
        site.clock.advance(90)
        page = alice.get("devices").page
        yield page
        yield alice.require(Operation("x", HOSTILE), fields=[(HOSTILE, HOSTILE)]).page
        root = Visitor(site, headers=headers)
        root.send(root.password("root").page, {"mfa_code": admin.code_at(site.clock() + 30)})
        page = root.get("account", {"user": "alice", "done": "required"}).page
        yield page
        yield root.send(page, {"do": "reset"}).page
        site.clock.advance(90)


@pytest.fixture(scope="module")
def all_pages():
    return list(pages())


class TestTemplates:
    @pytest.mark.parametrize("name", NAMES)
    def test_stay_in_the_common_subset(self, name):
        """A template uses only tags that both languages have and read alike, and no filter but safe, on the QR code."""
        text = FOLDER.joinpath(name).read_text(encoding="utf-8")
        for tag in re.findall(r"{%\s*(.*?)\s*%}", text):
            assert any(re.fullmatch(one, tag) for one in ALLOWED), tag
        for value in re.findall(r"{{\s*(.*?)\s*}}", text):
            assert re.fullmatch(r"\w+(\.\w+)*", value) or value == "block.qr|safe", value
        assert "{#" not in text
        assert not re.search(r"\son\w+=|style=|javascript:", text)

    def test_both_languages_render_the_same(self, all_pages):
        """Jinja and Django render every page to the same elements, attributes and texts."""
        engine = pytest.importorskip("django.template").Engine
        context = pytest.importorskip("django.template").Context
        folder = str(files("ram_mfa.web").joinpath("templates"))
        django = engine(dirs=[folder], string_if_invalid="UNDEFINED NAME %s", builtins=[], libraries={})
        renderer = Renderer(SiteSettings())
        template = django.get_template("ram_mfa/page.html")
        for page in all_pages:
            one = template.render(context({"page": lay_out(page), "base": "ram_mfa/base.html"}))
            other = renderer.render(page)
            assert "UNDEFINED NAME" not in one
            assert DOM(one).parts == DOM(other).parts

    def test_say_their_language_and_one_heading(self, all_pages):
        """Every page says its language, has one h1, one main and a way out, and labels every field."""
        renderer = Renderer(SiteSettings())
        for page in all_pages:
            dom = DOM(renderer.render(page))
            tags = [part for part in dom.parts if isinstance(part, tuple) and part[0] != "/"]
            names = [tag for tag, _ in tags]
            assert ("lang", page.words.language) in dict(tags)["html"]
            assert (names.count("h1"), names.count("main")) == (1, 1)
            assert page.links
            ids = [dict(attributes)["id"] for _, attributes in tags if "id" in dict(attributes)]
            assert len(ids) == len(set(ids))
            labelled = {dict(attributes)["for"] for tag, attributes in tags if tag == "label"}
            shown = [
                dict(attributes)
                for tag, attributes in tags
                if tag == "select" or (tag == "input" and dict(attributes)["type"] != "hidden")
            ]
            assert {one["id"] for one in shown} == labelled
            assert sum("autofocus" in one for one in shown) <= 1

    def test_ask_for_a_code_as_browsers_know_it(self, all_pages):
        """The field of a code says to browsers and phones what it is."""
        page = next(one for one in all_pages if one.step == "ask")
        html = Renderer(SiteSettings()).render(page)
        assert 'autocomplete="one-time-code" inputmode="numeric"' in html

    def test_every_step_is_among_them(self, all_pages):
        """The pages above are of every step that has HTML of its own."""
        steps = {
            "message",
            "choose_kind",
            "bind_virtual",
            "bind_key",
            "ask",
            "step_up",
            "devices",
            "account",
            "confirm",
        }
        assert {page.step for page in all_pages} == steps

    def test_a_base_of_its_own_needs_a_loader(self):
        """A base template of the application's without a loader is found before the first page."""
        with pytest.raises(ValueError, match="loader"):
            Renderer(SiteSettings(base="site.html"))
