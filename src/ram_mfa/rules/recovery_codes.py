# SPDX-License-Identifier: Apache-2.0
"""Recovery codes: single-use codes on paper, for a logon without the device.

::

    code   = 20 symbols of Crockford's base 32, 100 random bits; the first 6 select the code, 14 are its secret
    digest = PBKDF2-HMAC-SHA-256(code, salt of the set, 10,000 iterations), first 16 bytes

An unknown selector costs no iteration, is not counted and writes nothing. A wrong secret costs the selected code one of
its ten tries, so that guessing at a whole set succeeds with probability 100 / 2^70, and starves no other gate.

Invariant: the code, the ticket it answers and the result are in one swap.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, Final

import attrs

from .._secret import SecretText
from .._validation import instance_of
from ..account import Account
from ..context import Context
from ..events import EventType
from ..policy import AfterRecovery, OldRecoveryCodes, RecoveryCodes
from ..recovery_code_set import CODE_TRIES, DIGEST, SALT, SELECTOR, RecoveryCodeSet, StoredRecoveryCode
from ..refusals import Reason, Refusal, Ticket
from . import fields
from .admission import Proof
from .evidence import Assertion, Evidence, TOTPCode, TOTPCodes, U2FSignature
from .proofs import make_proof
from .tickets import Opened, Purpose, fresh, sealed_ticket, spend
from .verb import Transition, refused

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32 (https://www.crockford.com/base32.html)."""
SYMBOLS: Final = 20
GROUP: Final = 4
"""Symbols of a code, and of a group of it on paper."""
ITERATIONS: Final = 10_000
_MAX_TYPED: Final = 64
_READ_AS: Final = str.maketrans("OIL", "011", " -")


@attrs.frozen
class RecoveryCode:
    """A recovery code; evidence for `FinishLogon` only.

    Attributes:
        code: as typed: blanks, hyphens and case do not matter, O is read as 0, I and L as 1.
    """

    code: SecretText = attrs.field(converter=fields.as_typed, repr=False)


LogonEvidence = Evidence | RecoveryCode
is_logon_evidence: Final = instance_of(TOTPCode, TOTPCodes, Assertion, U2FSignature, RecoveryCode)
"""The validator of the evidence of a logon: it checks the class only, not the content."""


@attrs.frozen
class RecoveryCodeSheet:
    """Recovery codes just made: show them once, for paper; nothing shows them again.

    Attributes:
        issuer: the service's name, as the policy has it.
        user: the user id.
        codes: each 20 symbols in groups of four.
        made_at: seconds since the epoch.
    """

    issuer: str
    user: str
    codes: tuple[SecretText, ...] = attrs.field(repr=False)
    made_at: float

    @property
    def text(self) -> SecretText:
        """The sheet as plain text to print: a heading, and a numbered line for each code."""
        lines = [f"{number:2}. {code}" for number, code in enumerate(map(str, self.codes), 1)]
        head = f"Recovery codes of {self.user} at {self.issuer}. Each can be used once."
        return SecretText("\n".join([head, "", *lines, ""]))


def valid_codes(account: Account, context: Context) -> RecoveryCodeSet | None:
    """Return the set of which a code may be used now, or None."""
    policy, codes = context.policy.recovery_codes, account.recovery
    if policy is None or codes is None or not codes.codes:
        return None
    lost = policy.after_lost_history is OldRecoveryCodes.REFUSE and context.root.losses_since(codes.history)
    return None if lost else codes


def codes_left(account: Account) -> int | None:
    """Return how many codes of the account are unused; None where none were made."""
    return None if account.recovery is None else len(account.recovery.codes)


def codes_after_password(account: Account, context: Context) -> RecoveryCodeSet | None:
    """Return the set that an account keeps when its password changes."""
    policy = context.policy.recovery_codes
    return None if policy is not None and policy.after_password is OldRecoveryCodes.REFUSE else account.recovery


def make_codes(account: Account, context: Context, policy: RecoveryCodes) -> tuple[Account, RecoveryCodeSheet]:
    """Return the account with a new set in place of any other, and the sheet to show."""
    salt = bytes(context.draw("recovery salt", SALT))
    codes: dict[str, str] = {}
    number = 0
    while len(codes) < policy.count:
        code = _symbols(context.draw(f"recovery code {number}", 16))
        codes[code[:SELECTOR]] = code
        number += 1
    stored = [StoredRecoveryCode(selector, _digest(code, salt), CODE_TRIES) for selector, code in codes.items()]
    made = RecoveryCodeSet(salt, context.now, context.root.history, tuple(stored))
    shown = tuple([SecretText(_grouped(code)) for code in codes.values()])
    sheet = RecoveryCodeSheet(context.policy.issuer, context.user, shown, context.now)
    return attrs.evolve(account, recovery=made), sheet


def verify_recovery_code(
    evidence: RecoveryCode, account: Account, context: Context, ticket: Opened
) -> Account | Transition[Any]:
    """Return the account with the code and the ticket spent, or the transition of the refusal.

    1. the policy and the account have codes that count;
    2. the selector is one of theirs: otherwise nothing is computed, counted or written;
    3. the secret is right: otherwise the code loses one try, and with the last one it is removed.
    """
    # 1. The set
    codes = valid_codes(account, context)
    if codes is None:
        return refused(account, context, Reason.WRONG_EVIDENCE)
    # 2. The selector
    code = _normalise(evidence.code)
    selected = next((one for one in codes.codes if one.selector == code[:SELECTOR]), None)
    if selected is None:
        return refused(account, context, Reason.WRONG_RECOVERY_CODE)
    # 3. The secret
    if not hmac.compare_digest(selected.digest, _digest(code, codes.salt)):
        left = (attrs.evolve(selected, tries=selected.tries - 1),) if selected.tries > 1 else ()
        kind = EventType.RECOVERY_CODE_WRONG if left else EventType.RECOVERY_CODE_USED_UP
        after = _with_code(account, codes, selected, left)
        return refused(after, context, Reason.WRONG_RECOVERY_CODE, events=(context.event(kind),))
    return spend(_with_code(account, codes, selected, ()), context, ticket.stamp)


def recovered(account: Account, context: Context, *, session: str) -> Transition[Proof]:
    """Return the transition after a right code: a proof, or only the right to bind, as the policy says."""
    stamp = fresh(context, Purpose.REBIND, lifetime=context.policy.lifetimes.enrolment)
    rebind = sealed_ticket(account, context, stamp, purpose=Purpose.REBIND, session=session)
    used = context.event(EventType.RECOVERY_CODE_USED, detail=f"{codes_left(account)} left")
    policy = context.policy.recovery_codes
    if policy is not None and policy.after_use is AfterRecovery.SUGGEST_BIND:
        proof = make_proof(account, context, None, session=session, rebind=rebind)
        return Transition(account, proof, events=(used, context.event(EventType.LOGON_PROVED, detail="recovery code")))
    return refused(account, context, Refusal(Reason.REBIND_FIRST, rebind=Ticket(rebind)), events=(used,))


def _with_code(
    account: Account, codes: RecoveryCodeSet, old: StoredRecoveryCode, new: tuple[StoredRecoveryCode, ...]
) -> Account:
    rows = [row for one in codes.codes for row in (new if one is old else (one,))]
    return attrs.evolve(account, recovery=attrs.evolve(codes, codes=tuple(rows)))


def _symbols(data: bytes) -> str:
    number = int.from_bytes(data, "big")
    return "".join([ALPHABET[number >> 5 * place & 31] for place in range(SYMBOLS)])


def _grouped(code: str) -> str:
    return "-".join([code[start : start + GROUP] for start in range(0, SYMBOLS, GROUP)])


def _normalise(typed: str) -> str:
    """Return the 20 symbols that somebody typed; empty where it is no code."""
    if len(typed) > _MAX_TYPED or not typed.isascii():
        return ""
    code = typed.upper().translate(_READ_AS)
    return code if len(code) == SYMBOLS else ""


def _digest(code: str, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", code.encode(), salt, ITERATIONS, DIGEST)
