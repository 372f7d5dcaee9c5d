"""Data of the studio from a table: its target, its columns, and its training and test rows."""

from __future__ import annotations

import re
from dataclasses import replace

import msgspec
import numpy as np

from glassnet.data.column_checks import find_problems
from glassnet.data.column_values import find_distinct, to_float
from glassnet.data.number_format import describe_numbers_in_text
from glassnet.data.parsing import format_value
from glassnet.data.table import Table, split_target
from glassnet.data.target_columns import check_varying_target
from glassnet.errors import MAX_FLOAT32, ConfigError, DataError, collect_warnings, lookup, require
from glassnet.models.default_layers import count_classes, has_few_integers
from glassnet.preprocessing.column_facts import ArrayFacts
from glassnet.preprocessing.columns import Column
from glassnet.preprocessing.encoder import (
    BooleanColumn,
    CategoricalColumn,
    DateColumn,
    DroppedColumn,
    FittedColumn,
    NumericColumn,
)
from glassnet.preprocessing.encoding_rules import check_column_options, choose_encoding
from glassnet.preprocessing.targets import fit_class_target
from glassnet.studio_app.own_data import MAX_CLASSES, OwnData, encode_classes
from glassnet.studio_app.row_selection import (
    DataLog,
    choose_names,
    describe_few_integers,
    describe_range,
    sample_rows,
    select_minority,
    shuffle_labels,
    split_rows,
)
from glassnet.studio_app.settings import DataSettings, TargetType
from glassnet.studio_app.studio_data import DataColumn, StudioData

SHOWN_LEVELS = 5
"""Number of categories that the description of a column lists."""

MAX_ARRAY_COLUMNS = 2
"""Tables of so few columns, all of numbers, become arrays: their map is exact."""

KINDS = {
    NumericColumn: "number",
    CategoricalColumn: "category",
    BooleanColumn: "boolean",
    DateColumn: "date",
    DroppedColumn: "left out",
}


def make_table_data(settings: DataSettings, own: OwnData) -> StudioData:
    """Return training and test rows of a table.

    Args:
        settings: target, columns, and which rows.
        own: the table, where it comes from, and validation rows.

    Raises:
        ConfigError: an unknown target or column.
        DataError: no column can be the target, or none is left to learn from.
    """
    table = own.rows
    assert isinstance(table, Table)
    log = DataLog(list(own.code), [text for text in own.messages if text not in table.messages])
    if (rows := sample_rows(len(table), "the table", log)) is not None:
        table = table.take(rows)
        log.code.append("table = table.take(rows)")
    target = _choose_target(settings, own, table, log)
    table = _keep_rows_with_target(table, target, log)
    train, test = _split_table(settings, own, table, target, log)
    columns = _describe_columns(settings, train, test, target)
    train, test = _drop_columns(train, test, columns, target, log)
    if settings.shuffle_labels:
        train = _shuffle_targets(settings, train, target, log)
    if test is None:
        log.code.append("test = None")
    column = table[target]
    is_class = _count_classes(column, settings.target_type) > 0
    classes = fit_class_target(target, column).labels if is_class else ()
    data = StudioData(
        settings=settings,
        kind="table",
        title=own.name,
        x=train,
        y=None,
        test=test,
        n_train=len(train),
        n_test=0 if test is None else len(test),
        feature_names=tuple(each.name for each in columns if each.used),
        class_names=tuple(format_value(label) for label in classes),
        target_name=target,
        columns=columns,
        has_column_types=True,
        has_target_type=True,
        column_types={each.name: each.type for each in columns if each.used and each.type},
        messages=tuple(log.messages),
        code=tuple(log.code),
    )
    is_plane = _is_plane(columns, train, test) and (is_class or _fits_float32(column))
    return _to_arrays(data, train, test) if is_plane else data


def _shuffle_targets(settings: DataSettings, train: Table, target: str, log: DataLog) -> Table:
    shuffled, function = shuffle_labels(settings, train[target], log)
    log.code.append(f"shuffled = {function}(train[{target!r}])")
    log.code.append(f"train = train.replace_column({target!r}, shuffled)")
    return train.replace_column(target, shuffled)


def _keep_rows_with_target(table: Table, target: str, log: DataLog) -> Table:
    """Return the rows that have a target, which is the last column."""
    parts = split_target(table, target)
    log.messages[:0] = parts.messages
    log.code.append("from glassnet.data.table import split_target")
    log.code.append(f"parts = split_target(table, {target!r})  # the rows that have a target")
    log.code.append(f"table = parts.table.replace_column({target!r}, parts.target_column)")
    return parts.table.replace_column(target, parts.target_column)


def _choose_target(settings: DataSettings, own: OwnData, table: Table, log: DataLog) -> str:
    """Return the target of the settings or of the user, else the last column that can be one."""
    names, target_type = list(table.columns), settings.target_type
    stated = settings.target or own.target
    if stated is not None:
        lookup("target", stated, table.columns)
        _check_target(table, stated, target_type)
        return stated
    problem: DataError | ConfigError | None = None
    for name in reversed(names):
        try:
            _check_target(table, name)
        except (DataError, ConfigError) as error:
            problem = problem or error
            continue
        if target_type is not None:
            _check_target(table, name, target_type)
        if name != names[-1]:
            log.messages.append(f"The target is {name}, the last column that can be one.")
        return name
    assert problem is not None
    raise problem


def _count_classes(column: np.ndarray, target_type: TargetType | None) -> int:
    """Return the number of classes of a target column; 0 if it is a number."""
    if target_type is None:
        return count_classes(column)
    return len(set(column.tolist())) if target_type == "category" else 0


def _check_target(table: Table, name: str, target_type: TargetType | None = None) -> None:
    """Refuse a target with one value, with very many classes, or with text in place of numbers.

    Raises:
        DataError: with the reason.
    """
    column = split_target(table, name).target_column
    n_classes = _count_classes(column, target_type)
    who = f"target {name!r}"
    if not n_classes:
        text = to_float(column)[1] if column.dtype.kind == "O" else []
        fix = "Choose classes for the target, or correct these cells in the file."
        require(not text, who, "numbers", error=DataError, text=text[:3], fix=fix)
        check_varying_target(name, column)
        return
    fix = "Choose another column as the target."
    fits = 2 <= n_classes <= MAX_CLASSES
    expected = f"2 to {MAX_CLASSES} classes, or numbers"
    require(fits, who, expected, error=DataError, classes=n_classes, fix=fix)


def _split_table(
    settings: DataSettings, own: OwnData, table: Table, target: str, log: DataLog
) -> tuple[Table, Table | None]:
    """Return training and test rows."""
    column = table[target]
    has_classes = _count_classes(column, settings.target_type) > 0
    labels = column.astype(str) if has_classes else None
    if has_classes and column.dtype.kind == "O":
        _describe_numbers_in_text(target, column, log)
    is_inferred = settings.target_type is None and column.dtype.kind == "f"
    if labels is None and is_inferred and has_few_integers(column):
        log.messages.append(describe_few_integers(target, column, "numbers"))
    if labels is not None:
        log.code.append(f"labels = table[{target!r}].astype(str)")
    rows = select_minority(settings, labels, "labels", log)
    if rows is not None:
        table, labels = table.take(rows), None if labels is None else labels[rows]
        log.code.append("table = table.take(rows)")
        log.code.append("labels = labels[rows]")
    if own.validation is not None:
        assert isinstance(own.validation, Table)
        log.code.append("train = table")
        return table, own.validation
    parts = split_rows(settings, len(table), labels, "labels", log)
    if parts is None:
        log.code.append("train = table")
        return table, None
    train, test = (table.take(part) for part in parts)
    log.code.append("train, test = table.take(train_rows), table.take(test_rows)")
    return train, test


def _describe_numbers_in_text(target: str, column: np.ndarray, log: DataLog) -> None:
    """Add a message if the classes are numbers with other signs, such as $1,200."""
    texts = sorted(set(column.tolist()))
    if fix := describe_numbers_in_text(texts, n_plain=0):
        log.messages.append(
            f"{target} is text, such as {texts[0]}, so its {len(texts)} different values are "
            f"classes. To have numbers: {fix[0].lower()}{fix[1:]}."
        )


def _drop_columns(
    train: Table, test: Table | None, columns: tuple[DataColumn, ...], target: str, log: DataLog
) -> tuple[Table, Table | None]:
    """Return the tables without the columns that do not take part.

    Raises:
        DataError: no column takes part.
    """
    unused = [each.name for each in columns if not each.used]
    fix = "Choose other columns, or correct them in the file."
    received = {
        "target": target,
        "columns": {each.name: each.detail for each in columns[:SHOWN_LEVELS]},
    }
    fits = len(unused) < len(columns)
    require(fits, "studio", "a column to learn from", error=DataError, fix=fix, **received)
    if not unused:
        return train, test
    log.code.append(f"unused = {unused!r}")
    log.code.append("train = train.drop(*unused)")
    if test is None:
        return train.drop(*unused), None
    log.code.append("test = test.drop(*unused)")
    return train.drop(*unused), test.drop(*unused)


def _describe_columns(
    settings: DataSettings, train: Table, test: Table | None, target: str
) -> tuple[DataColumn, ...]:
    """Describe every column but the target, and whether it takes part."""
    features = train.drop(target)
    check_column_options(train.columns, settings.column_types, {})
    inputs = tuple(name for name in settings.columns if name != target)
    settings = msgspec.structs.replace(settings, columns=inputs)
    chosen = choose_names(settings, tuple(features.columns))
    described = []
    for name in features.columns:
        column = _describe_column(name, features, test, settings.column_types.get(name))
        described.append(replace(column, used=column.used and name in chosen))
    return tuple(described)


def _describe_column(
    name: str, train: Table, test: Table | None, column_type: str | None
) -> DataColumn:
    """Describe a column as `fit` will encode it; one that cannot be encoded is left out."""
    try:
        facts = ArrayFacts(Column(name, train[name], train.formats))
        encoding = choose_encoding(facts, column_type)
        if test is not None and not isinstance(encoding, DroppedColumn):
            with collect_warnings():
                encoding.transform(test.resolve(name, encoding.text_levels))
    except (ConfigError, DataError) as error:
        return DataColumn(name, "left out", False, _say_types(str(error)), column_type or "")
    kind, detail = KINDS[type(encoding)], _describe_values(encoding, train[name])
    return DataColumn(name, kind, kind != "left out", detail, column_type or "")


def _say_types(text: str) -> str:
    """Return a message of `fit` with the page's control of types in place of `column_types`."""
    text = re.sub(r"pass column_types=\{.*?: (\"\w+\")\}", r"choose the type \1", text)
    return text.replace('"drop"', '"left out"')


def _describe_values(encoding: FittedColumn, values: np.ndarray) -> str:
    """Return a sentence about the values of a column."""
    if isinstance(encoding, DroppedColumn):
        return encoding.reason
    if isinstance(encoding, CategoricalColumn):
        levels = ["missing" if level is None else level for level in encoding.categories]
        shown, more = ", ".join(levels[:SHOWN_LEVELS]), len(levels) - SHOWN_LEVELS
        rare = " and rare ones" if encoding.has_other else ""
        return shown + (f", {more} more" if more > 0 else "") + rare
    if isinstance(encoding, NumericColumn):
        return describe_range(to_float(values)[0])
    present = [value for value in values.tolist() if value is not None and value == value]
    n_missing = len(values) - len(present)
    text = "true or false" if isinstance(encoding, BooleanColumn) else f"such as {present[0]}"
    return text + (f", {n_missing:,} missing" if n_missing else "")


def _fits_float32(column: np.ndarray) -> bool:
    """Return whether arrays hold the target. A table's target is scaled first."""
    return bool(np.abs(column.astype(float)).max() <= MAX_FLOAT32)


def _is_plane(columns: tuple[DataColumn, ...], train: Table, test: Table | None) -> bool:
    """Return whether one or two columns take part, and all are numbers without gaps."""
    used = [each for each in columns if each.used]
    if len(used) > MAX_ARRAY_COLUMNS:
        return False
    tables = [train] if test is None else [train, test]
    return all(
        each.kind == "number"
        and table[each.name].dtype.kind == "f"
        and bool(np.isfinite(table[each.name]).all())
        for each in used
        for table in tables
    )


def _find_problems(data: StudioData, train: Table, test: Table | None) -> list[str]:
    """Return what `fit` warns about if it is passed the table, not arrays."""
    target, columns = data.target_name, {name: train[name] for name in data.feature_names}
    counts = None
    if data.class_names:
        parts = [train] if test is None else [train, test]
        counts = find_distinct(np.concatenate([part[target] for part in parts])).count()
    return find_problems(columns, target, train[target], counts)


def _to_arrays(data: StudioData, train: Table, test: Table | None) -> StudioData:
    """Return the same rows as arrays of the one or two columns of numbers."""
    names, target = list(data.feature_names), data.target_name
    has_classes = bool(data.class_names)
    labels = sorted(set(train[target].tolist())) if has_classes else []

    def convert(table: Table) -> tuple[np.ndarray, np.ndarray]:
        x = np.stack([table[name] for name in names], axis=1).astype(np.float32)
        if not has_classes:
            return x, table[target].astype(np.float32)
        return x, encode_classes(table[target], labels, f"target {target!r}")

    test_lines = ["x_test, y_test = convert(test)"] if test is not None else []
    body = f"table[{target!r}].astype(np.float32)"
    if has_classes:
        body = f"np.array([labels.index(value) for value in table[{target!r}].tolist()])"
    code = [
        *([f"labels = {labels!r}"] if has_classes else []),
        "def convert(table):",
        f"    columns = [table[name] for name in {names!r}]",
        f"    return np.stack(columns, axis=1).astype(np.float32), {body}",
        "x, y = convert(train)",
        *(test_lines or ["x_test, y_test = None, None"]),
    ]
    x, y = convert(train)
    return replace(
        data,
        messages=(*data.messages, *_find_problems(data, train, test)),
        kind="plane" if len(names) == 2 else "line",
        x=x,
        y=y,
        test=None if test is None else convert(test),
        code=(*data.code, *code),
    )
