# SPDX-License-Identifier: Apache-2.0
"""The commands: each works on an open store, prints its result, and returns an exit code."""

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
from ..refusals import Reason, Refused
from . import arguments as command_line
from . import user_commands
from .consistency_check import KINDS, Examination, all_keys, count_by_key, read_root
from .copy_command import copy
from .exit_codes import AGAIN, DONE, WRONG
from .job import Job
from .report import format_time, make_writer, replace_file
from .secret_files import Usage
from .store_urls import Address
from .terminal import Terminal

MAX_LISTED: Final = 10
"""The most records with the same problem that are printed one by one; more are summed up in one line."""


def perform(arguments: Namespace, address: Address, terminal: Terminal) -> int:
    """Run the command, and return the exit code.

    Raises:
        Usage: the arguments cannot be used.
        MFAError: the command failed.
    """
    seal, seals = command_line.seal(arguments)
    policy = command_line.policy(arguments)
    with contextlib.closing(address.open(command_line.store_options(arguments))) as store:
        job = Job(arguments, store, seal, seals, policy, terminal)
        return _COMMANDS[arguments.subject, arguments.command](job)


def create(job: Job) -> int:
    """Make the root record if there is none."""
    if read_root(job.store, job.seal) is not None:
        job.terminal.say("there is already a root record; nothing was changed")
        return WRONG
    orphaned = any(True for _ in all_keys(job.store))
    if orphaned and not job.arguments.unsafe_new_root:
        job.terminal.say("there are records but no root record; nothing was changed: is this the right store?")
        return WRONG
    mfa = job.mfa(create=True)
    if orphaned:  # the lost root record held the losses of history, and the id to which the records are bound
        mfa._run(adopt_store_id(mfa._engine))  # noqa: SLF001 - only an operator may decide that these records are this store's
        mfa.declare_restored()
    job.terminal.say("created")
    return DONE


def open_(job: Job) -> int:
    """Show whether the store opens, and under which keys its records are sealed."""
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
    assert root is not None, "the MFA has just read it"
    say("opens: yes")
    say(f"incarnation: {root.incarnation or '(none)'}")
    say(f"history: {hashlib.sha256(root.history).hexdigest()[:16]}")
    say(f"histories lost: {len(root.lost_at)}" + (f", last at {format_time(root.lost_at[-1])}" if root.lost_at else ""))
    return DONE if job.arguments.root_only else _counted(job)


def _counted(job: Job) -> int:
    say, present = job.terminal.say, next(iter(job.seals))
    progress = job.terminal.progress("read", job.total())
    counts = count_by_key(job.store, job.seals, progress.at)
    progress.end()
    for kind, name in KINDS.items():
        say(f"{name}: {sum(number for (of, _), number in counts.items() if of == kind)}")
    for under in (*job.seals, ""):
        number = sum(number for (_, name), number in counts.items() if name == under)
        label = f"sealed under {under}" if under else "sealed under none of these, or not at all"
        say(f"{label}: {number}" + (", to be resealed" if number and under not in {"", present} else ""))
    return WRONG if any(name == "" for _, name in counts) else DONE


def reseal(job: Job) -> int:
    """Re-seal all records under the present key, then walk again for records written under another key meanwhile."""
    say, mfa = job.terminal.say, job.mfa()
    mfa.open()
    first = job.terminal.progress("resealing: read", job.total())
    done = mfa.reseal(
        lambda figures: first.at(figures.records, f", {figures.resealed:,} resealed"),
        new_store_id=job.arguments.new_store_id,
    )
    first.end()
    again = job.terminal.progress("second walk: read", done.records)
    late = mfa.reseal(lambda figures: again.at(figures.records))
    again.end()
    say(f"records: {late.records}")
    say(f"resealed: {done.resealed + late.resealed}")
    say(f"unreadable: {late.unreadable}")
    for key in late.keys:
        say(f"  {key}")
    if late.unreadable > len(late.keys):
        say("  ... (store check --list-all names them all)")
    if late.resealed:
        meanwhile = "a process still seals with it: run the command again later"
        say(f"written under another key meanwhile: {late.resealed}; {meanwhile}")
    if late.unreadable:
        return WRONG
    return AGAIN if late.resealed else DONE


def declare_restored(job: Job) -> int:
    """Declare that history was lost."""
    withdrawn = job.mfa().declare_restored()
    job.terminal.say("declared: all open tickets end, and codes are refused for a few minutes")
    for at in withdrawn:
        job.terminal.say(f"withdrawn: a loss noted at {format_time(at)}, in the future")
    return DONE


def renew_tickets(job: Job) -> int:
    """Draw a new ticket key."""
    job.mfa().renew_tickets()
    job.terminal.say("renewed: all open tickets, offers and receipts end")
    return DONE


def report(job: Job) -> int:
    """Write the credential report."""
    form, path = job.arguments.format, job.arguments.output
    mfa = job.tenant_mfa()
    mfa.open()
    # Progress would overwrite the report on the same terminal.
    progress_terminal = attrs.evolve(
        job.terminal, quiet=job.terminal.quiet or (path is None and job.terminal.out.isatty())
    )
    progress, problems = progress_terminal.progress("reported"), 0
    with contextlib.ExitStack() as stack:
        out = job.terminal.out
        if path is not None:
            stack.enter_context(_as_usage("--output"))
            out = stack.enter_context(replace_file(path))
        write = make_writer(form, out)
        for number, row in enumerate(mfa.credential_report(), start=1):
            write(row)
            problems += bool(row.problem)
            progress.at(number)
    progress.end()
    return WRONG if problems else DONE


@contextlib.contextmanager
def _as_usage(option: str) -> Generator[None]:
    """Turn an error of the operating system about the operator's file into a `Usage`."""
    try:
        yield
    except OSError as error:
        raise Usage(f"{option}: {error.strerror}") from None


def check(job: Job) -> int:
    """Read every record, and print the problems; for many records with the same problem, one line with their number."""
    party = job.policy.relying_party if job.policy is not None else None
    examination = Examination(
        job.store, job.seal, tenants=("", *job.arguments.tenant), scope=None if party is None else party.id
    )
    say, progress = job.terminal.say, job.terminal.progress("checked", job.total())
    keys_by_problem: dict[str, list[str]] = {}
    counts: Counter[str] = Counter()
    for number, one in enumerate(examination.run(), start=1):
        if one is not None:
            counts[one.problem] += 1
            if job.arguments.list_all:
                progress.end()
                say(f"wrong: {one.key}: {one.problem}")
            elif counts[one.problem] <= MAX_LISTED:
                keys_by_problem.setdefault(one.problem, []).append(one.key)
        progress.at(number)
    progress.end()
    for problem, keys in keys_by_problem.items():
        if counts[problem] > MAX_LISTED:
            say(f"wrong: {counts[problem]} records, the first {keys[0]}: {problem}")
        else:
            for key in keys:
                say(f"wrong: {key}: {problem}")
    for label, number in examination.counts.items():
        say(f"{label}: {number}")
    say(f"wrong: {counts.total()}")
    return WRONG if counts else DONE


_COMMANDS: Final[Mapping[tuple[str, str], Callable[[Job], int]]] = {
    ("store", "create"): create,
    ("store", "open"): open_,
    ("store", "reseal"): reseal,
    ("store", "declare-restored"): declare_restored,
    ("store", "renew-tickets"): renew_tickets,
    ("store", "copy"): copy,
    ("store", "report"): report,
    ("store", "check"): check,
    ("user", "show"): user_commands.show,
    ("user", "unlock"): user_commands.unlock,
    ("user", "reset"): user_commands.reset,
    ("user", "require"): user_commands.require,
}
