"""Fits that die again and again and are resumed, in process, for the tests of `fit(resume=...)`."""

import contextlib

import jax
import numpy as np

from glassnet.engine.epoch_runner import SlicePacer
from glassnet.training import resume
from glassnet.training.progress import Progress


class Killed(BaseException):
    """What no part of the house catches."""


@contextlib.contextmanager
def dying(monkeypatch, slices, steps=1):
    """Fits die when so many slices have ended, of so many steps each, having written a checkpoint
    wherever one may be.
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
    """What `fit()` gives that has died after so many slices and been called again, until it lives
    to its end; and how often it died.
    """
    for lives in range(300):
        with dying(monkeypatch, slices, steps), contextlib.suppress(Killed):
            return fit(), lives
    raise AssertionError("it never comes to an end")


def files(folder):
    """The checkpoints, the newest first."""
    return sorted(folder.glob("checkpoint-*.glassnet"), reverse=True)


def as_it_was(model):
    """All that a later fit depends on, as bytes and numbers."""
    leaves = [
        np.asarray(leaf).tobytes()
        for leaf in jax.tree.leaves((model._params, model._state, model._optimizer_state))
    ]
    return leaves, model.epoch, model._step, np.float32(model._rate), model.seed
