"""Lines of Python that read what `glassnet studio` was started with, for the script of a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from glassnet.cli.jobs import images
from glassnet.cli.jobs.arrays import ArrayJob
from glassnet.cli.jobs.base import Job
from glassnet.cli.jobs.images import ImageJob
from glassnet.studio_app.own_code import write_table

ROWS, TEST_ROWS = "x, y = data.x, data.y", "x_test, y_test = data.x_test, data.y_test"


def write_job(name: str, job: Job) -> tuple[str, ...]:
    """Return the lines that define the rows of a job, all of them for training.

    Args:
        name: the file, the folder or the dataset.
        job: its job.
    """
    if isinstance(job, ImageJob):
        folder, size = str(images.find_split_folders(Path(name))[0]), job.train.x.shape[1:3]
        line = f"images = gn.data.images_from_folder({folder!r}, {size})"
        return line, "x, y = np.asarray(images.x), np.asarray(images.y)"
    line = _write_source(name)
    if isinstance(job, ArrayJob):
        return (line, ROWS, TEST_ROWS) if len(job.data.x_test) else (line, ROWS)
    return line, "table, test = map(gn.data.read_table, data)"


def write_saved_rows(model: str, name: str, x: Any, csv: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the lines that define the rows of a saved model.

    Args:
        model: its file.
        name: the file, the folder or the dataset with the rows.
        x: the rows: see `resolve.load_test_data`.
        csv: arguments of `read_table`.
    """
    from glassnet.data.array_files import is_array_file, read_arrays
    from glassnet.data.table import Table, is_table_file

    if images.is_image_path(name):
        reader = f"gn.load({model!r}).preprocessor.read_folder({name!r})"
        return (f"x, y = {reader}.to_arrays()",)
    if is_array_file(name):
        has_test = read_arrays(name)[2] is not None
        return _write_source(name), "x, y = data.x_test, data.y_test" if has_test else ROWS
    if is_table_file(name):
        return (write_table("table", name, "", **csv),)
    if isinstance(x, Table):
        return _write_source(name), "table = gn.data.read_table(data.test)"
    return _write_source(name), "x, y = data.x_test, data.y_test"


def _write_source(name: str) -> str:
    """Return the line that reads a file of arrays, or loads a dataset."""
    from glassnet.data.array_files import is_array_file

    if is_array_file(name):
        return f"data = gn.data.arrays_from_file({name!r}, test_fraction=0.0)"
    return f"data = gn.datasets.load({name!r})"
