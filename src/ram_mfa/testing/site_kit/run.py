# SPDX-License-Identifier: Apache-2.0
"""`check_site`: try every promise on a site, and report."""

from __future__ import annotations

import traceback
from collections.abc import Collection

from .promises import PROMISES, Promise
from .report import NotTried, Result, SiteReport, SiteRow
from .site import Kit, Site


def check_site(site: Site, *, skip: Collection[str] = (), only: Collection[str] = ()) -> SiteReport:
    """Try every promise that an integration keeps, as visitor, administrator and attacker, and report.

    ::

        report = check_site(Site(transport=WSGITransport(app, ORIGIN), origin=ORIGIN, ...))
        assert not report.broken, str(report)

    What the site has not what it takes for is not tried, and never kept; a crash is a broken promise.

    Args:
        site: with the integration.
        skip: names of promises that are not tried.
        only: names of the promises to try; all where left out.

    Raises:
        ValueError: a name is none of a promise.
    """
    unknown = {*skip, *only} - set(PROMISES)
    if unknown:
        raise ValueError(f"no promises: {', '.join(sorted(unknown))}")
    kit = Kit(site)
    wanted = [name for name in PROMISES if not only or name in only]
    return SiteReport(tuple(_row(kit, name, PROMISES[name], skipped=name in skip) for name in wanted))


def _row(kit: Kit, name: str, promise: Promise, *, skipped: bool) -> SiteRow:
    sentence = (promise.__doc__ or "").strip()
    if skipped:
        return SiteRow(name, sentence, Result.NOT_TRIED, "skipped")
    try:
        promise(kit)
    except NotTried as error:
        return SiteRow(name, sentence, Result.NOT_TRIED, str(error))
    except AssertionError as error:
        return SiteRow(name, sentence, Result.BROKEN, str(error))
    except Exception:  # noqa: BLE001 - whatever a site does to the kit, the promise is not kept
        return SiteRow(name, sentence, Result.BROKEN, traceback.format_exc(limit=-4))
    return SiteRow(name, sentence, Result.KEPT)
