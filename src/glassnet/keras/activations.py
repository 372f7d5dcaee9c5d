"""Keras's activations, which are Glassnet's functions themselves."""

from glassnet import activations as ours
from glassnet.keras.compat import export_aliases

__all__, __getattr__ = export_aliases(
    __name__, {"get": ours.get, **ours.ACTIVATIONS, "swish": ours.silu}
)
