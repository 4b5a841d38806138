# SPDX-License-Identifier: Apache-2.0
"""The policy: one frozen value made of small ones, whose decisions name the rule and the reason."""

from __future__ import annotations

from ..webauthn import AttestationLevel, AttestationPolicy, OtherFormats
from .decision import Decision, PolicyRule
from .mfa_policy import GUESS_BOUND, MFAPolicy, guess_probability
from .plain import policy_from_plain, policy_to_plain
from .ram_preference import Note, RAMPreference, read_ram_preference
from .recovery_codes import AfterRecovery, OldRecoveryCodes, RecoveryCodes
from .relying_party import RelyingParty
from .security_keys import Attachment, ResidentKey, SecurityKeyPolicy, UserVerification
from .values import (
    AdministratorProof,
    DevicePolicy,
    DisallowedDevices,
    KindRule,
    KnownBrowsers,
    Lifetimes,
    NewBrowserRule,
    RememberMachine,
    Requirement,
    SelfManagement,
    ThrottlePolicy,
    TOTPPolicy,
    UnknownUsers,
    UnsupportedByAppsWarning,
)

__all__ = [
    "GUESS_BOUND",
    "AdministratorProof",
    "AfterRecovery",
    "Attachment",
    "AttestationLevel",
    "AttestationPolicy",
    "Decision",
    "DevicePolicy",
    "DisallowedDevices",
    "KindRule",
    "KnownBrowsers",
    "Lifetimes",
    "MFAPolicy",
    "NewBrowserRule",
    "Note",
    "OldRecoveryCodes",
    "OtherFormats",
    "PolicyRule",
    "RAMPreference",
    "RecoveryCodes",
    "RelyingParty",
    "RememberMachine",
    "Requirement",
    "ResidentKey",
    "SecurityKeyPolicy",
    "SelfManagement",
    "TOTPPolicy",
    "ThrottlePolicy",
    "UnknownUsers",
    "UnsupportedByAppsWarning",
    "UserVerification",
    "guess_probability",
    "policy_from_plain",
    "policy_to_plain",
    "read_ram_preference",
]
