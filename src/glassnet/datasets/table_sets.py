"""Downloaded tables with numbers, text and missing values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, TypeAlias

import numpy as np

from glassnet.data.dataset import TEST_FRACTION, DatasetInfo
from glassnet.data.split import random_split, stratified_split
from glassnet.datasets.downloads import fetch
from glassnet.errors import DataError, MissingError, message, require

if TYPE_CHECKING:
    from pandas import DataFrame

TableDatasetFields: TypeAlias = "tuple[DataFrame, DataFrame, str, str]"
"""Fields of a `TableDataset` after its name: train, test, target, task."""


@dataclass(frozen=True, eq=False, repr=False)
class TableDataset:
    """Training and test tables with text, numbers and missing values (NaN) as in the file.

    It unpacks as `train, test = data`. The index of a row is its position in the file, from 0.

    Args:
        name: name of the dataset in `datasets.load`.
        train: training rows with all columns, including the target.
        test: test rows with the same columns.
        target: name of the column to predict.
        task: "regression", or the number of classes, as in "2 classes".
        description: what the rows and columns are, their units, source and license.

    Raises:
        MissingError: on access to x, y or another array of a `Dataset`.

    Example:
        >>> import pandas as pd
        >>> columns = {"height": [1.2, None, 0.4], "color": ["red", "blue", "red"]}
        >>> rows = pd.DataFrame({**columns, "step": [0, 1, 1]})
        >>> data = TableDataset("steps", rows[:2], rows[2:], target="step", task="2 classes")
        >>> data
        TableDataset('steps', train=(2, 3), target='step', test rows=1, 2 classes)
        >>> train, test = data
        >>> data.frame.equals(rows)
        True
    """

    name: str
    train: DataFrame
    test: DataFrame
    target: str
    task: str
    description: str = ""

    @property
    def frame(self) -> DataFrame:
        """All rows in the order of the file."""
        import pandas as pd

        return pd.concat([self.train, self.test]).sort_index()

    def __iter__(self) -> Iterator[DataFrame]:
        yield self.train
        yield self.test

    def __getattr__(self, name: str) -> NoReturn:
        fix = (
            "It is a table with text and missing values, not arrays: "
            "train, test = data, then model.fit(train, target=data.target)."
        )
        raise MissingError(
            message(
                "TableDataset",
                "train, test, frame, target, task, name or description",
                fix=fix,
                attribute=name,
            )
        )

    def __repr__(self) -> str:
        return (
            f"TableDataset({self.name!r}, train={self.train.shape}, target={self.target!r}, "
            f"test rows={len(self.test)}, {self.task})"
        )


def titanic(rng: np.random.Generator) -> TableDatasetFields:
    """Load the passengers of the Titanic and who survived: 891 rows.

    A fifth of the survivors and a fifth of the dead are held out.

    Columns: survived (the target: 0 or 1), pclass (1 to 3), name, sex, age (years, 177 unknown),
        sibsp (siblings and spouse aboard), parch (parents and children aboard), ticket, fare
        (pounds), cabin (687 unknown), embarked (S, C or Q; 2 unknown).

    Source: the training table of Kaggle's "Titanic: Machine Learning from Disaster", 2012.
    """
    frame = fetch_table("titanic", "titanic.csv", "survived", n_columns=11)
    train, test = stratified_split(frame["survived"].to_numpy(), TEST_FRACTION, rng)
    return frame.iloc[train], frame.iloc[test], "survived", "2 classes"


def house_prices(rng: np.random.Generator) -> TableDatasetFields:
    """Load 1,460 houses sold in Ames, Iowa, 2006 to 2010; a random fifth is held out.

    Columns: SalePrice (the target: dollars), Id (row number, not a feature) and 79 features, 43 of
        them text: sizes in square feet, years, qualities from 1 to 10 or from Po to Ex. NA in the
        file (here NaN) mostly means that the house has no such thing. In MasVnrType, the text None
        means no masonry.

    Source: D. De Cock, "Ames, Iowa: alternative to the Boston housing data", Journal of Statistics
        Education, 2011; the training table of Kaggle's "House Prices".
    """
    frame = fetch_table("house-prices", "train.csv", "SalePrice", n_columns=81)
    train, test = random_split(len(frame), TEST_FRACTION, rng)
    return frame.iloc[train], frame.iloc[test], "SalePrice", "regression"


def flights(rng: np.random.Generator) -> TableDatasetFields:
    """Load the monthly passengers of international airlines, 1949 to 1960.

    The last fifth in time is held out, for every seed.

    Columns: passengers (the target: thousands), year, month (January to December).

    Source: G. Box, G. Jenkins, "Time Series Analysis: Forecasting and Control", series G, 1970.
    """
    frame = fetch_table("flights", "flights.csv", "passengers", n_columns=3)
    n_train = len(frame) - round(len(frame) * TEST_FRACTION)
    return frame.iloc[:n_train], frame.iloc[n_train:], "passengers", "regression"


def fetch_table(folder: str, file: str, target: str, n_columns: int) -> DataFrame:
    """Return a CSV file as a frame; only empty cells and NA are NaN, other words stay text.

    Raises:
        DownloadError: the file is not on this machine and cannot be downloaded.
        DataError: the file is not a table, or its columns are not the expected ones.
    """
    import pandas as pd

    path = fetch(folder, file)
    try:
        frame = pd.read_csv(path, keep_default_na=False, na_values=["", "NA"])
    except ValueError as error:
        expected, fix = "a table of comma-separated values", f"Delete {path} to download it again."
        raise DataError(message(folder, expected, fix=fix, reason=str(error))) from error
    require(
        target in frame and frame.shape[1] == n_columns,
        folder,
        f"{n_columns} columns, including {target!r}",
        error=DataError,
        fix=f"Is {path} another table? Delete it to download the right one.",
        count=frame.shape[1],
        columns=list(frame)[:n_columns],
    )
    return frame


ENTRIES = (
    DatasetInfo(
        "titanic",
        "2 classes",
        891,
        (10,),
        "download, 58 kB",
        "Passengers of the Titanic, and who survived, as a table.",
        "Text, numbers and missing values: age in years, fare in pounds. "
        "Kaggle 2012; no license stated.",
        titanic,
        TableDataset,
    ),
    DatasetInfo(
        "house_prices",
        "regression",
        1460,
        (80,),
        "download, 461 kB",
        "Houses in Ames, Iowa, and their prices, as a table.",
        "Text, numbers and missing values: square feet, years, qualities; SalePrice in dollars. "
        "De Cock 2011, Kaggle; no license stated.",
        house_prices,
        TableDataset,
    ),
    DatasetInfo(
        "flights",
        "regression",
        144,
        (2,),
        "download, 2 kB",
        "Airline passengers in each month from 1949 to 1960, as a table.",
        "Year and name of the month; passengers in thousands. "
        "The last fifth in time is the test set, for every seed. "
        "Box and Jenkins 1970; no license stated.",
        flights,
        TableDataset,
    ),
)
