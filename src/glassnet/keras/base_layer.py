"""Keras's layers: objects with identity, weights and calls, around Glassnet's frozen layers."""

from __future__ import annotations

import functools
import weakref
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import numpy as np

from glassnet.engine import inference, network
from glassnet.engine.network import BuiltNetwork
from glassnet.errors import (
    ConfigError,
    DataError,
    MissingError,
    NotReadyError,
    message,
    require,
    suggest,
)
from glassnet.keras import activations
from glassnet.keras.adaptation import adapt_layer, as_batch_of_texts, is_one_text
from glassnet.keras.custom_calls import refuse_weights
from glassnet.keras.hints import PARAMETER_HINTS, find_attribute_hint
from glassnet.keras.layer_weights import LayerWeights, Weights
from glassnet.keras.random_seed import next_seed
from glassnet.keras.tensors import (
    as_tensor,
    call_in_tensorflow_graph,
    is_in_tensorflow_graph,
)
from glassnet.keras.variables import KerasVariable
from glassnet.layers import (
    Activation,
    Dense,
    Embedding,
    Flatten,
    Layer,
    LayerNormalization,
    Normalization,
    Parallel,
    Rescaling,
    TextVectorization,
    functional,
)
from glassnet.partial_shapes import shape_fits
from glassnet.types import Array, PartialShape

IMAGE_MODULES = ("augmentation", "color_augmentation", "resizing")
"""The modules of `glassnet.layers` whose layers also accept one image without a batch axis."""

ONE_ROW_LAYERS = (Activation, LayerNormalization, Rescaling)
"""Layers that also accept one row without a batch axis, or one number."""


WEIGHT_NAMES = ("kernel", "bias", "embeddings", "gamma", "beta", "recurrent_kernel")
"""Names of weights that notebooks read, for the error before the weights exist."""


CLASS_NAMES = {"Input": "InputLayer"}
"""Keras's names of classes that have another name in Glassnet."""

MERGE_NAMES = {"concat": "Concatenate", "mean": "Average"}
"""Keras's names of merges that have another name in Glassnet."""


@functools.cache
def named_class(base: type, name: str) -> type:
    """Return the subclass of `base` that has a name of Keras, such as "Dense"."""
    return type(name, (base,), {"__module__": base.__module__, "__doc__": base.__doc__})


def make_empty(base: type, name: str) -> Any:
    """Return an object of `named_class` without attributes, for pickle."""
    return object.__new__(named_class(base, name))


class KerasTensor:
    """Symbolic output of a layer, or an input: a shape without numbers. It never changes.

    Calling a layer on it returns the next one. `keras.Model(inputs, outputs)` makes a model of all
    layers between two of them. `+` and `*` add and multiply two of them.

    Attributes:
        shape: with the batch axis first, whose size is None.
        dtype: "float32", "int64" or "string".
        source: the layer or model that was called.
        parents: the tensors on which it was called.
    """

    __array_ufunc__ = None

    def __init__(
        self,
        shape: tuple[int | None, ...],
        dtype: str = "float32",
        *,
        source: Any,
        parents: tuple[KerasTensor, ...] = (),
    ):
        self.shape, self.dtype, self.source, self.parents = shape, dtype, source, parents

    @property
    def name(self) -> str:
        """The name of the layer that was called."""
        return str(self.source.name)

    @property
    def ndim(self) -> int:
        """The number of axes, with the batch axis."""
        return len(self.shape)

    def _merge(self, kind: str, other: Any) -> KerasTensor:
        """Return the result of +, - or * with another tensor."""
        layer = MergeLayer(kind)
        layer._is_operator = True
        tensor: KerasTensor = layer([self, other])
        return tensor

    def _rescale(self, scale: Any, offset: Any = 0.0) -> KerasTensor:
        """Return scale · self + offset."""
        layer = KerasLayer(Rescaling(float(scale), float(offset)))
        layer._is_operator = True
        tensor: KerasTensor = layer(self)
        return tensor

    def __add__(self, other: Any) -> KerasTensor:
        if isinstance(other, KerasTensor):
            return self._merge("add", other)
        return self._rescale(1.0, _as_number(other))

    def __sub__(self, other: Any) -> KerasTensor:
        if isinstance(other, KerasTensor):
            return self._merge("subtract", other)
        return self._rescale(1.0, -_as_number(other))

    def __mul__(self, other: Any) -> KerasTensor:
        if isinstance(other, KerasTensor):
            return self._merge("multiply", other)
        return self._rescale(_as_number(other))

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, number: Any) -> KerasTensor:
        return self._rescale(-1.0, _as_number(number))

    def __neg__(self) -> KerasTensor:
        return self._rescale(-1.0)

    def __truediv__(self, number: Any) -> KerasTensor:
        number = self._refuse() if isinstance(number, KerasTensor) else _as_number(number)
        fix = "Divide by another number."
        require(number, "KerasTensor", "a number that is not 0", fix=fix, divisor=number)
        return self._rescale(1.0 / number)

    def _refuse(self, *others: Any) -> Any:
        fix = (
            "+, - and * work, and division by a number. Multiply([x, x]) squares, Activation and "
            "Lambda apply a function to each example."
        )
        raise ConfigError(
            message("KerasTensor", "a calculation that is a layer", name=self.name, fix=fix)
        )

    __rtruediv__ = __pow__ = __rpow__ = __matmul__ = __rmatmul__ = _refuse
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __abs__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = __getitem__ = _refuse

    def __array__(self, *args: Any, **options: Any) -> Any:
        fix = "Call the model on an array to get numbers."
        raise ConfigError(
            message("KerasTensor", "layers, which accept it", name=self.name, fix=fix)
        )

    __jax_array__ = __array__

    def __iter__(self) -> Any:
        return self.__array__()

    def __bool__(self) -> bool:
        return bool(self.__array__())

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"


def unwrap_single(inputs: Any) -> Any:
    """Return the only tensor of a list of one `KerasTensor`; other values as they are."""
    is_single = isinstance(inputs, list | tuple) and len(inputs) == 1
    return inputs[0] if is_single and isinstance(inputs[0], KerasTensor) else inputs


def _as_number(value: Any) -> float:
    """Return a number that a symbolic tensor is combined with."""
    is_number = np.ndim(value) == 0 and isinstance(value, int | float | np.generic | jax.Array)
    fix = "Arrays of numbers are weights of layers: use a layer such as Dense or Normalization."
    expected = "a number or another KerasTensor"
    require(is_number, "KerasTensor", expected, fix=fix, type=type(value).__name__)
    return float(value)


class KerasLayer(LayerWeights):
    """A layer of Keras: it can be called, and it has weights.

    It holds a frozen layer of Glassnet, `glassnet_layer`, whose fields are attributes of it too.
    `activation` is the function, as in Keras: `layer.activation.__name__` is "relu".
    Calling it on a `KerasTensor` returns a `KerasTensor`: Keras's functional style. Calling it on
    an array returns the output for these rows as a `Tensor`. The first call draws the weights, and
    a model that the layer is added to uses them.

    All models that a layer is added to share its weights.

    Args:
        layer: the layer of Glassnet.
        options: Keras's options of a first layer, such as `input_shape`.
        kind: the name of Keras's class; None for that of `layer`.

    Example:
        >>> from glassnet import keras
        >>> layer = keras.layers.Dense(2, kernel_initializer="ones")
        >>> layer(np.ones((1, 3))).numpy().tolist()
        [[3.0, 3.0]]
        >>> layer.kernel.shape, layer.bias.numpy().tolist()
        ((3, 2), [0.0, 0.0])
    """

    def __new__(cls: Any, *args: Any, **options: Any) -> Any:
        """Make the layer, of a class with Keras's name, so that `type(layer).__name__` is it."""
        if cls is not KerasLayer:
            return object.__new__(cls)
        layer, _, kind = (*args, None, None)[:3]
        kind = kind or type(layer).__name__
        return object.__new__(named_class(cls, CLASS_NAMES.get(kind, kind)))

    def __init__(
        self, layer: Layer, options: dict[str, Any] | None = None, kind: str | None = None
    ):
        self._layer = self._unadapted = layer
        self._options = options or {}
        self._input_shape: PartialShape | None = None
        self._network: BuiltNetwork | None = None
        self._weights: Weights = (), ()
        self._owner: weakref.ref[Any] | None = None
        self._model_name: str | None = None
        self._output: weakref.ref[KerasTensor] | None = None
        self._noise: np.random.Generator | None = None
        self._is_operator = False

    @property
    def glassnet_layer(self) -> Layer:
        """The frozen layer with the settings."""
        return self._layer

    @property
    def name(self) -> str:
        """The name that was passed, or that the model has given, or that of the class."""
        return self._layer.name or self._model_name or self.default_name

    @property
    def default_name(self) -> str:
        """The name without the number that a model gives: that of the class."""
        default = functional.default_name(self._layer)
        return "input_layer" if default == "input" else default

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights. Call `compile` after it was set."""
        return self._layer.trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._layer = replace(self._layer, trainable=bool(value))
        self._unadapted = replace(self._unadapted, trainable=bool(value))

    @property
    def dtype(self) -> str:
        """The type of the numbers."""
        return "float32"

    def __call__(
        self, inputs: Any, *args: Any, training: Any = None, mask: Any = None, **options: Any
    ) -> Any:
        """Return the output as a `KerasTensor` or a `Tensor`: see the class.

        Args:
            inputs: a `KerasTensor`, or rows.
            training: whether to draw noise and use batch statistics, as in training. Statistics
                such as those of BatchNormalization stay as they are.
            mask: (batch, time), which steps are real; None for all.

        Raises:
            ConfigError: several inputs, or another argument.
        """
        fix = PARAMETER_HINTS.get(next(iter(options), ""), "")
        if args and not options and (args[0] is None or isinstance(args[0], bool)):
            training, args = args[0], args[1:]
        extra = {f"argument {i}": value for i, value in enumerate(args, 2)} | options
        require(not extra, self.name, "one input, training and mask", fix=fix, **extra)
        inputs = unwrap_single(inputs)
        if isinstance(inputs, KerasTensor):
            return self.call_symbolic(inputs)
        if is_in_tensorflow_graph(inputs):
            is_known = inputs.shape.rank is not None and not self.accepts_one_image
            shape = self.compute_output_shape(inputs.shape) if is_known else None
            call = partial(self._call_on_rows, training=bool(training), mask=mask)
            return call_in_tensorflow_graph(call, inputs, shape)
        if isinstance(inputs, list | tuple) and any(isinstance(x, KerasTensor) for x in inputs):
            fix = "Add and Concatenate merge several."
            raise ConfigError(message(self.name, "one input", inputs=len(inputs), fix=fix))
        return self._call_on_rows(inputs, bool(training), mask)

    def call_symbolic(self, tensor: KerasTensor) -> KerasTensor:
        """Return the output of the layer for a symbolic input."""
        self.build(tensor.shape)
        shape = self.compute_output_shape(tensor.shape)
        return self.record_output(KerasTensor(shape, source=self, parents=(tensor,)))

    def as_steps(self) -> tuple[KerasLayer, ...]:
        """Return the layers that run for a call: this one."""
        return (self,)

    @property
    def is_operator(self) -> bool:
        """Whether +, - or another operator made the layer. `model.layers` leaves these out."""
        return self._is_operator

    def record_output(self, tensor: KerasTensor) -> KerasTensor:
        """Make a tensor the `output` of the layer, and return it."""
        self._output = weakref.ref(tensor)
        return tensor

    def _call_on_rows(self, x: Any, training: bool, mask: Any) -> Any:
        if isinstance(self._layer, TextVectorization):
            numbers = self._layer(as_batch_of_texts(x))
            if np.issubdtype(numbers.dtype, np.integer):
                numbers = numbers.astype(np.int64)  # differences of uint8 would wrap around
            return as_tensor(numbers[0] if is_one_text(x) else numbers)
        rows, restore = self._as_batch(self._as_numbers(x))
        fits = mask is None or np.shape(mask) == rows.shape[:2]
        expected = f"a mask of the shape {rows.shape[:2]}, of the real steps of each row"
        require(fits, self.name, expected, error=DataError, mask_shape=np.shape(mask))
        self.refresh()
        self.build((None, *rows.shape[1:]))
        links, (params, state) = self._require_network().links, self._weights
        if jax.tree.leaves(params):
            refuse_weights(self.name)
        network.require_learned(links, state, "Call adapt first.")
        key = self._key() if training and any(map(functional.uses_randomness, links)) else None
        y = inference.run_links(links, training, params, state, rows, key, mask)
        return restore(as_tensor(y))

    def _as_numbers(self, x: Any) -> Array:
        """Return an array of numbers, or a tracer as it is.

        Raises:
            DataError: something else.
        """
        if isinstance(x, jax.core.Tracer):
            return x
        try:
            rows = np.asarray(x)
        except ValueError:  # a list of lists of several lengths
            rows = np.empty(0, object)
        fix = "Rows of a list have the same length. TextVectorization takes texts."
        is_real = jax.numpy.issubdtype(rows.dtype, np.floating) or rows.dtype.kind in "biu"
        received = {"type": type(x).__name__, "dtype": str(rows.dtype)}
        require(is_real, self.name, "rows of numbers", error=DataError, fix=fix, **received)
        return rows

    def _as_batch(self, rows: Array) -> tuple[Array, Any]:
        """Return rows with a batch axis, and a function that takes it from the output again.

        Numbers (n,) are one row for an activation, and n rows of one number for other layers. One
        image (height, width, channels) is a batch of one.
        """
        if isinstance(self._layer, ONE_ROW_LAYERS) and rows.ndim < 2:
            shape = rows.shape
            return rows.reshape(1, -1), lambda y: y.reshape(shape)
        if isinstance(self._layer, Embedding) and not rows.ndim:
            return rows.reshape(1, 1), lambda y: y[0, 0]
        fix = "Pass x[None] if this is one row."
        has_rows = rows.ndim > (1 if isinstance(self._layer, Dense) else 0)
        expected = "rows, an array with a batch axis"
        require(has_rows, self.name, expected, error=DataError, shape=rows.shape, fix=fix)
        if rows.ndim == 3 and self.accepts_one_image:
            return rows[None], lambda y: y[0]
        if rows.ndim == 1 and not isinstance(self._layer, Flatten):
            return rows[:, None], lambda y: y[:, 0] if y.ndim > 1 and y.shape[1] == 1 else y
        return rows[:, None] if rows.ndim == 1 else rows, lambda y: y

    @property
    def accepts_one_image(self) -> bool:
        """Whether a call may pass one image, (height, width, channels)."""
        return type(self._layer).__module__.rpartition(".")[2] in IMAGE_MODULES

    def _key(self) -> Any:
        if self._noise is None:
            self._noise = np.random.default_rng(next_seed())
        return jax.random.key(int(self._noise.integers(2**31)))

    def build(self, input_shape: Any) -> None:
        """Set the shape of the input, batch axis first, from which the weights follow.

        Raises:
            ConfigError: the layer does not accept the shape, or has weights for another one.
        """
        fix = "Write build((None, 784))."
        is_shape = isinstance(input_shape, list | tuple)
        expected = "the shape of a batch"
        require(is_shape, f"{self.name}: build", expected, fix=fix, input_shape=input_shape)
        shape = tuple(input_shape)[1:]
        if self._network is None:
            self._input_shape = shape
            return
        if not shape_fits(shape, self._network.shapes[0]):
            known = tuple(np.shape(leaf) for leaf in jax.tree.leaves(self._weights))
            built, params, state = self._draw(shape, 0)
            shapes = tuple(np.shape(leaf) for leaf in jax.tree.leaves((params, state)))
            expected = f"the shape that its weights are for, {(None, *self._network.shapes[0])}"
            require(shapes == known, self.name, expected, input_shape=(None, *shape))
            self._network = built

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Return the shape of the output for the shape of an input, batch axes first.

        Raises:
            ConfigError: the layer does not accept the shape.
        """
        if isinstance(self._layer, TextVectorization):
            return (None, *(self._layer.shape or (None,)))
        return (input_shape[0], *self._draw(tuple(input_shape)[1:], 0)[0].shapes[-1])

    @property
    def batch_size(self) -> int | None:
        """The batch size of an Input, or of a first layer with `batch_input_shape`."""
        batch_shape = self._options.get("batch_input_shape", self._options.get("batch_shape"))
        size: int | None = batch_shape[0] if batch_shape else self._options.get("batch_size")
        return size

    @property
    def first_shape(self) -> PartialShape | None:
        """The shape of one example, from `input_shape` or similar options, or None."""
        options = self._options
        size = options.get("input_length" if isinstance(self._layer, Embedding) else "input_dim")
        batch_shape = options.get("batch_input_shape", options.get("batch_shape"))
        shape = batch_shape[1:] if batch_shape else options.get("input_shape", size)
        if shape is None:
            return None
        return tuple(shape) if isinstance(shape, tuple | list) else (shape,)

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """The shape of the input of a batch: (None, 784)."""
        if not self.built and self.first_shape is not None:
            return (None, *self.first_shape)
        return (None, *self._require_network().shapes[0])

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """The shape of the output of a batch: (None, 10)."""
        return (None, *self._require_network().shapes[-1])

    @property
    def output(self) -> KerasTensor:
        """The symbolic output, from which another model can begin or at which it can end.

        Raises:
            NotReadyError: the layer was not called on a `KerasTensor`, and is in no model.
        """
        tensor = self._output() if self._output else None
        if tensor is None and self.owner is not None:
            self.owner.make_outputs()
            tensor = self._output() if self._output else None
        if tensor is None:
            fix = "Call the layer on a keras.Input, or add it to a model."
            raise NotReadyError(message(self.name, "a layer of a model", fix=fix))
        return tensor

    @property
    def input(self) -> Any:
        """The symbolic input: see `output`."""
        parents = self.output.parents
        return parents[0] if len(parents) == 1 else list(parents)

    @property
    def losses(self) -> list[Any]:
        """An empty list: penalties are part of the loss of a model."""
        return []

    def adapt(self, data: Any, batch_size: Any = None, steps: Any = None) -> None:
        """Learn from rows or batches: the statistics of Normalization, the words of texts.

        Raises:
            ConfigError: the layer learns nothing by `adapt`.
            DataError: see `glassnet.layers.Normalization` and `TextVectorization`.
        """
        fix = "Normalization and TextVectorization have it."
        is_known = isinstance(self._layer, Normalization | TextVectorization)
        require(is_known, self.name, "a layer that learns by adapt", fix=fix)
        self._layer, shape = adapt_layer(self._unadapted, data, steps)
        self._network, self._weights = None, ((), ())
        if shape is not None:
            self._options.setdefault("input_shape", shape)
            self._input_shape = shape
            self._require_own_weights()

    def _require_own_weights(self) -> None:
        self._network, *weights = self._draw(self._input_shape or (), 0)
        self._weights = weights[0], weights[1]
        if self.owner is not None:
            self.owner.accept_weights(self)

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Set the words of a TextVectorization."""
        words: Any = {"vocabulary": vocabulary, "idf_weights": idf_weights}
        self._layer = replace(self._unadapted, **words)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "_layer" not in vars(self):
            raise AttributeError(name)
        if hasattr(type(self), name):  # a property that is not ready: raise its error again
            return object.__getattribute__(self, name)
        if name in self._options:
            return self._options[name]
        for variable in self._variables():
            if variable.name == name:
                return self._as_statistic(variable)
        if name in self._layer.__dataclass_fields__ or hasattr(type(self._layer), name):
            value = getattr(self._layer, name)
            return activations.get(value) if name.endswith("activation") else value
        if not name.startswith("_"):
            if self.built or self._owner:
                self._require_network()
            for variable in self._variables():
                if variable.name == name:
                    return variable
            if not self._network and name in WEIGHT_NAMES:
                fix = "Weights exist after a call, build or fit."
                raise MissingError(message(self.name, "a layer with weights", name=name, fix=fix))
            if fix := find_attribute_hint(name):
                raise MissingError(
                    message(type(self._layer).__name__, "a name", name=name, fix=fix)
                )
        return getattr(self._layer, name)

    def _as_statistic(self, variable: KerasVariable) -> Any:
        """Return the mean or variance of a Normalization with Keras's shape, (1, n)."""
        if not isinstance(self._layer, Normalization):
            return variable
        values = variable.numpy()
        n_axes = len(self._require_network().shapes[0]) + 1 - values.ndim
        return as_tensor(values.reshape((1,) * n_axes + values.shape))

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and not self._is_settable(name):
            self._refuse_change(name, value)
        object.__setattr__(self, name, value)

    def _is_settable(self, name: str) -> bool:
        return getattr(getattr(type(self), name, None), "fset", None) is not None

    def _refuse_change(self, name: str, value: Any) -> None:
        kind, fields = type(self._layer).__name__, [*self._layer.__dataclass_fields__]
        is_setting = name in fields
        expected = "no change of a setting" if is_setting else "a setting that can be changed"
        fix = f"Write {kind}(..., {name}=...) when you create the layer."
        if name in WEIGHT_NAMES:
            expected, fix = "no other weight in its place", f"Write layer.{name}.assign(...)."
        elif not is_setting:
            fix = suggest(name, ["trainable", *fields]) or "Use a variable of your own."
        require(False, self.name, expected, fix=fix, **{name: value})

    def __dir__(self) -> list[str]:
        fields = list(self._layer.__dataclass_fields__)
        return sorted({*object.__dir__(self), *fields, *(v.name for v in self._variables())})

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"

    def __reduce_ex__(self, protocol: Any) -> Any:
        kind = type(self)
        if kind.__base__ not in (KerasLayer, MergeLayer):
            return super().__reduce_ex__(protocol)
        return make_empty, (kind.__base__, kind.__name__), self.__getstate__()

    def __deepcopy__(self, memo: dict[int, Any]) -> KerasLayer:
        # The layer and the arrays are never changed in place, so both share them.
        twin = memo[id(self)] = object.__new__(type(self))
        twin.__setstate__(self.__getstate__() | {"_options": dict(self._options)})
        return twin

    def __getstate__(self) -> dict[str, Any]:
        self.refresh()
        return vars(self) | {"_owner": None, "_output": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)


class MergeLayer(KerasLayer):
    """A layer that merges the outputs of several others, such as Add and Concatenate.

    Args:
        merge: see `glassnet.layers.Parallel`.
        name: as in other layers.
        axis: of "concat", the axis, which must be the last one.
    """

    def __new__(cls: Any, merge: str, name: str | None = None, axis: int = -1) -> Any:
        return object.__new__(named_class(cls, MERGE_NAMES.get(merge, merge.capitalize())))

    def __init__(self, merge: str, name: str | None = None, axis: int = -1):
        super().__init__(Parallel([[], []], merge, name=name))
        self._axis = axis

    @property
    def merge(self) -> str:
        """How the outputs are merged: see `glassnet.layers.Parallel`."""
        return str(self._layer.merge)

    @property
    def name(self) -> str:
        return self._layer.name or type(self).__name__.lower()

    def __call__(self, inputs: Any, *args: Any, **options: Any) -> Any:
        """Return the merged inputs, a list of tensors or of arrays.

        Raises:
            ConfigError: fewer than two inputs, shapes that do not fit, or another axis than the
                last one.
        """
        kind = {"concat": "Concatenate", "mean": "Average"}.get(self.merge, self.merge.title())
        fix = f"Write {kind}()([a, b])."
        is_list = isinstance(inputs, list | tuple) and len(inputs) > 1
        received = len(inputs) if isinstance(inputs, list | tuple) else type(inputs).__name__
        require(is_list, self.name, "a list of two or more inputs", inputs=received, fix=fix)
        if not any(isinstance(x, KerasTensor) for x in inputs):
            arrays = tuple(self._as_numbers(x) for x in inputs)
            if self.merge == "concat":
                return as_tensor(self._join(arrays))
            return as_tensor(self._layer.merge_outputs(arrays))
        are_symbolic = all(isinstance(x, KerasTensor) for x in inputs)
        require(are_symbolic, self.name, "inputs that are all KerasTensors, or all arrays")
        self._check_axis(inputs[0].ndim)
        stand_ins = tuple(np.zeros([size or 1 for size in x.shape], np.float32) for x in inputs)
        merged = self._layer.merge_outputs(stand_ins).shape
        shape = [None if a is None else b for a, b in zip(inputs[0].shape, merged, strict=True)]
        return self.record_output(KerasTensor(tuple(shape), source=self, parents=tuple(inputs)))

    def _join(self, arrays: tuple[Array, ...]) -> Array:
        try:
            return jax.numpy.concatenate(arrays, self._axis)
        except (TypeError, ValueError):
            shapes = [array.shape for array in arrays]
            expected = f"arrays of one shape, except for axis {self._axis}"
            raise DataError(message(self.name, expected, shapes=shapes)) from None

    def _check_axis(self, ndim: int) -> None:
        is_last = self.merge != "concat" or self._axis in (-1, ndim - 1)
        fix = "Permute moves another axis there."
        require(is_last, self.name, "axis=-1, the last axis", axis=self._axis, fix=fix)
