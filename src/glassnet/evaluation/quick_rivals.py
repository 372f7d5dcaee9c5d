"""Simple models fitted in milliseconds: what a network must beat to have learned anything.

They are fitted to at most 1,000 rows, with NumPy alone, so that every fit can afford them.
`baselines` compares with better ones, on all rows, in seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal, NamedTuple

import numpy as np

from glassnet.evaluation.constant_answers import (
    constant_loss,
    count_outputs,
    find_constant,
    to_rows,
)
from glassnet.evaluation.numpy_losses import compute_unreduced, has_numpy_formula
from glassnet.evaluation.quick_models import (
    average_neighbours,
    fit_logistic,
    fit_ridge,
    to_numbers,
)
from glassnet.losses import Loss
from glassnet.losses.scaled import ScaledLoss
from glassnet.types import Array

MAX_FITTED_ROWS = 1000
"""Maximum number of rows to which the models are fitted."""

MAX_SCORED_ROWS = 500
"""Maximum number of rows on which they are scored."""

MAX_TARGETS = 256
"""Maximum number of outputs of a network that is compared with a linear model and neighbours."""

PRIOR_ROWS = 1.0
"""Rows with the frequencies of all classes that are added to the neighbours."""

PRIOR_SHARE = 0.01
"""Share of the class frequencies in the probabilities of a logistic regression."""


Source = Literal["validation", "training half"]


@dataclass(frozen=True)
class Rivals:
    """Losses of simple models, in the units of the network's history and without penalties.

    NaN is for what is not known: the best constant of a user's own loss, and a linear model and
    neighbours for losses other than cross-entropies and those that depend on the error only.

    Attributes:
        constant: loss of the best constant answer on the training rows.
        val_constant: loss of the same answer on the validation rows; without them, `constant`.
        linear: loss of a logistic regression, or of a ridge regression for numbers.
        neighbours: loss of the mean of the 15 nearest rows.
        rows: rows on which they are scored. Without validation rows, the models are fitted to one
            half of the training rows and scored on the other.
        constant_accuracy: share of rows of the most common class; NaN for numbers.
        linear_accuracy: share of classes that the linear model predicts correctly.
        neighbours_accuracy: share of classes that the neighbours predict correctly.
        linear_error: standard error of the network's loss minus the linear model's, from their
            differences row by row; NaN if the network's losses are not known.
        neighbours_error: the same for the neighbours.
        n_fitted: number of rows to which the linear model and the neighbours are fitted.
        n_scored: number of rows on which they are scored.
    """

    constant: float
    val_constant: float
    linear: float = float("nan")
    neighbours: float = float("nan")
    rows: Source = "validation"
    constant_accuracy: float = float("nan")
    linear_accuracy: float = float("nan")
    neighbours_accuracy: float = float("nan")
    linear_error: float = float("nan")
    neighbours_error: float = float("nan")
    n_fitted: int = 0
    n_scored: int = 0

    @property
    def best(self) -> float:
        """The lowest loss of the constant, the linear model and the neighbours; NaN if none."""
        known = [each for each in (self.val_constant, self.linear, self.neighbours) if each == each]
        return min(known, default=float("nan"))


class Rows(NamedTuple):
    """Encoded rows: inputs (n, ...), targets as the loss receives them, and weights or None."""

    x: Any
    y: Any
    weight: Any = None

    def take(self, index: Array | slice) -> Rows:
        """Return rows as arrays in memory. An index is in ascending order, for files."""
        return Rows(*(None if part is None else np.asarray(part[index]) for part in self))

    def sample(self, most: int, rng: np.random.Generator) -> Rows:
        """Return at most `most` rows, in their order, drawn at random."""
        n = len(self.x)
        return self.take(slice(None) if n <= most else np.sort(rng.choice(n, most, replace=False)))


def fit_rivals(
    loss: Loss,
    train: tuple[Any, Any, Any],
    validation: tuple[Any, Any, Any] | None = None,
    *,
    tokens: bool = False,
    predict: Callable[[Array], Array] | None = None,
    constants: tuple[float, float] | None = None,
    n_outputs: int | None = None,
    seed: int = 0,
) -> Rivals:
    """Fit simple models to training rows and score them in the network's loss.

    They are fitted to at most 1,000 rows and 256 columns (see `quick_models.to_numbers`) and scored
    on at most 500 rows. Their losses are multiplied by `val_constant` over the constant's loss on
    these rows, so that easy rows among the 500 do not count for a good model.

    Shapes:
        train, validation: (x, y, weight) with x (n, ...); y class ids (n, ...) or (n, ...,
        outputs); weight (n,) or None.

    Args:
        loss: the training loss.
        train: encoded training rows.
        validation: encoded validation rows; None if there are none.
        tokens: whether x holds token ids, which an Embedding reads.
        predict: the network, from rows x to the argument of its loss, for the standard errors.
        constants: `constant_loss` of all training and validation rows, if `train` and `validation`
            are samples of them; None computes it from these.
        n_outputs: number of classes, if y holds class ids; None for the largest id plus 1.
        seed: draws the rows.

    Example:
        >>> from glassnet import losses
        >>> x = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
        >>> y = (x[:, :1] > 0).astype(np.float32)
        >>> rivals = fit_rivals(losses.BinaryCrossentropy(), (x, y, None))
        >>> rivals.linear < rivals.val_constant
        True
    """
    rows, rng = Rows(*train), np.random.default_rng(seed)
    name: Source
    if validation is None or not len(validation[0]):
        held_out, name = rows, "training half"
        sample = rows.sample(2 * MAX_FITTED_ROWS, rng)
        order = rng.permutation(len(sample.x))
        fitted, scored = (sample.take(np.sort(order[start::2])) for start in (0, 1))
        scored = scored.sample(MAX_SCORED_ROWS, rng)
    else:
        held_out, name = Rows(*validation), "validation"
        fitted = rows.sample(MAX_FITTED_ROWS, rng)
        scored = held_out.sample(MAX_SCORED_ROWS, rng)
    targets = rows.y, rows.weight
    constant, val_constant = constants or constant_loss(
        loss, *targets, held_out.y, held_out.weight, n_outputs=n_outputs
    )
    if name != "validation":
        val_constant = constant
    sizes = {"n_fitted": len(fitted.x), "n_scored": len(scored.x)}
    rivals = Rivals(constant, val_constant, rows=name, **sizes)
    with find_thread_pools().limit(limits=1), np.errstate(all="ignore"):
        numbers = _to_targets(loss, fitted, scored, n_outputs)
        if numbers is None:
            return rivals
        _, sampled = constant_loss(loss, *targets, scored.y, scored.weight, n_outputs=n_outputs)
        factor = val_constant / sampled if sampled else 1.0
        rivals, answers = _score_models(rivals, loss, fitted, scored, numbers, tokens, factor)
        if predict is None:
            return rivals
        network = _compute_losses(loss, scored, np.asarray(predict(scored.x)))
        differences = [network - _compute_losses(loss, scored, each) for each in answers]
        errors = [factor * float(each.std(ddof=1) / np.sqrt(len(each))) for each in differences]
        return replace(rivals, linear_error=errors[0], neighbours_error=errors[1])


@cache
def find_thread_pools() -> Any:
    """Return the controller of NumPy's threads: several would wait for each other."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


KINDS: dict[str | None, Literal["classes", "labels", "numbers"]] = {
    "softmax": "classes",
    "sigmoid": "labels",
}
"""Kind of the targets by the activation that the loss contains."""


class Targets(NamedTuple):
    """Targets as numbers, for models that know nothing of losses.

    Attributes:
        kind: "classes" (shares of one class of several), "labels" (several of 0 and 1), "numbers".
        fitted: targets of the rows to fit, (n, targets).
        weight: their weights (n,), with mean 1.
    """

    kind: Literal["classes", "labels", "numbers"]
    fitted: Array
    weight: Array


def _to_targets(loss: Loss, fitted: Rows, scored: Rows, n_outputs: int | None) -> Targets | None:
    """Return the targets of the rows to fit; None if the models do not fit the loss."""
    base = loss.base if isinstance(loss, ScaledLoss) else loss
    if not has_numpy_formula(loss) or min(len(fitted.x), len(scored.x)) < 2:
        return None
    y, kind = fitted.y, KINDS.get(base.output_activation)
    if kind is None and base.depends_on_error_only:
        kind, y = "numbers", y.reshape(len(y), -1)
    elif y.dtype.kind in "iu":
        if y.ndim > 1:
            return None  # a class for each time step
        y = np.eye(n_outputs or count_outputs(y, scored.y))[y]
    if kind is None or y.ndim != 2 or y.shape[1] > MAX_TARGETS or not np.isfinite(y).all():
        return None
    _, weight = to_rows(fitted.y, fitted.weight)
    weight = weight.reshape(len(y), -1).mean(1)
    if not 0 < weight.sum() < np.inf:
        return None
    return Targets(kind, y.astype(np.float64), weight / weight.mean())


def _score_models(
    rivals: Rivals,
    loss: Loss,
    fitted: Rows,
    scored: Rows,
    targets: Targets,
    tokens: bool,
    factor: float,
) -> tuple[Rivals, tuple[Array, Array]]:
    """Return the rivals with the scores of a linear model and of neighbours, and their answers.

    Args:
        rivals: the constant answers.
        loss: the training loss.
        fitted: rows to fit.
        scored: rows on which the models are scored.
        targets: targets of the rows to fit, as numbers.
        tokens: whether x holds token ids.
        factor: factor of the losses on the scored rows.
    """
    kind, y, weight = targets
    x, x_new = to_numbers(fitted.x, scored.x, y, tokens=tokens)
    if kind == "numbers":
        answers, linear = fit_ridge(x, y, weight, x_new)
        near = average_neighbours(x, y, weight, x_new)
        linear = linear + _find_shift(loss, fitted, answers)
    else:
        p = fit_logistic(x, y, weight, x_new, exclusive=kind == "classes")
        prior = (weight @ y + 0.5 / y.shape[1]) / (len(y) + 0.5)
        near = average_neighbours(x, y, weight, x_new, prior_rows=PRIOR_ROWS)
        linear, near = (
            _to_logits((1 - PRIOR_SHARE) * each + PRIOR_SHARE * prior, kind) for each in (p, near)
        )
        rivals = replace(
            rivals,
            constant_accuracy=_share_correct(_to_logits(prior, kind)[None], scored.y, kind),
            linear_accuracy=_share_correct(linear, scored.y, kind),
            neighbours_accuracy=_share_correct(near, scored.y, kind),
        )
    rivals = replace(
        rivals,
        linear=factor * float(_compute_losses(loss, scored, linear).mean()),
        neighbours=factor * float(_compute_losses(loss, scored, near).mean()),
    )
    return rivals, (linear, near)


def _find_shift(loss: Loss, fitted: Rows, answers: Array) -> Array:
    """Return the number to add to each answer: a median of the errors for absolute errors."""
    errors = fitted.y.reshape(len(answers), -1) - answers
    shift = find_constant(loss, errors, np.ones(len(errors)), errors.shape[1])
    return 0.0 if shift is None else shift


def _to_logits(p: Array, kind: str) -> Array:
    return np.log(p) if kind == "classes" else np.log(p) - np.log1p(-p)


def _share_correct(z: Array, y: Array, kind: str) -> float:
    """Return the share of classes, or of labels, that the logits predict."""
    if kind == "classes":
        return float((z.argmax(-1) == (y if y.ndim == 1 else y.argmax(-1))).mean())
    return float(((z > 0) == (y > 0.5)).mean())


def _compute_losses(loss: Loss, scored: Rows, z: Array) -> Array:
    """Return the weighted loss of every scored row, (n,), in the units of the history."""
    y, weight = to_rows(scored.y, scored.weight)
    losses = weight * compute_unreduced(loss, y, z.reshape(len(y), -1))
    return losses.reshape(len(scored.x), -1).mean(1)
