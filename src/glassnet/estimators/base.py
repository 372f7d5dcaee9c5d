"""Base class of both estimators: builds a `Sequential` from scikit-learn's settings and fits it."""

from __future__ import annotations

import copy
import math
import threading
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, is_regressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import Tags, check_array, check_random_state, column_or_1d
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from glassnet.data import arrays
from glassnet.data.frames import is_frame
from glassnet.data.split import random_split, stratified_split
from glassnet.data.table import Table, read_table
from glassnet.errors import (
    MAX_SEED,
    DataError,
    MissingError,
    is_float32,
    is_int,
    is_number,
    lookup,
    message,
    require,
)
from glassnet.estimators import rows, snapshots
from glassnet.estimators.rows import SparseBatches, WeightedSamples
from glassnet.estimators.stopping import LEARNING_RATES, NoImprovementStopping, RateRule
from glassnet.inspection.snapshot import Snapshot
from glassnet.layers import Activation, Dense, Dropout, Input, Layer
from glassnet.losses import Loss
from glassnet.models.sequential import Sequential
from glassnet.optimizers import OPTIMIZERS, SGD, Adam, Optimizer
from glassnet.preprocessing.encoder import Encoder
from glassnet.preprocessing.tabular import TabularPreprocessor
from glassnet.preprocessing.targets import Target
from glassnet.regularizers import L2
from glassnet.storage import pickling
from glassnet.suggestions import suggest_names

SKLEARN_ACTIVATIONS = {"logistic": "sigmoid", "identity": "linear"}
"""Scikit-learn's names of activations that differ from Glassnet's."""

FLOAT_DTYPES = (np.float64, np.float32)

_FITTING: set[int] = set()
"""The ids of the estimators that are being fitted. An attribute would be copied with them."""

_FITTING_LOCK = threading.Lock()


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool | np.bool_)


def _is_fraction(value: Any) -> bool:
    return is_number(value) and 0 <= value < 1


def _is_verbose(value: Any) -> bool:
    return _is_bool(value) or is_int(value, least=0) or (isinstance(value, str) and value == "auto")


PARAMETER_CONSTRAINTS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "layers": ("a list of layers or None", lambda v: v is None or isinstance(v, list | tuple)),
    "hidden_layer_sizes": (
        "an int >= 1 or a list of them",
        lambda v: all(is_int(units, least=1) for units in np.atleast_1d(v)),
    ),
    "dropout": ("a fraction from 0 to below 1", _is_fraction),
    "alpha": ("a number >= 0", lambda v: is_float32(v) and v >= 0),
    "learning_rate": (
        '"constant", "invscaling" or "adaptive"',
        lambda v: isinstance(v, str) and v in LEARNING_RATES,
    ),
    "learning_rate_init": ("a number > 0", lambda v: is_float32(v) and v > 0),
    "power_t": ("a number >= 0", lambda v: is_number(v) and v >= 0),
    "batch_size": (
        'an int >= 1, "auto" or "full"',
        lambda v: is_int(v, least=1) or v in ("auto", "full"),
    ),
    "max_iter": ("an int >= 1", lambda v: is_int(v, least=1)),
    "shuffle": ("a bool", _is_bool),
    "tol": ("a number >= 0", lambda v: is_number(v) and v >= 0),
    "verbose": ('a bool, an int >= 0 or "auto"', _is_verbose),
    "warm_start": ("a bool", _is_bool),
    "momentum": ("a number from 0 to below 1", _is_fraction),
    "nesterovs_momentum": ("a bool", _is_bool),
    "early_stopping": ("a bool", _is_bool),
    "validation_fraction": ("a number between 0 and 1", lambda v: is_number(v) and 0 < v < 1),
    "beta_1": ("a number from 0 to below 1", _is_fraction),
    "beta_2": ("a number from 0 to below 1", _is_fraction),
    "epsilon": ("a number > 0", lambda v: is_float32(v) and v > 0),
    "n_iter_no_change": ("an int >= 1 or inf", lambda v: is_int(v, least=1) or v == math.inf),
    "max_fun": ("an int >= 1", lambda v: is_int(v, least=1)),
}
"""The allowed values of each setting. The others are checked where they are used."""


@contextmanager
def _one_fit_at_a_time(estimator: BaseEstimator) -> Iterator[None]:
    """Run a fit of the estimator, and refuse another one until it has ended."""
    with _FITTING_LOCK:
        is_running = id(estimator) in _FITTING
        fix = "Wait until it has ended, or fit a clone: sklearn.base.clone(estimator)."
        expected = "no other fit of this estimator to be running"
        require(not is_running, type(estimator).__name__, expected, fix=fix)
        _FITTING.add(id(estimator))
    try:
        yield
    finally:
        _FITTING.discard(id(estimator))


@suggest_names
class BaseNeuralNetwork(BaseEstimator, ABC):  # type: ignore[misc]
    """Base class of `NeuralClassifier` and `NeuralRegressor`."""

    model_: Sequential
    loss_curve_: list[float]
    n_outputs_: int
    out_activation_: str
    encoder_: Encoder | None
    t_: int
    _target_shape: tuple[int, ...]
    _medians: np.ndarray | None
    _plateau: NoImprovementStopping | None
    _dtype: np.dtype[Any]
    _loss_offset: float = 0.0

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
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.layers = layers
        self.dropout = dropout
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun

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

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

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
    def _make_target(self, name: str) -> Target:
        """Return the encoding of the targets, for the views."""

    def _scale_targets(self, y: np.ndarray) -> np.ndarray:
        """Return encoded targets as the network learns them."""
        return y

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
        """Fit, or if `incremental` train one epoch from the current optimizer state.

        Raises:
            ConfigError: another thread is fitting this estimator.
        """
        with _one_fit_at_a_time(self):
            return self._fit_alone(X, y, sample_weight, incremental, classes)

    def _fit_alone(
        self, X: Any, y: Any, sample_weight: Any, incremental: bool, classes: Any
    ) -> Self:
        self._check_settings(incremental)
        resume = (incremental or self.warm_start) and hasattr(self, "model_")
        seed = self._draw_seed()
        samples, validation = self._validate_samples(X, y, sample_weight, resume, classes), None
        if self.early_stopping:
            samples, validation = self._split_validation(samples, np.random.default_rng((seed, 2)))
        samples = self._to_numbers(samples, resume)
        if self.batch_size == "full":
            samples = samples.merge_duplicates()
        samples = self._prepare(samples, resume)
        n = rows.count_rows(samples.x)
        batch_size, mean_weight = self._resolve_batch_size(n), samples.weight.mean()
        if not (incremental and resume):
            self._build_model(seed, batch_size * mean_weight, resume)
        stopping = self._make_stopping(n, validation, resume, incremental)
        samples = samples._replace(weight=self._count_losses() * samples.weight / mean_weight)
        history = self.model_.fit(
            **self._training_data(samples, batch_size, seed),
            epochs=1 if incremental else self.max_iter,
            verbose=self.verbose if isinstance(self.verbose, str) else min(int(self.verbose), 2),
            callbacks=stopping,
            observe=False,
        )
        self.t_ = stopping.n_rows_seen
        losses = [loss + self._loss_offset for loss in history.history.get("loss", [])]
        self._set_results(losses, [] if incremental else stopping.scores, resume)
        if not (incremental or history.stopped):
            warnings.warn(self._convergence_message(), ConvergenceWarning, stacklevel=4)
        return self

    def _training_data(
        self, samples: WeightedSamples, batch_size: int, seed: int
    ) -> dict[str, Any]:
        """Return the arguments of the model's `fit`: arrays, or sparse rows as batches."""
        if sparse.issparse(samples.x):
            return {"x": SparseBatches(samples, batch_size, seed if self.shuffle else None)}
        arguments = {"x": samples.x, "y": samples.y, "sample_weight": samples.weight}
        return arguments | {"batch_size": batch_size, "shuffle": self.shuffle}

    def _count_losses(self) -> int:
        """Return the factor of the loss: ours is a mean over outputs, scikit-learn's is a sum."""
        return self.n_outputs_ if self.out_activation_ in ("logistic", "exp") else 1

    def _make_stopping(
        self, n: int, validation: WeightedSamples | None, resume: bool, incremental: bool
    ) -> NoImprovementStopping:
        """Return the stopping rule; the calls of `partial_fit` share one."""
        if incremental and resume and self._plateau is not None:
            self._plateau.n_rows = n
            return self._plateau
        kind = self.learning_rate if self.solver == "sgd" else "constant"
        rule = RateRule(kind, float(self.learning_rate_init), float(self.power_t))
        score, n_rows_seen = self._make_scorer(validation), self.t_ if resume else 0
        patience = self.n_iter_no_change
        stopping = NoImprovementStopping(self.tol, patience, score, rule, n, n_rows_seen)
        self._plateau = stopping if incremental else None
        return stopping

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
        if is_int(self.random_state, least=0, most=MAX_SEED):
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
        X, y = self._validate_xy(X, y, resume)
        y = column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y
        weight = (
            np.ones(len(y))
            if sample_weight is None
            else np.asarray(arrays.check_sample_weight(sample_weight, len(y)), float)
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

    def _validate_xy(self, X: Any, y: Any, resume: bool) -> tuple[Any, np.ndarray]:
        """Return numbers, sparse rows or a table, and the targets."""
        for name, value in (("X", X), ("y", y)):
            arrays.require_unmasked(value, name)
            rows.require_readable(value, name)
        is_framed = is_frame(X)
        if resume:
            uses_table = self.encoder_ is not None
        else:
            uses_table = is_framed and not rows.has_only_numbers(X)
        if not resume:
            self._dtype, self._medians = np.dtype(np.float64), None
        if uses_table and is_framed:
            validate_data(self, X, skip_check_array=True, reset=not resume)
            dtype = "numeric" if is_regressor(self) else None
            y = check_array(y, ensure_2d=False, dtype=dtype, estimator=self, input_name="y")
            check_consistent_length(X, y)
            return read_table(X), y
        x, y = validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            multi_output=True,
            y_numeric=is_regressor(self),
            dtype=FLOAT_DTYPES,
            reset=not resume,
        )
        if not resume:
            self._dtype, self.encoder_ = x.dtype, None
            self._medians = np.median(x, axis=0) if is_framed else None
        return x, y

    def _to_numbers(self, samples: WeightedSamples, resume: bool) -> WeightedSamples:
        """Return the samples with the rows of a table encoded, and small sparse rows dense."""
        if isinstance(samples.x, Table):
            if not resume:
                self.encoder_ = rows.fit_features(samples.x)
            assert self.encoder_ is not None
            return samples._replace(x=rows.encode(self.encoder_, samples.x))
        n = rows.count_rows(samples.x)
        return samples._replace(x=rows.densify(samples.x, self._resolve_batch_size(n)))

    def _split_validation(
        self, samples: WeightedSamples, rng: np.random.Generator
    ) -> tuple[WeightedSamples, WeightedSamples]:
        n, fraction = len(samples.y), self.validation_fraction
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
                self._decode_output(self._infer(validation.x)),
                sample_weight=validation.weight,
            )
        )

    def _build_model(self, seed: int, batch_weight: float, resume: bool) -> None:
        """Build `model_` for batches of that total weight; `resume` copies the current weights."""
        penalty = L2(float(np.float32(self.alpha / (2 * batch_weight)))) if self.alpha else None
        last_activation, loss = self._head()
        layers = [
            Input(len(self.encoder_.feature_names) if self.encoder_ else self.n_features_in_),
            *self._hidden_layers(penalty),
            Dense(self.n_outputs_, activation=last_activation, kernel_regularizer=penalty),
        ]
        model, solver = Sequential(layers, seed=seed), self.solver
        model.keeps_row_fingerprints = False
        model.compile(self._make_optimizer() if isinstance(solver, str) else solver, loss)
        if resume:
            model.set_weights(self.model_.get_weights())
        self.model_ = model

    def _make_optimizer(self) -> Optimizer:
        """Return the optimizer called `solver`: "sgd" and "adam" with scikit-learn's settings."""
        make: Any = lookup("solver", str(self.solver), OPTIMIZERS)
        optimizer: Optimizer = make(learning_rate=float(self.learning_rate_init))
        if isinstance(optimizer, SGD):
            nesterov = bool(self.nesterovs_momentum and self.momentum)
            return replace(optimizer, momentum=float(self.momentum), nesterov=nesterov)
        if type(optimizer) is Adam:
            beta_1, beta_2 = float(self.beta_1), float(self.beta_2)
            return replace(optimizer, beta_1=beta_1, beta_2=beta_2, epsilon=float(self.epsilon))
        return optimizer

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

    def _validate_rows(self, X: Any) -> Any:
        """Return rows to predict: numbers, sparse rows or a table."""
        check_is_fitted(self)
        arrays.require_unmasked(X, "X")
        rows.require_readable(X, "X")
        is_framed = is_frame(X)
        if self.encoder_ is not None:
            who, received = type(self).__name__, type(X).__name__
            expected = f"a frame with the {self.n_features_in_} columns of training"
            require(is_framed, who, expected, error=DataError, X=received)
            validate_data(self, X, skip_check_array=True, reset=False)
            return read_table(X)
        if self._medians is not None and is_framed and not rows.has_only_numbers(X):
            validate_data(self, X, skip_check_array=True, reset=False)
            return rows.fill_gaps(X, self._medians)
        return validate_data(self, X, accept_sparse="csr", dtype=FLOAT_DTYPES, reset=False)

    def _infer(self, x: Any) -> np.ndarray:
        """Return the outputs of the network for the rows of `_validate_rows`."""
        if isinstance(x, Table):
            x = self._encode_table(x)
        if sparse.issparse(x):
            return np.concatenate(
                [self.model_.predict(part, verbose=0) for part in rows.iter_dense(x)]
            )
        return self.model_.predict(x, verbose=0)

    def _predict_raw(self, X: Any) -> np.ndarray:
        return self._infer(self._validate_rows(X))

    def take_snapshot(
        self,
        x: Any = None,
        y: Any = None,
        sample_weight: Any = None,
        *,
        targets: str = "optional",
        target: str | None = None,
    ) -> Snapshot:
        """Return what the views of `gn.inspection` read: network, weights and encoded rows.

        So they take a fitted estimator in place of a model: `gn.inspection.mistakes(estimator, X,
        y)`.

        Args:
            x: rows that `predict` takes; None for the weights alone.
            y: targets that `fit` takes, or None.
            sample_weight: a weight per row, for the loss.
            targets: "required", "optional" (used if there are any) or "none".
            target: None, since an estimator's targets are y.

        Raises:
            DataError: rows or targets that cannot be used, or no targets if they are required.
            ConfigError: `target` is set.
        """
        check_is_fitted(self)
        expected, fix = "target=None for an estimator", "Its targets are y."
        require(target is None, "take_snapshot", expected, target=target, fix=fix)
        if targets == "none":
            y = None
        is_complete = x is None or y is not None or targets != "required"
        require(is_complete, "y", "targets", error=DataError, y=None, fix="Pass y.")
        name = getattr(y, "name", None)
        encoding = self._make_target(name if isinstance(name, str) else "y")
        preprocessor = snapshots.make_preprocessor(self.encoder_, self._names(), encoding)
        if x is None:
            return replace(self.model_.take_snapshot(), preprocessor=preprocessor)
        validated = self._validate_rows(x)
        is_table = isinstance(validated, Table)
        numbers = self._encode_table(validated) if is_table else snapshots.to_dense(validated)
        encoded = None if y is None else self._encode_known_targets(y)
        weight = None if y is None else sample_weight
        snapshot = self.model_.take_snapshot(numbers, encoded, weight, targets=targets)
        original = validated if isinstance(preprocessor, TabularPreprocessor) else None
        return replace(snapshot, preprocessor=preprocessor, original=original)

    def _names(self) -> tuple[str, ...]:
        """Return the names of the features of rows of numbers."""
        names = getattr(self, "feature_names_in_", None)
        if names is None:
            names = [f"x{i + 1}" for i in range(self.n_features_in_)]
        return tuple(map(str, names))

    def _encode_table(self, table: Table) -> np.ndarray:
        assert self.encoder_ is not None
        return rows.encode(self.encoder_, table)

    def _encode_known_targets(self, y: Any) -> np.ndarray:
        """Return targets as the network learns them.

        Raises:
            DataError: a label that training did not have, or another number of targets per row.
        """
        dtype = "numeric" if is_regressor(self) else None
        y = check_array(y, ensure_2d=False, dtype=dtype, estimator=self, input_name="y")
        y = column_or_1d(y) if y.ndim == 2 and y.shape[1] == 1 else y
        fits, expected = y.shape[1:] == self._target_shape, "targets of the same shape as in fit"
        require(fits, type(self).__name__, expected, error=DataError, shape=y.shape)
        encoded = self._encode_targets(y, True, None)
        return self._scale_targets(encoded)

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
