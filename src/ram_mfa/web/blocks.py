# SPDX-License-Identifier: Apache-2.0
"""Parts of a page that is laid out: blocks, lists, forms and fields, every text filled in."""

from __future__ import annotations

import attrs

from .._secret import Unpickled
from .values import Pairs


@attrs.frozen(kw_only=True)
class Field:
    """A field of a form.

    Attributes:
        name, label, value: of it.
        id: unique on the page.
        is_check: whether it is a box to tick.
        options: (value, label) of a choice; empty for a text.
        autocomplete, inputmode: for the browser.
        focus: whether the page opens with it.
        limit: characters.
    """

    name: str
    label: str
    id: str
    value: str = ""
    is_check: bool = False
    options: Pairs = ()
    autocomplete: str = "off"
    inputmode: str = "text"
    focus: bool = False
    limit: str = "64"


@attrs.frozen(kw_only=True)
class Form(Unpickled):
    """A form.

    Attributes:
        method, action, button: of it.
        text: above its fields, or "".
        hidden: fields to send as they are.
        fields: to fill in.
        ask: ``create`` or ``get`` where a security key answers before it is sent; else "".
        options: of that request, as JSON text.
        quiet, danger: how its button looks.
    """

    action: str
    button: str
    method: str = "post"
    text: str = ""
    hidden: Pairs = attrs.field(default=(), repr=False)
    fields: tuple[Field, ...] = ()
    ask: str = ""
    options: str = attrs.field(default="", repr=False)
    quiet: bool = False
    danger: bool = False


@attrs.frozen(kw_only=True)
class Entry:
    """An entry of a list: a device or a machine.

    Attributes:
        title: its name.
        badge: a word next to the name, or "".
        facts: (label, value) of what is known of it.
        forms: what may be done with it.
    """

    title: str
    badge: str = ""
    facts: Pairs = ()
    forms: tuple[Form, ...] = ()


@attrs.frozen(kw_only=True)
class Block(Unpickled):
    """A part of a page.

    Attributes:
        heading: of it, or "".
        texts: its paragraphs.
        qr: an SVG element, or "".
        facts: (label, value), to be copied.
        entries: a list.
        forms: below all that.
    """

    heading: str = ""
    texts: tuple[str, ...] = ()
    qr: str = attrs.field(default="", repr=False)
    facts: Pairs = attrs.field(default=(), repr=False)
    entries: tuple[Entry, ...] = ()
    forms: tuple[Form, ...] = ()


@attrs.frozen(kw_only=True)
class Layout(Unpickled):
    """A page laid out; the templates' ``page``."""

    language: str
    title: str
    site: str
    step: str
    style: str
    script: str
    message: str
    message_good: bool
    need_script: str
    blocks: tuple[Block, ...]
    links: Pairs
    sentences: Pairs
    """The sentences that the script may show, by their ids."""
