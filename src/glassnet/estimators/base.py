"""Base class of both estimators: builds a `Sequential` from scikit-learn's settings and fits it."""

from __future__ import annotations

import copy
import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple, Self

import numpy as np
from sklearn.base import BaseEstimator, is_regressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.validation import check_is_fitted, validate_data

from glassnet.callbacks import Callback
from glassnet.data import arrays
from glassnet.data.split import random_split, stratified_split
from glassnet.engine.epoch_runner import Logs
from glassnet.engine.loop import Decision
from glassnet.errors import DataError, MissingError, is_int, is_number, lookup, message, require
from glassnet.formatting import format_number
from glassnet.layers import Activation, Dense, Dropout, Input, Layer
from glassnet.losses import Loss
from glassnet.models.sequential import Sequential
from glassnet.optimizers import OPTIMIZERS, SGD, Adam, Optimizer
from glassnet.regularizers import L2
from glassnet.storage import pickling

SOLVERS: dict[str, Optimizer] = {name: make() for name, make in OPTIMIZERS.items()}
SOLVERS |= {"sgd": SGD(momentum=0.9, nesterov=True), "adam": Adam(epsilon=1e-8)}
"""Optimizers by name: "sgd" and "adam" as in scikit-learn, the others as in Keras."""

SKLEARN_ACTIVATIONS = {"logistic": "sigmoid", "identity": "linear"}
"""Scikit-learn's names of activations that differ from Glassnet's."""

FLOAT_DTYPES = (np.float64, np.float32)


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool | np.bool_)


PARAMETER_CONSTRAINTS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "layers": ("a list of layers or None", lambda v: v is None or isinstance(v, list | tuple)),
    "hidden_layer_sizes": (
        "an int >= 1 or a list of them",
        lambda v: all(is_int(units, least=1) for units in np.atleast_1d(v)),
    ),
    "dropout": ("a fraction from 0 to below 1", lambda v: is_number(v) and 0 <= v < 1),
    "alpha": ("a number >= 0", lambda v: is_number(v) and v >= 0),
    "learning_rate_init": ("a number > 0", lambda v: is_number(v) and v > 0),
    "batch_size": (
        'an int >= 1, "auto" or "full"',
        lambda v: is_int(v, least=1) or v in ("auto", "full"),
    ),
    "max_iter": ("an int >= 1", lambda v: is_int(v, least=1)),
    "shuffle": ("a bool", _is_bool),
    "tol": ("a number >= 0", lambda v: is_number(v) and v >= 0),
    "warm_start": ("a bool", _is_bool),
    "early_stopping": ("a bool", _is_bool),
    "validation_fraction": ("a number between 0 and 1", lambda v: is_number(v) and 0 < v < 1),
    "n_iter_no_change": ("an int >= 1 or inf", lambda v: is_int(v, least=1) or v == math.inf),
}
"""The allowed values of each setting. The others are checked where they are used."""


class WeightedSamples(NamedTuple):
    """Training examples: x (n, features), y (n, ...) and weights (n,)."""

    x: np.ndarray
    y: np.ndarray
    weight: np.ndarray

    def take(self, index: np.ndarray) -> WeightedSamples:
        """Return the rows at `index`."""
        return WeightedSamples(*(a[index] for a in self))

    def merge_duplicates(self) -> WeightedSamples:
        """Merge equal rows, sum their weights, and sort the result.

        Two equal rows then train exactly like one row of weight 2, bit for bit.
        """
        table = np.column_stack([self.x, self.y])
        _, first, inverse = np.unique(table, axis=0, return_index=True, return_inverse=True)
        return self.take(first)._replace(weight=np.bincount(inverse.ravel(), self.weight))


class NoImprovementStopping(Callback):
    """Scikit-learn's stopping rule: stop after too many epochs in a row without an improvement.

    Args:
        tol: the smallest improvement on the best epoch that counts, in units of the score or of the
            loss.
        epochs: the number of epochs in a row without an improvement that are tolerated.
        score: called after every epoch, higher is better. The run ends with the weights of the
            best epoch. None uses the training loss.
    """

    def __init__(self, tol: float, epochs: float, score: Callable[[], float] | None):
        self.tol, self.epochs, self.score = tol, epochs, score
        self.scores: list[float] = []
        self.no_improvement_count = 0

    def on_epoch_end(self, epoch: int, logs: Logs) -> Decision:
        value = self.score() if self.score else -logs["loss"]
        best = max(self.scores, default=-math.inf)
        self.scores.append(value)
        self.no_improvement_count = self.no_improvement_count + 1 if value < best + self.tol else 0
        stop = None
        if self.no_improvement_count > self.epochs:
            name = "validation score" if self.score else "training loss"
            tol = format_number(self.tol)
            stop = f"the {name} did not improve by {tol} for more than {self.epochs} epochs"
        return Decision(stop, keep_weights=self.score is not None and value > best)


class BaseNeuralNetwork(BaseEstimator, ABC):  # type: ignore[misc]
    """Base class of `NeuralClassifier` and `NeuralRegressor`."""

    model_: Sequential
    loss_curve_: list[float]
    n_outputs_: int
    out_activation_: str
    _target_shape: tuple[int, ...]

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        layers: Any = None,
        dropout: float = 0.0,
        solver: str | Optimizer = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate_init: float = 0.001,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: float = 10,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.layers = layers
        self.dropout = dropout
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change

    def __sklearn_clone__(self) -> Self:
        """Clone, sharing what is immutable.

        A copy of a jitted function would lose its name and be compiled again.
        """
        clone: Self = super().__sklearn_clone__()
        clone.set_params(
            activation=self.activation, layers=copy.copy(self.layers), solver=self.solver
        )
        return clone

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for pickle, the model first: its errors name what cannot be saved."""
        state: dict[str, Any] = super().__getstate__()
        first = {name: state[name] for name in state if name == "model_"}
        return first | state | {"activation": pickling.to_reference(self.activation)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        activation = state["activation"]
        if isinstance(activation, pickling.FunctionReference):  # copy.copy does not resolve it
            activation = activation.function
        super().__setstate__(state | {"activation": activation})

    @abstractmethod
    def _encode_targets(self, y: np.ndarray, resume: bool, classes: Any) -> np.ndarray:
        """Encode targets as numbers; sets `n_outputs_` and `out_activation_` unless `resume`."""

    @abstractmethod
    def _prepare(self, samples: WeightedSamples, resume: bool) -> WeightedSamples:
        """Return the encoded rows with the targets and weights to train on."""

    @abstractmethod
    def _decode_output(self, output: np.ndarray) -> np.ndarray:
        """Decode the output of the network to the targets of `_encode_targets`."""

    @abstractmethod
    def _head(self) -> tuple[str | None, Loss]:
        """Return the activation of the last layer, and the loss."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train from new weights, or with `warm_start` from those of the previous fit.

        Args:
            X: rows (n, features).
            y: targets (n,) or (n, outputs).
            sample_weight: a weight per row, (n,). Only the ratios matter (and for `alpha` their
                sum). Rows of weight 0 are left out.

        Raises:
            ConfigError: if a setting is out of range.
            DataError: if rows, targets or weights cannot be used.
        """
        return self._fit(X, y, sample_weight, incremental=False)

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, *, incremental: bool, classes: Any = None
    ) -> Self:
        """Fit, or if `incremental` train one epoch from the current optimizer state."""
        self._check_settings(incremental)
        resume = (incremental or self.warm_start) and hasattr(self, "model_")
        seed = self._draw_seed()
        samples, validation = self._validate_samples(X, y, sample_weight, resume, classes), None
        if self.early_stopping:
            samples, validation = self._split_validation(samples, np.random.default_rng((seed, 2)))
        if self.batch_size == "full":
            samples = samples.merge_duplicates()
        samples = self._prepare(samples, resume)
        batch_size, mean_weight = self._resolve_batch_size(len(samples.x)), samples.weight.mean()
        if not (incremental and resume):
            self._build_model(seed, batch_size * mean_weight, resume)
        stopping = NoImprovementStopping(
            self.tol, self.n_iter_no_change, self._make_scorer(validation)
        )
        # the loss is a mean over independent outputs, scikit-learn's is a sum
        n_losses = self.n_outputs_ if self.out_activation_ == "logistic" else 1
        history = self.model_.fit(
            samples.x,
            samples.y,
            batch_size=batch_size,
            epochs=1 if incremental else self.max_iter,
            verbose=self.verbose,
            callbacks=() if incremental else stopping,
            shuffle=self.shuffle,
            sample_weight=n_losses * samples.weight / mean_weight,
            observe=False,
        )
        self._set_results(history.history.get("loss", []), stopping.scores, resume)
        if not (incremental or history.stopped):
            warnings.warn(self._convergence_message(), ConvergenceWarning, stacklevel=3)
        return self

    def _check_settings(self, incremental: bool) -> None:
        for name, (expected, is_valid) in PARAMETER_CONSTRAINTS.items():
            value = getattr(self, name)
            require(
                is_valid(value), type(self).__name__, f"{name} to be {expected}", **{name: value}
            )
        require(
            not (incremental and self.early_stopping),
            "partial_fit",
            "early_stopping=False",
            early_stopping=True,
            fix="partial_fit trains one epoch: hold out rows yourself and call score.",
        )

    def _draw_seed(self) -> int:
        if is_int(self.random_state, least=0):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _resolve_batch_size(self, n: int) -> int:
        if self.batch_size == "full":
            return n
        return min(200 if self.batch_size == "auto" else int(self.batch_size), n)

    def _set_results(self, losses: list[float], scores: list[float], resume: bool) -> None:
        self.n_iter_, self.loss_ = len(losses), losses[-1] if losses else math.nan
        self.loss_curve_ = (self.loss_curve_ if resume else []) + losses
        by_score = self.early_stopping
        self.best_loss_ = None if by_score else min(self.loss_curve_, default=math.nan)
        self.validation_scores_ = scores if by_score else None
        self.best_validation_score_ = max(scores, default=math.nan) if by_score else None

    def _convergence_message(self) -> str:
        return message(
            type(self).__name__,
            f"to converge in {self.max_iter} epochs",
            loss=self.loss_,
            fix="Raise max_iter, tol or the learning rate.",
        )

    def _validate_samples(
        self, X: Any, y: Any, sample_weight: Any, resume: bool, classes: Any
    ) -> WeightedSamples:
        """Check the data and return the rows of weight > 0, with encoded targets."""
        X, y = validate_data(
            self,
            X,
            y,
            multi_output=True,
            y_numeric=is_regressor(self),
            dtype=FLOAT_DTYPES,
            reset=not resume,
        )
        y = column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y
        weight = (
            np.ones(len(X))
            if sample_weight is None
            else np.asarray(arrays.check_sample_weight(sample_weight, len(X)), float)
        )
        require(
            not resume or y.shape[1:] == self._target_shape,
            type(self).__name__,
            "targets of the same shape as in the first fit",
            error=DataError,
            shape=y.shape,
            fix="Set warm_start=False, or make a new estimator.",
        )
        self._target_shape = y.shape[1:]
        samples = WeightedSamples(X, y, weight).take(weight > 0)
        return samples._replace(y=self._encode_targets(samples.y, resume, classes))

    def _split_validation(
        self, samples: WeightedSamples, rng: np.random.Generator
    ) -> tuple[WeightedSamples, WeightedSamples]:
        n, fraction = len(samples.x), self.validation_fraction
        require(
            round(n * fraction) > 1,
            "early_stopping",
            "at least two validation rows",
            error=DataError,
            rows=n,
            fraction=fraction,
            fix="Raise validation_fraction, or use more rows.",
        )
        stratified = samples.y.ndim == 1 and not is_regressor(self)
        train_index, validation_index = (
            stratified_split(samples.y, fraction, rng)
            if stratified
            else random_split(n, fraction, rng)
        )
        return samples.take(train_index), samples.take(validation_index)

    def _make_scorer(self, validation: WeightedSamples | None) -> Callable[[], float] | None:
        if validation is None:
            return None
        metric = r2_score if is_regressor(self) else accuracy_score
        return lambda: float(
            metric(
                validation.y,
                self._decode_output(self.model_.predict(validation.x)),
                sample_weight=validation.weight,
            )
        )

    def _build_model(self, seed: int, batch_weight: float, resume: bool) -> None:
        """Build `model_` for batches of that total weight; `resume` copies the current weights."""
        penalty = L2(float(np.float32(self.alpha / (2 * batch_weight)))) if self.alpha else None
        last_activation, loss = self._head()
        layers = [
            Input(self.n_features_in_),
            *self._hidden_layers(penalty),
            Dense(self.n_outputs_, activation=last_activation, kernel_regularizer=penalty),
        ]
        model, solver = Sequential(layers, seed=seed), self.solver
        if isinstance(solver, str):
            solver = replace(
                lookup("solver", solver, SOLVERS), learning_rate=float(self.learning_rate_init)
            )
        model.compile(solver, loss)
        if resume:
            model.set_weights(self.model_.get_weights())
        self.model_ = model

    def _hidden_layers(self, penalty: L2 | None) -> list[Layer]:
        if self.layers is not None:
            layers = list(self.layers)
            last_activation = getattr(layers[-1], "activation", None) if layers else None
            require(
                last_activation != "softmax",
                "layers",
                "hidden layers, without a softmax at the end",
                last_activation=last_activation,
                fix="Remove the softmax: the output layer is added for you.",
            )
            return layers
        activation = self.activation
        if isinstance(activation, str):
            activation = SKLEARN_ACTIVATIONS.get(activation, activation)
        layers = []
        for units in np.atleast_1d(self.hidden_layer_sizes):
            layers.append(Dense(int(units), activation=activation, kernel_regularizer=penalty))
            if self.dropout:
                layers.append(Dropout(self.dropout))
        return layers

    def _predict_raw(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self.model_.predict(validate_data(self, X, dtype=FLOAT_DTYPES, reset=False))

    @property
    def coefs_(self) -> list[np.ndarray]:
        """The kernel (inputs, units) of every layer, in a network of Dense layers."""
        return self._dense_weights("coefs_", "kernel")

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """The bias (units,) of every layer, in a network of Dense layers."""
        return self._dense_weights("intercepts_", "bias")

    def _dense_weights(self, attribute: str, name: str) -> list[np.ndarray]:
        check_is_fitted(self)
        others = [
            view.name
            for view in self.model_.layers
            if not isinstance(view.layer, Dense | Dropout | Activation)
        ]
        if others:
            raise MissingError(
                message(
                    attribute, "a network of Dense layers", others=others, fix="See model_.params."
                )
            )
        return [params[name] for params in self.model_.params.values()]
