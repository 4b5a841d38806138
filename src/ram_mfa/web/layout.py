# SPDX-License-Identifier: Apache-2.0
"""Layout: a page turned into blocks, forms and fields, with every text filled in, for a template that decides nothing.

The templates use only what Django's language and Jinja share, so everything is prepared here.
"""

from __future__ import annotations

import attrs

from ..ceremonies import DeviceView
from ..refusals import Kind
from .asking import ACTION, CODE, CODE2, DEVICE, REMEMBER
from .blocks import Block, Entry, Field, Form, Layout
from .devices import CODES, DO, NAME, TARGET
from .pages import KIND_NAMES, Page


def lay_out(page: Page) -> Layout:
    """Return a page laid out."""
    words = page.words
    blocks = _BLOCKS[page.step](page)
    asks_key = any(form.ask for block in blocks for form in block.forms)
    return Layout(
        language=words.language,
        title=page.title,
        site=page.site,
        step=page.step,
        style=page.urls.get("style", ""),
        script=page.urls.get("script", ""),
        message="" if page.message is None else page.message.text,
        message_good=page.message is not None and page.message.good,
        need_script=words.say("text.need_script") if asks_key else "",
        blocks=blocks,
        links=page.links,
        sentences=tuple((key, words.say(f"script.{key}")) for key in _SENTENCES),
    )


_SENTENCES = ("cancelled", "registered", "insecure", "unsupported", "failed", "waiting", "sending")


def _nothing(page: Page) -> tuple[Block, ...]:
    del page
    return ()


def _choose_kind(page: Page) -> tuple[Block, ...]:
    say = page.words.say
    forms = tuple(
        Form(
            method="get",
            action=page.action,
            button=say(f"kind.{KIND_NAMES[kind]}"),
            hidden=(("kind", KIND_NAMES[kind]),),
        )
        for kind in page.kinds
    )
    return (Block(texts=(say("text.choose_kind"),), forms=forms),)


def _bind_virtual(page: Page) -> tuple[Block, ...]:
    say = page.words.say
    assert page.setup is not None, "a page that binds a virtual device shows its setup"
    scan = Block(texts=(say("text.scan"),), qr=page.setup.qr)
    typed = Block(
        texts=(say("text.type"),),
        facts=((say("label.account"), page.setup.account_name), (say("label.setup_key"), page.setup.setup_key)),
    )
    fields = [_code(page, CODE, "label.code", focus=True)]
    if page.codes > 1:
        fields.append(_code(page, CODE2, "label.code2"))
    form = Form(action=page.action, button=say("button.bind"), hidden=page.hidden, fields=tuple(fields))
    renew = Form(action=page.action, button=say("button.renew"), hidden=(*page.hidden, (ACTION, "renew")), quiet=True)
    text = say("text.typed_two" if page.codes > 1 else "text.typed")
    return scan, typed, Block(texts=(text,), forms=(form, renew))


def _bind_key(page: Page) -> tuple[Block, ...]:
    return (Block(texts=(page.words.say("text.bind_key"),), forms=(_key_form(page, "button.bind_key"),)),)


def _ask(page: Page) -> tuple[Block, ...]:
    say = page.words.say
    remember: tuple[Field, ...] = ()
    if page.remember_days:
        label = say("label.remember", count=page.remember_days)
        remember = (Field(name=REMEMBER, label=label, id=REMEMBER, value="yes", is_check=True),)
    both = page.codes > 0 and page.key is not None
    blocks: list[Block] = []
    if page.step == "step_up":
        blocks.append(Block(texts=(say("text.step_up", operation=page.about),)))
    if page.codes:
        fields: tuple[Field, ...] = ()
        if page.devices:
            fields = (Field(name=DEVICE, label=say("label.device"), id=DEVICE, options=page.devices),)
        fields = (*fields, _code(page, CODE, "label.code", focus=True), *remember)
        form = Form(action=page.action, button=say("button.confirm"), hidden=page.hidden, fields=fields)
        heading = say("heading.code") if both else ""
        blocks.append(Block(heading=heading, texts=(say("text.ask_code"),), forms=(form,)))
    if page.key is not None:
        remember = tuple(attrs.evolve(field, id=f"{field.id}_key") for field in remember)
        form = attrs.evolve(_key_form(page, "button.key"), fields=remember)
        heading = say("heading.key") if both else ""
        blocks.append(Block(heading=heading, texts=(say("text.ask_key"),), forms=(form,)))
    return tuple(blocks)


def _key_form(page: Page, button: str) -> Form:
    assert page.key is not None, "a page that asks for a security key has a request"
    return Form(
        action=page.action,
        button=page.words.say(button),
        hidden=page.hidden,
        ask=page.key.ask,
        options=page.key.text,
    )


def _code(page: Page, name: str, label: str, *, focus: bool = False, suffix: str = "") -> Field:
    return Field(
        name=name,
        label=page.words.say(label),
        id=name + suffix,
        autocomplete="one-time-code",
        inputmode="numeric",
        focus=focus,
        limit="16",
    )


def _confirm(page: Page) -> tuple[Block, ...]:
    form = Form(action=page.action, button=page.words.say("button.sure"), hidden=page.hidden, danger=True)
    return (Block(texts=(page.about,), forms=(form,)),)


def _account(page: Page) -> tuple[Block, ...]:
    say, view = page.words.say, page.account
    blocks: list[Block] = []
    if view is None:
        blocks.append(Block(texts=(say("text.no_account"),)))
    entries = tuple(_device(page, device, number) for number, device in enumerate(view.devices)) if view else ()
    texts = () if entries else (say("text.no_devices"),)
    binds = tuple(
        _do(
            page,
            f"button.enable_{'key' if kind is Kind.SECURITY_KEY else 'virtual'}",
            "bind",
            ("kind", KIND_NAMES[kind]),
        )
        for kind in page.bindable
        if page.manage
    )
    blocks.append(Block(heading=say("heading.devices"), texts=texts, entries=entries, forms=binds))
    if view is not None:
        blocks.append(_machines(page))
    if page.step == "account":
        required = view is not None and view.required
        setting = "not_require" if required else "require"
        text = say("text.required" if required else "text.not_required")
        forms = (_do(page, f"button.{setting}", setting, quiet=True),)
        blocks.append(Block(heading=say("heading.requirement"), texts=(text,), forms=forms))
        if view is not None:
            reset = _do(page, "button.reset", "reset", danger=True)
            blocks.append(Block(heading=say("heading.reset"), texts=(say("text.reset"),), forms=(reset,)))
    return tuple(blocks)


def _do(
    page: Page, button: str, action: str, *hidden: tuple[str, str], quiet: bool = False, danger: bool = False
) -> Form:
    """Return a form of one button that changes something."""
    fields = (*page.hidden, (DO, action), *hidden)
    return Form(action=page.action, button=page.words.say(button), hidden=fields, quiet=quiet, danger=danger)


def _device(page: Page, device: DeviceView, number: int) -> Entry:
    words = page.words
    say = words.say
    used = say("label.never") if device.last_used_at is None else words.time(device.last_used_at)
    facts = [
        (say("label.kind"), say(f"kind.{KIND_NAMES[device.kind]}")),
        (say("label.bound_at"), words.time(device.bound_at)),
        (say("label.bound_by"), device.bound_by),
        (say("label.last_used_at"), used),
    ]
    if device.model:
        facts.append((say("label.model"), device.model))
    badge = ""
    if device.disabled:
        badge = say("status.disabled")
    elif not device.allowed:
        badge = say("status.not_allowed")
    elif device.cloned_at is not None:
        badge = say("status.cloned")
    forms: list[Form] = []
    if page.manage:
        target = (TARGET, device.id)
        name = Field(name=NAME, label=say("label.name"), id=f"{NAME}{number}", value=device.name)
        forms.append(attrs.evolve(_do(page, "button.rename", "rename", target, quiet=True), fields=(name,)))
        if device.kind is Kind.VIRTUAL:
            codes = tuple(
                _code(page, field, label, suffix=str(number))
                for field, label in zip(CODES, ("label.code", "label.code2"), strict=True)
            )
            forms.append(
                attrs.evolve(
                    _do(page, "button.resync", "resync", target, quiet=True), text=say("text.resync"), fields=codes
                )
            )
        forms.append(_do(page, "button.unbind", "unbind", target, danger=True))
    return Entry(title=device.name, badge=badge, facts=tuple(facts), forms=tuple(forms))


def _machines(page: Page) -> Block:
    words, view = page.words, page.account
    machines = () if view is None else view.machines
    own = page.manage and page.step == "devices"
    entries = tuple(
        Entry(
            title=machine.label,
            badge=words.say("label.this_machine") if machine.this else "",
            facts=((words.say("label.until"), words.time(machine.expires_at)),),
            forms=(_do(page, "button.forget", "forget", (TARGET, machine.id), quiet=True),) if own else (),
        )
        for machine in machines
    )
    forms = (_do(page, "button.forget_all", "forget_all", quiet=True),) if entries and page.manage else ()
    texts = () if entries else (words.say("text.no_machines"),)
    return Block(heading=words.say("heading.machines"), texts=texts, entries=entries, forms=forms)


_BLOCKS = {
    "choose_kind": _choose_kind,
    "bind_virtual": _bind_virtual,
    "bind_key": _bind_key,
    "ask": _ask,
    "step_up": _ask,
    "confirm": _confirm,
    "devices": _account,
    "account": _account,
    "message": _nothing,
    "proved": _nothing,
}
