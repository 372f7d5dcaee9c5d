"""Correlation of the columns of a table with its target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.data.table import read_table
from glassnet.errors import DataError, lookup, require
from glassnet.evaluation.associations import Variable, associate
from glassnet.formatting import format_share
from glassnet.inspection.variables import read_target, read_variables
from glassnet.inspection.view import View, view_function
from glassnet.preprocessing.encoding_rules import fit_encoder
from glassnet.preprocessing.tabular import check_table_request
from glassnet.types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

MAX_MATRIX = 11
"""Maximum number of columns in the matrix, without the target."""

MAX_LINES = 10
"""Maximum number of columns that are printed."""

WORDS = {"r": "correlation r", "eta": "correlation ratio eta", "V": "Cramér's V"}
"""Names of the measures of `evaluation.associations.associate`."""


@view_function
def correlations(
    table: Any,
    target: str,
    *,
    derive: Mapping[str, str] | None = None,
    column_types: Mapping[str, str] | None = None,
) -> Correlations:
    """Return how closely each column of a table is related to the target. No model is needed.

    For a column and a target of numbers: Pearson's correlation r, from -1 (one falls as the other
    rises) to 1. For a category and a number: the correlation ratio eta, from 0 to 1, the root of
    the share of the variance that is between the categories. For two categories: Cramér's V. With
    many categories, eta and V are above 0 by chance, too.

    Columns are read as `fit` reads them: a missing category is one of its own, and a column that
    `fit` would leave out is left out. A missing number leaves out its row for this column.

    Args:
        table: a table: see `Sequential.fit`.
        target: the column to compare with.
        derive: new columns from expressions: {"area": "GrLivArea + TotalBsmtSF"}.
        column_types: types of columns that are not to be inferred, of the target too:
            {"pclass": "category"}.

    Raises:
        ConfigError: an unknown column (the message suggests the nearest name), or an invalid
            expression.
        DataError: a target that does not vary; see `Sequential.fit`.

    Example:
        >>> import glassnet as gn
        >>> table = {"rooms": [1, 2, 3], "price": [10.0, 20.0, 30.0]}
        >>> print(gn.inspection.correlations(table, target="price").title)
        rooms is most closely related to price: r = 1.000

    Source: K. Pearson, 1905, "On the general theory of skew correlation" (eta); H. Cramér, 1946,
        "Mathematical methods of statistics" (V).
    """
    rows, types = read_table(table), dict(column_types or {})
    own_type = types.pop(target, None)
    check_table_request(target, types, derive, None)
    goal = read_target(rows, target, own_type)
    has_target = np.isfinite(goal.values)
    if not has_target.all():
        rows = rows.take(has_target)
        values = goal.values[has_target]
        goal = Variable(target, values, goal.is_categorical, goal.categories)
    varies = len(goal.values) > 0 and np.ptp(goal.values) > 0
    expected = "values that differ"
    n_rows = len(goal.values)
    require(varies, f"target {target!r}", expected, error=DataError, rows_with_a_value=n_rows)
    if goal.is_categorical:
        codes = goal.values.astype(np.int64)
        goal = Variable(target, codes, True, goal.categories)
    encoder = fit_encoder(rows.drop(target), types, derive)
    variables = read_variables(rows, encoder)
    results = [associate(variable, goal) for variable in variables]
    sizes = np.nan_to_num(np.abs([result.value for result in results]), nan=-1.0)
    order = np.argsort(-sizes, kind="stable")
    remarks = []
    if n_missing := int(np.sum(~has_target)):
        remarks.append(f"left out {n_missing:,} of {len(has_target):,} rows without a target")
    return Correlations(
        target=goal,
        variables=tuple(variables[i] for i in order),
        values=np.array([results[i].value for i in order]),
        measures=tuple(results[i].measure for i in order),
        n_rows=np.array([results[i].n_rows for i in order]),
        left_out=encoder.dropped_columns(),
        remarks=tuple(remarks),
    )


@dataclass(frozen=True, eq=False, repr=False)
class Correlations(View):
    """Relation of C columns to the target, the closest first.

    Attributes:
        target: the target, of the rows that have one.
        variables: the columns, as numbers or codes of categories.
        values: association of each column with the target, (C,); NaN if it is not defined.
        measures: "r", "eta" or "V" for each column.
        n_rows: number of rows in which the column and the target have a value, (C,).
        left_out: columns that are not compared, with the reason.
        remarks: sentences about the rows.
    """

    target: Variable
    variables: tuple[Variable, ...]
    values: Array
    measures: tuple[str, ...]
    n_rows: Array
    left_out: dict[str, str]
    remarks: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, the most closely related first."""
        return tuple(variable.name for variable in self.variables)

    @property
    def matrix(self) -> Any:
        """Pearson's r between the columns of numbers, as a pandas DataFrame.

        It has the target, if that is a number, and the eleven columns that are closest to it. Each
        number is computed from the rows in which both columns have a value.
        """
        import pandas as pd

        numbers = [each for each in self.variables if not each.is_categorical][:MAX_MATRIX]
        if not self.target.is_categorical:
            numbers = [self.target, *numbers]
        return pd.DataFrame({each.name: each.values for each in numbers}).corr(min_periods=3)

    @property
    def title(self) -> str:
        if not np.isfinite(self.values[0]):
            return f"no column can be compared with {self.target.name}"
        relation = f"{self.measures[0]} = {format_share(self.values[0])}"
        return f"{self.names[0]} is most closely related to {self.target.name}: {relation}"

    def __str__(self) -> str:
        lines = [self.title]
        rows = zip(self.names, self.measures, self.values, self.n_rows, strict=True)
        for name, measure, value, n in list(rows)[:MAX_LINES]:
            count = f" from {n:,} rows" if n < len(self.target.values) else ""
            lines.append(f"{name}: {WORDS[measure]} = {format_share(value)}{count}")
        if len(self.names) > MAX_LINES:
            lines.append(f"and {len(self.names) - MAX_LINES:,} more columns")
        if self.left_out:
            reasons = [f"{name} ({reason})" for name, reason in self.left_out.items()]
            lines.append(f"left out: {', '.join(reasons)}")
        return "\n".join([*lines, *self.remarks])

    def to_frame(self) -> Any:
        """Return a row for each column, the most closely related first."""
        import pandas as pd

        return pd.DataFrame(
            {
                "column": self.names,
                "measure": self.measures,
                "value": self.values,
                "rows": self.n_rows,
                "missing": len(self.target.values) - self.n_rows,
            }
        )

    def plot(self) -> Figure:
        """Draw the closest columns, and the correlations between them."""
        from glassnet.plots.columns import make_pair

        figure, (left, right) = make_pair(self.title, self.remarks, len(self.names))
        self.plot_columns(left)
        self.plot_matrix(right)
        return figure

    def plot_columns(self, ax: Axes | None = None) -> Figure | SubFigure:
        """Draw the relation of the first 20 columns to the target."""
        from glassnet.plots.columns import plot_associations

        is_defined = np.isfinite(self.values)
        names = [name for name, keep in zip(self.names, is_defined, strict=True) if keep]
        measures = [name for name, keep in zip(self.measures, is_defined, strict=True) if keep]
        return plot_associations(names, self.values[is_defined], measures, self.target.name, ax)

    def plot_matrix(self, ax: Axes | None = None) -> Figure | SubFigure:
        """Draw the correlations between the columns of numbers, and with the target."""
        from glassnet.plots.columns import plot_matrix

        matrix = self.matrix
        return plot_matrix(list(matrix.columns), matrix.to_numpy(), ax)

    def plot_rows(self, columns: Sequence[str] | None = None) -> Figure:
        """Draw the target of every row over columns; None for the six closest ones.

        A column of numbers is drawn with its least-squares line, a category with a box for each
        value.

        Raises:
            ConfigError: an unknown column (the message suggests the nearest name).
            DataError: a target of categories.
        """
        from glassnet.plots.columns import plot_against_target

        fix = 'For a number: column_types={"' + self.target.name + '": "number"}.'
        is_number = not self.target.is_categorical
        expected = "a target of numbers"
        require(is_number, "plot_rows", expected, error=DataError, target=self.target.name, fix=fix)
        positions = {name: i for i, name in enumerate(self.names)}
        chosen = [lookup("column", name, positions) for name in columns or self.names[:6]]
        panels = [
            (
                self.variables[i].name,
                self.variables[i].values,
                self.variables[i].categories,
                f"{self.measures[i]} = {format_share(self.values[i])}",
            )
            for i in chosen
        ]
        return plot_against_target(panels, self.target.name, self.target.values)
