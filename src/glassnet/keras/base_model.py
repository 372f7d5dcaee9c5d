"""The layers and weights of Keras's models."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Self

import jax
import numpy as np

from glassnet.engine import inference
from glassnet.errors import NotReadyError, is_int, lookup, require
from glassnet.keras.base_layer import KerasLayer, KerasTensor, MergeLayer, unwrap_single
from glassnet.keras.compat import KerasAlias, Unsupported
from glassnet.keras.custom_calls import refuse_weights
from glassnet.keras.graph import Step, iter_layers, number_layers, to_glassnet
from glassnet.keras.random_seed import draw_seed, next_seed
from glassnet.keras.tensors import (
    Tensor,
    as_tensor,
    call_in_tensorflow_graph,
    is_in_tensorflow_graph,
)
from glassnet.keras.variables import KerasVariable, WeightLists
from glassnet.keras.weight_sharing import WeightSharing
from glassnet.layers import Input, Layer, TextVectorization, functional
from glassnet.models import sequential
from glassnet.models.layer_view import LayerView
from glassnet.partial_shapes import shape_fits
from glassnet.types import PartialShape


def without_number(layer: Layer) -> Layer:
    """Return a layer without the name that a model has given it, such as `dense_1`."""
    is_numbered = re.fullmatch(functional.default_name(layer) + r"_\d+", str(layer.name))
    return replace(layer, name=None) if is_numbered else layer


class KerasModel(WeightLists):
    """Layers in order, around a `glassnet.Sequential`, with which they share their weights.

    A model of Keras is a layer too: it can be called, and added to other models.
    """

    def __init__(self, name: str | None = None, seed: int | None = None):
        self.name = name or "sequential"
        self._batch_size: int | None = None
        self._entries: list[Any] = []
        self._names: dict[KerasLayer, str] = {}
        self._tensors: list[KerasTensor] = []
        self._glassnet_models: list[KerasModel] = []
        self._model = sequential.Sequential(seed=next_seed() if seed is None else seed)
        self._sharing = WeightSharing()
        self._model.set_build_hook(self._sharing.copy_to)

    @classmethod
    def from_glassnet(cls, model: sequential.Sequential) -> Self:
        """Return a model of Keras around a model of Glassnet."""
        wrapped = cls()
        wrapped._entries = [KerasLayer(without_number(view.layer)) for view in model.layers]
        wrapped.replace_glassnet_model(model)
        return wrapped

    def replace_glassnet_model(self, model: sequential.Sequential) -> None:
        """Use another model of Glassnet that has the same layers."""
        self._model = model
        model.set_build_hook(self._sharing.copy_to)
        steps = self.as_steps()
        self._names = number_layers(steps)
        self._locate(steps)

    @property
    def glassnet_model(self) -> sequential.Sequential:
        """The `glassnet.Sequential` that holds the layers and weights."""
        return self._model

    @property
    def _is_fitting(self) -> bool:
        return False

    def add(self, layer: Any) -> None:
        """Append a layer, a model, or a layer of a model.

        A model that has weights keeps them; those of the new layer are drawn.

        Raises:
            ConfigError: see `glassnet.Sequential.add`; or the model has the layer already.
        """
        name = layer.name if isinstance(layer, KerasAlias | Unsupported) else ""
        fix = f"This is the class: write {name}(...)."
        require(not name, "Sequential", "layers", received=name, fix=fix)
        entry = self._as_entry(layer)
        if isinstance(entry, KerasLayer) and isinstance(entry.glassnet_layer, Input):
            self._model.add(entry.glassnet_layer)
            self._batch_size = self._batch_size or entry.batch_size
            return
        is_first = self._model.input_shape is None and not self._entries
        takes_text = isinstance(getattr(entry, "glassnet_layer", None), TextVectorization)
        is_text = not takes_text or self._model.input_shape in (None, (1,))
        expected = "TextVectorization before all other layers"
        fix = "It receives strings: write Input((1,), dtype='string') before it."
        require(is_text, "Sequential", expected, shape=self._model.input_shape, fix=fix)
        self._set_entries([*self._entries, entry])
        if is_first and entry.first_shape is not None and not self._takes_text:
            self._model.input_shape = entry.first_shape
        self._batch_size = self._batch_size or entry.batch_size

    def _as_entry(self, layer: Any) -> Any:
        """Return a layer or a model of Keras for what may be added."""
        if isinstance(layer, sequential.Sequential):
            self._glassnet_models.append(KerasModel.from_glassnet(layer))
            return self._glassnet_models[-1]
        if isinstance(layer, KerasTensor):
            fix = "Write keras.Model(inputs, outputs)."
            is_input = not layer.parents
            require(is_input, "Sequential", "layers, not their outputs", tensor=layer.name, fix=fix)
            return layer.source
        if isinstance(layer, LayerView):
            return KerasLayer(replace(layer.layer, name=None))
        fix = "A layer that merges belongs into keras.Model(inputs, outputs)."
        is_single = not isinstance(layer, MergeLayer)
        require(is_single, "Sequential", "layers with one input", layer=layer, fix=fix)
        if isinstance(layer, KerasLayer | KerasModel):
            return layer
        return KerasLayer(functional.as_layer(layer))

    def pop(self) -> Any:
        """Remove the last layer or model, and return it. The other layers keep their weights."""
        require(self._entries, "pop", "a model with layers", layers=[])
        *entries, last = self._entries
        self._set_entries(entries)
        return last

    @property
    def _takes_text(self) -> bool:
        layers = self._model.layers
        return bool(layers) and isinstance(layers[0].layer, TextVectorization)

    @property
    def batch_size(self) -> int | None:
        """The batch size of the `Input`, or None."""
        return self._batch_size

    @property
    def first_shape(self) -> PartialShape | None:
        """The shape of one example, or None if it is not known yet or if examples are texts."""
        return None if self._takes_text else self._model.input_shape

    def as_steps(self) -> tuple[Step, ...]:
        """Return the layers that run for a call."""
        return tuple(step for entry in self._entries for step in entry.as_steps())

    def _set_entries(self, entries: list[Any]) -> None:
        """Replace the layers and models; nothing changes if they are refused."""
        steps = tuple(step for entry in entries for step in entry.as_steps())
        repeated = [layer.name for layer, n in Counter(iter_layers(steps)).items() if n > 1]
        require(not repeated, "Sequential", "every layer once", repeated=repeated)
        self._set_steps(steps)
        self._entries = entries

    def _set_steps(self, steps: Sequence[Step]) -> None:
        names = number_layers(steps)
        self._publish()
        self._model.set_layers(to_glassnet(steps, names))
        self._names, self._tensors = names, []
        self._locate(steps)

    def _locate(self, steps: Sequence[Step]) -> None:
        former = self._sharing.locations
        self._sharing.set_steps(steps, [view.layer for view in self._model.layers])
        for layer in former:
            if layer not in self._sharing.locations and layer.owner is self:
                layer.release()
        self._own_layers()

    def _own_layers(self, *, of_others: bool = False) -> None:
        """Become the owner of the layers that have none, or of all layers."""
        for layer in self._sharing.locations:
            if of_others or layer.owner in (None, self):
                layer.set_owner(self, self._names[layer])

    def _synchronize(self) -> sequential.Sequential:
        """Return the model with the weights and settings that its layers have now.

        A layer may have been set, or trained in another model.
        """
        model, sharing = self._model, self._sharing
        if not self._glassnet_models and sharing.is_current(model, self):
            return model
        if not self._is_fitting:
            if sharing.has_new_settings():
                self._set_steps(self.as_steps())
            for layer in sharing.locations:
                layer.refresh(self)
            first = next(iter(sharing.locations), None)
            if model.input_shape is None and first is not None and first.is_drawn:
                model.input_shape = first.input_shape[1:]
            if model.built:
                sharing.pull(model)
        self._publish()
        return model

    def _publish(self) -> None:
        """Pass the weights on to the layers, and to the models of Glassnet that were added."""
        if self._model.built:
            self._sharing.push(self._model)
            for model in self._glassnet_models:
                model._synchronize()

    def provide_weights(self, layer: KerasLayer) -> None:
        """Pass the current weights to one layer, if the model has weights or can draw them."""
        model = self._model
        if model.built and not self._is_fitting:
            self._sharing.pull(model)
        if model.built or model.input_shape is not None:
            self._sharing.push(model, layer)

    def accept_weights(self, layer: KerasLayer) -> None:
        """Take over the weights that were set in a layer."""
        if self._model.built:
            self._sharing.pull(self._model)
            self._on_new_weights()

    def _on_new_weights(self) -> None:
        """Pass weights that were set on to the layers."""
        self._publish()

    @property
    def layers(self) -> list[Any]:
        """The layers and models in order, as they were added (without `Input`)."""
        if self._model.input_shape is not None:
            self._synchronize().count_params()  # the layers may outlive the model
            self._publish()
        return list(self._entries)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Any:
        """Return the layer of that name, or at that index.

        "dense" is the first Dense layer, which is called `dense_1` here.

        Raises:
            ConfigError: if there is no such layer.
        """
        layers = self.layers
        if index is None:
            by_name = {layer.name: layer for layer in [*self._iter_layers(), *layers]}
            if name not in by_name and f"{name}_1" in by_name:
                name = f"{name}_1"
            return lookup("layer", str(name), by_name)
        is_valid = is_int(index, least=-len(layers)) and index < len(layers)
        require(is_valid, "get_layer", f"an index below {len(layers)}", index=index)
        return layers[index]

    def _iter_layers(self) -> Iterator[KerasLayer]:
        """Yield the layers, also those of added models, in the order of the weights."""
        yield from self._sharing.locations

    @property
    def trainable(self) -> bool:
        """Whether any layer is trained; setting it sets it in all layers. Call `compile` then."""
        layers = list(self._iter_layers())
        return not layers or any(layer.trainable for layer in layers)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in self._iter_layers():
            layer.trainable = value

    def _accepts_one_image(self, x: Any) -> bool:
        """Return whether x is one image, (height, width, channels), for layers on images."""
        first = next(iter(self._sharing.locations), None)
        is_first = first is not None and first.accepts_one_image
        return is_first and not self._model.built and np.ndim(x) == 3

    def _adjust_rank(self, x: Any) -> Any:
        """Return rows with a last axis of size 1 if only that one is missing, as Keras does.

        Rows with one such axis too many lose it. Everything but arrays is returned unchanged.
        Rows of another length than those of the first fit are accepted from now on, if they can be.
        """
        shape = self._model.input_shape
        if not isinstance(x, np.ndarray | jax.Array) or shape is None or self._takes_text:
            return x
        if x.ndim - 1 == len(shape):
            self._model._accept_sizes(x.shape[1:])
            return x
        if x.ndim == len(shape) and x.ndim > 1 and shape[-1] == 1:
            return x[..., None]
        return x[..., 0] if x.ndim - 2 == len(shape) and x.shape[-1] == 1 else x

    def __call__(self, x: Any, training: Any = None, mask: Any = None) -> Any:
        """Return the outputs for rows as a `Tensor`, or for a `KerasTensor` as a `KerasTensor`.

        Args:
            x: rows as in `predict`, or a `KerasTensor`.
            training: whether to draw noise and use batch statistics, as in training. Neither
                weights nor statistics change.
            mask: must be None.
        """
        require(mask is None, self.name, "mask=None: Masking and Embedding make masks", mask=mask)
        x = unwrap_single(x)
        if isinstance(x, KerasTensor):
            return self._call_symbolic(x)
        if is_in_tensorflow_graph(x):
            return call_in_tensorflow_graph(partial(self, training=training), x, None)
        if isinstance(x, jax.core.Tracer):
            return self._call_traced(x, bool(training))
        if self._accepts_one_image(x):
            return self(np.asarray(x)[None], training)[0]
        model, x = self._synchronize(), self._adjust_rank(x)
        if training:
            return as_tensor(model.predict_in_training(x, seed=next_seed()))
        return as_tensor(model.predict(x, verbose=0))

    def _call_symbolic(self, tensor: KerasTensor) -> KerasTensor:
        self._fit_shape(tensor.shape)
        shape = (tensor.shape[0], *self.output_shape[1:])
        return KerasTensor(shape, source=self, parents=(tensor,))

    def _call_traced(self, x: Any, training: bool) -> Any:
        """Return the outputs inside a function that JAX compiles or differentiates."""
        self._fit_shape(x.shape)
        model = self._synchronize()
        model.count_params()  # draws the weights if there are none yet
        links = functional.unfold([view.layer for view in model.layers])
        params, state = model.get_link_weights((), 0, len(links))
        if jax.tree.leaves(params):
            refuse_weights(self.name)
        key = jax.random.key(draw_seed())
        return inference.run_links(links, training, params, state, x, key, None)

    def _fit_shape(self, shape: tuple[int | None, ...]) -> None:
        """Set the shape of the input, or check it, for the shape of a batch."""
        if not self._takes_text and self._model.input_shape is None:
            self._model.input_shape = shape[1:]
        self._synchronize()
        known = self._model.input_shape
        fits = self._takes_text or known is None or shape_fits(shape[1:], known)
        expected = f"the shape of its input, {(None, *(known or ()))}"
        require(fits, self.name, expected, input_shape=shape)

    def make_outputs(self) -> None:
        """Give each layer its symbolic `output`."""
        if self._tensors:
            for tensor in self._tensors[1:]:
                self._record(tensor)
            return
        shape = self.input_shape
        tensors = [KerasTensor(shape, source=KerasLayer(Input(shape[1:])))]
        for entry in self._entries:
            tensors.append(entry(tensors[-1]))
        self._tensors = tensors

    def _record(self, tensor: KerasTensor) -> None:
        if isinstance(tensor.source, KerasLayer):
            tensor.source.record_output(tensor)

    @property
    def input(self) -> KerasTensor:
        """The symbolic input."""
        self.make_outputs()
        return self._tensors[0]

    @property
    def output(self) -> KerasTensor:
        """The symbolic output."""
        self.make_outputs()
        return self._tensors[-1]

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbolic input, in a list."""
        return [self.input]

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbolic output, in a list."""
        return [self.output]

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """The input shape of a batch: (None, 784), or with the batch size of `Input`."""
        self._require_layers()
        model = self._synchronize()
        return self._batch_size, *(model.input_shape or model.layers[0].input_shape)

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """The output shape of a batch: (None, 10)."""
        self._require_layers()
        return self._batch_size, *self._synchronize().layers[-1].output_shape

    def _require_layers(self) -> None:
        layers = self._model.layers
        require(layers, "Sequential", "at least one layer", error=NotReadyError, layers=[])

    @property
    def built(self) -> bool:
        """Whether the model has weights."""
        return self._model.built

    @property
    def weights(self) -> list[KerasVariable]:
        """All weights, each with `numpy` and `assign`, in the order of `get_weights`."""
        if self._model.built or self._model.input_shape is not None:
            self._synchronize()
        return [weight for layer in self._iter_layers() for weight in layer.weights]

    variables = weights

    def get_weights(self) -> list[np.ndarray]:
        """Return copies of all weights, layer by layer, in the order of `layers`."""
        model = self._synchronize()
        return model.get_weights_at(self._sharing.find_weights(model, self._iter_layers()))

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Replace all weights, in the order of `get_weights`; in a fit, after its last epoch.

        Raises:
            DataError: the number of arrays or a shape differs.
        """
        model = self._synchronize()
        model.set_weights_at(self._sharing.find_weights(model, self._iter_layers()), weights)
        self._on_new_weights()

    def count_params(self) -> int:
        """Return the number of weights, trainable or not."""
        return self._synchronize().count_params()

    @property
    def losses(self) -> list[Tensor]:
        """The penalties of the layers with a regularizer."""
        return [as_tensor(penalty) for penalty in self._synchronize().compute_penalties()]

    def __copy__(self) -> Self:
        twin = object.__new__(type(self))
        names = ("_entries", "_names", "_tensors", "_sharing", "_glassnet_models", "_ends")
        own = copy.deepcopy({name: vars(self)[name] for name in names if name in vars(self)})
        twin.__setstate__(self.__getstate__() | {"_model": copy.copy(self._model)} | own)
        return twin

    def __getstate__(self) -> dict[str, Any]:
        self._publish()
        return dict(vars(self))

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._model.set_build_hook(self._sharing.copy_to)
        self._own_layers()
