"""Values of houses in California."""

from __future__ import annotations

from glassnet.errors import require
from glassnet.keras.datasets.rows import Split, load_table
from glassnet.suggestions import publish, suggest_arguments

SMALL_ROWS = 600
"""Rows of the small version."""


@suggest_arguments
def load_data(
    version: str = "large",
    path: str = "california_housing.npz",
    test_split: float = 0.2,
    seed: int | None = 113,
) -> tuple[Split, Split]:
    """Load 20,640 districts of California with the median value of their houses, in dollars.

    Shapes:
        x (n, 8), y (n,).

    Args:
        version: "large" for all rows, "small" for the first 600 of the file.
        path: name of the file in the folder california-housing of the data folder, or in
            ~/.keras/datasets.
        test_split: fraction of the rows for the test, the last ones.
        seed: shuffles the rows; None for another order at every call.

    Returns:
        ((x, y), (x_test, y_test)).

    Raises:
        ConfigError: an argument is out of range.
        DownloadError: the file is not on this machine and cannot be downloaded.
        DataError: the file is damaged.

    Source: R. K. Pace, R. Barry, "Sparse spatial autoregressions", 1997, from the census of 1990;
        the file is Keras's. No license is stated.
    """
    who = "california_housing.load_data"
    is_version = version in ("small", "large")
    require(is_version, who, 'version to be "small" or "large"', version=version)
    rows = SMALL_ROWS if version == "small" else None
    return load_table(
        who, "california-housing", "california_housing.npz", path, test_split, seed, rows
    )


__all__ = ["load_data"]

publish(__name__, __all__)
