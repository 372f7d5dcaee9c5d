"""Keras's backend. `clear_session` does nothing: models share no global state."""

from glassnet.keras.compat import export_aliases

__all__, __getattr__ = export_aliases(__name__, {"clear_session": (lambda: None, "free_memory~")})
