"""`glassnet train`: a network on a data set, a table or images, its score beside what guessing
gives, and its curves.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glassnet.cli import arguments

if TYPE_CHECKING:
    from glassnet.callbacks import EarlyStopping
    from glassnet.training.history import History

MIN_EPOCHS, MAX_EPOCHS = 5, 500
"""Where no number of epochs is asked for, there are as many as make some steps (see `Job`), within
these bounds.
"""

MIN_ROWS_TO_VALIDATE = 100
"""Where no validation split is asked for, a tenth is held out of data sets with at least so many
training rows.
"""

MAX_LINE_WIDTH = 79
"""Columns that the last line keeps to."""


@click.command("train", short_help="Train a network and score it on unseen rows.")
@click.argument("name", metavar="NAME|FILE|FOLDER")
@arguments.table_options
@arguments.series_options
@arguments.images_options
@arguments.layers_option(default=None)
@click.option(
    "--activation", metavar="NAME", default="relu", show_default=True, help="Of the hidden layers."
)
@click.option(
    "--dropout",
    metavar="RATE",
    type=arguments.FRACTION,
    help="Zeroed after hidden layers.  [default: 0; of a table 0.3; of a series, and of images before the last, 0.5]",
)
@click.option(
    "--epochs",
    metavar="N",
    type=click.IntRange(min=0),
    help="Passes over the rows.  [default: what makes 1,000 steps; of images 300]",
)
@click.option(
    "--batch-size",
    metavar="N",
    type=arguments.BatchSize(),
    help="Rows per step, or full.  [default: 32; of few images fewer]",
)
@arguments.learning_rate_option(default=None)
@arguments.optimizer_option(default="adam")
@click.option(
    "--validation-split",
    metavar="SHARE",
    type=arguments.FRACTION,
    help="Held out.  [default: 0.1; 0 of few rows, or a series]",
)
@click.option(
    "--patience",
    metavar="N",
    type=click.IntRange(min=1),
    help="Stop after N epochs without improvement; keep the best weights.",
)
@arguments.seed_option
@click.option(
    "--plot",
    metavar="FILE",
    default="curves.png",
    show_default=True,
    help="Where to draw the learning curves.",
)
@click.option("--out", metavar="FILE", help="Where to save the model, such as titanic.glassnet.")
@click.option(
    "--resume",
    metavar="FOLDER",
    help="Keep the run's checkpoints there; the same line again goes on from them.",
)
@click.option("--no-plot", is_flag=True, help="Draw nothing.")
@arguments.json_option
@click.option("--quiet", is_flag=True, help="Print the last line only.")
@click.pass_context
def command(
    ctx: click.Context,
    name: str,
    plot: str,
    out: str | None,
    resume: str | None,
    no_plot: bool,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Train a network on the data set NAME, on the table (CSV, TSV, Parquet, Arrow) or the arrays
    (NPZ, IDX) in FILE, or on the images in FOLDER (a sub-folder for each class), and score it on
    rows it has never seen.

    Inputs are scaled and encoded, and the last layer follows from the task. The last line gives the
    accuracy, or for a regression
    the root mean squared error, beside that of a guess: the most common class, or the mean. Of a
        table or a folder a fifth is
    held out; the score has a 95 % interval, and a linear model on the same columns or pixels stands
    beside it. Of images, --layers are the filters of convolutions; sub-folders train and test, or
    validation, are taken for what they say. With --forecast the next steps of a series are learned,
    and forecasts of its end stand beside the seasonal naive ones.

    \b glassnet train digits glassnet train mnist --layers 64,64 --epochs 5 --learning-rate 1e-3
    --seed 0 glassnet train moons --layers none                       one layer: a straight line
    glassnet train diabetes --dropout 0.2 --patience 10 glassnet train titanic.csv --target survived
    --features fare,age glassnet train houses.csv --target price --target-transform log --out
    houses.glassnet glassnet train photos/ --epochs 10 --out photos.glassnet glassnet train
    flights.csv --target passengers --forecast 12 --time month --out flights.glassnet glassnet train
    digits.npz                                x_train, y_train, x_test, y_test; or x, y glassnet
    train mnist --epochs 100 --resume runs/mnist    kill it, run the line again: it carries on
    glassnet train digits --json | python -m json.tool
    """
    picture, place = (
        None if no_plot or not plot else arguments.check_figure_path(plot, "--plot"),
        arguments.check_output_path(out, "--out") if out else None,
    )
    from glassnet.cli import default_models, output
    from glassnet.cli.jobs import base, resolve
    from glassnet.training.progress import format_duration

    wishes = base.TrainOptions(
        *(
            settings.pop(key)
            for key in ("target", "features", "target_transform", "task", "forecast", "time")
        )
    )
    job = resolve.resolve_job(
        name, wishes, settings["seed"], settings.pop("size"), settings.pop("augment")
    )
    silent = quiet or as_json
    settings |= {
        key: getattr(job, key)
        for key in ("layers", "dropout", "batch_size")
        if settings[key] is None
    }
    model = job.build_model(settings)
    if not silent:
        for line in (*job.messages, f"{job.name}: {job.description}"):
            output.print_wrapped(line)
    if job.validation_data is not None:
        settings["validation_split"] = 0.0
    fill_defaults(settings, job.n_samples, job.training_steps, job.validation_split)
    settings["learning_rate"] = model.learning_rate
    began = time.perf_counter()
    asked = {key: settings[key] for key in ("epochs", "batch_size", "validation_split", "seed")}
    job.prepare_model(model, verbose=0 if silent else 2, **asked)
    if not silent:
        output.print_wrapped(default_models.describe_model(model))
    history = job.fit(
        model,
        verbose=0 if silent else "auto",
        callbacks=make_early_stopping(settings, job.validation_data is not None),
        resume=resume,
        **asked,
    )
    seconds = time.perf_counter() - began
    interrupted = "Ctrl-C" in (history.stopped or "")
    if interrupted and not history.epoch:
        raise click.Abort
    full, short, facts = job.score(model, settings["seed"])
    if place:
        model.save(place)
    drawn, failure = save_curves(history, picture if history.epoch else None)
    if as_json:
        run = {
            "seed": settings["seed"],
            "epochs": len(history.epoch),
            "stopped": history.stopped,
            "plot": drawn,
            "out": out,
        }
        output.print_json(
            {
                "dataset": job.name,
                **facts,
                "seconds": seconds,
                **run,
                "settings": settings,
                "history": history.history,
            }
        )
    else:
        if full and not quiet:
            click.echo(f"\n{full}\n")
        line = f"{job.name}: {short} in {format_duration(seconds)}" + "".join(
            f", {file}" for file in (out, drawn) if file
        )
        losses = history.history.get("loss", [])
        room = min(max(MAX_LINE_WIDTH - len(f"{line}  loss "), 8), 24)
        click.echo(line + (f"  loss {output.sparkline(losses, room)}" if len(losses) > 1 else ""))
    if failure:
        raise click.ClickException(failure)
    ctx.exit(130 if interrupted else 0)


def save_curves(history: History, path: Path | None) -> tuple[str | None, str]:
    """The file that the curves were drawn to, and why they were not, if they could not be."""
    try:
        if path:
            history.plot().savefig(path)
    except OSError as error:
        return None, f"the curves could not be drawn to {path}: {error.strerror or error}."
    return (str(path) if path else None), ""


def fill_defaults(
    settings: dict[str, Any], n_samples: int, training_steps: int, validation_split: float
) -> None:
    """Put numbers where the user left the choice of epochs and of the validation split to the data.

    Example:
        >>> settings = {"epochs": None, "validation_split": None, "batch_size": 32}
        >>> fill_defaults(settings, 1438, 1000, 0.1)
        >>> settings["epochs"], settings["validation_split"]
        (25, 0.1)
    """
    if settings["validation_split"] is None:
        settings["validation_split"] = (
            validation_split if n_samples >= MIN_ROWS_TO_VALIDATE else 0.0
        )
    if settings["epochs"] is None:
        learned = round(n_samples * (1 - settings["validation_split"]))
        each = 1 if settings["batch_size"] == "full" else -(-learned // settings["batch_size"])
        settings["epochs"] = min(max(-(-training_steps // max(each, 1)), MIN_EPOCHS), MAX_EPOCHS)


def make_early_stopping(settings: dict[str, Any], has_validation_data: bool) -> list[EarlyStopping]:
    """What ends the training early, if that is asked for."""
    from glassnet.callbacks import EarlyStopping

    monitor = "val_loss" if has_validation_data or settings["validation_split"] else "loss"
    return [EarlyStopping(monitor, patience=settings["patience"])] if settings["patience"] else []
