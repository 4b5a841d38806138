# SPDX-License-Identifier: Apache-2.0
"""X.509 attestation certificates of U2F and WebAuthn authenticators: parsing, public keys, and certification paths."""
