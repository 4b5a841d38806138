# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa.encoding.base64url import encode
from ram_mfa.errors import Check, MalformedMessage, VerificationError
from ram_mfa.webauthn import AuthenticationResponse, COSEAlgorithm, Credential, verify_authentication
from tests.support.webauthn import (
    AT,
    BE,
    BS,
    CHALLENGE,
    ED,
    ID,
    ORIGIN,
    RP_ID,
    UP,
    UV,
    authenticator_data,
    client_data,
    key_pair,
    signed_assertion,
)

KEY = key_pair()
CLIENT = client_data("webauthn.get")
CREDENTIAL = Credential(id=ID, public_key=KEY.cose, sign_count=0)
APP_ID = "https://login.example.com/app-id.json"

pytestmark = pytest.mark.standard(
    "WebAuthn Level 3 #sctn-verifying-assertion", "ram_mfa.webauthn.verify_authentication"
)


def verify(response, **changes):
    arguments = {"credential": CREDENTIAL, "challenge": CHALLENGE, "rp_id": RP_ID, "origins": [ORIGIN]} | changes
    return verify_authentication(AuthenticationResponse.from_json(response), **arguments)


def refused_by(response, **changes):
    with pytest.raises(VerificationError) as refused:
        verify(response, **changes)
    return refused.value.check


def stored(**changes):
    return Credential(**({"id": ID, "public_key": KEY.cose, "sign_count": 0} | changes))


def answer(client=CLIENT, *, key=KEY, changes=None, **data):
    """A signed assertion."""
    return signed_assertion(key, client, authenticator_data(**data), **(changes or {}))


class TestWhatIsVerified:
    def test_what_is_new(self):
        verified = verify(answer(flags=UP | UV | BE | BS, count=9))
        assert (verified.credential_id, verified.sign_count) == (ID, 9)
        assert (verified.user_present, verified.user_verified) == (True, True)
        assert (verified.backup_eligible, verified.backup_state, verified.app_id_used) == (True, True, False)

    @pytest.mark.parametrize("number", [int(algorithm) for algorithm in COSEAlgorithm])
    def test_each_algorithm(self, number):
        credential = stored(public_key=key_pair(number).cose)
        assert verify(answer(key=key_pair(number)), credential=credential).credential_id == ID

    def test_a_point_is_a_key(self):
        """What U2F stores answers through WebAuthn as it stands."""
        assert verify(answer(), credential=stored(public_key=KEY.point)).credential_id == ID

    def test_extensions_are_not_looked_at(self):
        response = answer(
            extensions=cbor2.dumps({"x": 1}), changes={"clientExtensionResults": {"x": True, "appid": False}}
        )
        assert verify(response).credential_id == ID


class TestThePlan:
    def test_allowed_credentials(self):
        """The user's, but not asked for in this ceremony: refused."""
        assert verify(answer(), allowed_credentials=[b"other", ID]).credential_id == ID
        assert refused_by(answer(), allowed_credentials=[b"other"]) is Check.CREDENTIAL_ID
        assert refused_by(answer(), allowed_credentials=[]) is Check.CREDENTIAL_ID

    @pytest.mark.requirement("U13", "V14")
    def test_another_credential(self):
        """The signature is checked with the record that the response names, and no other."""
        assert refused_by(answer(), credential=stored(id=b"other")) is Check.CREDENTIAL_ID
        assert refused_by(answer(), credential=stored(public_key=key_pair(name="other").cose)) is Check.SIGNATURE

    def test_the_user_handle(self):
        """Where one comes it is the user's; U2F keys give none, and an empty one is none."""
        response = answer(changes={"response_userHandle": encode(b"alice")})
        assert verify(response, user_handle=b"alice").credential_id == ID
        assert verify(response).credential_id == ID
        assert refused_by(response, user_handle=b"bob") is Check.USER_HANDLE
        assert verify(answer(), user_handle=b"alice").credential_id == ID
        assert verify(answer(changes={"response_userHandle": ""}), user_handle=b"alice").credential_id == ID

    def test_type(self):
        assert refused_by(answer(client_data("webauthn.create"))) is Check.TYPE

    @pytest.mark.requirement("V26")
    def test_challenge(self):
        assert refused_by(answer(), challenge=bytes(32)) is Check.CHALLENGE
        assert refused_by(answer(client_data("webauthn.get", challenge=""))) is Check.CHALLENGE

    @pytest.mark.requirement("V27")
    def test_origin(self):
        assert refused_by(answer(client_data("webauthn.get", origin="https://evil.test"))) is Check.ORIGIN

    def test_frames(self):
        framed = answer(client_data("webauthn.get", crossOrigin=True, topOrigin="https://top.example"))
        assert refused_by(framed) is Check.CROSS_ORIGIN
        assert refused_by(framed, cross_origin=True, top_origins=[ORIGIN]) is Check.TOP_ORIGIN
        assert verify(framed, cross_origin=True, top_origins=["https://top.example"]).credential_id == ID

    @pytest.mark.requirement("V28")
    def test_rp_id(self):
        assert refused_by(answer(rp_id="example.org")) is Check.RP_ID_HASH

    @pytest.mark.requirement("V29")
    def test_all_flags(self):
        """256 values, each signed: UP is set, AT and ED match what follows, BS needs BE; reserved bits are free."""
        for flags in range(256):
            data = bytearray(authenticator_data())
            data[32] = flags
            response = signed_assertion(KEY, CLIENT, bytes(data))
            if flags & (AT | ED):
                with pytest.raises(MalformedMessage):
                    verify(response)
            elif not flags & UP:
                assert refused_by(response) is Check.USER_PRESENCE
            elif flags & BS and not flags & BE:
                assert refused_by(response) is Check.BACKUP_STATE
            else:
                verified = verify(response)
                assert verified.user_verified == bool(flags & UV)
                assert (verified.backup_eligible, verified.backup_state) == (bool(flags & BE), bool(flags & BS))

    def test_attested_credential_data_in_an_assertion(self):
        """Authenticators must not send it and some do; signed and well formed, it is ignored."""
        data = authenticator_data(key=KEY.cose)
        assert verify(signed_assertion(KEY, CLIENT, data)).credential_id == ID

    def test_user_verification(self):
        assert refused_by(answer(), require_user_verification=True) is Check.USER_VERIFICATION
        assert verify(answer(flags=UP | UV), require_user_verification=True).user_verified

    def test_eligibility_for_backup_never_changes(self):
        """Where it was recorded it is compared; where it was not, it is not."""
        for eligible in (True, False):
            response = answer(flags=UP | (BE if eligible else 0))
            assert verify(response, credential=stored(backup_eligible=eligible)).backup_eligible is eligible
            assert verify(response, credential=stored(backup_eligible=None)).backup_eligible is eligible
            assert refused_by(response, credential=stored(backup_eligible=not eligible)) is Check.BACKUP_STATE

    def test_the_signature(self):
        """Over authenticator data and client data as they came, and nothing else."""
        response = answer()
        reencoded = response | {"response": response["response"] | {"clientDataJSON": encode(CLIENT + b" ")}}
        assert refused_by(reencoded) is Check.SIGNATURE
        other = response | {
            "response": response["response"] | {"authenticatorData": encode(authenticator_data(count=1))}
        }
        assert refused_by(other) is Check.SIGNATURE
        assert refused_by(answer(key=key_pair(name="other"))) is Check.SIGNATURE

    def test_a_stored_key_that_is_none(self):
        """A key is validated when it is loaded, too."""
        for wrong in (b"", b"\xa0", KEY.cose[:-1], KEY.cose + b"\x00", b"\x04" + bytes(64)):
            with pytest.raises(MalformedMessage):
                verify(answer(), credential=stored(public_key=wrong))

    def test_our_own_arguments(self):
        for wrong in ({"rp_id": "https://example.com"}, {"origins": ["http://example.com"]}):
            with pytest.raises(ValueError) as raised:
                verify(answer(), **wrong)
            assert not isinstance(raised.value, MalformedMessage)


class TestSignCount:
    @pytest.mark.requirement("V30", "U9")
    @pytest.mark.standard("WebAuthn Level 3 #sctn-sign-counter", "ram_mfa.webauthn.verify_authentication")
    @pytest.mark.parametrize(
        ("before", "now", "good"),
        [
            (0, 0, True),
            (0, 1, True),
            (0, 0xFFFF_FFFF, True),
            (1, 2, True),
            (0x7FFF_FFFF, 0x8000_0000, True),
            (0xFFFF_FFFE, 0xFFFF_FFFF, True),
            (1, 0, False),
            (1, 1, False),
            (2, 1, False),
            (0xFFFF_FFFF, 0, False),
            (0xFFFF_FFFF, 0xFFFF_FFFF, False),
            (0x8000_0000, 0x7FFF_FFFF, False),
        ],
    )
    def test_strictly_greater_unless_both_are_zero(self, before, now, good):
        """Unsigned, 32 bits; equal, lower, and round the end are a cloned key."""
        response, credential = answer(count=now), stored(sign_count=before)
        if good:
            assert verify(response, credential=credential).sign_count == now
        else:
            assert refused_by(response, credential=credential) is Check.SIGN_COUNT

    @given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
    def test_what_comes_back_is_never_lower(self, before, now):
        response, credential = answer(count=now), stored(sign_count=before)
        if now > before or now == before == 0:
            assert verify(response, credential=credential).sign_count == now
        else:
            assert refused_by(response, credential=credential) is Check.SIGN_COUNT

    def test_only_a_signed_count_is_evidence(self):
        """A forged count is a bad signature, and not a cloned key."""
        response = answer(count=5)
        forged = response["response"] | {"authenticatorData": encode(authenticator_data(count=1))}
        assert refused_by(response | {"response": forged}, credential=stored(sign_count=3)) is Check.SIGNATURE


@pytest.mark.standard("WebAuthn Level 3 #sctn-appid-extension", "ram_mfa.webauthn.verify_authentication")
class TestAppId:
    def answer(self, *, used, rp_id=APP_ID, **data):
        results = {} if used is None else {"appid": used}
        return answer(rp_id=rp_id, changes={"clientExtensionResults": results}, **data)

    def test_a_key_registered_through_u2f(self):
        """It answers under its AppID, where that was asked for and the client says so."""
        credential = stored(public_key=KEY.point, app_id=APP_ID)
        verified = verify(self.answer(used=True, count=1), credential=credential, app_id=APP_ID)
        assert (verified.app_id_used, verified.sign_count) == (True, 1)

    @pytest.mark.requirement("V33", "U14")
    def test_the_table(self):
        """Requested x output x registered: of eight cells one, with absent outputs beside false ones."""
        accepted = [
            (requested, used, registered)
            for requested in (None, APP_ID)
            for used in (None, False, True)
            for registered in (None, APP_ID)
            if self.passes(requested, used, registered, APP_ID)
        ]
        assert accepted == [(APP_ID, True, APP_ID)]

    def test_the_rp_id_s_hash(self):
        """A WebAuthn credential answers beside it under the RP ID, where the client does not claim the AppID."""
        for requested in (None, APP_ID):
            for used in (None, False, True):
                for registered in (None, APP_ID):
                    assert self.passes(requested, used, registered, RP_ID) is (used is not True)

    def passes(self, requested, used, registered, rp_id):
        response, credential = self.answer(used=used, rp_id=rp_id), stored(app_id=registered)
        try:
            verified = verify(response, credential=credential, app_id=requested)
        except VerificationError:
            return False
        assert verified.app_id_used is (rp_id == APP_ID)
        return True

    def test_a_u2f_key_s_data_are_37_bytes(self):
        """Under an AppID nothing follows the counter."""
        credential = stored(app_id=APP_ID)
        for more in ({"extensions": cbor2.dumps({"x": 1})}, {"key": KEY.cose}):
            data = authenticator_data(rp_id=APP_ID, **more)
            response = signed_assertion(KEY, CLIENT, data, clientExtensionResults={"appid": True})
            with pytest.raises(MalformedMessage, match="37 bytes"):
                verify(response, credential=credential, app_id=APP_ID)


class TestCredential:
    @pytest.mark.parametrize(
        ("field", "good", "bad"),
        [
            ("id", [b"i", bytes(1_023)], [b"", bytes(1_024), "id"]),
            ("public_key", [b"", bytes(8_192)], [bytes(8_193), "key"]),
            ("sign_count", [0, 2**32 - 1], [-1, 2**32, 1.0, True]),
            ("app_id", [None, "a"], ["", b"a"]),
            ("backup_eligible", [None, False, True], [0, "yes"]),
        ],
    )
    def test_bounds(self, field, good, bad):
        """What an application stored lies within the standard's bounds; anything else is its mistake."""
        for value in good:
            assert getattr(stored(**{field: value}), field) == value
        for value in bad:
            with pytest.raises((TypeError, ValueError), match=field):
                stored(**{field: value})
