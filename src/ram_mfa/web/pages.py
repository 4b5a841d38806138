# SPDX-License-Identifier: Apache-2.0
"""A page as a value: what is asked and shown, before any HTML. As JSON it is the interface of clients with no pages."""

from __future__ import annotations

import json
from typing import Any

import attrs

from .._secret import Unpickled
from ..ceremonies import AccountView, DeviceView, MachineView
from ..refusals import Kind
from .words import Words

KIND_NAMES = {Kind.VIRTUAL: "virtual", Kind.SECURITY_KEY: "security_key"}
"""The names of kinds in fields, URLs and JSON."""


_LABELS = {
    "code": "label.code",
    "confirm": "button.confirm",
    "key": "button.key",
    "cancel": "button.cancel",
    "cancelled": "script.cancelled",
    "insecure": "script.insecure",
    "unsupported": "script.unsupported",
    "failed": "script.failed",
}
"""The words that the script's dialog for a step-up needs."""


def kind_of(name: str) -> Kind | None:
    """Return the kind of a name, or None."""
    return next((kind for kind, known in KIND_NAMES.items() if known == name), None)


@attrs.frozen
class Message:
    """A message to the person.

    Attributes:
        id: stable, for clients.
        text: in the page's language.
        retry_after: seconds until another try can succeed; 0 where waiting does not help.
        good: whether it reports a success.
    """

    id: str
    text: str
    retry_after: float = 0
    good: bool = False


@attrs.frozen
class KeyRequest(Unpickled):
    """A request to ``navigator.credentials``.

    Attributes:
        ask: ``create`` or ``get``.
        options: bare and JSON-ready.
    """

    ask: str
    options: dict[str, Any] = attrs.field(repr=False)

    @property
    def text(self) -> str:
        """The options as JSON text, for a ``data-`` attribute."""
        return json.dumps(self.options, separators=(",", ":"))


@attrs.frozen
class Setup(Unpickled):
    """The data that an authenticator app needs.

    Attributes:
        qr: the QR code as an SVG element.
        key_uri, setup_key, account_name: as in `ram_mfa.VirtualDeviceOffer`.
    """

    qr: str = attrs.field(repr=False)
    key_uri: str = attrs.field(repr=False)
    setup_key: str = attrs.field(repr=False)
    account_name: str


@attrs.frozen(kw_only=True)
class Page(Unpickled):
    """A page, or an answer in JSON.

    Attributes:
        step: ``choose_kind``, ``bind_virtual``, ``bind_key``, ``ask``, ``step_up``, ``devices``, ``account``,
            ``confirm``, ``proved`` or ``message``.
        words: of the page's language.
        title: the heading.
        site: the name of the site.
        action: the URL that its form is posted to; "" for the page's own.
        message: above the form, or None.
        hidden: fields to send back as they are.
        kinds: the kinds to choose from, or that may answer.
        codes: how many codes are asked for.
        key: the request to the browser, where a security key is asked for.
        setup: for an authenticator app, where one is being bound.
        remember_days: days for which this machine may be remembered; 0 where it may not.
        devices: (id, name) of the virtual devices to choose from, where several are bound.
        about: what is confirmed, in words; the name of a user on an account page.
        account: the account that is shown, or None.
        manage: whether the account may be changed on this page.
        bindable: the kinds that may be bound to the account now.
        links: (label, URL) of the ways out.
        urls: of this package's routes, by name.
        problem: the problem type of RFC 9457 where the answer is one; else "".
        receipt: of a step-up, to be sent back as ``MFA-Receipt``; JSON only.
    """

    step: str
    words: Words = attrs.field(repr=False)
    title: str
    site: str
    action: str = ""
    message: Message | None = None
    hidden: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)
    kinds: tuple[Kind, ...] = ()
    codes: int = 0
    key: KeyRequest | None = None
    setup: Setup | None = None
    remember_days: int = 0
    devices: tuple[tuple[str, str], ...] = ()
    about: str = ""
    account: AccountView | None = None
    manage: bool = False
    bindable: tuple[Kind, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    urls: dict[str, str] = attrs.field(factory=dict, repr=False)
    problem: str = ""
    receipt: str = attrs.field(default="", repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return the page as JSON-ready data; what it does not have is left out."""
        body: dict[str, Any] = {"step": self.step, "language": self.words.language}
        if self.message is not None:
            wait = {"retry_after": self.message.retry_after} if self.message.retry_after else {}
            body["message"] = {"id": self.message.id, "text": self.message.text, **wait}
        if self.action:
            body |= {"action": self.action, "hidden": dict(self.hidden)}
        if self.kinds:
            body["kinds"] = [KIND_NAMES[kind] for kind in self.kinds]
        if self.codes:
            body["codes"] = self.codes
        if self.key is not None:
            body["key"] = {self.key.ask: self.key.options}
        if self.setup is not None:
            body["setup"] = {
                "uri": self.setup.key_uri,
                "key": self.setup.setup_key,
                "account": self.setup.account_name,
            }
        if self.remember_days:
            body["remember_days"] = self.remember_days
        if self.devices:
            body["devices"] = [{"id": one, "name": name} for one, name in self.devices]
        if self.about:
            body["about"] = self.about
        if self.step == "step_up":
            body |= {"title": self.title, "labels": {name: self.words.say(key) for name, key in _LABELS.items()}}
        if self.receipt:
            body["receipt"] = self.receipt
        if self.account is not None:
            body["account"] = _account(self.account)
            body["bindable"] = [KIND_NAMES[kind] for kind in self.bindable]
        return body


def _account(view: AccountView) -> dict[str, Any]:
    return {
        "user": view.user,
        "required": view.required,
        "must_bind": view.must_bind,
        "devices": [_device(one) for one in view.devices],
        "machines": [_machine(one) for one in view.machines],
    }


def _device(view: DeviceView) -> dict[str, Any]:
    return {
        "id": view.id,
        "name": view.name,
        "kind": KIND_NAMES[view.kind],
        "bound_at": view.bound_at,
        "bound_by": view.bound_by,
        "last_used_at": view.last_used_at,
        "disabled": view.disabled,
        "allowed": view.allowed,
    }


def _machine(view: MachineView) -> dict[str, Any]:
    return {"id": view.id, "label": view.label, "expires_at": view.expires_at, "this": view.this}
