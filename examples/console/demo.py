# SPDX-License-Identifier: Apache-2.0
"""A virtual MFA device's life in a terminal: bound at a forced logon, used, replayed in vain, used for a step-up.

Everything is real: the records lie sealed in an SQLite file, the key of the seal in a file beside it that only its
owner can read, and the codes come from an authenticator app, or from a virtual phone with ``--auto``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol, TypeVar

import attrs

from ram_mfa import (
    MFA,
    Administrator,
    Advice,
    AESGCMSeal,
    BeginLogon,
    BeginStepUp,
    Bound,
    Challenge,
    ConfirmVirtualDevice,
    Describe,
    Enrolment,
    Event,
    FinishLogon,
    FinishStepUp,
    MFAError,
    MFAPolicy,
    MustBind,
    OfferVirtualDevice,
    OpenAccount,
    Operation,
    Proof,
    Reason,
    Refusal,
    Refused,
    ResetMFA,
    Ticket,
    TOTPCode,
    VirtualDeviceOffer,
    new_session,
)
from ram_mfa.qr import terminal
from ram_mfa.stores.sqlite import SQLiteStore
from ram_mfa.testing import AuthenticatorApp

T = TypeVar("T")

USER: Final = "alice"
ROOT: Final = Administrator("root")
DELETE: Final = Operation("server.delete", "i-0815")
PATIENCE: Final = 120
"""Seconds; a gate that stays closed for longer ends the demo."""


class Person(Protocol):
    """Who sits at the terminal."""

    def scan(self, offer: VirtualDeviceOffer) -> None:
        """Put the device offered into an app."""

    def code(self) -> str:
        """Type the code that the app shows."""
        ...


class Keyboard:
    """Somebody with a phone and a keyboard."""

    def scan(self, offer: VirtualDeviceOffer) -> None:
        """Nothing here: the camera does it."""

    def code(self) -> str:
        """Ask for a code."""
        return input("   Code: ")


@attrs.define
class VirtualPhone:
    """A phone that types by itself; of the codes before, of and after this moment each is taken, so nobody waits."""

    _app: AuthenticatorApp | None = None
    _step: int = 0

    def scan(self, offer: VirtualDeviceOffer) -> None:
        """Scan the QR code."""
        self._app = AuthenticatorApp.scan(offer.key_uri)

    def code(self) -> str:
        """Type the next code."""
        assert self._app is not None, "nothing was scanned"
        period = self._app.period
        self._step = max(self._step + 1, int(time.time() // period) - 1)
        time.sleep(max((self._step - 1) * period - time.time(), 0))
        code = self._app.code_at(self._step * period)
        print(f"   Code: {code}")
        return code


class GaveUp(Exception):
    """The demo cannot go on: why, for the person."""


def kept_key(path: Path) -> bytes:
    """Return the seal's key out of its file, which is made at first use and which its owner alone may read."""
    try:
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        if path.stat().st_mode & 0o077:
            raise GaveUp(f"{path} can be read by others: chmod 600 it.") from None
    else:
        with os.fdopen(made, "wb") as file:
            file.write(os.urandom(32))
    key = path.read_bytes()
    if len(key) != 32:
        raise GaveUp(f"{path} holds no key: remove the folder and begin again.")
    return key


def told(event: Event) -> None:
    """Show what an observer sees: it is durable by now, and holds no secret."""
    print(f"     [{event.type.value}{', by ' + event.actor if event.actor else ''}]")


def opened(folder: Path) -> MFA:
    """Return the MFA over the folder's files, which are made where they are not there."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    seal = AESGCMSeal({"demo": kept_key(folder / "seal.key")}, seal_with="demo")
    store = SQLiteStore(folder / "mfa.db")
    return MFA(store, MFAPolicy.ram(issuer="Example Cloud"), seal=seal, observers=(told,), create=True)


def asked(person: Person, begin: Callable[[], Ticket], finish: Callable[[Ticket, str], T]) -> T:
    """Ask for a code until one is accepted, as the refusals advise."""
    ticket = begin()
    while True:
        try:
            return finish(ticket, person.code())
        except Refused as refused:
            refusal = refused.refusal
        explain(refusal)
        if refusal.retry_after > PATIENCE or refusal.advice not in {Advice.RETYPE, Advice.WAIT, Advice.START_OVER}:
            raise GaveUp(f"{refusal.advice.value}.")
        time.sleep(refusal.retry_after)
        if refusal.advice is Advice.START_OVER:
            ticket = begin()
        elif refusal.next_challenge is not None:
            ticket = refusal.next_challenge.id


def explain(refusal: Refusal) -> None:
    """Show a refusal: what a page tells the person, and what only a demo tells too, the reason."""
    wait = f", in {refusal.retry_after:.0f} seconds" if refusal.retry_after else ""
    print(f"   Refused ({refusal.reason.value}): {refusal.advice.value}{wait}.")
    if refusal.reason is Reason.REPLAYED_CODE:
        print("   Each code passes once: wait until the app shows the next one.")


def show(offer: VirtualDeviceOffer) -> None:
    """Show the QR code, where this terminal can, and the setup key."""
    picture = terminal(offer.key_uri)
    columns = picture.count("\n") * 2
    if shutil.get_terminal_size().columns < columns:
        print(f"   (This terminal has fewer than {columns} columns: type the key, or widen it and begin again.)")
    else:
        try:
            print(picture)
        except UnicodeEncodeError:
            print("   (This terminal has no block characters: type the key.)")
    print(f"   Account: {offer.account_name}\n   Setup key: {offer.setup_key}\n")


def bind(mfa: MFA, person: Person) -> None:
    """Bind a device at logon, where MFA is required and none is bound."""
    session = new_session()
    enrolment: list[Enrolment] = []

    def begin() -> Ticket:
        start = mfa.perform(USER, BeginLogon(session=session))
        if not isinstance(start, MustBind):
            raise GaveUp("somebody bound a device meanwhile: begin again.")
        enrolment[:] = [Enrolment(start.id, session=session)]
        verb = OfferVirtualDevice(enrolment[0], account_name="alice@example", session=session, renew=True)
        offer = mfa.perform(USER, verb)
        print("\n   Scan this with an authenticator app, or type the account and the key into it.\n")
        show(offer)
        person.scan(offer)
        return offer.id

    def finish(offer: Ticket, code: str) -> Bound:
        return mfa.perform(USER, ConfirmVirtualDevice([code], offer=offer, by=enrolment[0], session=session))

    bound = asked(person, begin, finish)
    print(f"   Bound: {bound.name}. This code is spent: it does not log on.")


def log_on(mfa: MFA, person: Person) -> str:
    """Log on with the device; return the code that did it, which only a demo keeps."""
    session = new_session()

    def finish(challenge: Ticket, code: str) -> tuple[str, str]:
        return mfa.perform(challenge.user, FinishLogon(challenge, TOTPCode(code), session=session)).user, code

    user, code = asked(person, lambda: challenged(mfa, session), finish)
    print(f"   Logged on: {user}.")
    return code


def challenged(mfa: MFA, session: str) -> Ticket:
    """Begin a logon that asks for a code."""
    start = mfa.perform(USER, BeginLogon(session=session))
    if not isinstance(start, Challenge):
        raise GaveUp("the logon asked for no code.")
    return start.id


def replay(mfa: MFA, code: str) -> None:
    """Try the code again, in another browser, as somebody would who looked over alice's shoulder."""
    session = new_session()
    try:
        mfa.perform(USER, FinishLogon(challenged(mfa, session), TOTPCode(code), session=session))
    except Refused as refused:
        explain(refused.refusal)
    else:
        raise GaveUp("THE CODE PASSED TWICE.")


def step_up(mfa: MFA, person: Person) -> None:
    """Prove oneself again for a sensitive operation."""
    session = new_session()

    def finish(challenge: Ticket, code: str) -> Proof:
        verb = FinishStepUp(challenge, TOTPCode(code), operation=DELETE, session=session)
        return mfa.perform(challenge.user, verb)

    proof = asked(person, lambda: mfa.perform(USER, BeginStepUp(DELETE, session=session)).id, finish)
    print(f"   Proved by {proof.user}, for {DELETE.name} {DELETE.subject} and nothing else.")


def tell_the_story(mfa: MFA, person: Person, *, reset: bool) -> None:
    """Go through the device's life."""
    print("1. An administrator creates alice, with MFA required.")
    try:
        mfa.perform(USER, OpenAccount(required=True, by=ROOT))
    except Refused as refused:
        explain(refused.refusal)
    if reset:
        print("   Her device is lost: the administrator takes it away.")
        mfa.perform(USER, ResetMFA(by=ROOT))

    if mfa.perform(USER, Describe()).devices:
        print("2. Her device is still bound (--reset takes it away).")
    else:
        print("2. Alice's name and password are right. She has no device, so she may bind one, and nothing else.")
        bind(mfa, person)
    print("3. She logs on: name and password, then the code that the app shows now.")
    code = log_on(mfa, person)
    print(f"4. Somebody else has her password, and saw the code {code}.")
    replay(mfa, code)
    print("5. She deletes a server, which asks again.")
    step_up(mfa, person)


def main(arguments: list[str]) -> int:
    """Run the demo; return the exit status."""
    parser = argparse.ArgumentParser(prog="demo", description="Bind an authenticator app, and log on with it.")
    parser.add_argument("--auto", action="store_true", help="use a virtual phone and no keyboard, on a passing file")
    parser.add_argument("--folder", type=Path, default=Path("demo-data"), help="where the file and the key are kept")
    parser.add_argument("--reset", action="store_true", help="begin with an administrator who takes the device away")
    options = parser.parse_args(arguments)
    try:
        if options.auto:
            with tempfile.TemporaryDirectory() as passing:
                tell_the_story(opened(Path(passing)), VirtualPhone(), reset=options.reset)
        else:
            tell_the_story(opened(options.folder), Keyboard(), reset=options.reset)
            print(f"The records are in {options.folder}, sealed. Run this again: the device is still bound.")
    except (KeyboardInterrupt, EOFError):
        print("\nStopped. What was bound stays bound, and what was not confirmed is not.")
        return 130
    except (GaveUp, MFAError) as why:
        print(f"   The demo ends here: {why}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
