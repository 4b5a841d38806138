# SPDX-License-Identifier: Apache-2.0
"""The example of the README, as a type checker sees it; tests/clients/test_readme.py holds the two together."""

import time

from ram_mfa import MFA, AESGCMSeal, Administrator, Admission, MFAPolicy, new_session
from ram_mfa import BeginLogon, Challenge, FinishLogon, MustBind, TOTPCode
from ram_mfa import ConfirmVirtualDevice, OfferVirtualDevice, RequireMFA, ResetMFA
from ram_mfa.qr import svg
from ram_mfa.stores.sqlite import SQLiteStore
from ram_mfa.testing import AuthenticatorApp

seal = AESGCMSeal.from_file("mfa.key", create=True)  # in production, a key that is kept apart from the database
mfa = MFA(SQLiteStore("mfa.db"), MFAPolicy.ram(issuer="Example Cloud"), seal=seal, create=True)
root, session = Administrator("root"), new_session()
mfa.perform("alice", RequireMFA(required=True, by=root))  # makes a record where there is none
mfa.perform("alice", ResetMFA(by=root))  # the virtual phone of an earlier run is gone

offer = mfa.perform("alice", OfferVirtualDevice(by=root, account_name="alice@example", session=session))
picture = svg(offer.key_uri)  # the page shows it, and offer.setup_key beneath; here a virtual phone scans it
phone, now = AuthenticatorApp.scan(offer.key_uri), time.time()
mfa.perform("alice", ConfirmVirtualDevice([phone.code_at(now)], offer=offer.id, by=root, session=session))


def log_on(code: str) -> Admission:
    match mfa.perform("alice", BeginLogon(session=session)):  # the password was right
        case Challenge() as ask:
            return mfa.perform(ask.id.user, FinishLogon(ask.id, TOTPCode(code), session=session))
        case MustBind() as must:
            raise SystemExit(f"alice chooses among {must.kinds}, and may only bind")
        case waived:  # NotRequired or Remembered
            return waived


print(log_on(phone.code_at(now + 30)).user)  # an application logs on outcome.user and no other name
