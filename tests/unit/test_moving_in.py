# SPDX-License-Identifier: Apache-2.0
"""Rows of other libraries' tables, each read into the import of its device, or refused by field."""

from __future__ import annotations

import json
from functools import partial

import attrs
import pytest

from ram_mfa import (
    MFA,
    Administrator,
    BeginLogon,
    DevicePolicy,
    FinishLogon,
    ImportCredential,
    KindRule,
    MFAPolicy,
    Reason,
    Refused,
    TOTPCode,
    UnsafePlaintext,
)
from ram_mfa.encoding.base64url import encode
from ram_mfa.errors import MalformedMessage
from ram_mfa.from_other_libraries import (
    LeftBehind,
    from_allauth,
    from_py_webauthn,
    from_pyotp,
    from_python_fido2,
    from_two_factor_webauthn,
    from_u2flib_server,
)
from ram_mfa.otp import TOTP, Algorithm
from ram_mfa.policy import AttestationLevel, AttestationPolicy, SecurityKeyPolicy
from ram_mfa.rules.evidence import Assertion
from ram_mfa.stores.memory import MemoryStore
from ram_mfa.testing import ManualClock, SoftSecurityKey
from ram_mfa.webauthn import creation_options
from ram_mfa.webauthn.attestation.statement import AttestationObject
from ram_mfa.webauthn.responses import RegistrationResponse
from tests.support.certificates import CA, make
from tests.support.legacy import registered
from tests.support.service import APP_ID, ORIGIN, PARTY

ROOT = Administrator("root")
SESSION = "the session of one browser"
HANDLE = b"the user's handle there"
BASE32 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
KEY = b"12345678901234567890"


class Site:
    def __init__(self, **policy):
        self.clock = ManualClock(1_700_000_000)
        rules = {"devices": DevicePolicy(rule=KindRule.ANY_MIX, max_devices=4), "relying_party": PARTY}
        policy = MFAPolicy.ram(issuer="Example", **(rules | policy))
        self.mfa = MFA(MemoryStore(), policy, seal=UnsafePlaintext(), clock=self.clock, create=True)

    def bind(self, device, user="alice"):
        return self.mfa.perform(user, attrs.evolve(device, create=True))

    def reason(self, device):
        with pytest.raises(Refused) as caught:
            self.bind(device)
        return caught.value.refusal.reason

    def answer(self, evidence):
        ask = self.mfa.perform("alice", BeginLogon(SESSION))
        return self.mfa.perform("alice", FinishLogon(ask.id, evidence(ask), session=SESSION))

    def type(self, code):
        return self.answer(lambda ask: TOTPCode(code))

    def tap(self, key):
        return self.answer(lambda ask: Assertion(key.get(ask.options, ORIGIN)))


@pytest.fixture
def site():
    return Site()


class Created:
    """A credential as the other library's site made it."""

    def __init__(self, *, resident_key="discouraged", rp_id=PARTY.id, **how):
        self.key = SoftSecurityKey(**how)
        options = creation_options(
            challenge=bytes(32),
            rp_id=rp_id,
            rp_name="Old",
            user_handle=HANDLE,
            user_name="alice",
            timeout=60,
            exclude=(),
            resident_key=resident_key,
        )
        self.response = self.key.create(options, ORIGIN)
        self.received = AttestationObject.parse(RegistrationResponse.from_json(self.response).attestation_object)
        self.id, self.public_key = self.received.credential.id, self.received.credential.public_key
        self.attested = self.received.authenticator_data.raw[37:]

    def plain(self):
        return json.loads(self.response) if isinstance(self.response, str) else self.response


def py_webauthn(made, **fields):
    row = {"credential_id": made.id, "credential_public_key": made.public_key, "user_id": HANDLE} | fields
    return from_py_webauthn(row, by=ROOT, rp_id=PARTY.id)


KEYS = {
    "py_webauthn": py_webauthn,
    "py_webauthn in base64url": lambda made: py_webauthn(
        made, credential_id=encode(made.id), credential_public_key=encode(made.public_key) + "=="
    ),
    "python-fido2": lambda made: from_python_fido2(
        {"credential_data": memoryview(made.attested), "user_handle": HANDLE}, by=ROOT, rp_id=PARTY.id
    ),
    "django-allauth": lambda made: from_allauth(
        {"type": "webauthn", "data": {"name": "Blue", "credential": made.plain()}},
        by=ROOT,
        rp_id=PARTY.id,
        user_handle=lambda row: HANDLE,
    ),
    "django-two-factor-auth": lambda made: from_two_factor_webauthn(
        {"user_id": 5, "key_handle": encode(made.id), "public_key": encode(made.public_key), "sign_count": 0},
        by=ROOT,
        rp_id=PARTY.id,
    ),
}


class TestSecurityKeys:
    @pytest.mark.parametrize("source", KEYS)
    def test_logs_on(self, site, source):
        """A credential of each library logs on under the RP ID that it was registered for."""
        made = Created()
        site.bind(KEYS[source](made))
        for _ in range(2):
            assert site.tap(made.key).user == "alice"

    def test_u2f(self, site):
        """A registration of python-u2flib-server logs on, and its counter is carried over."""
        legacy = registered()
        row = {"registration": json.dumps(legacy.kept), "counter": 0, "name": "Old"}
        assert site.bind(from_u2flib_server(row, by=ROOT, app_id=APP_ID)).name == "Old"
        assert site.tap(legacy.key).user == "alice"

    @pytest.mark.parametrize("kind", ["u2f", "webauthn"])
    def test_a_counter_of_before(self, site, kind):
        """An answer below the counter that the other library accepted is refused as a clone's."""
        if kind == "u2f":
            legacy = registered()
            key = legacy.key
            device = from_u2flib_server({"registration": legacy.kept, "counter": 1_000}, by=ROOT, app_id=APP_ID)
        else:
            made = Created()
            key, device = made.key, py_webauthn(made, sign_count=1_000)
        site.bind(device)
        with pytest.raises(Refused) as caught:
            site.tap(key)
        assert caught.value.refusal.reason is Reason.CLONED_KEY

    def test_what_is_kept(self, site):
        """What the other library knew of backups, transports and names is kept; unknown transports are left out."""
        made = Created()
        fields = {"credential_device_type": "multi_device", "credential_backed_up": True, "name": "Blue"}
        device = py_webauthn(made, transports=["usb", "carrier pigeon", 5, "usb"], **fields)
        assert (device.backup_eligible, device.backup_state) == (True, True)
        assert site.bind(device).name == "Blue"
        assert site.mfa.perform("alice", BeginLogon(SESSION)).options["allowCredentials"][0]["transports"] == ["usb"]

    def test_a_second_key(self, site):
        """Further keys of the same handle, or of an unknown one, are bound; one of another handle is not."""
        one, two, three, four = (Created() for _ in range(4))
        site.bind(py_webauthn(one))
        site.bind(py_webauthn(two))
        site.bind(py_webauthn(three, user_id=None))
        assert site.reason(py_webauthn(four, user_id=b"another")) is Reason.BAD_IMPORT
        for made in (one, two, three):
            assert site.tap(made.key).user == "alice"

    def test_the_same_key_again(self, site):
        """A credential that is bound is not bound again."""
        made = Created()
        site.bind(py_webauthn(made))
        assert site.reason(py_webauthn(made)) is Reason.CREDENTIAL_TAKEN

    @pytest.mark.parametrize(
        "device",
        [
            lambda made: ImportCredential(made.id, public_key=made.public_key, rp_id="example.org", by=ROOT),
            lambda made: ImportCredential(made.id, public_key=b"no key", rp_id=PARTY.id, by=ROOT),
            lambda made: ImportCredential(made.id, public_key=b"\xa1\x03\x18\x63", rp_id=PARTY.id, by=ROOT),
        ],
        ids=["another RP ID", "no key", "an unknown algorithm"],
    )
    def test_refused(self, site, device):
        """A credential that could never log on is refused."""
        assert site.reason(device(Created())) is Reason.BAD_IMPORT

    def test_no_relying_party(self):
        """Without a relying party no security key is bound."""
        assert Site(relying_party=None).reason(py_webauthn(Created())) is Reason.KIND_NOT_ALLOWED

    def test_a_policy_of_models(self):
        """A policy that allows only certain models refuses a key whose model nobody proved."""
        roots = [make("root", extensions=[CA])]
        models = AttestationPolicy(level=AttestationLevel.CHAINED, roots=roots, accepted={"0" * 40})
        site = Site(security_keys=SecurityKeyPolicy(attestation=models))
        assert site.reason(py_webauthn(Created())) is Reason.DEVICE_NOT_ALLOWED

    @pytest.mark.parametrize(
        ("convert", "field"),
        [
            (lambda made: py_webauthn(made, credential_id=None), "credential_id"),
            (lambda made: py_webauthn(made, credential_id="?"), "credential_id"),
            (lambda made: py_webauthn(made, credential_id=bytes(1_024)), "credential_id"),
            (lambda made: py_webauthn(made, sign_count=-1), "sign_count"),
            (lambda made: py_webauthn(made, sign_count=2**32), "sign_count"),
            (lambda made: py_webauthn(made, sign_count=True), "sign_count"),
            (lambda made: py_webauthn(made, user_id=bytes(65)), "user_id"),
            (lambda made: py_webauthn(made, credential_device_type="phone"), "credential_device_type"),
            (lambda made: py_webauthn(made, credential_device_type=5), "credential_device_type"),
            (lambda made: py_webauthn(made, credential_backed_up="yes"), "credential_backed_up"),
            (lambda made: py_webauthn(made, name=5), "name"),
            (
                lambda made: from_python_fido2({"credential_data": made.attested[:-1]}, by=ROOT, rp_id=PARTY.id),
                "credential public key",
            ),
            (lambda made: from_two_factor_webauthn({"confirmed": False}, by=ROOT, rp_id=PARTY.id), "confirmed"),
            (lambda made: from_two_factor_webauthn({}, by=ROOT, rp_id=PARTY.id), "user_id"),
        ],
    )
    def test_rows(self, convert, field):
        """A row that the library does not write is named by its field."""
        with pytest.raises(MalformedMessage) as caught:
            convert(Created())
        assert caught.value.field == field


class TestPyotp:
    def test_logs_on(self, site):
        """A secret with its parameters logs on; the last step, where the table has one, is carried over."""
        totp = TOTP(KEY, Algorithm.SHA256, 8, 60)
        step = totp.step(site.clock())
        row = {"secret": BASE32, "digits": 8, "interval": 60, "digest": "sha256", "last_step": step, "name": "Phone"}
        assert site.bind(from_pyotp(row, by=ROOT)).name == "Phone"
        with pytest.raises(Refused):
            site.type(totp.at_step(step))
        assert site.type(totp.at_step(step + 1)).user == "alice"

    def test_no_step(self, site):
        """Without a last step no code of the present window passes."""
        site.bind(from_pyotp({"secret": BASE32}, by=ROOT))
        with pytest.raises(Refused):
            site.type(TOTP(KEY).at(site.clock()))
        site.clock.advance(90)
        assert site.type(TOTP(KEY).at(site.clock())).user == "alice"

    def test_short(self, site):
        """A secret of 80 bits comes by name."""
        row = {"secret": BASE32[:16]}
        assert site.reason(from_pyotp(row, by=ROOT)) is Reason.WEAK_SECRET
        assert site.bind(partial(from_pyotp, unsafe_short_secret=True)(row, by=ROOT)).weak

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"secret": None}, "secret"),
            ({"digits": 5}, "digits"),
            ({"interval": 0}, "interval"),
            ({"interval": 2**20}, "interval"),
            ({"digest": "md5"}, "digest"),
            ({"last_step": "5"}, "last_step"),
        ],
    )
    def test_rows(self, fields, field):
        """A field that pyotp has not is named."""
        with pytest.raises(MalformedMessage) as caught:
            from_pyotp({"secret": BASE32} | fields, by=ROOT)
        assert caught.value.field == field


class TestAllauth:
    def test_totp(self, site):
        """A TOTP authenticator logs on; its secret goes through the adapter's ``decrypt``."""
        row = {"type": "totp", "data": {"secret": BASE32[::-1]}}
        site.bind(from_allauth(row, by=ROOT, decrypt=lambda text: text[::-1]))
        site.clock.advance(90)
        assert site.type(TOTP(KEY).at(site.clock())).user == "alice"

    @pytest.mark.parametrize("kind", ["recovery_codes", "webauthn"])
    def test_left_behind(self, kind):
        """Recovery codes stay behind, and security keys where no RP ID is given."""
        assert isinstance(from_allauth({"type": kind, "data": {}}, by=ROOT), LeftBehind)

    def test_another_rp_id(self):
        """A security key of another RP ID is named."""
        row = {"type": "webauthn", "data": {"credential": Created().plain()}}
        with pytest.raises(MalformedMessage):
            from_allauth(row, by=ROOT, rp_id="example.org")

    def test_no_handle(self, site):
        """A key that sends no handle back logs on without one."""
        made = Created()
        site.bind(from_allauth({"type": "webauthn", "data": {"credential": made.plain()}}, by=ROOT, rp_id=PARTY.id))
        assert site.tap(made.key).user == "alice"

    @pytest.mark.parametrize(
        ("row", "field"),
        [
            ({}, "type"),
            ({"type": "sms"}, "type"),
            ({"type": "totp", "data": "text"}, "data"),
            ({"type": "webauthn", "data": {}}, "user handle"),
        ],
    )
    def test_rows(self, row, field):
        """A row that django-allauth does not write is named by its field."""
        with pytest.raises(MalformedMessage) as caught:
            from_allauth(row, by=ROOT, rp_id=PARTY.id, user_handle=lambda row: bytes(65))
        assert caught.value.field == field
