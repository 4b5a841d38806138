# SPDX-License-Identifier: Apache-2.0
"""The pages, as text. Everything that comes from elsewhere is escaped, and the setup key is on one page only."""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from typing import Any

from ram_mfa import AccountView, Challenge, Kind, MustBind, SecurityKeyOffer, VirtualDeviceOffer
from ram_mfa.qr import svg

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 2rem auto; padding: 0 1rem; }
form { border: 1px solid #bbb; border-radius: .5rem; padding: 1rem; margin: 1rem 0; }
label { display: block; margin: .5rem 0; }
input[type=text], input[type=password] { font: inherit; width: 100%; box-sizing: border-box; padding: .3rem; }
button { font: inherit; padding: .3rem 1rem; }
svg { max-width: 100%; height: auto; }
.message, output { color: #a00; }
code { font-size: 1.1em; }
#setup-key { display: block; }
@media (prefers-color-scheme: dark) { body { background: #181818; color: #eee; } .message, output { color: #f88; } }
"""

SCRIPT = """
"use strict";
for (const form of document.querySelectorAll("form[data-options]")) {
  form.addEventListener("submit", async event => {
    event.preventDefault();
    const options = JSON.parse(form.dataset.options);
    const creating = form.dataset.ask === "create";
    try {
      const publicKey = creating
        ? PublicKeyCredential.parseCreationOptionsFromJSON(options)
        : PublicKeyCredential.parseRequestOptionsFromJSON(options);
      const credential = await navigator.credentials[form.dataset.ask]({publicKey});
      form.elements.answer.value = JSON.stringify(credential.toJSON());
      form.submit();
    } catch (error) {
      form.querySelector("output").value = error.name === "InvalidStateError"
        ? "This key is bound already." : "No key answered. Plug it in, try again, and touch it when it blinks.";
    }
  });
}
"""


def page(title: str, *parts: str, message: str = "") -> str:
    """Return a whole page."""
    said = f'<p class="message" role="alert">{escape(message)}</p>' if message else ""
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<title>{escape(title)}</title><link rel="stylesheet" href="/style.css">'
    )
    body = f'<h1>{escape(title)}</h1>{said}{"".join(parts)}<script src="/browser.js"></script>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>'


def _form(action: str, fields: str, button: str, *, hidden: dict[str, str], key: tuple[str, Any] | None = None) -> str:
    """Return a form; with ``key``, what to ask of ``navigator.credentials`` before it is sent, and the options."""
    asked = ""
    if key is not None:
        ask, options = key
        asked = f' data-ask="{ask}" data-options="{escape(json.dumps(options))}"'
        hidden, fields = {**hidden, "answer": ""}, f"{fields}<output></output>"
    kept = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in hidden.items()
    )
    return f'<form method="post" action="{action}"{asked}>{kept}{fields}<p><button>{escape(button)}</button></p></form>'


_CODE = (
    '<label>Verification code <input type="text" name="code" autocomplete="one-time-code" inputmode="numeric" '
    "required autofocus></label>"
)


def logon(message: str = "") -> str:
    """Return the page that asks for name and password."""
    fields = (
        '<label>User name <input type="text" name="name" autocomplete="username" required autofocus></label>'
        '<label>Password <input type="password" name="password" autocomplete="current-password" required></label>'
    )
    return page("Log on", _form("/password", fields, "Log on", hidden={}), message=message)


def second_step(title: str, action: str, ask: Challenge, hidden: dict[str, str], message: str = "") -> str:
    """Return the page that asks for a code or a key."""
    hidden = {"ticket": ask.id, **hidden}
    remember = ""
    if ask.may_remember:
        remember = '<label><input type="checkbox" name="remember" value="yes"> Remember this machine for 7 days</label>'
    forms = []
    if Kind.VIRTUAL in ask.kinds:
        forms.append(_form(action, _CODE + remember, "Confirm", hidden=hidden))
    if ask.options is not None:
        touch = "<p>Plug your security key in, and touch it when it blinks.</p>"
        forms.append(_form(action, touch + remember, "Use the key", hidden=hidden, key=("get", ask.options)))
    return page(title, *forms, message=message)


def enable_mfa(must: MustBind, message: str = "") -> str:
    """Return the dialog in which a user without a device chooses a kind."""
    choices = "".join(
        f'<label><input type="radio" name="kind" value="{kind.name}" required> {escape(kind.value)}</label>'
        for kind in must.kinds
    )
    text = "<p>Your administrator requires MFA of you. Bind a device before you go on.</p>"
    return page("Enable MFA", text, _form("/enable", choices, "Next", hidden={"ticket": must.id}), message=message)


def bind_virtual_device(offer: VirtualDeviceOffer, enrolment: str, message: str = "") -> str:
    """Return the page with the QR code and the setup key."""
    hidden = {"ticket": enrolment, "offer": offer.id, "kind": Kind.VIRTUAL.name}
    return page(
        "Bind a virtual MFA device",
        "<p>Scan this with an authenticator app,</p>",
        svg(offer.key_uri, label="QR code for an authenticator app"),
        f"<p>or type the account <code>{escape(offer.account_name)}</code> and this key into it: "
        f'<code id="setup-key">{escape(offer.setup_key)}</code></p>',
        _form("/bind", _CODE, "Confirm bind", hidden=hidden),
        message=message,
    )


def bind_security_key(offer: SecurityKeyOffer, enrolment: str, message: str = "") -> str:
    """Return the page that asks the browser to register a security key."""
    touch = "<p>Plug your security key in, and touch it when it blinks.</p>"
    hidden = {"ticket": enrolment, "offer": offer.id, "kind": Kind.SECURITY_KEY.name}
    form = _form("/bind", touch, "Bind the key", hidden=hidden, key=("create", offer.options))
    return page("Bind a security key", form, message=message)


def home(view: AccountView, servers: Iterable[str], *, administrator: bool, message: str = "") -> str:
    """Return the page of a user who is logged on."""
    devices = "".join(f"<li>{escape(one.name)}, bound by {escape(one.bound_by)}</li>" for one in view.devices)
    machines = "".join(f"<li>{escape(one.label)}{' (this one)' if one.this else ''}</li>" for one in view.machines)
    parts = [
        f'<p>Logged on as <strong id="user">{escape(view.user)}</strong>.</p>',
        f"<h2>MFA devices</h2><ul>{devices or '<li>none</li>'}</ul>",
        f"<h2>Remembered machines</h2><ul>{machines or '<li>none</li>'}</ul><h2>Servers</h2>",
        *(_form("/server", "", f"Delete {server}", hidden={"server": server}) for server in servers),
        '<p><a href="/users">Users</a></p>' if administrator else "",
        _form("/logoff", "", "Log off", hidden={}),
    ]
    return page("Console", *parts, message=message)


def users(views: Iterable[AccountView], message: str = "") -> str:
    """Return the administrator's page."""
    parts = []
    for view in views:
        devices = ", ".join(f"{one.name} ({one.kind.value})" for one in view.devices) or "no device"
        parts.append(f"<h2>{escape(view.user)}</h2><p>{escape(devices)}</p>")
        if view.devices:
            parts.append(_form("/unbind", "", f"Unbind all of {view.user}", hidden={"user": view.user}))
    return page("Users", *parts, '<p><a href="/">Console</a></p>', message=message)
