"""Keras's backend: nothing is kept between models, so there is nothing to clear."""

from glassnet.keras.compat import export_aliases

__all__, __getattr__ = export_aliases(__name__, {"clear_session": (lambda: None, "free_memory~")})
