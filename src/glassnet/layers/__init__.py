"""Layers, the building blocks of networks. Their protocol is in `layer.py`."""

from glassnet.layers.activation import Activation, PReLU
from glassnet.layers.augmentation import (
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
)
from glassnet.layers.bidirectional import Bidirectional
from glassnet.layers.color_augmentation import RandomBrightness, RandomContrast
from glassnet.layers.composite import Composite, Parallel, Residual
from glassnet.layers.convolution import Conv1D, Conv1DTranspose, Conv2D, Conv2DTranspose
from glassnet.layers.dense import Dense, Maxout
from glassnet.layers.dropout import AlphaDropout, Dropout, GaussianDropout, GaussianNoise
from glassnet.layers.embedding import Embedding
from glassnet.layers.layer import Layer
from glassnet.layers.masking import Masking
from glassnet.layers.normalization import (
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    UnitNormalization,
)
from glassnet.layers.pooling import (
    AveragePooling1D,
    AveragePooling2D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    MaxPooling1D,
    MaxPooling2D,
)
from glassnet.layers.recurrent import GRU, LSTM, SimpleRNN
from glassnet.layers.rescaling import Normalization, Rescaling
from glassnet.layers.resizing import (
    CenterCrop,
    Cropping1D,
    Cropping2D,
    Resizing,
    UpSampling1D,
    UpSampling2D,
    ZeroPadding1D,
    ZeroPadding2D,
)
from glassnet.layers.separable_convolution import (
    DepthwiseConv1D,
    DepthwiseConv2D,
    SeparableConv1D,
    SeparableConv2D,
)
from glassnet.layers.shape import Flatten, Input, Permute, RepeatVector, Reshape
from glassnet.layers.text import TextVectorization
from glassnet.layers.time_distributed import TimeDistributed
from glassnet.suggestions import publish

__all__ = [
    "GRU",
    "LSTM",
    "Activation",
    "AlphaDropout",
    "AveragePooling1D",
    "AveragePooling2D",
    "BatchNormalization",
    "Bidirectional",
    "CenterCrop",
    "Composite",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Cropping1D",
    "Cropping2D",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "Dropout",
    "Embedding",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GroupNormalization",
    "Input",
    "Layer",
    "LayerNormalization",
    "Masking",
    "MaxPooling1D",
    "MaxPooling2D",
    "Maxout",
    "Normalization",
    "PReLU",
    "Parallel",
    "Permute",
    "RandomBrightness",
    "RandomContrast",
    "RandomCrop",
    "RandomFlip",
    "RandomRotation",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Residual",
    "Resizing",
    "SeparableConv1D",
    "SeparableConv2D",
    "SimpleRNN",
    "TextVectorization",
    "TimeDistributed",
    "UnitNormalization",
    "UpSampling1D",
    "UpSampling2D",
    "ZeroPadding1D",
    "ZeroPadding2D",
]

publish(__name__, __all__)
