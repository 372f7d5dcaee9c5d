"""What is taken whole to a model; of a table: which column is learned, what the others become, and
outputs in the target's own terms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from glassnet.data import arrays
from glassnet.data.parsing import is_missing
from glassnet.data.table import Table, read_table
from glassnet.engine.network import Links
from glassnet.engine.objective import last_activation
from glassnet.errors import DataError, lookup, require
from glassnet.losses import Loss
from glassnet.pipeline.encoding import train_validation_split
from glassnet.preprocessing import encoder, targets
from glassnet.preprocessing.base import (
    DataAdapter,
    PreparedData,
    Preprocessor,
    SplitOptions,
    require_same_kind,
)
from glassnet.preprocessing.encoder import DroppedColumn, Encoder
from glassnet.preprocessing.expressions import find_names
from glassnet.preprocessing.targets import MAX_SHOWN, ClassTarget, NumericTarget


@dataclass(frozen=True)
class TableRequest:
    """What `fit` was asked to make of a table."""

    target: str | None = None
    column_types: tuple[tuple[str, str], ...] = ()
    derive: tuple[tuple[str, str], ...] = ()
    target_transform: str | None = None


def check_table_request(
    target: Any, column_types: Any, derive: Any, target_transform: Any
) -> TableRequest:
    """The arguments, checked.

    Raises:
        ConfigError: a target that is no name, columns or derive that are no dict, another transform
            than "log"; a column said or made that is the target, or is made of it.
    """
    require(
        target is None or isinstance(target, str),
        "fit",
        "target to be the name of a column",
        target=target,
    )
    for name, given in (("column_types", column_types), ("derive", derive)):
        require(
            given is None or isinstance(given, Mapping),
            "fit",
            f"{name} to be a dict by column",
            **{name: given},
        )
    require(
        target_transform in (None, "log"),
        "fit",
        'target_transform to be "log" or None',
        target_transform=target_transform,
    )
    if target is not None:
        told = f"columns apart from the target, {target!r}"
        require(
            target not in (column_types or {}),
            "column_types",
            told,
            column_types=column_types,
            fix="What is learned follows from the network's end.",
        )
        for name, expression in (derive or {}).items():
            leaks = name == target or target in find_names(expression)
            fix = "It would tell the network what it is to find out."
            require(not leaks, f"derive: {name}", told, expression=expression, fix=fix)
    return TableRequest(
        target, tuple((column_types or {}).items()), tuple((derive or {}).items()), target_transform
    )


@dataclass(frozen=True)
class TabularPreprocessor(Preprocessor):
    """What a model has learned of the tables that it takes: frozen, plain data.

    Attributes:
        encoder: columns to numbers; `encoder.names` are those of the network's inputs.
        target: `ClassTarget` or `NumericTarget`.
        request: what `fit` was asked for.
    """

    encoder: Encoder
    target: ClassTarget | NumericTarget
    request: TableRequest

    @property
    def feature_names(self) -> tuple[str, ...]:
        return self.encoder.feature_names

    def transform(self, x: Any) -> Any:
        """A table's rows as the network takes them; what is no table is taken to be that
        already.
        """
        return self.encoder.transform(read_table(x)) if is_table(x) else x

    def transform_xy(self, x: Any, y: Any = None) -> tuple[Any, np.ndarray, np.ndarray | None]:
        """(rows, targets, which of the table's rows have a target, None for all): of a table, whose
        own column is taken where y is None.

        Raises:
            DataError: see `Encoder.transform` and `encode` of the target; no row has a target.
        """
        if y is not None:
            return (
                self.transform(x),
                self.target.transform(_to_target_column(self.target.name, y)),
                None,
            )
        opened = split_target(x, self.target.name)
        return (
            self.transform(opened.table),
            self.target.transform(opened.target_column),
            opened.has_target,
        )

    def __str__(self) -> str:
        return self.describe(MAX_SHOWN)

    def describe(self, max_names: int | None = None) -> str:
        """The columns that take part, each with how many numbers it becomes: the first `max_names`
        by name, or all.
        """
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
        return f"{len(sizes)} columns as {len(self.encoder.feature_names)} numbers: {', '.join(shown + more)}"


class TargetSplit(NamedTuple):
    """A table's rows that have a target, apart from it; `has_target` says which of all rows they
    are, None for all.
    """

    table: Table
    target_column: np.ndarray
    has_target: np.ndarray | None
    messages: tuple[str, ...]


def is_table(x: Any) -> bool:
    """Whether x is a path, a frame, or columns or rows by name."""
    if isinstance(x, str | Path | Table | Mapping):
        return True
    if isinstance(x, list | tuple):
        return bool(x) and all(isinstance(row, Mapping) for row in x)
    kind = type(x)
    return (
        hasattr(kind, "columns") and not hasattr(kind, "with_format")
    ) or kind.__name__ == "Series"


def has_own_targets(x: Any) -> bool:
    """Whether x may hold its targets."""
    return isinstance(x, DataAdapter) or is_table(x)


def split_target(source: Any, target: str | None) -> TargetSplit:
    """Read a table and part it from its target, rows that lack one being left out.

    Raises:
        ConfigError: no target, or one that is not there (the nearest is named).
        DataError: see `read`; no row has a target.
    """
    table = read_table(source)
    fix = f'Write target="{list(table.columns)[-1]}", say.'
    require(
        target is not None,
        "fit",
        "target to name the column that is learned",
        columns=list(table.columns),
        fix=fix,
    )
    column = table.columns[lookup("target", str(target), {name: name for name in table.columns})]
    missing = is_missing(column)
    require(
        not missing.all(),
        f"target {target!r}",
        "a value in some row",
        error=DataError,
        rows=len(column),
        missing=len(column),
    )
    rest = table.drop(str(target))
    if not missing.any():
        return TargetSplit(rest, column, None, table.messages)
    lost = f"{missing.sum():,} of {len(column):,} rows lack {target}: left out"
    return TargetSplit(rest.take(~missing), column[~missing], ~missing, (*table.messages, lost))


def select_sample_weight(sample_weight: Any, has_target: np.ndarray | None) -> Any:
    """The weights of the rows that have a target.

    Raises:
        DataError: they are not one for each of the table's rows.
    """
    if sample_weight is None or has_target is None:
        return sample_weight
    return np.asarray(arrays.check_sample_weight(sample_weight, len(has_target)))[has_target]


def prepare_table(
    fitted: Preprocessor | None,
    x: Any,
    request: TableRequest,
    links: Links,
    loss: Loss | None,
    split: SplitOptions,
) -> PreparedData:
    """What `fit` makes of what is taken whole; all that is learned of it is learned from the rows
    to train on.

    Args:
        fitted: what was learned at an earlier fit, which stays as it is.
        x: the table, or what knows how it is taken.
        request: what the user wished.
        links: of the network, whose end says whether labels or numbers are learned.
        loss: where one was named.
        split: the fraction held out, "random" or "end", and the seed.

    Raises:
        ConfigError: data of another kind, or other wishes, than at an earlier fit; a logarithm that
            the network's end or the loss does not allow.
        DataError: a target that is constant, or text where numbers are learned; see
            `encoder.fit_encoder`.
    """
    if isinstance(x, DataAdapter):
        return x.prepare(fitted, request, links, loss, split)
    fitted = require_same_kind(TabularPreprocessor, fitted, x)
    if fitted is not None:
        fix = "What was learned of the table stays: leave them out, or reset() first."
        require(
            request in (fitted.request, TableRequest(), TableRequest(fitted.target.name)),
            "fit",
            f"{fitted.request}",
            received=request,
            fix=fix,
        )
        request = fitted.request
    opened = split_target(x, request.target)
    name, column = str(request.target), opened.target_column
    chooses = (
        isinstance(fitted.target, ClassTarget)
        if fitted
        else _is_classification(column, links, loss)
    )
    kept, held = train_validation_split(
        len(column), column.astype(str) if chooses else None, *split
    )
    if fitted is not None:
        return PreparedData(
            fitted,
            fitted.transform(opened.table),
            fitted.target.transform(column),
            opened.has_target,
            kept,
            held,
            opened.messages,
        )
    encoded = encoder.fit_encoder(
        opened.table.take(kept), dict(request.column_types), dict(request.derive)
    )
    if chooses:
        target: ClassTarget | NumericTarget = targets.fit_class_target(name, column)
    else:
        target = targets.fit_numeric_target(
            name, column[kept], request.target_transform == "log", links, loss
        )
    fitted = TabularPreprocessor(encoded, target, request)
    said = (
        *opened.messages,
        str(target),
        *_dropped_messages(encoded),
        *encoded.ambiguities(),
        str(fitted),
    )
    return PreparedData(
        fitted,
        fitted.transform(opened.table),
        target.transform(column),
        opened.has_target,
        kept,
        held,
        said,
    )


def _dropped_messages(encoder: Encoder) -> list[str]:
    out = [f"{column} ({reason})" for column, reason in encoder.dropped_columns().items()]
    more = f", and {len(out) - MAX_SHOWN} more" if len(out) > MAX_SHOWN else ""
    return [f"left out: {', '.join(out[:MAX_SHOWN])}{more}"] if out else []


def _to_target_column(name: str, y: Any) -> np.ndarray:
    """Targets that were given beside a table, as a column of one would hold them."""
    values = np.asarray(y).reshape(len(y), -1)
    require(values.shape[1] == 1, "y", "one value a row", error=DataError, shape=values.shape)
    column = read_table({name: values[:, 0].tolist()})[name]
    gone = np.flatnonzero(is_missing(column))
    fix = "Leave those rows out of both; a table that holds its target leaves them out by itself."
    require(
        not len(gone),
        "y",
        "a target in every row",
        error=DataError,
        row=int(gone[:1].sum()),
        missing=len(gone),
        fix=fix,
    )
    return column


def _is_classification(column: np.ndarray, links: Links, loss: Loss | None) -> bool:
    """Whether a label is learned rather than a number."""
    ends = {last_activation(links), loss.output_activation if loss else None}
    return "softmax" in ends or (
        "sigmoid" in ends and (column.dtype.kind == "O" or len(np.unique(column)) <= 2)
    )
