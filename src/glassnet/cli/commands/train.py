"""`glassnet train`: train a network and score it on test data."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glassnet.cli import arguments, outputs
from glassnet.cli.output import EXIT_INTERRUPTED, EXIT_NOT_FINITE
from glassnet.formatting import format_duration

if TYPE_CHECKING:
    from glassnet.cli.jobs.base import Job, JobScore
    from glassnet.models.sequential import Sequential
    from glassnet.reporting.scoring import RunScore
    from glassnet.selection.cross_validation import CrossValidation
    from glassnet.training.history import History

MIN_ROWS_TO_COMPARE = 300
"""Number of rows, training and test together, below which a score says that it is uncertain.

A fifth of 300 rows are 60 test rows. The 95 % interval of an accuracy of 0.8 is then 0.7 to 0.9.
"""

MAX_LINE_WIDTH = 79
"""Width of the last line in columns."""


@click.command(
    "train", cls=outputs.Command, short_help="Train a network and score it on test data."
)
@click.argument("name", metavar="NAME|FILE|FOLDER")
@arguments.data_options
@arguments.network_options
@arguments.folds_option(
    None, "Train on all rows, and score N other networks in cross-validation instead of test data."
)
@arguments.seed_option
@outputs.output_option(
    "--plot", outputs.FigureFile(), "Where to save the learning curves.", default="curves.png"
)
@outputs.output_option(
    "--out", outputs.ModelFile(), "Where to save the model, such as titanic.glassnet."
)
@outputs.output_option(
    "--report", outputs.PageFile(), "Where to save a web page about the run, such as run.html."
)
@outputs.output_option(
    "--resume",
    outputs.OutputFolder(),
    "Folder of checkpoints; the same command continues from the last one.",
)
@click.option(
    "--devices",
    metavar="N",
    type=arguments.DEVICES,
    help="Number of GPUs (or other devices) that share each batch, or all.  [default: one]",
)
@click.option("--no-plot", is_flag=True, help="Do not plot the learning curves.")
@arguments.json_option
@arguments.quiet_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    name: str,
    plot: str,
    out: str | None,
    report: str | None,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Train a network on the dataset NAME, on the table (CSV, TSV, Parquet, Arrow) or the arrays
    (NPZ, IDX) in FILE, or on the images in FOLDER, which has one subfolder per class. Then score it
    on test data. A folder of Parquet or CSV files is a table that is read in parts.

    Inputs are scaled and encoded, and the output layer follows from the task. A fifth of the data
    becomes test data if there is none. The accuracy, or the root mean squared error of a
    regression, has a 95 % interval and baselines: a linear model, gradient-boosted trees (for
    tables), and the most common class or the mean.

    For images, --layers are the filters of convolutions, and subfolders named train, test and
    validation are used as such. With --forecast, the network learns to forecast a time series and
    is compared with the seasonal naive forecast.

    \b
    glassnet train digits
    glassnet train mnist --layers 64,64 --epochs 5 --learning-rate 1e-3 --seed 0
    glassnet train moons --layers none                       a single layer: a straight line
    glassnet train diabetes --dropout 0.2 --patience 10 --report diabetes.html
    glassnet train titanic.csv --target survived --features fare,age
    glassnet train houses.csv --target price --target-transform log --out houses.glassnet
    glassnet train small.csv --target kind --folds 10        for few rows: none are held out
    glassnet train photos/ --epochs 10 --out photos.glassnet
    glassnet train sales/ --target price --out sales.glassnet
    glassnet train flights.csv --target passengers --forecast 12 --time month --out flights.glassnet
    glassnet train air.csv --target T --forecast 24 --time Date --time Time --fill interpolate
    glassnet train digits.npz                                x and y, or x_train, y_train, ...
    glassnet train mnist --epochs 100 --resume runs/mnist    run it again to continue after a crash
    glassnet train digits --json | python -m json.tool
    """
    plot_path = None if settings.pop("no_plot") else plot
    run_options = {name: settings.pop(name) for name in ("resume", "devices")}
    from glassnet.cli import output
    from glassnet.cli.jobs import resolve

    folds = take_folds(settings, run_options["resume"])
    with output.collect_warnings() as messages:
        job = resolve.take_job(name, settings, split=not folds)
        trained = train_model(job, settings, run_options, folds=folds, silent=quiet or as_json)
    model, history, seconds, result = trained
    interrupted = "Ctrl-C" in (history.stopped or "")
    if interrupted and not history.epoch:
        raise click.Abort
    if not history.has_finite_loss() or (result and not result.models):
        report_failure(job.name, settings, history, seconds, as_json=as_json, quiet=quiet)
        ctx.exit(EXIT_NOT_FINITE)
    text, headline, facts, score = score_model(job, model, result, settings["seed"])
    if out:
        model.save(out)
    if report:
        messages += filter(None, [facts["remark"]]) if result is None else ()
        save_report(report, ctx, job, model, score, messages)
    figure, error = save_curves(history, plot_path if history.epoch else None)
    if as_json:
        facts = {"dataset": job.name, **facts, "seconds": seconds}
        facts |= {"seed": settings["seed"], "epochs": len(history.epoch)}
        facts |= {"stopped": history.stopped, "plot": figure, "out": out, "report": report}
        facts |= {"settings": settings, "history": history.history}
        output.print_json(facts | {"doctor": history.findings.to_dict()})
    else:
        if text and not quiet:
            click.echo(f"\n{text}\n")
            if facts["remark"]:
                output.print_wrapped(facts["remark"])
            print_doctor(history)
        files = [file for file in (out, report, figure) if file]
        click.echo(format_last_line(f"{job.name}: {headline}", seconds, files, history))
    if error:
        raise click.ClickException(error)
    ctx.exit(EXIT_INTERRUPTED if interrupted else 0)


def take_folds(settings: dict[str, Any], resume: str | None) -> int | None:
    """Return the number of folds, or None, and remove it from the settings.

    Raises:
        click.UsageError: the training is to be resumed too.
    """
    folds: int | None = settings.pop("folds")
    if folds and resume:
        raise click.UsageError(
            "--resume cannot be combined with --folds. Train without --folds, and score the "
            "network with glassnet cross-validate."
        )
    return folds


def train_model(
    job: Job,
    settings: dict[str, Any],
    run_options: dict[str, Any],
    *,
    folds: int | None,
    silent: bool,
) -> tuple[Sequential, History, float, CrossValidation | None]:
    """Build and train the network of a job; replace None in `settings` by the defaults used.

    Args:
        job: the data and the task.
        settings: of the network and its training.
        run_options: arguments of `fit` that do not change what is learned.
        folds: number of folds to score as well, or None.
        silent: whether to print nothing.

    Returns:
        The model, its history, the seconds of the training, and the result of the folds.
    """
    from glassnet.cli.jobs import fitting
    from glassnet.cli.jobs import folds as fold_runs
    from glassnet.training.progress import leave_findings_to_caller

    model = fitting.build_network(job, settings, has_folds=bool(folds))
    start = time.perf_counter()
    fitting.prepare_network(job, model, settings, silent=silent, has_folds=bool(folds))
    result = None
    if folds:
        fresh = job.build_model(settings)
        result = fold_runs.cross_validate_job(job, fresh, settings, folds=folds, silent=silent)
        if any(run.is_interrupted for run in result.results):
            raise click.Abort
        # What is inferred about the data was printed for the folds.
        job.fit(model, verbose=0, **fitting.make_fit_options(settings) | {"epochs": 0})
    with leave_findings_to_caller():
        history = job.fit(
            model,
            verbose=0 if silent else "auto",
            callbacks=fitting.make_early_stopping(job, settings),
            **run_options,
            **fitting.make_fit_options(settings),
        )
    return model, history, time.perf_counter() - start, result


def score_model(job: Job, model: Sequential, result: CrossValidation | None, seed: int) -> JobScore:
    """Return the score on the test examples, or that of the folds."""
    from glassnet.cli.jobs import folds as fold_runs

    if result is None:
        scored = job.score(model, seed)
        remark = describe_few_rows(job.n_samples, scored.facts["score"])
        return scored._replace(facts=scored.facts | {"remark": remark})
    scored = fold_runs.score_job(job, result, model, seed=seed)
    notes = (fold_runs.describe_score(result), *fold_runs.describe_rows(job))
    return scored._replace(
        headline=f"{scored.headline}, in {result.n_folds} folds",
        facts=scored.facts | {"remark": " ".join(notes)},
        score=replace(scored.score, notes=notes),
    )


def print_doctor(history: History) -> None:
    """Print what the doctor found in a training, if anything."""
    from glassnet.cli import output

    if history.findings:
        output.print_verdict(history.findings)
        click.echo()


def report_failure(
    name: str,
    settings: dict[str, Any],
    history: History,
    seconds: float,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Print that no step had a finite loss: there is no model, no score and no plot."""
    from glassnet.cli import output

    if not as_json:
        if not quiet:
            print_doctor(history)
        return
    facts = {"dataset": name, "score": None, "seconds": seconds, "seed": settings["seed"]}
    facts |= {"epochs": 0, "stopped": history.stopped, "plot": None, "out": None, "report": None}
    facts |= {"settings": settings, "history": history.history}
    output.print_json(facts | {"doctor": history.findings.to_dict()})


def describe_few_rows(n_samples: int, score: dict[str, Any]) -> str:
    """Return a sentence if a score comes from so few rows that methods cannot be compared.

    Args:
        n_samples: number of training rows.
        score: the score as JSON. That of a forecast has no rows.

    Example:
        >>> describe_few_rows(10, {"rows": 2}).split(":")[0]
        '12 rows are too few to compare methods'
    """
    n_rows = n_samples + score.get("rows", MIN_ROWS_TO_COMPARE)
    if n_rows >= MIN_ROWS_TO_COMPARE:
        return ""
    tested = f"a score on {score['rows']}" + (" row" if score["rows"] == 1 else " rows")
    return (
        f"{n_rows:,} rows are too few to compare methods: the 95 % interval of {tested} is too "
        f"wide, and another --seed may reverse the order. Use {MIN_ROWS_TO_COMPARE} rows or more, "
        "or --folds 10, which scores all rows."
    )


def format_last_line(result: str, seconds: float, files: list[str], history: History) -> str:
    """Return the result, the duration, the files written, and the curve of the loss."""
    from glassnet.cli.output import describe_losses

    line = ", ".join([result, format_duration(seconds), *files])
    losses = history.history.get("loss", [])
    if len(losses) < 2:
        return line
    width = min(max(MAX_LINE_WIDTH - len(f"{line}  loss "), 8), 24)
    return f"{line}  {describe_losses(losses, width)}"


def save_report(
    path: str,
    ctx: click.Context,
    job: Job,
    model: Sequential,
    score: RunScore,
    messages: Sequence[str],
) -> None:
    """Write the web page about a run: see `gn.report`.

    Args:
        path: of the page.
        ctx: of the command, which the page shows.
        job: the data.
        model: the trained model.
        score: of the job.
        messages: warnings that were issued.

    Raises:
        ConfigError: the page cannot be written.
    """
    from glassnet.reporting import write

    assert isinstance(ctx.command, outputs.Command)
    words = ctx.command.describe(ctx)
    if not any(word.partition("=")[0] == "--seed" for word in words):
        words += ["--seed", str(ctx.params["seed"])]
    page = write.make_page(model, job.run_data, score, messages=messages, command=shlex.join(words))
    write.write_page(Path(path), page)


def save_curves(history: History, path: str | None) -> tuple[str | None, str]:
    """Plot the learning curves to a file; return its path, or None and an error message."""
    try:
        if path:
            outputs.write_figure(path, history.plot())
    except OSError as error:
        return None, f"cannot write the learning curves to {path}: {error.strerror or error}."
    return path, ""
