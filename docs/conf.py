# SPDX-License-Identifier: Apache-2.0
"""How sphinx builds these pages."""

from __future__ import annotations

from importlib.metadata import version as installed

project = "ram_mfa"
author = "The ram_mfa developers"
copyright = "The ram_mfa developers, Apache-2.0"  # noqa: A001 - sphinx's name for it
version = release = installed("ram_mfa")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"ram_mfa {release}"
myst_heading_anchors = 3

autodoc_typehints = "none"
autodoc_member_order = "bysource"
# No other project's inventory is fetched while building: names of the standard library are not links.
nitpick_ignore_regex = [("py:.*", r"(?!ram_mfa).*")]
