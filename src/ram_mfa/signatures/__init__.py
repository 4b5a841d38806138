# SPDX-License-Identifier: Apache-2.0
"""Public keys and signatures shared by U2F and WebAuthn: P-256 points, COSE keys, and Edwards curve points."""
