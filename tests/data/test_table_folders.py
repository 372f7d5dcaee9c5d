"""Folders and globs of files as one table. Oracle: the frames that were written."""

import itertools

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from glassnet.data import table_folders
from glassnet.data.arrow_columns import table_from_arrow
from glassnet.data.partitioned_table import hash_row_numbers
from glassnet.data.table import read_table
from glassnet.data.table_folders import open_table_folder
from glassnet.errors import DataError, DataWarning


def read_all(table, columns=None, mask=None):
    """Return the rows of a table in partitions as a `Table`."""
    batches = [batch for _, batch in table.iter_batches(columns or table.schema.names, mask)]
    return table_from_arrow(pa.Table.from_batches(batches))


def require_equal(table, expected):
    assert list(table.columns) == list(expected.columns)
    for name, column in expected.columns.items():
        assert table[name].dtype == column.dtype, name
        np.testing.assert_array_equal(table[name], column, err_msg=name)


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "x": rng.normal(size=300),
            "n": rng.integers(0, 9, 300).astype("i4"),
            "text": rng.choice(["a", "b ", "é", None], 300).tolist(),
            "flag": rng.random(300) < 0.5,
        }
    )


@pytest.fixture
def folder(tmp_path, frame):
    """Three Parquet files with row groups of 40 rows."""
    path = tmp_path / "sales"
    path.mkdir()
    for i in range(3):
        part = frame[i * 100 : (i + 1) * 100].to_arrow()
        pq.write_table(part, path / f"part-{i}.parquet", row_group_size=40)
    return path


@pytest.mark.parametrize("pattern", ["", "*.parquet", "part-?.parquet"])
def test_all_rows_are_read_in_the_order_of_the_paths(folder, frame, pattern):
    table = open_table_folder(f"{folder}/{pattern}")
    assert table.n_rows == 300
    require_equal(read_all(table), read_table(frame))


def test_row_groups_are_partitions(folder, frame, monkeypatch):
    """Neighboring row groups are read together until they have 50 rows or more: 80 and 20."""
    monkeypatch.setattr(table_folders, "READ_ROWS", 50)
    table = open_table_folder(folder)
    assert [part.n_rows for part in table.partitions] == [80, 20] * 3
    assert [part.first_row for part in table.partitions] == [0, 80, 100, 180, 200, 280]
    require_equal(read_all(table), read_table(frame))


@pytest.mark.parametrize("read_rows", [16, 100])
def test_some_columns_and_rows(folder, frame, monkeypatch, read_rows):
    """A mask selects rows by their number, also if a partition is read in several parts."""
    monkeypatch.setattr(table_folders, "READ_ROWS", read_rows)
    table = open_table_folder(folder)
    rows = read_all(table, ["text", "x"], lambda numbers: numbers % 7 == 3)
    require_equal(rows, read_table(frame[3::7].select("text", "x")))


def test_a_lazy_frame_of_the_rows(folder, frame):
    """Polars reads only the columns that a query needs, and gets the rows of the mask."""
    lazy = open_table_folder(folder).to_lazy_frame(lambda numbers: numbers >= 120)
    result = lazy.filter(pl.col("n") > 3).select("n", "x").collect(engine="streaming")
    assert result.equals(frame[120:].filter(pl.col("n") > 3).select("n", "x"))
    assert lazy.head(7).collect().equals(frame[120:127])


def test_types_that_hold_the_values_of_all_files(tmp_path):
    """Integers and fractions, text and dictionaries, an empty column: as in one frame."""
    first = pa.table({"a": pa.array([1, 2], pa.int32()), "b": ["x", "y"], "c": pa.nulls(2)})
    second = pa.table(
        {
            "c": pa.array(["u", None]).dictionary_encode(),
            "a": pa.array([1.5, None], pa.float32()),
            "b": pa.array(["x", None], pa.large_string()),
        }
    )
    pq.write_table(first, tmp_path / "1.parquet")
    pq.write_table(second, tmp_path / "2.parquet")
    rows = read_all(open_table_folder(tmp_path))
    np.testing.assert_array_equal(rows["a"], [1, 2, 1.5, np.nan])
    assert rows["b"].tolist() == ["x", "y", "x", None]
    assert rows["c"].tolist() == [None, None, "u", None]


def test_folders_of_keys_are_columns(tmp_path):
    """As Spark, Hive and Polars write them; hidden files are not data."""
    for year in (2023, 2024):
        (tmp_path / f"year={year}").mkdir()
        pq.write_table(pa.table({"x": [float(year)]}), tmp_path / f"year={year}" / "0.parquet")
    (tmp_path / "_SUCCESS").write_text("")
    (tmp_path / ".part.parquet.crc").write_bytes(b"\0")
    rows = read_all(open_table_folder(tmp_path))
    assert (rows["x"].tolist(), rows["year"].tolist()) == ([2023, 2024], [2023, 2024])


def test_folders_of_keys_are_no_columns_of_csv_files(tmp_path):
    (tmp_path / "year=2023").mkdir()
    (tmp_path / "year=2023" / "0.csv").write_text("x,y\n1,2\n3,4\n")
    text = r"folders, such as year=2024, are columns for Parquet and Arrow only\. Add them to the CSV files\.$"
    with pytest.warns(DataWarning, match=text):
        rows = read_all(open_table_folder(tmp_path))
    assert rows.columns.keys() == {"x", "y"}


def test_arrow_files(tmp_path, frame):
    frame[:200].write_ipc(tmp_path / "1.arrow")
    frame[200:].write_ipc(tmp_path / "2.arrow")
    require_equal(read_all(open_table_folder(tmp_path)), read_table(frame))


def test_another_column_in_the_middle_is_named(folder, frame):
    frame[:10].rename({"n": "m"}).write_parquet(folder / "part-1.parquet")
    with pytest.raises(DataError, match=r"part-1\.parquet: expected the columns of .*part-0") as e:
        open_table_folder(folder)
    assert "missing=['n'], new=['m']" in str(e.value)


def test_another_type_in_the_middle_is_named(folder, frame):
    frame[:10].with_columns(n=pl.lit("many")).write_parquet(folder / "part-1.parquet")
    with pytest.raises(
        DataError, match=r"part-1\.parquet: expected the type int32 in column 'n', as in .*part-0"
    ):
        open_table_folder(folder)


def test_a_damaged_file_is_named(folder):
    (folder / "part-1.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(DataError, match=r"part-1\.parquet: expected a valid \.parquet file"):
        open_table_folder(folder)


def test_a_file_that_changes_after_it_was_opened_is_named(folder):
    table = open_table_folder(folder)
    (folder / "part-1.parquet").unlink()
    with pytest.raises(DataError, match=r"part-1\.parquet: expected rows that can be read"):
        read_all(table)


def test_an_empty_folder(tmp_path):
    with pytest.raises(DataError, match=r"a folder of such files.*files=0. It is empty\."):
        open_table_folder(tmp_path)


def test_a_glob_without_a_match(tmp_path):
    with pytest.raises(DataError, match="No path matches this pattern"):
        open_table_folder(f"{tmp_path}/*.parquet")


@pytest.mark.parametrize("name", ["notes.md", "more.csv"])
def test_files_of_several_formats(folder, name):
    (folder / name).write_text("a,b\n1,2\n")
    with pytest.raises(
        DataError, match=r"files of one format.*'\.parquet': 3.*Name the files"
    ) as e:
        open_table_folder(folder)
    table = open_table_folder(str(e.value).split('"')[1])  # the glob that the message proposes
    assert table.n_rows == 300


def test_files_without_rows(tmp_path):
    pq.write_table(pa.table({"x": pa.array([], "f4")}), tmp_path / "0.parquet")
    with pytest.raises(DataError, match="expected rows"):
        open_table_folder(tmp_path)


def test_versions_differ_if_a_file_was_written_again(folder, frame):
    before = open_table_folder(folder).version
    assert open_table_folder(folder).version == before
    frame[:50].write_parquet(folder / "part-2.parquet")
    assert open_table_folder(folder).version != before


def splitmix(seed):
    """Yield the numbers of SplitMix64 as its authors write them in C."""
    bits = 2**64 - 1
    while True:
        seed = (seed + 0x9E3779B97F4A7C15) & bits
        z = (seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9 & bits
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & bits
        yield z ^ (z >> 31)


def test_hashes_of_row_numbers():
    """Row i has number i of SplitMix64; the seed of the numbers comes from SplitMix64, too.

    The three numbers are those that xoshiro's authors and others print for seed 0.
    """
    known = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert list(itertools.islice(splitmix(0), 3)) == known
    hashes = hash_row_numbers(np.arange(100_000, dtype=np.uint64), 3)
    numbers = splitmix(next(splitmix(3)))
    assert hashes[:50].tolist() == list(itertools.islice(numbers, 50))
    other = hash_row_numbers(np.arange(100_000, dtype=np.uint64), 4)
    below = hashes < np.uint64(0.1 * 2**64), other < np.uint64(0.1 * 2**64)
    # Three standard deviations of a binomial: 0.1 +- 0.003, and 0.01 +- 0.001 for both seeds.
    assert abs(below[0].mean() - 0.1) < 0.003
    assert abs((below[0] & below[1]).mean() - 0.01) < 0.001


def test_some_rows_are_a_table_with_new_numbers(folder, frame):
    """Oracle: slices of the frame; the number of rows is known without reading them."""
    table = open_table_folder(folder).where(lambda numbers: numbers % 3 == 1).select(["n", "x"])
    assert table.n_rows == 100
    require_equal(read_all(table), read_table(frame[1::3].select("n", "x")))
    rows = read_all(table, mask=lambda numbers: numbers < 50)
    require_equal(rows, read_table(frame[1::3].select("n", "x")[:50]))


def test_two_columns_of_one_name(tmp_path):
    pq.write_table(
        pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["x", "x"]), tmp_path / "1.parquet"
    )
    with pytest.raises(DataError, match=r"1\.parquet: .*duplicate field names"):
        open_table_folder(tmp_path)
