"""Train a case and its twin once, and store what the rules need to judge it again."""

from __future__ import annotations

import pickle
import time
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from cases import Case
from problems import Recipe, Rows, Setup

import glassnet as gn
from glassnet.doctor import Evidence
from glassnet.doctor.data_evidence import examine_rows

ACCURACY_MARGIN, SKILL_MARGIN = 0.05, 0.1
"""By how much a twin must be better for a fault to have a consequence."""

SEVERE = 0.5
"""Share of what the twin learned that a severe fault costs at least."""

MISLEADING = frozenset(["duplicate_rows", "target_leak", "validation_noise"])
"""Families whose consequence is a score that does not hold for new rows."""


BEFORE_TRAINING = frozenset(["duplicate_rows", "target_leak"])
"""Families that only `gn.diagnose` looks for: it compares rows, which `fit` does not."""


class Scores(NamedTuple):
    """How good a network is on some rows.

    `accuracy` is the mean recall of the classes; NaN for numbers. `skill` is 1 for a perfect answer
    and 0 for the constant one: R², or 1 - cross-entropy / entropy; NaN if outputs are no
    probabilities.
    """

    accuracy: float
    skill: float


@dataclass(frozen=True)
class Outcome:
    """What one case's training left.

    Args:
        evidence: what `fit` gathered, or None.
        logs: logged values by name.
        stopped: why the run ended early, or "".
        own, claimed: scores on new rows and on the validation rows; None for a clean run.
        twin, twin_claimed: the same of the run without the fault.
        seconds: of the training.
    """

    evidence: Evidence | None
    logs: dict[str, list[float]]
    stopped: str
    seconds: float
    own: Scores | None = None
    claimed: Scores | None = None
    twin: Scores | None = None
    twin_claimed: Scores | None = None


def find_consequence(case: Case, outcome: Outcome) -> str:
    """Return by how much the fault does harm, in words; "" if it does none."""
    own, twin = outcome.own, outcome.twin
    if own is None or twin is None:
        return ""
    if case.family in MISLEADING:
        gap = measure_gap(outcome.claimed, own) - measure_gap(outcome.twin_claimed, twin)
        accuracy, skill = np.nan_to_num(gap)
        if accuracy >= ACCURACY_MARGIN or skill >= SKILL_MARGIN:
            return f"accuracy wrong by {accuracy:.2f} and skill by {skill:.2f} more than the twin's"
        return ""
    if "not finite" in outcome.stopped:
        return "not finite"
    if twin.accuracy - own.accuracy >= ACCURACY_MARGIN:
        return f"accuracy {own.accuracy:.2f}, twin {twin.accuracy:.2f}"
    if twin.skill - own.skill >= SKILL_MARGIN or (np.isnan(own.skill) and np.isnan(own.accuracy)):
        return f"skill {own.skill:.2f}, twin {twin.skill:.2f}"
    return ""


def measure_cost(outcome: Outcome) -> float:
    """Return the share of what the twin learned that the fault costs; 1 if all of it."""
    own, twin = outcome.own, outcome.twin
    if own is None or twin is None:
        return 0.0
    if "not finite" in outcome.stopped:
        return 1.0
    shares = (np.subtract(twin, own) / np.maximum(twin, 0.01)).tolist()
    return float(np.nanmax([0.0, *shares]))


def measure_gap(claimed: Scores | None, true: Scores | None) -> np.ndarray:
    """Return how far accuracy and skill on validation rows are from those on new rows."""
    if claimed is None or true is None:
        return np.zeros(2)
    return np.abs(np.subtract(claimed, true))


def score(model: gn.Sequential, setup: Setup, rows: Rows) -> Scores:
    """Return how good the model is on these rows."""
    answer = np.asarray(model.predict(rows.x, verbose=0), np.float64).reshape(len(rows.y), -1)
    y = rows.y
    if y.dtype.kind == "f":
        return Scores(np.nan, float(1 - np.mean((answer[:, 0] - y) ** 2) / np.var(y)))
    if setup.loss == "mse":
        return Scores(mean_recall(y, np.rint(answer[:, 0])), np.nan)
    p = np.concatenate([1 - answer, answer], 1) if answer.shape[1] == 1 else answer
    if not np.isfinite(p).all() or p.min() < 0 or p.max() > 1:
        return Scores(mean_recall(y, p.argmax(1)), np.nan)
    share = np.bincount(y, minlength=p.shape[1]) / len(y)
    entropy = -np.sum(share[share > 0] * np.log(share[share > 0]))
    loss = -np.mean(np.log(np.clip(p[np.arange(len(y)), y], 1e-7, 1)))
    return Scores(mean_recall(y, p.argmax(1)), float(1 - loss / entropy))


def mean_recall(y: np.ndarray, predicted: np.ndarray) -> float:
    return float(np.mean([np.mean(predicted[y == c] == c) for c in np.unique(y)]))


def train(case: Case) -> tuple[Outcome, Any]:
    """Train a case; return what it left, and the model."""
    start = time.perf_counter()
    model, x, y, options = case.make()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        history = model.fit(x, y, **{"verbose": 0} | options)
    evidence = getattr(history, "evidence", None)
    seconds = time.perf_counter() - start
    return Outcome(evidence, dict(history.history), history.stopped or "", seconds), model


def examine_data(setup: Setup, evidence: Evidence) -> Evidence:
    """Return the evidence with facts about the rows, as `gn.diagnose` has it."""
    rows, validation = setup.train, setup.validation
    classes = not setup.is_regression
    data = examine_rows(rows.x, rows.y, validation.x, is_classification=classes)
    return replace(evidence, data=data)


def measure(recipe: Recipe, model: gn.Sequential) -> tuple[Scores, Scores]:
    """Return the scores on new rows and on the validation rows."""
    setup = recipe.setup()
    return score(model, setup, setup.test), score(model, setup, setup.validation)


def train_with_twin(case: Case, twins: dict[Any, tuple[Scores, Scores]]) -> Outcome:
    """Train a case and, unless its scores are in `twins`, its twin."""
    outcome, model = train(case)
    if not isinstance(case.make, Recipe) or case.twin is None:
        return outcome
    if case.family in BEFORE_TRAINING and outcome.evidence is not None:
        evidence = examine_data(case.make.setup(), outcome.evidence)
        outcome = replace(outcome, evidence=evidence)
    own, claimed = measure(case.make, model)
    key = case.twin if isinstance(case.twin, Recipe) and not case.twin.faults else case.name
    if key not in twins:
        healthy = Case(case.name, "clean", case.kind, (), case.twin)
        twins[key] = measure(case.twin, train(healthy)[1])
    twin, twin_claimed = twins[key]
    scores = {"own": own, "claimed": claimed, "twin": twin, "twin_claimed": twin_claimed}
    return replace(outcome, **scores)


def path_of(folder: Path, case: Case) -> Path:
    return folder / (case.name.replace("/", "__") + ".pickle")


def store(folder: Path, case: Case, outcome: Outcome) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path_of(folder, case).write_bytes(pickle.dumps(outcome))


def load(folder: Path, case: Case) -> Outcome | None:
    """Return the stored outcome, or None if there is none."""
    path = path_of(folder, case)
    return pickle.loads(path.read_bytes()) if path.is_file() else None
