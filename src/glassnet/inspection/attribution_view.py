"""The attributions of some rows: the values, their title, figure and table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.errors import require
from glassnet.formatting import format_number
from glassnet.inspection.explained_output import ExplainedOutput
from glassnet.inspection.input_layout import InputLayout, to_shape
from glassnet.inspection.view import View

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METHODS = {
    "gradient": "gradient",
    "gradient_x_input": "gradient times input",
    "integrated_gradients": "integrated gradients",
    "occlusion": "occlusion",
    "grad_cam": "HiResCAM",
}
"""Titles of the methods."""

PLACES = {
    "image": ("pixel_row", "pixel_column", "channel"),
    "series": ("step", "feature"),
    "text": ("position",),
    "features": ("feature",),
}
"""Names of the axes of one row, in a frame."""

SMALL_RESIDUAL = 1e-4
"""Residuals below it are rounding."""

MAX_CORRELATION = 0.5
"""A rank correlation of larger size means that a map hardly depends on what was learned."""


@dataclass(frozen=True, eq=False, repr=False)
class Attribution(View):
    """The numbers of the input that the answers for some rows rest on.

    Attributes:
        method: name of the method.
        x: the rows as the network receives them, (n, ...).
        values: shaped like x; of "grad_cam", the channels of a pixel or step have the same value.
        output: the outputs that are explained, with their targets and names.
        layout: how the rows are laid out: pictures, series, words or features.
        cells: text of each column of the rows, if they are features.
        baseline: what the method compares the rows with, in words; "" if it compares with nothing.
        residual: |sum(values) - (f(x) - f(baseline))| / |f(x) - f(baseline)| of integrated
            gradients, (n,), or None.
        layer: the layer of "grad_cam", or "".
        sanity_values: values of the same network with re-drawn weights, or None.
        sanity_correlation: rank correlation of both in each row (n,), NaN if a map is constant; or
            None.
        note: " (untrained)" if the model was not trained, else "".
    """

    method: str
    x: np.ndarray
    values: np.ndarray
    output: ExplainedOutput
    layout: InputLayout
    cells: tuple[tuple[str, ...], ...] = ()
    baseline: str = ""
    residual: np.ndarray | None = None
    layer: str = ""
    sanity_values: np.ndarray | None = None
    sanity_correlation: np.ndarray | None = None
    note: str = ""

    @property
    def target(self) -> np.ndarray:
        """Index of the output that is explained in each row: (n,), or (n, axes) of several axes."""
        return self.output.index

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features of a table, of a row of numbers or of a series."""
        return self.layout.names

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns, if the rows are features."""
        return tuple(self.layout.spans or ())

    @property
    def column_values(self) -> np.ndarray:
        """Sum of the values of each column's features, (n, columns): one-hot groups are summed."""
        return self._sum_columns(self.values)

    def _sum_columns(self, values: np.ndarray) -> np.ndarray:
        spans = (self.layout.spans or {}).values()
        fix = "They are the sums of one-hot groups of tables. Read values instead."
        require(spans, "column_values", "rows of features", kind=self.layout.kind, fix=fix)
        values = to_shape(values, self.layout.shape)
        return np.stack([values[:, start:stop].sum(1) for start, stop in spans], axis=1)

    @property
    def title(self) -> str:
        name = f"{METHODS[self.method]} of {self.output.subject}"
        if self.layer:
            name = f"{METHODS[self.method]} of {self.output.subject} at {self.layer}"
        parts = [self.output.score, f"{name}{self.note}", self._finding()]
        return "; ".join(filter(None, parts))

    def _finding(self) -> str:
        if not np.any(self.values):
            return "nothing"
        parts = []
        if self.layout.kind == "features":
            sizes = np.abs(self.column_values).mean(0)
            parts.append(f"{self.column_names[int(sizes.argmax())]} counts most")
        elif self.layout.kind == "text":
            row, i = np.unravel_index(np.abs(self.values).argmax(), self.values.shape)
            words = self.layout.words[int(row)]
            parts += [f"{words[i]!r} counts most"] if i < len(words) else []
        empty = int(np.sum(~self.values.reshape(len(self.values), -1).any(1)))
        parts += [f"nothing in {empty} of {len(self.values)}"] if empty else []
        if self.residual is not None:
            parts.append(f"residual {_format_residual(float(self.residual.max()))}")
        return ", ".join(parts)

    def __str__(self) -> str:
        return "\n".join([self.title, *self._explain()])

    def _explain(self) -> list[str]:
        """Return sentences about the baseline, the residual and the sanity check."""
        lines = [f"Compared with {self.baseline}."] if self.baseline else []
        if self.residual is not None:
            lines.append(
                "The values of a row add up to the change of the output from there, up to the "
                "residual."
            )
            if self.residual.max() > 0.05:
                lines.append("The residual is large: pass more steps=, or another baseline.")
        if self.sanity_correlation is not None:
            lines.append(self._judge_sanity(self.sanity_correlation))
        return lines

    def _judge_sanity(self, correlation: np.ndarray) -> str:
        finite = correlation[np.isfinite(correlation)]
        if not len(finite):
            return "With re-drawn weights nothing can be compared: a map is the same everywhere."
        mean = float(finite.mean())
        text = f"With re-drawn weights the rank correlation is {format_number(mean, 2)} on average"
        if abs(mean) <= MAX_CORRELATION:
            return f"{text}: the maps depend on what the network has learned."
        return (
            f"{text}: much of a map is the same without anything learned, so do not read it as the "
            "network's reason."
        )

    def plot(self) -> Figure:
        """Draw each row beside its values: a picture, a curve, words or bars by column.

        Up to eight rows are drawn.
        """
        from glassnet.plots import attributions as plots

        drawing = plots.Drawing(
            title=self.title,
            label=self._label(),
            captions=self.output.captions,
            sanity=self._label_sanity(),
        )
        kind = self.layout.kind
        if kind == "image":
            pictures = _to_visible(to_shape(self.x, self.layout.shape))
            maps, sanity = (self._to_map(each) for each in (self.values, self.sanity_values))
            return plots.plot_images(drawing, pictures, maps, sanity, self.method == "grad_cam")
        if kind == "text":
            maps, sanity = (self._to_map(each) for each in (self.values, self.sanity_values))
            return plots.plot_words(drawing, self.layout.words, maps, sanity)
        if kind == "features":
            bars = [
                None if each is None else self._sum_columns(each)
                for each in (self.values, self.sanity_values)
            ]
            return plots.plot_bars(drawing, self.column_names, self.cells, bars[0], bars[1])
        steps, sanity = (self._to_steps(each) for each in (self.values, self.sanity_values))
        return plots.plot_series(drawing, self.x, self.feature_names, steps, sanity)

    def _to_map(self, values: np.ndarray | None) -> np.ndarray | None:
        """Return values (n, height, width), or (n, words): summed over channels.

        Where all channels of a pixel have one value, it is that value.
        """
        if values is None or self.layout.kind == "text":
            return values
        maps: np.ndarray = to_shape(values, self.layout.shape)
        if maps.ndim == 4:
            is_shared = self.method in ("occlusion", "grad_cam")
            maps = maps.mean(-1) if is_shared else maps.sum(-1)
        return maps

    def _to_steps(self, values: Any) -> Any:
        """Return values of a series shaped like x; (n, steps) of "grad_cam"."""
        if values is None or self.method != "grad_cam":
            return values
        return to_shape(values, self.layout.shape)[:, :, 0]

    def _label(self) -> str:
        unit = self.output.unit
        return {
            "gradient": f"change of {unit} per unit of x",
            "occlusion": f"drop of {unit} without it",
        }.get(self.method, f"contribution to {unit}")

    def _label_sanity(self) -> str:
        if self.sanity_correlation is None:
            return ""
        finite = self.sanity_correlation[np.isfinite(self.sanity_correlation)]
        text = "nothing to compare"
        if len(finite):
            text = f"rank correlation {format_number(float(finite.mean()), 2)}"
        return f"with re-drawn weights\n({text})"

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with a line for each value: row, place, x and value.

        The place is pixel_row, pixel_column and channel of pictures; step and feature of series;
        position and word of texts; feature and column of tables.
        """
        import pandas as pd

        values = to_shape(self.values, self.layout.shape)
        index = np.indices(values.shape).reshape(values.ndim, -1)
        names = ("row", *PLACES[self.layout.kind])
        frame = pd.DataFrame(dict(zip(names, index, strict=False)))
        frame["target"] = np.array(self.output.names)[index[0]]
        frame["x"] = self.x.ravel()
        frame["value"] = values.ravel()
        if self.sanity_values is not None:
            frame["sanity_value"] = self.sanity_values.ravel()
        return self._name_places(frame)

    def _name_places(self, frame: Any) -> Any:
        """Replace the index of a feature by its name; add the words and the columns."""
        if self.layout.kind == "text":
            words = self.layout.words
            texts = [
                words[row][i] if i < len(words[row]) else ""
                for row, i in zip(frame["row"], frame["position"], strict=True)
            ]
            frame.insert(2, "word", texts)
        elif "feature" in frame and self.feature_names:
            position = frame["feature"].to_numpy()
            if self.layout.kind == "features":
                owners = [
                    name for name, (a, b) in (self.layout.spans or {}).items() for _ in range(a, b)
                ]
                frame.insert(1, "column", np.array(owners)[position])
            frame["feature"] = np.array(self.feature_names)[position]
        return frame


def _format_residual(residual: float) -> str:
    if residual < SMALL_RESIDUAL:
        return f"below {format_number(100 * SMALL_RESIDUAL)} %"
    return f"at most {format_number(100 * residual, 2)} %"


def _to_visible(pictures: np.ndarray) -> np.ndarray:
    """Return pictures with 1, 3 or 4 channels: the mean if there are others."""
    channels = pictures.shape[3] if pictures.ndim == 4 else 1
    visible: np.ndarray = pictures if channels in (1, 3, 4) else pictures.mean(-1)
    return visible
