"""Weights of a layer as Keras's variables."""

from __future__ import annotations

from typing import Any, Protocol

import jax.numpy as jnp
import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from glassnet.errors import DataError, message, require
from glassnet.keras import initializers
from glassnet.keras.custom_calls import refuse_weights
from glassnet.keras.random_seed import next_seed
from glassnet.keras.tensors import Tensor, as_tensor
from glassnet.types import Shape


class WeightedLayer(Protocol):
    """What a variable asks of its layer."""

    @property
    def name(self) -> str: ...
    def read_weight(self, index: int) -> np.ndarray: ...
    def set_weight(self, index: int, value: Any) -> None: ...


class WeightLists:
    """Base class of what has weights: a layer or a model."""

    @property
    def weights(self) -> list[KerasVariable]:
        """All weights, in the order of `get_weights`."""
        raise NotImplementedError

    @property
    def trainable_weights(self) -> list[KerasVariable]:
        """The weights that training changes."""
        return [weight for weight in self.weights if weight.trainable]

    trainable_variables = trainable_weights

    @property
    def non_trainable_weights(self) -> list[KerasVariable]:
        """Statistics, and all weights of layers with trainable=False."""
        return [weight for weight in self.weights if not weight.trainable]

    non_trainable_variables = non_trainable_weights


class KerasVariable(NDArrayOperatorsMixin):
    """One weight of a layer, which can be read and replaced.

    It can be used as an array in calculations. `v += 1` makes a new array; `v.assign_add(1)`
    changes the weight.

    Attributes:
        name: the name of the weight, such as "kernel".
        trainable: whether training changes it.

    Example:
        >>> from glassnet import keras
        >>> layer = keras.layers.Dense(1)
        >>> layer.build((None, 2))
        >>> layer.bias.assign([5.0]).shape
        (1,)
        >>> layer.bias.numpy().tolist(), layer.kernel.shape, layer.kernel.path
        ([5.0], (2, 1), 'dense/kernel')
    """

    def __init__(self, layer: WeightedLayer, index: int, name: str, trainable: bool):
        self._layer, self._index, self.name, self.trainable = layer, index, name, trainable

    def numpy(self) -> np.ndarray:
        """Return a copy of the numbers."""
        return self._layer.read_weight(self._index)

    @property
    def value(self) -> np.ndarray:
        """A copy of the numbers."""
        return self.numpy()

    def assign(self, value: Any) -> Tensor:
        """Replace the numbers, and return them.

        Raises:
            DataError: another shape, or numbers that are not finite.
        """
        value = np.asarray(value)
        value = value if value.ndim else np.broadcast_to(value, self.shape)
        self._layer.set_weight(self._index, value)
        tensor: Tensor = as_tensor(value)
        return tensor

    def assign_add(self, value: Any) -> Tensor:
        """Add to the numbers, and return the sums."""
        return self.assign(self.numpy() + np.asarray(value))

    def assign_sub(self, value: Any) -> Tensor:
        """Subtract from the numbers, and return the differences."""
        return self.assign(self.numpy() - np.asarray(value))

    @property
    def shape(self) -> Shape:
        """The shape of the weight."""
        return self.numpy().shape

    @property
    def dtype(self) -> str:
        """The type of the numbers."""
        return "float32"

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def path(self) -> str:
        """The name of the layer and of the weight."""
        return f"{self._layer.name}/{self.name}"

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.asarray(self._read_for_calculation(), dtype)

    def __jax_array__(self) -> Any:
        return jnp.asarray(self._read_for_calculation())

    def _read_for_calculation(self) -> np.ndarray:
        if self.trainable:
            refuse_weights(self.name)
        return self.numpy()

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        arrays = [np.asarray(x) if isinstance(x, KerasVariable) else x for x in inputs]
        return getattr(ufunc, method)(*arrays, **options)

    def __iadd__(self, other: Any) -> Any:
        return self + other

    def __isub__(self, other: Any) -> Any:
        return self - other

    def __imul__(self, other: Any) -> Any:
        return self * other

    def __itruediv__(self, other: Any) -> Any:
        return self / other

    def __bool__(self) -> bool:
        return bool(self.numpy())

    def __int__(self) -> int:
        return int(self.numpy())

    def __format__(self, spec: str) -> str:
        return format(self.numpy() if spec else str(self), spec)

    def __getitem__(self, index: Any) -> Any:
        return as_tensor(self.numpy()[index])

    def __len__(self) -> int:
        return len(self.numpy())

    def __float__(self) -> float:
        return float(self.numpy())

    def __repr__(self) -> str:
        return f"<KerasVariable path={self.path}, shape={self.shape}, value={self.numpy()}>"


class Variable(KerasVariable):
    """Numbers of your own that can be replaced; `keras.ops` accept it as an array.

    No optimizer changes it: weights that a model trains belong to its layers.

    Args:
        initializer: an initializer, the name of one, or the numbers themselves.
        shape: shape of the numbers that an initializer draws; None if the numbers are passed.
        dtype: type of the numbers; None for that of the passed numbers, or float32.
        trainable: an attribute without effect.
        name: None for "variable".

    Raises:
        ConfigError: an initializer without a shape.

    Example:
        >>> from glassnet import keras
        >>> steps = keras.Variable("zeros", shape=(2,))
        >>> _ = steps.assign([1.0, 2.0])
        >>> (steps + 1).tolist(), steps.shape
        ([2.0, 3.0], (2,))
    """

    def __init__(
        self,
        initializer: Any,
        shape: Shape | None = None,
        dtype: Any = None,
        trainable: bool = True,
        *,
        name: str | None = None,
    ):
        self.name, self.trainable = name or "variable", trainable
        if callable(initializer) or isinstance(initializer, str):
            fix = "Write keras.Variable(initializer, shape=(3, 2))."
            require(shape is not None, "Variable", "a shape for the initializer", fix=fix)
            draw = initializers.get(initializer)
            initializer = draw(np.random.default_rng(next_seed()), tuple(shape or ()))
            dtype = dtype or "float32"
        value = np.asarray(initializer)
        kind = {"f": "float32", "i": "int32"}.get(value.dtype.kind)
        self._value = np.array(value, dtype or kind)

    def numpy(self) -> np.ndarray:
        """Return a copy of the numbers."""
        return self._value.copy()

    def assign(self, value: Any) -> Tensor:
        """Replace the numbers, and return them.

        Raises:
            DataError: another shape.
        """
        value = np.asarray(value, self._value.dtype)
        expected = f"numbers of shape {self._value.shape}"
        if value.shape != self._value.shape:
            raise DataError(message(self.name, expected, shape=value.shape))
        self._value = value.copy()
        tensor: Tensor = as_tensor(value)
        return tensor

    @property
    def dtype(self) -> str:
        """The type of the numbers."""
        return self._value.dtype.name

    @property
    def path(self) -> str:
        """The name."""
        return self.name
