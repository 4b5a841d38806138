# SPDX-License-Identifier: Apache-2.0
"""Stores on existing engines; each is imported by its own path, and brings its own driver.

``memory`` and ``sqlite`` need nothing beyond Python. The promises that all of them keep stand in ``ram_mfa.store``.
"""
