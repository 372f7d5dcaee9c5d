"""Keras's activations: the functions themselves."""

from glassnet import activations as ours
from glassnet.keras.compat import table

__all__, __getattr__ = table(__name__, {"get": ours.get, **ours.ACTIVATIONS, "swish": ours.silu})
