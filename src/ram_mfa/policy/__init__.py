# SPDX-License-Identifier: Apache-2.0
"""What an administrator decides, as one frozen value made of small ones; it answers questions and says why."""

from __future__ import annotations

from ..webauthn import AttestationLevel, AttestationPolicy, OtherFormats
from .mfa_policy import GUESS_BOUND, Decision, MFAPolicy, guess_probability
from .relying_party import RelyingParty
from .values import (
    AdministratorProof,
    DevicePolicy,
    KindRule,
    Lifetimes,
    RememberMachine,
    Requirement,
    SelfManagement,
    ThrottlePolicy,
    TOTPPolicy,
    Unopened,
)

__all__ = [
    "GUESS_BOUND",
    "AdministratorProof",
    "AttestationLevel",
    "AttestationPolicy",
    "Decision",
    "DevicePolicy",
    "KindRule",
    "Lifetimes",
    "MFAPolicy",
    "OtherFormats",
    "RelyingParty",
    "RememberMachine",
    "Requirement",
    "SelfManagement",
    "TOTPPolicy",
    "ThrottlePolicy",
    "Unopened",
    "guess_probability",
]
