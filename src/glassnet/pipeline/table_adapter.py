"""Adapter of tables."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.data.table import Table, is_table, read_table
from glassnet.errors import DataError, message, require
from glassnet.pipeline.adapter import ModelInfo, register_adapter
from glassnet.pipeline.options import FitOptions
from glassnet.pipeline.row_adapter import RowAdapter
from glassnet.preprocessing.base import PreparedData, require_same_kind
from glassnet.preprocessing.table_rows import hash_table_rows
from glassnet.preprocessing.tabular import TabularPreprocessor, prepare_table


@register_adapter
class TableAdapter(RowAdapter):
    """Adapter of tables, with the target as a column or as y."""

    @staticmethod
    def accepts(x: Any, y: Any, model: ModelInfo, training: bool) -> bool:
        is_known = model.preprocessor is not None or (training and y is None)
        return is_known and is_table(x)

    def read(self) -> Table:
        return read_table(self.x)

    def features(self) -> Any:
        return self._preprocessor.transform(self.x)

    def targets(self) -> Any:
        return self._preprocessor.transform_target(self.y)

    def transform(self) -> PreparedData:
        if self.y is not None:
            return super().transform()
        preprocessor = self._preprocessor
        self.x = read_table(self.x)
        return PreparedData(preprocessor, *preprocessor.transform_xy(self.x))

    def prepare(self, options: FitOptions) -> PreparedData:
        model = self.model
        expected = "arrays, since TextVectorization is the first layer"
        fix = 'Write fit(table["review"], table["label"]), for example.'
        require(model.vectorizer is None, "fit", expected, x=type(self.x).__name__, fix=fix)
        if self.y is not None:
            return super().prepare(options)
        require_same_kind(TabularPreprocessor, model.preprocessor, self.x)
        self.x = read_table(self.x)
        return prepare_table(
            self.x, model.preprocessor, options.request, model.head, model.loss, options.split
        )

    def hash_rows(self, salt: int) -> np.ndarray | None:
        table, prepared = read_table(self.x), getattr(self, "_prepared", None)
        preprocessor = prepared.preprocessor if prepared else self._preprocessor
        if prepared is not None and prepared.has_target is not None:
            table = table.take(prepared.has_target)
        return hash_table_rows(preprocessor.encoder, table, salt)

    def has_targets(self) -> bool:
        self.x = read_table(self.x)
        return self.y is not None or self._preprocessor.target.name in self.x.columns

    def original_rows(self) -> Table:
        prepared = getattr(self, "_prepared", None)
        table = read_table(self.x)
        if prepared is None or prepared.has_target is None:
            return table
        return table.take(prepared.has_target)

    @property
    def _preprocessor(self) -> TabularPreprocessor:
        """The preprocessor of a model that was fitted to a table."""
        preprocessor = self.model.preprocessor
        assert preprocessor is not None
        if not isinstance(preprocessor, TabularPreprocessor):
            kind = type(self.x).__name__
            raise DataError(message(f"{self.prefix}x", preprocessor.describe(), x=kind))
        return preprocessor
