"""The studio as a widget in the cell of a notebook."""

from __future__ import annotations

import sys
from typing import Any

from glassnet._version import __version__
from glassnet.studio_app.launch import require_packages
from glassnet.studio_app.notebook_page import make_module, make_styles

require_packages("notebook")

import anywidget  # noqa: E402
import msgspec  # noqa: E402

__all__ = ["Studio"]

_open_widgets: list[Studio] = []
"""Widgets whose sessions run: a widget is alive until it is closed."""


class Studio(anywidget.AnyWidget):
    """The studio in the cell of a notebook. It is tested in JupyterLab.

    The page trains a copy of the model step by step, and shows every number behind it: the model
    itself stays as it is. Training runs beside the kernel's cells. If the cell is run again, the
    new widget takes the place of the old one, whose session ends.

    Args:
        model: a model. Without `compile`, optimizer and loss are chosen as in `fit`.
        x: an array, a table (a frame, a dict of columns or the path of a file), or `Images`.
        y: the targets of an array.
        target: name of the target column of a table; None for the last.
        validation_data: rows to test on: (x, y), or a table. Otherwise some rows are held out.

    Raises:
        ConfigError: no model; the packages are missing (`pip install "glassnet[notebook]"`).
        DataError: data that are not in memory, or that the model cannot learn from.

    Example:
        >>> import glassnet as gn
        >>> moons = gn.datasets.load("moons")
        >>> model = gn.Sequential([gn.layers.Dense(1, activation="sigmoid")])
        >>> widget = gn.Studio(model, moons.x, moons.y)  # the last line of a cell shows it
        >>> widget.close()
    """

    _esm = make_module()
    _css = make_styles()
    _is_closed = True  # until it has a session

    def __init__(
        self,
        model: Any,
        x: Any,
        y: Any = None,
        *,
        target: str | None = None,
        validation_data: Any = None,
    ) -> None:
        from glassnet.studio_app.starts import (
            make_session_factory,
            make_welcome,
            start_with_model,
        )

        start = start_with_model(model, x, y, target=target, validation_data=validation_data)
        super().__init__()
        self._cell, self._execution = find_cell()
        close_replaced(self._cell, self._execution)
        self._welcome = dict(make_welcome())
        self._views: set[str] = set()
        self._is_opened = False
        self._session = make_session_factory(start)(self._send_to_page)
        self._is_closed = False
        self.on_msg(self._receive)
        _open_widgets.append(self)

    def close(self) -> None:
        """End the session, and take the page away."""
        if not self._is_closed:
            self._is_closed = True
            self._session.close()
            _open_widgets.remove(self)
        super().close()

    def _send_to_page(self, data: str | bytes) -> None:
        """Send a message of the session: from its thread."""
        if self._is_closed:
            return
        if isinstance(data, str):
            self.send({"text": data})
        else:
            self.send({"frame": True}, [data])

    def _receive(self, widget: Any, content: dict[str, Any], buffers: list[Any]) -> None:
        """Take a message of a view."""
        if "hello" in content:
            self._greet(str(content["hello"]))
        elif "bye" in content:
            self._views.discard(str(content["bye"]))
            if not self._views:
                self._session.pause()
        elif buffers:
            self._session.post(bytes(buffers[0]))
        else:
            self._is_opened = True
            self._session.post(str(content.get("text", "")))

    def _greet(self, view: str) -> None:
        """Send the first message to a view; a later view shows what the first one does."""
        self._views.add(view)
        first = {"type": "welcome", "session": view, "version": __version__, **self._welcome}
        text = msgspec.json.encode(first | {"resumed": self._is_opened}).decode()
        self.send({"text": text, "view": view})
        if self._is_opened:
            self._session.resume()


def find_cell() -> tuple[str, str]:
    """Return the id of the cell that runs now, and of its execution; "" outside of a notebook."""
    ipython: Any = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython else None
    parent: dict[str, Any] = shell.get_parent() if hasattr(shell, "get_parent") else {}
    cell = parent.get("metadata", {}).get("cellId", "")
    return str(cell), str(parent.get("header", {}).get("msg_id", ""))


def close_replaced(cell: str, execution: str) -> None:
    """Close the widgets of earlier executions of a cell."""
    for widget in list(_open_widgets):
        if cell and widget._cell == cell and widget._execution != execution:
            widget.close()
