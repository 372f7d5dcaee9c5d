"""Embedding: a vector for every token."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from glassnet import initializers
from glassnet.errors import DataError, is_int, require
from glassnet.initializers import Initializer
from glassnet.layers.composite import join_masks
from glassnet.layers.layer import Layer
from glassnet.layers.weight_fields import resolve_fields, weight_penalty
from glassnet.regularizers import Regularizer
from glassnet.types import Array, Params, Shape

MAX_INPUT_DIM = 2**24
"""float32, in which rows come in, holds every whole number up to this one."""


@dataclass(frozen=True)
class Embedding(Layer):
    """A vector for every token: y = E[id], row id of a table that is learned.

    As a network's first layer it has the ids checked before anything runs; an id outside the table
    that reaches it elsewhere becomes NaN, which ends the run. Ids come in as the rows' numbers do,
    as uint8 or float32, which holds them exactly up to 2^24.

    Shapes:
        (batch, time) to (batch, time, output_dim), or any (batch, ...) to (batch, ..., output_dim);
        embeddings E (input_dim, output_dim).

    Args:
        input_dim: number of tokens, ids being 0..input_dim - 1; from 1 to 2^24.
        output_dim: numbers in a vector, >= 1.
        embeddings_initializer: where E starts.
        embeddings_regularizer: a penalty on E, added to the loss.
        mask_zero: whether id 0 is filling, which later layers and the loss do not count.

    Raises:
        ConfigError: input_dim or output_dim out of range; an initializer or regularizer is unknown;
            with mask_zero, once the shape is known, an example is not (time,).
        DataError: from `fit` and its kin, an id that is no whole number from 0 to input_dim - 1.

    Example:
        >>> Embedding(3, 2)({"embeddings": jnp.array([[0.0, 0.1], [1.0, 1.1], [2.0, 2.1]])}, jnp.array([[2, 0]])).tolist()
        [[[2.0, 2.0999999046325684], [0.0, 0.10000000149011612]]]

    Source: Bengio et al. 2003, section 2, the matrix C; Keras.
    """

    input_dim: int = 1
    output_dim: int = 1
    embeddings_initializer: str | Initializer = "random_uniform"
    embeddings_regularizer: str | Regularizer | None = None
    mask_zero: bool = False

    def __post_init__(self):
        ok, fix = (
            is_int(self.input_dim, least=1) and self.input_dim <= MAX_INPUT_DIM,
            "It is the largest id + 1.",
        )
        require(
            ok,
            "Embedding",
            "input_dim to be an int from 1 to 2**24",
            input_dim=self.input_dim,
            fix=fix,
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
        ok = len(shape) == 1 or not self.mask_zero
        require(
            ok,
            self.name or "Embedding",
            "sequences of ids (time,) to mask",
            input_shape=shape,
            fix="Leave mask_zero=False.",
        )
        return {
            "embeddings": initializers.get(self.embeddings_initializer)(
                rng, (self.input_dim, self.output_dim)
            )
        }

    def __call__(self, params: Params, x: Array) -> Array:
        ids = jnp.asarray(x).astype(jnp.int32)
        known = (ids == x) & (ids >= 0) & (ids < self.input_dim)
        return jnp.where(
            known[..., None], jnp.asarray(params["embeddings"])[jnp.where(known, ids, 0)], jnp.nan
        )

    def mask(self, x: Array, mask: Array | None) -> Array | None:
        return join_masks((mask, x != 0)) if self.mask_zero else mask

    def penalty(self, params: Params) -> Array:
        return weight_penalty(self, params)

    def check_input(self, x: np.ndarray, what: str) -> None:
        wrong = (x < 0) | (x >= self.input_dim) | (x != np.floor(x))
        if wrong.any():
            row = int(np.argmax(wrong.reshape(len(x), -1).any(1)))
            value = x[row][wrong[row]][0].item()
            ids, fix = (
                f"token ids from 0 to {self.input_dim - 1}",
                "Embedding(input_dim) is the largest id + 1.",
            )
            require(
                False,
                what,
                ids,
                error=DataError,
                row=row,
                value=int(value) if value == int(value) else value,
                fix=fix,
            )

    def formula(self) -> str:
        return "y = E[x], the row of each id"
