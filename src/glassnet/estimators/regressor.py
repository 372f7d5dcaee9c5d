"""A neural network for regression with the interface of scikit-learn's MLPRegressor."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy.special import xlogy
from sklearn.base import MultiOutputMixin, RegressorMixin

from glassnet.errors import DataError, require
from glassnet.estimators.base import BaseNeuralNetwork
from glassnet.estimators.rows import WeightedSamples
from glassnet.estimators.snapshots import NumericTargets
from glassnet.losses import HalfMeanSquaredError, Loss, Poisson
from glassnet.optimizers import Optimizer
from glassnet.preprocessing.targets import NumericTarget, Target

LOSSES: dict[str, tuple[str | None, Loss]] = {
    "squared_error": (None, HalfMeanSquaredError()),
    "poisson": ("exponential", Poisson()),
}
"""The activation of the last layer, and the loss, by scikit-learn's name of the loss."""


class NeuralRegressor(MultiOutputMixin, RegressorMixin, BaseNeuralNetwork):  # type: ignore[misc]
    """Regression network trained on half the squared error of standardized targets.

    The loss is l = 1/2 sum_k ((y_k - yhat_k) / s_k)^2, with the standard deviations s_k of the
    targets. Targets are standardized with the mean and the standard deviation of the training rows
    of the first fit. Targets of any size then train equally well, and several outputs count
    equally; scikit-learn's MLPRegressor does not do this. Predictions are in the units of the
    targets. `loss_curve_` and `tol` are in units of the variance: predicting the mean has a loss of
    0.5 for each output.

    With loss="poisson", targets are counts. The loss is l = sum_k (yhat_k - y_k + y_k log(y_k /
    yhat_k)), the last layer is exponential, and targets are not standardized.

    Everything else is as in `NeuralClassifier`.

    Args:
        loss: "squared_error" or "poisson".
        hidden_layer_sizes, activation, layers, dropout, solver, alpha, batch_size, learning_rate,
        learning_rate_init, power_t, max_iter, shuffle, random_state, tol, verbose, warm_start,
        momentum, nesterovs_momentum, early_stopping, validation_fraction, beta_1, beta_2, epsilon,
        n_iter_no_change, max_fun: see `NeuralClassifier`.

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

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        loss: str = "squared_error",
        layers: Any = None,
        dropout: float = 0.0,
        solver: str | Optimizer = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
    ):
        super().__init__(
            hidden_layer_sizes,
            activation,
            layers=layers,
            dropout=dropout,
            solver=solver,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate=learning_rate,
            learning_rate_init=learning_rate_init,
            power_t=power_t,
            max_iter=max_iter,
            shuffle=shuffle,
            random_state=random_state,
            tol=tol,
            verbose=verbose,
            warm_start=warm_start,
            momentum=momentum,
            nesterovs_momentum=nesterovs_momentum,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            n_iter_no_change=n_iter_no_change,
            max_fun=max_fun,
        )
        self.loss = loss

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
        """Predict the targets of the rows X (n, features): (n,) or (n, outputs), in their units.

        Rows of float32 give float32, if the training rows were float32 too.
        """
        x = self._validate_rows(X)
        dtype = np.result_type(self._dtype, getattr(x, "dtype", self._dtype))
        return self._decode_output(self._infer(x)).astype(dtype, copy=False)

    def _check_settings(self, incremental: bool) -> None:
        super()._check_settings(incremental)
        expected = f"loss to be one of {', '.join(LOSSES)}"
        require(self.loss in LOSSES, type(self).__name__, expected, loss=self.loss)

    def _encode_targets(self, y: np.ndarray, resume: bool, classes: Any) -> np.ndarray:
        if not resume:
            self.n_outputs_ = y.shape[1] if y.ndim == 2 else 1
            self.out_activation_ = "exp" if self.loss == "poisson" else "identity"
        if self.loss == "poisson":
            low = float(y.min())
            fits, expected = low >= 0, 'targets >= 0 for loss="poisson"'
            require(fits, type(self).__name__, expected, error=DataError, smallest=low)
        return y

    def _prepare(self, samples: WeightedSamples, resume: bool) -> WeightedSamples:
        if self.loss == "poisson":
            self.target_mean_ = np.zeros(self._target_shape)
            self.target_scale_ = np.ones(self._target_shape)
            y, weight = samples.y, samples.weight
            constant = np.average(xlogy(y, y) - y, axis=0, weights=weight)
            self._loss_offset = float(constant.sum())
            return samples
        self._loss_offset = 0.0
        if not resume:
            self.target_mean_ = np.average(samples.y, axis=0, weights=samples.weight)
            deviation = np.sqrt(
                np.average((samples.y - self.target_mean_) ** 2, axis=0, weights=samples.weight)
            )
            varies = deviation > 1e-12 * np.abs(self.target_mean_)
            self.target_scale_ = np.where(varies, deviation, 1.0)
        return samples._replace(y=self._scale_targets(samples.y))

    def _scale_targets(self, y: np.ndarray) -> np.ndarray:
        scaled: np.ndarray = (y - self.target_mean_) / self.target_scale_
        return scaled

    def _make_target(self, name: str) -> Target:
        if not self._target_shape:
            return NumericTarget(name, float(self.target_mean_), float(self.target_scale_))
        mean, scale = self.target_mean_.tolist(), self.target_scale_.tolist()
        return NumericTargets(name, tuple(mean), tuple(scale))

    def _decode_output(self, output: np.ndarray) -> np.ndarray:
        return output.reshape(-1, *self._target_shape) * self.target_scale_ + self.target_mean_

    def _head(self) -> tuple[str | None, Loss]:
        return LOSSES[self.loss]
