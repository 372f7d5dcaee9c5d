"""`glassnet evaluate`: score a saved model on other data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glassnet.cli import arguments
from glassnet.cli.help_sections import SectionedCommand
from glassnet.formatting import format_logs

if TYPE_CHECKING:
    import numpy as np

    from glassnet.evaluation.scores import ScoreReport
    from glassnet.models.sequential import Sequential


@click.command("evaluate", cls=SectionedCommand, short_help="Score a saved model on other data.")
@click.argument("model", metavar="MODEL")
@click.argument("rows", metavar="FILE|FOLDER|NAME")
@arguments.csv_options
@arguments.json_option
def command(model: str, rows: str, as_json: bool, csv: Mapping[str, Any]) -> None:
    """Score the network in MODEL on a table or arrays in FILE, on the table or the images in FOLDER
    (one subfolder per class), or on the test rows of the dataset NAME. A table needs its target.
    If some rows equal rows that the network was trained on, the score of the others is printed too.

    \b
    glassnet evaluate titanic.glassnet test.csv
    glassnet evaluate photos.glassnet photos_test/
    glassnet evaluate sales.glassnet sales/               Parquet or CSV files, read in parts
    glassnet evaluate digits.glassnet digits --json
    """
    from glassnet.cli import output
    from glassnet.cli.jobs import resolve
    from glassnet.models.load import load
    from glassnet.preprocessing.time_series import TimeSeriesPreprocessor

    network = load(model)
    x, y = resolve.load_test_data(network, rows, csv)
    is_series = isinstance(network.preprocessor, TimeSeriesPreprocessor)
    logs = network.evaluate(x, y, return_dict=True, verbose=0 if as_json else "auto")
    report = compute_score(network, x, y)
    other_rows = OtherRows() if is_series else score_other_rows(network, x, y)
    if as_json:
        score = report.to_dict() if report else None
        facts = {"model": model, "rows": rows, "logs": logs, "score": score}
        output.print_json(facts | other_rows.to_dict())
        return
    if report:
        click.echo(f"{report}\n")
    if text := str(other_rows):
        click.echo(f"{text}\n")
    click.echo(f"{Path(rows).name}: {format_logs(logs)}")


@dataclass(frozen=True)
class OtherRows:
    """The rows that do not equal training rows, and their score.

    Attributes:
        equal: which rows equal training rows, or None if that is not known.
        logs: loss and metrics of the others; empty if there are none, or if no row is equal.
        report: score of the others, or None.
    """

    equal: np.ndarray | None = None
    logs: dict[str, float] = field(default_factory=dict)
    report: ScoreReport | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the number of equal rows, and the score of the others, as data for JSON."""
        n_equal = None if self.equal is None else int(self.equal.sum())
        score = self.report.to_dict() if self.report else None
        return {"training_rows": n_equal, "other_rows": {"logs": self.logs, "score": score}}

    def __str__(self) -> str:
        return f"without the rows that equal training rows:\n{self.report}" if self.report else ""


def score_other_rows(model: Sequential, x: Any, y: Any) -> OtherRows:
    """Return the score of the rows that do not equal training rows.

    It is computed only if some rows do and some do not.
    """
    from glassnet.errors import DataError, NotReadyError

    try:
        equal = model.is_training_row(x)
    except (DataError, NotReadyError):
        return OtherRows()
    if equal.all() or not equal.any():
        return OtherRows(equal)
    other_x, other_y = (x.take(~equal), None) if y is None else (x[~equal], y[~equal])
    logs = model.evaluate(other_x, other_y, return_dict=True, verbose=0)
    return OtherRows(equal, logs, compute_score(model, other_x, other_y))


def compute_score(model: Sequential, x: Any, y: Any) -> ScoreReport | None:
    """Return the score with its interval; None for a time series, a folder or several outputs."""
    from glassnet.cli.jobs import partitioned
    from glassnet.evaluation import scores
    from glassnet.preprocessing.targets import ClassTarget
    from glassnet.preprocessing.time_series import TimeSeriesPreprocessor

    if model.preprocessor is None:
        return score_arrays(model, x, y)
    if isinstance(model.preprocessor, TimeSeriesPreprocessor) or partitioned.is_parts(x):
        return None
    target = model.preprocessor.target
    if y is None:
        features, truth, _ = model.preprocessor.transform_xy(x)
    else:
        features, truth = x, model.preprocessor.transform_target(y)
    if isinstance(target, ClassTarget):
        predicted = target.transform(model.predict_labels(features))
        return scores.compare_scores("accuracy", truth, predicted, {})
    return scores.compare_scores(
        "RMSE", target.decode_output(truth), model.predict(features)[:, 0], {}
    )


def score_arrays(model: Sequential, x: Any, y: np.ndarray) -> ScoreReport | None:
    """Return the score of a model of arrays, or None if it has several outputs per example."""
    from glassnet.errors import ConfigError
    from glassnet.evaluation import scores

    try:
        metric, predicted = "accuracy", model.predict_labels(x)
    except ConfigError:  # the network outputs numbers, not classes
        metric, predicted = "RMSE", model.predict(x)
        predicted = predicted[:, 0] if predicted.shape[1:] == (1,) else predicted
    return scores.compare_scores(metric, y, predicted, {}) if predicted.shape == y.shape else None
