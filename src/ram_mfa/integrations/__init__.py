# SPDX-License-Identifier: Apache-2.0
"""Adapters for what applications already have; each is imported by its own path."""
