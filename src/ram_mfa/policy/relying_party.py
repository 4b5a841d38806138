# SPDX-License-Identifier: Apache-2.0
"""The site that security keys are bound to: RP ID, origins, native apps, and the AppID of U2F keys.

Invariant: an invalid field is refused when the value is built, by a `ValueError` that names the field, the text and the
fault. There is no list of public suffixes (``co.uk``, ``github.io``).
"""

from __future__ import annotations

from typing import Any, Final

import attrs

from .._validation import as_tuple, each, is_a, name, optional, text
from ..encoding import base64url
from ..errors import MalformedMessage
from ..u2f import AppID, AppIdentity, Origin, parse_facet
from ..webauthn.app_id import rp_id_hash

_ANDROID: Final = "android:apk-key-hash:"
_SHA256: Final = 32
_MAX_ORIGINS: Final = 64
_short: Final = text(1, 2_048)


def _refuse(instance: object, attribute: Any, value: str, fault: str) -> None:
    raise ValueError(f"{type(instance).__name__}.{attribute.name}: {value!r}: {fault}")


def _is_rp_id(instance: object, attribute: Any, value: Any) -> None:
    """Accept a domain that browsers accept as an RP ID: not an address, nor a single label other than ``localhost``."""
    _short(instance, attribute, value)
    try:
        rp_id_hash(value)
    except ValueError:
        _refuse(instance, attribute, value, "not a domain in lower-case ASCII, such as example.com")
    last = value.rpartition(".")[2]
    if last.isdigit() or last.startswith("0x"):
        _refuse(instance, attribute, value, "an IP address cannot be an RP ID: browsers require a domain")
    if "." not in value and value != "localhost":
        _refuse(instance, attribute, value, "a single label is a public suffix, or not a public name")


def _is_origin(instance: object, attribute: Any, value: Any) -> None:
    _short(instance, attribute, value)
    try:
        origin = Origin.parse(value)
    except MalformedMessage as error:
        raise ValueError(
            f"{type(instance).__name__}.{attribute.name}: {value!r}: {error.field}: {error.problem}"
        ) from None
    if not origin.secure and not origin.local:
        _refuse(instance, attribute, value, "scheme: is not https, which only localhost may omit")


def _is_app(instance: object, attribute: Any, value: Any) -> None:
    _short(instance, attribute, value)
    try:
        fine = is_a(parse_facet(value), AppIdentity)
    except MalformedMessage:
        fine = False
    if not fine:
        _refuse(
            instance,
            attribute,
            value,
            "no app: android:apk-key-hash:..., android:apk-key-hash-sha256:... or ios:bundle-id:...",
        )


def _is_app_id(instance: object, attribute: Any, value: Any) -> None:
    _short(instance, attribute, value)
    try:
        AppID.parse(value)
    except MalformedMessage as error:
        _refuse(instance, attribute, value, f"{error.field}: {error.problem}")


@attrs.frozen(kw_only=True)
class RelyingParty:
    """The site where security keys are registered and used.

    Attributes:
        id: the RP ID, such as ``example.com``; no address, and no single label but ``localhost``. Longer public
            suffixes (``co.uk``) are refused by browsers, and not known here.
        origins: the pages that may ask, such as ``https://console.example.com``, compared whole; each lies on the RP ID
            or below it. ``http://localhost`` with any port is accepted for development, and no other http.
        name: for people; the RP ID where left out.
        app_id: the AppID under which keys were, or are, registered through U2F; None if there are none. It shares
            its last two labels with the RP ID, or is an app's identity. All keys of a user have one AppID.
        top_origins: the pages that may hold those in a frame; none by default.
        native_apps: the apps that may ask, as ``android:apk-key-hash:...``, ``android:apk-key-hash-sha256:...`` or
            ``ios:bundle-id:...``; through WebAuthn only those of Android whose hash is SHA-256, as it names no others.

    Raises:
        TypeError: a field is of the wrong type.
        ValueError: a field is not what it must be, or does not belong to the RP ID.
    """

    id: str = attrs.field(validator=_is_rp_id)
    origins: tuple[str, ...] = attrs.field(
        converter=as_tuple, validator=each(tuple, _is_origin, least=1, most=_MAX_ORIGINS)
    )
    name: str = attrs.field(default=attrs.Factory(lambda self: self.id, takes_self=True), validator=name(253))
    app_id: str | None = attrs.field(default=None, validator=optional(_is_app_id))
    top_origins: tuple[str, ...] = attrs.field(
        default=(), converter=as_tuple, validator=each(tuple, _is_origin, most=_MAX_ORIGINS)
    )
    native_apps: tuple[str, ...] = attrs.field(
        default=(), converter=as_tuple, validator=each(tuple, _is_app, most=_MAX_ORIGINS)
    )

    def __attrs_post_init__(self) -> None:
        for origin in self.origins:
            host = Origin.parse(origin).host
            if host != self.id and not host.endswith(f".{self.id}"):
                raise ValueError(f"RelyingParty.origins: {origin!r}: host: is not on the RP ID {self.id} or below it")
        if self.app_id is not None:
            facet = AppID.parse(self.app_id).facet
            if isinstance(facet, Origin) and _site(facet.host) != _site(self.id):
                raise ValueError(f"RelyingParty.app_id: {self.app_id!r}: host: is on another domain than {self.id}")

    @property
    def u2f_facets(self) -> tuple[str, ...]:
        """The pages and apps that may ask through U2F."""
        return self.origins + self.native_apps

    @property
    def webauthn_origins(self) -> tuple[str, ...]:
        """The pages and apps that may ask through WebAuthn."""
        return self.origins + tuple(app for app in self.native_apps if _in_webauthn(app))


def _site(host: str) -> list[str]:
    """Return the last two labels of a host: the registrable domain, where its public suffix is one label."""
    return host.split(".")[-2:]


def _in_webauthn(app: str) -> bool:
    """Return whether WebAuthn's client data can name an app: Android's, by the SHA-256 of its certificate."""
    if not app.startswith(_ANDROID):
        return False
    try:
        key_hash = base64url.decode(app.removeprefix(_ANDROID), message="app", field="key hash")
    except MalformedMessage:
        return False
    return len(key_hash) == _SHA256
