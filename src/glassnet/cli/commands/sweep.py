"""`glassnet sweep`: rank settings of a network by cross-validation."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from glassnet.cli import arguments, outputs, value_lists
from glassnet.cli.output import EXIT_INTERRUPTED, EXIT_NOT_FINITE
from glassnet.formatting import format_duration, merge_like_lines

if TYPE_CHECKING:
    from glassnet.selection.sweep_results import Sweep

MAX_LINES = 30
"""Maximum number of settings that are printed."""


def value_option(
    name: str, metavar: str, kind: value_lists.ValueList, help_text: str
) -> Callable[[Any], Any]:
    """Return an option that takes several values: in a list, or by repeating it."""
    return click.option(
        name,
        metavar=metavar,
        type=kind,
        multiple=True,
        callback=lambda ctx, param, value: tuple(dict.fromkeys(sum(value, ()))),
        help=help_text,
    )


@click.command(
    "sweep", cls=outputs.Command, short_help="Rank settings of a network by cross-validation."
)
@click.argument("name", metavar="NAME|FILE|FOLDER")
@arguments.data_options
@arguments.groups_option
@click.option(
    "--layers",
    metavar="N,N,...",
    type=arguments.Widths(),
    multiple=True,
    help="Units of the hidden layers, such as 64,32, or none. Repeatable.",
)
@value_option(
    "--learning-rate", "RATES", value_lists.LEARNING_RATES, "Learning rates, such as 1e-4..1e-1."
)
@value_option("--dropout", "RATES", value_lists.DROPOUT_RATES, "Dropout rates, such as 0,0.3.")
@value_option("--l2", "NUMBERS", value_lists.PENALTIES, "L2 penalties, such as 0,1e-5..1e-2.")
@value_option(
    "--batch-size", "NUMBERS", value_lists.BATCH_SIZES, "Rows per step, such as 16..128 or full."
)
@value_option("--optimizer", "NAMES", value_lists.OPTIMIZERS, "Optimizers, such as adam,sgd.")
@value_option("--activation", "NAMES", value_lists.ACTIVATIONS, "Activations, such as relu,tanh.")
@arguments.fit_options
@arguments.folds_option(5, "Number of folds that score each setting.")
@click.option(
    "--inner-folds",
    metavar="N",
    type=click.IntRange(min=2),
    help="Score the choice too: in each fold, N inner folds choose a setting.",
)
@click.option(
    "--seeds",
    metavar="N",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Number of networks for each setting and fold, with different seeds.",
)
@arguments.seed_option
@outputs.output_option(
    "--plot", outputs.FigureFile(), "Where to save a figure of the scores, such as sweep.png."
)
@outputs.output_option(
    "--out", outputs.ModelFile(), "Where to save a model of the best setting, trained on all rows."
)
@outputs.output_option(
    "--resume",
    outputs.OutputFolder(),
    "Folder of finished networks; the same command continues from them.",
)
@arguments.json_option
@arguments.quiet_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    name: str,
    plot: str | None,
    out: str | None,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Train networks of several settings on the rows of the dataset NAME, of the table or the
    arrays in FILE, or on the images in FOLDER, and rank the settings by their scores in
    cross-validation.

    An option takes a list such as 0.1,0.01, a range such as 1e-4..1e-1, or a range with a number of
    values, such as 1e-4..1e-1:10. The values of learning rates, penalties and batch sizes are equal
    factors apart, those of dropout rates equal steps. All combinations are trained. Options with
    one value or none are the same for all: see glassnet train --help for their defaults.

    The best of many settings was lucky, too: its score is optimistic. --inner-folds scores the
    choice on rows that had no part in it.

    \b
    glassnet sweep digits --learning-rate 1e-4..1e-1
    glassnet sweep titanic.csv --target survived --layers 16 --layers 64,64 --dropout 0,0.3,0.5
    glassnet sweep houses.csv --target price --l2 0,1e-5..1e-2 --plot l2.png --out best.glassnet
    glassnet sweep iris --optimizer adam,sgd --batch-size 8..64 --seeds 3 --inner-folds 3
    """
    from glassnet.cli import output
    from glassnet.cli.jobs import folds, resolve, sweeps

    silent, start = quiet or as_json, time.perf_counter()
    job = resolve.take_job(name, settings, split=False)
    resume = settings.pop("resume")
    plan = sweeps.plan_sweep(job, settings)
    if not silent:
        for line in (*merge_like_lines(job.messages), f"{job.name}: {job.description}", str(plan)):
            output.print_wrapped(line)
    result = sweeps.sweep_job(job, plan, resume=resume, silent=silent)
    seconds = time.perf_counter() - start
    facts = {"dataset": job.name} | sweeps.to_json(result, plan)
    if result.best is None:
        if as_json:
            output.print_json(facts)
        else:
            click.echo(f"{job.name}: {result.title}")
        ctx.exit(EXIT_NOT_FINITE)
    if plot:
        outputs.write_figure(plot, result.plot())  # type: ignore[arg-type]
    if out:
        result.refit().save(out)
    if as_json:
        output.print_json(facts | {"seconds": seconds, "plot": plot, "out": out})
    else:
        if not quiet:
            print_ranking(result, [*sweeps.describe_result(result), *folds.describe_rows(job)])
        files = [file for file in (out, plot) if file]
        line = f"{job.name}: {sweeps.describe_best(result)}"
        click.echo(", ".join([line, format_duration(seconds), *files]))
    ctx.exit(EXIT_INTERRUPTED if sweeps.is_interrupted(result) else 0)


def print_ranking(result: Sweep, notes: Sequence[str]) -> None:
    """Print a line for each setting, the best first, and the notes."""
    from glassnet.cli import output
    from glassnet.cli.jobs import sweeps

    headings, rows = sweeps.rank_settings(result)
    click.echo()
    output.print_table(headings, rows[:MAX_LINES], right=headings)
    if len(rows) > MAX_LINES:
        click.echo(f"and {len(rows) - MAX_LINES:,} more; --json has all")
    click.echo()
    for note in notes:
        output.print_wrapped(note)
    click.echo()
