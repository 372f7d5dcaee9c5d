"""In-process fits that are stopped again and again and resumed, for tests of `fit(resume=...)`."""

import contextlib

import jax
import numpy as np

from glassnet.engine.epoch_runner import SlicePacer
from glassnet.training import resume
from glassnet.training.progress import Progress


class Killed(BaseException):
    """Exception that stands for a kill; nothing in the library catches it."""


@contextlib.contextmanager
def dying(monkeypatch, slices, steps=1):
    """Make fits raise `Killed` after this many slices, each with this many steps.

    A checkpoint is written whenever one may be.
    """
    ended, on_slice = [], Progress.on_slice

    def slice_(self, *args):
        ended.append(1)
        if len(ended) > slices:
            raise Killed
        on_slice(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "on_slice", slice_)
        patch.setattr(SlicePacer, "slice_steps", steps)
        patch.setattr(resume, "CHECKPOINT_SECONDS", -1.0)
        yield


def in_lives(monkeypatch, fit, slices=3, steps=1):
    """Call `fit()` until it completes; return its result and the number of kills."""
    for lives in range(300):
        with dying(monkeypatch, slices, steps), contextlib.suppress(Killed):
            return fit(), lives
    raise AssertionError("the run does not complete")


def files(folder):
    """Return the checkpoints, the newest first."""
    return sorted(folder.glob("checkpoint-*.glassnet"), reverse=True)


def as_it_was(model):
    """Return everything that a later fit depends on, as bytes and numbers."""
    leaves = [
        np.asarray(leaf).tobytes()
        for leaf in jax.tree.leaves((model._params, model._state, model._optimizer_state))
    ]
    return leaves, model.epoch, model._step, np.float32(model._rate), model.seed
