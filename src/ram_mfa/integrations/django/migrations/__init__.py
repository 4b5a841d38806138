# SPDX-License-Identifier: Apache-2.0
"""How the table came to be."""
