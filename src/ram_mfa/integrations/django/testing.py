# SPDX-License-Identifier: Apache-2.0
"""Support for a project's tests: each finds a database without records, under the root record that there was.

https://docs.djangoproject.com/en/stable/topics/testing/tools/#django.test.TestCase

A ``TestCase`` wraps each test in a transaction of the request's connection and rolls it back. The store is not in it,
which is what it is for: what a verb wrote stays until somebody deletes it. So mix ``FreshRecords`` in; or, in a test
that is not about the database, give the application an ``MFA`` on a ``MemoryStore``.
"""

from __future__ import annotations

import unittest
from typing import ClassVar

from ...engine.records import ROOT_KEY
from .connections import close_connections
from .store import DjangoStore, default_alias


class FreshRecords(unittest.TestCase):
    """A mixin for ``TestCase`` and ``TransactionTestCase``, named before them: each test begins without records.

    The root record stays, so that an ``MFA`` that is already open goes on, also where a ``TransactionTestCase`` empties
    all tables. At the end of the class the store's connections close, so that the test database can be dropped. The
    class' ``databases`` must name the alias; what ``setUpTestData`` binds is gone before the first test.

    Attributes:
        mfa_database: the alias; where it is None, what the setting RAM_MFA_DATABASE says.
    """

    mfa_database: ClassVar[str | None] = None

    def setUp(self) -> None:
        """Delete all records but the root record, which is put back where it is gone."""
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
    """Delete all records of a test database but the root record, and put that back where it is gone.

    Raises:
        StoreUnavailable: the database is not reached, or not migrated.
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
"""The root record that was last seen, by the store's alias."""
