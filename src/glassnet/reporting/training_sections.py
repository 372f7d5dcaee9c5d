"""The sections about the training, and how to repeat the run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from glassnet.doctor.findings import ALARM, Findings, describe_symptom, iter_details
from glassnet.formatting import format_duration, format_number, merge_like_lines
from glassnet.inspection.snapshot import Snapshot
from glassnet.models.sequential import Sequential
from glassnet.reporting import blocks, figures, settings
from glassnet.reporting.run_data import RunData
from glassnet.training.history import History

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def make_training_section(
    model: Sequential, snapshot: Snapshot, messages: Sequence[str]
) -> blocks.Section:
    """Return the section about the training.

    Args:
        model: the model.
        snapshot: its snapshot.
        messages: warnings that were issued.
    """
    section = blocks.Section("Training")
    history = model.history
    if history is None or not history.epoch:
        section.blocks.append(blocks.Remark("The model has not been trained."))
    else:
        section.blocks.append(blocks.Facts(list(_iter_facts(model, snapshot, history))))
        curves = list(_iter_curves(history))
        section.blocks.append(blocks.Figures(curves))
        section.blocks.extend(_iter_findings(history.findings))
    if messages:
        section.blocks.append(blocks.Remark("Warnings:"))
        section.blocks.append(blocks.Lines(merge_like_lines(dict.fromkeys(messages))))
    return section


def _iter_findings(findings: Findings) -> Iterator[blocks.Block]:
    """Yield what the doctor found: a paragraph for each finding, and its remedy and evidence."""
    for finding in findings:
        kind = blocks.Remark if finding.confidence == ALARM else blocks.Text
        yield kind(describe_symptom(finding))
        yield blocks.Facts(list(iter_details(finding, "")))


def _iter_facts(
    model: Sequential, snapshot: Snapshot, history: History
) -> Iterator[tuple[str, str]]:
    epochs = f"{len(history.epoch):,}"
    if model.epoch > len(history.epoch):
        epochs += f" of the {model.epoch:,} that the model was trained for"
    yield "Epochs", epochs
    best = history.best_epoch()
    if best is not None and len(history.epoch) > 1:
        kind = "validation" if history.history.get("val_loss") else "training"
        yield "Best epoch", f"{history.epoch[best] + 1:,}, by the {kind} loss"
    if history.stopped:
        yield "Ended early", history.stopped
    params = history.params
    if params.get("rows"):
        yield "Rows in training", f"{params['rows']:,}"
    if params.get("batch_size"):
        yield "Rows per step", f"{params['batch_size']:,}"
    if snapshot.loss is not None:
        yield "Loss", split_words(type(snapshot.loss).__name__)
    if model.optimizer is not None:
        rate = format_number(model.learning_rate)
        yield "Optimizer", f"{type(model.optimizer).__name__}, learning rate {rate}"
    yield "Seed", str(history.seed)
    yield "Duration", format_duration(sum(history.seconds))


def split_words(name: str) -> str:
    """Return the words in the name of a class.

    Example:
        >>> split_words("MeanSquaredError")
        'mean squared error'
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def _iter_curves(history: History) -> Iterator[blocks.Figure]:
    """Yield a figure for each metric."""
    names = [name for name in history.history if not name.startswith("val_")]
    for i, name in enumerate(names):
        keys = [key for key in (name, f"val_{name}") if key in history.history]
        logs = {key: history.history[key] for key in keys}
        last = ", ".join(
            f"{'validation' if key != name else 'training'} {format_number(values[-1])}"
            for key, values in logs.items()
        )
        caption = f"{name.replace('_', ' ')} after the last epoch: {last}"
        draw = partial(_plot_curve, history, logs)
        yield figures.draw_figure(draw, f"curve-{i + 1}", f"Learning curve: {caption}", caption)


def _plot_curve(history: History, logs: dict[str, list[float]]) -> Figure:
    from glassnet.plots.curves import plot_curves

    best = history.best_epoch()
    epochs = [epoch + 1 for epoch in history.epoch]
    return plot_curves(epochs, logs, None if best is None else epochs[best])


def make_repeat_section(model: Sequential, run: RunData, command: str) -> blocks.Section:
    """Return the section about how to repeat the run.

    Args:
        model: the model.
        run: the data.
        command: the command that made the run, or "".
    """
    section = blocks.Section("Repeat this run")
    if command:
        section.blocks.extend([blocks.Text("On the command line:"), blocks.Code(command)])
    section.blocks.append(blocks.Text("In Python:" if command else "The model and its training:"))
    section.blocks.append(blocks.Code(settings.write_code(model, run)))
    if not command:
        section.blocks.append(
            blocks.Text(
                "Callbacks, weights of rows and separate validation data are not recorded, so they "
                "are missing here."
            )
        )
    section.blocks.append(blocks.Facts(settings.list_versions()))
    return section
