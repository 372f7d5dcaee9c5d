"""Show that the clean runs are well set: a clean set must itself be verified.

`python benchmarks/faults/verify_clean.py [name ...] [--splits 5] [--unseen]`

Each run is repeated with its own settings on `--splits` random splits of its rows into three
quarters and one quarter (series: the last fifth in time, other starting weights), and scored on the
quarter. `EarlyStopping` watches that quarter too, which flatters the network a little. One line per
run:

    gain      the share of the constant answer's loss that the network saves: 1 - loss / constant
    behind    the best simple model's gain minus the network's, if above 0 (linear, neighbours)
    accuracy  of the network, and of the best simple model
    rise      how far the mean validation loss ends above its lowest value, as a share of what the
              network saves
    late      the share of its saving that the network wins in the last fifth of the epochs
    own       the rise in the run itself, whose single validation curve is noisier

A run is well set if every loss is finite, gain > MIN_GAIN, behind <= MARGIN, the accuracy is not
more than ACCURACY_MARGIN behind, rise <= MAX_RISE and late <= MAX_LATE. A run that is not is
repaired (more epochs, early stopping, another rate) before any rule sees it, never afterwards to
silence a rule. The limits were chosen before the first table was printed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import simple_models
from cases import Case
from clean import CLEAN
from clean_unseen import UNSEEN

import glassnet as gn

MIN_GAIN, MARGIN, ACCURACY_MARGIN = 0.05, 0.05, 0.02
MAX_RISE, MAX_LATE = 0.05, 0.05
BOTTLENECKS = {
    "digits_autoencoder": 16,
    "mnist_autoencoder_sigmoid": 24,
    "digits_autoencoder_tanh": 12,
}
"""Width of the narrowest layer of each autoencoder."""


class Outcome(NamedTuple):
    """What one split shows: losses on the held-out rows, accuracies (NaN for numbers), curve."""

    loss: float
    accuracy: float
    simple: dict[str, tuple[float, float]]
    curve: np.ndarray


class Row(NamedTuple):
    """One line of the table; see the module's docstring."""

    name: str
    gain: float
    behind: float
    accuracy: float
    simple_accuracy: float
    best: str
    rise: float
    late: float
    own: float
    is_finite: bool

    def faults(self) -> list[str]:
        """Return in which ways the run is not well set."""
        checks = {
            "not finite": not self.is_finite,
            "no gain": not self.gain > MIN_GAIN,
            "behind": self.behind > MARGIN,
            "accuracy": self.simple_accuracy - self.accuracy > ACCURACY_MARGIN,
            "rise": self.rise > MAX_RISE,
            "late": self.late > MAX_LATE,
        }
        return [name for name, is_true in checks.items() if is_true]

    def __str__(self) -> str:
        numbers = [self.gain, self.behind, self.accuracy, self.simple_accuracy]
        numbers += [self.rise, self.late, self.own]
        cells = " ".join(f"{number:7.3f}" for number in numbers)
        return f"{self.name:32s} {cells}  {self.best:16s} {', '.join(self.faults()) or 'well set'}"


def split(x: Any, y: Any, options: dict[str, Any], seed: int) -> Iterator[Any]:
    """Yield x, y and the row weights of the training rows, then of the held-out ones."""
    held_out = options.get("validation_data")
    if held_out is not None:
        x, y = np.concatenate([x, held_out[0]]), np.concatenate([y, held_out[1]])
    n, weights = len(x), options.get("sample_weight")
    order = np.random.default_rng(seed).permutation(n)
    if options.get("validation_from") == "end":
        order = np.arange(n)
    cut = n - n // 4
    for rows in (np.sort(order[:cut]), np.sort(order[cut:])):
        part = x.iloc[rows] if hasattr(x, "iloc") else x[rows]
        target = None if y is None else y[rows]
        yield part, target, None if weights is None else weights[rows]


def run_on_split(case: Case, seed: int) -> Outcome:
    """Train the case on three quarters of its rows and score it on the others."""
    model, x, y, options = case.make()
    if case.name.startswith("xor"):  # four rows, all of which are needed
        train, test = (x, y, None), (x, y, None)
    else:
        train, test = split(x, y, options, seed)
    model.reset(seed)
    chosen = {"validation_data": test[0] if y is None else test[:2], "sample_weight": train[2]}
    dropped = ("validation_split", "validation_from")
    options = {key: value for key, value in options.items() if key not in dropped} | chosen
    if case.name == "second_fit":
        options["epochs"] *= 2
    history = model.fit(train[0], train[1], **options, verbose=0)
    target = options.get("target")
    answers = np.asarray(model.predict(test[0]), np.float64).reshape(len(test[0]), -1)
    (features, labels), (test_features, test_labels) = (
        (part[0].drop(columns=target), part[0][target].to_numpy()) if target else part[:2]
        for part in (train, test)
    )
    if options.get("target_transform") == "log":
        labels, test_labels, answers = np.log(labels), np.log(test_labels), np.log(answers)
    simple = answer_simply(case, model._loss, features, labels, test_features)
    is_balanced = "class_weight" in options
    scores = {name: score(model._loss, test_labels, p, is_balanced) for name, p in simple.items()}
    loss, accuracy = score(model._loss, test_labels, answers, is_balanced)
    curve = np.array(history.history["val_loss"])
    if "callbacks" in options and isinstance(options["callbacks"], gn.callbacks.EarlyStopping):
        curve = curve[: int(np.argmin(curve)) + 1]
    return Outcome(loss, accuracy, scores, curve)


def answer_simply(
    case: Case, loss: Any, train: Any, y: np.ndarray, test: Any
) -> dict[str, np.ndarray]:
    """Return the answers of the simple models, in the form that the loss takes."""
    kind, y = type(loss).__name__, np.asarray(y)
    if case.name in BOTTLENECKS:
        rebuilt = simple_models.reconstruct(train, test, BOTTLENECKS[case.name])
        return {name: np.clip(rows, 1e-3, 1 - 1e-3) for name, rows in rebuilt.items()}
    x, x_test = simple_models.make_features(train, test)
    if y.ndim == 2 and kind == "BinaryCrossentropy":
        parts = [simple_models.predict_classes(x, k.astype(int), x_test) for k in y.T]
        return {name: np.stack([p[name][:, 1] for p in parts], 1) for name in parts[0]}
    if kind == "Hinge":
        answers = simple_models.predict_classes(x, (y > 0).astype(int), x_test)
        return {name: np.where(p[:, 1:] > 0.5, 1.0, -1.0) for name, p in answers.items()}
    is_one_hot = kind == "CategoricalCrossentropy"
    if is_one_hot or (y.dtype.kind in "iu" and kind not in ("MeanAbsoluteError", "Poisson")):
        labels = y.argmax(1) if is_one_hot else y.astype(int)
        if is_one_hot or "Sparse" in kind or labels.max() == 1:
            answers = simple_models.predict_classes(x, labels, x_test)
            if getattr(loss, "from_logits", False):
                return {name: np.log(p) for name, p in answers.items()}
            is_binary = not is_one_hot and "Sparse" not in kind
            return {name: p[:, 1:] if is_binary else p for name, p in answers.items()}
    return simple_models.predict_numbers(x, y.reshape(len(y), -1), x_test, kind)


def score(
    loss: Any, y: np.ndarray, answers: np.ndarray, is_balanced: bool = False
) -> tuple[float, float]:
    """Return the mean loss, and the accuracy or NaN if the targets are numbers.

    A balanced accuracy is the mean over the classes, for runs with class weights.
    """
    y, kind = np.asarray(y), type(loss).__name__
    shaped = y.reshape(answers.shape) if y.size == answers.size else y
    mean = float(np.mean(loss(shaped.astype(np.float32), answers.astype(np.float32))))
    if kind in ("SparseCategoricalCrossentropy", "CategoricalCrossentropy"):
        labels = y.argmax(1) if kind == "CategoricalCrossentropy" else y
        is_right = answers.argmax(1) == labels
    elif kind == "Hinge":
        is_right, labels = (answers > 0) == (shaped > 0), shaped
    elif set(np.unique(y)) <= {0, 1}:
        is_right, labels = (answers > 0.5) == shaped, shaped
    else:
        return mean, float("nan")
    if is_balanced:
        return mean, float(np.mean([is_right[labels == k].mean() for k in np.unique(labels)]))
    return mean, float(np.mean(is_right))


def run_on_series(case: Case, seed: int) -> Outcome:
    """Train a series with other starting weights and score it on the last fifth of its windows."""
    model, series, _, options = case.make()
    model.reset(seed)
    history = model.fit(series, **options | {"validation_split": 0.2, "verbose": 0})
    curve = np.array(history.history["val_loss"])
    values = np.log(series.values) if series.transform else series.values
    changes = values[series.season :] - values[: -series.season]
    x, y = gn.data.windows(changes, length=series.length, horizon=series.horizon)
    cut = len(x) - round(0.2 * len(x))
    x, x_test = simple_models.make_features(x[:cut], x[cut:])
    simple = simple_models.predict_numbers(x, y[:cut].reshape(cut, -1), x_test, "")
    simple["as a season ago"] = np.zeros_like(simple["constant"])
    truth = y[cut:].reshape(len(x_test), -1)
    losses = {name: (float(np.mean((p - truth) ** 2)), np.nan) for name, p in simple.items()}
    return Outcome(float(curve[-1]), np.nan, losses, curve)


def verify(case: Case, splits: int) -> Row:
    """Return the case's line of the table."""
    model, x, y, options = case.make()
    history = model.fit(x, y, **options, verbose=0).history
    run = run_on_series if hasattr(x, "season") else run_on_split
    outcomes = [run(case, seed) for seed in range(splits)]
    constant = np.mean([outcome.simple["constant"][0] for outcome in outcomes])
    loss, accuracy = (
        float(np.mean([getattr(o, key) for o in outcomes])) for key in Outcome._fields[:2]
    )
    names = [name for name in outcomes[0].simple if name != "constant"]
    simple = {
        name: np.mean([outcome.simple[name] for outcome in outcomes], axis=0) for name in names
    }
    best = min(names, key=lambda name: simple[name][0])
    saved = constant - loss
    rise, late = read_curves([outcome.curve for outcome in outcomes], saved)
    own = np.array(history.get("val_loss", [np.nan]))
    is_finite = all(np.isfinite(history["loss"])) and bool(np.isfinite(loss))
    return Row(
        case.name,
        float(saved / constant),
        float((loss - simple[best][0]) / constant),
        accuracy,
        float(max(scores[1] for scores in simple.values())),
        best,
        rise,
        late,
        float((own[-1] - own.min()) / saved),
        is_finite,
    )


def read_curves(curves: list[np.ndarray], saved: float) -> tuple[float, float]:
    """Return the rise at the end of the mean curve and the late saving, as shares of the saving."""
    length = max(map(len, curves))
    mean = np.mean([np.pad(c, (0, length - len(c)), mode="edge") for c in curves], axis=0)
    late = mean[-1 - length // 5] - mean[-1]
    return float((mean[-1] - mean.min()) / saved), float(late / saved)


def main() -> None:
    """Print the table, and how many runs are well set."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="cases; default: all")
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--unseen", action="store_true", help="the runs of clean_unseen.py")
    arguments = parser.parse_args()
    print(f"{'run':32s}    gain  behind accuracy simple    rise    late     own  best simple model")
    start, rows = time.perf_counter(), []
    for case in UNSEEN if arguments.unseen else CLEAN:
        if not arguments.names or case.name in arguments.names:
            rows.append(verify(case, arguments.splits))
            print(rows[-1], flush=True)
    good = sum(not row.faults() for row in rows)
    print(f"{good} of {len(rows)} well set, {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
