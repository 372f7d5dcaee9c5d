"""The section about the data: rows, classes, columns and examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from glassnet.data.images import Images
from glassnet.data.parsing import format_value, is_missing
from glassnet.data.table import Table
from glassnet.data.time_series import TimeSeries
from glassnet.formatting import format_number, format_share, merge_like_lines, shorten
from glassnet.inspection.snapshot import Snapshot
from glassnet.preprocessing.encoder import BooleanColumn, DateColumn, DroppedColumn, NumericColumn
from glassnet.preprocessing.tabular import TabularPreprocessor
from glassnet.reporting import blocks, figures
from glassnet.reporting.run_data import Rows, RunData

N_EXAMPLES = 3
"""Number of rows or texts that are shown."""

MAX_IMAGES, IMAGES_PER_CLASS = 20, 2

MAX_TEXT = 160
"""Maximum number of characters of a cell or text that are shown."""

MAX_OPEN = 12
"""Longer tables show this many rows at once."""

MAX_COLUMNS = 500
"""Rows of more numbers, without names of columns, are not described column by column."""


def make_data_section(
    run: RunData, snapshot: Snapshot, answers: dict[str, np.ndarray]
) -> blocks.Section:
    """Return the section about the data.

    Args:
        run: the data.
        snapshot: the model.
        answers: targets of each part by its name, as class indices or numbers.
    """
    section = blocks.Section("Data")
    if run.description:
        section.blocks.append(blocks.Text(run.description))
    if run.messages:
        section.blocks.append(blocks.Lines(merge_like_lines(run.messages)))
    section.blocks.append(blocks.Facts(list(_iter_facts(run, snapshot, answers))))
    class_names = run.class_names or snapshot.class_names
    if class_names and all(values.ndim == 1 for values in answers.values()):
        section.blocks.append(make_class_table(class_names, answers))
    rows = run.shown
    if isinstance(rows.x, TimeSeries):
        section.blocks.append(_draw_series(run))
        return section
    if rows.pixels is not None:
        section.blocks.append(_make_gallery(rows, answers, class_names))
    elif rows.is_text:
        section.blocks.append(_make_text_examples(rows, answers, class_names))
    elif (table := to_table(rows, run.feature_names or snapshot.feature_names)) is not None:
        section.blocks.append(_make_column_table(table, snapshot))
        section.blocks.append(_make_row_examples(table, snapshot, answers, class_names))
    section.blocks.extend(_list_skipped_files(run))
    return section


def _iter_facts(
    run: RunData, snapshot: Snapshot, answers: dict[str, np.ndarray]
) -> Iterator[tuple[str, str]]:
    for name, rows in run:
        if isinstance(rows.x, TimeSeries):
            n_context = rows.x.length + rows.x.season if name == "test" else 0
            yield f"{name.capitalize()} steps", rows.x[n_context:].span()
            continue
        yield f"{name.capitalize()} rows", f"{len(rows):,}"
    if run.shown.is_series:
        series = run.shown.x
        yield "Target", series.name
        yield "Season", f"{series.season:,} steps"
        yield "Forecast", f"{series.horizon:,} steps at once"
        return
    yield "One row", _describe_row(run.shown)
    if snapshot.class_names or run.class_names:
        n_classes = len(run.class_names or snapshot.class_names)
        yield "Target", f"{snapshot.target_name}: {n_classes:,} classes"
        return
    values = next(iter(answers.values()))
    if values.ndim == 1 and values.dtype.kind in "biuf":
        yield "Target", f"{snapshot.target_name}: numbers, {describe_numbers(values)}"


def _describe_row(rows: Rows) -> str:
    """Return what one row is, in words."""
    x = rows.x.x if isinstance(rows.x, Images) else rows.x
    if isinstance(x, Table):
        return f"{len(x.columns):,} columns"
    if rows.is_text:
        return "a text"
    sizes = " x ".join(f"{size:,}" for size in x.shape[1:]) or "1"
    return f"{sizes} numbers" if rows.pixels is None else f"{sizes} pixels"


def make_class_table(class_names: tuple[str, ...], answers: dict[str, np.ndarray]) -> blocks.Table:
    """Return the number of rows of each class."""
    n = len(class_names)
    counts = {
        name: np.bincount(values.astype(int), minlength=n)[:n] for name, values in answers.items()
    }
    header = ["class"]
    for name in counts:
        header += [f"{name} rows", "share"]
    rows = []
    for code, name in enumerate(class_names):
        cells = [str(name)]
        for column in counts.values():
            cells += [f"{column[code]:,}", format_share(column[code] / max(column.sum(), 1))]
        rows.append(cells)
    numeric = tuple(range(1, len(header)))
    return blocks.Table("Rows of each class", header, rows, numeric, MAX_OPEN + 8)


def to_table(rows: Rows, feature_names: tuple[str, ...]) -> Table | None:
    """Return rows as a table if they have columns, else None."""
    if isinstance(rows.x, Table):
        return rows.x
    x = rows.x
    if x.ndim == 1:
        x = x[:, None]
    if x.ndim != 2 or not 1 <= x.shape[1] <= MAX_COLUMNS or x.dtype.kind not in "biuf":
        return None
    names = feature_names
    if len(names) != x.shape[1]:
        names = tuple(f"x{i + 1}" for i in range(x.shape[1]))
    return Table({name: x[:, i] for i, name in enumerate(names)})


def _make_column_table(table: Table, snapshot: Snapshot) -> blocks.Table:
    """Return the columns with their types, missing values and usual values."""
    preprocessor, uses = snapshot.preprocessor, {}
    if isinstance(preprocessor, TabularPreprocessor):
        for column in preprocessor.encoder.columns:
            uses[column.name] = _describe_use(column)
        uses[preprocessor.target.name] = "the target"
    rows, n = [], len(table)
    for name, values in table.columns.items():
        n_missing = int(is_missing(values).sum())
        missing = f"{n_missing:,} ({format_share(n_missing / n)})" if n_missing else "0"
        cells = [name, _name_type(values), missing, describe_values(values)]
        rows.append(cells + ([uses.get(name, "not used")] if uses else []))
    header = ["column", "type", "missing", "values"] + (["the network receives"] if uses else [])
    caption = f"The {len(rows):,} columns of the {n:,} rows" if len(rows) > 1 else "The column"
    return blocks.Table(caption, header, rows, (2,), MAX_OPEN)


def _describe_use(column: object) -> str:
    """Return what the network receives for a column of a table."""
    if isinstance(column, DroppedColumn):
        return f"nothing: {column.reason}"
    names = getattr(column, "feature_names", ())
    count = "1 number" if len(names) == 1 else f"{len(names):,} numbers"
    if isinstance(column, NumericColumn | BooleanColumn):
        return count
    return f"{count}: {'parts of the date' if isinstance(column, DateColumn) else 'one a category'}"


def _name_type(values: np.ndarray) -> str:
    return {"O": "text", "U": "text", "b": "yes or no", "M": "date"}.get(
        values.dtype.kind, "number"
    )


def describe_values(values: np.ndarray) -> str:
    """Return the range of numbers or dates, or the most common words.

    Example:
        >>> describe_values(np.array([3.0, 1.0, 2.0]))
        '1 to 3, median 2'
        >>> describe_values(np.array(["b", "a", "b", None], object))
        'b (2), a (1)'
        >>> describe_values(np.array([True, False, True]))
        'True (2), False (1)'
    """
    known = values[~is_missing(values)]
    if not len(known):
        return "none"
    if known.dtype.kind in "iuf":
        return describe_numbers(known)
    if known.dtype.kind == "M":
        return f"{known.min().astype('datetime64[s]')} to {known.max().astype('datetime64[s]')}"
    counts = Counter(known.tolist()).most_common()
    words = [f"{shorten(str(word), 40)} ({count:,})" for word, count in counts[:N_EXAMPLES]]
    more = f", and {len(counts) - N_EXAMPLES:,} others" if len(counts) > N_EXAMPLES else ""
    return ", ".join(words) + more


def describe_numbers(values: np.ndarray) -> str:
    """Return the range and the median of numbers."""
    finite = values[np.isfinite(values)].astype(np.float64)
    if not len(finite):
        return "none is finite"
    low, middle, high = (format_value(each) for each in np.quantile(finite, [0, 0.5, 1]))
    return f"always {low}" if low == high else f"{low} to {high}, median {middle}"


def format_cell(value: object) -> str:
    """Return a cell of a table as text, without the end of a very long one."""
    return shorten(format_value(value), MAX_TEXT)


def _make_row_examples(
    table: Table,
    snapshot: Snapshot,
    answers: dict[str, np.ndarray],
    class_names: tuple[str, ...],
) -> blocks.Table:
    """Return the first rows, each as a column of the page."""
    n = min(N_EXAMPLES, len(table))
    cells = [
        [name, *(format_cell(value) for value in values[:n].tolist())]
        for name, values in table.columns.items()
    ]
    if snapshot.target_name not in table.columns:
        shown = next(iter(answers.values()))[:n]
        cells.append([snapshot.target_name, *_name_answers(shown, class_names)])
    header = ["column", *(f"row {i + 1}" for i in range(n))]
    return blocks.Table("The first rows", header, cells, (), MAX_OPEN)


def _name_answers(answers: np.ndarray, class_names: tuple[str, ...]) -> list[str]:
    """Return targets as text."""
    if class_names and answers.ndim == 1:
        return [str(class_names[int(code)]) for code in answers]
    return [", ".join(format_number(value) for value in np.ravel(row)[:8]) for row in answers]


def _make_text_examples(
    rows: Rows, answers: dict[str, np.ndarray], class_names: tuple[str, ...]
) -> blocks.Table:
    """Return the first texts of several classes."""
    values = next(iter(answers.values()))
    index = _choose_examples(values, 2 * N_EXAMPLES)
    names = _name_answers(values[index], class_names)
    cells = [[format_cell(text), name] for text, name in zip(rows.x[index], names, strict=True)]
    return blocks.Table("Some texts", ["text", "target"], cells)


def _choose_examples(answers: np.ndarray, n: int) -> np.ndarray:
    """Return the indices of n rows, the same number of each class as far as possible."""
    if answers.ndim != 1 or answers.dtype.kind not in "biu":
        return np.arange(min(n, len(answers)))
    classes = np.unique(answers)
    order = np.concatenate([np.flatnonzero(answers == code)[:n] for code in classes])
    turn = np.concatenate([np.arange(min(n, int(np.sum(answers == code)))) for code in classes])
    first = order[np.argsort(turn, kind="stable")[:n]]
    return first[np.argsort(answers[first], kind="stable")]


def _make_gallery(
    rows: Rows, answers: dict[str, np.ndarray], class_names: tuple[str, ...]
) -> blocks.Gallery:
    """Return images of the classes."""
    x = rows.x.x if isinstance(rows.x, Images) else rows.x
    values = next(iter(answers.values()))
    n = min(MAX_IMAGES, IMAGES_PER_CLASS * len(class_names) or MAX_IMAGES)
    index = _choose_examples(values, n)
    pixels = figures.to_pixels(x, index, as_ink=rows.is_ink)
    names = _name_answers(values[index], class_names)
    images = [
        figures.to_image(image, shorten(name, 24), f"Example of {shorten(name, 60)}")
        for image, name in zip(pixels, names, strict=True)
    ]
    part = "training" if "training" in answers else "test"
    return blocks.Gallery(f"Some {part} images and their targets", images)


def _draw_series(run: RunData) -> blocks.Figure:
    """Return the figure of a series, with the steps for testing in another color."""
    from glassnet.plots.series import plot_series

    series, last = run.shown.x, run.scored.x
    n_train = len(series)
    values = series.values
    if run.train is not None and run.test is not None:
        n_after = max(last.times.steps_from(series.times) + len(last) - n_train, 0)
        values = np.append(values, last.values[len(last) - n_after :])
    labels = [series.times.label_at(k) for k in range(len(values))]
    low, high = (format_number(value) for value in (values.min(), values.max()))
    caption = f"{series.name}, {labels[0]} to {labels[-1]}: {low} to {high}"
    return figures.draw_figure(
        lambda: plot_series(series.name, labels, values, n_train), "series", caption, caption
    )


def _list_skipped_files(run: RunData) -> Iterator[blocks.Block]:
    """Yield the files that could not be read, by their names without folders."""
    lines = [
        f"{path.name}: {reason}"
        for _, rows in run
        if isinstance(rows.x, Images)
        for path, reason in rows.x.skipped
    ]
    if lines:
        count = "1 file was" if len(lines) == 1 else f"{len(lines):,} files were"
        yield blocks.Remark(f"{count} left out:")
        yield blocks.Lines([*lines[:MAX_OPEN], *(["..."] if len(lines) > MAX_OPEN else [])])
