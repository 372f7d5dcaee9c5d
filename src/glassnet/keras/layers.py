"""Keras's layers. One that is made with `input_shape=` keeps it until `keras.Sequential` reads it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import partial, wraps
from itertools import islice
from typing import Any

import numpy as np

from glassnet import activations
from glassnet import layers as ours
from glassnet.errors import is_number, require
from glassnet.keras.compat import Refused, Written, table
from glassnet.layers.text import strings
from glassnet.pipeline.batches import is_stream


@dataclass(frozen=True)
class Scaled:
    """An activation with its number given; equal where both are, as a function made on the spot would not be.

    Args:
        function: the activation's name.
        number: its second argument.
    """

    function: str
    number: float

    def __call__(self, x: Any) -> Any:
        return activations.get(self.function)(x, self.number)  # type: ignore[call-arg]

    @property
    def __name__(self) -> str:
        return self.function


@dataclass(frozen=True)
class Named:
    """What `isinstance(layer, keras.layers.ReLU)` goes by: an Activation layer of that name."""

    function: str

    def __call__(self, *, name: str | None = None, trainable: bool = True) -> ours.Activation:
        return ours.Activation(self.function, name=name, trainable=trainable)

    def __instancecheck__(self, layer: Any) -> bool:
        return isinstance(layer, ours.Activation) and layer.called == self.function


def _elu(alpha: float = 1.0, *, name: str | None = None, trainable: bool = True) -> ours.Activation:
    require(is_number(alpha), "ELU", "alpha to be a number", alpha=alpha)
    return ours.Activation(Scaled("elu", alpha), name=name, trainable=trainable)


def _leaky_relu(negative_slope: float = 0.3, *, name: str | None = None, trainable: bool = True) -> ours.Activation:
    require(is_number(negative_slope), "LeakyReLU", "negative_slope to be a number", negative_slope=negative_slope)
    return ours.Activation(Scaled("leaky_relu", negative_slope), name=name, trainable=trainable)


def _normalization(axis: int | None = -1, *, name: str | None = None, trainable: bool = True) -> ours.Normalization:
    layer = ours.Normalization(axis, name=name, trainable=trainable)
    vars(layer)["adapt"] = partial(_adapt, layer)
    return layer


def _adapt(layer: ours.Normalization, data: Any) -> None:
    """Learn from the rows in place, as Keras does, and know from them what comes in."""
    learned: Any = ours.Normalization.adapt(layer, data).learned
    vars(layer).update(learned=learned, mean=learned["mean"], variance=learned["variance"], input_shape=np.shape(data)[1:] or (1,))


@wraps(ours.TextVectorization, updated=())
def _text_vectorization(**given: Any) -> ours.TextVectorization:
    layer = ours.TextVectorization(**given)
    vars(layer)["adapt"] = partial(_adapt_text, layer, replace(layer))
    vars(layer)["set_vocabulary"] = partial(_set_vocabulary, layer, replace(layer))
    return layer


def _adapt_text(layer: ours.TextVectorization, blank: ours.TextVectorization, data: Any, batch_size: Any = None, steps: Any = None) -> None:
    """Learn in place, as Keras does, from texts or from batches of them."""
    texts = [text for batch in islice(iter(data), steps) for text in strings(batch)] if is_stream(data) else data
    _become(layer, blank.adapt(texts))


def _set_vocabulary(layer: ours.TextVectorization, blank: ours.TextVectorization, vocabulary: Any, idf_weights: Any = None) -> None:
    _become(layer, replace(blank, vocabulary=vocabulary, idf_weights=idf_weights))


def _become(layer: ours.TextVectorization, learned: ours.TextVectorization) -> None:
    vars(layer).update({each.name: getattr(learned, each.name) for each in fields(learned)})


def _input(shape: Any = None, batch_shape: Any = None, name: str | None = None) -> ours.Input:
    given = tuple(batch_shape)[1:] if isinstance(batch_shape, tuple | list) else shape
    known = given is not None and None not in (given if isinstance(given, tuple | list) else (given,))
    require(known, "Input", "shape of one example, all of its sizes known", shape=given, fix="Write Input(shape=(784,)).")
    return ours.Input(given, name=name)


def input_of(layer: Any) -> ours.Input | None:
    """The `Input` that a layer's `input_shape=`, `input_dim=` (of ids, `input_length=`) or `batch_input_shape=` asks for, or None."""
    kept = vars(layer) if isinstance(layer, ours.Layer) else {}
    shape = kept.get("input_shape", kept.get("input_length" if isinstance(layer, ours.Embedding) else "input_dim"))
    batch_shape = kept.get("batch_input_shape", kept.get("batch_shape"))
    return None if shape is None and batch_shape is None else _input(shape, batch_shape)


class WrittenLayer(Written, ours.Layer):
    """The base of a user's own layer."""

    _expected = "a layer as glassnet has them, a frozen dataclass"
    _theirs = ("__init__", "build", "call", "compute_output_shape", "get_config")
    _fix = "Write fields instead of __init__, init(self, rng, shape) instead of build, __call__(self, params, x) instead of call."


LAYER = " * activity_regularizer=None trainable dtype=None|'float32' autocast=True name"
LAYER += " input_shape@ input_dim@ batch_input_shape@ batch_shape@"
STARTS = " beta_initializer='zeros' gamma_initializer='ones' moving_mean_initializer='zeros' moving_variance_initializer='ones'"
LIMITS = " beta_regularizer=None gamma_regularizer=None beta_constraint=None gamma_constraint=None"
INPUT = " sparse=None|False ragged=None|False batch_shape"
WEIGHTS = "use_bias kernel_initializer bias_initializer kernel_regularizer bias_regularizer activity_regularizer=None"
WEIGHTS += " kernel_constraint=None bias_constraint=None"
LAST = "data_format=None|'channels_last'"
CONV = f"filters kernel_size strides padding {LAST} dilation_rate groups=1 activation {WEIGHTS}{LAYER}"
POOL = f"pool_size strides padding {LAST} name{LAYER}"
GLOBAL = f"{LAST} keepdims{LAYER}"
CELL = "use_bias kernel_initializer recurrent_initializer bias_initializer"
COSTS = "kernel_regularizer recurrent_regularizer bias_regularizer activity_regularizer=None"
COSTS += " kernel_constraint=None recurrent_constraint=None bias_constraint=None dropout recurrent_dropout"
WAYS = "return_sequences return_state=False go_backwards stateful=False unroll~"
MEMORY = f"{LAYER} zero_output_for_mask implementation~"
EITHER = " dtype=None|'float32'|'string'"
BOTH = "height_factor width_factor fill_mode interpolation seed~ fill_value"

__all__, __getattr__ = table(
    __name__,
    {
        "Layer": Refused("Layer", "a subclass with @dataclass(frozen=True)", "Give it init and __call__.", ours.Layer, WrittenLayer),
        "Activation": (ours.Activation, "activation" + LAYER),
        "AlphaDropout": (ours.AlphaDropout, f"rate noise_shape=None seed~{LAYER}"),
        "AveragePooling1D": (ours.AveragePooling1D, POOL),
        "AveragePooling2D": (ours.AveragePooling2D, POOL),
        "AvgPool1D": (ours.AveragePooling1D, POOL),
        "AvgPool2D": (ours.AveragePooling2D, POOL),
        "BatchNormalization": (
            ours.BatchNormalization,
            f"axis=-1 momentum epsilon center scale{STARTS}{LIMITS}"
            f" renorm=False renorm_clipping=None renorm_momentum=0.99 synchronized=False{LAYER}",
        ),
        "Bidirectional": (ours.Bidirectional, "layer merge_mode weights=None backward_layer=None" + LAYER),
        "Conv1D": (ours.Conv1D, CONV),
        "Conv2D": (ours.Conv2D, CONV),
        "Conv2DTranspose": (ours.Conv2DTranspose, CONV.replace("padding", "padding output_padding=None").replace(" groups=1", "")),
        "Convolution1D": (ours.Conv1D, CONV),
        "Convolution2D": (ours.Conv2D, CONV),
        "Convolution2DTranspose": (ours.Conv2DTranspose, CONV.replace("padding", "padding output_padding=None").replace(" groups=1", "")),
        "Dense": (
            ours.Dense,
            f"units activation {WEIGHTS} lora_rank=None lora_alpha=None quantization_config=None{LAYER}",
        ),
        "Dropout": (ours.Dropout, f"rate noise_shape=None seed~{LAYER}"),
        "ELU": (_elu, "alpha" + LAYER, Named("elu")),
        "Embedding": (
            ours.Embedding,
            "input_dim output_dim embeddings_initializer embeddings_regularizer embeddings_constraint=None mask_zero weights=None"
            f" lora_rank=None lora_alpha=None quantization_config=None{LAYER.replace('input_dim@', 'input_length@')}",
        ),
        "Flatten": (ours.Flatten, LAST + LAYER),
        "GRU": (
            ours.GRU,
            f"units activation recurrent_activation {CELL} {COSTS} seed~ {WAYS} reset_after use_cudnn~{MEMORY}",
        ),
        "GaussianDropout": (ours.GaussianDropout, "rate seed~" + LAYER),
        "GaussianNoise": (ours.GaussianNoise, "stddev seed~" + LAYER),
        "GlobalAveragePooling1D": (ours.GlobalAveragePooling1D, GLOBAL),
        "GlobalAveragePooling2D": (ours.GlobalAveragePooling2D, GLOBAL),
        "GlobalAvgPool1D": (ours.GlobalAveragePooling1D, GLOBAL),
        "GlobalAvgPool2D": (ours.GlobalAveragePooling2D, GLOBAL),
        "GlobalMaxPool1D": (ours.GlobalMaxPooling1D, GLOBAL),
        "GlobalMaxPool2D": (ours.GlobalMaxPooling2D, GLOBAL),
        "GlobalMaxPooling1D": (ours.GlobalMaxPooling1D, GLOBAL),
        "GlobalMaxPooling2D": (ours.GlobalMaxPooling2D, GLOBAL),
        "Identity": (Named("linear"), LAYER),
        "Input": (_input, f"shape batch_size=None{EITHER}{INPUT} name tensor=None optional=False", ours.Input),
        "InputLayer": (
            _input,
            f"shape batch_size=None{EITHER}{INPUT} input_tensor=None optional=False name * input_shape>shape",
            ours.Input,
        ),
        "LSTM": (
            ours.LSTM,
            f"units activation recurrent_activation {CELL} unit_forget_bias {COSTS} seed~ {WAYS} use_cudnn~{MEMORY}",
        ),
        "Lambda": (ours.Activation, "function>activation output_shape~ mask=None arguments=None" + LAYER),
        "LayerNormalization": (ours.LayerNormalization, f"axis epsilon center scale beta_initializer gamma_initializer{LIMITS}{LAYER}"),
        "LeakyReLU": (_leaky_relu, f"negative_slope{LAYER} alpha>negative_slope", Named("leaky_relu")),
        "Masking": (ours.Masking, "mask_value" + LAYER),
        "MaxPool1D": (ours.MaxPooling1D, POOL),
        "MaxPool2D": (ours.MaxPooling2D, POOL),
        "MaxPooling1D": (ours.MaxPooling1D, POOL),
        "MaxPooling2D": (ours.MaxPooling2D, POOL),
        "Normalization": (_normalization, "axis mean=None variance=None invert=False" + LAYER, ours.Normalization),
        "PReLU": (ours.PReLU, "alpha_initializer alpha_regularizer alpha_constraint=None shared_axes" + LAYER),
        "Permute": (ours.Permute, "dims" + LAYER),
        "ReLU": (Named("relu"), "max_value=None negative_slope=0.0 threshold=0.0" + LAYER),
        "RandomBrightness": (ours.RandomBrightness, "factor value_range seed~" + LAYER),
        "RandomContrast": (ours.RandomContrast, "factor value_range seed~" + LAYER),
        "RandomCrop": (ours.RandomCrop, f"height width seed~ {LAST} name{LAYER}"),
        "RandomFlip": (ours.RandomFlip, f"mode seed~ {LAST}{LAYER}"),
        "RandomRotation": (ours.RandomRotation, f"factor fill_mode interpolation seed~ fill_value {LAST}{LAYER}"),
        "RandomShear": (ours.RandomShear, f"x_factor y_factor interpolation fill_mode fill_value {LAST} seed~{LAYER}"),
        "RandomTranslation": (ours.RandomTranslation, f"{BOTH} {LAST}{LAYER}"),
        "RandomZoom": (ours.RandomZoom, f"{BOTH} {LAST}{LAYER}"),
        "RepeatVector": (ours.RepeatVector, "n" + LAYER),
        "Rescaling": (ours.Rescaling, "scale offset" + LAYER),
        "Reshape": (ours.Reshape, "target_shape" + LAYER),
        "SimpleRNN": (ours.SimpleRNN, f"units activation {CELL} {COSTS} {WAYS} seed~{MEMORY}"),
        "Softmax": (Named("softmax"), "axis=-1" + LAYER),
        "TextVectorization": (
            _text_vectorization,
            "max_tokens standardize split ngrams output_mode output_sequence_length pad_to_max_tokens=False vocabulary idf_weights"
            f" sparse=False ragged=False encoding='utf-8' name{LAYER}",
            ours.TextVectorization,
        ),
        "UnitNormalization": (ours.UnitNormalization, "axis" + LAYER),
        "UpSampling2D": (ours.UpSampling2D, f"size {LAST} interpolation{LAYER}"),
        "ZeroPadding2D": (ours.ZeroPadding2D, f"padding {LAST}{LAYER}"),
    },
)
