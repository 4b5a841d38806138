# SPDX-License-Identifier: Apache-2.0
"""Strict decoders of the formats that peers send: base64url, JSON, DER, CBOR, byte strings and web origins.

Each accepts one encoding of a value and bounds its work; every failure is a ``MalformedMessage``.
"""
