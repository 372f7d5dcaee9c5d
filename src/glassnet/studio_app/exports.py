"""Files that a user takes along: the model, a report, a Python script, a lesson."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from glassnet.errors import lookup
from glassnet.studio_app.experiment import Experiment
from glassnet.studio_app.lessons import write_lesson


def make_file(experiment: Experiment, kind: str) -> tuple[str, str, bytes]:
    """Return name, media type and content of a file.

    Args:
        experiment: the experiment.
        kind: "model", "report", "python" or "settings".

    Raises:
        ConfigError: an unknown kind; a model that cannot be saved.
    """
    make: Callable[[Experiment], tuple[str, str, bytes]] = lookup("file", kind, KINDS)
    return make(experiment)


def _make_model(experiment: Experiment) -> tuple[str, str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "studio.glassnet"
        experiment.make_model().save(path)
        return path.name, "application/octet-stream", path.read_bytes()


def _make_report(experiment: Experiment) -> tuple[str, str, bytes]:
    from glassnet.reporting.write import report

    data = experiment.data
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        rows = data.x if data.y is None else (data.x, data.y)
        report(experiment.make_model(), rows, path, test=data.test)
        return path.name, "text/html", path.read_bytes()


def _make_script(experiment: Experiment) -> tuple[str, str, bytes]:
    from glassnet.studio_app.python_script import make_script

    return "studio.py", "text/x-python", make_script(experiment).encode()


def _make_lesson(experiment: Experiment) -> tuple[str, str, bytes]:
    return "lesson.json", "application/json", write_lesson(experiment.link).encode()


KINDS = {
    "model": _make_model,
    "report": _make_report,
    "python": _make_script,
    "settings": _make_lesson,
}
