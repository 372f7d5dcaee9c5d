"""Training and test rows of the studio, with their names, and what a network needs for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

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
        name: name in the settings, or of the user's file.
        title: name for people.
        fit_arguments: x and y, or x and target, as `Sequential.fit` takes them.
        test: (x, y) or a table; None without test rows.
        n_train, n_test: numbers of rows.
        feature_names: names of the columns that take part; empty for images.
        class_names: names of the classes; empty for numbers.
        target_name: name of the target.
        columns: all columns of a table.
        messages: sentences about how the data were made.
        has_column_types: whether the settings may state the types of columns: those of a table.
        has_target_type: whether the settings may state if the target is a number or a class.
        is_private: whether they are the user's, and so never part of a link.
        image_shape: shape of an image.
        code: lines of Python that make the same rows: see `load_code`.
    """

    settings: DataSettings
    kind: str
    name: str
    title: str
    fit_arguments: dict[str, Any]
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
    is_private: bool = False
    image_shape: tuple[int, ...] | None = None
    code: tuple[str, ...] = field(default=(), repr=False)

    @property
    def is_table(self) -> bool:
        """Whether x is a `Table`, which `fit` encodes and scales by itself."""
        return isinstance(self.fit_arguments["x"], Table)

    @property
    def is_trainable(self) -> bool:
        """Whether there are enough rows: drawn points need two, of two classes."""
        return self.n_train >= 2 and len(self.class_names) != 1

    def input_layers(self, scale: bool) -> list[Layer]:
        """Return the layers before the first hidden layer.

        Args:
            scale: whether they scale the inputs. A table's preprocessor always does.
        """
        x = self.fit_arguments["x"]
        if self.is_table:
            return []
        if scale and len(x):
            return scaling_layers(x)
        return [Flatten()] if x.ndim > 2 else []

    def target_layers(self, scale: bool) -> list[Layer]:
        """Return the layers after the output layer: one that scales numbers back to their units.

        Args:
            scale: whether outputs are scaled. A table's preprocessor always does.
        """
        if self.class_names or self.is_table or not scale:
            return []
        y = self.fit_arguments["y"]
        return [target_scaling(y)] if len(y) and y.std() > 0 else []

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

    def load_code(self) -> list[str]:
        """Return lines of Python that define the same rows in the same order.

        They define x, y, x_test and y_test, or train and test if the data are a table.
        """
        return list(self.code)
