"""Folders and globs of Parquet, Arrow or CSV files, as one table in partitions."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glassnet.data.arrow_columns import is_text
from glassnet.data.csv_folders import open_csv_files
from glassnet.data.partitioned_table import (
    READ_ROWS,
    PartitionedTable,
    describe_files,
    import_polars,
    number_partitions,
    plain_schema,
)
from glassnet.data.table import CSV_SUFFIXES
from glassnet.errors import DataError, DataWarning, message, require, warn, wrap_errors

if TYPE_CHECKING:
    import pyarrow
    from pyarrow import dataset as arrow_dataset

FORMATS = {
    **dict.fromkeys(CSV_SUFFIXES, "csv"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".arrow", ".feather", ".ipc"), "ipc"),
}
"""Formats of the files in a folder, by suffix."""

HIDDEN = (".", "_")
"""First characters of files and folders that other programs write beside the data: _SUCCESS."""


def is_table_folder(x: Any) -> bool:
    """Return whether x is the path of a folder, or a glob such as `sales/*.parquet`."""
    if not isinstance(x, str | os.PathLike):
        return False
    path = os.fspath(x)
    return isinstance(path, str) and (os.path.isdir(path) or is_glob(path))


def holds_tables(path: str) -> bool:
    """Return whether a path is a glob, or a folder with a file of a table."""
    if not os.path.isdir(path):
        return is_glob(path)
    return any(Path(file).suffix.lower() in FORMATS for file in find_files(path))


def is_glob(path: str) -> bool:
    """Return whether a path that does not exist is a pattern of paths."""
    return glob.has_magic(path) and not os.path.exists(path)


def open_table_folder(x: str | os.PathLike[str]) -> PartitionedTable:
    """Return the table in the files of a folder and its subfolders, or in those of a glob.

    The rows are in the order of the sorted paths. With Parquet and Arrow files, the
    values of subfolders such as `year=2024` are columns.

    Raises:
        DataError: there is no file, or files of several formats; a file cannot be read, or has
            other columns than the first one (the message names it).
        ConfigError: polars or pyarrow is not installed.
    """
    path = os.fspath(x)
    files = find_files(path)
    file_format = _require_one_format(path, files)
    import_polars()
    if file_format == "csv":
        if _find_key_folders(path, files):
            text = (
                f"{path}: values in the names of folders, such as year=2024, are columns for "
                "Parquet and Arrow only. Add them to the CSV files."
            )
            warn(text, DataWarning)
        return open_csv_files(path, files)
    dataset, schema = _open_dataset(path, files, file_format)
    return PartitionedTable(
        path, schema, _list_partitions(dataset, path), {"files": describe_files(files)}
    )


def find_files(path: str) -> list[str]:
    """Return the sorted paths of the files in a folder, its subfolders, or of a glob."""
    if os.path.isdir(path):
        found = [
            os.path.join(folder, name)
            for folder, names, files in os.walk(path, followlinks=True)
            for name in _drop_hidden(names, files)
        ]
    else:
        found = [name for name in glob.glob(path, recursive=True) if os.path.isfile(name)]
    return sorted(found)


def _drop_hidden(folders: list[str], files: list[str]) -> list[str]:
    """Return the files that are not hidden, and remove the hidden folders from a walk."""
    folders[:] = [name for name in folders if not name.startswith(HIDDEN)]
    return [name for name in files if not name.startswith(HIDDEN)]


def _require_one_format(path: str, files: Sequence[str]) -> str:
    """Return the format of the files.

    Raises:
        DataError: no files, or several formats.
    """
    expected = f"a file that ends in {', '.join(FORMATS)}, or a folder of such files"
    fix = "It is empty." if os.path.isdir(path) else "No path matches this pattern."
    require(files, "table", expected, error=DataError, path=path, files=0, fix=fix)
    suffixes = Counter(Path(file).suffix.lower() for file in files)
    known = [suffix for suffix, _ in suffixes.most_common() if suffix in FORMATS]
    counts = {suffix or "none": count for suffix, count in suffixes.most_common(5)}
    fix = "For images, use glassnet.data.images_from_folder."
    require(known, "table", expected, error=DataError, path=path, suffixes=counts, fix=fix)
    formats = {FORMATS.get(suffix, "unknown") for suffix in suffixes}
    pattern = os.path.join(path, "**", f"*{known[0]}") if os.path.isdir(path) else f"*{known[0]}"
    fix = f'Name the files to read: "{pattern}".'
    fits = len(formats) == 1
    expected = "files of one format"
    require(fits, "table", expected, error=DataError, path=path, suffixes=counts, fix=fix)
    return formats.pop()


def _open_dataset(
    path: str, files: Sequence[str], file_format: str
) -> tuple[arrow_dataset.Dataset, pyarrow.Schema]:
    """Return the files as a data set of Arrow, and the schema of all of them."""
    from pyarrow import dataset as arrow_dataset

    schemas = {}
    for file in files:
        with wrap_errors(file, f"a valid {Path(file).suffix} file"):
            schemas[file] = arrow_dataset.dataset(file, format=file_format).schema
    schema = _unify_schemas(schemas)
    texts = [field.name for field in schema if is_text(field.type)]
    options: Any = file_format
    if file_format == "parquet":
        read_options = arrow_dataset.ParquetReadOptions(dictionary_columns=texts)
        options = arrow_dataset.ParquetFileFormat(read_options=read_options)
    partitioning = None
    if folders := _find_key_folders(path, files):
        partitioning, keys = _infer_partitioning(folders)
        schema = _append_fields(schema, keys)
    with wrap_errors("table", "files that can be read together", path=path):
        dataset = arrow_dataset.dataset(
            list(files),
            schema=_with_dictionaries(schema, texts if file_format == "parquet" else []),
            format=options,
            partitioning=partitioning,
            partition_base_dir=path,
        )
    return dataset, schema


def _find_key_folders(path: str, files: Sequence[str]) -> list[str]:
    """Return the folders of files below a folder if their names are such as `year=2024`."""
    if not os.path.isdir(path):
        return []
    folders = {os.path.relpath(os.path.dirname(file), path) for file in files}
    parts = [folder.split(os.sep) for folder in folders]
    has_keys = all(all("=" in part for part in names) for names in parts)
    return sorted(folders) if has_keys else []


def _infer_partitioning(folders: Sequence[str]) -> tuple[Any, pyarrow.Schema]:
    """Return Arrow's description of folders such as `year=2024`, and the columns they add."""
    import pyarrow
    from pyarrow import dataset as arrow_dataset

    values: dict[str, list[str]] = {}
    for folder in folders:
        for part in folder.split(os.sep):
            name, _, value = part.partition("=")
            values.setdefault(name, []).append(value)

    def is_integer(texts: list[str]) -> bool:
        return all(text.removeprefix("-").isdigit() for text in texts)

    kinds = {
        name: pyarrow.int64() if is_integer(texts) else pyarrow.string()
        for name, texts in values.items()
    }
    schema = pyarrow.schema(list(kinds.items()))
    return arrow_dataset.HivePartitioning(schema), schema


def _append_fields(schema: pyarrow.Schema, others: pyarrow.Schema) -> pyarrow.Schema:
    for field in others:
        schema = schema if field.name in schema.names else schema.append(field)
    return schema


def _with_dictionaries(schema: pyarrow.Schema, texts: Sequence[str]) -> pyarrow.Schema:
    """Return a schema whose columns `texts` are read as dictionaries, which is faster."""
    import pyarrow

    kind = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    for name in texts:
        i = schema.get_field_index(name)
        schema = schema.set(i, pyarrow.field(name, kind))
    return schema


def _unify_schemas(schemas: dict[str, pyarrow.Schema]) -> pyarrow.Schema:
    """Return the columns of the first file, with types that hold the values of all files.

    Raises:
        DataError: names the first file with other columns.
    """
    import pyarrow

    (first, schema), *others = [(file, plain_schema(each)) for file, each in schemas.items()]
    kinds = dict(zip(schema.names, schema.types, strict=True))
    for file, other in others:
        missing = [name for name in kinds if name not in other.names]
        new = [name for name in other.names if name not in kinds]
        fix = "Give all files the same columns, or name those to read by a glob."
        expected = f"the columns of {first}"
        is_same = not missing and not new
        require(is_same, file, expected, error=DataError, missing=missing[:5], new=new[:5], fix=fix)
        for field in other:
            name, kind = field.name, find_common_type(kinds[field.name], field.type)
            if kind is None:
                expected = f"the type {kinds[name]} in column {name!r}, as in {first}"
                fix = "Write the files with the same types."
                raise DataError(message(file, expected, type=str(field.type), fix=fix))
            kinds[name] = kind
    return pyarrow.schema(list(kinds.items()))


def find_common_type(a: pyarrow.DataType, b: pyarrow.DataType) -> pyarrow.DataType | None:
    """Return a type for the values of two types, or None if they are of different kinds.

    Example:
        >>> import pyarrow
        >>> find_common_type(pyarrow.int32(), pyarrow.float32())
        DataType(double)
        >>> find_common_type(pyarrow.int32(), pyarrow.string())
    """
    import pyarrow

    types = pyarrow.types
    if a == b or types.is_null(b):
        return a
    if types.is_null(a):
        return b
    if all(types.is_integer(kind) or types.is_floating(kind) for kind in (a, b)):
        are_integers = types.is_integer(a) and types.is_integer(b)
        is_unsigned = pyarrow.uint64() in (a, b)
        return pyarrow.int64() if are_integers and not is_unsigned else pyarrow.float64()
    are_dates = all(types.is_timestamp(kind) or types.is_date(kind) for kind in (a, b))
    zones = {kind.tz for kind in (a, b) if types.is_timestamp(kind)}
    if are_dates and len(zones) == 1:
        return pyarrow.timestamp("us", zones.pop())
    return pyarrow.date32() if are_dates and not zones else None


def _list_partitions(dataset: arrow_dataset.Dataset, path: str) -> Any:
    """Return the partitions of a data set: row groups of Parquet files, or files."""
    names, counts, fragments = [], [], []
    for fragment in dataset.get_fragments():
        name = getattr(fragment, "path", None) or path
        with wrap_errors(name, "a file that can be read"):
            for part, count in split_fragment(fragment):
                names.append(name)
                counts.append(part.count_rows() if count is None else count)
                fragments.append(part)
    require(sum(counts), "table", "rows", error=DataError, path=path, rows=0)
    return number_partitions(names, counts, [read_fragment(f, dataset.schema) for f in fragments])


def split_fragment(fragment: Any) -> Iterator[tuple[Any, int | None]]:
    """Yield parts of a fragment and their numbers of rows, or None if those are unknown.

    Parts are neighboring row groups of a Parquet file. Other files are one part.
    """
    groups = getattr(fragment, "row_groups", None)
    if not groups:
        yield fragment, None if groups is None else 0
        return
    ids: list[int] = []
    n_rows = 0
    for i, group in enumerate(groups):
        ids.append(i)
        n_rows += group.num_rows
        if n_rows >= READ_ROWS or i + 1 == len(groups):
            yield fragment.subset(row_group_ids=ids), n_rows
            ids, n_rows = [], 0


def read_fragment(
    fragment: Any, schema: pyarrow.Schema
) -> Callable[[Sequence[str]], Iterator[pyarrow.RecordBatch]]:
    """Return a function that reads named columns of a fragment in order."""

    def read(columns: Sequence[str]) -> Iterator[pyarrow.RecordBatch]:
        return fragment.to_batches(  # type: ignore[no-any-return]
            schema=schema,
            columns=list(columns),
            batch_size=READ_ROWS,
            batch_readahead=1,
            fragment_readahead=1,
        )

    return read
