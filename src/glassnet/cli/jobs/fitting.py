"""The networks of commands and the arguments of their training, from options and defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glassnet.formatting import merge_like_lines

if TYPE_CHECKING:
    from glassnet.callbacks import EarlyStopping
    from glassnet.cli.jobs.base import Job
    from glassnet.models.sequential import Sequential

MIN_EPOCHS, MAX_EPOCHS = 5, 500
"""Bounds of the default number of epochs, which follows from `Job.training_steps`."""

MIN_ROWS_TO_VALIDATE = 100
"""Minimum number of training rows for which the default validation split is not 0."""


def build_network(job: Job, settings: dict[str, Any], *, has_folds: bool = False) -> Sequential:
    """Return the compiled network of a job; replace None in `settings` by the defaults used.

    With folds, the only use of validation data is to stop early.
    """
    for key in ("layers", "dropout", "batch_size"):
        if settings[key] is None:
            settings[key] = getattr(job, key)
    model = job.build_model(settings)
    is_unused = has_folds and not settings["patience"] and settings["validation_split"] is None
    if job.validation_data is not None or is_unused:
        settings["validation_split"] = 0.0
    fill_defaults(settings, job.n_samples, job.training_steps, job.validation_split)
    settings["learning_rate"] = model.learning_rate
    return model


def use_own_score(model: Sequential) -> None:
    """Let a network be scored as commands do: by its accuracy, or by the RMSE of numbers."""
    from glassnet.metrics import RootMeanSquaredError

    setup = model.get_settings()
    if "accuracy" not in setup.metrics:
        assert setup.optimizer is not None
        model.compile(setup.optimizer, setup.loss, [RootMeanSquaredError(name="RMSE")])


def prepare_network(
    job: Job, model: Sequential, settings: dict[str, Any], *, silent: bool, has_folds: bool = False
) -> None:
    """Let a network learn what it needs before it can be built, and print data and network.

    With folds, `cross_validate` prints what was inferred about the data.
    """
    from glassnet.cli import default_models, output

    if not silent:
        for line in (*merge_like_lines(job.messages), f"{job.name}: {job.description}"):
            output.print_wrapped(line)
    verbose = 0 if silent or has_folds else 2
    job.prepare_model(model, verbose=verbose, **make_fit_options(settings))
    if not silent:
        output.print_wrapped(default_models.describe_model(model))


def make_fit_options(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `fit` about the length and the seed of the training."""
    return {key: settings[key] for key in ("epochs", "batch_size", "validation_split", "seed")}


def fill_defaults(
    settings: dict[str, Any], n_samples: int, training_steps: int, validation_split: float
) -> None:
    """Replace None in the settings `epochs` and `validation_split` by numbers.

    Example:
        >>> settings = {"epochs": None, "validation_split": None, "batch_size": 32}
        >>> fill_defaults(settings, 1438, 1000, 0.1)
        >>> settings["epochs"], settings["validation_split"]
        (25, 0.1)
    """
    if settings["validation_split"] is None:
        enough = n_samples >= MIN_ROWS_TO_VALIDATE
        settings["validation_split"] = validation_split if enough else 0.0
    if settings["epochs"] is None:
        n_train = round(n_samples * (1 - settings["validation_split"]))
        batch_size = n_train if settings["batch_size"] == "full" else settings["batch_size"]
        steps_per_epoch = max(-(-n_train // max(batch_size, 1)), 1)
        epochs = -(-training_steps // steps_per_epoch)
        settings["epochs"] = min(max(epochs, MIN_EPOCHS), MAX_EPOCHS)


def make_early_stopping(job: Job, settings: dict[str, Any]) -> list[EarlyStopping]:
    """Return the callbacks of the option `--patience`."""
    from glassnet.callbacks import EarlyStopping

    has_validation_data = job.validation_data is not None or settings["validation_split"]
    monitor = "val_loss" if has_validation_data else "loss"
    return [EarlyStopping(monitor, patience=settings["patience"])] if settings["patience"] else []
