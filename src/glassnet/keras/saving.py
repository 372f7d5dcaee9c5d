"""Keras's functions that write and read models, and the names of your own classes in them."""

from glassnet.keras.compat import export_aliases
from glassnet.keras.custom_objects import EXPORTS
from glassnet.keras.models import load_model, save_model

__all__, __getattr__ = export_aliases(
    __name__, {"load_model": load_model, "save_model": save_model} | EXPORTS
)
