"""A network that gives numbers, as scikit-learn's MLPRegressor."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin

from glassnet.estimators.base import BaseNeuralNetwork, WeightedSamples
from glassnet.losses import HalfMeanSquaredError, Loss


class NeuralRegressor(MultiOutputMixin, RegressorMixin, BaseNeuralNetwork):
    """Numbers from a network trained on half the squared error, l = 1/2 sum_k ((y_k - yhat_k) /
    s_k)^2, s_k being the targets' spread.

    Targets are standardised inside by the mean and the standard deviation of the rows that the
    first fit trains on, so that prices of 1e5 and rates of 1e-5 are learned alike, and several
    outputs count alike; scikit-learn leaves that to you. Predictions are in the targets' own units.
    `loss_curve_` and `tol` are in units of their variance: 0.5 for each output is what the mean
    scores.

    Everything else is as in `NeuralClassifier`.

    Args:
        hidden_layer_sizes, activation, layers, dropout, solver, alpha, batch_size,
        learning_rate_init, max_iter, shuffle, random_state,
            tol, verbose, warm_start, early_stopping, validation_fraction, n_iter_no_change: see
                `NeuralClassifier`.

    Attributes:
        target_mean_: the targets' mean, a number per output in its own unit.
        target_scale_: their standard deviation; 1 where they are all the same.
        validation_scores_: R^2 of the rows held out after every epoch; None without
            `early_stopping`.
        model_, loss_curve_, ...: see `NeuralClassifier`.

    Raises:
        ConfigError, DataError: at `fit`, see there.

    Example:
        >>> X = np.linspace(-1, 1, 50)[:, None]
        >>> y = 1e5 * X.ravel() ** 2
        >>> model = NeuralRegressor((16,), "tanh", solver="rmsprop", learning_rate_init=0.02, n_iter_no_change=30, random_state=0)
        >>> model.set_params(max_iter=2000).fit(X, y).score(X, y) > 0.9
        True

    Source: scikit-learn's MLPRegressor.
    """

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """One pass over the rows, going on where the call before ended, whichever it was.

        The network, the optimizer, the share of `alpha` and the targets' mean and spread stay those
        of the first call: let it be large.

        Args:
            X: rows (n, features).
            y: targets (n,) or (n, outputs).
            sample_weight: a weight per row, (n,).

        Raises:
            ConfigError, DataError: see `fit`; or `early_stopping` is on.
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> np.ndarray:
        """The targets of the rows X (n, features), in their own units: (n,) or (n, outputs)."""
        return self._decode_output(self._predict_raw(X))

    def _encode_targets(self, y: np.ndarray, resume: bool, classes: Any) -> np.ndarray:
        if not resume:
            self.n_outputs_ = y.shape[1] if y.ndim == 2 else 1
            self.out_activation_ = "identity"
        return y

    def _prepare(self, samples: WeightedSamples, resume: bool) -> WeightedSamples:
        if not resume:
            self.target_mean_ = np.average(samples.y, axis=0, weights=samples.weight)
            spread = np.sqrt(
                np.average((samples.y - self.target_mean_) ** 2, axis=0, weights=samples.weight)
            )
            self.target_scale_ = np.where(spread > 1e-12 * np.abs(self.target_mean_), spread, 1.0)
        return samples._replace(y=(samples.y - self.target_mean_) / self.target_scale_)

    def _decode_output(self, output: np.ndarray) -> np.ndarray:
        return output.reshape(-1, *self._target_shape) * self.target_scale_ + self.target_mean_

    def _head(self) -> tuple[str | None, Loss]:
        return None, HalfMeanSquaredError()
