"""Real tables as people meet them: columns of numbers and of words, with gaps, in one file of
comma-separated values.
"""

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
"""train, test, target, task: the fields of a `TableDataset` after its name."""


@dataclass(frozen=True, eq=False, repr=False)
class TableDataset:
    """A table to train on and a table to test on, as the file spells them: words, numbers and gaps
    (NaN).

    It unpacks as `train, test = data`. A row's index is its place in the file, counted from 0.

    Args:
        name: what `catalogue.load` calls it.
        train: the rows to learn from, with all columns, the target among them.
        test: the held-out rows, with the same columns.
        target: the name of the column to be predicted.
        task: "regression", or the number of classes, as in "2 classes".
        description: what the rows and columns are, their units, source and licence.

    Raises:
        MissingError: it was asked for x, y or another array of a `Dataset`.

    Example:
        >>> import pandas as pd
        >>> rows = pd.DataFrame({"height": [1.2, None, 0.4], "colour": ["red", "blue", "red"], "step": [0, 1, 1]})
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
        """All rows, in the order of the file."""
        import pandas as pd

        return pd.concat([self.train, self.test]).sort_index()

    def __iter__(self) -> Iterator[DataFrame]:
        yield self.train
        yield self.test

    def __getattr__(self, name: str) -> NoReturn:
        fix = "It is a table with words and gaps, not arrays: train, test = data, then model.fit(train, target=data.target)."
        raise MissingError(
            message(
                "TableDataset",
                "train, test, frame, target, task, name or description",
                fix=fix,
                attribute=name,
            )
        )

    def __repr__(self) -> str:
        return f"TableDataset({self.name!r}, train={self.train.shape}, target={self.target!r}, test rows={len(self.test)}, {self.task})"


def titanic(rng: np.random.Generator) -> TableDatasetFields:
    """Who survived the Titanic: 891 passengers, a fifth of the survivors and of the dead held out.

    Columns: survived (the target: 0 or 1), pclass (1 to 3), name, sex, age (years, 177 unknown),
        sibsp (siblings and spouse
    aboard), parch (parents and children aboard), ticket, fare (pounds), cabin (687 unknown),
    embarked (S, C or Q; 2 unknown).

    Source: the training table of Kaggle's "Titanic: Machine Learning from Disaster", 2012.
    """
    frame = fetch_table("titanic", "titanic.csv", "survived", n_columns=11)
    train, held = stratified_split(frame["survived"].to_numpy(), TEST_FRACTION, rng)
    return frame.iloc[train], frame.iloc[held], "survived", "2 classes"


def house_prices(rng: np.random.Generator) -> TableDatasetFields:
    """What 1,460 houses in Ames, Iowa, were sold for, 2006 to 2010; a random fifth is held out.

    Columns: SalePrice (the target: dollars), Id (the row's number: it says nothing of the house)
        and 79 features, 43 of them
    words: sizes in square feet, years, qualities from 1 to 10 or from Po to Ex. NA in the file
        (here NaN) mostly means that
    the house has no such thing; MasVnrType has the word None besides, for no masonry.

    Source: D. De Cock, "Ames, Iowa: alternative to the Boston housing data", Journal of Statistics
        Education, 2011; the
    training table of Kaggle's "House Prices".
    """
    frame = fetch_table("house-prices", "train.csv", "SalePrice", n_columns=81)
    train, held = random_split(len(frame), TEST_FRACTION, rng)
    return frame.iloc[train], frame.iloc[held], "SalePrice", "regression"


def flights(rng: np.random.Generator) -> TableDatasetFields:
    """Passengers of international airlines in each month from 1949 to 1960; the last fifth in time
    is held out, whatever the seed.

    Columns: passengers (the target: thousands), year, month (January to December).

    Source: G. Box, G. Jenkins, "Time Series Analysis: Forecasting and Control", series G, 1970.
    """
    frame = fetch_table("flights", "flights.csv", "passengers", n_columns=3)
    learned = len(frame) - round(len(frame) * TEST_FRACTION)
    return frame.iloc[:learned], frame.iloc[learned:], "passengers", "regression"


def fetch_table(folder: str, file: str, target: str, n_columns: int) -> DataFrame:
    """A file of comma-separated values; nothing between two commas, or NA, is NaN, and other words
    (None, null) stay words.

    Raises:
        DownloadError: the file is neither on this machine nor at its addresses.
        DataError: it is no such table, or another one: the target or the number of columns differs.
    """
    import pandas as pd

    path = fetch(folder, file)
    try:
        frame = pd.read_csv(path, keep_default_na=False, na_values=["", "NA"])
    except ValueError as error:
        fix = f"Delete {path}: it is fetched again."
        raise DataError(
            message(folder, "a table of comma-separated values", fix=fix, reason=str(error))
        ) from error
    require(
        target in frame and frame.shape[1] == n_columns,
        folder,
        f"{n_columns} columns, {target!r} among them",
        error=DataError,
        fix=f"Is {path} another table? Delete it, and the right one is fetched.",
        count=frame.shape[1],
        columns=list(frame)[:n_columns],
    )
    return frame


ENTRIES = (
    DatasetInfo(
        "titanic", "2 classes", 891, (10,), "download, 58 kB", "Passengers of the Titanic, and who survived, as a table.",
        "Words, numbers and gaps: age in years, fare in pounds. Kaggle 2012; no licence stated.", titanic, TableDataset,
    ),
    DatasetInfo(
        "house_prices", "regression", 1460, (80,), "download, 461 kB", "Houses in Ames, Iowa, and their prices, as a table.",
        "Words, numbers and gaps: square feet, years, qualities; SalePrice in dollars. De Cock 2011, Kaggle; no licence stated.",
        house_prices, TableDataset,
    ),
    DatasetInfo(
        "flights", "regression", 144, (2,), "download, 2 kB", "Airline passengers in each month from 1949 to 1960, as a table.",
        "Year and name of the month; passengers in thousands. The last fifth in time is for testing, whatever the seed. "
        "Box and Jenkins 1970; no licence stated.", flights, TableDataset,
    ),
)  # fmt: skip
