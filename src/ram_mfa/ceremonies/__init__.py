# SPDX-License-Identifier: Apache-2.0
"""The verbs: frozen values for binding, logon, step-up, unbinding, remembered machines and account settings."""

from __future__ import annotations

from ..rules.actors import Actor, Administrator, Enrolment, Owner, Rebinding, UnsafeAdministrator
from ..rules.admission import Admission, LogonStart, MustBind, NotRequired, Proof, ProofOf, Remembered
from ..rules.browser_tokens import add_to_browser_cookie
from ..rules.evidence import Assertion, Evidence, TOTPCode, TOTPCodes, U2FSignature
from ..rules.machines import add_to_machine_cookie
from ..rules.operation import Operation
from ..rules.recovery_codes import LogonEvidence, RecoveryCode, RecoveryCodeSheet
from ..rules.verb import Claim, Transition, Verb
from ..rules.views import AccountView, Bound, DeviceView, MachineView, Unbound
from .account_lifecycle import Describe, EraseAccount, OpenAccount, PasswordChanged, RequireMFA, SessionsEnded
from .bind_security_key import ConfirmSecurityKey, OfferSecurityKey, SecurityKeyOffer
from .bind_virtual import ConfirmVirtualDevice, OfferVirtualDevice, VirtualDeviceOffer
from .check_session import CheckSession, SessionAlive
from .forget_machines import ForgetMachine, ForgetMachines
from .import_credentials import ImportCredential
from .import_devices import ImportSecurityKey, ImportVirtualDevice
from .import_users import ImportedUser, ImportUser
from .known_browsers import AdmitBrowser, AdmittedBrowser, Unlock
from .logon import BeginLogon, FinishLogon
from .receipts import SpendReceipt
from .recovery_codes import MakeRecoveryCodes, RevokeRecoveryCodes
from .rename import RenameDevice
from .resume_logon import ResumeLogon
from .resync import ResyncVirtualDevice
from .step_up import BeginStepUp, FinishStepUp
from .unbind import ResetMFA, Unbind

__all__ = [
    "AccountView",
    "Actor",
    "Administrator",
    "Admission",
    "AdmitBrowser",
    "AdmittedBrowser",
    "Assertion",
    "BeginLogon",
    "BeginStepUp",
    "Bound",
    "CheckSession",
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
    "ImportCredential",
    "ImportSecurityKey",
    "ImportUser",
    "ImportVirtualDevice",
    "ImportedUser",
    "LogonEvidence",
    "LogonStart",
    "MachineView",
    "MakeRecoveryCodes",
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
    "Rebinding",
    "RecoveryCode",
    "RecoveryCodeSheet",
    "Remembered",
    "RenameDevice",
    "RequireMFA",
    "ResetMFA",
    "ResumeLogon",
    "ResyncVirtualDevice",
    "RevokeRecoveryCodes",
    "SecurityKeyOffer",
    "SessionAlive",
    "SessionsEnded",
    "SpendReceipt",
    "TOTPCode",
    "TOTPCodes",
    "Transition",
    "U2FSignature",
    "Unbind",
    "Unbound",
    "Unlock",
    "UnsafeAdministrator",
    "Verb",
    "VirtualDeviceOffer",
    "add_to_browser_cookie",
    "add_to_machine_cookie",
]
