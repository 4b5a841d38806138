# SPDX-License-Identifier: Apache-2.0
"""The loop, once: what `ram_mfa.MFA` and `ram_mfa.AsyncMFA` both drive.

Everything here is a *plan*: a generator that yields the calls it needs (``(function, arguments)``: a store's ``load``,
a pause) and is sent their results. A driver makes the calls, awaited or not: nothing else tells the two drivers apart.
"""
