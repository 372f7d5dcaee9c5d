"""Results of calls, as arrays with Keras's `numpy` method."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from glassnet.errors import DataError, require


class Tensor(np.ndarray):
    """Result of a call of a layer, model, loss or metric: a NumPy array with the method `numpy`.

    As in Keras, `x += 1` and `x /= 255` make a new tensor, and the old one is unchanged.

    Example:
        >>> tensor = as_tensor([1.0, 2.0])
        >>> tensor.numpy().tolist(), float(tensor[0]), tensor[1].numpy()
        ([1.0, 2.0], 1.0, np.float64(2.0))
    """

    def numpy(self) -> Any:
        """Return the numbers as a plain NumPy array, or as a NumPy number if there is only one."""
        return np.asarray(self)[()]

    def set_shape(self, shape: Any) -> None:
        """Check the shape, as functions for TensorFlow's datasets do.

        Args:
            shape: the size of each axis; None for any size.

        Raises:
            DataError: if the tensor has another shape.
        """
        sizes = tuple(shape)
        fits = len(sizes) == self.ndim and all(
            size in (None, n) for size, n in zip(sizes, self.shape, strict=True)
        )
        require(fits, "set_shape", f"a tensor of shape {sizes}", error=DataError, shape=self.shape)

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(self.item())

    def __getitem__(self, index: Any) -> Any:
        return as_tensor(np.asarray(self)[index])

    def __iadd__(self, other: Any) -> Any:  # type: ignore[misc]
        return self + other

    def __isub__(self, other: Any) -> Any:  # type: ignore[misc]
        return self - other

    def __imul__(self, other: Any) -> Any:  # type: ignore[misc]
        return self * other

    def __itruediv__(self, other: Any) -> Any:  # type: ignore[misc]
        return self / other


def as_tensor(value: Any) -> Any:
    """Return an array or a number as a `Tensor`.

    Inside a compiled function, where the numbers are not known yet, the value is unchanged.
    """
    return value if isinstance(value, jax.core.Tracer) else np.asarray(value).view(Tensor)


def is_in_tensorflow_graph(x: Any) -> bool:
    """Return whether x is a symbolic tensor of TensorFlow, as in the `map` of a tf.data.Dataset."""
    tensorflow = sys.modules.get("tensorflow")
    return tensorflow is not None and bool(tensorflow.is_symbolic_tensor(x))


def call_in_tensorflow_graph(function: Callable[[np.ndarray], Any], x: Any, shape: Any) -> Any:
    """Return the symbolic result of a function of arrays, which runs when the numbers are known.

    Args:
        function: from an array to a `Tensor`.
        x: a symbolic tensor of TensorFlow.
        shape: the shape of the result; None if it is not known.
    """
    tensorflow = sys.modules["tensorflow"]
    is_text = x.dtype == tensorflow.string
    dtype = tensorflow.int64 if is_text else tensorflow.float32

    def call(rows: np.ndarray) -> np.ndarray:
        return np.asarray(function(rows), dtype.as_numpy_dtype)

    result = tensorflow.numpy_function(call, [x], dtype)
    result.set_shape(shape)
    return result
