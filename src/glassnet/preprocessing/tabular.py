"""What is taken whole to a model; of a table: which column is learned, what the others become, and
outputs in the target's own terms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.data.parsing import is_missing
from glassnet.data.split import train_validation_split
from glassnet.data.table import is_table, read_table, split_target
from glassnet.errors import DataError, require
from glassnet.losses import Loss
from glassnet.preprocessing import encoder, targets
from glassnet.preprocessing.base import (
    HeadSpec,
    PreparedData,
    Preprocessor,
    SplitOptions,
    TableRequest,
    require_same_kind,
)
from glassnet.preprocessing.encoder import DroppedColumn, Encoder
from glassnet.preprocessing.expressions import find_names
from glassnet.preprocessing.targets import MAX_SHOWN, ClassTarget, NumericTarget


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


def prepare_table(
    x: Any,
    fitted: Preprocessor | None,
    request: TableRequest,
    head: HeadSpec,
    loss: Loss | None,
    split: SplitOptions,
) -> PreparedData:
    """What `fit` makes of what is taken whole; all that is learned of it is learned from the rows
    to train on.

    Args:
        fitted: what was learned at an earlier fit, which stays as it is.
        x: the table, or what knows how it is taken.
        request: what the user wished.
        head: of the network, whose end says whether labels or numbers are learned.
        loss: where one was named.
        split: the fraction held out, "random" or "end", and the seed.

    Raises:
        ConfigError: data of another kind, or other wishes, than at an earlier fit; a logarithm that
            the network's end or the loss does not allow.
        DataError: a target that is constant, or text where numbers are learned; see
            `encoder.fit_encoder`.
    """
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
        isinstance(fitted.target, ClassTarget) if fitted else _is_classification(column, head, loss)
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
            name, column[kept], request.target_transform == "log", head, loss
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


def _is_classification(column: np.ndarray, head: HeadSpec, loss: Loss | None) -> bool:
    """Whether a label is learned rather than a number."""
    ends = {head.last_activation, loss.output_activation if loss else None}
    return "softmax" in ends or (
        "sigmoid" in ends and (column.dtype.kind == "O" or len(np.unique(column)) <= 2)
    )
