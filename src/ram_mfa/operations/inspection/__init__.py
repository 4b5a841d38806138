# SPDX-License-Identifier: Apache-2.0
"""``python -m ram_mfa inspect``: one message decoded into named fields with offsets, and what is wrong with it.

Invariant: nothing is verified with a key. A message without findings is well formed, and no more.
"""
