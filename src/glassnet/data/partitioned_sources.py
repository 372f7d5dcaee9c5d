"""What can be read as a table in partitions: folders, lazy frames, data sets and relations."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from glassnet.data.partitioned_table import (
    READ_ROWS,
    PartitionedTable,
    describe_files,
    import_polars,
    number_partitions,
    plain_schema,
)
from glassnet.data.table_folders import (
    is_table_folder,
    open_table_folder,
    read_fragment,
    split_fragment,
)
from glassnet.errors import DataError, require, wrap_errors

if TYPE_CHECKING:
    import pyarrow


def is_partitioned(x: Any) -> bool:
    """Return whether x is a table that is read in partitions."""
    return isinstance(x, PartitionedTable) or is_table_folder(x) or _find_reader(x) is not None


def open_partitioned_table(x: Any) -> PartitionedTable:
    """Return x as a table in partitions.

    Args:
        x: the path of a folder, or a glob; a lazy frame of Polars, a data set of Arrow, a relation
            of DuckDB, a frame of Dask, or a data set of Ray. They must yield their rows in the same
            order every time.

    Raises:
        ConfigError: polars or pyarrow is not installed.
        DataError: x cannot be read, or has no rows or columns, or a column that Polars cannot name;
            see `open_table_folder`.
    """
    if isinstance(x, PartitionedTable):
        return x
    table = _open(x)
    names = [name for name in table.schema.names if _is_no_name(name)]
    expected, fix = "a plain name for each column", "Polars would not find these: rename them."
    require(not names, table.name, expected, error=DataError, names=names[:5], fix=fix)
    return table


def _is_no_name(name: str) -> bool:
    """Return whether Polars renames a column, or reads its name as a pattern of names."""
    return name in ("", "*") or (name.startswith("^") and name.endswith("$"))


def _open(x: Any) -> PartitionedTable:
    reader = _find_reader(x)
    if reader is None:
        return open_table_folder(x)
    import_polars()
    with wrap_errors("x", "a table that can be read", x=type(x).__name__):
        table = reader(x)
    columns = len(table.schema.names)
    require(columns, "table", "columns", error=DataError, x=type(x).__name__, columns=columns)
    return table


def _find_reader(x: Any) -> Callable[[Any], PartitionedTable] | None:
    """Return the function that opens x, or None if x is of another kind."""
    for kind in type(x).__mro__:
        package = kind.__module__.partition(".")[0]
        if (package, kind.__name__) in READERS:
            return READERS[package, kind.__name__]
    return None


def _open_lazy_frame(frame: Any) -> PartitionedTable:
    """Return a lazy frame of Polars, which Polars computes in parts."""
    schema = plain_schema(frame.collect_schema().to_frame().to_arrow().schema)

    def read(columns: Sequence[str]) -> Iterator[pyarrow.RecordBatch]:
        selected = frame.select(list(columns))
        for part in selected.collect_batches(chunk_size=READ_ROWS, maintain_order=True):
            yield from part.to_arrow().to_batches()

    version = {"query": frame.explain(optimized=False)}
    return _of_one_partition("the lazy frame", schema, read, version)


def _open_relation(relation: Any) -> PartitionedTable:
    """Return a relation of DuckDB, which is executed for each pass."""
    import pyarrow

    schema = plain_schema(pyarrow.schema(relation.limit(0).arrow().schema))

    def read(columns: Sequence[str]) -> Iterator[pyarrow.RecordBatch]:
        quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
        selected = relation.project(quoted)
        open_reader = getattr(selected, "to_arrow_reader", None) or selected.fetch_record_batch
        yield from open_reader(READ_ROWS)

    return _of_one_partition("the relation", schema, read, {"query": relation.sql_query()})


def _open_ray(data: Any) -> PartitionedTable:
    """Return a data set of Ray. Its blocks keep their order if the context says so."""
    import pyarrow

    found = data.schema().base_schema
    if not isinstance(found, pyarrow.Schema):  # of blocks that are frames of pandas
        rows = data.limit(1).iter_batches(batch_size=1, batch_format="pyarrow")
        found = next(iter(rows)).schema
    schema = plain_schema(found)
    data.context.execution_options.preserve_order = True

    def read(columns: Sequence[str]) -> Iterator[pyarrow.RecordBatch]:
        selected = data.select_columns(list(columns))
        for part in selected.iter_batches(batch_size=READ_ROWS, batch_format="pyarrow"):
            yield from part.select(list(columns)).to_batches()

    return _of_one_partition("the data set", schema, read, {})


def _open_dask(frame: Any) -> PartitionedTable:
    """Return a frame of Dask, of which one partition at a time is computed."""
    import pyarrow

    schema = plain_schema(pyarrow.Schema.from_pandas(frame._meta, preserve_index=False))

    def read_partition(i: int) -> Callable[[Sequence[str]], Iterator[pyarrow.RecordBatch]]:
        def read(columns: Sequence[str]) -> Iterator[pyarrow.RecordBatch]:
            part = frame.partitions[i][list(columns)].compute()
            yield from pyarrow.Table.from_pandas(part, preserve_index=False).to_batches(READ_ROWS)

        return read

    n = frame.npartitions
    names = [f"partition {i + 1} of {n}" for i in range(n)]
    partitions = number_partitions(names, [None] * n, [read_partition(i) for i in range(n)])
    return PartitionedTable("the frame", schema, partitions, {"partitions": n})


def _open_arrow_dataset(dataset: Any) -> PartitionedTable:
    """Return a data set of Arrow; its partitions are row groups of Parquet files, or fragments."""
    names: list[str] = []
    counts: list[int | None] = []
    reads = []
    for i, fragment in enumerate(dataset.get_fragments()):
        name = getattr(fragment, "path", None) or f"fragment {i + 1}"
        for part, count in split_fragment(fragment):
            names.append(name)
            counts.append(count)
            reads.append(read_fragment(part, dataset.schema))
    files = [name for name in getattr(dataset, "files", []) if os.path.isfile(name)]
    version = {"files": describe_files(files)}
    partitions = number_partitions(names, counts, reads)
    return PartitionedTable("the data set", plain_schema(dataset.schema), partitions, version)


def _of_one_partition(
    name: str,
    schema: pyarrow.Schema,
    read: Callable[[Sequence[str]], Iterator[pyarrow.RecordBatch]],
    version: dict[str, Any],
) -> PartitionedTable:
    """Return a table that can only be read from its beginning to its end."""
    return PartitionedTable(name, schema, number_partitions([name], [None], [read]), version)


READERS: dict[tuple[str, str], Callable[[Any], PartitionedTable]] = {
    ("polars", "LazyFrame"): _open_lazy_frame,
    ("pyarrow", "Dataset"): _open_arrow_dataset,
    ("duckdb", "DuckDBPyRelation"): _open_relation,
    ("_duckdb", "DuckDBPyRelation"): _open_relation,
    ("dask", "DataFrame"): _open_dask,
    ("dask_expr", "DataFrame"): _open_dask,
    ("ray", "Dataset"): _open_ray,
}
"""Functions that open a table, by the package and the name of a class."""
