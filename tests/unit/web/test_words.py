# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re

import pytest

from ram_mfa import Advice
from ram_mfa.refusals import Reason
from ram_mfa.web.words import BUILT_IN, Words, choose, languages

ENGLISH = BUILT_IN["en"]


class TestTables:
    @pytest.mark.parametrize("tag", sorted(BUILT_IN))
    def test_are_complete(self, tag):
        """Every language has every sentence, but for plural forms that it has not, and no other."""
        needed = {key for key in ENGLISH if not key.endswith(".one")}
        assert {key for key in BUILT_IN[tag] if not key.endswith(".one")} == needed

    @pytest.mark.parametrize("tag", sorted(BUILT_IN))
    def test_fill_in_the_same(self, tag):
        """Every sentence fills in what the English one does."""
        for key, sentence in BUILT_IN[tag].items():
            assert set(re.findall(r"{(\w+)}", sentence)) == set(re.findall(r"{(\w+)}", ENGLISH[key])), key

    def test_have_a_sentence_for_every_refusal(self):
        """Whatever a verb refuses has a sentence: of the reason, or of its advice."""
        for reason in Reason:
            assert f"reason.{reason.name.lower()}" in ENGLISH or f"advice.{reason.advice.name.lower()}" in ENGLISH
        assert all(f"advice.{advice.name.lower()}" in ENGLISH for advice in Advice)

    def test_chinese_differs_from_english(self):
        """No sentence was left in English."""
        same = [key for key, sentence in BUILT_IN["zh-Hans"].items() if sentence == ENGLISH[key]]
        assert same == []


class TestChoice:
    @pytest.mark.parametrize(
        ("accepted", "language"),
        [
            ("zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"),
            ("zh", "zh-Hans"),
            ("zh-SG", "zh-Hans"),
            ("zh-Hans-CN", "zh-Hans"),
            ("zh-TW,en;q=0.5", "en"),
            ("en-GB,zh;q=0.5", "en"),
            ("fr,zh-CN;q=0.2", "zh-Hans"),
            ("en;q=0,zh", "zh-Hans"),
            ("en;q=nonsense,zh-CN", "zh-Hans"),
            ("*", "en"),
            ("", "en"),
            (",,;;", "en"),
        ],
    )
    def test_follows_the_browser(self, accepted, language):
        """The language that the browser prefers among those that there are (RFC 4647 section 3.4)."""
        assert choose(languages({}), None, accepted).language == language

    def test_framework_comes_first(self):
        """The framework's choice comes before the browser's."""
        assert choose(languages({}), "zh_CN", "en").language == "zh-Hans"
        assert choose(languages({}), "fr", "zh-CN").language == "zh-Hans"

    def test_applications_words(self):
        """An application adds a language, and overrides a sentence of one that there is."""
        tables = languages({"de": {"button.confirm": "Bestätigen"}, "en": {"button.confirm": "Go"}})
        assert choose(tables, None, "de-AT").say("button.confirm") == "Bestätigen"
        assert choose(tables, None, "de").say("button.next") == "Next"
        assert choose(tables, None, "en").say("button.confirm") == "Go"


class TestSpans:
    @pytest.mark.parametrize(
        ("seconds", "english", "chinese"),
        [
            (0, "1 second", "1秒"),
            (1, "1 second", "1秒"),
            (16.2, "17 seconds", "17秒"),
            (119, "119 seconds", "119秒"),
            (120, "2 minutes", "2分钟"),
            (121, "3 minutes", "3分钟"),
            (7_200, "2 hours", "2小时"),
            (90_000, "25 hours", "25小时"),
        ],
    )
    def test_are_rounded_up(self, seconds, english, chinese):
        """A wait is rounded up, in the unit that people count in."""
        assert Words("en", ENGLISH).wait(seconds) == english
        assert Words("zh-Hans", BUILT_IN["zh-Hans"]).wait(seconds) == chinese
