"""A neural network for regression with the interface of scikit-learn's MLPRegressor."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin

from glassnet.estimators.base import BaseNeuralNetwork, WeightedSamples
from glassnet.losses import HalfMeanSquaredError, Loss


class NeuralRegressor(MultiOutputMixin, RegressorMixin, BaseNeuralNetwork):  # type: ignore[misc]
    """Regression network trained on half the squared error of standardized targets.

    The loss is l = 1/2 sum_k ((y_k - yhat_k) / s_k)^2, with the standard deviations s_k of the
    targets. Targets are standardized with the mean and the standard deviation of the training rows
    of the first fit. Targets of any size then train equally well, and several outputs count
    equally; scikit-learn's MLPRegressor does not do this. Predictions are in the units of the
    targets. `loss_curve_` and `tol` are in units of the variance: predicting the mean has a loss of
    0.5 for each output.

    Everything else is as in `NeuralClassifier`.

    Args:
        hidden_layer_sizes, activation, layers, dropout, solver, alpha, batch_size,
        learning_rate_init, max_iter, shuffle, random_state, tol, verbose, warm_start,
        early_stopping, validation_fraction, n_iter_no_change: see `NeuralClassifier`.

    Attributes:
        target_mean_: the mean of the targets, a number per output in the unit of the target.
        target_scale_: the standard deviation of the targets; 1 if they are all equal.
        validation_scores_: R^2 of the validation rows after every epoch; None without
            `early_stopping`.
        model_, loss_curve_, ...: see `NeuralClassifier`.

    Raises:
        ConfigError, DataError: see `fit`.

    Example:
        >>> X = np.linspace(-1, 1, 50)[:, None]
        >>> y = 1e5 * X.ravel() ** 2
        >>> model = NeuralRegressor((16,), "tanh", solver="rmsprop", max_iter=2000, random_state=0)
        >>> model = model.set_params(learning_rate_init=0.02, n_iter_no_change=30).fit(X, y)
        >>> model.score(X, y) > 0.9
        True

    Source: scikit-learn's MLPRegressor.
    """

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train one epoch, continuing from the previous `fit` or `partial_fit`.

        The network, the optimizer, the factor of `alpha` and the mean and standard deviation of the
        targets are fixed in the first call: pass a large batch there.

        Args:
            X: rows (n, features).
            y: targets (n,) or (n, outputs).
            sample_weight: a weight per row, (n,).

        Raises:
            ConfigError, DataError: see `fit`; also if `early_stopping` is True.
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> np.ndarray:
        """Predict the targets of the rows X (n, features): (n,) or (n, outputs), in their units."""
        return self._decode_output(self._predict_raw(X))

    def _encode_targets(self, y: np.ndarray, resume: bool, classes: Any) -> np.ndarray:
        if not resume:
            self.n_outputs_ = y.shape[1] if y.ndim == 2 else 1
            self.out_activation_ = "identity"
        return y

    def _prepare(self, samples: WeightedSamples, resume: bool) -> WeightedSamples:
        if not resume:
            self.target_mean_ = np.average(samples.y, axis=0, weights=samples.weight)
            deviation = np.sqrt(
                np.average((samples.y - self.target_mean_) ** 2, axis=0, weights=samples.weight)
            )
            varies = deviation > 1e-12 * np.abs(self.target_mean_)
            self.target_scale_ = np.where(varies, deviation, 1.0)
        return samples._replace(y=(samples.y - self.target_mean_) / self.target_scale_)

    def _decode_output(self, output: np.ndarray) -> np.ndarray:
        return output.reshape(-1, *self._target_shape) * self.target_scale_ + self.target_mean_

    def _head(self) -> tuple[str | None, Loss]:
        return None, HalfMeanSquaredError()
