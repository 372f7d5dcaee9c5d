"""Adapter of arrays and memory maps."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.data.conversions import require_rows
from glassnet.pipeline.adapter import InputSpec, ModelInfo, register_adapter
from glassnet.pipeline.options import FitOptions
from glassnet.pipeline.row_adapter import RowAdapter


@register_adapter
class ArrayAdapter(RowAdapter):
    """Adapter of anything that NumPy reads as an array: the fallback for all other kinds."""

    types = (np.ndarray,)
    learns_from_rows = False
    holds_targets = False

    @staticmethod
    def accepts(x: Any, y: Any, model: ModelInfo, training: bool) -> bool:
        return True

    def open(self, options: FitOptions | None = None, *, target: str | None = None) -> InputSpec:
        require_rows(self.x, f"{self.prefix}x")
        return super().open(options, target=target)

    def features(self) -> Any:
        preprocessor = self.model.preprocessor
        return preprocessor.transform_array(self.x) if preprocessor else self.x

    def targets(self) -> Any:
        preprocessor = self.model.preprocessor
        if preprocessor is None or self.y is None:
            return self.y
        return preprocessor.transform_target(self.y)
