# SPDX-License-Identifier: Apache-2.0
"""A console with MFA, in a browser: ``python -m examples.console``."""
