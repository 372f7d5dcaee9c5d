"""Random tables with every kind of column, for the comparison of lazy tables and tables in memory."""

import datetime
import decimal

import numpy as np
import polars as pl

START = datetime.datetime(2020, 1, 1)
WORDS = ["red", "green", "blue", "dark red", "x", "NA", "None", "", " pad ", "\x1fx"]


class ColumnMaker:
    """Makes columns of random values."""

    def __init__(self, rng, n):
        self.rng, self.n = rng, n
        self.seconds = rng.integers(0, rng.choice([10, 10**5, 10**8]), n).tolist()

    def gaps(self, values, dtype, share=None):
        """Return a series in which some values are missing."""
        share = self.rng.choice([0, 0, 0.1, 0.5]) if share is None else share
        missing = self.rng.random(self.n) < share
        cells = [None if gap else value for gap, value in zip(missing, values, strict=True)]
        return pl.Series(cells, dtype=dtype)

    def integers(self, low, high):
        return self.rng.integers(low, high, self.n).tolist()

    def words(self, n_words):
        return [WORDS[i] for i in self.integers(0, n_words)]

    def dates(self):
        return [START + datetime.timedelta(seconds=second) for second in self.seconds]

    def numbers(self):
        """Return the makers of columns of numbers."""
        rng, n = self.rng, self.n
        mean, scale = [(0, 1e-3), (0, 1e4), (1e6, 100), (1e3, 1)][rng.integers(4)]
        spread = rng.normal(mean, scale, n)
        cents = [decimal.Decimal(value) / 100 for value in self.integers(0, 999)]
        spans = [datetime.timedelta(milliseconds=second) for second in self.seconds]
        return {
            "float": lambda: self.gaps(spread.tolist(), pl.Float64),
            "float32": lambda: self.gaps(rng.normal(size=n).tolist(), pl.Float32),
            "nan": lambda: pl.Series(np.where(rng.random(n) < 0.2, np.nan, spread)),
            "int": lambda: self.gaps(self.integers(-5, rng.choice([3, 100, 10**6])), pl.Int64),
            "int8": lambda: self.gaps(self.integers(0, 5), pl.Int8),
            "big": lambda: self.gaps([2**60 + i for i in self.integers(0, 5)], pl.Int64),
            "uint64": lambda: self.gaps(self.integers(0, 2**62), pl.UInt64),
            "bool": lambda: self.gaps((rng.random(n) < 0.4).tolist(), pl.Boolean),
            "decimal": lambda: self.gaps(cents, pl.Decimal(12, 2)),
            "duration": lambda: self.gaps(spans, pl.Duration("us")),
            "id": lambda: pl.Series(rng.permutation(n) + 3, dtype=pl.Int32),
            "user_id": lambda: pl.Series(rng.choice(10**7, n, replace=False)),
            "constant": lambda: self.gaps([3.5] * n, pl.Float64),
            "empty": lambda: pl.Series([None] * n, dtype=pl.Float64),
            "infinite": lambda: pl.Series(np.where(rng.random(n) < 0.02, np.inf, spread)),
        }

    def times(self):
        """Return the makers of columns of dates and times."""
        dates, old = self.dates(), datetime.datetime(1950, 1, 1)
        early = [old + datetime.timedelta(microseconds=777_777 * i) for i in self.seconds]
        zoned = pl.Series(dates).dt.replace_time_zone("UTC")
        return {
            "date": lambda: self.gaps([each.date() for each in dates], pl.Date),
            "datetime": lambda: self.gaps(dates, pl.Datetime("ms")),
            "early": lambda: self.gaps(early, pl.Datetime("ns")),
            "zoned": lambda: zoned.dt.convert_time_zone("America/New_York"),
            "one date": lambda: pl.Series([START] * self.n),
            "text date": lambda: self.gaps([each.isoformat()[:10] for each in dates], pl.String),
            "german": lambda: pl.Series([each.strftime("%d.%m.%Y") for each in dates]),
        }

    def texts(self):
        """Return the makers of columns of text and of what cannot be read."""
        rng, n = self.rng, self.n
        yes, rare = self.integers(0, 2), rng.zipf(1.6, n) % 500
        order = rng.permutation(n).tolist()
        return {
            "text": lambda: self.gaps(self.words(rng.integers(1, 11)), pl.String),
            "rare": lambda: self.gaps([f"v{value}" for value in rare], pl.String),
            "digits": lambda: self.gaps(
                map(str, self.integers(0, rng.choice([5, 900]))), pl.String
            ),
            "yes": lambda: self.gaps([("yes", "no")[i] for i in yes], pl.String),
            "prose": lambda: pl.Series([f"the {i} quick fox" for i in order]),
            "ticket": lambda: self.gaps([f"T{i}" for i in order], pl.String),
            "one text": lambda: pl.Series(["a"] * n),
            "empty text": lambda: pl.Series([None] * n, dtype=pl.String),
            "null": lambda: pl.Series([None] * n, dtype=pl.Null),
            "empty list": lambda: pl.Series([None] * n, dtype=pl.List(pl.Int64)),
            "categorical": lambda: self.gaps(self.words(4), pl.Categorical),
            "enum": lambda: pl.Series(self.words(4), dtype=pl.Enum(WORDS)),
        }

    def refused(self):
        """Return the makers of columns that are refused."""
        n, digits = self.n, map(str, self.integers(0, 30))
        return {
            "mixed": lambda: pl.Series(
                ["oops" if i == 3 else text for i, text in enumerate(digits)]
            ),
            "units": lambda: pl.Series([f"{value} kg" for value in self.integers(0, 60)]),
            "list": lambda: pl.Series([[1, 2]] * n),
            "struct": lambda: pl.Series([None, *[{"a": 1}] * (n - 1)]),
            "time": lambda: pl.Series([datetime.time(3, 4)] * n),
            "binary": lambda: pl.Series([b"x"] * n),
        }

    def targets(self):
        """Return the makers of targets."""
        rng, n = self.rng, self.n
        return {
            "price": lambda: self.gaps(np.exp(rng.normal(size=n)).tolist(), pl.Float64),
            "count": lambda: self.gaps(self.integers(1, 50), pl.Int64),
            "class": lambda: self.gaps(
                [("b", "a", "c")[i] for i in self.integers(0, 3)], pl.String
            ),
            "code": lambda: self.gaps(self.integers(0, 4), pl.Int64),
            "binary": lambda: self.gaps(self.integers(0, 2), pl.Int64),
            "boolean": lambda: self.gaps((rng.random(n) < 0.5).tolist(), pl.Boolean),
            "digits": lambda: pl.Series([str(value) for value in rng.normal(size=n)]),
        }


def make_table(seed):
    """Return a frame with a target y, and the column types and derived columns of a request."""
    rng = np.random.default_rng(seed)
    maker = ColumnMaker(rng, int(rng.choice([2, 5, 19, 30, 120, 700])))
    makers = maker.numbers() | maker.times() | maker.texts()
    names = [name for name in makers if rng.random() < 0.4 and name != "infinite"] or ["float"]
    columns = {name: makers[name]() for name in names}
    if rng.random() < 0.1:
        others = maker.refused() | {"infinite": makers["infinite"]}
        name = rng.choice(list(others))
        columns[name] = others[name]()
    targets = maker.targets() if rng.random() < 0.9 else makers
    columns["y"] = targets[rng.choice(list(targets))]()
    kinds = ["number", "category", "boolean", "date", "drop"]
    types = {name: str(rng.choice(kinds)) for name in names if rng.random() < 0.05}
    numeric = [name for name in names if name in ("float", "nan", "int", "bool", "duration")]
    derive = {}
    if len(numeric) > 1:
        derive["ratio"] = f"{numeric[0]} / {numeric[1]}"
        derive["log"] = f"log(abs({numeric[-1]})) + ratio"
    return pl.DataFrame(columns), tuple(types.items()), tuple(derive.items())
