# SPDX-License-Identifier: Apache-2.0
"""The operators' commands on a store, ``python -m ram_mfa store ...``.

The room's rule: every deed is one of `MFA`'s, or reads and writes nothing; what is here reads arguments, opens the
store that a URL names, and says what was done. Passwords and keys come in by files, and go out by nothing.
"""
