"""Write the report of a run: `gn.report`."""

from __future__ import annotations

import datetime
import os
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from glassnet._version import __version__
from glassnet.errors import ConfigError, message, require
from glassnet.formatting import format_duration
from glassnet.inspection.animation import require_page_path
from glassnet.models.sequential import Sequential
from glassnet.reporting import blocks, scoring
from glassnet.reporting.data_section import make_data_section
from glassnet.reporting.run_data import RunData, read_run_data
from glassnet.reporting.score_section import make_headline, make_score_section
from glassnet.reporting.scoring import RunScore
from glassnet.reporting.training_sections import make_repeat_section, make_training_section
from glassnet.reporting.view_sections import (
    make_mistakes_section,
    make_network_section,
    make_reasons_section,
    make_weights_section,
)
from glassnet.storage import atomic_write
from glassnet.suggestions import suggest_arguments

FOLDERS = re.compile(r"""(?<![\w.])(?:[A-Za-z]:)?[\\/](?:[^\\/\s'"]+[\\/])+""")
"""The folders of an absolute path."""


@suggest_arguments
def report(
    model: Any,
    data: Any,
    path: str | os.PathLike[str],
    *,
    test: Any = None,
    title: str | None = None,
) -> Path:
    """Write a web page about a trained model: its data, training, score, mistakes and settings.

    The page is one file. It needs no other file, no network and no JavaScript. It has a light and
    a dark form, and can be printed. It holds a few of the rows as examples, but no paths, user
    names or weights.

    With training and test rows, the score is that of the test rows, next to baselines that are
    fitted to the training rows. If there is only one set of rows, it is scored, and the page says
    whether the model was trained on it.

    Args:
        model: a `Sequential`, or a model with Keras's layout.
        data: a dataset of `gn.datasets`; (x, y); ((x, y), (x_test, y_test)); a table, `Images`, a
            folder of images or a series, as `fit` takes them; or two of those, (train, test). The
            steps of a series after those of `fit` are its test rows.
        path: of the page: "run.html". An existing file is replaced.
        test: test rows, if `data` has none: (x_test, y_test), or what holds its targets.
        title: heading of the page; None for the name of the data.

    Returns:
        The path of the page.

    Raises:
        ConfigError: something else than a model; `path` does not end in .html, or cannot be
            written. This is checked before the work.
        DataError: data of another kind, such as batches; see `Sequential.evaluate`.
        NotReadyError: the model has no weights yet.

    Example:
        >>> from glassnet.layers import Dense
        >>> model = Sequential([Dense(1)], seed=0)
        >>> x, y = [[1.0], [2.0], [3.0]], [2.0, 4.0, 6.0]
        >>> _ = model.fit(x, y, epochs=2, verbose=0)
        >>> report(model, (x, y), "line.html").name
        'line.html'
    """
    page_path = require_page_path("report", path)
    model = resolve_model(model)
    is_title = title is None or isinstance(title, str)
    require(is_title, "report", "title to be a text or None", title=title)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run = read_run_data(model, data, test)
        if model.optimizer is None:  # the loss follows from the targets, as in `fit`
            model.take_snapshot(run.scored.x, run.scored.y, targets="required")
        score = scoring.score_rows(model, None if run.test is None else run.train, run.scored)
        page = make_page(model, run, score, title=title, messages=[str(w.message) for w in caught])
    return write_page(page_path, page)


def resolve_model(model: Any) -> Sequential:
    """Return the `Sequential` in what a user calls a model.

    Raises:
        ConfigError: something else.
    """
    inner = getattr(model, "glassnet_model", model)
    fix = "Of a fitted estimator, pass estimator.model_." if hasattr(model, "model_") else ""
    if not isinstance(inner, Sequential):
        received = type(model).__name__
        raise ConfigError(message("report", "a model, gn.Sequential", model=received, fix=fix))
    model.take_snapshot()
    return inner


def make_page(
    model: Sequential,
    run: RunData,
    score: RunScore,
    *,
    title: str | None = None,
    messages: Sequence[str] = (),
    command: str = "",
) -> str:
    """Return the page as text.

    Args:
        model: the model.
        run: its data.
        score: that of the scored rows.
        title: heading of the page, or None.
        messages: warnings that were issued.
        command: the command that made the run, or "".
    """
    snapshot = model.take_snapshot()
    answers = {name: scoring.read_answers(model, rows) for name, rows in run if not rows.is_series}
    logs = model.evaluate(run.scored.x, run.scored.y, return_dict=True, verbose=0)
    sections = [
        make_data_section(run, snapshot, answers),
        make_network_section(model, snapshot),
        make_training_section(model, snapshot, [hide_folders(text) for text in messages]),
        make_score_section(model, run, score, logs),
        make_mistakes_section(model, run),
        make_reasons_section(model, run),
        make_weights_section(model, snapshot),
        make_repeat_section(model, run, command),
    ]
    return render(title or run.name or "Report", make_headline(score, logs), model, sections)


def hide_folders(text: str) -> str:
    """Return a text with the names of files only, since folders may hold a user's name.

    Example:
        >>> hide_folders("cannot read /home/ada/photos/cat.png: damaged")
        'cannot read cat.png: damaged'
    """
    return FOLDERS.sub("", text)


def render(title: str, headline: str, model: Sequential, sections: Sequence[blocks.Section]) -> str:
    """Return the page with these sections."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("glassnet.reporting"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    now = datetime.datetime.now(datetime.UTC)
    history = model.history
    count = "1 epoch" if model.epoch == 1 else f"{model.epoch:,} epochs"
    trained = count if model.epoch else "untrained"
    if history is not None and history.seconds:
        trained += f", {format_duration(sum(history.seconds))}"
    return environment.get_template("report.html").render(
        title=title,
        headline=headline,
        date=now,
        version=__version__,
        trained=trained,
        n_weights=model.count_params(),
        sections=sections,
    )


def write_page(path: Path, page: str) -> Path:
    """Write the page to a file in one step.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        atomic_write.write(path, page.encode("utf-8"))
    except OSError as error:
        fix = f"Cause: {error.strerror or error}."
        text = message("report", "a file that can be written", path=str(path), fix=fix)
        raise ConfigError(text) from error
    return path
