# SPDX-License-Identifier: Apache-2.0
"""Words of the pages: one table of sentences per language, and the choice of a language for a request.

Language tags are matched by the lookup of RFC 4647 section 3.4 (https://www.rfc-editor.org/rfc/rfc4647#section-3.4):
``zh-CN``, ``zh-SG`` and ``zh`` find ``zh-Hans``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

import attrs

from . import en, zh_hans

Table = Mapping[str, str]
BUILT_IN: Final[Mapping[str, Table]] = {"en": en.TABLE, "zh-Hans": zh_hans.TABLE}
"""The languages of this package; each has every id."""
_SIMPLIFIED: Final = {"zh", "zh-cn", "zh-sg", "zh-hans-cn", "zh-hans-sg"}
_MAX_HEADER: Final = 1_000


@attrs.frozen
class Words:
    """The words of one language.

    Attributes:
        language: its tag, for ``lang``.
        table: a sentence for each id, with ``{name}`` for what is filled in. ``ID.one`` is the form for one.
    """

    language: str
    table: Table = attrs.field(repr=False)

    def __contains__(self, key: str) -> bool:
        return key in self.table

    def say(self, key: str, **values: object) -> str:
        """Return a sentence with its values filled in; where ``count`` is 1, of the id ``KEY.one`` if there is one."""
        if values.get("count") == 1 and f"{key}.one" in self.table:
            key = f"{key}.one"
        sentence = self.table.get(key) or en.TABLE[key]
        for name, value in values.items():
            sentence = sentence.replace(f"{{{name}}}", str(value))
        return sentence

    def wait(self, seconds: float) -> str:
        """Return a span of time: in seconds below two minutes, in minutes below two hours, in hours above."""
        whole = max(1, int(seconds) + (seconds % 1 > 0))
        for unit, size in (("seconds", 1), ("minutes", 60), ("hours", 3600)):
            if whole < 120 * size or unit == "hours":
                return self.say(f"wait.{unit}", count=-(-whole // size))
        raise AssertionError

    def time(self, at: float) -> str:
        """Return a time, in UTC."""
        return self.say("time", time=datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M"))


def languages(extra: Mapping[str, Table]) -> dict[str, Table]:
    """Return the tables of all languages: the built-in ones, with an application's sentences over them."""
    tables: dict[str, Table] = dict(BUILT_IN)
    for tag, table in extra.items():
        tables[tag] = {**en.TABLE, **tables.get(tag, {}), **table}
    return tables


def choose(tables: Mapping[str, Table], chosen: str | None, accepted: str) -> Words:
    """Return the words for a request.

    Args:
        tables: as `languages` returns them.
        chosen: the tag that the framework chose; None where it chooses none.
        accepted: the header ``Accept-Language``.
    """
    known = {tag.lower(): tag for tag in tables}
    for wanted in [*([chosen] if chosen else []), *_ranges(accepted)]:
        tag = _lookup(wanted.lower().replace("_", "-"), known)
        if tag is not None:
            return Words(tag, tables[tag])
    return Words("en", tables["en"])


def _lookup(wanted: str, known: Mapping[str, str]) -> str | None:
    """Return the longest known tag that a range begins with (RFC 4647 section 3.4)."""
    if wanted in _SIMPLIFIED and wanted not in known:
        wanted = "zh-hans"
    parts = wanted.split("-")
    while parts:
        found = known.get("-".join(parts))
        if found is not None:
            return found
        parts.pop()
        if parts and len(parts[-1]) == 1:
            parts.pop()
    return None


def _ranges(header: str) -> Iterable[str]:
    """Return the language ranges of a header, the preferred first (RFC 9110 section 12.5.4)."""
    ranges: list[tuple[float, str]] = []
    for part in header[:_MAX_HEADER].split(","):
        name, _, parameters = part.strip().partition(";")
        weight = 1.0
        if parameters.strip().startswith("q="):
            try:
                weight = float(parameters.strip()[2:])
            except ValueError:
                continue
        if name and name != "*" and weight > 0:
            ranges.append((-weight, name))
    return [name for _, name in sorted(ranges, key=lambda one: one[0])]
