# SPDX-License-Identifier: Apache-2.0
"""The command ``store copy``: it opens the target, walks until nothing is left to copy, and writes the root record."""

from __future__ import annotations

import contextlib
from typing import Final

from ..engine.records import ROOT_KEY
from . import arguments as command_line
from .consistency_check import read_root
from .copying import Copied, Copy
from .exit_codes import AGAIN, DONE, WRONG
from .job import Job
from .store_urls import StoreOptions

_MAX_WALKS: Final = 3


def copy(job: Job) -> int:
    """Copy a store into another one, which gets an id and keys of its own.

    Raises:
        Usage: the target's address cannot be used.
        MFAError: a store failed, or a record cannot be read.
    """
    say, arguments = job.terminal.say, job.arguments
    options = StoreOptions(arguments.deadline, True, arguments.to_replicas, arguments.unsafe_setting)  # noqa: FBT003
    with contextlib.closing(command_line.target_address(arguments).open(options)) as target:
        if target.load(ROOT_KEY) is not None:
            say("the target has a root record: a copy was completed, or it is in use; nothing was changed")
            return WRONG
        job.mfa().open()  # notes a loss of history first, if there was one
        before, root = job.store.load(ROOT_KEY), read_root(job.store, job.seal)
        if root is None or root.older is not None:
            say("the source is being given another id: finish that with store reseal; nothing was changed")
            return WRONG
        work, written, done = Copy.begin(job.store, target, job.seal, root), 0, Copied()
        for number in range(1, _MAX_WALKS + 1):
            progress = job.terminal.progress(f"walk {number}: read", job.total())
            done = work.walk(progress.at)
            progress.end()
            written += done.written + done.deleted
            if not (done.written or done.deleted):
                break
        say(f"records: {done.records}")
        say(f"copied: {written}")
        if done.written or done.deleted or job.store.load(ROOT_KEY) != before:
            say("the source changed meanwhile: stop the application, and run the command again")
            return AGAIN
        if not work.finish():
            say("another root record was written to the target meanwhile; it is not this copy's")
            return WRONG
    say("complete: all open tickets end, and codes are refused for a few minutes")
    return DONE
