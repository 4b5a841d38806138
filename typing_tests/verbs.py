# SPDX-License-Identifier: Apache-2.0
"""Which verb hands out what, as a type checker infers it from the verb performed, awaited and not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import assert_type

from ram_mfa import (
    MakeRecoveryCodes,
    Rebinding,
    RecoveryCode,
    RecoveryCodeSheet,
    RevokeRecoveryCodes,
    MFA,
    AccountView,
    Administrator,
    AdmitBrowser,
    AdmittedBrowser,
    Assertion,
    AsyncMFA,
    BeginLogon,
    BeginStepUp,
    Bound,
    Challenge,
    CheckSession,
    ConfirmSecurityKey,
    ConfirmVirtualDevice,
    Describe,
    DeviceView,
    Enrolment,
    EraseAccount,
    FinishLogon,
    FinishStepUp,
    ForgetMachine,
    ForgetMachines,
    ImportCredential,
    ImportedUser,
    ImportSecurityKey,
    ImportUser,
    ImportVirtualDevice,
    LogonStart,
    MustBind,
    NotRequired,
    OfferSecurityKey,
    OfferVirtualDevice,
    OpenAccount,
    Operation,
    Owner,
    PasswordChanged,
    Proof,
    Remembered,
    RenameDevice,
    ReportRow,
    RequireMFA,
    Resealed,
    ResetMFA,
    ResumeLogon,
    ResyncVirtualDevice,
    SecurityKeyOffer,
    SessionAlive,
    SessionsEnded,
    SpendReceipt,
    Ticket,
    TOTPCode,
    TOTPCodes,
    U2FSignature,
    Unbind,
    Unlock,
    Unbound,
    VirtualDeviceOffer,
    add_to_browser_cookie,
)
from ram_mfa.migration import MigrationReport, migrate
from ram_mfa._secret import SecretText


ROOT = Administrator("root")
DELETE = Operation("server.delete", "i-0815")


def a_proof_comes_from_a_finish_and_from_a_receipt(mfa: MFA, ticket: Ticket, session: str) -> None:
    code, key, u2f = TOTPCode("755224"), Assertion({}), U2FSignature("{}")
    assert_type(mfa.perform("alice", FinishLogon(ticket, code, session=session)), Proof)
    assert_type(mfa.perform("alice", FinishStepUp(ticket, key, operation=DELETE, session=session)), Proof)
    proof = mfa.perform("alice", FinishStepUp(ticket, u2f, operation=DELETE, session=session))
    assert_type(mfa.perform("alice", SpendReceipt(proof.receipt, operation=DELETE, session=session)), Proof)


def a_begin_gives_no_proof(mfa: MFA, session: str) -> None:
    assert_type(mfa.perform("alice", BeginLogon(session=session)), NotRequired | Remembered | MustBind | Challenge)
    assert_type(mfa.perform("alice", BeginLogon(session=session)), LogonStart)
    assert_type(mfa.perform("alice", BeginStepUp(DELETE, session=session)), Challenge)


def an_offer_gives_no_device_and_a_confirmation_may_give_a_proof(mfa: MFA, must: MustBind, session: str) -> None:
    by = Enrolment(must.id, session=session)
    app = mfa.perform("alice", OfferVirtualDevice(by, account_name="alice", session=session))
    assert_type(app, VirtualDeviceOffer)
    assert_type(mfa.perform("alice", ConfirmVirtualDevice(["1"], offer=app.id, by=by, session=session)), Bound)
    key = mfa.perform("alice", OfferSecurityKey(by, account_name="alice", session=session))
    assert_type(key, SecurityKeyOffer)
    bound = mfa.perform("alice", ConfirmSecurityKey({}, offer=key.id, by=by, session=session))
    assert_type(bound.proof, Proof | None)
    # Whether there is one is asked before anybody is logged on.
    bound.proof.user  # type: ignore[union-attr] # pyright: ignore[reportOptionalMemberAccess]


def the_other_verbs(mfa: MFA, session: str) -> None:
    owner = Owner("receipt", session=session)
    assert_type(mfa.perform("alice", OpenAccount(by=ROOT)), AccountView)
    assert_type(mfa.perform("alice", RequireMFA(by=ROOT)), AccountView)
    assert_type(mfa.perform("alice", ResetMFA(ROOT)), AccountView)
    assert_type(mfa.perform("alice", Describe()), AccountView)
    unbound = mfa.perform("alice", Unbind(by=owner))
    assert_type(unbound, Unbound)
    assert_type(unbound.session_mark, str | None)
    assert_type(mfa.perform("alice", RenameDevice(name="phone", by=owner)), DeviceView)
    assert_type(mfa.perform("alice", ResyncVirtualDevice(codes=["1", "2"], by=owner)), DeviceView)
    assert_type(mfa.perform("alice", ImportVirtualDevice("otpauth://", last_step=None, by=ROOT)), Bound)
    assert_type(mfa.perform("alice", ImportSecurityKey({}, app_id="https://example.com", by=ROOT)), Bound)
    credential = ImportCredential(b"id", public_key=b"key", rp_id="example.com", by=ROOT)
    assert_type(mfa.perform("alice", credential), Bound)
    assert_type(mfa.perform("alice", ImportUser((credential,), by=ROOT)), ImportedUser)
    assert_type(migrate(mfa, ()), MigrationReport)


def verbs_that_hand_nothing_out(mfa: MFA) -> None:
    mfa.perform("alice", ForgetMachine("id", by=ROOT))
    mfa.perform("alice", ForgetMachines(ROOT))
    mfa.perform("alice", EraseAccount(ROOT))
    assert_type(mfa.perform("alice", ForgetMachines(ROOT)), None)
    mfa.perform("alice", Unlock(ROOT))
    assert_type(mfa.perform("alice", Unlock(ROOT)), None)


def a_known_browser(mfa: MFA, ticket: Ticket, session: str, cookie: str | None) -> None:
    codes = TOTPCodes(["755224", "287082"])
    proof = mfa.perform("alice", FinishLogon(ticket, codes, session=session, browser=cookie))
    assert_type(proof.browser, SecretText | None)
    admitted = mfa.perform("alice", AdmitBrowser(ROOT, password_mark="mark"))
    assert_type(admitted, AdmittedBrowser)
    add_to_browser_cookie(cookie, admitted.token)
    admitted.user  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue]


def a_resumed_logon_admits_nobody(mfa: MFA, begun: Challenge | MustBind, session: str) -> None:
    assert begun.logon is not None
    stage = mfa.perform("alice", ResumeLogon(begun.logon, session=session, password_mark="mark"))
    assert_type(stage, MustBind | Challenge)
    stage.user  # type: ignore[union-attr] # pyright: ignore[reportAttributeAccessIssue]
    owner = Owner.first_device(begun.logon, session=session)
    mfa.perform("alice", OfferVirtualDevice(owner, account_name="alice", session=session))


def a_session_alive_admits_nobody(mfa: MFA, admission: NotRequired | Remembered | Proof) -> None:
    assert_type(admission.session_mark, str | None)
    alive = mfa.perform("alice", CheckSession(admission.session_mark or ""))
    assert_type(alive, SessionAlive)
    alive.user  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue]
    ended = mfa.perform("alice", PasswordChanged(session_mark=admission.session_mark))
    assert_type(ended, SessionsEnded)
    assert_type(ended.session_mark, str | None)


async def all_the_same_awaited(mfa: AsyncMFA, ticket: Ticket, session: str) -> None:
    finish = FinishLogon(ticket, TOTPCode("755224"), session=session)
    assert_type(await mfa.perform("alice", finish), Proof)
    assert_type(await mfa.perform("alice", BeginLogon(session=session)), LogonStart)
    assert_type(await mfa.perform("alice", Describe()), AccountView)


async def what_operators_call(mfa: MFA, awaited: AsyncMFA) -> None:
    assert_type(mfa.reseal(), Resealed)
    assert_type(await awaited.reseal(), Resealed)
    assert_type(mfa.credential_report(), Iterator[ReportRow])
    assert_type(awaited.credential_report(), AsyncIterator[ReportRow])


def what_a_verb_needs_cannot_be_left_out(ticket: Ticket, session: str) -> None:
    Unbind()  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    OpenAccount(True)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue] # noqa: FBT003
    FinishLogon(ticket, session=session)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    FinishStepUp(ticket, session=session)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]


def a_code_is_evidence_only_by_name(ticket: Ticket, session: str) -> None:
    FinishLogon(ticket, "755224", session=session)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def a_proof_is_no_receipt(proof: Proof, session: str) -> None:
    Owner(proof, session=session)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    SpendReceipt(proof, operation=DELETE, session=session)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def an_actor_is_no_name(session: str) -> None:
    Unbind(by="root")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def forgotten_fields(ask: Challenge) -> None:
    """A session or an operation that is left out is seen before the program runs."""
    FinishLogon(ask.id, TOTPCode("123456"))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    FinishStepUp(ask.id, TOTPCode("123456"), session="the session of one browser")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    BeginStepUp(DELETE)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def recovery_codes_are_for_a_logon_only(mfa: MFA, ticket: Ticket, session: str, owner: Owner) -> None:
    code = RecoveryCode("0000-0000-0000-0000-0000")
    proof = mfa.perform("alice", FinishLogon(ticket, code, session=session))
    assert_type(proof, Proof)
    assert_type(proof.rebind, Ticket | None)
    FinishStepUp(
        ticket,
        code,  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        operation=DELETE,
        session=session,
    )
    assert_type(mfa.perform("alice", MakeRecoveryCodes(by=owner)), RecoveryCodeSheet)
    assert_type(mfa.perform("alice", RevokeRecoveryCodes(by=ROOT)), None)
    OfferVirtualDevice(Rebinding(ticket, session=session), account_name="alice", session=session)
