# SPDX-License-Identifier: Apache-2.0
"""FIDO U2F 1.2."""
