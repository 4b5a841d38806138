# SPDX-License-Identifier: Apache-2.0
"""The bridge from U2F at a logon: requested, used, and registered through U2F must agree, and nothing else passes.

WebAuthn Level 3, "FIDO AppID Extension". Each answer here is signed by the key itself over what it says.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json

import pytest

from ram_mfa import Assertion, DevicePolicy, ImportSecurityKey, Reason, Refused
from ram_mfa._base64url import encode
from tests.support.key_ceremony import bind
from tests.support.key_faults import KINDS
from tests.support.legacy import registered
from tests.support.spine import APP_ID, ORIGIN, ROOT, finish

OTHER_APP_ID = "https://example.com/another/app-id.json"
CELLS = list(itertools.product([True, False], repeat=3))


def scene(services, *, requested, through_u2f):
    """Return a service and a key bound in it, such that a logon does or does not request this key's AppID."""
    service = services(devices=DevicePolicy(most=3))
    if requested and not through_u2f:
        bind(service, KINDS[3])  # another key of the user's has that AppID
    if not requested and through_u2f:
        older = registered(app_id=OTHER_APP_ID)  # one AppID is requested: that of the key bound first
        service.perform("alice", ImportSecurityKey(older.kept, app_id=OTHER_APP_ID, by=ROOT))
    key = bind(service, KINDS[3] if through_u2f else KINDS[0])
    asked = service.ask("alice")
    assert (asked.options["extensions"].get("appid") == APP_ID) is requested
    return service, key, asked


def signed(key, asked, *, under, used):
    """Return the answer of a key over the hash of an RP ID or AppID, with that output of the extension, or none."""
    (handle,) = key.credential_ids
    credential = key.memory.credentials[handle]
    members = {
        "type": "webauthn.get",
        "challenge": asked.options["challenge"],
        "origin": ORIGIN,
        "crossOrigin": False,
    }
    client_data = json.dumps(members).encode()
    data = hashlib.sha256(under.encode()).digest() + b"\x01" + key.count(credential).to_bytes(4, "big")
    signature = credential.key_pair.sign(data + hashlib.sha256(client_data).digest())
    return Assertion(
        {
            "id": encode(handle),
            "rawId": encode(handle),
            "type": "public-key",
            "response": {
                "clientDataJSON": encode(client_data),
                "authenticatorData": encode(data),
                "signature": encode(signature),
            },
            "clientExtensionResults": {} if used is None else {"appid": used},
        }
    )


@pytest.mark.requirement("V33", "U14")
@pytest.mark.standard("WebAuthn Level 3 #sctn-appid-extension", "ram_mfa.FinishLogon")
class TestTheTable:
    @pytest.mark.parametrize(("requested", "used", "through_u2f"), CELLS)
    def test_under_the_app_id(self, services, requested, used, through_u2f):
        """An answer under the AppID passes in one cell of eight: requested, used, and registered through U2F."""
        service, key, asked = scene(services, requested=requested, through_u2f=through_u2f)
        verb = finish(asked, signed(key, asked, under=APP_ID, used=used))
        if requested and used and through_u2f:
            assert service.perform("alice", verb).user == "alice"
            return
        refusal = service.refusal("alice", verb)
        assert (refusal.reason, refusal.check) == (Reason.WRONG_ANSWER, "AppID" if used else "RP ID hash")

    @pytest.mark.parametrize(("requested", "used", "through_u2f"), CELLS)
    def test_under_the_rp_id(self, services, requested, used, through_u2f):
        """An answer under the RP ID is judged as if there were no extension, and never passes where one says it was."""
        service, key, asked = scene(services, requested=requested, through_u2f=through_u2f)
        verb = finish(asked, signed(key, asked, under="example.com", used=used))
        if not used:
            assert service.perform("alice", verb).user == "alice"
            return
        refusal = service.refusal("alice", verb)
        check = "RP ID hash" if requested and through_u2f else "AppID"
        assert (refusal.reason, refusal.check) == (Reason.WRONG_ANSWER, check)

    def test_one_cell(self, services):
        """Counted over the whole table: one cell of eight lets an answer under the AppID in."""
        passed = []
        for requested, used, through_u2f in CELLS:
            service, key, asked = scene(services, requested=requested, through_u2f=through_u2f)
            verb = finish(asked, signed(key, asked, under=APP_ID, used=used))
            with contextlib.suppress(Refused):
                service.perform("alice", verb)
                passed.append((requested, used, through_u2f))
        assert passed == [(True, True, True)]

    @pytest.mark.parametrize("used", [None, "true", 1, 0, [], {"appid": True}])
    def test_no_output(self, services, used):
        """Without an output, or with one that is neither true nor false, the AppID is not used."""
        service, key, asked = scene(services, requested=True, through_u2f=True)
        refusal = service.refusal("alice", finish(asked, signed(key, asked, under=APP_ID, used=used)))
        assert refusal.reason is Reason.WRONG_ANSWER
        assert refusal.check == ("RP ID hash" if used is None else "malformed authentication response: appid")

    @pytest.mark.parametrize("under", [OTHER_APP_ID, APP_ID + "/", APP_ID.upper(), "example.com/", "wrong.example", ""])
    def test_other_names(self, services, under):
        """Neither another AppID nor another spelling of this one."""
        service, key, asked = scene(services, requested=True, through_u2f=True)
        refusal = service.refusal("alice", finish(asked, signed(key, asked, under=under, used=True)))
        assert (refusal.reason, refusal.check) == (Reason.WRONG_ANSWER, "RP ID hash")
