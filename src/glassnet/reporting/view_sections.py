"""The sections drawn by the views of `gn.inspection`: the network, its mistakes and its weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from glassnet.errors import GlassnetError
from glassnet.formatting import format_number, format_share, shorten
from glassnet.inspection.attributions import attribute
from glassnet.inspection.drawings import network_drawing
from glassnet.inspection.permutations import importance
from glassnet.inspection.residuals import RegressionMistakes
from glassnet.inspection.snapshot import Snapshot
from glassnet.inspection.view import View
from glassnet.inspection.weight_plots import weights
from glassnet.inspection.wrong_answers import ClassificationMistakes, MultilabelMistakes, mistakes
from glassnet.models.sequential import Sequential
from glassnet.models.summary import iter_layer_lines
from glassnet.reporting import blocks, figures
from glassnet.reporting.data_section import MAX_OPEN, format_cell
from glassnet.reporting.run_data import Rows, RunData

N_WRONG = 8
"""Number of wrong answers that are shown."""

MAX_COLUMNS = 6
"""Maximum number of columns of a row that are shown among the wrong answers."""

MAX_SHUFFLED = 2000
"""Maximum number of rows whose columns are shuffled."""

MAX_UNITS = 8
"""Number of units whose weights are drawn."""

N_ATTRIBUTED = 4
"""Number of rows of which the page shows what the answer rests on."""

PANELS = {
    ClassificationMistakes: ("confusion", "pairs", "classes", "calibration"),
    RegressionMistakes: ("predictions", "residuals", "histogram"),
}
"""Panels of the mistakes that are drawn."""


def draw_view(view: View, name: str, draw: Callable[[], Any] | None = None) -> blocks.Figure:
    """Draw a view, or a panel of one, with its finding as the text for screen readers."""
    return figures.draw_figure(draw or view.plot, name, view.title, "")


def make_network_section(model: Sequential, snapshot: Snapshot) -> blocks.Section:
    """Return the section about the layers."""
    section = blocks.Section("Network")
    if snapshot.preprocessor is not None:
        section.blocks.append(blocks.Text(f"Input: {snapshot.preprocessor.describe(12)}."))
        section.blocks.append(blocks.Text(f"Target: {snapshot.preprocessor.target}."))
    section.blocks.append(draw_view(network_drawing(model), "network"))
    built = snapshot.network
    lines = iter_layer_lines(built.layers, snapshot.params, snapshot.state, built.shapes[0])
    n_layers = len(built.layers)
    caption = f"{model.count_params():,} weights in {n_layers:,} layer{'s' * (n_layers != 1)}"
    header = ["layer", "type", "output of one row", "weights"]
    section.blocks.append(blocks.Table(caption, header, list(lines), (3,)))
    return section


def make_mistakes_section(model: Sequential, run: RunData) -> blocks.Section:
    """Return the section about the wrong answers on the scored rows."""
    section = blocks.Section("Mistakes")
    rows = run.scored
    names = run.class_names or None
    try:
        view = mistakes(model, rows.x, rows.y, class_names=names)
    except GlassnetError as error:  # such as one answer for each step of a sequence
        section.blocks.append(blocks.Text(f"They cannot be shown. {error}"))
        return section
    first, *lines = str(view).splitlines()
    section.blocks.extend([blocks.Text(f"{first}."), blocks.Lines(lines)])
    if isinstance(view, MultilabelMistakes):
        section.blocks.append(draw_view(view, "mistakes"))
        return section
    section.blocks.append(blocks.Figures(list(_iter_panels(view))))
    section.blocks.extend(_iter_wrong_rows(view, rows.is_ink))
    return section


def _iter_panels(view: ClassificationMistakes | RegressionMistakes) -> Iterator[blocks.Figure]:
    names: Sequence[str] = PANELS[type(view)]
    if isinstance(view, ClassificationMistakes) and len(view.class_names) == 2:
        curves = () if view.curves is None else ("roc", "precision_recall")
        names = ("confusion", *curves, "calibration")
    elif isinstance(view, RegressionMistakes) and len(view.names) > 1:
        names = ("predictions", "residuals", "outputs")
    for name in names:
        draw = getattr(view, f"plot_{name}")
        alt = f"{name.replace('_', ' and ').capitalize()}: {view.title}"
        yield figures.draw_figure(draw, f"mistakes-{name}", alt, "")


def _iter_wrong_rows(
    view: ClassificationMistakes | RegressionMistakes, as_ink: bool
) -> Iterator[blocks.Block]:
    """Yield the surest wrong answers, or the rows with the largest errors."""
    if isinstance(view, ClassificationMistakes):
        title, index = "The surest wrong answers", view.wrong[:N_WRONG]
    else:
        title, index = "The rows with the largest errors", view.worst[:N_WRONG]
    if not len(index) or not view.examples.are_shown:
        return
    if view.examples.images is not None:
        pixels = figures.to_pixels(np.asarray(view.examples.images), index, as_ink=as_ink)
        captions = list(_iter_captions(view, index))
        images = [
            figures.to_image(image, caption, f"Row {row:,}: {caption}")
            for image, caption, row in zip(pixels, captions, index, strict=True)
        ]
        yield blocks.Gallery(title, images)
        return
    frame = view.worst_rows().iloc[:N_WRONG]
    known = [name for name in frame.columns if name not in view.examples.columns]
    header = [*known, *list(view.examples.used)[:MAX_COLUMNS]]
    cells = [[format_cell(value) for value in row] for row in frame[header].itertuples(index=False)]
    numeric = tuple(i for i, name in enumerate(header) if frame[name].dtype.kind in "iuf")
    yield blocks.Table(title, header, cells, numeric)


def _iter_captions(
    view: ClassificationMistakes | RegressionMistakes, index: np.ndarray
) -> Iterator[str]:
    for row in index:
        if isinstance(view, ClassificationMistakes):
            true, predicted = view.class_names[view.y_true[row]], view.class_names[view.y_pred[row]]
            share = format_share(view.probabilities[row, view.y_pred[row]])
            yield f"{shorten(true, 24)} taken for {shorten(predicted, 24)}, {share}"
        else:
            true, predicted = (format_number(each[row, 0]) for each in (view.y_true, view.y_pred))
            yield f"true {true}, predicted {predicted}"


def make_reasons_section(model: Sequential, run: RunData) -> blocks.Section:
    """Return the section about what the answers rest on: columns, or parts of examples."""
    section = blocks.Section("What it looks at")
    rows = run.scored
    try:
        if rows.has_columns:
            section.blocks.extend(_iter_importance(model, rows))
        else:
            section.blocks.extend(_iter_attribution(model, rows))
    except GlassnetError as error:  # such as an Embedding inside another layer
        section.blocks.append(blocks.Text(f"It cannot be shown. {error}"))
    return section


def _iter_importance(model: Sequential, rows: Rows) -> Iterator[blocks.Block]:
    """Yield how much worse the answers are with each column shuffled."""
    sample = rows.draw(MAX_SHUFFLED)
    if len(sample) < len(rows):
        yield blocks.Text(f"On {len(sample):,} of the {len(rows):,} rows, drawn at random.")
    view = importance(model, sample.x, sample.y)
    first, *lines = str(view).splitlines()
    yield blocks.Text(f"{first}.")
    yield draw_view(view, "importance")
    yield blocks.Lines(lines[:MAX_OPEN])


def _iter_attribution(model: Sequential, rows: Rows) -> Iterator[blocks.Block]:
    """Yield what the answers for some rows rest on, next to a network with re-drawn weights."""
    sample = rows if rows.is_series else rows.take_spread(N_ATTRIBUTED)
    view = attribute(model, sample.x, sample.y, sanity=True)
    first, *lines = str(view).splitlines()
    yield blocks.Text(f"{first}.")
    yield draw_view(view, "attribution")
    yield blocks.Lines(lines)


def make_weights_section(model: Sequential, snapshot: Snapshot) -> blocks.Section:
    """Return the section about the weights of the first layer."""
    section = blocks.Section("What it learned")
    if not any(kind == "params" for kind, _, _ in snapshot.network.weight_paths):
        section.blocks.append(blocks.Text("The network has no weights."))
        return section
    view = weights(model, max_units=MAX_UNITS)
    first, *lines = str(view).splitlines()
    section.blocks.append(blocks.Text(f"{first}."))
    section.blocks.append(draw_view(view, "weights"))
    section.blocks.append(blocks.Lines(lines[:MAX_OPEN]))
    return section
