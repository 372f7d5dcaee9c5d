"""Every public layer and activation keeps its contract.

Oracle: the public checkers, which `test_testing.py` tests on broken parts.
"""

import numpy as np
import pytest

from glassnet import layers
from glassnet.activations import ACTIVATIONS
from glassnet.layers import (
    GRU,
    LSTM,
    Activation,
    AlphaDropout,
    AveragePooling1D,
    AveragePooling2D,
    BatchNormalization,
    Bidirectional,
    Composite,
    Conv1D,
    Conv2D,
    Conv2DTranspose,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GaussianDropout,
    GaussianNoise,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    Input,
    Layer,
    LayerNormalization,
    Masking,
    Maxout,
    MaxPooling1D,
    MaxPooling2D,
    Normalization,
    Parallel,
    Permute,
    PReLU,
    RandomBrightness,
    RandomContrast,
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
    RepeatVector,
    Rescaling,
    Reshape,
    Residual,
    SimpleRNN,
    TextVectorization,
    UnitNormalization,
    UpSampling2D,
    ZeroPadding2D,
)
from glassnet.regularizers import L1L2
from glassnet.testing import check_layer

pytestmark = pytest.mark.slow

EXAMPLES = [
    (Activation("tanh"), (4,)),
    (Activation("relu"), (3, 2)),
    (Activation("softmax"), (3, 2)),
    (AlphaDropout(0.4), (4,)),
    (AlphaDropout(0), (4,)),
    (AlphaDropout(0.0), (3, 2)),
    (BatchNormalization(), (4,)),
    (BatchNormalization(momentum=0.5, epsilon=0.1), (3, 2)),
    (BatchNormalization(center=False, scale=False), (4,)),
    (BatchNormalization(trainable=False), (4,)),
    (AveragePooling1D(2), (5, 3)),
    (AveragePooling1D(3, 2, "same"), (6, 2)),
    (AveragePooling2D((2, 3), padding="same"), (3, 4, 2)),
    (Conv1D(3, 2), (5, 2)),
    (Conv1D(3, 2, 2, "causal", activation="tanh"), (5, 2)),
    (Conv1D(2, 3, padding="same", dilation_rate=2, use_bias=False), (5, 2)),
    (Conv2D(3, 2), (3, 4, 2)),
    (
        Conv2D(
            2,
            (3, 2),
            (1, 2),
            "same",
            activation="relu",
            kernel_regularizer=L1L2(0.1, 0.2),
            bias_regularizer="l2",
        ),
        (4, 5, 1),
    ),
    (Conv2D(2, 2, dilation_rate=(2, 1), use_bias=False, kernel_initializer="he_normal"), (4, 4, 2)),
    (Conv2DTranspose(3, 2), (3, 2, 2)),
    (
        Conv2DTranspose(
            2, (3, 2), 2, "same", activation="sigmoid", bias_initializer="random_normal"
        ),
        (2, 3, 1),
    ),
    (Bidirectional(LSTM(2, return_sequences=True)), (3, 2)),
    (Bidirectional(SimpleRNN(2, dropout=0.3, kernel_regularizer="l2"), "mul"), (3, 2)),
    (Bidirectional(SimpleRNN(2), "ave", trainable=False), (3, 2)),
    (Dense(3), (4,)),
    (Dense(2, use_bias=False), (3, 4)),
    (
        Dense(
            3,
            activation="softmax",
            kernel_regularizer=L1L2(0.1, 0.2),
            bias_regularizer="l2",
            bias_initializer="ones",
        ),
        (4,),
    ),
    (Dense(3, activation="sigmoid", trainable=False), (4,)),
    (Dropout(0.4), (4,)),
    (Dropout(0), (4,)),
    (Dropout(0.0), (3, 2)),
    (Embedding(7, 3), (4,)),
    (Embedding(7, 2, "ones", "l2"), (2, 3)),
    (Embedding(3, 2, mask_zero=True, trainable=False), (4,)),
    (Flatten(), (2, 3, 2)),
    (GRU(3, recurrent_regularizer="l2"), (4, 2)),
    (
        GRU(
            2,
            "relu",
            "hard_sigmoid",
            False,
            reset_after=False,
            return_sequences=True,
            go_backwards=True,
        ),
        (3, 2),
    ),
    (GRU(2, dropout=0.4, recurrent_dropout=0.2), (3, 2)),
    (GaussianDropout(0.4), (4,)),
    (GaussianDropout(0.0), (3, 2)),
    (GaussianNoise(0.4), (4,)),
    (GaussianNoise(0.0), (3, 2)),
    (GlobalAveragePooling1D(), (4, 3)),
    (GlobalAveragePooling2D(keepdims=True), (2, 3, 3)),
    (GlobalMaxPooling1D(keepdims=True), (4, 3)),
    (GlobalMaxPooling2D(), (2, 3, 3)),
    (Input(4), (4,)),
    (LSTM(3), (4, 2)),
    (
        LSTM(
            2,
            "softsign",
            "hard_sigmoid",
            unit_forget_bias=False,
            zero_output_for_mask=True,
            return_sequences=True,
        ),
        (3, 2),
    ),
    (
        LSTM(
            2,
            dropout=0.2,
            recurrent_dropout=0.4,
            kernel_regularizer="l2",
            recurrent_regularizer="l1",
            bias_regularizer="l1",
        ),
        (3, 2),
    ),
    (LSTM(2, go_backwards=True, use_bias=False, trainable=False), (1, 2)),
    (LayerNormalization(), (4,)),
    (
        LayerNormalization(-1, 0.1, beta_initializer="ones", gamma_initializer="random_normal"),
        (3, 2),
    ),
    (LayerNormalization(center=False, scale=False), (4,)),
    (LayerNormalization(trainable=False), (4,)),
    (Masking(), (3, 2)),
    (Masking(-1.5), (3, 1)),
    (Maxout(3), (4,)),
    (
        Maxout(
            3,
            kernel_regularizer=L1L2(0.1, 0.2),
            bias_regularizer="l2",
            bias_initializer="random_normal",
        ),
        (4,),
    ),
    (Maxout(2, 1, trainable=False), (4,)),
    (MaxPooling1D(), (5, 3)),
    (MaxPooling1D(3, 1, "same"), (5, 2)),
    (MaxPooling2D(), (4, 5, 2)),
    (MaxPooling2D((3, 2), (2, 1), "same"), (4, 3, 2)),
    (Normalization(), (4,)),
    (Normalization(axis=None).adapt(np.arange(12.0).reshape(4, 3)), (3,)),
    (Normalization().adapt(np.arange(24.0).reshape(4, 3, 2) ** 2), (3, 2)),
    (PReLU(), (4,)),
    (PReLU("random_normal", "l2", shared_axes=1), (3, 2)),
    (PReLU("ones", trainable=False, shared_axes=(1, 2)), (3, 2, 2)),
    (
        Parallel(
            [Dense(3), [], [Dropout(0.3), Dense(2, activation="relu", kernel_regularizer="l2")]]
        ),
        (4,),
    ),
    (Parallel([BatchNormalization(), Residual(Dense(4))], "add"), (4,)),
    (Parallel([[RepeatVector(2), Flatten()], Dense(8)], "mean"), (4,)),
    (Permute((2, 1)), (2, 3)),
    (Permute((1, 3, 2)), (2, 3, 2)),
    (RandomBrightness(0.3, (-1, 2)), (3, 4, 2)),
    (RandomContrast(0.5, value_range=(-1, 2)), (3, 4, 2)),
    (RandomCrop(2, 3), (4, 5, 2)),
    (RandomFlip(), (3, 4, 2)),
    (RandomRotation(0.4), (3, 4, 2)),
    (RandomShear(0.4, 0.2, fill_mode="nearest"), (3, 4, 2)),
    (RandomTranslation(0.4, 0.3, fill_mode="wrap"), (3, 4, 2)),
    (RandomZoom(0.4), (3, 4, 2)),
    (RandomZoom((-0.4, 0.1), 0.2), (3, 4, 2)),
    (RepeatVector(3), (4,)),
    (Rescaling(1 / 255, -1), (2, 2)),
    (Reshape((2, 3)), (6,)),
    (Reshape((-1,)), (2, 3)),
    (Residual([Dense(3, activation="tanh"), BatchNormalization(), Dropout(0.3), Dense(4)]), (4,)),
    (Residual([BatchNormalization(), Dense(2, kernel_regularizer="l2")], trainable=False), (3, 2)),
    (Residual([Residual([LayerNormalization(), Dense(3), Dense(4)]), GaussianNoise(0.2)]), (4,)),
    (UpSampling2D(), (2, 3, 2)),
    (UpSampling2D((1, 3), "bilinear"), (2, 3, 2)),
    (
        SimpleRNN(3, return_sequences=True, go_backwards=True, bias_initializer="random_normal"),
        (1, 1),
    ),
    (SimpleRNN(2, "sigmoid", dropout=0.3, recurrent_dropout=0.3, use_bias=False), (3, 2)),
    (UnitNormalization(), (4,)),
    (UnitNormalization((-2, -1)), (3, 2)),
    (ZeroPadding2D(), (2, 3, 2)),
    (ZeroPadding2D(((0, 1), (2, 0))), (2, 3, 2)),
]


def test_every_public_layer_has_an_example():
    public = {getattr(layers, name) for name in layers.__all__} - {
        Layer,
        Composite,
        TextVectorization,
    }
    assert public == {type(layer) for layer, _ in EXAMPLES}


@pytest.mark.parametrize(
    ("layer", "shape"),
    EXAMPLES,
    ids=[f"{type(layer).__name__}{shape}" for layer, shape in EXAMPLES],
)
def test_layer(layer, shape):
    check_layer(layer, shape, integer=layer.input_dim if isinstance(layer, Embedding) else 0)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name):
    check_layer(Activation(name), (3, 2))
