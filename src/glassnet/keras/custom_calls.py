"""Whether the method `call` of a user's layer is running: weights in it would not be trained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from glassnet.errors import require

WEIGHTS_FIX = (
    "Put the layers into keras.Sequential, or write a @dataclass(frozen=True) with "
    "init(self, rng, shape) and __call__(self, params, x)."
)

_running: ContextVar[str | None] = ContextVar("running", default=None)


@contextmanager
def run_call(layer: str) -> Iterator[None]:
    """Run the block as the `call` of a layer of this name."""
    token = _running.set(layer)
    try:
        yield
    finally:
        _running.reset(token)


def is_call_running() -> bool:
    """Return whether a `call` is running."""
    return _running.get() is not None


def refuse_weights(owner: str) -> None:
    """Refuse to use weights in a `call`, where they would be constants that are never trained.

    Args:
        owner: the name of the layer or variable with the weights.

    Raises:
        ConfigError: a `call` is running.
    """
    layer = _running.get()
    expected = "a call without weights, which would not be trained"
    require(layer is None, str(layer), expected, weights_of=owner, fix=WEIGHTS_FIX)
