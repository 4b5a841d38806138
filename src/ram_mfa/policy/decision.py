# SPDX-License-Identifier: Apache-2.0
"""The answer of a policy: whether something is allowed, by which rule, and why."""

from __future__ import annotations

import enum

import attrs

from .._validation import is_flag, member_of, text


class PolicyRule(enum.Enum):
    """A rule of a policy that decides; the value is its stable id in logs and configuration pages."""

    KIND = "devices.kind"
    RELYING_PARTY = "devices.relying-party"
    DISALLOWED = "devices.disallowed"
    ONE_KIND = "devices.one-kind"
    MAX_DEVICES = "devices.max-devices"
    USER_VERIFICATION = "security-keys.user-verification"
    UNKNOWN_USERS = "unknown-users.not-required"
    REQUIRED_OF_NOBODY = "requirement.nobody"
    REQUIRED_PER_USER = "requirement.per-user"
    REQUIRED_OF_EVERYBODY = "requirement.everybody"
    SELF_MANAGED = "self-management.allowed"
    NOT_SELF_MANAGED = "self-management.not-allowed"
    REMEMBERED = "remember.allowed"
    NOT_REMEMBERED = "remember.not-allowed"


@attrs.frozen
class Decision:
    """The answer of a policy.

    Attributes:
        allowed: whether it may be.
        rule: the rule that decided.
        reason: a sentence for a console.
    """

    allowed: bool = attrs.field(validator=is_flag)
    rule: PolicyRule = attrs.field(validator=member_of(PolicyRule))
    reason: str = attrs.field(validator=text(1))
