"""Moments of a run, packed so that it can go back to any step."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import numpy as np

from glassnet.engine.epoch_runner import RunState
from glassnet.inspection.training_runs import TrainingRun
from glassnet.studio_app.settings import TrainingSettings
from glassnet.studio_app.studio_data import StudioData

MEMORY_BYTES = 16 * 2**20
"""Memory that the moments of a run may take."""

OBJECT_BYTES = 900
"""Memory of a moment besides its numbers: its objects and the headers of its arrays."""


@dataclass(frozen=True, eq=False)
class Segment:
    """A part of a run in which one program trains on the same batches.

    Attributes:
        data: the rows.
        training: how the network is trained.
        training_run: program and batches.
        runs: the iterator of the training run, whose end closes the data.
        warnings: texts of warnings about the data, to which the doctor adds.
    """

    data: StudioData
    training: TrainingSettings
    training_run: TrainingRun
    runs: Iterator[TrainingRun]
    warnings: list[str]


class _Leaf(NamedTuple):
    """Shape and type of one array of a train state."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


@lru_cache(maxsize=64)
def _share(form: tuple[Any, tuple[_Leaf, ...]]) -> tuple[Any, tuple[_Leaf, ...]]:
    """Return one object for equal forms, so that moments do not each have their own."""
    return form


@dataclass(frozen=True, eq=False)
class Moment:
    """The state of training after a step.

    Attributes:
        segment: what trains from here on.
        step: number of steps so far.
        epoch: index of the epoch in progress, or of the next one.
        numbers: all arrays of the train state, one after the other.
        form: structure, shapes and types of these arrays.
        losses: (steps of the epoch so far,) float64.
        batch_sizes: number of rows of each of these steps.
        is_change: whether the user changed something here, so that training cannot reproduce it.
    """

    segment: Segment
    step: int
    epoch: int
    numbers: bytes
    form: tuple[Any, tuple[_Leaf, ...]]
    losses: np.ndarray
    batch_sizes: np.ndarray
    is_change: bool = False

    @property
    def n_bytes(self) -> int:
        """Memory that the moment takes."""
        return len(self.numbers) + self.losses.nbytes + self.batch_sizes.nbytes + OBJECT_BYTES

    def unpack(self) -> RunState:
        """Return the run state."""
        structure, leaves = self.form
        arrays, start = [], 0
        for shape, dtype in leaves:
            n = int(np.prod(shape))
            arrays.append(np.frombuffer(self.numbers, dtype, n, start).reshape(shape))
            start += n * dtype.itemsize
        train_state = jax.tree.unflatten(structure, arrays)
        return RunState(
            self.epoch,
            train_state,
            epoch_start_state=train_state if len(self.losses) else None,
            losses=self.losses,
            batch_sizes=self.batch_sizes,
        )


def pack(segment: Segment, state: RunState, *, is_change: bool = False) -> Moment:
    """Return a run state as a moment.

    The losses of single steps are in the run state, too, so those of the train state are left out.
    """
    train_state = state.train_state._replace(losses=np.zeros(0, np.float32))
    leaves, structure = jax.tree.flatten(train_state)
    arrays = [np.asarray(leaf) for leaf in leaves]
    return Moment(
        segment=segment,
        step=int(state.train_state.step),
        epoch=state.epoch,
        numbers=b"".join(array.tobytes() for array in arrays),
        form=_share((structure, tuple(_Leaf(array.shape, array.dtype) for array in arrays))),
        losses=state.losses,
        batch_sizes=state.batch_sizes,
        is_change=is_change,
    )


@dataclass
class Timeline:
    """Moments in the order of their steps, within a limit of memory.

    If they take more, every second one is dropped, the older half first. The first, the last and
    the changes of the user stay. Steps in between are computed again from the moment before.
    """

    limit: int = MEMORY_BYTES
    moments: list[Moment] = field(default_factory=list)
    n_bytes: int = 0

    def add(self, moment: Moment) -> None:
        """Add the newest moment. It replaces that of the same step; later ones are dropped."""
        if self.moments and self.moments[-1].step >= moment.step:
            previous = self.find(moment.step)
            if previous.step == moment.step and previous.is_change:
                moment = replace(moment, is_change=True)
            self.drop_after(moment.step - 1)
        self.moments.append(moment)
        self.n_bytes += moment.n_bytes
        self._limit_memory()

    def insert(self, moment: Moment) -> None:
        """Add a moment that was computed again, before later ones."""
        index = self._count(moment.step)
        if self.moments[index - 1].step < moment.step:
            self.moments.insert(index, moment)
            self.n_bytes += moment.n_bytes
            self._limit_memory()

    def find(self, step: int) -> Moment:
        """Return the last moment that is not after a step."""
        return self.moments[max(self._count(step) - 1, 0)]

    def drop_after(self, step: int) -> None:
        """Forget the moments after a step."""
        del self.moments[self._count(step) :]
        self.n_bytes = sum(moment.n_bytes for moment in self.moments)

    def _count(self, step: int) -> int:
        """Return the number of moments that are not after a step."""
        return bisect.bisect_right(self.moments, step, key=lambda moment: moment.step)

    def _limit_memory(self) -> None:
        while self.n_bytes > self.limit and self._thin_out():
            pass

    def _thin_out(self) -> bool:
        """Drop every second moment of the older half; return whether any could be dropped."""
        middle = max(len(self.moments) // 2, 2)
        droppable = [i for i in range(1, middle) if not self.moments[i].is_change]
        dropped = set(droppable[::2])
        if not dropped:
            return False
        self.moments = [each for i, each in enumerate(self.moments) if i not in dropped]
        self.n_bytes = sum(moment.n_bytes for moment in self.moments)
        return True
