# SPDX-License-Identifier: Apache-2.0
"""Store keys of records, and functions that unseal and decode a record.

A store key is a kind letter and base64url of SHA-256 over the length-prefixed tenant and user (promise S11, V20). Every
database accepts such a key, and no collation folds it; the user id itself is in the sealed record. Sealed bytes that
cannot be read raise `UnreadableRecord`; no frame of that exception holds any of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeVar

from ..account import Account
from ..codec import Unreadable, decode_account
from ..encoding import base64url
from ..errors import UnreadableRecord
from ..refusals import Reason, Refusal, Refused
from ..rules.verb import Claim
from ..sealing import BrokenSeal, RecordSeal

MAX_USER_ID: Final = 1_024
"""Bytes of UTF-8."""

_Record = TypeVar("_Record")


def _key(kind: str, *parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return kind + base64url.encode(digest.digest())


ROOT_KEY: Final = _key("r")


@lru_cache(maxsize=1_024)
def user_key(tenant: str, user: str) -> str:
    """Return the store key of a user's record.

    Raises:
        TypeError: the user id is not a string.
        ValueError: it is empty, above 1,024 bytes of UTF-8, or not encodable.
    """
    if not isinstance(user, str):
        raise TypeError("a user id is a string")
    data = user.encode()
    if not 1 <= len(data) <= MAX_USER_ID:
        raise ValueError(f"a user id has 1 to {MAX_USER_ID} bytes of UTF-8")
    return _key("u", tenant.encode(), data)


def untrusted_user_key(tenant: str, user: str) -> str:
    """Return the store key of a user's record, where the user id may come from a visitor's unverified ticket.

    Raises:
        Refused: no user can have that id.
        TypeError: the user id is not a string.
    """
    try:
        return user_key(tenant, user)
    except ValueError:
        refusal = Refusal(Reason.BAD_USER_ID)
    raise Refused(refusal)


def claim_key(tenant: str, claim: Claim) -> str:
    """Return the store key of a claim on a credential id."""
    return _key("c", tenant.encode(), claim.scope.encode(), claim.credential_id)


def unseal_record(key: str, seal: RecordSeal, sealed: bytes, decode: Callable[[bytes], _Record]) -> _Record:
    """Return the record that is sealed under a key.

    Raises:
        UnreadableRecord: this library did not write it under that key, or its key is not in the ring.
    """
    try:
        return decode(seal.unseal(sealed))
    except (BrokenSeal, Unreadable) as error:
        problem = str(error)
    raise UnreadableRecord(key, problem)


def unseal_account(key: str, seal: RecordSeal, sealed: bytes, user: str) -> Account:
    """Return the account that is sealed under a user's key.

    Raises:
        UnreadableRecord: as for `unseal_record`, or it is another user's record.
    """
    account = unseal_record(key, seal, sealed, decode_account)
    if account.user != user:
        raise UnreadableRecord(key, "another user's record")
    return account
