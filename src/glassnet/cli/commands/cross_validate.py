"""`glassnet cross-validate`: score a network on every row, by cross-validation."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from glassnet.cli import arguments, outputs
from glassnet.cli.output import EXIT_INTERRUPTED, EXIT_NOT_FINITE
from glassnet.formatting import format_duration

if TYPE_CHECKING:
    from glassnet.cli.jobs.base import Job, JobScore
    from glassnet.selection.cross_validation import CrossValidation


@click.command(
    "cross-validate", cls=outputs.Command, short_help="Score a network on every row, in folds."
)
@click.argument("name", metavar="NAME|FILE|FOLDER")
@arguments.data_options
@arguments.groups_option
@arguments.folds_option(5, "Number of folds.")
@click.option(
    "--repeats",
    metavar="N",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Number of times that the rows are divided into folds anew.",
)
@arguments.network_options
@arguments.seed_option
@outputs.output_option(
    "--plot", outputs.FigureFile(), "Where to save a figure of the scores, such as folds.png."
)
@outputs.output_option(
    "--out",
    outputs.TableFile(),
    "Where to save the rows with their predictions, such as predictions.csv.",
)
@arguments.json_option
@arguments.quiet_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    name: str,
    folds: int,
    repeats: int,
    plot: str | None,
    out: str | None,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Divide the rows of the dataset NAME, of the table or the arrays in FILE, or the images in
    FOLDER, into folds. For each fold, train a network on all other folds and score it on this one.
    So every row is tested once, by a network that has not seen it.

    The mean score has a 95 % interval. A linear model, gradient-boosted trees (for tables) and the
    most common class or the mean are trained and scored on the same folds. Test rows that a dataset
    has of its own are not used. The folds of a time series are in the order of time.

    \b
    glassnet cross-validate iris
    glassnet cross-validate titanic.csv --target survived --folds 10 --repeats 3
    glassnet cross-validate titanic.csv --target survived --out predictions.csv --plot folds.png
    glassnet cross-validate visits.csv --target healthy --groups patient
    glassnet cross-validate flights.csv --target passengers --forecast 12 --time month
    """
    from glassnet.cli import output
    from glassnet.cli.jobs import fitting, resolve
    from glassnet.cli.jobs import folds as fold_runs

    silent, start = quiet or as_json, time.perf_counter()
    job = resolve.take_job(name, settings, split=False)
    model = fitting.build_network(job, settings, has_folds=True)
    sketch = job.build_model(settings)
    fitting.prepare_network(job, sketch, settings, silent=silent, has_folds=True)
    result = fold_runs.cross_validate_job(
        job, model, settings, folds=folds, repeats=repeats, silent=silent
    )
    seconds = time.perf_counter() - start
    if not result.models:
        report_failure(job, result, as_json=as_json)
        ctx.exit(EXIT_NOT_FINITE)
    score = fold_runs.score_job(
        job, result, result.models[0], repeats=repeats, seed=settings["seed"]
    )
    if out:
        outputs.write_table(out, outputs.guard_formulas(fold_runs.predict_rows(job, result)))
    if plot:
        outputs.write_figure(plot, result.plot())
    if as_json:
        facts = {"dataset": job.name, **score.facts, "seconds": seconds, "seed": settings["seed"]}
        facts |= {"networks": result.to_frame().to_dict("records"), "plot": plot, "out": out}
        settings |= {"folds": folds, "repeats": repeats}
        output.print_json(facts | {"settings": settings})
    else:
        if not quiet:
            notes = [fold_runs.describe_learning(result), *fold_runs.describe_rows(job)]
            print_folds(score, [*notes, *result.notes])
        files = [file for file in (out, plot) if file]
        click.echo(", ".join([f"{job.name}: {score.headline}", format_duration(seconds), *files]))
    is_interrupted = any(run.is_interrupted for run in result.results)
    ctx.exit(EXIT_INTERRUPTED if is_interrupted else 0)


def print_folds(score: JobScore, notes: Sequence[str]) -> None:
    """Print the scores of each fold, the notes, and the mean scores."""
    from glassnet.cli import output
    from glassnet.evaluation.fold_scores import FoldReport

    assert isinstance(score.score.report, FoldReport)
    headings, rows = score.score.report.fold_table()
    click.echo()
    output.print_table(headings, rows, right=headings)
    click.echo()
    for note in notes:
        output.print_wrapped(note)
    click.echo(f"\n{score.text}\n")


def report_failure(job: Job, result: CrossValidation, *, as_json: bool) -> None:
    """Say that no fold has a score."""
    from glassnet.cli import output

    if as_json:
        networks = result.to_frame().to_dict("records")
        output.print_json({"dataset": job.name, "score": None, "networks": networks})
    else:
        click.echo(f"{job.name}: {result.title}")
