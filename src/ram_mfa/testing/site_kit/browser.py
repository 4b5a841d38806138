# SPDX-License-Identifier: Apache-2.0
"""A browser without a screen: cookies, redirects, forms, and a script's fetch. It knows no framework."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlencode, urljoin, urlsplit

import attrs

from .document import Document, FormOnPage
from .transport import Answer, Headers, Transport

FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
_HTML: Final = "text/html,application/xhtml+xml;q=0.9"
_CHROME: Final = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
_MAX_REDIRECTS: Final = 10


@attrs.define
class Browser:
    """A browser.

    Attributes:
        transport: of its requests.
        origin: of the site.
        cookies: by name.
        language: it prefers.
        answer: the last response.
        set_cookies: every ``Set-Cookie`` header so far.
        urls: every URL that it was sent to so far.
    """

    transport: Transport
    origin: str
    cookies: dict[str, str] = attrs.field(factory=dict, repr=False)
    language: str = "en"
    answer: Answer = attrs.field(default=Answer(0, (), b"", ""), repr=False)
    set_cookies: list[str] = attrs.field(factory=list, repr=False)
    urls: list[str] = attrs.field(factory=list, repr=False)

    @property
    def page(self) -> Document:
        """The page that is shown."""
        return Document(self.answer.text)

    @property
    def json(self) -> Any:
        """The JSON that came back."""
        return json.loads(self.answer.body)

    def send(
        self, method: str, url: str, *, body: bytes = b"", headers: Mapping[str, str | None] | None = None
    ) -> Answer:
        """Send one request, and follow no redirect.

        Args:
            method: of it.
            url: path and query.
            body: of it.
            headers: in addition to those of a browser, or in their place; None leaves one out.
        """
        sent: dict[str, str | None] = {"user-agent": _CHROME, "accept": _HTML, "accept-language": self.language}
        if method not in {"GET", "HEAD"}:
            sent |= {"origin": self.origin, "sec-fetch-site": "same-origin"}
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent |= headers or {}
        kept: Headers = tuple((name, value) for name, value in sent.items() if value is not None)
        self.answer = self.transport.send(method, url, kept, body)
        for name, value in self.answer.headers:
            if name == "set-cookie":
                self._keep(value)
        location = self.answer.header("location")
        if location:
            self.urls.append(location)
        return self.answer

    def get(self, url: str, **more: Any) -> Answer:
        """Go to a page, and on where it leads."""
        return self._followed(self.send("GET", url, **more))

    def post(self, url: str, fields: Iterable[tuple[str, str]] | Mapping[str, str] = (), **more: Any) -> Answer:
        """Send a form, and go where the answer leads."""
        return self._followed(self.submit(url, fields, **more))

    def submit(self, url: str, fields: Iterable[tuple[str, str]] | Mapping[str, str] = (), **more: Any) -> Answer:
        """Send a form, and follow no redirect."""
        items: Any = fields.items() if isinstance(fields, Mapping) else fields
        pairs: list[tuple[str, str]] = list(items)
        headers = {"content-type": FORM, **(more.pop("headers", None) or {})}
        return self.send("POST", url, body=urlencode(pairs).encode(), headers=headers, **more)

    def fetch(self, method: str, url: str, data: Any = None, **headers: str | None) -> Answer:
        """Send what a script of the page sends: JSON, and JSON is to come back."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent: dict[str, str | None] = {"accept": JSON, "sec-fetch-site": "same-origin", **named}
        if data is not None:
            sent["content-type"] = JSON
        return self.send(method, url, body=b"" if data is None else json.dumps(data).encode(), headers=sent)

    def fill(self, form: FormOnPage, *, tick: str | None = None, **fields: str) -> Answer:
        """Fill a form in, send it, and go where the answer leads.

        Args:
            form: of the page.
            tick: the name of a box to tick.
            fields: to type.
        """
        pairs = [(name, fields.pop(name, value)) for name, value in form.fields]
        pairs += list(fields.items())
        if tick is not None:
            pairs.append((tick, form.boxes[tick]))
        url = urljoin(self.answer.url, form.action) if form.action else self.answer.url
        if form.method == "GET":
            return self.get(f"{urlsplit(url).path}?{urlencode(pairs)}")
        return self.post(url, pairs)

    def _followed(self, answer: Answer) -> Answer:
        for _ in range(_MAX_REDIRECTS):
            location = answer.header("location")
            if answer.status not in {301, 302, 303, 307, 308} or not location:
                return answer
            target = urlsplit(urljoin(f"{self.origin}{answer.url}", location))
            assert f"{target.scheme}://{target.netloc}" == self.origin, f"sent away to {location}"
            answer = self.send("GET", f"{target.path}?{target.query}" if target.query else target.path)
        raise AssertionError("redirected without an end")

    def _keep(self, header: str) -> None:
        self.set_cookies.append(header.strip())
        pair, *attributes = (part.strip() for part in header.split(";"))
        name, _, value = pair.partition("=")
        lower = [one.lower() for one in attributes]
        if name.startswith("__Host-"):
            assert "secure" in lower, f"browsers do not take {name} without Secure"
            assert "path=/" in lower, f"browsers do not take {name} for another path"
            assert not any(one.startswith("domain") for one in lower), f"browsers do not take {name} with a domain"
        gone = any(one == "max-age=0" or "1970" in one for one in lower) or not value.strip('"')
        if gone:
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = value
