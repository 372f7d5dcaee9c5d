"""A network that tells classes apart, as scikit-learn's MLPClassifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from glassnet.data import arrays
from glassnet.errors import DataError, is_number, require
from glassnet.estimators.base import BaseNeuralNetwork, WeightedSamples
from glassnet.losses import BinaryCrossentropy, Loss, SparseCategoricalCrossentropy
from glassnet.optimizers import Optimizer


class NeuralClassifier(ClassifierMixin, BaseNeuralNetwork):
    """Classes from a network trained on the cross-entropy, l = -log p(class), plus alpha / (2 m)
    sum w^2 over the kernels.

    Two classes end in one sigmoid, K in a softmax, K columns of 0 and 1 (several labels a row) in K
    sigmoids. Labels may be anything.
    Features are taken as they are: put a StandardScaler in front. Settings are looked at by `fit`,
        as is scikit-learn's custom.

    Training stops when neither the loss, nor with `early_stopping` the score of the rows held out,
    has improved by `tol` for more than `n_iter_no_change` epochs; a fit that reaches `max_iter`
    before warns (scikit-learn's ConvergenceWarning).

    Args:
        hidden_layer_sizes: units of each hidden layer; an int for one layer, () for none.
        activation: of the hidden layers, a name of glassnet's or scikit-learn's, or a JAX function.
        layers: a list of glassnet layers in place of the hidden ones; the last layer is added. Rows
            are flat: images begin with Reshape. `alpha` then counts for the last layer alone,
            `dropout` for none.
        dropout: fraction of each hidden layer's outputs zeroed in training.
        solver: "sgd" (momentum 0.9, Nesterov) and "adam" as scikit-learn has them, another name of
            `glassnet.optimizers`, or an optimizer, whose own learning rate then counts.
        alpha: the L2 penalty: of a batch of m rows alpha / (2 m) sum w^2; with weights m is their
            mean sum over a batch.
        batch_size: rows per step; "auto" for min(200, n), "full" for all. In a full batch weights
            are repetitions to the bit: rows of weight 2 count as two, rows of weight 0 as none
            (where no layer draws noise or takes statistics).
        learning_rate_init: the learning rate, where `solver` is a name.
        max_iter: epochs at most.
        shuffle: whether each epoch has an order of its own.
        random_state: an int is the model's seed: the same bits at every fit; a RandomState or None
            draws one.
        tol: the least improvement that counts, in the loss's unit (nats) or the score's.
        verbose: True or 1 for a live line, 2 for a line per epoch.
        warm_start: whether `fit` starts from the weights of the fit before, with the settings of
            now.
        early_stopping: whether to hold rows out, stop by their score, and end with the best epoch's
            weights.
        validation_fraction: share of the rows held out for it, in proportion to the classes.
        n_iter_no_change: epochs without improvement that are forgiven.
        class_weight: {class: weight}, classes left out weighing 1, or "balanced" for n / (K n_k);
            rows held out are scored without it.

    Attributes:
        classes_: the labels, sorted: the columns of `predict_proba`.
        model_: the fitted `Sequential`.
        loss_curve_: the loss of every epoch, going on over `partial_fit` and `warm_start`; `loss_`
            is the last.
        best_loss_: the smallest; None with `early_stopping`.
        validation_scores_: with `early_stopping` the accuracy of the rows held out after every
            epoch, else None; so too `best_validation_score_`.
        n_iter_: epochs that the last call ran.
        n_outputs_, out_activation_: of the last layer, in scikit-learn's words.
        n_features_in_, feature_names_in_: what rows must have.

    Raises:
        ConfigError, DataError: at `fit`, see there.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True)
        >>> model = NeuralClassifier((16,), learning_rate_init=0.05, batch_size=32, random_state=0).fit(X, y)
        >>> model.score(X, y) > 0.9
        True

    Source: scikit-learn's MLPClassifier; its one addition here is dropout.
    """

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
            learning_rate_init=learning_rate_init,
            max_iter=max_iter,
            shuffle=shuffle,
            random_state=random_state,
            tol=tol,
            verbose=verbose,
            warm_start=warm_start,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
        )
        self.class_weight = class_weight

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """One pass over the rows, going on where the call before ended, whichever it was.

        The network, the optimizer and the share of `alpha` stay those of the first call: let it be
        a batch of the usual size.

        Args:
            X: rows (n, features).
            y: labels (n,), or columns of 0 and 1 (n, K).
            classes: every label there will be: needed in the first call, where labels are no
                columns.
            sample_weight: a weight per row, (n,).

        Raises:
            ConfigError, DataError: see `fit`; or `early_stopping` is on, or the first call lacks
                `classes`.
        """
        if not hasattr(self, "model_"):
            fix = "One batch may lack some: pass classes=np.unique(all_labels)."
            known = classes is not None or np.ndim(y) == 2
            require(
                known,
                "partial_fit",
                "classes in its first call",
                error=DataError,
                classes=None,
                fix=fix,
            )
        return self._fit(X, y, sample_weight, incremental=True, classes=classes)

    def predict(self, X: Any) -> np.ndarray:
        """The most probable label of each row of X (n, features); with several labels a row,
        columns of 0 and 1.
        """
        return self._to_labels(self._decode_output(self._predict_raw(X)))

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each of `classes_`, (n, K); with several labels a row, of each by
        itself.
        """
        p = self._predict_raw(X)
        return np.column_stack([1 - p, p]) if self.n_outputs_ == 1 else p

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """The logarithms of `predict_proba`; -inf where a probability is 0 in float32."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def _encode_targets(self, y: np.ndarray, resume: bool, classes: Any) -> np.ndarray:
        who = type(self).__name__
        check_classification_targets(y)
        fix = "For several answers of more than two classes each use scikit-learn's MultiOutputClassifier."
        columns = y.ndim == 2
        one = not columns or type_of_target(y) == "multilabel-indicator"
        require(
            one,
            who,
            "one label a row, or columns of 0 and 1",
            error=DataError,
            y=type_of_target(y),
            fix=fix,
        )
        if not resume:
            self.classes_ = (
                np.arange(y.shape[1]) if columns else np.unique(y if classes is None else classes)
            )
            k = len(self.classes_)
            fix = "There is nothing to tell apart."
            require(
                k > 1,
                who,
                "two classes or more, not one class",
                error=DataError,
                classes=self.classes_.tolist(),
                fix=fix,
            )
            self.n_outputs_ = 1 if k == 2 and not columns else k
            self.out_activation_ = "softmax" if k > 2 and not columns else "logistic"
        if columns:
            return y
        strangers = np.setdiff1d(y, self.classes_)
        fix = f"Known are {self.classes_.tolist()}."
        require(
            not len(strangers),
            who,
            "labels that it knows",
            error=DataError,
            strangers=strangers.tolist(),
            fix=fix,
        )
        return np.searchsorted(self.classes_, y)

    def _prepare(self, samples: WeightedSamples, resume: bool) -> WeightedSamples:
        given = self.class_weight
        if given is None:
            return samples
        who = type(self).__name__
        fix = "With several labels a row pass sample_weight to fit."
        require(
            samples.y.ndim == 1,
            who,
            "class_weight=None for columns of labels",
            class_weight=given,
            fix=fix,
        )
        if isinstance(given, str) and given == "balanced":
            by_row = arrays.compute_sample_weight(given, samples.y, samples.weight)
        else:
            expected = 'class_weight to be None, "balanced" or {class: number >= 0}'
            ok = isinstance(given, Mapping) and all(
                is_number(weight) and weight >= 0 for weight in given.values()
            )
            require(ok, who, expected, class_weight=given)
            strangers = [label for label in given if label not in self.classes_]
            fix = f"Known are {self.classes_.tolist()}."
            require(
                not strangers,
                who,
                "class_weight for labels that it knows",
                error=DataError,
                strangers=strangers,
                fix=fix,
            )
            by_row = np.array([given.get(label, 1.0) for label in self.classes_.tolist()])[
                samples.y
            ]
        weight = samples.weight * by_row
        require(
            weight.any(),
            who,
            "class_weight above 0 for a class that occurs",
            error=DataError,
            class_weight=given,
        )
        return samples._replace(weight=weight)

    def _to_labels(self, code: np.ndarray) -> np.ndarray:
        return code if code.ndim == 2 else self.classes_[code]

    def _decode_output(self, output: np.ndarray) -> np.ndarray:
        if self.out_activation_ == "softmax":
            return output.argmax(1)
        return (output > 0.5).astype(int).reshape(-1, *self._target_shape)

    def _head(self) -> tuple[str | None, Loss]:
        if self.out_activation_ == "softmax":
            return "softmax", SparseCategoricalCrossentropy()
        return "sigmoid", BinaryCrossentropy()
