"""Training and test rows of the studio, with their names, and what a network needs for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassnet.data.table import Table
from glassnet.errors import require
from glassnet.layers import Flatten, Layer
from glassnet.models.default_layers import classification_output, scaling_layers, target_scaling
from glassnet.studio_app.settings import DataSettings


@dataclass(frozen=True)
class DataColumn:
    """A column of a table.

    Attributes:
        name: its name.
        kind: "number", "category", "boolean", "date", or "left out".
        used: whether it takes part.
        detail: a sentence about its values, or why it is left out.
        type: the type that the settings state; "" if it is inferred.
    """

    name: str
    kind: str
    used: bool
    detail: str
    type: str = ""


@dataclass(frozen=True, eq=False)
class StudioData:
    """Training and test rows, with their names.

    Attributes:
        settings: what they were made from.
        kind: "plane" (two numeric inputs), "line" (one), "table" (named columns, in a `Table` or an
            array), "images" or "other".
        title: name for people.
        x: inputs of the training rows, or a table.
        y: their targets; None if they are in the table.
        test: (x, y) or a table; None without test rows.
        n_train, n_test: numbers of rows.
        feature_names: names of the columns that take part; empty for images.
        class_names: names of the classes; empty for numbers.
        target_name: name of the target.
        columns: all columns of a table.
        messages: sentences about how the data were made.
        has_column_types: whether the settings may state the types of columns: those of a table.
        has_target_type: whether the settings may state if the target is a number or a class.
        column_types: types of columns of a table that are not inferred, as `fit` takes them.
        is_private: whether they are the user's, and so never part of a link.
        image_shape: shape of an image.
        code: lines of Python that make the same rows in the same order. They define x, y, x_test
            and y_test, or train and test if the data are a table.
    """

    settings: DataSettings
    kind: str
    title: str
    x: Any
    y: np.ndarray | None
    test: Any
    n_train: int
    n_test: int
    feature_names: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    target_name: str = "y"
    columns: tuple[DataColumn, ...] = ()
    messages: tuple[str, ...] = ()
    has_column_types: bool = False
    has_target_type: bool = False
    column_types: dict[str, str] = field(default_factory=dict)
    is_private: bool = False
    image_shape: tuple[int, ...] | None = None
    code: tuple[str, ...] = field(default=(), repr=False)

    @property
    def is_table(self) -> bool:
        """Whether x is a `Table`, which `fit` encodes and scales by itself."""
        return isinstance(self.x, Table)

    @property
    def fit_options(self) -> dict[str, Any]:
        """The arguments of `fit` beside x and y."""
        if not self.is_table:
            return {}
        options: dict[str, Any] = {"target": self.target_name}
        return options | ({"column_types": self.column_types} if self.column_types else {})

    @property
    def is_trainable(self) -> bool:
        """Whether there are enough rows: drawn points need two, of two classes."""
        return self.n_train >= 2 and len(self.class_names) != 1

    def input_layers(self, scale: bool) -> list[Layer]:
        """Return the layers before the first hidden layer.

        Args:
            scale: whether they scale the inputs. A table's preprocessor always does.
        """
        if self.is_table:
            return []
        if scale and len(self.x):
            return scaling_layers(self.x)
        return [Flatten()] if self.x.ndim > 2 else []

    def target_layers(self, scale: bool) -> list[Layer]:
        """Return the layers after the output layer: one that scales numbers back to their units.

        Args:
            scale: whether outputs are scaled. A table's preprocessor always does.
        """
        if self.class_names or self.y is None or not scale:
            return []
        return [target_scaling(self.y)] if len(self.y) and self.y.std() > 0 else []

    def output_head(self, activation: str | None = None) -> tuple[int, str | None, str]:
        """Return units, activation and loss of the output layer.

        Args:
            activation: None for the one that fits the target: sigmoid for two classes, softmax for
                more, none for numbers.

        Raises:
            ConfigError: an activation that does not fit the number of classes.
        """
        n = len(self.class_names)
        if not n:
            return 1, activation, "mean_squared_error"
        if activation == "softmax":
            return max(n, 2), "softmax", "sparse_categorical_crossentropy"
        expected = f"softmax as the output activation of {n} classes"
        require(activation is None or n <= 2, "studio", expected, activation=activation)
        if activation in (None, "sigmoid"):
            return classification_output(max(n, 2))
        return 1, activation, "mean_squared_error"
