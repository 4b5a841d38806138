# SPDX-License-Identifier: Apache-2.0
"""Every public constructor, tried with wrong types: each field refuses them when the value is built.

A new public frozen class needs an entry in one of the tables below, or `test_every_class_is_here` fails.
"""

from __future__ import annotations

import collections.abc
import enum
import importlib
import inspect
import types
import typing

import attrs
import pytest

import ram_mfa
from ram_mfa import (
    Administrator,
    AdmitBrowser,
    Assertion,
    Attachment,
    AttestationPolicy,
    BeginLogon,
    BeginStepUp,
    CheckSession,
    ConfirmSecurityKey,
    ConfirmVirtualDevice,
    Decision,
    Describe,
    DevicePolicy,
    Enrolment,
    EraseAccount,
    FinishLogon,
    FinishStepUp,
    ForgetMachine,
    ForgetMachines,
    ImportCredential,
    ImportSecurityKey,
    ImportUser,
    ImportVirtualDevice,
    Kind,
    KnownBrowsers,
    Lifetimes,
    MakeRecoveryCodes,
    MFAPolicy,
    OfferSecurityKey,
    OfferVirtualDevice,
    OpenAccount,
    Operation,
    Owner,
    PasswordChanged,
    PolicyRule,
    Rebinding,
    RecoveryCode,
    RecoveryCodes,
    RelyingParty,
    RememberMachine,
    RenameDevice,
    RequireMFA,
    ResetMFA,
    ResumeLogon,
    ResyncVirtualDevice,
    RevokeRecoveryCodes,
    SecurityKeyPolicy,
    SpendReceipt,
    ThrottlePolicy,
    TOTPCode,
    TOTPCodes,
    TOTPPolicy,
    U2FSignature,
    Unbind,
    Unlock,
    UnsafeAdministrator,
)
from ram_mfa._secret import SecretBytes
from ram_mfa.from_other_libraries import Incoming, LeftBehind
from ram_mfa.otp import TOTP, KeyURI
from ram_mfa.u2f import (
    AppID,
    AppIdentity,
    AuthenticationRequest,
    CommandAPDU,
    Control,
    Origin,
    RegisteredKey,
    RegisterRequest,
    RegistrationRequest,
    ResponseAPDU,
    SignRequest,
    VersionRequest,
)
from ram_mfa.webauthn import Credential, CredentialDescriptor

MODULES = (
    *("ram_mfa", "ram_mfa.policy", "ram_mfa.otp", "ram_mfa.u2f", "ram_mfa.webauthn", "ram_mfa.webauthn.metadata"),
    *("ram_mfa.store", "ram_mfa.sealing", "ram_mfa.from_other_libraries", "ram_mfa.events", "ram_mfa.errors"),
    *("ram_mfa.integrations.logs", "ram_mfa.ceremonies"),
)

SESSION = "the session of one browser"
ROOT = Administrator("root")
OPERATION = Operation("server.delete", "i-1")
CODE = TOTPCode("000000")
SITE = RelyingParty(id="example.com", origins=["https://example.com"])

VALID = [
    Administrator("root", receipt="receipt", session=SESSION),
    UnsafeAdministrator("root"),
    Owner("receipt", session=SESSION, first_factor="ticket", password_mark="mark"),
    Enrolment("ticket", session=SESSION),
    Rebinding("ticket", session=SESSION),
    RecoveryCode("0000-0000-0000-0000-0000"),
    RecoveryCodes(),
    MakeRecoveryCodes(ROOT),
    RevokeRecoveryCodes(ROOT),
    Operation("server.delete", "i-1"),
    OpenAccount(required=True, by=ROOT),
    RequireMFA(required=True, by=ROOT),
    OfferVirtualDevice(ROOT, account_name="alice", name="Phone", session=SESSION),
    ConfirmVirtualDevice(["000000"], offer="ticket", by=ROOT, session=SESSION),
    OfferSecurityKey(ROOT, account_name="alice", name="Key", session=SESSION),
    ConfirmSecurityKey({}, offer="ticket", by=ROOT, session=SESSION),
    BeginLogon(SESSION, machine="cookie", password_mark="mark", browser="cookie"),
    ResumeLogon("ticket", session=SESSION, password_mark="mark", browser="cookie"),
    CheckSession("mark"),
    FinishLogon("ticket", CODE, session=SESSION, remember="Laptop", password_mark="mark", browser="cookie"),
    BeginStepUp(OPERATION, session=SESSION, browser="cookie"),
    FinishStepUp("ticket", CODE, operation=OPERATION, session=SESSION, browser="cookie"),
    AdmitBrowser(ROOT, password_mark="mark"),
    Unlock(ROOT),
    SpendReceipt("receipt", operation=OPERATION, session=SESSION),
    Unbind("device", by=ROOT),
    ResetMFA(ROOT),
    ResyncVirtualDevice("device", codes=["000000", "111111"], by=ROOT),
    RenameDevice("device", name="Phone", by=ROOT),
    ImportVirtualDevice("otpauth://...", last_step=5, drift=1, name="Phone", by=ROOT),
    ImportSecurityKey({}, app_id="https://example.com", name="Key", by=ROOT),
    ImportCredential(b"id", public_key=b"key", rp_id="example.com", user_handle=b"handle", transports=["usb"], by=ROOT),
    LeftBehind("a sentence"),
    Incoming("alice", "row 1", LeftBehind("a sentence")),
    ImportUser([ImportVirtualDevice("otpauth://...", last_step=5, by=ROOT)], by=ROOT),
    ForgetMachine("machine", by=ROOT),
    ForgetMachines(ROOT),
    PasswordChanged(session_mark="mark"),
    EraseAccount(ROOT),
    Describe(machine="cookie", browser="cookie"),
    TOTPCode("000000", device="device"),
    TOTPCodes(["000000", "111111"], device="device"),
    Assertion({}),
    U2FSignature({}),
    MFAPolicy.ram(issuer="Example", relying_party=SITE, remember=RememberMachine()),
    SITE,
    DevicePolicy(),
    TOTPPolicy(),
    ThrottlePolicy(),
    RememberMachine(),
    KnownBrowsers(),
    Lifetimes(),
    AttestationPolicy(),
    SecurityKeyPolicy(attachment=Attachment.PLATFORM),
    Decision(allowed=True, rule=PolicyRule.KIND, reason="a reason"),
    TOTP(bytes(20)),
    KeyURI("totp", "Example", "alice", bytes(20)),
    Origin("https", "example.com", 443),
    AppIdentity("ios:bundle-id:com.example"),
    AppID.parse("https://example.com/app-id.json"),
    RegistrationRequest(bytes(32), bytes(32)),
    AuthenticationRequest(Control.CHECK_ONLY, bytes(32), bytes(32), b"handle"),
    VersionRequest(),
    RegisteredKey(b"handle", "https://example.com", ("usb",)),
    RegisterRequest("https://example.com", bytes(32)),
    SignRequest("https://example.com", bytes(32), ()),
    CommandAPDU(1),
    ResponseAPDU(b""),
    Credential(id=b"id", public_key=b"key", sign_count=0, app_id="https://example.com", backup_eligible=True),
    CredentialDescriptor(b"id", ("usb",)),
]

TICKET = "a ticket out of a form: judged in the verb"
TYPED = "what somebody typed: judged and counted in the verb"
SENT = "what a browser sent: judged and counted in the verb"
KEPT = "what another library kept: judged in the verb"
EVIDENCE = {
    "FinishLogon.challenge": TICKET,
    "FinishStepUp.challenge": TICKET,
    "ConfirmVirtualDevice.offer": TICKET,
    "ConfirmSecurityKey.offer": TICKET,
    "Enrolment.ticket": TICKET,
    "Rebinding.ticket": TICKET,
    "RecoveryCode.code": TYPED,
    "ResumeLogon.ticket": TICKET,
    "CheckSession.mark": TICKET,
    "PasswordChanged.session_mark": TICKET,
    "SpendReceipt.receipt": TICKET,
    "TOTPCode.code": TYPED,
    "TOTPCodes.codes": TYPED,
    "ConfirmVirtualDevice.codes": TYPED,
    "ResyncVirtualDevice.codes": TYPED,
    "ConfirmSecurityKey.response": SENT,
    "Assertion.response": SENT,
    "U2FSignature.response": SENT,
    "ImportVirtualDevice.key_uri": KEPT,
    "ImportSecurityKey.registration": KEPT,
}
"""Fields that never raise, and why."""

MADE_HERE = {
    "Attestation": "a verification's result",
    "AttestationCertificate": "parsed out of what a peer sent",
    "AuthenticationResponse": "parsed out of what a peer sent",
    "AuthenticatorData": "parsed out of what a peer sent",
    "AuthenticatorModel": "parsed out of a metadata BLOB",
    "AccountView": "an outcome",
    "AdmittedBrowser": "an outcome",
    "Bound": "an outcome",
    "RecoveryCodeSheet": "an outcome",
    "Challenge": "an outcome",
    "Claim": "a verb's result, for the loop",
    "ClientData": "parsed out of what a peer sent",
    "DeviceView": "an outcome",
    "ErrorResponse": "parsed out of what a peer sent",
    "Event": "what a verb notes; written to logs escaped",
    "ImportedUser": "an outcome",
    "MachineView": "an outcome",
    "MetadataBlob": "parsed out of a metadata BLOB",
    "MetadataRules": "checked by tests of its own, over a BLOB",
    "MustBind": "an outcome",
    "NotRequired": "an outcome",
    "Note": "of a RAM preference that was read",
    "Proof": "an outcome, and never an argument",
    "PublicKey": "parsed out of what a peer sent",
    "RAMPreference": "of a RAM preference that was read",
    "Refusal": "an outcome",
    "RegisterResponse": "parsed out of what a peer sent",
    "RegisteredCredential": "a verification's result",
    "RegistrationResponse": "parsed out of what a peer sent",
    "Remembered": "an outcome",
    "ReportRow": "an outcome",
    "Resealed": "an outcome",
    "SecurityKeyOffer": "an outcome",
    "SessionAlive": "an outcome",
    "SessionsEnded": "an outcome",
    "SignResponse": "parsed out of what a peer sent",
    "StatusReport": "parsed out of a metadata BLOB",
    "Transition": "a verb's result, for the loop",
    "TrustRoots": "made by TrustRoots.of out of certificates",
    "Unbound": "an outcome",
    "VerifiedAssertion": "a verification's result",
    "VirtualDeviceOffer": "an outcome",
}
"""Classes that the library makes and an application reads, and where they come from."""


class Everything:
    """Equals everything, and claims to be of the class that it is asked for."""

    def __init__(self, claimed: type = object) -> None:
        self.claimed = claimed

    @property
    def __class__(self):
        return self.claimed

    def __eq__(self, other):
        return True

    __hash__ = object.__hash__


def public_classes():
    """Return every attrs class that a public module exports."""
    found = set()
    for name in MODULES:
        module = importlib.import_module(name)
        for exported in getattr(module, "__all__", [one for one in vars(module) if not one.startswith("_")]):
            value = getattr(module, exported)
            if inspect.isclass(value) and attrs.has(value) and value.__module__.startswith("ram_mfa"):
                found.add(value)
    return found


def allowed_types(hint):
    """Return the types that a field takes by its annotation, unions taken apart; None for a field that takes any."""
    origin = typing.get_origin(hint)
    if hint is typing.Any:
        return None
    if origin in (typing.Union, types.UnionType):
        return {one for part in typing.get_args(hint) for one in allowed_types(part)}
    if origin is typing.Literal:
        return set()
    if hint is float:
        return {int, float}
    if hint is SecretBytes:
        return {bytes, SecretBytes}
    return {origin or hint}


def candidates(value):
    """Return values of all sorts, and those that imitate the valid one."""
    yield from (
        None,
        True,
        1,
        0,
        1.0,
        float("nan"),
        "word",
        "",
        b"bytes",
        bytearray(b"a"),
        object(),
        object,
        Everything(),
    )
    yield from (Everything(type(value)), [5], ["word"], [None], ("word", 5), {"a": 1}, {5}, lambda: value, Control)
    if isinstance(value, enum.Enum):
        yield from (value.value, value.name, str(value))
    if isinstance(value, frozenset):
        yield from ([one.value for one in value if isinstance(one, enum.Enum)] or [1.0], frozenset({Everything(Kind)}))
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield from (str(value), float(value) + 0.5, bool(value))
    if isinstance(value, str):
        yield from (value.encode(), [value])


def takes(allowed, value):
    """Return whether a value is of a type that the field takes: then its content is other tests' matter."""
    if type(value) in allowed:
        return True
    collections = {tuple, frozenset} & allowed
    return bool(collections) and type(value) in {list, tuple, set} and _of_elements(value)


def _of_elements(value):
    return len(value) == 0 or all(type(one) is str for one in value)


@pytest.mark.requirement("A2")
class TestConstructors:
    def test_every_class_is_here(self):
        """Each public frozen class has a valid instance here, or is one that only the library makes."""
        here = {type(value).__name__ for value in VALID} | set(MADE_HERE)
        assert {kind.__name__ for kind in public_classes()} - here == set()
        assert here - {kind.__name__ for kind in public_classes()} == set()
        assert not {type(value).__name__ for value in VALID} & set(MADE_HERE)

    @pytest.mark.parametrize("valid", VALID, ids=lambda value: type(value).__name__)
    def test_wrong_types(self, valid):
        """Each field refuses each wrong type with TypeError or ValueError when the value is built, or is evidence."""
        kind = type(valid)
        fields = {field.alias: getattr(valid, field.name) for field in attrs.fields(kind) if field.init and field.alias}
        hints = hints_of(kind)
        for field in attrs.fields(kind):
            value, allowed = fields[field.alias], allowed_types(hints[field.name])
            for wrong in candidates(value):
                if f"{kind.__name__}.{field.name}" in EVIDENCE:
                    kind(**(fields | {field.alias: wrong}))
                    continue
                assert allowed is not None, f"{kind.__name__}.{field.name} takes anything: say why in EVIDENCE"
                if takes(allowed, wrong):
                    continue
                with pytest.raises((TypeError, ValueError)):
                    kind(**(fields | {field.alias: wrong}))
                    pytest.fail(f"{kind.__name__}.{field.name} took {wrong!r}")

    @pytest.mark.parametrize("valid", VALID, ids=lambda value: type(value).__name__)
    def test_copies(self, valid):
        """A copy with changed fields passes the same checks."""
        for field in attrs.fields(type(valid)):
            if f"{type(valid).__name__}.{field.name}" in EVIDENCE:
                continue
            with pytest.raises((TypeError, ValueError)):
                attrs.evolve(valid, **{field.alias: Everything(type(getattr(valid, field.name)))})

    def test_the_tables_say_why(self):
        """Every exception has its reason, and names something that is there."""
        fields = {f"{type(value).__name__}.{field.name}" for value in VALID for field in attrs.fields(type(value))}
        assert set(EVIDENCE) <= fields
        assert all(EVIDENCE.values())
        assert all(MADE_HERE.values())


def hints_of(kind):
    """Return a class's annotations resolved, with the names that its bases' modules import for type checkers only."""
    names = {**vars(typing), **vars(collections.abc), **vars(ram_mfa)}
    for base in reversed(kind.__mro__):
        names |= vars(importlib.import_module(base.__module__))
    return typing.get_type_hints(kind, names)
