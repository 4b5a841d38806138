# SPDX-License-Identifier: Apache-2.0
"""The operators' commands on a store, ``python -m ram_mfa store ...``.

Invariant: a command that writes does so through `MFA`. Passwords and keys are read from files, and never printed.
"""
