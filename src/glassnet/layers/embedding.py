"""Embedding: a learned vector for each token."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import jax.numpy as jnp
import numpy as np

from glassnet import initializers
from glassnet.constraints import ConstraintLike
from glassnet.errors import DataError, is_int, message, require
from glassnet.initializers import Initializer
from glassnet.layers.composite import join_masks
from glassnet.layers.layer import Layer
from glassnet.layers.weight_fields import resolve_fields, weight_penalty
from glassnet.regularizers import RegularizerLike
from glassnet.types import Array, Params, Shape

MAX_INPUT_DIM = 2**24
"""Largest n for which float32, the type of inputs, holds all integers up to n exactly."""


@dataclass(frozen=True)
class Embedding(Layer):
    """Learned vector for each token: y = E[id], a row of the table E.

    If it is the first layer of a network, the ids are checked before anything runs. Elsewhere, an
    id outside the table becomes NaN, which stops training. Ids arrive as uint8 or float32, which
    holds integers exactly up to 2^24.

    Shapes:
        (batch, time) to (batch, time, output_dim), or any (batch, ...) to (batch, ..., output_dim).
        embeddings E (input_dim, output_dim).

    Args:
        input_dim: number of tokens, from 1 to 2^24. The ids are 0..input_dim - 1.
        output_dim: length of a vector, >= 1.
        embeddings_initializer: initializer of E.
        embeddings_regularizer: penalty on E, added to the loss.
        mask_zero: whether id 0 is padding, which later layers and the loss ignore.
        embeddings_constraint: limit on E after every step: see `gn.constraints`.

    Raises:
        ConfigError: input_dim or output_dim is out of range; an initializer or regularizer is
            unknown; mask_zero is True and, once the shape is known, an example is not (time,).
        DataError: raised by `fit`, `evaluate`, `predict` or `trace` if an id is not an integer from
            0 to input_dim - 1.

    Example:
        >>> params = {"embeddings": jnp.array([[0.0, 0.5], [1.0, 1.5], [2.0, 2.5]])}
        >>> Embedding(3, 2)(params, jnp.array([[2, 0]])).tolist()
        [[[2.0, 2.5], [0.0, 0.5]]]

    Source: Bengio et al. 2003, section 2, the matrix C; Keras.
    """

    input_dim: int = 1
    output_dim: int = 1
    embeddings_initializer: str | Initializer = "random_uniform"
    embeddings_regularizer: RegularizerLike = None
    mask_zero: bool = False
    embeddings_constraint: ConstraintLike = field(default=None, kw_only=True)

    is_affine: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require(
            is_int(self.input_dim, least=1) and self.input_dim <= MAX_INPUT_DIM,
            "Embedding",
            "input_dim to be an int from 1 to 2**24",
            input_dim=self.input_dim,
            fix="It is the largest id + 1.",
        )
        require(
            is_int(self.output_dim, least=1),
            "Embedding",
            "output_dim to be an int >= 1",
            output_dim=self.output_dim,
        )
        require(
            isinstance(self.mask_zero, bool),
            "Embedding",
            "mask_zero to be True or False",
            mask_zero=self.mask_zero,
        )
        resolve_fields(self)

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        require(
            len(shape) == 1 or not self.mask_zero,
            self.name or "Embedding",
            "sequences of ids (time,) to mask",
            input_shape=shape,
            fix="Leave mask_zero=False.",
        )
        initializer = initializers.get(self.embeddings_initializer)
        return {"embeddings": initializer(rng, (self.input_dim, self.output_dim))}

    @property
    def ignores_padding(self) -> bool:
        return True

    def __call__(self, params: Params, x: Array) -> Array:
        ids = jnp.asarray(x).astype(jnp.int32)
        valid = (ids == x) & (ids >= 0) & (ids < self.input_dim)
        vectors = jnp.asarray(params["embeddings"])[jnp.where(valid, ids, 0)]
        return jnp.where(valid[..., None], vectors, jnp.nan)

    def mask(self, x: Array, mask: Array | None) -> Array | None:
        return join_masks((mask, x != 0)) if self.mask_zero else mask

    def penalty(self, params: Params) -> Array:
        return weight_penalty(self, params)

    def check_input(self, x: np.ndarray, what: str) -> None:
        invalid = (x < 0) | (x >= self.input_dim) | (x != np.floor(x))
        if invalid.any():
            row = int(np.argmax(invalid.reshape(len(x), -1).any(1)))
            value = x[row][invalid[row]][0].item()
            raise DataError(
                message(
                    what,
                    f"token ids from 0 to {self.input_dim - 1}",
                    row=row,
                    value=int(value) if value == int(value) else value,
                    fix="Embedding(input_dim) is the largest id + 1.",
                )
            )

    def formula(self) -> str:
        return "y = E[x], the row of each id"
