# SPDX-License-Identifier: Apache-2.0
"""The verbs: frozen values for binding, logon, step-up, unbinding, remembered machines and account settings."""

from __future__ import annotations

from .account_lifecycle import Describe, EraseAccount, OpenAccount, PasswordChanged, RequireMFA
from .actors import Actor, Administrator, Enrolment, Owner, UnsafeAdministrator
from .bind_security_key import ConfirmSecurityKey, OfferSecurityKey
from .bind_virtual import ConfirmVirtualDevice, OfferVirtualDevice
from .evidence import Assertion, Evidence, TOTPCode, U2FSignature
from .import_devices import ImportSecurityKey, ImportVirtualDevice
from .logon import BeginLogon, FinishLogon
from .machines import ForgetMachine, ForgetMachines, add_to_machine_cookie
from .outcomes import (
    Admission,
    LogonStart,
    MustBind,
    NotRequired,
    Operation,
    Proof,
    ProofOf,
    Remembered,
    SecurityKeyOffer,
    VirtualDeviceOffer,
)
from .resync import RenameDevice, ResyncVirtualDevice
from .step_up import BeginStepUp, FinishStepUp, SpendReceipt
from .transition import Claim, Transition, Verb
from .unbind import ResetMFA, Unbind
from .views import AccountView, Bound, DeviceView, MachineView

__all__ = [
    "AccountView",
    "Actor",
    "Administrator",
    "Admission",
    "Assertion",
    "BeginLogon",
    "BeginStepUp",
    "Bound",
    "Claim",
    "ConfirmSecurityKey",
    "ConfirmVirtualDevice",
    "Describe",
    "DeviceView",
    "Enrolment",
    "EraseAccount",
    "Evidence",
    "FinishLogon",
    "FinishStepUp",
    "ForgetMachine",
    "ForgetMachines",
    "ImportSecurityKey",
    "ImportVirtualDevice",
    "LogonStart",
    "MachineView",
    "MustBind",
    "NotRequired",
    "OfferSecurityKey",
    "OfferVirtualDevice",
    "OpenAccount",
    "Operation",
    "Owner",
    "PasswordChanged",
    "Proof",
    "ProofOf",
    "Remembered",
    "RenameDevice",
    "RequireMFA",
    "ResetMFA",
    "ResyncVirtualDevice",
    "SecurityKeyOffer",
    "SpendReceipt",
    "TOTPCode",
    "Transition",
    "U2FSignature",
    "Unbind",
    "UnsafeAdministrator",
    "Verb",
    "VirtualDeviceOffer",
    "add_to_machine_cookie",
]
