"""Classes of users that name `keras.layers.Layer` as their base."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial, wraps
from typing import Any

from glassnet.errors import require
from glassnet.keras.base_layer import KerasLayer, KerasTensor
from glassnet.keras.compat import SubclassGuard
from glassnet.keras.custom_calls import WEIGHTS_FIX, is_call_running, run_call
from glassnet.layers import Layer, functional
from glassnet.types import Array, Params, State


@dataclass(frozen=True)
class FunctionLayer(Layer):
    """Layer without weights that calls a function of one array: y = function(x).

    Args:
        function: written in jax.numpy or keras.ops. It may have a parameter `training`.
    """

    function: Callable[..., Array]

    def __call__(self, params: Params, x: Array) -> Array:
        return self._run(x)

    def apply(
        self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None
    ) -> tuple[Array, State]:
        takes_training = "training" in inspect.signature(self.function).parameters
        return self._run(x, **({"training": train} if takes_training else {})), state

    def _run(self, x: Array, **options: bool) -> Array:
        with run_call(str(self.name)):
            return self.function(x, **options)


class CustomLayer(KerasLayer):
    """Base class of a user's layer with Keras's method `call`, which has no weights.

    Attributes can be set at any time; `call` is then compiled again.

    Args:
        name: as in other layers.
        trainable: as in other layers.
        options: ignored: dtype.
    """

    def __init__(self, *, name: str | None = None, trainable: bool = True, **options: Any):
        super().__init__(FunctionLayer(partial(self.call), name=name, trainable=trainable))

    def __init_subclass__(cls) -> None:
        methods = [name for name in ("build", "add_weight") if name in vars(cls)]
        expected = "a layer without weights of its own"
        require(not methods, cls.__name__, expected, methods=methods, fix=WEIGHTS_FIX)
        super().__init_subclass__()

    @property
    def default_name(self) -> str:
        return functional.to_snake_case(type(self).__name__)

    def call(self, inputs: Array) -> Array:
        """Return the output for an array."""
        return inputs

    def __call__(self, inputs: Any, *args: Any, **options: Any) -> Any:
        who, expected = type(self).__name__, "a call of super().__init__() in __init__"
        require("_layer" in vars(self), who, expected, attributes=list(vars(self)))
        return super().__call__(inputs, *args, **options)

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        is_setting = not name.startswith("_") and name != "trainable" and not is_call_running()
        if is_setting and "_layer" in vars(self):
            # A new function, so that programs with the old value are not used.
            function: Any = {"function": partial(self.call)}
            object.__setattr__(self, "_layer", replace(self._layer, **function))
            self.forget_weights()  # of which there are none: it forgets the old program


class KerasLayerBase(SubclassGuard, Layer):
    """Base class of user-defined layers in Glassnet's form."""

    _expected = "a Glassnet layer, which is a frozen dataclass"
    _keras_methods = ("__init__", "build", "call", "compute_output_shape", "get_config")
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
