"""Values of houses in Boston."""

from __future__ import annotations

from glassnet.keras.datasets.rows import Split, load_table
from glassnet.suggestions import publish, suggest_arguments


@suggest_arguments
def load_data(
    path: str = "boston_housing.npz", test_split: float = 0.2, seed: int | None = 113
) -> tuple[Split, Split]:
    """Load 506 districts of Boston with the median value of their houses, in 1000 dollars.

    The column B was computed from the share of Black inhabitants, on the assumption that
    segregation affects prices: use the dataset only to discuss this. `california_housing` is an
    alternative.

    Shapes:
        x (n, 13), y (n,) float64.

    Args:
        path: name of the file in the folder boston-housing of the data folder, or in
            ~/.keras/datasets.
        test_split: fraction of the rows for the test, the last ones.
        seed: shuffles the rows; None for another order at every call.

    Returns:
        ((x, y), (x_test, y_test)).

    Raises:
        ConfigError: an argument is out of range.
        DownloadError: the file is not on this machine and cannot be downloaded.
        DataError: the file is damaged.

    Source: D. Harrison, D. L. Rubinfeld, "Hedonic housing prices and the demand for clean air",
        1978; the file is Keras's. No license is stated.
    """
    who = "boston_housing.load_data"
    return load_table(who, "boston-housing", "boston_housing.npz", path, test_split, seed)


__all__ = ["load_data"]

publish(__name__, __all__)
