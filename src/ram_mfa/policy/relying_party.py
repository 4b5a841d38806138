# SPDX-License-Identifier: Apache-2.0
"""The site that security keys are bound to: RP ID, origins, and the AppID of keys from the days of U2F."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from ..u2f import AppID, Origin


def _texts(values: Iterable[str]) -> tuple[str, ...]:
    if isinstance(values, str):
        raise TypeError("several origins are a list, not one string")
    return tuple(values)


@attrs.frozen(kw_only=True)
class RelyingParty:
    """Where security keys are registered and used.

    Attributes:
        id: the RP ID, such as ``example.com``.
        origins: the pages that may ask, such as ``https://console.example.com``, compared whole; each lies on the RP ID
            or below it. ``http://localhost`` with any port is accepted for development, and no other http.
        name: for people; the RP ID where left out.
        app_id: the AppID under which keys were, or are, registered through U2F; None where there are none.
        top_origins: the pages that may hold those in a frame; none by default.

    Raises:
        MalformedMessage: an origin or the AppID is none (a ``ValueError`` too).
        ValueError: an origin does not belong to the RP ID.
    """

    id: str
    origins: tuple[str, ...] = attrs.field(converter=_texts)
    name: str = attrs.field(default=attrs.Factory(lambda self: self.id, takes_self=True))
    app_id: str | None = None
    top_origins: tuple[str, ...] = attrs.field(default=(), converter=_texts)

    def __attrs_post_init__(self) -> None:
        if not self.origins:
            raise ValueError("a relying party has at least one origin")
        for text in (*self.origins, *self.top_origins):
            origin = Origin.parse(text)
            if not origin.secure and not origin.local:
                raise ValueError(f"{text} is not https")
        for text in self.origins:
            host = Origin.parse(text).host
            if host != self.id and not host.endswith(f".{self.id}"):
                raise ValueError(f"{text} is not on the RP ID {self.id} or below it")
        if self.app_id is not None:
            AppID.parse(self.app_id)
