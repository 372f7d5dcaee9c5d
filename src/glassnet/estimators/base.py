"""What both estimators are: settings in scikit-learn's words, how they become a `Sequential`, and
how that is fitted.
"""

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
from glassnet.callbacks.callback import Logs
from glassnet.data import arrays
from glassnet.data.split import random_split, stratified_split
from glassnet.engine.loop import Decision
from glassnet.errors import DataError, MissingError, is_int, is_number, lookup, message, require
from glassnet.layers import Activation, Dense, Dropout, Input, Layer
from glassnet.losses import Loss
from glassnet.models.sequential import Sequential
from glassnet.optimizers import OPTIMIZERS, SGD, Adam, Optimizer
from glassnet.regularizers import L2
from glassnet.storage import pickling

SOLVERS: dict[str, Optimizer] = {name: make() for name, make in OPTIMIZERS.items()}
SOLVERS |= {"sgd": SGD(momentum=0.9, nesterov=True), "adam": Adam(epsilon=1e-8)}
"""Optimizers by name: the two that scikit-learn has are as it has them, the others as Keras has
them.
"""

SKLEARN_ACTIVATIONS = {"logistic": "sigmoid", "identity": "linear"}
"""Scikit-learn's names for activations that have others here."""

FLOAT_DTYPES = (np.float64, np.float32)


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool | np.bool_)


PARAMETER_CONSTRAINTS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "layers": ("a list of layers or None", lambda v: v is None or isinstance(v, list | tuple)),
    "hidden_layer_sizes": (
        "an int >= 1 or a list of them",
        lambda v: all(is_int(units, least=1) for units in np.atleast_1d(v)),
    ),
    "dropout": ("the fraction zeroed, from 0 to below 1", lambda v: is_number(v) and 0 <= v < 1),
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
"""What each setting must be; the others are checked by what they are handed to."""


class WeightedSamples(NamedTuple):
    """Rows on the host: x (n, features), y (n, ...) and weights (n,)."""

    x: np.ndarray
    y: np.ndarray
    weight: np.ndarray

    def take(self, index: np.ndarray) -> WeightedSamples:
        """Some of the rows."""
        return WeightedSamples(*(a[index] for a in self))

    def merge_duplicates(self) -> WeightedSamples:
        """Equal rows as one that has their weights' sum, in an order of its own: two rows or one of
        weight 2 then give the same bits.
        """
        table = np.column_stack([self.x, self.y])
        _, first, place = np.unique(table, axis=0, return_index=True, return_inverse=True)
        return self.take(first)._replace(weight=np.bincount(place.ravel(), self.weight))


class NoImprovementStopping(Callback):
    """Scikit-learn's rule: stop after more than `epochs` epochs in a row that did not beat the best
    so far by `tol` or more.

    Args:
        tol: in units of the score, or of the loss.
        epochs: how many such epochs are forgiven.
        score: asked after every epoch, more is better, and the run ends with the best epoch's
            weights; None goes by the training loss.
    """

    def __init__(self, tol: float, epochs: float, score: Callable[[], float] | None):
        self.tol, self.epochs, self.score = tol, epochs, score
        self.scores: list[float] = []
        self.no_improvement_count = 0

    def on_epoch_end(self, epoch: int, logs: Logs) -> Decision:
        value, best = (
            self.score() if self.score else -logs["loss"],
            max(self.scores, default=-math.inf),
        )
        self.scores.append(value)
        self.no_improvement_count = self.no_improvement_count + 1 if value < best + self.tol else 0
        stop = None
        if self.no_improvement_count > self.epochs:
            what = "validation score" if self.score else "training loss"
            stop = f"the {what} did not improve by {self.tol:g} for more than {self.epochs} epochs"
        return Decision(stop, keep_weights=self.score is not None and value > best)


class BaseNeuralNetwork(BaseEstimator, ABC):
    """What both estimators are."""

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
        """Of what never changes no copy is made: that of a jitted function has lost its name, and
        would be compiled again.
        """
        return (
            super()
            .__sklearn_clone__()
            .set_params(
                activation=self.activation, layers=copy.copy(self.layers), solver=self.solver
            )
        )

    def __getstate__(self) -> dict[str, Any]:
        """For pickle: the model first, as it says best what cannot be saved."""
        state = super().__getstate__()
        first = {name: state[name] for name in state if name == "model_"}
        return first | state | {"activation": pickling.to_reference(self.activation)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        given = state["activation"]
        function = (
            given.function if isinstance(given, pickling.FunctionReference) else given
        )  # copy.copy hands over what pickle would replace
        super().__setstate__(state | {"activation": function})

    @abstractmethod
    def _encode_targets(self, y: np.ndarray, resume: bool, classes: Any) -> np.ndarray:
        """Targets as numbers; sets `n_outputs_` and `out_activation_` unless `resume`."""

    @abstractmethod
    def _prepare(self, samples: WeightedSamples, resume: bool) -> WeightedSamples:
        """Encoded rows as they are trained on."""

    @abstractmethod
    def _decode_output(self, output: np.ndarray) -> np.ndarray:
        """What the network gives, in the terms of `_encode_targets`."""

    @abstractmethod
    def _head(self) -> tuple[str | None, Loss]:
        """The last layer's activation, and the loss."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train from new weights; with `warm_start`, from those of the fit before.

        Args:
            X: rows (n, features).
            y: targets (n,) or (n, outputs).
            sample_weight: a weight per row, (n,), of which only the ratios count (and their sum,
                for `alpha`). One of 0 leaves the row out.

        Raises:
            ConfigError: a setting out of range.
            DataError: rows, targets or weights that cannot be used.
        """
        return self._fit(X, y, sample_weight, incremental=False)

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, *, incremental: bool, classes: Any = None
    ) -> Self:
        """Fit, or take one `incremental`: an epoch that goes on with what the optimizer
        remembers.
        """
        who = type(self).__name__
        for name, (expected, ok) in PARAMETER_CONSTRAINTS.items():
            given = getattr(self, name)
            require(ok(given), who, f"{name} to be {expected}", **{name: given})
        fix = "One pass over the rows knows no best epoch: hold rows out yourself, and ask score."
        require(
            not (incremental and self.early_stopping),
            "partial_fit",
            "early_stopping=False",
            early_stopping=True,
            fix=fix,
        )
        begun = (incremental or self.warm_start) and hasattr(self, "model_")
        seed = (
            self.random_state
            if is_int(self.random_state, least=0)
            else check_random_state(self.random_state).randint(2**31 - 1)
        )
        rows, held = self._validate_samples(X, y, sample_weight, begun, classes), None
        if self.early_stopping:
            rows, held = self._split_validation(rows, np.random.default_rng((seed, 2)))
        rows = self._prepare(rows.merge_duplicates() if self.batch_size == "full" else rows, begun)
        n, mean_weight, wanted = len(rows.x), rows.weight.mean(), self.batch_size
        size = n if wanted == "full" else min(200 if wanted == "auto" else int(wanted), n)
        if not (incremental and begun):
            self._build_model(int(seed), size * mean_weight, begun)
        patience = NoImprovementStopping(self.tol, self.n_iter_no_change, self._make_scorer(held))
        outputs = (
            self.n_outputs_ if self.out_activation_ == "logistic" else 1
        )  # the loss is a mean over them, scikit-learn's is a sum
        history = self.model_.fit(
            rows.x,
            rows.y,
            batch_size=size,
            epochs=1 if incremental else self.max_iter,
            verbose=self.verbose,
            callbacks=() if incremental else patience,
            shuffle=self.shuffle,
            sample_weight=outputs * rows.weight / mean_weight,
            observe=False,
        )
        losses = history.history.get("loss", [])
        self.n_iter_, self.loss_ = len(losses), losses[-1] if losses else math.nan
        self.loss_curve_ = (self.loss_curve_ if begun else []) + losses
        self.best_loss_ = None if held else min(self.loss_curve_, default=math.nan)
        self.validation_scores_ = patience.scores if held else None
        self.best_validation_score_ = max(patience.scores, default=math.nan) if held else None
        if not (incremental or history.stopped):
            text = message(
                who,
                f"to converge in {self.max_iter} epochs",
                loss=self.loss_,
                fix="Raise max_iter, tol or the learning rate.",
            )
            warnings.warn(text, ConvergenceWarning, stacklevel=3)
        return self

    def _validate_samples(
        self, X: Any, y: Any, sample_weight: Any, resume: bool, classes: Any
    ) -> WeightedSamples:
        """The rows that have a weight, checked, with targets as numbers."""
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
        rows, target = WeightedSamples(X, y, weight).take(weight > 0), y.shape[1:]
        known, fix = (
            not resume or target == self._target_shape,
            "Its network is made: turn warm_start off, or take a new estimator.",
        )
        require(
            known,
            type(self).__name__,
            "targets of the shape that it knows",
            error=DataError,
            shape=y.shape,
            fix=fix,
        )
        self._target_shape = target
        return rows._replace(y=self._encode_targets(rows.y, resume, classes))

    def _split_validation(
        self, samples: WeightedSamples, rng: np.random.Generator
    ) -> tuple[WeightedSamples, WeightedSamples]:
        n, fraction = len(samples.x), self.validation_fraction
        fix = "Raise validation_fraction, or use more rows."
        require(
            round(n * fraction) > 1,
            "early_stopping",
            "two rows held out or more",
            error=DataError,
            rows=n,
            fraction=fraction,
            fix=fix,
        )
        stratified = samples.y.ndim == 1 and not is_regressor(self)
        kept, held = (
            stratified_split(samples.y, fraction, rng)
            if stratified
            else random_split(n, fraction, rng)
        )
        return samples.take(kept), samples.take(held)

    def _make_scorer(self, validation: WeightedSamples | None) -> Callable[[], float] | None:
        if validation is None:
            return None
        measure = r2_score if is_regressor(self) else accuracy_score
        return lambda: float(
            measure(
                validation.y,
                self._decode_output(self.model_.predict(validation.x)),
                sample_weight=validation.weight,
            )
        )

    def _build_model(self, seed: int, batch_weight: float, resume: bool) -> None:
        """Make `model_` for batches of that weight; where it has `resume`, with the weights that it
        has.
        """
        cost = L2(float(np.float32(self.alpha / (2 * batch_weight)))) if self.alpha else None
        activation = (
            SKLEARN_ACTIVATIONS.get(self.activation, self.activation)
            if isinstance(self.activation, str)
            else self.activation
        )
        layers: list[Layer] = [] if self.layers is None else list(self.layers)
        for units in np.atleast_1d(self.hidden_layer_sizes) if self.layers is None else ():
            layers.append(Dense(int(units), activation=activation, kernel_regularizer=cost))
            layers += [Dropout(self.dropout)] if self.dropout else []
        ends, fix = (
            getattr(layers[-1], "activation", None) if layers else None,
            "Leave the softmax out: a last layer that fits y is added.",
        )
        require(ends != "softmax", "layers", "the layers before the last", ends_in=ends, fix=fix)
        last, loss = self._head()
        layers = [
            Input(self.n_features_in_),
            *layers,
            Dense(self.n_outputs_, activation=last, kernel_regularizer=cost),
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

    def _predict_raw(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self.model_.predict(validate_data(self, X, dtype=FLOAT_DTYPES, reset=False))

    @property
    def coefs_(self) -> list[np.ndarray]:
        """Every layer's kernel (inputs, units), in a network of Dense layers."""
        return self._dense_weights("coefs_", "kernel")

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """Every layer's bias (units,), in a network of Dense layers."""
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
