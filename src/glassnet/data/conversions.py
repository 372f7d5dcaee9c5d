"""What to write for objects of other libraries that are neither rows in memory nor batches.

Nothing here imports those libraries: objects are recognized by the modules of their classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.errors import DataError, message

MAX_DEPTH = 2
"""How many lists within each other are looked into."""

IN_PARTS = "or model.fit({0}, target=...), which reads it in parts"

CONVERSIONS = {
    "dask": {
        "DataFrame": f"Write frame.compute(), {IN_PARTS.format('frame')}.",
        "Bag": "Write bag.to_dataframe().compute().",
        "Delayed": "Write value.compute().",
    },
    "distributed": {"Future": "Write future.result()."},
    "ray": {
        "Dataset": f"Write data.to_pandas(), {IN_PARTS.format('data')}.",
        "DataIterator": "Pass batches: "
        'lambda: data.iter_batches(batch_size=32, batch_format="pandas").',
        "ObjectRef": "Write ray.get(reference).",
    },
    "pyspark.pandas": {
        "DataFrame": "Write frame.to_pandas().",
        "Series": "Write series.to_pandas().",
    },
    "pyspark": {
        "DataFrame": 'Write frame.toPandas(), or save it by frame.write.parquet("rows") and '
        'fit the folder: model.fit("rows", target=...).',
        "RDD": "Write rdd.toDF().toPandas().",
    },
    "polars": {"LazyFrame": f"Write frame.collect(), {IN_PARTS.format('frame')}."},
    "pyarrow": {
        "Dataset": f"Write dataset.to_table(), {IN_PARTS.format('dataset')}.",
        "Scanner": "Write scanner.to_table().",
        "ParquetFile": "Write file.read(), or pass batches: lambda: file.iter_batches(32).",
    },
    "duckdb": {"DuckDBPyRelation": f"Write relation.df(), {IN_PARTS.format('relation')}."},
    "vaex": {"DataFrame": "Write frame.to_pandas_df()."},
    "xarray": {"Dataset": "Write data.to_dataframe().reset_index()."},
    "ibis": {"Table": "Write table.to_pandas()."},
    "datasets": {
        "DatasetDict": 'Pass one of its parts: data["train"].',
        "IterableDatasetDict": 'Pass one of its parts: data["train"].',
    },
}
"""What to write for an object, by the package and the name of a class that it has or inherits."""


def suggest_conversion(x: Any) -> str:
    """Return what to write for an object that is neither rows in memory nor batches, or "".

    Example:
        >>> import polars
        >>> suggest_conversion(polars.LazyFrame({"age": [22]}))
        'Write frame.collect(), or model.fit(frame, target=...), which reads it in parts.'
    """
    for kind in type(x).__mro__[:-1]:
        names = str(kind.__module__).lstrip("_").split(".")
        for package in (".".join(names[:2]), names[0]):
            fix = CONVERSIONS.get(package, {}).get(kind.__name__)
            if fix:
                return fix
    return ""


def require_rows(x: Any, name: str, *, arrays: bool = True) -> None:
    """Refuse an object that `suggest_conversion` knows, or a list that begins with one.

    Args:
        x: any object.
        name: the name that an error begins with.
        arrays: whether objects pass that NumPy can read, as it can Dask's frames of numbers.

    Raises:
        DataError: with what to write.
    """
    if x is None or isinstance(x, np.ndarray):
        return
    first, kinds = x, list[str]()
    while isinstance(first, list | tuple) and first and len(kinds) < MAX_DEPTH:
        kinds.append(type(first).__name__)
        first = first[0]
    package = str(type(first).__module__).lstrip("_").split(".")[0]
    is_array = hasattr(type(first), "__array__") and package != "xarray"  # whose method raises
    fix = "" if is_array and arrays else suggest_conversion(first)
    if fix:
        received = " of ".join([*kinds, f"{package}.{type(first).__name__}"])
        raise DataError(message(name, "rows in memory", fix=fix, received=received))
