"""Keras's names that Glassnet does not have: an import works, and using one raises an error.

`from glassnet.keras.utils import to_categorical, FeatureSpace` must not fail because of one name.
`public_names.py` lists the names of Keras; every other name is a typing error and fails at once.
"""

from __future__ import annotations

from typing import Any, NoReturn

from glassnet.errors import GlassnetError
from glassnet.keras.public_names import PUBLIC_NAMES

FORMER_MODULES = {
    "callbacks": "callbacks",
    "layers": "advanced_activations convolutional core dense_attention embeddings experimental "
    "experimental.preprocessing merge noise normalization pooling preprocessing recurrent rnn "
    "wrappers",
    "models": "models",
    "ops": "numpy",
    "optimizers": "experimental optimizers",
    "utils": "data_utils generic_utils image_utils np_utils vis_utils",
}
"""Modules of Keras 2 whose names have moved, by the module that has them now."""


class NotHereError(GlassnetError, ImportError):
    """A module of Keras has this name; Glassnet does not have it."""


class MissingName:
    """A name of Keras that Glassnet does not have: using it raises an error.

    Args:
        qualified_name: the name with its module.
        text: the error's message.
    """

    def __init__(self, qualified_name: str, text: str):
        self._qualified_name, self._text = qualified_name, text

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotHereError(self._text)

    __call__ = __mro_entries__ = __iter__ = __len__ = __getitem__ = _refuse
    __enter__ = __exit__ = _refuse

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{self._qualified_name} has no attribute {name!r}")
        self._refuse()

    def __bool__(self) -> bool:
        return True

    def __instancecheck__(self, value: Any) -> bool:
        return False

    def __repr__(self) -> str:
        return f"<{self._qualified_name}, which Glassnet does not have>"


def is_public_name(module: str, name: str) -> bool:
    """Return whether Keras's counterpart of a module of `glassnet.keras` has this name."""
    return name in PUBLIC_NAMES.get(keras_path(module), "").split()


def list_missing_modules(module: str) -> list[str]:
    """Return the names of the modules of Keras within `module` that are in the table alone."""
    prefix = f"{keras_path(module)}.".lstrip(".")
    names = {each.removeprefix(prefix) for each in PUBLIC_NAMES if each.startswith(prefix)}
    return sorted(each for each in names if each and "." not in each)


def list_former_modules(module: str) -> list[str]:
    """Return the names of the modules of Keras 2 whose names are in `module` today."""
    return FORMER_MODULES.get(keras_path(module), "").split()


def keras_path(module: str) -> str:
    """Return the path of a module within Keras: "layers" of "glassnet.keras.layers"."""
    return module.removeprefix(__package__ or "").removeprefix(".")
