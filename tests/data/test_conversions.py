"""Objects of other libraries that are neither rows in memory nor batches: what the errors say.

Oracle: the documented methods of those libraries. Where a library is not installed, a class with
the name, the module and the methods of its own takes its place.
"""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pytest
from sklearn.exceptions import ConvergenceWarning

import glassnet as gn
from glassnet.data.conversions import CONVERSIONS, suggest_conversion
from glassnet.data.frames import is_frame
from glassnet.data.table import is_table
from glassnet.errors import DataError
from glassnet.estimators import NeuralClassifier
from glassnet.pipeline.batches import is_stream
from nets import X, Y, plain_model

FRAME = pd.DataFrame(X, columns=list("abcd"))


def made(module, name, **methods):
    """Return an instance of a class with this module and name."""
    return type(name, (), {"__module__": module, **methods})()


def columns(self):
    return ["a"]


def iterate(self):
    raise TypeError("iterate over iter_rows() or iter_batches()")


class AnyAttribute:
    """Dask's Delayed: every attribute is another one."""

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return self

    def __iter__(self):
        raise TypeError("Delayed objects of unspecified length are not iterable")


Delayed = type("Delayed", (AnyAttribute,), {"__module__": "dask.delayed"})
RayData = type(
    "Dataset",
    (),
    {"__module__": "ray.data.dataset", "columns": columns, "__iter__": iterate, "__len__": iterate},
)
OBJECTS = {
    "Write data.to_pandas()": type("MaterializedDataset", (RayData,), {})(),
    "iter_batches(batch_size=32": made("ray.data.iterator", "DataIterator", __iter__=iterate),
    "Write ray.get(reference)": made("ray._raylet", "ObjectRef"),
    "Write value.compute()": Delayed(),
    "Write bag.to_dataframe().compute()": made("dask.bag.core", "Bag", __iter__=iterate),
    "Write future.result()": made("distributed.client", "Future"),
    "Write frame.toPandas()": made(
        "pyspark.sql.classic.dataframe", "DataFrame", columns=property(columns)
    ),
    "Write frame.to_pandas().": made("pyspark.pandas.frame", "DataFrame", __len__=iterate),
    "Write rdd.toDF().toPandas()": made("pyspark.core.rdd", "RDD"),
    "Write frame.to_pandas_df()": made("vaex.dataframe", "DataFrame", __iter__=iterate),
    "Write frame.collect()": pl.LazyFrame({"a": [1]}),
    "Write dataset.to_table()": pyarrow.dataset.dataset(pa.table({"a": [1]})),
    "Write scanner.to_table()": pyarrow.dataset.dataset(pa.table({"a": [1]})).scanner(),
    "Write relation.df()": made("_duckdb", "DuckDBPyRelation", columns=property(columns)),
    "Write table.to_pandas()": made(
        "ibis.expr.types.relations", "Table", columns=property(columns)
    ),
    'data["train"]': type("DatasetDict", (dict,), {"__module__": "datasets.dataset_dict"})(
        train=[1]
    ),
    "Write data.to_dataframe().reset_index()": made(
        "xarray.core.dataset", "Dataset", keys=columns, __array__=iterate
    ),
}
CALLS = {
    "fit": lambda x: plain_model().fit(x, Y, verbose=0),
    "y": lambda x: plain_model().fit(X, x, verbose=0),
    "sample_weight": lambda x: plain_model().fit(X, Y, sample_weight=x, verbose=0),
    "validation_data": lambda x: plain_model().fit(X, Y, validation_data=(x, Y), verbose=0),
    "validation y": lambda x: plain_model().fit(X, Y, validation_data=(X, x), verbose=0),
    "fit with target": lambda x: plain_model().fit(x, target="a", verbose=0),
    "evaluate": lambda x: plain_model().evaluate(x, Y),
    "evaluate alone": lambda x: plain_model().evaluate(x),
    "predict": lambda x: plain_model().predict(x),
    "trace": lambda x: plain_model().trace(x, Y[:1]),
    "a list": lambda x: plain_model().fit([x, x], Y[:2], verbose=0),
    "a pair in a list": lambda x: plain_model().fit([(x, Y)], verbose=0),
    "a batch": lambda x: plain_model().fit(iter([x]), verbose=0),
    "a pair in a batch": lambda x: plain_model().fit(iter([(x, Y)]), verbose=0),
    "read_table": gn.data.read_table,
    "series": lambda x: gn.data.series(x, "a"),
    "estimator": lambda x: NeuralClassifier().fit(x, Y),
    "estimator's y": lambda x: NeuralClassifier().fit(FRAME, x),
    "estimator's rows": lambda x: ESTIMATOR.predict(x),
}
ESTIMATOR = NeuralClassifier((4,), max_iter=1)


@pytest.fixture(scope="module", autouse=True)
def fitted():
    with pytest.warns(ConvergenceWarning):
        ESTIMATOR.fit(FRAME, Y)


@pytest.mark.parametrize("call", CALLS)
def test_errors_say_what_to_write(call):
    for words, x in OBJECTS.items():
        if call == "fit with target" and "reads it in parts" in suggest_conversion(x):
            continue
        with pytest.raises(DataError) as error:
            CALLS[call](x)
        assert words in str(error.value)


@pytest.mark.parametrize("words", OBJECTS)
def test_they_are_neither_tables_nor_frames_nor_batches(words):
    x = OBJECTS[words]
    assert (is_table(x), is_frame(x), is_stream(x)) == (False, False, False)


def test_every_row_of_the_list_is_tried():
    tried = {suggest_conversion(x) for x in OBJECTS.values()}
    others = {fix for kinds in CONVERSIONS.values() for fix in kinds.values()} - tried
    assert sorted(others) == [
        CONVERSIONS["pyarrow"]["ParquetFile"],
        CONVERSIONS["dask"]["DataFrame"],
        CONVERSIONS["pyspark.pandas"]["Series"],
    ]


def test_what_is_rows_passes():
    for x in (X, FRAME, pl.DataFrame(FRAME), pa.table({"a": [1]}), {"a": [1]}, [1], [], "a", None):
        assert suggest_conversion(x) == ""
    assert is_frame(FRAME)
    assert is_frame(pa.record_batch({"a": [1]}))


def test_a_method_of_the_name_columns_makes_no_frame():
    """Of a class that nobody knows."""
    x = made("unknown", "Grid", columns=columns)
    assert not is_table(x)
    for call in ("fit", "read_table"):
        with pytest.raises(DataError, match="expected"):
            CALLS[call](x)


def test_objects_of_dask():
    """Frames and arrays of numbers are read through NumPy, as before."""
    dask = pytest.importorskip("dask")
    dataframe, bag = pytest.importorskip("dask.dataframe"), pytest.importorskip("dask.bag")
    frame = dataframe.from_pandas(FRAME, npartitions=2)
    for x in (bag.from_sequence([1, 2]), dask.delayed(X)):
        assert "compute()" in suggest_conversion(x)
        for call in CALLS.values():
            with pytest.raises(DataError, match=r"Write .*compute\(\)"):
                call(x)
    for call in ("a batch", "read_table", "series"):
        with pytest.raises(DataError, match=r"Write frame\.compute\(\)"):
            CALLS[call](frame)
    with pytest.raises(DataError, match=r"X: .* Write frame\.compute\(\)"):
        NeuralClassifier().fit(frame.assign(e="text"), Y)
    for x in (frame, frame.to_dask_array(lengths=True)):
        np.testing.assert_array_equal(plain_model().predict(x), plain_model().predict(X))
