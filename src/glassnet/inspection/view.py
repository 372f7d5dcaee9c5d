"""Base class of what the views return, and the check of what they receive."""

from __future__ import annotations

import functools
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import fields
from html import escape
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from glassnet.errors import ConfigError, message, require
from glassnet.suggestions import suggest_arguments, suggest_names

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

MAX_NUMBERS = 100_000
"""Maximum size of an array in `View.to_dict`."""

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


def view_function(function: FunctionT) -> FunctionT:
    """Function decorator: refuse a `model` that is none, and name the nearest argument in errors.

    Raises:
        ConfigError: the argument `model` is not a model.
        ArgumentError: an unknown keyword argument.
    """
    names = list(inspect.signature(function).parameters)
    checked = suggest_arguments(function)

    @functools.wraps(function)
    def view(*args: Any, **kwargs: Any) -> Any:
        received = dict(zip(names, args, strict=False)) | kwargs
        if "model" in names and "model" in received:
            _require_model(function.__name__, received["model"])
        if "y" in names and isinstance(received.get("y"), str):
            _refuse_name(function.__name__, received["y"])
        return checked(*args, **kwargs)

    return view  # type: ignore[return-value]


def _require_model(view: str, model: Any) -> None:
    is_class = isinstance(model, type)
    received = f"the class {model.__name__}" if is_class else type(model).__name__
    require(
        not is_class and hasattr(model, "take_snapshot"),
        view,
        "a model as the first argument",
        model=received,
        fix="Pass a gn.Sequential, a model with Keras's layout, or a fitted NeuralClassifier or"
        " NeuralRegressor; of a Pipeline its last step, of a GridSearchCV its best_estimator_.",
    )


def _refuse_name(view: str, name: str) -> None:
    """Refuse a name instead of the targets.

    Raises:
        ConfigError: always.
    """
    fix = "The target of a table is chosen by model.fit(table, target=...)."
    raise ConfigError(message(view, "targets y, or None if x holds them", y=name, fix=fix))


class View(ABC):
    """A result that can be read as numbers, printed, plotted and shown in a notebook.

    A subclass is a frozen dataclass (`eq=False, repr=False`) of NumPy arrays and names. It has the
    three methods below. If one pair of axes is enough for its plot, `plot` takes `ax=None`.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        suggest_names(cls)

    @property
    @abstractmethod
    def title(self) -> str:
        """The finding in one sentence, with its number; also the title of the figure."""

    @abstractmethod
    def plot(self) -> Figure | SubFigure:
        """Draw the result and return the figure."""

    @abstractmethod
    def to_frame(self) -> Any:
        """Return the numbers as a pandas DataFrame."""

    def to_dict(self) -> dict[str, Any]:
        """Return the title, the numbers of `to_frame`, and the arrays by their names, for JSON.

        Arrays of more than 100,000 numbers are left out.
        """
        arrays = {
            field.name: value
            for field in fields(self)  # type: ignore[arg-type]
            if isinstance(value := getattr(self, field.name), np.ndarray)
            and value.size <= MAX_NUMBERS
        }
        numbers = self.to_frame().to_dict(orient="list")
        return {"title": self.title, "numbers": numbers, "arrays": arrays}

    def __str__(self) -> str:
        return self.title

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        from glassnet.plots.figure import to_html

        text = "<br>".join(map(escape, str(self).splitlines()))
        picture = to_html(self.plot(), alt=self.title)  # type: ignore[arg-type]
        return f"<figure>{picture}<figcaption>{text}</figcaption></figure>"
