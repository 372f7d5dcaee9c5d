"""Keras's layers: names and parameters, which make a `KerasLayer` around a layer of Glassnet."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import Any

from glassnet import activations, initializers
from glassnet import layers as ours
from glassnet.errors import is_float32, is_int, require
from glassnet.keras.base_layer import KerasLayer, KerasTensor, MergeLayer
from glassnet.keras.compat import KerasAlias, Unsupported, export_aliases
from glassnet.keras.custom_layers import LayerBase
from glassnet.keras.hints import PARAMETER_HINTS
from glassnet.keras.recurrent_cells import (
    CellStack,
    CellType,
    LayerType,
    RecurrentCell,
    cell_factory,
    is_rnn,
    make_rnn,
    stack_cells,
)


@dataclass(frozen=True)
class ActivationAlias:
    """Factory of Activation layers of one name, which `isinstance` recognizes."""

    function: str

    def __call__(self, *, name: str | None = None, trainable: bool = True) -> ours.Activation:
        return ours.Activation(self.function, name=name, trainable=trainable)

    def __instancecheck__(self, layer: Any) -> bool:
        return isinstance(layer, ours.Activation) and layer.activation_name == self.function


def _parametric(function: str, name: str | None, trainable: bool, **parameters: Any) -> Any:
    """Return an Activation layer with these arguments of its function, as numbers >= 0 or None."""
    who = {"elu": "ELU", "leaky_relu": "LeakyReLU", "relu": "ReLU"}[function]
    for parameter, value in parameters.items():
        fits = is_float32(value) and value >= 0
        fits = fits or (value is None and parameter == "max_value")
        require(fits, who, f"{parameter} to be a number >= 0", **{parameter: value})
    activation = activations.ParametricActivation(function, tuple(parameters.items()))
    return ours.Activation(activation, name=name, trainable=trainable)


def _elu(alpha: float = 1.0, *, name: str | None = None, trainable: bool = True) -> ours.Activation:
    layer: ours.Activation = _parametric("elu", name, trainable, alpha=alpha)
    return layer


def _leaky_relu(
    negative_slope: float = 0.3, *, name: str | None = None, trainable: bool = True
) -> ours.Activation:
    layer: ours.Activation = _parametric(
        "leaky_relu", name, trainable, negative_slope=negative_slope
    )
    return layer


def _relu(
    max_value: float | None = None,
    negative_slope: float = 0.0,
    threshold: float = 0.0,
    *,
    name: str | None = None,
    trainable: bool = True,
) -> ours.Activation:
    if max_value is None and negative_slope == threshold == 0:
        return ours.Activation("relu", name=name, trainable=trainable)
    parameters = {"max_value": max_value, "negative_slope": negative_slope, "threshold": threshold}
    layer: ours.Activation = _parametric("relu", name, trainable, **parameters)
    return layer


def _softmax(axis: int = -1, *, name: str | None = None, trainable: bool = True) -> ours.Activation:
    fix = "Axis 0 is the batch, whose rows are independent."
    is_axis = is_int(axis, least=-32) and axis != 0
    require(is_axis, "Softmax", "axis to be an int other than 0", axis=axis, fix=fix)
    function = activations.ParametricActivation("softmax", (("axis", int(axis)),))
    activation = "softmax" if axis == -1 else function
    return ours.Activation(activation, name=name, trainable=trainable)


INPUT_DTYPES = (
    *("float32", "string", "bool"),
    *("int8", "int16", "int32", "int64"),
    *("uint8", "uint16", "uint32", "uint64"),
)
"""Types of inputs. Numbers of all types become float32 in the network."""


def _read_dtype(dtype: Any) -> str:
    """Return the name of a type: that of "int64", of np.int64 and of TensorFlow's tf.int64."""
    name = getattr(dtype, "name", None) or getattr(dtype, "__name__", None) or dtype or "float32"
    expected = f"dtype to be one of {', '.join(INPUT_DTYPES)}"
    require(name in INPUT_DTYPES, "Input", expected, dtype=dtype, fix=PARAMETER_HINTS["dtype"])
    return str(name)


def _read_sizes(shape: Any, batch_shape: Any, dtype: str) -> tuple[int | None, ...]:
    """Return the shape of one example; a text has none."""
    if isinstance(batch_shape, tuple | list):
        shape = batch_shape[1:]
    sizes = tuple(shape) if isinstance(shape, tuple | list) else (shape,)
    is_one = shape is not None and (bool(sizes) or dtype == "string")
    fix = "Write Input(shape=(784,)), or Input((1,)) for one number."
    require(is_one, "Input", "the shape of one example", shape=shape, fix=fix)
    return sizes


def _input(
    shape: Any = None,
    batch_size: Any = None,
    dtype: Any = None,
    batch_shape: Any = None,
    name: str | None = None,
) -> KerasLayer:
    require(
        batch_shape is None or (shape is None and batch_size is None),
        "Input",
        "shape or batch_shape, not both",
        shape=shape,
        batch_size=batch_size,
        batch_shape=batch_shape,
        fix="Write Input(shape=(784,)).",
    )
    sizes = _read_sizes(shape, batch_shape, _read_dtype(dtype))
    if isinstance(batch_shape, tuple | list):
        batch_size = batch_shape[0]
    return KerasLayer(ours.Input(sizes or (1,), name=name), {"batch_size": batch_size})


@dataclass(frozen=True)
class LayerAlias(KerasAlias):
    """A name of a layer: calling it makes a `KerasLayer`."""

    def __call__(self, *args: Any, **kwargs: Any) -> KerasLayer:
        arguments, attributes = self.split_arguments(args, kwargs)
        layer = self.factory(**arguments)
        is_named = isinstance(self.factory, type) and self.factory is not ours.Activation
        kind = None if is_named else self.name
        return layer if isinstance(layer, KerasLayer) else KerasLayer(layer, attributes, kind)


@dataclass(frozen=True)
class InputAlias(LayerAlias):
    """Keras's Input: calling it makes a `KerasTensor`."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        arguments, _ = self.split_arguments(args, kwargs)
        layer, dtype = self.factory(**arguments), _read_dtype(arguments.get("dtype"))
        sizes = _read_sizes(arguments.get("shape"), arguments.get("batch_shape"), dtype)
        return layer.record_output(KerasTensor((layer.batch_size, *sizes), dtype, source=layer))

    def __instancecheck__(self, value: Any) -> bool:
        return isinstance(value, KerasTensor) and not value.parents


@dataclass(frozen=True)
class MergeAlias:
    """Factory of layers that merge, which `isinstance` recognizes.

    Args:
        merge: see `glassnet.layers.Parallel`.
    """

    merge: str

    def __call__(
        self, *, axis: int = -1, name: str | None = None, trainable: bool = True
    ) -> MergeLayer:
        return MergeLayer(self.merge, name, axis)

    def __instancecheck__(self, layer: Any) -> bool:
        return isinstance(layer, ours.Parallel) and layer.merge == self.merge


@dataclass(frozen=True)
class MergeFunction:
    """Keras's function that merges a list of tensors or arrays, such as `add`."""

    merge: str

    def __call__(self, inputs: Any, axis: int = -1, name: str | None = None) -> Any:
        return MergeLayer(self.merge, name, axis)(inputs)


LAYER_SPEC = (
    " * activity_regularizer=None trainable dtype=None|'float32' autocast=True name"
    " input_shape@ input_dim@ batch_input_shape@ batch_shape@"
)
BATCH_NORM_INITIALIZERS_SPEC = (
    "beta_initializer='zeros' gamma_initializer='ones'"
    " moving_mean_initializer='zeros' moving_variance_initializer='ones'"
)
CONSTRAINTS_SPEC = "beta_regularizer=None gamma_regularizer=None beta_constraint gamma_constraint"
RENORM_SPEC = "renorm=False renorm_clipping=None renorm_momentum=0.99 synchronized=False"
INPUT_SPEC = "shape batch_size dtype sparse=None|False ragged=None|False batch_shape"
WEIGHTS_SPEC = (
    "use_bias kernel_initializer bias_initializer kernel_regularizer bias_regularizer"
    " activity_regularizer=None kernel_constraint bias_constraint"
)
LORA_SPEC = "lora_rank=None lora_alpha=None quantization_config=None"
CHANNELS_LAST_SPEC = "data_format=None|'channels_last'"
CONV_SPEC = (
    f"filters kernel_size strides padding {CHANNELS_LAST_SPEC} dilation_rate groups activation"
    f" {WEIGHTS_SPEC}{LAYER_SPEC}"
)
CONV_TRANSPOSE_SPEC = CONV_SPEC.replace("padding", "padding output_padding").replace(" groups", "")
DEPTHWISE_SPEC = (
    f"kernel_size strides padding depth_multiplier {CHANNELS_LAST_SPEC} dilation_rate activation"
    " use_bias depthwise_initializer bias_initializer depthwise_regularizer bias_regularizer"
    f" activity_regularizer=None depthwise_constraint bias_constraint{LAYER_SPEC}"
)
SEPARABLE_SPEC = (
    f"filters kernel_size strides padding {CHANNELS_LAST_SPEC} dilation_rate depth_multiplier"
    " activation use_bias depthwise_initializer pointwise_initializer bias_initializer"
    " depthwise_regularizer pointwise_regularizer bias_regularizer activity_regularizer=None"
    f" depthwise_constraint pointwise_constraint bias_constraint{LAYER_SPEC}"
)
SPATIAL_DROPOUT_SPEC = (
    "rate! seed~ name dtype=None|'float32'"
    " * input_shape@ input_dim@ batch_input_shape@ batch_shape@"
)
EMBEDDING_SPEC = (
    "input_dim! output_dim! embeddings_initializer embeddings_regularizer"
    f" embeddings_constraint mask_zero weights {LORA_SPEC}"
    f"{LAYER_SPEC.replace('input_dim@', 'input_length@')}"
)
POOLING_SPEC = f"pool_size strides padding {CHANNELS_LAST_SPEC} name{LAYER_SPEC}"
GLOBAL_POOLING_SPEC = f"{CHANNELS_LAST_SPEC} keepdims{LAYER_SPEC}"
RECURRENT_INITIALIZERS_SPEC = "use_bias kernel_initializer recurrent_initializer bias_initializer"
RECURRENT_REGULARIZERS_SPEC = (
    "kernel_regularizer recurrent_regularizer bias_regularizer activity_regularizer=None"
    " kernel_constraint recurrent_constraint bias_constraint"
    " dropout recurrent_dropout"
)
RECURRENT_FLAGS_SPEC = "return_sequences return_state=False go_backwards stateful=False unroll~"
RECURRENT_LAYER_SPEC = f"{LAYER_SPEC} zero_output_for_mask implementation~"
GRU_SPEC = (
    f"units! activation recurrent_activation {RECURRENT_INITIALIZERS_SPEC}"
    f" {RECURRENT_REGULARIZERS_SPEC} seed~ {RECURRENT_FLAGS_SPEC} reset_after use_cudnn~"
    f"{RECURRENT_LAYER_SPEC}"
)
LSTM_SPEC = (
    f"units! activation recurrent_activation {RECURRENT_INITIALIZERS_SPEC} unit_forget_bias"
    f" {RECURRENT_REGULARIZERS_SPEC} seed~ {RECURRENT_FLAGS_SPEC} use_cudnn~{RECURRENT_LAYER_SPEC}"
)
SIMPLE_RNN_SPEC = (
    f"units! activation {RECURRENT_INITIALIZERS_SPEC} {RECURRENT_REGULARIZERS_SPEC}"
    f" {RECURRENT_FLAGS_SPEC} seed~{RECURRENT_LAYER_SPEC}"
)
RNN_SPEC = f"cell! {RECURRENT_FLAGS_SPEC} zero_output_for_mask{LAYER_SPEC}"
CELL_REGULARIZERS_SPEC = RECURRENT_REGULARIZERS_SPEC.replace(" activity_regularizer=None", "")
CELL_SPEC = f"seed~{LAYER_SPEC}"
SIMPLE_RNN_CELL_SPEC = (
    f"units! activation {RECURRENT_INITIALIZERS_SPEC} {CELL_REGULARIZERS_SPEC} {CELL_SPEC}"
)
GRU_CELL_SPEC = (
    f"units! activation recurrent_activation {RECURRENT_INITIALIZERS_SPEC}"
    f" {CELL_REGULARIZERS_SPEC} reset_after {CELL_SPEC}"
)
LSTM_CELL_SPEC = (
    f"units! activation recurrent_activation {RECURRENT_INITIALIZERS_SPEC} unit_forget_bias"
    f" {CELL_REGULARIZERS_SPEC} {CELL_SPEC}"
)
RESIZING_SPEC = (
    "height! width! interpolation crop_to_aspect_ratio pad_to_aspect_ratio fill_mode='constant'"
    f" fill_value antialias {CHANNELS_LAST_SPEC}{LAYER_SPEC}"
)
FACTORS_SPEC = "height_factor width_factor fill_mode interpolation seed~ fill_value"
TEXT_SPEC = (
    "max_tokens standardize split ngrams output_mode output_sequence_length"
    " pad_to_max_tokens=False vocabulary idf_weights sparse=False ragged=False encoding='utf-8'"
    f" name{LAYER_SPEC}"
)


@wraps(ours.Embedding)
def _embedding(**options: Any) -> ours.Embedding:
    weights = options.pop("weights", None)
    if weights is not None:
        is_list = isinstance(weights, list | tuple) and len(weights) == 1
        expected = "weights to be a list of one matrix"
        require(is_list, "Embedding", expected, weights=weights, fix="Write weights=[matrix].")
        options["embeddings_initializer"] = initializers.Constant(weights[0])
    return ours.Embedding(**options)


def _spatial_dropout1d(
    rate: float, *, name: str | None = None, trainable: bool = True
) -> ours.Dropout:
    return ours.Dropout(rate, noise_shape=(None, 1, None), name=name, trainable=trainable)


def _spatial_dropout2d(
    rate: float, *, name: str | None = None, trainable: bool = True
) -> ours.Dropout:
    return ours.Dropout(rate, noise_shape=(None, 1, 1, None), name=name, trainable=trainable)


@dataclass(frozen=True)
class SpatialDropoutType:
    """Type of Dropout layers that drop whole channels, for `isinstance`."""

    rank: int

    def __instancecheck__(self, layer: Any) -> bool:
        shared = (None, *[1] * self.rank, None)
        return isinstance(layer, ours.Dropout) and layer.noise_shape == shared


TABLE_FIX = "Columns of a table need no encoding: fit(table, target=...) encodes them."
UNSUPPORTED = {
    "ActivityRegularization": Unsupported(
        "ActivityRegularization",
        "penalties of weights (the loss has no penalties of outputs)",
        "Write kernel_regularizer= in the layer before it.",
        (),
    )
} | {
    name: Unsupported(name, expected, f"{fix} {TABLE_FIX}", ())
    for name, expected, fix in (
        (
            "CategoryEncoding",
            "classes encoded before the network",
            "Write keras.utils.to_categorical(x, num_classes).",
        ),
        (
            "Discretization",
            "bins computed before the network",
            "Write np.digitize(x, boundaries).",
        ),
        (
            "Hashing",
            "bins computed before the network",
            "Write [zlib.crc32(word.encode()) % num_bins for word in words].",
        ),
        (
            "IntegerLookup",
            "numbers of categories computed before the network",
            "Write np.unique(x, return_inverse=True).",
        ),
        (
            "StringLookup",
            "numbers of categories computed before the network",
            "Write np.unique(x, return_inverse=True), or TextVectorization for the words of texts.",
        ),
    )
}
"""Layers that are refused, with what to write instead."""


MERGE_FUNCTIONS = {
    "add": MergeFunction("add"),
    "average": MergeFunction("mean"),
    "concatenate": MergeFunction("concat"),
    "maximum": MergeFunction("maximum"),
    "minimum": MergeFunction("minimum"),
    "multiply": MergeFunction("multiply"),
    "subtract": MergeFunction("subtract"),
}

__all__, __getattr__ = export_aliases(
    __name__,
    {
        "Layer": Unsupported(
            "Layer",
            "a subclass",
            "Define call, or write a @dataclass(frozen=True) with init and __call__.",
            (ours.Layer, RecurrentCell, CellStack),
            LayerBase,
        ),
        "Activation": (ours.Activation, "activation!" + LAYER_SPEC),
        "Add": (MergeAlias("add"), LAYER_SPEC),
        "AlphaDropout": (ours.AlphaDropout, f"rate noise_shape seed~{LAYER_SPEC}"),
        "Average": (MergeAlias("mean"), LAYER_SPEC),
        "AveragePooling1D": (ours.AveragePooling1D, POOLING_SPEC),
        "AveragePooling2D": (ours.AveragePooling2D, POOLING_SPEC),
        "AvgPool1D": (ours.AveragePooling1D, POOLING_SPEC),
        "AvgPool2D": (ours.AveragePooling2D, POOLING_SPEC),
        "BatchNormalization": (
            ours.BatchNormalization,
            f"axis=-1|3 momentum epsilon center scale {BATCH_NORM_INITIALIZERS_SPEC}"
            f" {CONSTRAINTS_SPEC} {RENORM_SPEC}{LAYER_SPEC}",
        ),
        "Bidirectional": (
            ours.Bidirectional,
            "layer merge_mode weights=None backward_layer=None" + LAYER_SPEC,
        ),
        "CenterCrop": (ours.CenterCrop, f"height! width! {CHANNELS_LAST_SPEC}{LAYER_SPEC}"),
        "Concatenate": (MergeAlias("concat"), f"axis{LAYER_SPEC}"),
        "Conv1D": (ours.Conv1D, CONV_SPEC),
        "Conv1DTranspose": (ours.Conv1DTranspose, CONV_TRANSPOSE_SPEC),
        "Conv2D": (ours.Conv2D, CONV_SPEC),
        "Conv2DTranspose": (ours.Conv2DTranspose, CONV_TRANSPOSE_SPEC),
        "Convolution1D": (ours.Conv1D, CONV_SPEC),
        "Convolution1DTranspose": (ours.Conv1DTranspose, CONV_TRANSPOSE_SPEC),
        "Convolution2D": (ours.Conv2D, CONV_SPEC),
        "Convolution2DTranspose": (ours.Conv2DTranspose, CONV_TRANSPOSE_SPEC),
        "Cropping1D": (ours.Cropping1D, f"cropping{LAYER_SPEC}"),
        "Cropping2D": (ours.Cropping2D, f"cropping {CHANNELS_LAST_SPEC}{LAYER_SPEC}"),
        "Dense": (ours.Dense, f"units! activation {WEIGHTS_SPEC} {LORA_SPEC}{LAYER_SPEC}"),
        "DepthwiseConv1D": (ours.DepthwiseConv1D, DEPTHWISE_SPEC),
        "DepthwiseConv2D": (ours.DepthwiseConv2D, DEPTHWISE_SPEC),
        "Dropout": (ours.Dropout, f"rate! noise_shape seed~{LAYER_SPEC}"),
        "ELU": (_elu, "alpha" + LAYER_SPEC, ActivationAlias("elu")),
        "Embedding": (_embedding, EMBEDDING_SPEC, ours.Embedding),
        "Flatten": (ours.Flatten, CHANNELS_LAST_SPEC + LAYER_SPEC),
        "GRU": (ours.GRU, GRU_SPEC),
        "GRUCell": KerasAlias("GRUCell", cell_factory(ours.GRU), GRU_CELL_SPEC, CellType(ours.GRU)),
        "GaussianDropout": (ours.GaussianDropout, "rate seed~" + LAYER_SPEC),
        "GaussianNoise": (ours.GaussianNoise, "stddev seed~" + LAYER_SPEC),
        "GlobalAveragePooling1D": (ours.GlobalAveragePooling1D, GLOBAL_POOLING_SPEC),
        "GlobalAveragePooling2D": (ours.GlobalAveragePooling2D, GLOBAL_POOLING_SPEC),
        "GlobalAvgPool1D": (ours.GlobalAveragePooling1D, GLOBAL_POOLING_SPEC),
        "GlobalAvgPool2D": (ours.GlobalAveragePooling2D, GLOBAL_POOLING_SPEC),
        "GlobalMaxPool1D": (ours.GlobalMaxPooling1D, GLOBAL_POOLING_SPEC),
        "GlobalMaxPool2D": (ours.GlobalMaxPooling2D, GLOBAL_POOLING_SPEC),
        "GlobalMaxPooling1D": (ours.GlobalMaxPooling1D, GLOBAL_POOLING_SPEC),
        "GlobalMaxPooling2D": (ours.GlobalMaxPooling2D, GLOBAL_POOLING_SPEC),
        "GroupNormalization": (
            ours.GroupNormalization,
            "groups axis=-1 epsilon center scale beta_initializer gamma_initializer"
            f" {CONSTRAINTS_SPEC}{LAYER_SPEC}",
        ),
        "Identity": (ActivationAlias("linear"), LAYER_SPEC),
        "Input": InputAlias(
            "Input", _input, INPUT_SPEC + " name tensor=None optional=False", ours.Input
        ),
        "InputLayer": (
            _input,
            INPUT_SPEC + " input_tensor=None optional=False name * input_shape>shape",
            ours.Input,
        ),
        "LSTM": (ours.LSTM, LSTM_SPEC),
        "LSTMCell": KerasAlias(
            "LSTMCell", cell_factory(ours.LSTM), LSTM_CELL_SPEC, CellType(ours.LSTM)
        ),
        "Lambda": (
            ours.Activation,
            "function>activation! output_shape~ mask=None arguments=None" + LAYER_SPEC,
        ),
        "LayerNormalization": (
            ours.LayerNormalization,
            "axis epsilon center scale beta_initializer gamma_initializer"
            f" {CONSTRAINTS_SPEC}{LAYER_SPEC}",
        ),
        "LeakyReLU": (
            _leaky_relu,
            f"negative_slope{LAYER_SPEC} alpha>negative_slope",
            ActivationAlias("leaky_relu"),
        ),
        "Masking": (ours.Masking, "mask_value" + LAYER_SPEC),
        "Maximum": (MergeAlias("maximum"), LAYER_SPEC),
        "MaxPool1D": (ours.MaxPooling1D, POOLING_SPEC),
        "MaxPool2D": (ours.MaxPooling2D, POOLING_SPEC),
        "MaxPooling1D": (ours.MaxPooling1D, POOLING_SPEC),
        "MaxPooling2D": (ours.MaxPooling2D, POOLING_SPEC),
        "Minimum": (MergeAlias("minimum"), LAYER_SPEC),
        "Multiply": (MergeAlias("multiply"), LAYER_SPEC),
        "Normalization": (ours.Normalization, "axis mean variance invert" + LAYER_SPEC),
        "PReLU": (
            ours.PReLU,
            "alpha_initializer alpha_regularizer alpha_constraint shared_axes" + LAYER_SPEC,
        ),
        "Permute": (ours.Permute, "dims" + LAYER_SPEC),
        "RNN": (make_rnn, RNN_SPEC, LayerType(is_rnn)),
        "ReLU": (
            _relu,
            "max_value negative_slope threshold" + LAYER_SPEC,
            ActivationAlias("relu"),
        ),
        "RandomBrightness": (ours.RandomBrightness, "factor value_range seed~" + LAYER_SPEC),
        "RandomContrast": (ours.RandomContrast, "factor value_range seed~" + LAYER_SPEC),
        "RandomCrop": (
            ours.RandomCrop,
            f"height width seed~ {CHANNELS_LAST_SPEC} name{LAYER_SPEC}",
        ),
        "RandomFlip": (ours.RandomFlip, f"mode seed~ {CHANNELS_LAST_SPEC}{LAYER_SPEC}"),
        "RandomRotation": (
            ours.RandomRotation,
            f"factor fill_mode interpolation seed~ fill_value {CHANNELS_LAST_SPEC}{LAYER_SPEC}",
        ),
        "RandomShear": (
            ours.RandomShear,
            f"x_factor y_factor interpolation fill_mode fill_value {CHANNELS_LAST_SPEC} seed~"
            f"{LAYER_SPEC}",
        ),
        "RandomTranslation": (
            ours.RandomTranslation,
            f"{FACTORS_SPEC} {CHANNELS_LAST_SPEC}{LAYER_SPEC}",
        ),
        "RandomZoom": (ours.RandomZoom, f"{FACTORS_SPEC} {CHANNELS_LAST_SPEC}{LAYER_SPEC}"),
        "RepeatVector": (ours.RepeatVector, "n" + LAYER_SPEC),
        "Rescaling": (ours.Rescaling, "scale! offset" + LAYER_SPEC),
        "Reshape": (ours.Reshape, "target_shape!" + LAYER_SPEC),
        "Resizing": (ours.Resizing, RESIZING_SPEC),
        "SeparableConv1D": (ours.SeparableConv1D, SEPARABLE_SPEC),
        "SeparableConv2D": (ours.SeparableConv2D, SEPARABLE_SPEC),
        "SeparableConvolution1D": (ours.SeparableConv1D, SEPARABLE_SPEC),
        "SeparableConvolution2D": (ours.SeparableConv2D, SEPARABLE_SPEC),
        "SimpleRNN": (ours.SimpleRNN, SIMPLE_RNN_SPEC),
        "SimpleRNNCell": KerasAlias(
            "SimpleRNNCell",
            cell_factory(ours.SimpleRNN),
            SIMPLE_RNN_CELL_SPEC,
            CellType(ours.SimpleRNN),
        ),
        "Softmax": (_softmax, "axis" + LAYER_SPEC, ActivationAlias("softmax")),
        "SpatialDropout1D": (_spatial_dropout1d, SPATIAL_DROPOUT_SPEC, SpatialDropoutType(1)),
        "SpatialDropout2D": (
            _spatial_dropout2d,
            SPATIAL_DROPOUT_SPEC.replace("seed~", f"{CHANNELS_LAST_SPEC} seed~", 1),
            SpatialDropoutType(2),
        ),
        "StackedRNNCells": KerasAlias(
            "StackedRNNCells", stack_cells, f"cells!{LAYER_SPEC}", CellStack
        ),
        "Subtract": (MergeAlias("subtract"), LAYER_SPEC),
        "TextVectorization": (ours.TextVectorization, TEXT_SPEC),
        "TimeDistributed": (ours.TimeDistributed, "layer!" + LAYER_SPEC),
        "UnitNormalization": (ours.UnitNormalization, "axis" + LAYER_SPEC),
        "UpSampling1D": (ours.UpSampling1D, "size" + LAYER_SPEC),
        "UpSampling2D": (ours.UpSampling2D, f"size {CHANNELS_LAST_SPEC} interpolation{LAYER_SPEC}"),
        "ZeroPadding1D": (ours.ZeroPadding1D, f"padding {CHANNELS_LAST_SPEC}{LAYER_SPEC}"),
        "ZeroPadding2D": (ours.ZeroPadding2D, f"padding {CHANNELS_LAST_SPEC}{LAYER_SPEC}"),
    }
    | UNSUPPORTED
    | MERGE_FUNCTIONS,
    LayerAlias,
)
