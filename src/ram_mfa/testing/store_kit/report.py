# SPDX-License-Identifier: Apache-2.0
"""The report of a run of the kit: the checks that it tried, and those that it did not."""

from __future__ import annotations

import attrs


@attrs.frozen
class StoreReport:
    """The checks of a run in which no promise was broken. Its text has a line for each.

    Attributes:
        kept: the names of the checks that passed.
        not_tried: the names of the checks that could not be made, and what each would need. These promises are not
            proved.
    """

    kept: tuple[str, ...]
    not_tried: dict[str, str]

    def __str__(self) -> str:
        lines = [f"kept       {name}" for name in self.kept]
        lines += [f"NOT TRIED  {name}: {why}" for name, why in self.not_tried.items()]
        return "\n".join(lines)
