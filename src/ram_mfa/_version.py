# SPDX-License-Identifier: Apache-2.0
"""The version of the package (PEP 440, https://peps.python.org/pep-0440/)."""

from typing import Final

__version__: Final = "0.1.0"
