# SPDX-License-Identifier: Apache-2.0
"""Print docs/policy.md: every attribute of a policy with its value in each preset, and every rule with its decision.

Meanings come from the docstrings, values from `policy_to_plain`, rules from the policy's own answers: the page cannot
say what the code does not. ``--check`` says whether the page is up to date.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from pathlib import Path
from typing import Any, Final

import attrs

from ram_mfa import (
    AttestationPolicy,
    Decision,
    DevicePolicy,
    Kind,
    KindRule,
    KnownBrowsers,
    Lifetimes,
    MFAPolicy,
    RecoveryCodes,
    RelyingParty,
    RememberMachine,
    Requirement,
    SecurityKeyPolicy,
    SelfManagement,
    ThrottlePolicy,
    TOTPPolicy,
    policy_to_plain,
)

PAGE: Final = Path(__file__).with_name("policy.md")
INTRODUCTION: Final = """\
# Policy

`MFAPolicy` is one frozen value that holds the administrator's decisions. `MFA` takes one, or a callable that returns
one and is called at each perform, so that a changed setting takes effect at once. A policy under which guessing would
succeed too often, a window that is too wide or a machine remembered for a year cannot be built: the constructor
raises `ValueError`. A value of a wrong type, such as a string in place of an enum's member or `5.0` in place of a
whole number, is a `TypeError` that names the class and the field; a callable that returns no `MFAPolicy` raises
`TypeError` at the perform. An algorithm, digits or a period that popular authenticator apps ignore is accepted with a
warning (`UnsupportedByAppsWarning`).

Three presets stand for three services' rules, and each takes any attribute by name:
`MFAPolicy.ram(issuer="Example Cloud", remember=RememberMachine())`. `MFAPolicy.nist_aal2` and `MFAPolicy.aws` likewise.

`policy_to_plain` and `policy_from_plain` convert a policy to plain data for a configuration file and back.
`read_ram_preference` reads RAM's own security preference document, with a note for each setting that does not concern
this library; a setting that appears twice is refused.

This page is printed from the code by `docs/print_policy.py`; a test holds the two together.

```python
import json

from ram_mfa import MFAPolicy, PolicyRule, policy_from_plain, policy_to_plain, read_ram_preference

policy = MFAPolicy.ram(issuer="Example Cloud")
assert policy_from_plain(json.loads(json.dumps(policy_to_plain(policy)))) == policy

preference = {"LoginProfilePreference": {"EnableSaveMFATicket": True, "LoginSessionDuration": 6}}
read = read_ram_preference(preference, issuer="Example Cloud")
assert read.policy.may_remember().allowed
assert [note.name for note in read.notes] == ["LoginSessionDuration"]

decision = policy.may_remember()
assert (decision.allowed, decision.rule) == (False, PolicyRule.NOT_REMEMBERED)
```
"""
GUESSING: Final = """\
## Guessing

The probability that guesses at one account within 24 hours hit a code: (wrong codes allowed in 24 hours) x (steps in
the window) / 10^digits. A policy above 3 in 10,000 cannot be built. With `known_browsers` those are twice the wrong
codes of new browsers, since a new password allows them theirs once more, and those of known ones.
"""
VALUES: Final = {
    "devices": DevicePolicy,
    "totp": TOTPPolicy,
    "throttle": ThrottlePolicy,
    "lifetimes": Lifetimes,
    "security_keys": SecurityKeyPolicy,
    "security_keys.attestation": AttestationPolicy,
}
PRESETS: Final = {
    "ram": MFAPolicy.ram(issuer="Example"),
    "nist_aal2": MFAPolicy.nist_aal2(issuer="Example"),
    "aws": MFAPolicy.aws(issuer="Example"),
}


def meanings(kind: type) -> dict[str, str]:
    """Return what a class's docstring says of each attribute."""
    _, _, listed = (inspect.getdoc(kind) or "").partition("Attributes:\n")
    listed = re.split(r"\n(?=\S)", listed)[0]
    entries = re.split(r"\n(?=    \S)", "\n" + listed.rstrip())
    found: dict[str, str] = {}
    for entry in entries:
        names, colon, meaning = entry.strip().partition(":")
        if colon:
            found |= dict.fromkeys(names.split(", "), " ".join(meaning.split()))
    return found


def shown(value: Any) -> str:
    """Return a plain value as a cell."""
    return (
        "-"
        if value is None or value in ([], "")
        else str(value)
        if not isinstance(value, list)
        else ", ".join(map(str, value))
    )


def summary(kind: type) -> str:
    """Return the first sentence of a class's docstring, with its name."""
    return f"`{kind.__name__}`: {(inspect.getdoc(kind) or '').partition(chr(10))[0]}\n"


def table(kind: type, plains: list[dict[str, Any]]) -> str:
    """Return the table of a class's attributes, with their values in each preset."""
    said = meanings(kind)
    lines = ["| attribute | meaning | " + " | ".join(f"`{name}`" for name in PRESETS) + " |"]
    lines.append("|---" * (2 + len(PRESETS)) + "|")
    for field in attrs.fields(kind):
        if field.name not in {*VALUES, "issuer", "attestation"} or kind not in {MFAPolicy, SecurityKeyPolicy}:
            values = " | ".join(shown(plain[field.name]) for plain in plains)
            lines.append(f"| `{field.name}` | {said[field.name]} | {values} |")
    return "\n".join(lines) + "\n"


def decisions() -> dict[tuple[str, bool], str]:
    """Return each rule that decides something, whether it allows, and its reason, by asking."""
    party = RelyingParty(id="example.com", origins=("https://example.com",))
    others: list[dict[str, Any]] = [{"requirement": requirement} for requirement in Requirement]
    others.append({"self_management": SelfManagement.NOT_ALLOWED, "remember": RememberMachine()})
    policies = [
        MFAPolicy(issuer="Example", relying_party=known, devices=devices, **other)
        for known in (party, None)
        for devices in (
            DevicePolicy(),
            DevicePolicy(kinds={Kind.VIRTUAL}),
            DevicePolicy(rule=KindRule.ANY_MIX, max_devices=8),
        )
        for other in others
    ]
    found: dict[tuple[str, bool], str] = {}

    def note(decision: Decision) -> None:
        found.setdefault((decision.rule.value, decision.allowed), decision.reason)

    for policy in policies:
        for kind in Kind:
            note(policy.may_use(kind))
            for bound in ((), (Kind.VIRTUAL,), (Kind.SECURITY_KEY,)):
                note(policy.may_bind(kind, bound=bound))
        for required in (True, False):
            note(policy.must_use_mfa(required=required))
        note(policy.may_manage_self())
        note(policy.may_remember())
    return found


def page() -> str:
    """Return the whole page."""
    plains = [json.loads(json.dumps(policy_to_plain(policy))) for policy in PRESETS.values()]
    parts = [INTRODUCTION, "## The policy\n", table(MFAPolicy, plains)]
    for name, kind in VALUES.items():
        outer, _, inner = name.partition(".")
        values = [plain[outer][inner] if inner else plain[outer] for plain in plains]
        parts += [f"## `{name}`\n", summary(kind), table(kind, values)]
    for name, value in {
        "remember": RememberMachine(),
        "known_browsers": KnownBrowsers(),
        "recovery_codes": RecoveryCodes(),
    }.items():
        default = policy_to_plain(MFAPolicy.ram(issuer="Example", **{name: value}))[name]
        lines = ["| attribute | meaning | default |", "|---|---|---|"]
        lines += [f"| `{name}` | {meaning} | {default[name]} |" for name, meaning in meanings(type(value)).items()]
        parts += [f"## `{name}`\n", summary(type(value)), "\n".join(lines) + "\n"]
    parts.append(GUESSING)
    heads, rules = (" | ".join(f"`{name}`" for name in PRESETS), "|---" * len(PRESETS))
    guesses = " | ".join(f"{float(policy.guess_probability):.0e}" for policy in PRESETS.values())
    parts.append(f"| {heads} |\n{rules}|\n| {guesses} |\n")
    parts.append("## Rules\n")
    parts.append("A question is answered by a `Decision`: whether, by which rule, and a sentence for a console.\n")
    lines = ["| rule | allowed | reason, for example |", "|---|---|---|"]
    lines += [
        f"| `{rule}` | {'yes' if allowed else 'no'} | {reason} |"
        for (rule, allowed), reason in sorted(decisions().items())
    ]
    parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def main(arguments: list[str]) -> int:
    """Write or check the page; return the exit status."""
    new = page()
    if arguments == ["--check"]:
        same = PAGE.exists() and PAGE.read_text(encoding="utf-8") == new
        print("docs/policy.md is as the code says" if same else "docs/policy.md is not: run docs/print_policy.py")
        return 0 if same else 1
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
