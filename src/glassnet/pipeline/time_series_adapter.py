"""Adapter of time series."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.data.time_series import TimeSeries
from glassnet.errors import NotReadyError, message
from glassnet.pipeline.adapter import ModelInfo, register_adapter
from glassnet.pipeline.options import FitOptions
from glassnet.pipeline.row_adapter import RowAdapter
from glassnet.preprocessing.base import PreparedData
from glassnet.preprocessing.time_series import TimeSeriesPreprocessor, prepare_time_series


@register_adapter
class TimeSeriesAdapter(RowAdapter):
    """Adapter of a `TimeSeries`, or of a table for a model that was fitted to one."""

    types = (TimeSeries,)

    @staticmethod
    def accepts(x: Any, y: Any, model: ModelInfo, training: bool) -> bool:
        return isinstance(model.preprocessor, TimeSeriesPreprocessor)

    def features(self) -> np.ndarray:
        return self._preprocessor.transform(self.x)

    def transform(self) -> PreparedData:
        preprocessor = self._preprocessor
        if self.y is not None:
            preprocessor.transform_target(self.y)
        return PreparedData(preprocessor, *preprocessor.transform_xy(self.x))

    def prepare(self, options: FitOptions) -> PreparedData:
        preprocessor, series = self.model.preprocessor, self.x
        if self.y is not None:
            return super().prepare(options)
        if isinstance(preprocessor, TimeSeriesPreprocessor):
            series = preprocessor.to_series(series)
        return prepare_time_series(series, preprocessor, options.request, options.split)

    def original_rows(self) -> TimeSeries:
        return self._preprocessor.to_series(self.x)

    @property
    def _preprocessor(self) -> TimeSeriesPreprocessor:
        """The preprocessor of a model that was fitted to a series.

        Raises:
            NotReadyError: the model was not fitted to a series.
        """
        preprocessor = self.model.preprocessor
        if not isinstance(preprocessor, TimeSeriesPreprocessor):
            fix = "Fit it first: model.fit(series)."
            raise NotReadyError(message("series", "a model that was fitted to a series", fix=fix))
        return preprocessor
