"""Keras's functional style: `Model(inputs, outputs)`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from glassnet.errors import require
from glassnet.keras.base_layer import KerasLayer, KerasTensor
from glassnet.keras.base_model import KerasModel
from glassnet.keras.graph import Step, find_steps, list_layers, refuse
from glassnet.keras.sequential import Sequential
from glassnet.layers import Activation, Input
from glassnet.models import sequential
from glassnet.suggestions import suggest_names


@suggest_names
class Functional(Sequential):
    """A model of all layers between two symbolic tensors: `keras.Model(inputs, outputs)`.

    It is a `keras.Sequential` in all other respects. Skip connections become
    `glassnet.layers.Residual`, branches that are merged again `glassnet.layers.Parallel`.

    Args:
        inputs: a `KerasTensor`, or a list of one.
        outputs: a `KerasTensor` that comes from it, or a list of one.
        name: the name of the model.
        trainable: whether the layers are trained.
        seed: as in `glassnet.Sequential`.

    Raises:
        ConfigError: several inputs or outputs, or a graph of another form.

    Example:
        >>> from glassnet import keras
        >>> inputs = keras.Input((4,))
        >>> x = keras.layers.Dense(4, activation="relu")(inputs)
        >>> x = keras.layers.Add()([inputs, keras.layers.Dense(4)(x)])
        >>> model = keras.Model(inputs, keras.layers.Dense(1)(x))
        >>> model, model.output_shape
        (Functional(input_layer, dense_1, dense_2, add, dense_3), (None, 1))
    """

    def __init__(
        self,
        inputs: Any,
        outputs: Any,
        name: str | None = None,
        *,
        trainable: bool = True,
        seed: int | None = None,
    ):
        start, end = _as_one(inputs, "inputs"), _as_one(outputs, "outputs")
        super().__init__(name=name or "functional", seed=seed)
        self._ends = start, end
        self._identity = KerasLayer(Activation("linear"))
        if isinstance(start.source, KerasLayer) and isinstance(start.source.glassnet_layer, Input):
            self._batch_size = start.source.batch_size
        self._set_steps(self.as_steps())
        if not self._takes_text:
            self._model.input_shape = start.shape[1:]
        if not trainable:
            self.trainable = False

    def __repr__(self) -> str:
        return f"Functional({', '.join(layer.name for layer in self.layers)})"

    def as_steps(self) -> tuple[Step, ...]:
        return find_steps(*self._ends) or (self._identity,)  # if the output is the input

    def add(self, layer: Any) -> None:
        """Raise an error: call a layer on `model.output` instead."""
        fix = "Write keras.Model(model.input, layer(model.output))."
        require(False, "add", "a Sequential model", layer=layer, fix=fix)

    def pop(self) -> Any:
        """Raise an error: make another model that ends earlier."""
        fix = "Write keras.Model(model.input, model.layers[-2].output)."
        require(False, "pop", "a Sequential model", fix=fix)

    @property
    def layers(self) -> list[Any]:
        """The layers and models in Keras's order; the first is the input."""
        start, end = self._ends
        return [*list_layers(end, start)]

    def _iter_layers(self) -> Iterator[KerasLayer]:
        for layer in self.layers:
            inner = layer._iter_layers() if isinstance(layer, KerasModel) else [layer]
            yield from (each for each in inner if each in self._sharing.locations)

    def _with_layers(self, changed: sequential.Sequential) -> Any:
        twin = Sequential.from_glassnet(changed)
        twin.name = self.name
        return twin

    def make_outputs(self) -> None:
        start, end = self._ends
        tensors = [end]
        while tensors:
            tensor = tensors.pop()
            self._record(tensor)
            if tensor is not start:
                tensors.extend(tensor.parents)
        self._tensors = [start, end]


class FeatureExtractor:
    """Several outputs of one input, such as those of all layers: to call and predict, not to fit.

    Args:
        inputs: a `KerasTensor`.
        outputs: several that come from it: a list or a dict.

    Example:
        >>> import numpy as np
        >>> from glassnet import keras
        >>> hidden, last = keras.layers.Dense(3), keras.layers.Dense(2)
        >>> model = keras.Sequential([keras.Input((4,)), hidden, last])
        >>> features = keras.Model(model.inputs, [layer.output for layer in model.layers])
        >>> [output.shape for output in features(np.zeros((5, 4)))]
        [(5, 3), (5, 2)]
    """

    def __init__(self, inputs: Any, outputs: Any):
        self._outputs = outputs
        self._models = [Functional(inputs, output) for output in _as_list(outputs)]

    def __call__(self, x: Any, training: Any = None) -> Any:
        """Return the outputs for rows as `Tensor`s, in a list or a dict as in `outputs`."""
        return self._arrange([model(x, training) for model in self._models])

    def predict(self, x: Any, **options: Any) -> Any:
        """Return the outputs for rows as arrays: see `Sequential.predict`."""
        return self._arrange([model.predict(x, **options) for model in self._models])

    def _arrange(self, values: list[Any]) -> Any:
        keys = self._outputs.keys() if isinstance(self._outputs, dict) else None
        return values if keys is None else dict(zip(keys, values, strict=True))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise refuse(f"A model with several outputs can be called and predicts; it has no {name}.")


def _as_list(tensors: Any) -> list[Any]:
    values = list(tensors.values()) if isinstance(tensors, dict) else tensors
    return list(values) if isinstance(values, list | tuple) else [values]


def _as_one(tensors: Any, what: str) -> KerasTensor:
    """Return the tensor, or the only one of a list or dict."""
    values = _as_list(tensors)
    if len(values) != 1:
        raise refuse(f"Received {len(values)} {what}.")
    fix = "Begin with inputs = keras.Input((4,)), and call layers on it."
    tensor: KerasTensor = values[0]
    is_tensor = isinstance(tensor, KerasTensor)
    require(is_tensor, "Model", f"{what} from keras.Input", received=tensor, fix=fix)
    return tensor


class _ModelName:
    """Keras's name Model: calling it makes a `Functional`, and every model is an instance."""

    name = "Model"

    def __call__(self, inputs: Any, outputs: Any, **options: Any) -> Any:
        if len(_as_list(inputs)) == 1 < len(_as_list(outputs)) and not options:
            return FeatureExtractor(inputs, outputs)
        return Functional(inputs, outputs, **options)

    def __instancecheck__(self, value: Any) -> bool:
        return isinstance(value, KerasModel | sequential.Sequential)

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        raise refuse("Instead, write keras.Sequential([...]) or keras.Model(inputs, outputs).")


MODEL = _ModelName()
