# SPDX-License-Identifier: Apache-2.0
"""The operators' commands on stores and users, ``python -m ram_mfa ...``.

Invariant: a command that writes does so through `MFA`. Passwords and keys are read from files, and never printed.
"""
