# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib

import cbor2
import pytest

from ram_mfa.errors import Check, MalformedMessage, VerificationError
from ram_mfa.webauthn import (
    AttestationLevel,
    AttestationPolicy,
    COSEAlgorithm,
    OtherFormats,
    RegistrationResponse,
    Verdict,
    verify_registration,
)
from tests.support.webauthn import (
    AAGUID,
    AT,
    AT_2030,
    BE,
    BS,
    CHALLENGE,
    ED,
    ID,
    ORIGIN,
    RP_ID,
    UP,
    UV,
    attestation_object,
    authenticator_data,
    client_data,
    key_pair,
    leaf,
    packed_statement,
    registration,
    root,
    u2f_statement,
)

KEY = key_pair()
CLIENT = client_data()

pytestmark = pytest.mark.standard(
    "WebAuthn Level 3 #sctn-registering-a-new-credential", "ram_mfa.webauthn.verify_registration"
)


def verify(response, **changes):
    arguments = {"challenge": CHALLENGE, "rp_id": RP_ID, "origins": [ORIGIN]} | changes
    return verify_registration(RegistrationResponse.from_json(response), **arguments)


def refused_by(response, **changes):
    with pytest.raises(VerificationError) as refused:
        verify(response, **changes)
    return refused.value.check


def none(client=CLIENT, number=-7, **data):
    """A registration without attestation."""
    data = {"key": key_pair(number).cose} | data
    credential_id = data.get("credential_id", ID)
    raw = attestation_object("none", {}, authenticator_data(**data))
    return registration(client, raw, credential_id=credential_id)


def u2f(client=CLIENT, **data):
    """A U2F key's registration; what its signature does not cover may be anything."""
    statement = u2f_statement(client, data.get("rp_id", RP_ID), KEY)
    return registration(client, attestation_object("fido-u2f", statement, authenticator_data(key=KEY.cose, **data)))


def packed(client=CLIENT, **data):
    data = authenticator_data(key=KEY.cose, **data)
    return registration(client, attestation_object("packed", packed_statement(client, data), data))


EACH = pytest.mark.parametrize("make", [none, u2f, packed])


class TestWhatIsRegistered:
    def test_without_attestation(self):
        """What the authenticator says is taken, and nothing of it is proved."""
        credential = verify(none(flags=UP | UV | BE | BS, count=7))
        assert (credential.id, credential.public_key, credential.algorithm) == (ID, KEY.cose, COSEAlgorithm.ES256)
        assert (credential.point, credential.sign_count, credential.aaguid) == (KEY.point, 7, AAGUID)
        assert (credential.user_present, credential.user_verified) == (True, True)
        assert (credential.backup_eligible, credential.backup_state) == (True, True)
        assert credential.transports == ("usb",)
        assert (credential.attestation.format, credential.attestation.verdict) == ("none", Verdict.NONE)
        assert credential.attestation.models == credential.attestation.trust_path == ()

    @pytest.mark.requirement("U10")
    def test_a_u2f_key(self):
        """Flags, counter, AAGUID are not covered by its signature: whatever they say, nothing of it is reported."""
        for flags in (UP, UP | UV, UP | BE, UP | UV | BE | BS):
            for count, aaguid in ((0, bytes(16)), (0xFFFF_FFFF, AAGUID)):
                credential = verify(u2f(flags=flags, count=count, aaguid=aaguid))
                assert (credential.sign_count, credential.aaguid) == (0, bytes(16))
                assert (credential.user_verified, credential.backup_eligible, credential.backup_state) == (False,) * 3
                assert (credential.id, credential.point) == (ID, KEY.point)
                assert credential.attestation.verdict is Verdict.UNVERIFIED
                assert credential.attestation.trust_path == (leaf(),)

    def test_a_packed_one(self):
        policy = AttestationPolicy(level=AttestationLevel.CHAINED, roots=[root()])
        credential = verify(packed(flags=UP | UV, count=3), attestation=policy, at=AT_2030)
        assert (credential.sign_count, credential.user_verified, credential.aaguid) == (3, True, AAGUID)
        assert credential.attestation.verdict is Verdict.TRUSTED
        assert "cb69481e-8ff7-4039-93ec-0a2729a154a8" in credential.attestation.models

    @pytest.mark.parametrize("number", [int(algorithm) for algorithm in COSEAlgorithm])
    def test_each_algorithm(self, number):
        credential = verify(none(number=number))
        assert credential.algorithm == number
        assert credential.public_key == key_pair(number).cose
        assert credential.point == (key_pair(number).point if number in (-7, -9) else None)

    def test_extensions_are_not_looked_at(self):
        """Unsolicited outputs of client and authenticator are ignored, as the standard allows."""
        response = none(extensions=cbor2.dumps({"unknown": [1, {"a": b""}]}))
        response["clientExtensionResults"] = {"appid": True, "appidExclude": True, "credProps": {"rk": True}, "x": 1}
        assert verify(response).id == ID


class TestThePlan:
    @EACH
    def test_type(self, make):
        assert refused_by(make(client_data("webauthn.get"))) is Check.TYPE

    @EACH
    @pytest.mark.requirement("V26")
    def test_challenge(self, make):
        """Another ceremony's challenge, in the message or in what was asked."""
        assert refused_by(make(), challenge=bytes(32)) is Check.CHALLENGE
        assert refused_by(make(), challenge=b"") is Check.CHALLENGE

    @EACH
    @pytest.mark.requirement("V27")
    def test_origin(self, make):
        assert refused_by(make(client_data(origin="https://evil.test"))) is Check.ORIGIN
        assert refused_by(make(), origins=["https://example.com"]) is Check.ORIGIN

    @EACH
    def test_frames(self, make):
        """Refused by default; where frames are expected, only in the pages named."""
        framed = client_data(crossOrigin=True, topOrigin="https://top.example")
        assert refused_by(make(framed)) is Check.CROSS_ORIGIN
        assert refused_by(make(framed), cross_origin=True) is Check.TOP_ORIGIN
        assert verify(make(framed), cross_origin=True, top_origins=["https://top.example"]).id == ID

    @EACH
    @pytest.mark.requirement("V28")
    def test_rp_id(self, make):
        assert refused_by(make(rp_id="example.org")) is Check.RP_ID_HASH
        assert refused_by(make(), rp_id="login.example.com") is Check.RP_ID_HASH

    def test_an_app_id_is_never_a_registration_s(self):
        """An AppID's hash is refused, whatever the client says of the extension."""
        response = none(rp_id="https://login.example.com/app-id.json")
        response["clientExtensionResults"] = {"appid": True}
        assert refused_by(response) is Check.RP_ID_HASH

    @pytest.mark.requirement("V29")
    def test_all_flags(self):
        """256 values: UP and AT must be set, ED must match, BS needs BE; the reserved bits count for nothing."""
        for flags in range(256):
            data = bytearray(authenticator_data(key=KEY.cose))
            data[32] = flags
            response = registration(CLIENT, attestation_object("none", {}, bytes(data)))
            if not flags & AT or flags & ED:
                with pytest.raises(MalformedMessage):
                    verify(response)
            elif not flags & UP:
                assert refused_by(response) is Check.USER_PRESENCE
            elif flags & BS and not flags & BE:
                assert refused_by(response) is Check.BACKUP_STATE
            else:
                credential = verify(response)
                assert credential.user_verified == bool(flags & UV)
                assert (credential.backup_eligible, credential.backup_state) == (bool(flags & BE), bool(flags & BS))

    def test_user_verification(self):
        """Where it is required the flag must be set, and a U2F key's flag is not believed."""
        assert refused_by(none(), require_user_verification=True) is Check.USER_VERIFICATION
        assert refused_by(packed(), require_user_verification=True) is Check.USER_VERIFICATION
        assert verify(none(flags=UP | UV), require_user_verification=True).user_verified
        assert refused_by(u2f(flags=UP | UV), require_user_verification=True) is Check.USER_VERIFICATION

    @EACH
    def test_algorithms_offered(self, make):
        """What was not offered is not taken, however genuine."""
        assert verify(make(), algorithms=[-8, -7]).id == ID
        assert refused_by(make(), algorithms=[-8, -257]) is Check.ALGORITHM
        assert refused_by(make(), algorithms=[]) is Check.ALGORITHM

    @pytest.mark.parametrize("alg", [-37, -48, -65535])
    def test_algorithms_outside_the_list(self, alg):
        """Offered or not: what cannot be verified is not registered."""
        key = cbor2.dumps({1: 2, 3: alg, -1: 1, -2: bytes(32), -3: bytes(32)})
        assert refused_by(none(key=key), algorithms=[alg]) is Check.ALGORITHM

    @pytest.mark.parametrize(
        ("fmt", "check"), [("tpm", Check.ATTESTATION_FORMAT), ("FIDO-U2F", Check.ATTESTATION_FORMAT)]
    )
    def test_formats(self, fmt, check):
        response = registration(CLIENT, attestation_object(fmt, {}, authenticator_data(key=KEY.cose)))
        assert refused_by(response) is check

    def test_formats_taken_as_unattested(self):
        policy = AttestationPolicy(other_formats=OtherFormats.UNATTESTED)
        response = registration(CLIENT, attestation_object("apple", {"x5c": [b""]}, authenticator_data(key=KEY.cose)))
        credential = verify(response, attestation=policy)
        assert (credential.attestation.format, credential.attestation.verdict) == ("apple", Verdict.NONE)

    def test_a_demand_for_a_chain(self):
        """A U2F key and a newer one chain; none, and unattested formats, do not pass."""
        policy = AttestationPolicy(
            level=AttestationLevel.CHAINED, roots=[root()], other_formats=OtherFormats.UNATTESTED
        )
        for make in (u2f, packed):
            assert verify(make(), attestation=policy, at=AT_2030).attestation.verdict is Verdict.TRUSTED
            assert refused_by(make(), attestation=policy, at=AT_2030 * 2) is Check.CERTIFICATE
        assert refused_by(none(), attestation=policy, at=AT_2030) is Check.ATTESTATION
        other = registration(CLIENT, attestation_object("tpm", {}, authenticator_data(key=KEY.cose)))
        assert refused_by(other, attestation=policy, at=AT_2030) is Check.ATTESTATION
        without_roots = AttestationPolicy(level=AttestationLevel.CHAINED)
        assert refused_by(u2f(), attestation=without_roots, at=AT_2030) is Check.TRUST_PATH
        with pytest.raises(ValueError, match="at"):
            verify(u2f(), attestation=policy)

    def test_the_length_of_a_credential_id(self):
        """1,023 bytes pass, 1,024 do not, also where the response names a shorter one."""
        assert len(verify(none(credential_id=bytes(1_023))).id) == 1_023
        response = registration(
            CLIENT, attestation_object("none", {}, authenticator_data(key=KEY.cose, credential_id=bytes(1_024)))
        )
        assert refused_by(response) is Check.CREDENTIAL_ID

    @EACH
    def test_the_id_that_the_response_names(self, make):
        """One response, one credential: the id outside is the id inside."""
        response = make()
        response["id"] = response["rawId"] = response["id"][:-2]
        assert refused_by(response) is Check.CREDENTIAL_ID

    def test_our_own_arguments(self):
        """A wrong RP ID or origin of ours is a ValueError that no peer can cause."""
        for wrong in ({"rp_id": "https://example.com"}, {"origins": ["http://example.com"]}, {"top_origins": ["x"]}):
            with pytest.raises(ValueError) as raised:
                verify(none(), **wrong)
            assert not isinstance(raised.value, MalformedMessage)

    def test_a_statement_over_other_client_data(self):
        """The hash is over the bytes that came: the same JSON in other bytes is another message."""
        reencoded = CLIENT.replace(b": ", b":")
        for make, other in ((u2f, client_data("webauthn.create")), (packed, CLIENT)):
            response = make(reencoded)
            assert verify(response).id == ID
            response["response"]["clientDataJSON"] = registration(other, b"")["response"]["clientDataJSON"]
            assert refused_by(response) is Check.SIGNATURE
        assert hashlib.sha256(reencoded).digest() != hashlib.sha256(CLIENT).digest()
