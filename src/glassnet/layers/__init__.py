"""What a network is made of: one family a file, one protocol (`layer.py`)."""

from glassnet.layers.activation import Activation, PReLU
from glassnet.layers.augmentation import RandomCrop, RandomFlip, RandomRotation, RandomShear, RandomTranslation, RandomZoom
from glassnet.layers.composite import Composite, Parallel, Residual
from glassnet.layers.dense import Dense, Maxout
from glassnet.layers.layer import Layer
from glassnet.layers.lighting import RandomBrightness, RandomContrast
from glassnet.layers.noise import AlphaDropout, Dropout, GaussianDropout, GaussianNoise
from glassnet.layers.normalization import BatchNormalization, LayerNormalization, UnitNormalization
from glassnet.layers.scaling import Normalization, Rescaling
from glassnet.layers.shape import Flatten, Input, Permute, RepeatVector, Reshape
from glassnet.layers.text import TextVectorization

__all__ = [
    "Activation",
    "AlphaDropout",
    "BatchNormalization",
    "Composite",
    "Dense",
    "Dropout",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "Input",
    "Layer",
    "LayerNormalization",
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
    "TextVectorization",
    "UnitNormalization",
]
