# SPDX-License-Identifier: Apache-2.0
"""The rules that verbs share: tickets, the throttle, permissions, challenges, evidence, and the base of all verbs.

Invariant: nothing here imports a verb of `ram_mfa.ceremonies`.
"""
