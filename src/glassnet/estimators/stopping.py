"""Scikit-learn's rules for the end of training and for the learning rate of "sgd"."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from glassnet.callbacks import Callback
from glassnet.engine.epoch_runner import Logs
from glassnet.engine.loop import Decision
from glassnet.formatting import format_number

LEARNING_RATES = ("constant", "invscaling", "adaptive")
MIN_ADAPTIVE_RATE = 1e-6
"""The adaptive rate below which training stops."""


@dataclass(frozen=True)
class RateRule:
    """Learning rate of "sgd" as training goes on.

    Args:
        kind: "constant"; "invscaling" for initial / (t + 1)^power after t rows; "adaptive" for a
            fifth of the rate if training does not improve.
        initial: the first learning rate.
        power: the exponent.
    """

    kind: str
    initial: float
    power: float

    def after(self, n_rows_seen: int) -> float | None:
        """Return the rate after that many rows; None if it does not depend on them."""
        if self.kind != "invscaling":
            return None
        return float(self.initial / (n_rows_seen + 1) ** self.power)


class NoImprovementStopping(Callback):
    """Scikit-learn's stopping rule: stop after too many epochs in a row without an improvement.

    Args:
        tol: the smallest improvement on the best epoch that counts, in units of the score or of the
            loss.
        epochs: the number of epochs in a row without an improvement that are tolerated.
        score: called after every epoch, higher is better. The run ends with the weights of the
            best epoch. None uses the training loss.
        rule: the learning rate. An adaptive one becomes smaller instead of stopping, until 1e-6.
        n_rows: number of rows per epoch.
        n_rows_seen: number of rows before the first epoch.
    """

    def __init__(
        self,
        tol: float,
        epochs: float,
        score: Callable[[], float] | None,
        rule: RateRule,
        n_rows: int,
        n_rows_seen: int = 0,
    ):
        self.tol, self.epochs, self.score = tol, epochs, score
        self.rule, self.rate = rule, rule.initial
        self.n_rows, self.n_rows_seen = n_rows, n_rows_seen
        self.scores: list[float] = []
        self.no_improvement_count = 0

    def on_epoch_end(self, epoch: int, logs: Logs) -> Decision:
        value = self.score() if self.score else -logs["loss"]
        best = max(self.scores, default=-math.inf)
        self.scores.append(value)
        self.no_improvement_count = self.no_improvement_count + 1 if value < best + self.tol else 0
        self.n_rows_seen += self.n_rows
        stop, rate = None, self.rule.after(self.n_rows_seen)
        if self.no_improvement_count > self.epochs:
            if self.rule.kind == "adaptive" and self.rate > MIN_ADAPTIVE_RATE:
                rate = self.rate / 5
                self.no_improvement_count = 0
            else:
                name = "validation score" if self.score else "training loss"
                tol = format_number(self.tol)
                stop = f"the {name} did not improve by {tol} for more than {self.epochs} epochs"
        self.rate = self.rate if rate is None else rate
        return Decision(
            stop,
            keep_weights=self.score is not None and value > best,
            learning_rate=rate,
        )
