"""Masking: padded steps of a sequence are marked by a value and ignored."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from glassnet.errors import is_float32, require
from glassnet.formatting import format_number
from glassnet.layers.composite import join_masks
from glassnet.layers.layer import Layer
from glassnet.types import Array, Params, Shape


@dataclass(frozen=True)
class Masking(Layer):
    """Mask of the steps whose features all equal `mask_value`.

    Masked steps become 0, and later layers and the loss ignore them.

    Shapes:
        (batch, time, features) to the same.

    Args:
        mask_value: value of the features of a padded step, in the unit of x.

    Raises:
        ConfigError: mask_value is not a number, or, once the shape is known, an example is not
            (time, features).

    Example:
        >>> Masking().mask(np.array([[[3.0, 0.0], [0.0, 0.0]]]), None).tolist()
        [[True, False]]

    Source: Keras.
    """

    mask_value: float = 0.0

    def __post_init__(self) -> None:
        require(
            is_float32(self.mask_value),
            "Masking",
            "mask_value to be a number",
            mask_value=self.mask_value,
        )

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        fix = (
            "Put Reshape((time, features)) before it. To mask token ids, use "
            "Embedding(..., mask_zero=True)."
        )
        require(
            len(shape) == 2,
            self.name or "Masking",
            "sequences (time, features)",
            input_shape=shape,
            fix=fix,
        )
        return {}

    @property
    def ignores_padding(self) -> bool:
        return True

    def __call__(self, params: Params, x: Array) -> Array:
        return jnp.where(self._step_mask(x)[..., None], x, 0)

    def mask(self, x: Array, mask: Array | None) -> Array | None:
        return join_masks((mask, self._step_mask(x)))

    def _step_mask(self, x: Array) -> Array:
        return (x != self.mask_value).any(-1)

    def formula(self) -> str:
        return f"steps of only {format_number(self.mask_value)} masked"
