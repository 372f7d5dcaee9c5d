"""What a network is made of: one family a file, one protocol (`layer.py`)."""

from glassnet.layers.dense import Activation, Dense
from glassnet.layers.layer import Layer
from glassnet.layers.noise import Dropout
from glassnet.layers.scaling import BatchNormalization, Normalization, Rescaling
from glassnet.layers.shape import Flatten, Input, Reshape

__all__ = ["Activation", "BatchNormalization", "Dense", "Dropout", "Flatten", "Input", "Layer", "Normalization", "Rescaling", "Reshape"]
