"""Time zones and fractions of a second of table columns. Oracle: the texts and pandas' times."""

import datetime as dt

import dateutil.tz
import numpy as np
import pandas
import polars
import pytest

from glassnet.data.exact_times import ExactTimes
from glassnet.data.table import read_table

TIMES = pandas.date_range("2024-03-31", periods=3, freq="h", tz="Europe/Berlin")
UTC = np.datetime64("2024-03-30T23:00") + np.arange(3) * np.timedelta64(1, "h")
LOCAL = [dt.datetime(2024, 3, 31, hour) for hour in (0, 1, 3)]


@pytest.mark.parametrize("convert", [lambda f: f, polars.from_pandas, lambda f: f.to_parquet()])
def test_zones_of_frames_are_read_beside_the_local_clock(convert, tmp_path):
    frame = convert(pandas.DataFrame({"t": TIMES, "naive": TIMES.tz_localize(None)}))
    if isinstance(frame, bytes):
        (tmp_path / "t.parquet").write_bytes(frame)
        frame = tmp_path / "t.parquet"
    table = read_table(frame)
    assert table["t"].tolist() == LOCAL
    assert list(table.exact_times) == ["t"]
    assert table.exact_times["t"] == ExactTimes(UTC, "Europe/Berlin")
    assert table.exact_times["t"] != ExactTimes(UTC, "Europe/Paris")
    assert table.exact_times["t"] != ExactTimes(UTC[::-1], "Europe/Berlin")


def test_fractions_of_a_second(tmp_path):
    tenths = pandas.date_range("2024-01-01", periods=3, freq="100ms")
    table = read_table(pandas.DataFrame({"t": tenths}))
    assert (table.exact_times["t"].values == tenths.to_numpy()).all()
    file = tmp_path / "t.csv"
    file.write_text("t,y\n2024-01-01,1\n2024-01-01 00:00:00.1,2\n,3\n", encoding="utf-8")
    assert read_table(file).exact_times["t"].values.tolist() == [
        "2024-01-01",
        "2024-01-01 00:00:00.1",
        None,
    ]
    assert read_table(pandas.DataFrame({"t": tenths.floor("s")})).exact_times == {}


def test_offsets_of_text_and_of_objects(tmp_path):
    """Zones that have no name are written as the offset of each row."""
    texts = [time.isoformat() for time in TIMES]
    pandas.DataFrame({"t": texts}).to_csv(tmp_path / "t.csv")
    unnamed = TIMES.tz_convert(dateutil.tz.gettz("Europe/Berlin"))
    objects = [*(time.to_pydatetime() for time in unnamed[:2]), None]
    frame = pandas.DataFrame({"t": unnamed, "o": pandas.Series(objects, dtype=object)})
    for table in (read_table(tmp_path / "t.csv"), read_table(frame)):
        assert table["t"].tolist() == LOCAL
        assert table.exact_times["t"].values.tolist() == texts
    assert table.exact_times["o"].values.tolist() == [*texts[:2], None]


def test_selected_rows_and_columns():
    table = read_table(pandas.DataFrame({"t": TIMES, "u": TIMES}))
    assert (table.take([2, 0]).exact_times["t"].values == UTC[[2, 0]]).all()
    assert list(table.drop("t").exact_times) == ["u"]


def test_periods_are_their_first_day():
    quarters = pandas.PeriodIndex(["2016Q1", "NaT"], freq="Q")
    table = read_table(pandas.DataFrame({"quarter": quarters}))
    assert table["quarter"].tolist() == [dt.datetime(2016, 1, 1), None]
