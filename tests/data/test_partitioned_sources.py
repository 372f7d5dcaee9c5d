"""Lazy frames, data sets and relations as tables in partitions. Oracle: the rows in memory."""

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from glassnet.data import partitioned_sources
from glassnet.data.arrow_columns import table_from_arrow
from glassnet.data.partitioned_sources import is_partitioned, open_partitioned_table
from glassnet.data.table import read_table
from glassnet.errors import ConfigError, DataError

FRAME = pl.DataFrame(
    {
        "x": np.random.default_rng(0).normal(size=1000),
        'the "kind"': ["a", "b", None, "c"] * 250,
        "n": np.arange(1000),
    }
)


class RaySchema:
    """What `ray.data.Dataset.schema()` returns."""

    base_schema = FRAME.to_arrow().schema


class RayDataset:
    """The documented methods of `ray.data.Dataset` that are used; blocks are not in order unless
    the context says so.
    """

    def __init__(self, frame):
        self.frame, self.columns_used = frame, []
        self.context = type("Context", (), {})()
        self.context.execution_options = type("Options", (), {"preserve_order": False})()

    def columns(self):
        return self.frame.columns

    def schema(self):
        return RaySchema()

    def select_columns(self, columns):
        twin = RayDataset(self.frame.select(columns))
        twin.context = self.context
        return twin

    def iter_batches(self, *, batch_size, batch_format):
        assert batch_format == "pyarrow"
        starts = list(range(0, len(self.frame), batch_size))
        ordered = self.context.execution_options.preserve_order
        for start in starts if ordered else starts[::-1]:
            yield self.frame[start : start + batch_size].to_arrow()


RayDataset.__module__, RayDataset.__name__ = "ray.data.dataset", "Dataset"


class RayDatasetOfPandas(RayDataset):
    """A data set of Ray whose blocks are frames of pandas; its schema is a class of Ray's own."""

    def schema(self):
        return type("Schema", (), {"base_schema": ("PandasBlockSchema", self.frame.columns)})()

    def limit(self, n):
        return RayDataset(self.frame[:n])


def lazy_frame(folder):
    return FRAME.lazy().with_columns(pl.col("n") * 1)


def arrow_dataset(folder):
    FRAME.write_parquet(folder / "1.parquet", row_group_size=300)
    return ds.dataset(folder)


def arrow_dataset_in_memory(folder):
    return ds.dataset(FRAME.to_arrow())


def relation(folder):
    duckdb = pytest.importorskip("duckdb")
    FRAME.write_parquet(folder / "1.parquet")
    return duckdb.sql(f"SELECT * FROM read_parquet('{folder}/1.parquet')")


def dask_frame(folder):
    dask_frames = pytest.importorskip("dask.dataframe")
    return dask_frames.from_pandas(FRAME.to_pandas(), npartitions=4)


def ray_dataset(folder):
    return RayDataset(FRAME)


def ray_dataset_of_pandas(folder):
    return RayDatasetOfPandas(FRAME)


KINDS = [
    lazy_frame,
    arrow_dataset,
    arrow_dataset_in_memory,
    relation,
    dask_frame,
    ray_dataset,
    ray_dataset_of_pandas,
]


@pytest.fixture(params=KINDS, ids=lambda make: make.__name__)
def source(request, tmp_path, monkeypatch):
    monkeypatch.setattr(partitioned_sources, "READ_ROWS", 128)
    return request.param(tmp_path)


def read_all(table, columns):
    batches = [batch for _, batch in table.iter_batches(columns)]
    return table_from_arrow(pa.Table.from_batches(batches))


def test_rows_equal_those_in_memory(source):
    assert is_partitioned(source)
    table, expected = open_partitioned_table(source), read_table(FRAME)
    for columns in (FRAME.columns, ["n", 'the "kind"']):
        for _ in range(2):
            rows = read_all(table, columns)
            assert list(rows.columns) == columns
            for name in columns:
                assert rows[name].dtype == expected[name].dtype
                np.testing.assert_array_equal(rows[name], expected[name])


def test_a_lazy_frame_of_the_rows(source):
    lazy = open_partitioned_table(source).to_lazy_frame()
    assert lazy.select("n").collect(engine="streaming")["n"].to_list() == list(range(1000))


def test_versions_of_queries():
    first, second = (
        open_partitioned_table(FRAME.lazy().filter(pl.col("n") > limit)) for limit in (3, 4)
    )
    assert first.version != second.version


@pytest.mark.parametrize("x", [FRAME, FRAME.to_arrow(), {"x": [1]}, np.ones(3), "missing", 3, None])
def test_rows_in_memory_are_not_read_in_partitions(x):
    assert not is_partitioned(x)


def test_a_file_is_read_in_memory(tmp_path):
    FRAME.write_parquet(tmp_path / "1.parquet")
    assert not is_partitioned(tmp_path / "1.parquet")
    assert is_partitioned(f"{tmp_path}/1.parquet*")


def test_a_query_that_fails():
    with pytest.raises(DataError, match=r"a table that can be read.*LazyFrame"):
        open_partitioned_table(FRAME.lazy().select("missing"))


def test_without_polars(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "polars", None)
    with pytest.raises(ConfigError, match=r'Run pip install "glassnet\[larger\]"'):
        open_partitioned_table(ds.dataset(FRAME.to_arrow()))


def test_a_query_without_columns():
    with pytest.raises(DataError, match="table: expected columns"):
        open_partitioned_table(pl.LazyFrame())


@pytest.mark.parametrize("name", ["", "*", "^x.*$"])
def test_names_that_polars_reads_otherwise_are_refused(tmp_path, name):
    FRAME.rename({"x": name}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError) as caught:
        open_partitioned_table(tmp_path)
    text = f"expected a plain name for each column. Received: names=[{name!r}]. Polars would not"
    assert text in str(caught.value)
