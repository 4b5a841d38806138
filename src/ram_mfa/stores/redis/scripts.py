# SPDX-License-Identifier: Apache-2.0
"""The Lua scripts that run inside Redis, each of them atomically.

https://redis.io/docs/latest/develop/programmability/eval-intro/

Invariant: absence is a flag of its own, never an empty value; the only write comes last, so that nothing was applied if
a script fails.
"""

from __future__ import annotations

import hashlib

import attrs


@attrs.frozen
class Script:
    """A script's text, and the SHA-1 by which a server that has loaded it runs it."""

    text: str
    sha: str = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        # Redis identifies scripts by SHA-1; it only selects the script, so no security depends on it.
        object.__setattr__(self, "sha", hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest())


_INCARNATION = """
local info = redis.call('INFO', 'replication')
if not string.find(info, 'role:master', 1, true) then
    return redis.error_reply('READONLY this server is a replica: its data may be stale')
end
local now = string.sub(string.match(info, 'master_replid:(%x+)'), 1, 16)
"""
"""The name of the server's current history. A promotion begins another one, and so does a restart.

64 of its 160 random bits suffice, and keep the list of a Cluster's masters short. The role is checked each time,
because a server that becomes a replica keeps its clients and would answer their reads from another server's history.
"""

INCARNATION = Script(f"{_INCARNATION} return now")

LOAD = Script(f"""{_INCARNATION}
if KEYS[2] and redis.call('GET', KEYS[2]) ~= ARGV[1] then return {{now, 0, false}} end
return {{now, 1, redis.call('GET', KEYS[1])}}
""")
"""Takes the key and, if a record is pinned, its key and its value.

Returns the incarnation, whether the pinned record has that value, and the record of the key."""

SWAP = Script(f"""{_INCARNATION}
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
"""Takes a flag for the old record, the old record, a flag for the new record, the new record, and the permitted names
of the history, each between commas; if a record is pinned, also its key and its value.

Returns 1 if it was applied, 0 if it lost the race, and the name of the history if that is not permitted, or if the
pinned record is different or absent. No other command runs during a script.
"""


def swap_arguments(
    old: bytes | None, new: bytes | None, at: str | None, beside: tuple[str, bytes] | None
) -> tuple[str | bytes, ...]:
    """Return the arguments of ``SWAP``."""
    pinned = () if beside is None else (beside[1],)
    names = "" if at is None else f",{at},"
    return ("0" if old is None else "1", old or b"", "0" if new is None else "1", new or b"", names, *pinned)
