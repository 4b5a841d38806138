# SPDX-License-Identifier: Apache-2.0
"""The deeds: each opens the store, does what `MFA` does, says what came of it, and returns an exit code."""

from __future__ import annotations

import contextlib
import hashlib
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from typing import Final

import attrs

from ..engine.resealing import adopt_store_id
from ..errors import UnreadableRecord
from ..mfa import MFA
from ..policy import MFAPolicy, RelyingParty
from ..refusals import Reason, Refused
from ..sealing import Seal
from . import arguments as given
from .consistency_check import KINDS, Examination, all_keys, count, read_root, sealed_with
from .exit_codes import AGAIN, DONE, WRONG
from .report import at_iso, writer_of, written_whole
from .secret_files import Usage
from .store_urls import Address, Opened
from .terminal import Terminal

MAX_LISTED: Final = 10
"""Equal findings that are printed one by one; of more, one line and a count."""


@attrs.frozen
class Job:
    """What a deed works with: the arguments, read.

    Attributes:
        arguments: as they were given.
        store: open.
        seal: of the whole ring.
        seals: one for each key of it, the present one first.
        policy: as given, or RAM's own rules.
        terminal: where to write.
    """

    arguments: Namespace
    store: Opened
    seal: Seal
    seals: Mapping[str, Seal]
    policy: MFAPolicy | None
    terminal: Terminal

    def mfa(self, *, create: bool = False) -> MFA:
        """Return the engine on this store; nothing that an operator does asks more of a policy than the report."""
        policy = self.policy or MFAPolicy.ram(issuer="ram_mfa")
        return MFA(self.store, policy, seal=self.seal, deadline=self.arguments.deadline, create=create)

    def total(self) -> int | None:
        """Return how many records there are, where somebody watches and it is worth a walk over the keys."""
        terminal = self.terminal
        return count(self.store) if terminal.err.isatty() and not terminal.quiet else None


def perform(arguments: Namespace, address: Address, terminal: Terminal) -> int:
    """Do what the arguments ask for, and return the exit code.

    Raises:
        Usage: it cannot be asked so.
        MFAError: the store did not answer, or said something that ends the deed.
    """
    seal, seals = given.seal(arguments)
    policy = given.policy(arguments)
    with contextlib.closing(address.open(given.terms(arguments))) as store:
        job = Job(arguments, store, seal, seals, policy, terminal)
        return _COMMANDS[arguments.command](job)


def create(job: Job) -> int:
    """Make the root record where there is none."""
    if read_root(job.store, job.seal) is not None:
        job.terminal.say("there is a root record already; nothing was changed")
        return WRONG
    lost = any(True for _ in all_keys(job.store))
    if lost and not job.arguments.unsafe_new_root:
        job.terminal.say("there are records, and no root record: is it the right store? nothing was changed")
        return WRONG
    mfa = job.mfa(create=True)
    if lost:  # with the root record went what it knew of lost history, and the id that records are bound to
        mfa._run(adopt_store_id(mfa._engine))  # noqa: SLF001 - only an operator may say that these records are this store's
        mfa.declare_restored()
    job.terminal.say("created")
    return DONE


def open_(job: Job) -> int:
    """Say whether the store opens, and what its records are sealed under."""
    say = job.terminal.say
    try:
        job.mfa().open()
    except UnreadableRecord as error:
        say(f"opens: no, the root record: {error.problem}")
        return WRONG
    except Refused as refused:
        if refused.refusal.reason is not Reason.NO_ROOT:
            raise
        say(f"opens: no, {Reason.NO_ROOT.value}")
        return WRONG
    root = read_root(job.store, job.seal)
    assert root is not None, "it was read a moment ago"
    say("opens: yes")
    say(f"incarnation: {root.incarnation or '(none)'}")
    say(f"history: {hashlib.sha256(root.history).hexdigest()[:16]}")
    say(f"histories lost: {len(root.lost_at)}" + (f", last at {at_iso(root.lost_at[-1])}" if root.lost_at else ""))
    return DONE if job.arguments.root_only else _counted(job)


def _counted(job: Job) -> int:
    say, present = job.terminal.say, next(iter(job.seals))
    progress = job.terminal.progress("read", job.total())
    counts = sealed_with(job.store, job.seals, progress.at)
    progress.end()
    for kind, name in KINDS.items():
        say(f"{name}: {sum(number for (of, _), number in counts.items() if of == kind)}")
    for under in (*job.seals, ""):
        number = sum(number for (_, name), number in counts.items() if name == under)
        what = f"sealed under {under}" if under else "sealed under none of these, or not at all"
        say(f"{what}: {number}" + (", to be resealed" if number and under not in {"", present} else ""))
    return WRONG if any(name == "" for _, name in counts) else DONE


def reseal(job: Job) -> int:
    """Seal everything under the present key, and look again for what others wrote meanwhile."""
    say, mfa = job.terminal.say, job.mfa()
    mfa.open()
    first = job.terminal.progress("resealing: looked at", job.total())
    done = mfa.reseal(
        lambda sofar: first.at(sofar.records, f", {sofar.resealed:,} resealed"),
        new_store_id=job.arguments.new_store_id,
    )
    first.end()
    again = job.terminal.progress("looking again: looked at", done.records)
    late = mfa.reseal(lambda sofar: again.at(sofar.records))
    again.end()
    say(f"records: {late.records}")
    say(f"resealed: {done.resealed + late.resealed}")
    say(f"unreadable, and left: {late.unreadable}")
    for key in late.keys:
        say(f"  {key}")
    if late.unreadable > len(late.keys):
        say("  ... (store check --list-all names them all)")
    if late.resealed:
        say(
            f"written under another key meanwhile: {late.resealed}; some process still seals with it: begin again later"
        )
    if late.unreadable:
        return WRONG
    return AGAIN if late.resealed else DONE


SOME_PARTY: Final = RelyingParty(id="localhost", origins=("http://localhost",))
"""Where no policy is given nothing is known of the site, and the report takes its security keys for usable."""


def declare_restored(job: Job) -> int:
    """Declare that history was lost."""
    withdrawn = job.mfa().declare_restored()
    job.terminal.say("declared: all open tickets end, and codes are refused for a few minutes")
    for at in withdrawn:
        job.terminal.say(f"withdrawn: a loss at {at_iso(at)}, which lies in the future")
    return DONE


def renew_tickets(job: Job) -> int:
    """Draw a new ticket key."""
    job.mfa().renew_tickets()
    job.terminal.say("renewed: all open tickets, offers and receipts end")
    return DONE


def report(job: Job) -> int:
    """Write the credential report."""
    tenant, form, path = job.arguments.tenant, job.arguments.format, job.arguments.output
    policy = job.policy or MFAPolicy.ram(issuer="ram_mfa", relying_party=SOME_PARTY)
    mfa = attrs.evolve(job, policy=policy).mfa()
    if tenant:
        mfa = mfa.for_tenant(tenant, policy)
    mfa.open()
    # A bar over a table on the same terminal would be in its way.
    shown = attrs.evolve(job.terminal, quiet=job.terminal.quiet or (path is None and job.terminal.out.isatty()))
    progress, problems = shown.progress("reported"), 0
    with contextlib.ExitStack() as stack:
        out = job.terminal.out
        if path is not None:
            stack.enter_context(_said_as("--output"))
            out = stack.enter_context(written_whole(path))
        write = writer_of(form, out)
        for number, row in enumerate(mfa.credential_report(), start=1):
            write(row)
            problems += bool(row.problem)
            progress.at(number)
    progress.end()
    return WRONG if problems else DONE


@contextlib.contextmanager
def _said_as(what: str) -> Generator[None]:
    """Let what the system says of a file of the operator's be a matter of usage."""
    try:
        yield
    except OSError as error:
        raise Usage(f"{what}: {error.strerror}") from None


def check(job: Job) -> int:
    """Look at every record, and print what is wrong with it; of many equal findings one line and their number."""
    party = job.policy.relying_party if job.policy is not None else None
    looked = Examination(
        job.store, job.seal, tenants=("", *job.arguments.tenant), scope=None if party is None else party.id
    )
    say, progress = job.terminal.say, job.terminal.progress("checked", job.total())
    found: dict[str, list[str]] = {}
    counts: Counter[str] = Counter()
    for number, one in enumerate(looked.run(), start=1):
        if one is not None:
            counts[one.problem] += 1
            if job.arguments.list_all:
                progress.end()
                say(f"wrong: {one.key}: {one.problem}")
            elif counts[one.problem] <= MAX_LISTED:
                found.setdefault(one.problem, []).append(one.key)
        progress.at(number)
    progress.end()
    for problem, keys in found.items():
        if counts[problem] > MAX_LISTED:
            say(f"wrong: {counts[problem]} records, the first of them {keys[0]}: {problem}")
        else:
            for key in keys:
                say(f"wrong: {key}: {problem}")
    for what, number in looked.counts.items():
        say(f"{what}: {number}")
    say(f"wrong: {counts.total()}")
    return WRONG if counts else DONE


_COMMANDS: Final[Mapping[str, Callable[[Job], int]]] = {
    "create": create,
    "open": open_,
    "reseal": reseal,
    "declare-restored": declare_restored,
    "renew-tickets": renew_tickets,
    "report": report,
    "check": check,
}
