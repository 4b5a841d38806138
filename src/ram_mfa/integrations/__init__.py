# SPDX-License-Identifier: Apache-2.0
"""Adapters for frameworks and for logging; each is imported by its own path."""
