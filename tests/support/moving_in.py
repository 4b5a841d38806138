# SPDX-License-Identifier: Apache-2.0
"""A program that moves users out of the real packages: it runs in an environment that has them, one library a run.

Each library makes its rows by its own functions, accepts a code or a tap itself, and is then moved from. Run by
tests/clients/test_moving_in.py as ``python -P moving_in.py LIBRARY``; it prints what held, one word a line.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import time
from functools import partial
from types import SimpleNamespace

from ram_mfa import (
    MFA,
    Administrator,
    Assertion,
    BeginLogon,
    DevicePolicy,
    FinishLogon,
    KindRule,
    MFAPolicy,
    Refused,
    RelyingParty,
    TOTPCode,
    UnsafePlaintext,
)
from ram_mfa.from_other_libraries import (
    from_allauth,
    from_django_otp,
    from_django_otp_static,
    from_py_webauthn,
    from_pyotp,
    from_python_fido2,
    from_two_factor_webauthn,
    from_u2flib_server,
    read_rows,
)
from ram_mfa.migration import MigrationResult, migrate
from ram_mfa.otp import TOTP
from ram_mfa.stores.memory import MemoryStore
from ram_mfa.testing import SoftSecurityKey

ROOT, SESSION = Administrator("root"), "the session of one browser"
ORIGIN, RP_ID, APP_ID = "https://example.com", "example.com", "https://example.com"
KEY = b"12345678901234567890"
BASE32 = base64.b32encode(KEY).decode()


class Killed(BaseException):
    """The end of the process, at a write."""


class Store:
    """A store in memory that can end the run at its next write of a user."""

    durable = False

    def __init__(self):
        self.inner, self.lives = MemoryStore(), None
        self.load, self.keys = self.inner.load, self.inner.keys

    def swap(self, key, old, new):
        if self.lives is not None:
            self.lives -= 1
            if self.lives < 0:
                raise Killed
        return self.inner.swap(key, old, new)

    def contents(self):
        return {key: self.load(key) for kind in "uc" for key in self.keys(kind)}


def django_set_up():
    import django
    from django.conf import settings
    from django.core.management import call_command

    settings.configure(
        SECRET_KEY="a key of a test",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=[
            *("django.contrib.contenttypes", "django.contrib.auth", "django_otp", "django_otp.plugins.otp_totp"),
            *("django_otp.plugins.otp_static", "two_factor", "two_factor.plugins.webauthn", "allauth"),
            *("allauth.account", "allauth.mfa"),
        ],
        MIDDLEWARE=["allauth.account.middleware.AccountMiddleware"],
        MFA_SUPPORTED_TYPES=["totp", "recovery_codes", "webauthn"],
        TWO_FACTOR_WEBAUTHN_RP_NAME="Old",
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        USE_TZ=True,
    )
    django.setup()
    call_command("migrate", verbosity=0)
    from django.contrib.auth.models import User

    return [User.objects.create_user(name) for name in ("alice", "bob")]


def settled():
    """Wait out the last seconds of a time step, so that code and acceptance fall in the same one; return the time."""
    if time.time() % 30 > 25:
        time.sleep(30 - time.time() % 30)
    return time.time()


def rows_of(query, names):
    return [dict(row) | {"user": names[row["user_id"]]} for row in query.values()]


def django_otp():
    """Apps and static codes of django-otp; it has accepted a code, which its row remembers."""
    people = django_set_up()
    from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
    from django_otp.plugins.otp_totp.models import TOTPDevice

    at = settled()
    for person in people:
        device = TOTPDevice.objects.create(user=person, name="Phone", key=KEY.hex(), confirmed=True)
        assert device.verify_token(TOTP(KEY).at(at))
        static = StaticDevice.objects.create(user=person, name="backup")
        static.token_set.create(token=StaticToken.random_token())
    names = {person.pk: person.username for person in people}
    codes = [dict(row) | {"user": "alice"} for row in StaticToken.objects.values()]
    incoming = [
        *read(rows_of(TOTPDevice.objects, names), from_django_otp, "TOTPDevice"),
        *read(codes[:1], from_django_otp_static, "StaticToken"),
    ]
    return SimpleNamespace(
        incoming=incoming, at=at, used=TOTP(KEY).at(at), next=TOTP(KEY).at(at + 30), later=30, left=1
    )


def allauth():
    """Apps, recovery codes and a security key of django-allauth; it has accepted a code."""
    people = django_set_up()
    from allauth.mfa.models import Authenticator
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
    from allauth.mfa.totp.internal import auth
    from allauth.mfa.utils import decrypt

    for person in people:
        theirs = auth.TOTP.activate(person, BASE32)
        RecoveryCodes.activate(person)
        at = settled()  # it has no tolerance
        assert theirs.validate_code(TOTP(KEY).at(at))
    names = {person.pk: person.username for person in people}
    incoming = list(
        read(rows_of(Authenticator.objects, names), partial(from_allauth, decrypt=decrypt), "Authenticator")
    )
    return SimpleNamespace(
        incoming=incoming, at=at, used=TOTP(KEY).at(at), next=TOTP(KEY).at(at + 90), later=90, left=2
    )


def allauth_key():
    """Security keys of django-allauth, registered and used through python-fido2 as it does."""
    people = django_set_up()
    from allauth.account.utils import user_pk_to_url_str
    from allauth.mfa.models import Authenticator
    from allauth.mfa.webauthn.internal.auth import WebAuthn

    keys = {}
    for person in people:
        handle = user_pk_to_url_str(person).encode()
        server, options, state = fido2_begin(handle, person.username)
        keys[person.username] = SoftSecurityKey()
        response = plain(keys[person.username].create(options, ORIGIN))
        data = server.register_complete(state, response)
        assert WebAuthn.add(person, "Blue", response).authenticator_data == data
    names = {person.pk: person.username for person in people}
    convert = partial(
        from_allauth,
        rp_id=RP_ID,
        user_handle=lambda row: user_pk_to_url_str(SimpleNamespace(pk=row["user_id"])).encode(),
    )
    return SimpleNamespace(
        incoming=list(read(rows_of(Authenticator.objects, names), convert, "Authenticator")), keys=keys, left=0
    )


def two_factor_key():
    """Security keys of django-two-factor-auth, registered by its own functions."""
    people = django_set_up()
    from two_factor.plugins.webauthn import utils
    from two_factor.plugins.webauthn.models import WebauthnDevice
    from webauthn.helpers.structs import PublicKeyCredentialRpEntity, PublicKeyCredentialUserEntity

    keys, party = {}, PublicKeyCredentialRpEntity(name="Old", id=RP_ID)
    for person in people:
        handle = hashlib.sha1(str(person.pk).encode()).hexdigest().encode()
        entity = PublicKeyCredentialUserEntity(id=handle, name=person.username, display_name=person.username)
        options, challenge = utils.make_credential_creation_options(entity, party, [])
        keys[person.username] = SoftSecurityKey()
        response = json.dumps(plain(keys[person.username].create(json.loads(options), ORIGIN)))
        public_key, key_handle, count = utils.verify_registration_response(RP_ID, ORIGIN, challenge, response)
        WebauthnDevice.objects.create(
            user=person, name="Blue", public_key=public_key, key_handle=key_handle, sign_count=count, confirmed=True
        )
    names = {person.pk: person.username for person in people}
    convert = partial(from_two_factor_webauthn, rp_id=RP_ID)
    return SimpleNamespace(
        incoming=list(read(rows_of(WebauthnDevice.objects, names), convert, "WebauthnDevice")), keys=keys, left=0
    )


def pyotp():
    """Secrets of pyotp; the application kept the step of the code that it accepted."""
    import pyotp as theirs

    at = settled()
    secrets = {user: theirs.random_base32() for user in ("alice", "bob")}
    code = theirs.TOTP(secrets["alice"]).at(int(at))
    assert theirs.TOTP(secrets["alice"]).verify(code, for_time=int(at))
    rows = [{"user": user, "secret": secret, "last_step": int(at // 30)} for user, secret in secrets.items()]
    following = theirs.TOTP(secrets["alice"]).at(int(at) + 30)
    return SimpleNamespace(
        incoming=list(read(rows, from_pyotp, "ours")), at=at, used=code, next=following, later=30, left=0
    )


def py_webauthn():
    """Credentials that py_webauthn verified, and used once."""
    import webauthn as theirs

    keys, rows = {}, []
    for user in ("alice", "bob"):
        options = theirs.generate_registration_options(
            rp_id=RP_ID, rp_name="Old", user_name=user, user_id=user.encode()
        )
        keys[user] = SoftSecurityKey()
        made = theirs.verify_registration_response(
            credential=plain(keys[user].create(json.loads(theirs.options_to_json(options)), ORIGIN)),
            expected_challenge=options.challenge,
            expected_rp_id=RP_ID,
            expected_origin=ORIGIN,
            require_user_verification=False,
        )
        allowed = [theirs.helpers.structs.PublicKeyCredentialDescriptor(id=made.credential_id)]
        asked = theirs.generate_authentication_options(rp_id=RP_ID, allow_credentials=allowed)
        used = theirs.verify_authentication_response(
            credential=plain(keys[user].get(json.loads(theirs.options_to_json(asked)), ORIGIN)),
            expected_challenge=asked.challenge,
            expected_rp_id=RP_ID,
            expected_origin=ORIGIN,
            credential_public_key=made.credential_public_key,
            credential_current_sign_count=made.sign_count,
        )
        rows.append(
            {
                "user": user,
                "user_id": user.encode(),
                "credential_id": made.credential_id,
                "credential_public_key": made.credential_public_key,
                "sign_count": used.new_sign_count,
                "credential_device_type": made.credential_device_type,
                "credential_backed_up": made.credential_backed_up,
            }
        )
    return SimpleNamespace(incoming=list(read(rows, partial(from_py_webauthn, rp_id=RP_ID), "ours")), keys=keys, left=0)


def fido2_begin(handle, user):
    from fido2.server import Fido2Server
    from fido2.webauthn import PublicKeyCredentialRpEntity, PublicKeyCredentialUserEntity

    server = Fido2Server(PublicKeyCredentialRpEntity(id=RP_ID, name="Old"))
    entity = PublicKeyCredentialUserEntity(id=handle, name=user, display_name=user)
    options, state = server.register_begin(entity, [])
    return server, dict(options)["publicKey"], state


def python_fido2():
    """Credentials that python-fido2 verified, and used once."""
    keys, rows = {}, []
    for user in ("alice", "bob"):
        server, options, state = fido2_begin(user.encode(), user)
        keys[user] = SoftSecurityKey()
        data = server.register_complete(state, plain(keys[user].create(options, ORIGIN)))
        credentials = [data.credential_data]
        asked, state = server.authenticate_begin(credentials)
        server.authenticate_complete(state, credentials, plain(keys[user].get(dict(asked)["publicKey"], ORIGIN)))
        rows.append({"user": user, "credential_data": bytes(data.credential_data), "user_handle": user.encode()})
    return SimpleNamespace(
        incoming=list(read(rows, partial(from_python_fido2, rp_id=RP_ID), "ours")), keys=keys, left=0
    )


def u2flib_server():
    """Registrations of python-u2flib-server, used once.

    Its last release calls a method that ``cryptography`` has dropped, so its two checks of signatures are left out.
    """
    from u2flib_server import model, u2f

    for message in (model.RegistrationData, model.SignatureData):
        message.verify = lambda *arguments: None

    keys, rows = {}, []
    for user in ("alice", "bob"):
        request = u2f.begin_registration(APP_ID, [])
        keys[user] = SoftSecurityKey()
        answer = keys[user].u2f_register(json.loads(json.dumps(request.data_for_client)), ORIGIN)
        device, _ = u2f.complete_registration(request, answer, [ORIGIN])
        asked = u2f.begin_authentication(APP_ID, [device])
        signed = keys[user].u2f_sign(json.loads(json.dumps(asked.data_for_client)), ORIGIN)
        _, counter, _ = u2f.complete_authentication(asked, signed, [ORIGIN])
        rows.append({"user": user, "registration": device.json, "counter": counter})
    return SimpleNamespace(
        incoming=list(read(rows, partial(from_u2flib_server, app_id=APP_ID), "ours")), keys=keys, left=0
    )


def plain(response):
    return json.loads(response) if isinstance(response, str) else response


def read(rows, convert, source):
    return read_rows(rows, convert, by=ROOT, user=lambda row: row["user"], source=source)


def refused(mfa, evidence):
    try:
        log_on(mfa, "alice", evidence)
    except Refused:
        return True
    return False


def log_on(mfa, user, evidence):
    ask = mfa.perform(user, BeginLogon(SESSION))
    return mfa.perform(user, FinishLogon(ask.id, evidence(ask), session=SESSION)).user == user


def main(library):
    old = LIBRARIES[library]()
    now = [getattr(old, "at", time.time())]
    store = Store()
    policy = MFAPolicy.ram(
        issuer="Example",
        relying_party=RelyingParty(id=RP_ID, origins=[ORIGIN], app_id=APP_ID),
        devices=DevicePolicy(rule=KindRule.ANY_MIX, max_devices=8),
    )
    mfa = MFA(store, policy, seal=UnsafePlaintext(), clock=lambda: now[0], create=True)

    empty = store.contents()
    dry = migrate(mfa, old.incoming, dry_run=True)
    assert store.contents() == empty == {}
    print("the dry run wrote nothing")

    claims = int(not hasattr(old, "used"))
    store.lives = 1 + claims  # the first user's writes, and no more
    try:
        migrate(mfa, old.incoming)
    except Killed:
        store.lives = None
    else:
        raise AssertionError("the run was not killed")
    assert len(list(store.keys("u"))) == 1
    report = migrate(mfa, old.incoming)
    assert report.count(MigrationResult.SKIPPED) == 1
    assert report.count(MigrationResult.MOVED) == dry.count(MigrationResult.MOVED) - 1 == 1
    assert report.count(MigrationResult.LEFT_BEHIND) == dry.count(MigrationResult.LEFT_BEHIND) == old.left
    print("a killed run was resumed")

    before = store.contents()
    assert migrate(mfa, old.incoming).count(MigrationResult.SKIPPED) == 2
    assert store.contents() == before
    print("a second run changed nothing")

    if hasattr(old, "used"):
        assert refused(mfa, lambda ask: TOTPCode(old.used))
        print("a code used before was refused")
        now[0] += old.later
        assert log_on(mfa, "alice", lambda ask: TOTPCode(old.next))
    else:
        for user, key in old.keys.items():
            assert log_on(mfa, user, lambda ask, key=key: Assertion(key.get(ask.options, ORIGIN)))
    print("users log on")


LIBRARIES = {
    "django-otp": django_otp,
    "django-allauth": allauth,
    "django-allauth with keys": allauth_key,
    "django-two-factor-auth with keys": two_factor_key,
    "pyotp": pyotp,
    "py_webauthn": py_webauthn,
    "python-fido2": python_fido2,
    "python-u2flib-server": u2flib_server,
}

if __name__ == "__main__":
    main(sys.argv[1])
