# SPDX-License-Identifier: Apache-2.0
"""HTML of a page by Jinja (https://jinja.palletsprojects.com/), for frameworks without templates of their own.

Every value is escaped, and an undefined name is an error.
"""

from __future__ import annotations

import json

import jinja2

from .layout import lay_out
from .pages import Page
from .settings import BASE, SiteSettings
from .values import WebResponse


class Renderer:
    """Renders pages of one site.

    Args:
        settings: of the site.
        loader: of the application's own templates; they come first, so that they may replace this package's.

    Attributes:
        environment: Jinja's, to which an application may add globals for its base template.
    """

    def __init__(self, settings: SiteSettings, loader: jinja2.BaseLoader | None = None) -> None:
        own: jinja2.BaseLoader = jinja2.PackageLoader("ram_mfa.web", "templates")
        if loader is None and settings.base != BASE:
            raise ValueError("a base template of the application's needs a loader that finds it")
        self._base = settings.base
        self.environment: jinja2.Environment = jinja2.Environment(
            loader=own if loader is None else jinja2.ChoiceLoader([loader, own]),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
        )

    def render(self, page: Page) -> str:
        """Return the HTML of a page."""
        template = self.environment.get_template("ram_mfa/page.html")
        return template.render(page=lay_out(page), base=self._base)

    def body(self, response: WebResponse) -> str:
        """Return the body of a response, of its ``content_type``."""
        if response.json:
            return json.dumps(response.json_body())
        return "" if response.page is None else self.render(response.page)
