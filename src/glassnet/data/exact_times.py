"""Times of a column with their time zone and fractions of a second, which table columns lack."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.data.parsing import DistinctTexts

LONGEST_LOCAL_TIME = len("2024-02-29T13:05:00")
"""Number of characters of an ISO time without a time zone and fractions of a second."""


@dataclass(frozen=True, eq=False)
class ExactTimes:
    """Times of a column with their time zone and fractions of a second.

    Attributes:
        values: ISO texts, None if missing; or datetime64 of any unit, in UTC if there is a zone.
        zone: time zone of the column, such as Europe/Berlin; None if there is none, or if each text
            has its own.
    """

    values: np.ndarray
    zone: str | None = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ExactTimes) or self.zone != other.zone:
            return False
        return np.array_equal(self.values, other.values)

    __hash__ = None  # type: ignore[assignment]

    def take(self, index: Any) -> ExactTimes:
        """Return some of the rows."""
        return ExactTimes(self.values[index], self.zone)


def exact_times_of_text(cells: DistinctTexts) -> ExactTimes | None:
    """Return the texts of ISO times, or None if they have neither zones nor fractions."""
    if max(map(len, cells.texts), default=0) <= LONGEST_LOCAL_TIME:
        return None
    return ExactTimes(cells.to_objects())


def exact_times_of_frame(column: Any) -> ExactTimes | None:
    """Return the times of a narwhals column, or None if they have neither zone nor fractions."""
    import narwhals.stable.v1 as nw

    if column.dtype != nw.Datetime:
        cells = [_to_iso_text(cell) for cell in column.to_list()]
        has_more = max(map(len, filter(None, cells)), default=0) > LONGEST_LOCAL_TIME
        return ExactTimes(np.array(cells, object)) if has_more else None
    zone = column.dtype.time_zone
    if zone:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    values = column.to_numpy()
    if zone or np.any((values != values.astype("datetime64[s]")) & ~np.isnat(values)):
        return ExactTimes(values, zone)
    return None


def _to_iso_text(cell: Any) -> str | None:
    """Return a date, a time or the start of a period as ISO text; None if it is missing."""
    cell = cell.to_timestamp() if hasattr(cell, "to_timestamp") else cell
    is_missing = not isinstance(cell, datetime.date) or cell != cell
    return None if is_missing else cell.isoformat()
