# SPDX-License-Identifier: Apache-2.0
"""Receivers of Django's signals: logons and log-outs, new users, new passwords, deleted users.

What concerns the records happens once the project's transaction has committed. There a failure is logged and breaks
nothing: a user without a record is treated as RAM_MFA says, and a new password ends machines and tickets by itself.
"""

from __future__ import annotations

import logging
from typing import Any

from django.contrib import auth
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db import transaction
from django.db.models.signals import post_delete, post_save

from ...ceremonies import EraseAccount, OpenAccount, PasswordChanged, UnsafeAdministrator, Verb
from ...errors import MFAError
from ...refusals import Reason, Refused
from .configuration import guard
from .http import BACKEND, MARK, is_admitting
from .middleware import ENDED, present_request, take_back

_log = logging.getLogger("ram_mfa.django")
_BY = UnsafeAdministrator("Django")


def connect() -> None:
    """Connect the receivers."""
    model = auth.get_user_model()
    user_logged_in.connect(_logged_in, dispatch_uid="ram_mfa")
    user_logged_out.connect(_logged_out, dispatch_uid="ram_mfa")
    post_save.connect(_saved, sender=model, dispatch_uid="ram_mfa")
    post_delete.connect(_deleted, sender=model, dispatch_uid="ram_mfa")


def _logged_in(sender: Any, request: Any, user: Any, **_: Any) -> None:
    del sender
    if request is None or is_admitting():
        return
    request.session[BACKEND] = request.session.get(auth.BACKEND_SESSION_KEY, "")
    take_back(request, user)


def _logged_out(sender: Any, request: Any, **_: Any) -> None:
    del sender
    if request is not None:
        setattr(request, ENDED, True)


def _saved(sender: Any, instance: Any, *, created: bool, raw: bool = False, **_: Any) -> None:
    del sender
    user = str(instance.pk)
    if raw:
        return  # a fixture, which brings no user into being
    if created:
        transaction.on_commit(lambda: _perform(user, OpenAccount(required=guard().require_new, by=_BY)))
    elif getattr(instance, "_password", None) is not None:  # a new password, and no new hash of the old one
        transaction.on_commit(lambda: _password_changed(user))


def _deleted(sender: Any, instance: Any, **_: Any) -> None:
    del sender
    user = str(instance.pk)
    transaction.on_commit(lambda: _perform(user, EraseAccount(_BY)))


def _password_changed(user: str) -> None:
    """End what the old password began; the session in which the user changed it goes on."""
    request = present_request.get()
    own = request is not None and request.session.get(auth.SESSION_KEY) == user
    mark = request.session.get(MARK) if request is not None and own else None
    ended = _perform(user, PasswordChanged(session_mark=mark))
    if request is not None and ended is not None and ended.session_mark is not None:
        request.session[MARK] = str(ended.session_mark)


def _perform(user: str, verb: Verb[Any]) -> Any:
    try:
        return guard().mfa.perform(user, verb)
    except Refused as error:
        if error.refusal.reason not in {Reason.NO_ACCOUNT, Reason.ACCOUNT_EXISTS}:
            _log.error("the record of a user could not follow: %s", error)
    except MFAError:
        _log.exception("the record of a user could not follow")
    return None
