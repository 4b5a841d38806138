# SPDX-License-Identifier: Apache-2.0
"""Stores that mistake bytes and keys for others, or lose them, the way real ones have."""

from __future__ import annotations

import hashlib
import itertools
import time
import zlib

from ram_mfa.errors import StoreUnavailable
from tests.stores.sabotaged import Honest


class ComparesBy(Honest):
    """Compares the old bytes by something that is shorter than they are."""

    breaks = ("S1", "S5", "S8")

    def alike(self, value):
        raise NotImplementedError

    def swap(self, key, old, new, /, check=None):
        with self.engine.lock:
            now = self.engine.records.get(key)
            if None not in (now, old) and self.alike(now) == self.alike(old):
                old = now
            return super().swap(key, old, new, check)


class ComparesCRC(ComparesBy):
    """Compares a CRC-32 that it keeps beside the value."""

    def alike(self, value):
        return zlib.crc32(value)


class ComparesMD5(ComparesBy):
    """Compares MD5, as an index on md5(value) does."""

    def alike(self, value):
        return hashlib.md5(value, usedforsecurity=False).digest()


class ComparesShortHash(ComparesBy):
    """Compares the first eight hexadecimal digits of SHA-256."""

    def alike(self, value):
        return hashlib.sha256(value).hexdigest()[:8]


class ComparesPrefix(ComparesBy):
    """Compares the first 255 bytes, as an index on a prefix does."""

    def alike(self, value):
        return value[:255]


class ComparesSuffix(ComparesBy):
    """Compares the last 64 bytes."""

    def alike(self, value):
        return value[-64:]


class ComparesLength(ComparesBy):
    """Compares how long the value is."""

    def alike(self, value):
        return len(value)


class ComparesSum(ComparesBy):
    """Compares a checksum that adds bytes."""

    def alike(self, value):
        return sum(value), len(value)


class ComparesFolded(ComparesBy):
    """Compares without case, as a text column with a default collation does."""

    def alike(self, value):
        return value.lower()


class ComparesStripped(ComparesBy):
    """Compares without trailing blanks, as a CHAR column does."""

    def alike(self, value):
        return value.rstrip(b" ")


class ComparesUpToNUL(ComparesBy):
    """Compares C strings."""

    def alike(self, value):
        return value.partition(b"\0")[0]


class ComparesNumbers(ComparesBy):
    """Compares as numbers what look like numbers, as SQLite and MySQL do with text."""

    def alike(self, value):
        try:
            return float(value)
        except ValueError:
            return value


class ComparesDecoded(ComparesBy):
    """Compares after decoding with replacement characters."""

    def alike(self, value):
        return value.decode("utf-8", "replace")


class ComparesVersion(Honest):
    """Compares a version of one byte that it noted when it loaded, and not the bytes."""

    breaks = ("S1", "S8", "S2", "S7", "S13")

    def __init__(self, engine):
        super().__init__(engine)
        self.versions = engine.__dict__.setdefault("versions", {})
        self.seen = {}

    def load(self, key, /, check=None):
        with self.engine.lock:
            self.seen[key] = self.versions.get(key, 0)
            return super().load(key, check)

    def swap(self, key, old, new, /, check=None):
        with self.engine.lock:
            now = self.engine.records.get(key)
            if None not in (now, old, new) and self.seen.get(key) == self.versions.get(key, 0):
                old = now
            landed = super().swap(key, old, new, check)
            if landed:
                self.versions[key] = (self.versions.get(key, 0) + 1) % 256
            return landed


class WrappingVersion(Honest):
    """Compares the bytes, or a version of one byte that it remembers for them: after 256 writes they are equal."""

    breaks = ("S8",)

    def __init__(self, engine):
        super().__init__(engine)
        self.versions = engine.__dict__.setdefault("versions", {})

    def swap(self, key, old, new, /, check=None):
        with self.engine.lock:
            number, known = self.versions.setdefault(key, (0, {}))
            now = self.engine.records.get(key)
            if old in known and known[old] == number % 256 and now is not None:
                old = now
            landed = super().swap(key, old, new, check)
            if landed:
                known.setdefault(new, (number + 1) % 256)
                self.versions[key] = number + 1, known
            return landed


class ComparesMoment(Honest):
    """Compares the millisecond of the last write with that of the load."""

    breaks = ("S1", "S8")

    def __init__(self, engine):
        super().__init__(engine)
        self.moments = engine.__dict__.setdefault("moments", {})
        self.seen = {}

    def load(self, key, /, check=None):
        self.seen[key] = self.moments.get(key)
        return super().load(key, check)

    def swap(self, key, old, new, /, check=None):
        with self.engine.lock:
            now = self.engine.records.get(key)
            if None not in (now, old) and self.seen.get(key, 0) == self.moments.get(key):
                old = now
            landed = super().swap(key, old, new, check)
            if landed:
                self.moments[key] = int(time.time() * 1000)
            return landed


class SkipsEqual(Honest):
    """Does not write what has the checksum of what is there."""

    breaks = ("S5", "S1", "S13")

    def swap(self, key, old, new, /, check=None):
        if None not in (old, new) and zlib.crc32(old) == zlib.crc32(new):
            return self.engine.records.get(key) == old
        return super().swap(key, old, new, check)


class Truncates(Honest):
    """Cuts a value at some length and says nothing."""

    breaks = ("S2",)
    caught_by = "creating"
    length = 255

    def swap(self, key, old, new, /, check=None):
        return super().swap(key, old and old[: self.length], new and new[: self.length], check)


class Truncates4096(Truncates):
    """Cuts at a page."""

    breaks = ("S5",)
    caught_by = "contents_unchanged"

    length = 4096


class Truncates8000(Truncates):
    """Cuts at the length of a VARBINARY."""

    breaks = ("S5",)
    caught_by = "contents_unchanged"

    length = 8000


class Translates(Honest):
    """Opens its files in text mode: line ends are translated."""

    breaks = ("S5",)
    caught_by = "contents_unchanged"

    def load(self, key, /, check=None):
        found = super().load(key, check)
        return found and found.replace(b"\r\n", b"\n")


class Strips(Honest):
    """Strips what it reads, as a reader of lines does."""

    breaks = ("S5",)
    caught_by = "contents_unchanged"

    def load(self, key, /, check=None):
        found = super().load(key, check)
        return found and (found.strip(b"\r\n") or found)


class Decodes(Honest):
    """Keeps text, and decodes with errors ignored."""

    breaks = ("S5",)
    caught_by = "contents_unchanged"

    def swap(self, key, old, new, /, check=None):
        def text(value):
            return value and value.decode("utf-8", "ignore").encode()

        return super().swap(key, text(old), text(new), check)


class EmptyIsAbsent(Honest):
    """Takes what looks empty for absent."""

    breaks = ("S5",)
    caught_by = "contents_unchanged"

    def load(self, key, /, check=None):
        found = super().load(key, check)
        return None if found is None or not found.strip(b"\0 ") else found


class NullIsAbsent(Honest):
    """Takes the text of a null for absent."""

    breaks = ("S5",)
    caught_by = "contents_unchanged"

    def load(self, key, /, check=None):
        found = super().load(key, check)
        return None if found in (b"null", b"None", b"NULL") else found


class MapsKeys(Honest):
    """Keeps records under something that is made of the key."""

    breaks = ("S11",)

    def place(self, key):
        raise NotImplementedError

    def load(self, key, /, check=None):
        return super().load(self.place(key), check)

    def swap(self, key, old, new, /, check=None):
        return super().swap(self.place(key), old, new, check)

    def keys(self, kind, /):
        return iter(())


class HashedKeys(MapsKeys):
    """Keeps a file for each CRC-32 of a key."""

    def place(self, key):
        return f"{zlib.crc32(key.encode()):08x}"


class ShortHashedKeys(MapsKeys):
    """Keeps a file for the first eight digits of a key's SHA-256."""

    def place(self, key):
        return hashlib.sha256(key.encode()).hexdigest()[:8]


class StrippedKeys(MapsKeys):
    """Strips keys."""

    breaks = ("S11",)

    def place(self, key):
        return key.strip()


class NULKeys(MapsKeys):
    """Ends a key at a NUL."""

    def place(self, key):
        return key.partition("\0")[0]


class UnderscoreKeys(MapsKeys):
    """Makes file names of keys: a minus is an underscore."""

    def place(self, key):
        return key.replace("-", "_")


class KindlessKeys(MapsKeys):
    """Leaves the letter of the kind out."""

    def place(self, key):
        return key[1:]


class FoldedKinds(MapsKeys):
    """Has a table for each letter, and tables are named without case."""

    def place(self, key):
        return key[0].lower() + key[1:]


class ShortKeys(MapsKeys):
    """Keeps 32 characters of a key."""

    def place(self, key):
        return key[:32]


class TTL(Honest):
    """Forgets a record a while after it was written; the while is a number of writes, the same on any machine."""

    breaks = ("S9",)
    caught_by = "no_eviction"

    def __init__(self, engine):
        super().__init__(engine)
        self.written = engine.__dict__.setdefault("written", {})
        self.writes = engine.__dict__.setdefault("writes", itertools.count())

    def load(self, key, /, check=None):
        with self.engine.lock:
            now = next(self.writes)
            if now - self.written.get(key, now) > 1_000:
                self.engine.write(key, None)
        return super().load(key, check)

    def swap(self, key, old, new, /, check=None):
        landed = super().swap(key, old, new, check)
        if landed:
            self.written[key] = next(self.writes)
        return landed


class LRU(Honest):
    """Keeps the thousand records that were used last."""

    breaks = ("S9",)

    def __init__(self, engine):
        super().__init__(engine)
        self.order = engine.__dict__.setdefault("order", {})

    def load(self, key, /, check=None):
        with self.engine.lock:
            self.order[key] = self.order.pop(key, None)
        return super().load(key, check)

    def swap(self, key, old, new, /, check=None):
        landed = super().swap(key, old, new, check)
        with self.engine.lock:
            self.order[key] = self.order.pop(key, None)
            while len(self.engine.records) > 1000:
                self.engine.write(next(key for key in self.order if key in self.engine.records), None)
                for gone in [key for key in self.order if key not in self.engine.records]:
                    del self.order[gone]
        return landed


class Tombstones(Honest):
    """Marks a record deleted by a value of its own, which a listing names."""

    breaks = ("S13",)

    def load(self, key, /, check=None):
        found = super().load(key, check)
        return None if found == b"\0deleted" else found

    def swap(self, key, old, new, /, check=None):
        if old is None and new is not None and super().load(key) == b"\0deleted":
            old = b"\0deleted"
        if new is None and old is not None:
            new = b"\0deleted"
        return super().swap(key, old, new, check)


class Resurrects(Honest):
    """Brings the record that was deleted first back, many deletes later, as a replica that was away does."""

    breaks = ("S13",)
    caught_by = "untouched_records"

    def __init__(self, engine):
        super().__init__(engine)
        self.deleted = engine.__dict__.setdefault("deleted", [])

    def swap(self, key, old, new, /, check=None):
        landed = super().swap(key, old, new, check)
        if landed and new is None:
            self.deleted.append((key, old))
            if len(self.deleted) == 1_000:
                self.engine.write(*self.deleted[0])
        return landed


class DeletesAnything(Honest):
    """Deletes without looking at the old bytes."""

    breaks = ("S1",)

    def swap(self, key, old, new, /, check=None):
        if new is None and old is not None:
            with self.engine.lock:
                return super().swap(key, self.engine.records.get(key, old), None, check)
        return super().swap(key, old, new, check)


class DeletesOnce(Honest):
    """Cannot create what was deleted: the key stays in the index."""

    breaks = ("S13", "S7")

    def __init__(self, engine):
        super().__init__(engine)
        self.gone = engine.__dict__.setdefault("gone", set())

    def swap(self, key, old, new, /, check=None):
        if old is None and key in self.gone:
            return False
        landed = super().swap(key, old, new, check)
        if landed and new is None:
            self.gone.add(key)
        return landed


class NothingForNothing(Honest):
    """Answers None where nothing was asked."""

    breaks = ("S1",)

    def swap(self, key, old, new, /, check=None):
        if old is None and new is None:
            return None
        return super().swap(key, old, new, check)


class RaisesForLost(Honest):
    """Raises where a swap loses."""

    breaks = ("S1", "S7", "S13", "S8")

    def swap(self, key, old, new, /, check=None):
        if super().swap(key, old, new, check):
            return True
        raise StoreUnavailable("the row was changed by somebody else")


class Mutable(Honest):
    """Hands out a bytearray."""

    breaks = ("S5",)

    def load(self, key, /, check=None):
        found = super().load(key, check)
        return found if found is None else bytearray(found)


ALL = [
    found
    for found in list(globals().values())
    if isinstance(found, type) and issubclass(found, Honest) and found not in (Honest, ComparesBy, MapsKeys)
]
