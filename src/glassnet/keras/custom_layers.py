"""Classes of users that name `keras.layers.Layer` as their base."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from glassnet.errors import require
from glassnet.keras.base_layer import KerasLayer, KerasTensor
from glassnet.keras.compat import SubclassGuard
from glassnet.layers import Layer, functional
from glassnet.types import Array, Params, State

WEIGHTS_FIX = (
    "Put the layers into keras.Sequential, or write a @dataclass(frozen=True) with "
    "init(self, rng, shape) and __call__(self, params, x)."
)


@dataclass(frozen=True)
class FunctionLayer(Layer):
    """Layer without weights that calls a function of one array: y = function(x).

    Args:
        function: written in jax.numpy or keras.ops. It may have a parameter `training`.
    """

    function: Callable[..., Array] = abs

    def __call__(self, params: Params, x: Array) -> Array:
        return self.function(x)

    def apply(
        self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None
    ) -> tuple[Array, State]:
        options = {"training": train} if _takes_training(self.function) else {}
        return self.function(x, **options), state


def _takes_training(function: Callable[..., Array]) -> bool:
    return "training" in inspect.signature(function).parameters


class CustomLayer(KerasLayer):
    """Base class of a user's layer with Keras's method `call`, which has no weights.

    Args:
        name: as in other layers.
        trainable: as in other layers.
        options: ignored: dtype.
    """

    def __init__(self, *, name: str | None = None, trainable: bool = True, **options: Any):
        super().__init__(FunctionLayer(self.call, name=name, trainable=trainable))

    def __init_subclass__(cls) -> None:
        methods = [name for name in ("build", "add_weight") if name in vars(cls)]
        expected = "a layer without weights of its own"
        require(not methods, cls.__name__, expected, methods=methods, fix=WEIGHTS_FIX)
        super().__init_subclass__()

    @property
    def name(self) -> str:
        default = functional.to_snake_case(type(self).__name__)
        return self._layer.name or self._model_name or default

    def call(self, inputs: Array) -> Array:
        """Return the output for an array."""
        return inputs

    def _call(self, inputs: Any, *args: Any, **options: Any) -> Any:
        who, expected = type(self).__name__, "a call of super().__init__() in __init__"
        require("_layer" in vars(self), who, expected, attributes=list(vars(self)))
        inner = [name for name, value in vars(self).items() if isinstance(value, KerasLayer)]
        expected = "a layer without other layers in its attributes"
        require(not inner, self.name, expected, attributes=inner, fix=WEIGHTS_FIX)
        return super().__call__(inputs, *args, **options)

    __call__ = _call

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)


class KerasLayerBase(SubclassGuard, Layer):
    """Base class of user-defined layers in Glassnet's form."""

    _expected = "a Glassnet layer, which is a frozen dataclass"
    _keras_methods = ("__init__", "build", "compute_output_shape", "get_config")
    _fix = (
        "Write fields instead of __init__, init(self, rng, shape) instead of build, "
        "__call__(self, params, x) instead of call."
    )

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        call = vars(cls).get("__call__")
        if call is not None:
            cls.__call__ = _accept_tensors(call)  # type: ignore[method-assign]


def _accept_tensors(call: Any) -> Any:
    """Wrap the `__call__` of a user's layer so that it can be called on a `KerasTensor`."""

    @wraps(call)
    def __call__(self: Layer, params: Any, *args: Any, **options: Any) -> Any:
        if isinstance(params, KerasTensor):
            return KerasLayer(self)(params)
        return call(self, params, *args, **options)

    return __call__


class _BaseOfTheForm(type):
    """Type of `LayerBase`, which gives each class the base for the form in which it is written."""

    def __new__(
        cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any
    ) -> Any:
        if not bases:
            return super().__new__(cls, name, bases, namespace)
        base = CustomLayer if "call" in namespace else KerasLayerBase
        others = [other for other in bases if not isinstance(other, _BaseOfTheForm)]
        made: Any = types.new_class(
            name, (*others, base), options, lambda body: body.update(namespace)
        )
        return made


class LayerBase(metaclass=_BaseOfTheForm):
    """Base class of user-defined layers, in Keras's form with `call` or in Glassnet's."""
