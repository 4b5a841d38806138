# SPDX-License-Identifier: Apache-2.0
"""The two scripts that run inside Redis, each as one indivisible step.

https://redis.io/docs/latest/develop/programmability/eval-intro/

The room's rule: "absent" is a flag of its own and never an empty value, and the one write comes last, so that an
error in a script says that nothing landed.
"""

from __future__ import annotations

import hashlib

import attrs


@attrs.frozen
class Script:
    """A script's text, and the name by which a server that has seen it runs it."""

    text: str
    sha: str = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        # Redis names its scripts by SHA-1; nothing rests on it but which script runs.
        object.__setattr__(self, "sha", hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest())


_NOW = """
local info = redis.call('INFO', 'replication')
if not string.find(info, 'role:master', 1, true) then
    return redis.error_reply('READONLY this server follows another: what it answers may be old')
end
local now = string.sub(string.match(info, 'master_replid:(%x+)'), 1, 16)
"""
"""What the server calls its present history; a replica that is promoted begins another one, and so does a restart.

64 of its 160 random bits are plenty, and a view of a Cluster sends one for each master. A server that was made a
replica keeps its clients and would answer a read, from what it has of another's history: it is asked each time.
"""

NOW = Script(f"{_NOW} return now")

LOAD = Script(f"""{_NOW}
if KEYS[2] and redis.call('GET', KEYS[2]) ~= ARGV[1] then return {{now, 0, false}} end
return {{now, 1, redis.call('GET', KEYS[1])}}
""")
"""Takes: the key, and where a record is pinned that record's key and the record.

Answers with the incarnation, whether the pinned record is that one, and the record of the key."""

SWAP = Script(f"""{_NOW}
if ARGV[5] ~= '' and not string.find(ARGV[5], ',' .. now .. ',', 1, true) then return now end
if KEYS[2] and redis.call('GET', KEYS[2]) ~= ARGV[6] then return now end
local held = redis.call('GET', KEYS[1])
if ARGV[1] == '0' then
    if held then return 0 end
elseif held ~= ARGV[2] then
    return 0
end
if ARGV[3] == '0' then
    redis.call('DEL', KEYS[1])
else
    redis.call('SET', KEYS[1], ARGV[4])
end
return 1
""")
"""Takes: whether there is an old record, the old record, whether there is a new one, the new one, and the names that
the servers' histories may have, each between commas; and where a record is pinned, its key and the record.

Answers with 1 where it landed, 0 where it lost the race, and the name of its history where that is another one, or
where the pinned record is another one or absent. A script runs alone, so each answer is of one moment.
"""


def swap_arguments(
    old: bytes | None, new: bytes | None, at: str | None, beside: tuple[str, bytes] | None
) -> tuple[str | bytes, ...]:
    """Return the arguments of ``SWAP``."""
    pinned = () if beside is None else (beside[1],)
    names = "" if at is None else f",{at},"
    return ("0" if old is None else "1", old or b"", "0" if new is None else "1", new or b"", names, *pinned)
