# SPDX-License-Identifier: Apache-2.0
"""A page as a visitor meets it: its step, its message, its forms, and the setup key on it."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import attrs


@attrs.define
class FormOnPage:
    """A form of a page.

    Attributes:
        action, method: of it; the method in upper case.
        fields: (name, value) as they stand, hidden ones too, in their order; boxes only if they are ticked.
        boxes: names of the boxes to tick.
        ask: ``create`` or ``get`` where it asks for a security key; else "".
        options: of that request.
        button: the text of its button.
    """

    action: str
    method: str
    fields: list[tuple[str, str]] = attrs.field(factory=list)
    boxes: dict[str, str] = attrs.field(factory=dict)
    ask: str = ""
    options: dict[str, Any] = attrs.field(factory=dict)
    button: str = ""

    def has(self, name: str, value: str | None = None) -> bool:
        """Return whether there is a field of that name, and of that value where one is given."""
        return any(key == name and (value is None or value == found) for key, found in self.fields)


class Document(HTMLParser):
    """A page that is read.

    Attributes:
        step: of one of the library's pages; "" of any other.
        message: on it, or "".
        forms: on it.
        codes: the texts of its ``code`` elements: account name and setup key, where a device is bound.
        links: (text, URL).
        text: all text.
        language: of it.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.step: str = ""
        self.message: str = ""
        self.forms: list[FormOnPage] = []
        self.codes: list[str] = []
        self.links: list[tuple[str, str]] = []
        self.text: str = ""
        self.language: str = ""
        self.scripts: int = 0
        self._form: FormOnPage | None = None
        self._into: str = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take an element in."""
        found = {name: value or "" for name, value in attrs}
        classes = found.get("class", "").split()
        if tag == "html":
            self.language = found.get("lang", "")
        elif tag == "main" and "mfa" in classes:
            self.step = next((one.removeprefix("mfa-") for one in classes if one.startswith("mfa-")), "")
        elif tag == "script":
            self.scripts += 1
        elif tag == "form":
            self._form = FormOnPage(found.get("action", ""), found.get("method", "get").upper())
            self._form.ask = found.get("data-mfa-ask", "")
            self._form.options = json.loads(found.get("data-mfa-options") or "{}")
            self.forms.append(self._form)
        elif tag == "input" and self._form is not None:
            if found.get("type") == "checkbox":
                self._form.boxes[found.get("name", "")] = found.get("value", "on")
            else:
                self._form.fields.append((found.get("name", ""), found.get("value", "")))
        elif tag in {"code", "button", "a"} or (tag == "p" and "mfa-message" in classes):
            self._into = tag
            if tag == "code":
                self.codes.append("")
            elif tag == "a":
                self.links.append(("", found.get("href", "")))

    def handle_endtag(self, tag: str) -> None:
        """Leave an element."""
        if tag == "form":
            self._form = None
        if tag == self._into:
            self._into = ""

    def handle_data(self, data: str) -> None:
        """Take a text in."""
        self.text += data
        if self._into == "code":
            self.codes[-1] += data
        elif self._into == "button" and self._form is not None:
            self._form.button += data
        elif self._into == "p":
            self.message += data
        elif self._into == "a":
            text, url = self.links[-1]
            self.links[-1] = (text + data, url)

    def form(self, name: str, value: str | None = None) -> FormOnPage:
        """Return the first form with a field, or with a box, of that name."""
        for form in self.forms:
            if form.has(name, value) or (value is None and name in form.boxes):
                return form
        raise AssertionError(f"no form with {name} = {value} on the page {self.step!r}: {self.message or self.text!r}")
