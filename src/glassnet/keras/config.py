"""Keras's settings: Glassnet has one value for each, and refuses another."""

from __future__ import annotations

from typing import Any

from glassnet._version import __version__
from glassnet.errors import require
from glassnet.keras.compat import export_aliases

SETTINGS = {
    "backend": "jax",
    "epsilon": 1e-7,
    "floatx": "float32",
    "image_data_format": "channels_last",
}
SETTING_HINTS = {
    "floatx": "Everything is float32; prepare the data with NumPy.",
    "image_data_format": "Images are (height, width, channels): write np.moveaxis(x, 1, -1).",
}


def check_setting(name: str, value: Any) -> None:
    """Refuse another value of a setting than that of `SETTINGS`."""
    setting = SETTINGS[name]
    require(
        value == setting,
        f"set_{name}",
        f"{setting!r} (no other value is supported)",
        fix=SETTING_HINTS.get(name, ""),
        received=value,
    )


def set_floatx(value: str) -> None:
    """Accept "float32", the type of all numbers in a model."""
    check_setting("floatx", value)


def set_image_data_format(data_format: str) -> None:
    """Accept "channels_last": images are (height, width, channels)."""
    check_setting("image_data_format", data_format)


def set_epsilon(value: float) -> None:
    """Accept 1e-7."""
    check_setting("epsilon", value)


def version() -> str:
    """Return the version of Glassnet."""
    return __version__


COMMON_NAMES = {
    "backend": lambda: SETTINGS["backend"],
    "epsilon": lambda: SETTINGS["epsilon"],
    "floatx": lambda: SETTINGS["floatx"],
    "image_data_format": lambda: SETTINGS["image_data_format"],
    "set_epsilon": set_epsilon,
    "set_floatx": set_floatx,
    "set_image_data_format": set_image_data_format,
}
"""Names that `keras.config` and `keras.backend` both have."""

SWITCHES = (
    "disable_interactive_logging disable_traceback_filtering enable_interactive_logging "
    "enable_traceback_filtering"
)

__all__, __getattr__ = export_aliases(
    __name__, COMMON_NAMES | dict.fromkeys(SWITCHES.split(), lambda: None)
)
