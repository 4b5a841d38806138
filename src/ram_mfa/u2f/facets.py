# SPDX-License-Identifier: Apache-2.0
"""AppIDs and facets: the application that a key is registered with, and the origins and apps that may act for it.

FIDO AppID and Facet Specification 1.2, section 3.1
(https://fidoalliance.org/specs/fido-u2f-v1.2-ps-20170411/fido-appid-and-facets-v1.2-ps-20170411.html).

Invariant: a facet is compared whole, and nothing is fetched. Clients fetch the document of trusted facets
from the AppID; this file writes it, and reads it as they do, to find what they would leave out.

The specification's "least-specific private label" is a public suffix and one label more, and public suffixes are a
list that changes. The library has no such list: whoever configures an AppID gives that label (``"example.com"``,
``"example.co.uk"``), and only its form is checked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

import attrs

from .._validation import instance_of
from ..encoding.json import load_object
from ..encoding.origin import Origin, check_host
from ..errors import MalformedMessage

CONTENT_TYPE: Final = "application/fido.trusted-apps+json"
"""The media type under which the document must be served (3.1.1)."""

REDIRECT_HEADER: Final = ("FIDO-AppID-Redirect-Authorized", "true")
"""Without this header clients follow no redirect from an AppID (3.1.2)."""

VERSION: Final = (1, 0)
"""The protocol version (major, minor) of U2F in the document."""

_APP_PREFIXES: Final = ("android:apk-key-hash:", "android:apk-key-hash-sha256:", "ios:bundle-id:")
_FACET, _APP_ID, _DOCUMENT = "facet", "AppID", "trusted facets document"
_MAX_APP_ID: Final = 2_048
_MAX_DOCUMENT: Final = 65_536
_PRINTABLE: Final = frozenset(map(chr, range(0x21, 0x7F)))
_PATH: Final = _PRINTABLE - frozenset('"#<>\\^`{|}')


@attrs.frozen
class AppIdentity:
    """The identity of a native app, such as ``android:apk-key-hash:...`` or ``ios:bundle-id:...``; compared as text."""

    text: str = attrs.field(validator=instance_of(str))

    def __str__(self) -> str:
        return self.text


Facet = Origin | AppIdentity


def parse_facet(text: str) -> Facet:
    """Return the facet that ``text`` names.

    Args:
        text: a web origin, with or without the slash that the specification writes after it and browsers omit,
            or an app's identity.

    Raises:
        MalformedMessage: it is neither, or not in its canonical form.
    """
    if not isinstance(text, str):
        raise MalformedMessage(_FACET, _FACET, "not a string")
    if text.startswith(_APP_PREFIXES):
        if len(text) > _MAX_APP_ID or not _PRINTABLE.issuperset(text) or text.endswith(":"):
            raise MalformedMessage(_FACET, _FACET, "not an app's identity")
        return AppIdentity(text)
    return Origin.parse(text.removesuffix("/"))


def configured_facet(facet: Facet | str) -> Facet:
    """Return a facet of one's own configuration.

    Raises:
        ValueError: it is none.
    """
    if isinstance(facet, Origin | AppIdentity):
        return facet
    try:
        return parse_facet(facet)
    except MalformedMessage as error:
        raise ValueError(f"not a facet: {error.problem}") from None


@attrs.frozen
class AppID:
    """The name that a key is registered under: an https URL, or an app's identity.

    Attributes:
        text: as clients are given it. Its UTF-8 is what `application_parameter` hashes, to the byte.
        facet: whose it is: the URL's origin, or the app.
    """

    text: str = attrs.field(validator=instance_of(str))
    facet: Facet = attrs.field(eq=False, validator=instance_of(Origin, AppIdentity))

    @classmethod
    def parse(cls, text: str) -> AppID:
        """Return the AppID that ``text`` is.

        Raises:
            MalformedMessage: it is no https URL that all clients read alike: another scheme, a host that is not in its
                one form, user info, a fragment, ``.`` or ``..`` in the path, or a character that URLs escape.
        """
        if not isinstance(text, str):
            raise MalformedMessage(_APP_ID, _APP_ID, "not a string")
        if len(text) > _MAX_APP_ID or not _PRINTABLE.issuperset(text):
            raise MalformedMessage(_APP_ID, _APP_ID, f"not at most {_MAX_APP_ID} printable ASCII characters")
        if text.startswith(_APP_PREFIXES):
            return cls(text, parse_facet(text))
        place = text.removeprefix("https://")
        if place == text:
            raise MalformedMessage(_APP_ID, "scheme", "not https")
        authority, path = _split(place)
        if not _PATH.issuperset(path) or any(part in (".", "..") for part in path.partition("?")[0].split("/")):
            raise MalformedMessage(_APP_ID, "path", "a fragment, a dot segment, or a character that URLs escape")
        return cls(text, Origin.parse(f"https://{authority}"))

    def __str__(self) -> str:
        return self.text


def _split(place: str) -> tuple[str, str]:
    """Split what follows ``https://`` into authority and the rest."""
    end = min((at for at in map(place.find, "/?#") if at >= 0), default=len(place))
    return place[:end], place[end:]


def trusted_facets_document(app_id: AppID | str, *, facets: Iterable[Facet | str], private_label: str) -> str:
    """Return the JSON document to serve at an AppID, under `CONTENT_TYPE` (3.1.1).

    Args:
        app_id: an https URL.
        facets: every place that may ask for the keys of that AppID.
        private_label: the least-specific private label that the AppID and all web facets share (3.1.2, 3.1.3), such as
            ``"example.com"``.

    Raises:
        ValueError: the AppID is not an https URL; a facet is not https, or outside the label, so that clients would
            leave it out; or the label is none.
    """
    try:
        identity = app_id if isinstance(app_id, AppID) else AppID.parse(app_id)
    except MalformedMessage as error:
        raise ValueError(f"not an AppID: {error.problem}") from None
    label, ids = _checked_label(private_label), [configured_facet(facet) for facet in facets]
    if isinstance(identity.facet, AppIdentity) or not all(_trusted(facet, label) for facet in (identity.facet, *ids)):
        raise ValueError("AppID and web facets are https, and share the private label")
    versions = {"major": VERSION[0], "minor": VERSION[1]}
    return json.dumps({"trustedFacets": [{"version": versions, "ids": list(dict.fromkeys(map(str, ids)))}]})


def read_trusted_facets(document: str | bytes, *, app_id: AppID, private_label: str) -> tuple[Facet, ...]:
    """Return the facets that a client takes from the document that it fetched from an AppID (3.1.2, 3.1.3).

    1. Of the objects in ``trustedFacets``, the one with U2F's version counts.
    2. Ids that are http, no URLs, or not strings are left out; of https URLs, the origin remains.
    3. Web ids whose host is not the private label, and not below it, are left out.

    Args:
        document: what the AppID answered; whether it came over https, under `CONTENT_TYPE` and without cookies is the
            fetching side's to see.
        app_id: where it was fetched from.
        private_label: the AppID's least-specific private label.

    Raises:
        MalformedMessage: it is no such document.
        ValueError: the AppID is not below the label, or the label is none.
    """
    label = _checked_label(private_label)
    if isinstance(app_id.facet, AppIdentity) or not _trusted(app_id.facet, label):
        raise ValueError("the AppID is not below the private label")
    lists = load_object(document, message=_DOCUMENT, limit=_MAX_DOCUMENT).get("trustedFacets")
    if not isinstance(lists, list):
        raise MalformedMessage(_DOCUMENT, "trustedFacets", "missing, or not a list")
    # (1)
    ids = [_ids(entry) for entry in lists if isinstance(entry, dict) and _version(entry) == VERSION]
    if len(ids) != 1:
        raise MalformedMessage(_DOCUMENT, "version", "not in the document exactly once")
    # (2), (3)
    facets = (facet for facet in map(_facet_of_id, ids[0]) if facet is not None)
    return tuple(dict.fromkeys(facet for facet in facets if _trusted(facet, label)))


def _version(entry: dict[str, Any]) -> tuple[Any, Any] | None:
    version = entry.get("version")
    return (version.get("major"), version.get("minor")) if isinstance(version, dict) else None


def _ids(entry: dict[str, Any]) -> list[Any]:
    ids = entry.get("ids")
    if not isinstance(ids, list):
        raise MalformedMessage(_DOCUMENT, "ids", "missing, or not a list")
    return ids


def _facet_of_id(text: Any) -> Facet | None:
    """Return the facet that an id names once user info, path, query and fragment are gone; None where it names none."""
    if not isinstance(text, str):
        return None
    try:
        if text.startswith(_APP_PREFIXES):
            return parse_facet(text)
        scheme, _, place = text.lower().partition("://")
        return Origin.parse(f"{scheme}://{_split(place)[0].rpartition('@')[2].removesuffix(':443')}")
    except MalformedMessage:
        return None


def _checked_label(label: str) -> str:
    """Check the form of a private label: a domain of two labels or more, and no address."""
    try:
        check_host(label)
    except MalformedMessage:
        raise ValueError("a private label is a domain in lower-case ASCII") from None
    if "." not in label or label.rpartition(".")[2].isdigit():
        raise ValueError("a private label has two labels or more, and is no address")
    return label


def _trusted(facet: Facet, label: str) -> bool:
    """Whether a client would trust that facet of an AppID with that private label. An app's identity has no host."""
    if isinstance(facet, AppIdentity):
        return True
    return facet.secure and (facet.host == label or facet.host.endswith(f".{label}"))
