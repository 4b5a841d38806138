# SPDX-License-Identifier: Apache-2.0
"""Support for a project's tests: each test starts without records, but with the same root record.

https://docs.djangoproject.com/en/stable/topics/testing/tools/#django.test.TestCase

A ``TestCase`` wraps each test in a transaction of the request's connection and rolls it back. The store is on purpose
outside that transaction, so records stay until they are deleted. Use the mixin ``FreshRecords``; or, in a test that is
not about the database, give the application an ``MFA`` on a ``MemoryStore``.
"""

from __future__ import annotations

import unittest
from typing import ClassVar

from ...engine.records import ROOT_KEY
from .connections import close_connections
from .store import DjangoStore, default_alias


class FreshRecords(unittest.TestCase):
    """A mixin, listed before ``TestCase`` or ``TransactionTestCase``, with which each test starts without records.

    The root record is kept, so that an ``MFA`` that is already open keeps working, even if a ``TransactionTestCase``
    empties all tables. At the end of the class the store's connections are closed, so that the test database can be
    dropped. The class's ``databases`` must name the alias; devices bound in ``setUpTestData`` are deleted before the
    first test.

    Attributes:
        mfa_database: the alias; if None, the setting RAM_MFA_DATABASE.
    """

    mfa_database: ClassVar[str | None] = None

    def setUp(self) -> None:
        """Delete all records except the root record, which is restored if it is missing."""
        super().setUp()
        store = DjangoStore(self.mfa_database)
        empty(store)
        self.addCleanup(_remember, store)

    @classmethod
    def tearDownClass(cls) -> None:
        """Close the store's connections."""
        super().tearDownClass()
        close_connections(cls.mfa_database or default_alias())


def empty(store: DjangoStore) -> None:
    """Delete all records of a test database except the root record, and restore that if it is missing.

    Raises:
        StoreUnavailable: the database cannot be reached, or is not migrated.
    """
    _remember(store)
    if store.load(ROOT_KEY) is None and str(store) in _roots:
        store.swap(ROOT_KEY, None, _roots[str(store)])
    for kind in ("u", "c"):
        for key in store.keys(kind):
            record = store.load(key)
            if record is not None:
                store.swap(key, record, None)


def _remember(store: DjangoStore) -> None:
    root = store.load(ROOT_KEY)
    if root is not None:
        _roots[str(store)] = root


_roots: dict[str, bytes] = {}
"""The last known root record of each store, by its repr."""
