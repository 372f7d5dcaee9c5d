"""Table preprocessing: choose the target, encode the columns and split the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.data.column_checks import find_problems
from glassnet.data.column_values import factorize, find_distinct
from glassnet.data.parsing import is_missing
from glassnet.data.split import RowSplit
from glassnet.data.table import TargetSplit, read_table, split_target
from glassnet.errors import DataError, DataWarning, is_int, require, warn
from glassnet.losses import Loss
from glassnet.preprocessing import targets
from glassnet.preprocessing.base import (
    HeadSpec,
    PreparedData,
    Preprocessor,
    TableRequest,
    require_same_kind,
)
from glassnet.preprocessing.encoder import DroppedColumn, Encoder
from glassnet.preprocessing.encoding_rules import fit_encoder
from glassnet.preprocessing.expressions import find_names
from glassnet.preprocessing.targets import MAX_SHOWN, ClassTarget, NumericTarget
from glassnet.types import PartialShape


def check_table_request(
    target: Any, column_types: Any, derive: Any, target_transform: Any
) -> TableRequest:
    """Return the table options of `fit`, checked.

    Raises:
        ConfigError: a target that is not a name; column_types or derive that is not a dict; an
            unknown transform; an option that uses the target as an input.
    """
    target, column_types = _to_name(target), _with_names(column_types)
    fits = target is None or isinstance(target, str)
    require(fits, "fit", "target to be the name of a column", target=target)
    for name, value in (("column_types", column_types), ("derive", derive)):
        fits = value is None or isinstance(value, Mapping)
        require(fits, "fit", f"{name} to be a dict by column", **{name: value})
    require(
        target_transform in (None, "log"),
        "fit",
        'target_transform to be "log" or None',
        target_transform=target_transform,
    )
    if target is not None:
        _check_inputs_without_target(target, column_types or {}, derive or {})
    return TableRequest(
        target, tuple((column_types or {}).items()), tuple((derive or {}).items()), target_transform
    )


def _to_name(column: Any) -> Any:
    """Return the number of a column as text, as in a table of columns 0, 1, 2."""
    return str(column) if is_int(column, least=0) else column


def _with_names(column_types: Any) -> Any:
    if not isinstance(column_types, Mapping):
        return column_types
    return {_to_name(column): kind for column, kind in column_types.items()}


def _check_inputs_without_target(
    target: str, column_types: Mapping[str, Any], derive: Mapping[str, Any]
) -> None:
    expected = f"columns other than the target, {target!r}"
    fix = "The type of the target follows from the network's last layer."
    fits = target not in column_types
    require(fits, "column_types", expected, column_types=column_types, fix=fix)
    for name, expression in derive.items():
        leaks = name == target or target in find_names(expression)
        fix = "An input made of the target would give the answer away."
        require(not leaks, f"derive: {name}", expected, expression=expression, fix=fix)


@dataclass(frozen=True)
class TabularPreprocessor(Preprocessor):
    """Encoding of tables, fitted to the training rows: frozen, plain data.

    Attributes:
        encoder: columns to numbers; `encoder.feature_names` are those of the network's inputs.
        target: `ClassTarget` or `NumericTarget`.
        request: the options of `fit`.
    """

    encoder: Encoder
    target: ClassTarget | NumericTarget
    request: TableRequest

    @property
    def feature_names(self) -> tuple[str, ...]:
        return self.encoder.feature_names

    def check_shapes(self, input_shape: PartialShape, output_shape: PartialShape) -> None:
        """See `Preprocessor.check_shapes`."""
        n = len(self.feature_names)
        require(
            input_shape == (n,),
            "encoder",
            "columns that become as many numbers as the network has inputs",
            numbers=n,
            inputs=input_shape,
        )
        self.target.check_output_shape(output_shape)

    def transform(self, x: Any) -> np.ndarray:
        """Encode a table as network inputs.

        Raises:
            DataError: see `Encoder.transform`.
        """
        return self.encoder.transform(read_table(x))

    def transform_target(self, y: Any) -> np.ndarray:
        """Encode targets as the network learns them; y is written as in the table.

        Raises:
            DataError: a missing target; see the target's `transform`.
        """
        encoded: np.ndarray = self.target.transform(_to_target_column(self.target.name, y))
        return encoded

    def transform_xy(self, x: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Return (inputs, targets, mask of the rows that have a target, or None if all have one).

        The targets come from the table's target column.

        Raises:
            DataError: see `Encoder.transform` and the target's `transform`; no row has a target.
        """
        labels = self.target.labels if isinstance(self.target, ClassTarget) else ()
        parts = split_target(x, self.target.name, labels)
        encoded = self.target.transform(parts.target_column)
        return self.transform(parts.table), encoded, parts.has_target

    def __str__(self) -> str:
        return self.describe(MAX_SHOWN)

    def describe(self, max_names: int | None = None) -> str:
        """Return the columns in use, each with the number of inputs that it becomes."""
        sizes = {
            column.name: len(column.feature_names)
            for column in self.encoder.columns
            if not isinstance(column, DroppedColumn)
        }
        shown = [
            f"{name} ({size})" if size > 1 else name
            for name, size in list(sizes.items())[:max_names]
        ]
        more = [f"and {len(sizes) - len(shown)} more"] if len(sizes) > len(shown) else []
        n_inputs = len(self.encoder.feature_names)
        return f"{len(sizes)} columns as {n_inputs} numbers: {', '.join(shown + more)}"


def prepare_table(
    x: Any,
    fitted: Preprocessor | None,
    request: TableRequest,
    head: HeadSpec,
    loss: Loss | None,
    split: RowSplit,
) -> PreparedData:
    """Prepare a table for `fit`. The preprocessor is fitted to the training rows alone.

    Args:
        x: the table.
        fitted: the preprocessor of an earlier fit, which is reused unchanged.
        request: the options of `fit`.
        head: the network's end, which decides between labels and numbers.
        loss: the loss, if one was named.
        split: how rows are held out for validation.

    Raises:
        ConfigError: another kind of data or other options than in an earlier fit; a logarithm that
            the network's end or the loss does not allow.
        DataError: a target that is constant, or text if numbers are learned; see
            `encoding_rules.fit_encoder`.
    """
    earlier = require_same_kind(TabularPreprocessor, fitted, x)
    if earlier is not None:
        request = require_same_request(earlier, request)
    labels = None if earlier is None else getattr(earlier.target, "labels", ())
    x = read_table(x)
    parts = split_target(x, request.target, labels)
    column = parts.target_column
    if earlier is not None:
        is_classification = isinstance(earlier.target, ClassTarget)
    else:
        is_text = column.dtype.kind == "O"
        is_classification = targets.learns_labels(
            head, loss, is_text, lambda: len(np.unique(column))
        )
    if not is_classification and request.target in x.identifiers:
        numbers = x.resolve(str(request.target))
        column = numbers if parts.has_target is None else numbers[parts.has_target]
        parts = parts._replace(target_column=column)
    labels = _sorted_codes(column) if is_classification else None
    train_index, validation_index = split.split(len(column), labels)
    if earlier is not None:
        preprocessor, messages = earlier, parts.messages
    else:
        preprocessor = _fit_preprocessor(parts, train_index, request, is_classification, head, loss)
        messages = (*parts.messages, *describe_fit(preprocessor))
        _warn_about_columns(preprocessor, parts, train_index, is_classification)
    return PreparedData(
        preprocessor,
        preprocessor.transform(parts.table),
        preprocessor.target.transform(column),
        parts.has_target,
        train_index,
        validation_index,
        messages,
    )


def _sorted_codes(column: np.ndarray) -> np.ndarray:
    """Return the position of each row's label among the distinct labels, sorted as text."""
    values, codes = factorize(column)
    texts = np.array(values, column.dtype).astype(str)
    return np.take(np.unique(texts, return_inverse=True)[1], codes)


def require_same_request(fitted: TabularPreprocessor, request: TableRequest) -> TableRequest:
    """Return the options of the first fit, which must not change."""
    first = fitted.request
    is_same = request in (first, TableRequest(), TableRequest(fitted.target.name))
    changed = {name: value for name, value in vars(request).items() if value != vars(first)[name]}
    options = ", ".join(f"{name}={vars(first)[name]!r}" for name in changed)
    fix = "Leave these options out to continue training, or call reset() first."
    require(is_same, "fit", f"the options of the first fit, {options}", fix=fix, **changed)
    return first


def _fit_preprocessor(
    parts: TargetSplit,
    train_index: np.ndarray,
    request: TableRequest,
    is_classification: bool,
    head: HeadSpec,
    loss: Loss | None,
) -> TabularPreprocessor:
    name, column = str(request.target), parts.target_column
    fitted_encoder = fit_encoder(
        parts.table.take(train_index), dict(request.column_types), dict(request.derive)
    )
    target: ClassTarget | NumericTarget
    if is_classification:
        target = targets.fit_class_target(name, column)
    else:
        log = request.target_transform == "log"
        target = targets.fit_numeric_target(name, column[train_index], log, head, loss)
    return TabularPreprocessor(fitted_encoder, target, request)


def _warn_about_columns(
    preprocessor: TabularPreprocessor,
    parts: TargetSplit,
    train_index: np.ndarray,
    is_classification: bool,
) -> None:
    """Warn about what looks wrong in the training rows: see `column_checks.find_problems`."""
    dropped, target = preprocessor.encoder.dropped_columns(), preprocessor.target.name
    columns = {
        name: values[train_index]
        for name, values in parts.table.columns.items()
        if name not in dropped
    }
    answers = parts.target_column[train_index]
    counts = find_distinct(parts.target_column).count() if is_classification else None
    for problem in find_problems(columns, target, answers, counts):
        warn(problem, DataWarning)


def describe_fit(preprocessor: TabularPreprocessor) -> list[str]:
    """Return lines about the target, the columns left out and the columns in use."""
    dropped = preprocessor.encoder.describe_dropped_columns()
    return [
        str(preprocessor.target),
        *([f"left out: {dropped}"] if dropped else []),
        *preprocessor.encoder.ambiguities(),
        str(preprocessor),
    ]


def _to_target_column(name: str, y: Any) -> np.ndarray:
    """Return targets passed as y in the form of a table's column."""
    values = np.asarray(y, object)
    fits = values.ndim > 0 and values.size == len(values) > 0
    require(fits, "y", "one value per row", error=DataError, shape=values.shape)
    column = read_table({name: values.ravel().tolist()})[name]
    missing = np.flatnonzero(is_missing(column))
    require(
        not len(missing),
        "y",
        "a target in every row",
        error=DataError,
        row=int(missing[:1].sum()),
        missing=len(missing),
        fix="Remove those rows from x and y. If the table holds the target, fit leaves them out.",
    )
    return column
