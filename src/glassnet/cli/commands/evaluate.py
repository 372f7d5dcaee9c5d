"""`glassnet evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glassnet.cli import arguments

if TYPE_CHECKING:
    from glassnet.evaluation.scores import ScoreReport
    from glassnet.models.sequential import Sequential


@click.command("evaluate", short_help="Score a saved model on rows.")
@click.argument("model", metavar="MODEL")
@click.argument("rows", metavar="FILE|FOLDER|NAME")
@arguments.json_option
def command(model: str, rows: str, as_json: bool) -> None:
    """Score the network in MODEL on the rows of a table that holds their target, on a folder of
    images with a sub-folder for each class, or on the test rows of a data set.

    \b
    glassnet evaluate titanic.glassnet test.csv
    glassnet evaluate photos.glassnet photos_test/
    glassnet evaluate digits.glassnet digits --json
    """
    from glassnet.cli import output
    from glassnet.cli.jobs import resolve
    from glassnet.models.load import load
    from glassnet.preprocessing.seasonal import TimeSeriesPreprocessor

    network = load(model)
    x, y = resolve.load_test_data(network, rows)
    logs = network.evaluate(x, y, return_dict=True)
    report = (
        _score_report(network, x, y)
        if network.preprocessor and not isinstance(network.preprocessor, TimeSeriesPreprocessor)
        else None
    )
    if as_json:
        output.print_json(
            {
                "model": model,
                "rows": rows,
                "logs": logs,
                "score": report.to_dict() if report else None,
            }
        )
        return
    if report:
        click.echo(f"{report}\n")
    click.echo(
        f"{Path(rows).name}: " + ", ".join(f"{name} {value:.4g}" for name, value in logs.items())
    )


def _score_report(model: Sequential, x: Any, y: Any) -> ScoreReport:
    """The score on the rows, with its interval."""
    from glassnet.evaluation import scores
    from glassnet.preprocessing.targets import ClassTarget

    assert model.preprocessor is not None
    target = model.preprocessor.target
    wide, learned, _ = model.preprocessor.transform_xy(x, y)
    if isinstance(target, ClassTarget):
        return scores.compare_scores(
            "accuracy", learned, target.transform(model.predict_labels(wide)), {}
        )
    return scores.compare_scores(
        "RMSE", target.decode_output(learned), model.predict(wide)[:, 0], {}
    )
