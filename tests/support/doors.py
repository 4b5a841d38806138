# SPDX-License-Identifier: Apache-2.0
"""The former name of `tests.support.key_apis`, for tests that are being changed elsewhere."""

from .key_apis import KeyAPI as Door
from .key_apis import answer, registration

__all__ = ["Door", "answer", "registration"]
