# SPDX-License-Identifier: Apache-2.0
"""The faults of a security key, or of the client that it is plugged into."""

from __future__ import annotations

import enum


class KeyFault(enum.Enum):
    """Deviation of an answer from that of an honest key behind an honest client.

    Everything else about the answer stays right: a message with an off-curve key is signed over that key, and
    trailing bytes of authenticator data are covered by the signature. So exactly one check of the relying party fails.
    """

    # Of the client
    WRONG_TYPE = "the client data is of the other ceremony"
    WRONG_ORIGIN = "the client data names another origin"
    WRONG_CHALLENGE = "the client data holds another challenge"
    WRONG_RP_ID_HASH = "the key is asked for, and signs, another RP ID or AppID"
    # Of what is signed
    NO_USER_PRESENCE = "the answer says that the user did not touch the key"
    FROZEN_COUNTER = "the counter does not change"
    ZERO_COUNTER = "the counter is always zero"
    JUMPING_COUNTER = "the counter jumps ahead by 65,536"
    WRAPPING_COUNTER = "the counter goes to 4,294,967,295, and from there to zero"
    # Of the bytes
    TRAILING_BYTES = "a byte follows the message"
    SECOND_CERTIFICATE = "the attestation certificate is there twice"
    MALFORMED_UNUSED_BITS = "the certificate's signature claims a bit to be unused that is set"
    OFF_CURVE_KEY = "the public key is no point of its curve"
    HIGH_S_SIGNATURE = "the ECDSA signature has the larger of its two values of s, which is as valid"
    WRONG_ALGORITHM = "signatures use another hash, and a credential another algorithm than asked for"


class Counters(enum.Enum):
    """Scope of a key's counter; both are common (FIDO U2F Implementation Considerations, section 2.6)."""

    GLOBAL = "one for the whole key"
    PER_CREDENTIAL = "one for each credential"
