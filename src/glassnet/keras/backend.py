"""Keras's backend: nothing is kept between models, so there is nothing to clear."""

from glassnet.keras.compat import table

__all__, __getattr__ = table(__name__, {"clear_session": (lambda: None, "free_memory~")})
