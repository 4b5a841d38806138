# SPDX-License-Identifier: Apache-2.0
"""Support for a project's tests: each test starts without records, but with the same root record.

https://docs.djangoproject.com/en/stable/topics/testing/tools/#django.test.TestCase

A ``TestCase`` wraps each test in a transaction of the request's connection and rolls it back. The store is on purpose
outside that transaction, so records stay until they are deleted. Use the mixin ``FreshRecords``; or, in a test that is
not about the database, give the application an ``MFA`` on a ``MemoryStore``.
"""

from __future__ import annotations

import contextlib
import unittest
from typing import Any, ClassVar

from asgiref.sync import sync_to_async
from django.test import Client

from ...account import Account
from ...ceremonies import OpenAccount, Transition, UnsafeAdministrator, Verb
from ...context import Context
from ...engine.records import ROOT_KEY
from ...refusals import Refused
from ...rules.session_marks import session_mark
from .configuration import is_guarded, make_guard
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
        if is_guarded():
            make_guard(create=True)
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


class MFAClient(Client):
    """Django's test client, whose ``force_login`` logs on as one does after the second factor.

    A plain ``Client`` is sent to the second factor, as a browser is. A user without a record gets one.
    """

    def force_login(self, user: Any, backend: str | None = None) -> None:
        """See ``django.test.Client.force_login``."""
        from .configuration import guard
        from .http import MARK, admitting

        with admitting():
            super().force_login(user, backend)
        mfa = guard().mfa
        with contextlib.suppress(Refused):
            mfa.perform(str(user.pk), OpenAccount(required=False, by=UnsafeAdministrator("a test")))
        session = self.session
        session[MARK] = mfa.perform(str(user.pk), _PresentMark())
        session.save()

    async def aforce_login(self, user: Any, backend: str | None = None) -> None:
        """See ``django.test.Client.aforce_login``."""
        await sync_to_async(self.force_login)(user, backend)


class _PresentMark(Verb[str]):
    """Returns the mark of a session that begins now, without any proof: for tests."""

    def __call__(self, account: Account | None, context: Context) -> Transition[str]:
        return Transition(account, session_mark(account, context))
