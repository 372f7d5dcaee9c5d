"""A neural network for classification with the interface of scikit-learn's MLPClassifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from glassnet.data import arrays
from glassnet.errors import DataError, is_number, require
from glassnet.estimators.base import BaseNeuralNetwork
from glassnet.estimators.rows import WeightedSamples
from glassnet.estimators.snapshots import NumericTargets
from glassnet.losses import BinaryCrossentropy, Loss, SparseCategoricalCrossentropy
from glassnet.optimizers import Optimizer
from glassnet.preprocessing.targets import ClassTarget, Target


class NeuralClassifier(ClassifierMixin, BaseNeuralNetwork):  # type: ignore[misc]
    """Classification network trained on the cross-entropy, with the interface of scikit-learn.

    The loss is l = -log p(class), plus alpha / (2 m) sum w^2 over the kernels. The output layer is
    one sigmoid for two classes, a softmax for K classes, and K sigmoids for K columns of 0 and 1
    (several labels per row). Labels can be of any type. As usual in scikit-learn, `fit` checks the
    settings.

    Rows are an array, a sparse matrix or a frame. The columns of a frame may be text, categories,
    dates, booleans and numbers with gaps. They are then encoded and standardized as `fit` of a
    `Sequential` does with a table, from the training rows alone. Numbers without gaps are used as
    they are, in a frame too: use a StandardScaler. A sparse matrix is made dense: at once up to
    256 MiB, else batch by batch. A batch may have up to 1 GiB as dense numbers.

    Training stops if the loss (with `early_stopping`, the validation score) has not improved by
    `tol` for more than `n_iter_no_change` epochs. If a fit reaches `max_iter` first, it warns
    (scikit-learn's ConvergenceWarning).

    Args:
        hidden_layer_sizes: units of each hidden layer; an int for one layer, () for none.
        activation: activation of the hidden layers: a name of Glassnet's or scikit-learn's, or a
            JAX function.
        layers: a list of Glassnet layers to use as the hidden layers; the output layer is added.
            Rows are flat: for images, start with Reshape. `alpha` then applies to the output layer
            only, and `dropout` is ignored.
        dropout: fraction of each hidden layer's outputs that is set to 0 in training.
        solver: "sgd" or "adam" as in scikit-learn, another name of `glassnet.optimizers`, or an
            optimizer with its own learning rate. "lbfgs" does not exist here.
        alpha: the L2 penalty, alpha / (2 m) sum w^2 for a batch of m rows. With sample weights, m
            is the mean total weight of a batch.
        batch_size: rows per step; "auto" for min(200, n), "full" for all. In a full batch, integer
            weights are equivalent to repeated rows, bit for bit (unless a layer draws random
            numbers or computes batch statistics).
        learning_rate: how the rate of "sgd" changes: "constant"; "invscaling" for
            learning_rate_init / (t + 1)^power_t, set after each epoch, with `t_` rows seen so far;
            "adaptive" to divide it by 5 instead of stopping, until it is below 1e-6.
        learning_rate_init: the learning rate, if `solver` is a name.
        power_t: the exponent of "invscaling".
        max_iter: the maximum number of epochs.
        shuffle: whether to shuffle the rows in each epoch.
        random_state: an int is the seed of the model: every fit gives the same bits. A RandomState
            or None draws a seed.
        tol: the smallest improvement that counts, in units of the loss (nats) or of the score.
        verbose: True or 1 for a live line, 2 or more for a line per epoch.
        warm_start: if True, `fit` starts from the weights of the previous fit, with the current
            settings.
        momentum: the momentum of "sgd".
        nesterovs_momentum: whether "sgd" uses Nesterov's momentum.
        early_stopping: if True, holds out validation rows, stops by their score, and restores the
            weights of the best epoch.
        validation_fraction: the fraction of the rows held out for `early_stopping`, stratified by
            class.
        beta_1: the decay of the mean gradient of "adam".
        beta_2: the decay of the mean squared gradient of "adam".
        epsilon: the number that "adam" adds to the root of the mean squared gradient.
        n_iter_no_change: the number of epochs in a row without an improvement that are tolerated.
        max_fun: has no effect: only scikit-learn's "lbfgs" uses it.
        class_weight: {class: weight}, with weight 1 for missing classes, or "balanced" for
            n / (K n_k). Validation rows are scored without it.

    Attributes:
        classes_: the sorted labels: the columns of `predict_proba`.
        model_: the fitted `Sequential`.
        loss_curve_: the loss of every epoch, continued by `partial_fit` and `warm_start`. `loss_`
            is the last one.
        best_loss_: the smallest loss; None with `early_stopping`.
        validation_scores_: with `early_stopping`, the accuracy of the validation rows after every
            epoch, else None. The same holds for `best_validation_score_`.
        n_iter_: the number of epochs of the last call.
        t_: the number of rows trained on so far, counted once per epoch.
        encoder_: the encoding of a frame's columns; None if the rows are numbers without gaps.
        n_outputs_, out_activation_: units and activation of the output layer, in scikit-learn's
            names.
        n_features_in_, feature_names_in_: the number of features and their names.

    Raises:
        ConfigError, DataError: see `fit`.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True)
        >>> model = NeuralClassifier((16,), learning_rate_init=0.05, batch_size=32, random_state=0)
        >>> model.fit(X, y).score(X, y) > 0.9
        True

    Source: scikit-learn's MLPClassifier. `dropout` is an addition.
    """

    classes_: np.ndarray

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
        class_weight: Any = None,
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
        self.class_weight = class_weight

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train one epoch, continuing from the previous `fit` or `partial_fit`.

        The network, the optimizer and the factor of `alpha` are fixed in the first call: pass a
        batch of the usual size there.

        Args:
            X: rows (n, features).
            y: labels (n,), or columns of 0 and 1 (n, K).
            classes: all labels; required in the first call, unless y has columns.
            sample_weight: a weight per row, (n,).

        Raises:
            ConfigError, DataError: see `fit`; also if `early_stopping` is True, or the first call
                has no `classes`.
        """
        require(
            hasattr(self, "model_") or classes is not None or np.ndim(y) == 2,
            "partial_fit",
            "classes in the first call",
            error=DataError,
            classes=None,
            fix="A batch may not contain every class: pass classes=np.unique(all_labels).",
        )
        if hasattr(self, "model_") and classes is not None:
            is_same = np.array_equal(np.unique(classes), self.classes_)
            expected, fix = "the classes of the first call", "Leave them out after the first call."
            first, received = self.classes_.tolist(), np.unique(classes).tolist()
            require(
                is_same,
                "partial_fit",
                f"{expected}, {first}",
                error=DataError,
                classes=received,
                fix=fix,
            )
        return self._fit(X, y, sample_weight, incremental=True, classes=classes)

    def predict(self, X: Any) -> np.ndarray:
        """Predict the most probable label of each row of X (n, features).

        With several labels per row, the result has columns of 0 and 1.
        """
        return self._to_labels(self._decode_output(self._predict_raw(X)))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class in `classes_`, (n, K).

        With several labels per row, the probabilities of a row are independent.
        """
        p = self._predict_raw(X)
        return np.column_stack([1 - p, p]) if self.n_outputs_ == 1 else p

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the logarithm of `predict_proba`; -inf if a probability is 0 in float32."""
        with np.errstate(divide="ignore"):
            log_proba: np.ndarray = np.log(self.predict_proba(X))
        return log_proba

    def _encode_targets(self, y: np.ndarray, resume: bool, classes: Any) -> np.ndarray:
        who = type(self).__name__
        labels = y.flat if y.dtype == object else ()
        missing = [row for row, label in enumerate(labels) if label is None]
        require(
            not missing,
            who,
            "a label in every row",
            error=DataError,
            rows=len(missing),
            first_row=next(iter(missing), None),
            fix="None is no label: leave out such rows, or write a word.",
        )
        check_classification_targets(y)
        has_columns = y.ndim == 2
        require(
            not has_columns or type_of_target(y) == "multilabel-indicator",
            who,
            "one label per row, or columns of 0 and 1",
            error=DataError,
            y=type_of_target(y),
            fix="For several targets of more than two classes, use scikit-learn's "
            "MultiOutputClassifier.",
        )
        if not resume:
            self._set_classes(np.arange(y.shape[1]) if has_columns else y, classes, has_columns)
        if has_columns:
            return y
        unknown = np.setdiff1d(y, self.classes_)
        require(
            not len(unknown),
            who,
            "labels of known classes",
            error=DataError,
            unknown=unknown.tolist(),
            fix=f"The classes are {self.classes_.tolist()}.",
        )
        return np.searchsorted(self.classes_, y)

    def _set_classes(self, labels: np.ndarray, classes: Any, has_columns: bool) -> None:
        """Set `classes_` and the output layer from the labels, or from `classes` if passed."""
        self.classes_ = np.unique(labels if classes is None or has_columns else classes)
        k = len(self.classes_)
        require(
            k > 1,
            type(self).__name__,
            "at least two classes, not one class",
            error=DataError,
            classes=self.classes_.tolist(),
            fix="With one class there is nothing to learn.",
        )
        self.n_outputs_ = 1 if k == 2 and not has_columns else k
        self.out_activation_ = "softmax" if k > 2 and not has_columns else "logistic"

    def _prepare(self, samples: WeightedSamples, resume: bool) -> WeightedSamples:
        if self.class_weight is None:
            return samples
        who = type(self).__name__
        require(
            samples.y.ndim == 1,
            who,
            "class_weight=None for columns of labels",
            class_weight=self.class_weight,
            fix="For several labels per row, pass sample_weight to fit.",
        )
        if isinstance(self.class_weight, str) and self.class_weight == "balanced":
            factor = arrays.compute_sample_weight("balanced", samples.y, samples.weight)
        else:
            factor = self._weight_of_classes()[samples.y]
        weight = samples.weight * factor
        require(
            weight.any(),
            who,
            "class_weight above 0 for a class in y",
            error=DataError,
            class_weight=self.class_weight,
        )
        return samples._replace(weight=weight)

    def _weight_of_classes(self) -> np.ndarray:
        """Return the weight of each class in `classes_`, from a `class_weight` mapping."""
        who, weights = type(self).__name__, self.class_weight
        is_valid = isinstance(weights, Mapping) and all(
            is_number(weight) and weight >= 0 for weight in weights.values()
        )
        expected = 'class_weight to be None, "balanced" or {class: number >= 0}'
        require(is_valid, who, expected, class_weight=weights)
        unknown = [label for label in weights if label not in self.classes_]
        require(
            not unknown,
            who,
            "class_weight for known classes",
            error=DataError,
            unknown=unknown,
            fix=f"The classes are {self.classes_.tolist()}.",
        )
        return np.array([weights.get(label, 1.0) for label in self.classes_.tolist()])

    def _to_labels(self, class_index: np.ndarray) -> np.ndarray:
        return class_index if class_index.ndim == 2 else self.classes_[class_index]

    def _decode_output(self, output: np.ndarray) -> np.ndarray:
        if self.out_activation_ == "softmax":
            class_index: np.ndarray = output.argmax(1)
            return class_index
        return (output > 0.5).astype(int).reshape(-1, *self._target_shape)

    def _make_target(self, name: str) -> Target:
        if self._target_shape:  # several labels per row are learned as they are
            return NumericTargets(name, (0.0,) * self.n_outputs_, (1.0,) * self.n_outputs_)
        return ClassTarget(name, tuple(self.classes_.tolist()))

    def _head(self) -> tuple[str | None, Loss]:
        if self.out_activation_ == "softmax":
            return "softmax", SparseCategoricalCrossentropy()
        return "sigmoid", BinaryCrossentropy()
