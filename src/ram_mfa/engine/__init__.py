# SPDX-License-Identifier: Apache-2.0
"""The loop that performs verbs, written once and driven by both `ram_mfa.MFA` and `ram_mfa.AsyncMFA`.

Its functions are generators of effects: each yields the calls that it needs (``(function, arguments)``, such as a
store's ``load`` or a pause) and is sent their results. A driver makes the calls, with or without ``await``; the two
drivers differ in nothing else.
"""
