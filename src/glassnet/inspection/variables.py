"""Columns of a table as a model reads them: numbers or categories."""

from __future__ import annotations

from glassnet.data.table import Table
from glassnet.evaluation.associations import Variable
from glassnet.preprocessing.columns import Column
from glassnet.preprocessing.encoder import (
    BooleanColumn,
    CategoricalColumn,
    DateColumn,
    Encoder,
    FittedColumn,
    NumericColumn,
    add_derived_columns,
    extract_date_part,
)


def read_variables(table: Table, encoder: Encoder) -> list[Variable]:
    """Return the columns that an encoder uses, those of derived columns last.

    Booleans are 0 and 1, and dates are days since 1970. Rare categories are one category, as in
    the encoding.
    """
    table = add_derived_columns(table, dict(encoder.derive))
    variables = (_read_variable(table, column) for column in encoder.columns)
    return [variable for variable in variables if variable is not None]


def _read_variable(table: Table, column: FittedColumn) -> Variable | None:
    """Return a column, or None if it is not used."""
    if not isinstance(column, NumericColumn | BooleanColumn | CategoricalColumn | DateColumn):
        return None
    name = column.name
    values = column.parse(Column(name, table.resolve(name, column.text_levels), table.formats))
    if isinstance(column, DateColumn):
        values = extract_date_part("day", values)
    return Variable(name, values, isinstance(column, CategoricalColumn))
