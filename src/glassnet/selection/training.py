"""Training of runs: those of one structure are stacked and trained by one compiled program."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from glassnet.callbacks import Callback
from glassnet.callbacks.callback_list import CallbackList
from glassnet.engine.epoch_runner import Logs, RunState, SlicePacer
from glassnet.engine.input_padding import crop_weights, pad_inputs
from glassnet.engine.loop import Decision, Record
from glassnet.engine.placement import to_device
from glassnet.engine.stacked_runs import NetworkRun, SharedProgramError, StackedRuns, take
from glassnet.engine.train_step import TrainState, learning_rate_at, rate_for_learning_rate
from glassnet.models.sequential import Sequential
from glassnet.selection.progress import RunProgress
from glassnet.selection.run_folder import RunFolder
from glassnet.selection.runs import INTERRUPTED, PreparedRun, RunResult
from glassnet.training.history import History
from glassnet.training.progress import InterruptGuard

MAX_BYTES, MAX_MEMORY = 2**30, "1 GiB"
"""Maximum size of what the runs of one program hold in memory besides the rows that they share."""

MAX_STACKED_RUNS = 64
"""Maximum number of runs in one program."""

MAX_RESUMABLE_RUNS = 8
"""The same if finished runs are kept in a folder: they are written after each program."""

SLICE_SECONDS = 1.0
"""Target duration of a slice: progress and Ctrl-C wait for it.

Each slice copies the train states of all runs, so that short ones cost time: see
benchmarks/NOTES.md.
"""


class RunTrainer:
    """Trains prepared runs.

    Args:
        who: name of the public function.
        model: the model that the runs were made from.
        callbacks: those of the fit; each run has copies of its own.
        score_name: the score that the progress line shows.
        verbose: see `Sequential.fit`.
        scores_training_rows: whether the results have scores of the training rows.
    """

    def __init__(
        self,
        who: str,
        model: Sequential,
        callbacks: Sequence[Callback],
        score_name: str,
        verbose: str | int,
        scores_training_rows: bool = False,
    ) -> None:
        self.model, self.callbacks = model, callbacks
        self.scores_training_rows = scores_training_rows
        self.progress = RunProgress(who, verbose, score_name)

    def train(
        self, runs: Sequence[PreparedRun], folder: RunFolder | None = None
    ) -> list[RunResult]:
        """Train runs and return their results in the same order.

        Args:
            runs: the runs.
            folder: has the results of runs that have ended before, and gets those of the others.
        """
        padded = pad_inputs([run.network_run for run in runs])
        runs = [replace(run, network_run=each) for run, each in zip(runs, padded, strict=True)]
        known = {i: folder.load(run, self.model) if folder else None for i, run in enumerate(runs)}
        results = {i: result for i, result in known.items() if result is not None}
        missing = [i for i in range(len(runs)) if i not in results]
        work = sum(runs[i].epochs * runs[i].network_run.steps for i in missing)
        with InterruptGuard() as interrupt, self.progress.track(len(missing), work):
            for indices in _group_by_structure(runs):
                if results.keys() >= set(indices):
                    continue
                most = MAX_RESUMABLE_RUNS if folder else MAX_STACKED_RUNS
                fitting = _count_fitting([runs[i].network_run for i in indices])
                if fitting < min(most, len(indices)):
                    together = "one by one" if fitting == 1 else f"{fitting} at a time"
                    count = f"{len(indices)} networks are trained {together}"
                    self.progress.log(f"{count}: all of them need more than {MAX_MEMORY} of memory")
                n_stacks = -(-len(indices) // min(most, fitting))
                size = -(-len(indices) // n_stacks)
                for start in range(0, len(indices), size):
                    part = indices[start : start + size]
                    todo = [i for i in part if i not in results]
                    # With the same shapes and numbers as without an interruption: the same bits.
                    done = [i for i in part if i in results] + part[-1:] * (size - len(part))
                    fill = [replace(runs[i], epochs=0) for i in done]
                    trained = self._train_stack([runs[i] for i in todo], fill, interrupt)
                    results |= zip(todo, trained, strict=True)
                    for i, result in zip(todo, trained, strict=True):
                        if folder and not result.is_interrupted:
                            folder.save(runs[i], result)
        return [results[i] for i in range(len(runs))]

    def _train_stack(
        self,
        runs: Sequence[PreparedRun],
        fill: Sequence[PreparedRun],
        interrupt: InterruptGuard,
    ) -> list[RunResult]:
        """Train runs of one structure, in a stack with others that have no epochs."""
        if interrupt.interrupted or not runs:
            return [_make_unstarted_result(run, self.model) for run in runs]
        training = StackTraining([*runs, *fill], self.callbacks, self.progress, interrupt)
        try:
            training.run()
            return training.finish(self.model, self.scores_training_rows)[: len(runs)]
        except SharedProgramError:
            alone = [self._train_stack([run], (), interrupt) for run in runs]
            return [result for results in alone for result in results]


class StackTraining:
    """The training of runs of one structure, epoch by epoch and side by side.

    Args:
        runs: the runs. Those without epochs are only scored.
        callbacks: see `RunTrainer`.
        progress: shows how far the training is.
        interrupt: whether the user has pressed Ctrl-C.
    """

    def __init__(
        self,
        runs: Sequence[PreparedRun],
        callbacks: Sequence[Callback],
        progress: RunProgress,
        interrupt: InterruptGuard,
    ) -> None:
        self.stacked = StackedRuns([run.network_run for run in runs])
        self.trainings = [_RunTraining(run, callbacks) for run in runs]
        self.progress, self.interrupt = progress, interrupt
        self.pacer = SlicePacer(SLICE_SECONDS)
        self.has_callbacks = bool(callbacks)
        self.validates = any(len(run.validation_rows) for run in runs)

    def run(self) -> None:
        """Train until every run has ended, or the user presses Ctrl-C."""
        for epoch in range(max(each.prepared.epochs for each in self.trainings)):
            active = np.array([each.is_active(epoch) for each in self.trainings])
            if not active.any():
                break
            started_at = time.perf_counter()
            self._choose_rates(epoch, active)
            before = self.stacked.train_state
            self.stacked.begin_epoch(epoch, np.flatnonzero(active))
            steps = np.where(active, self.stacked.steps, 0)
            if self.interrupt.interrupted or not self._run_steps(steps):
                for each in self.trainings:
                    each.interrupt(epoch)
                return
            seconds = (time.perf_counter() - started_at) / active.sum()
            self._end_epoch(epoch, np.flatnonzero(active), before, seconds)

    def finish(self, model: Sequential, scores_training_rows: bool) -> list[RunResult]:
        """Return the results, with the scores of the test rows and perhaps of the training rows."""
        train_state = jax.device_get(self.stacked.train_state)
        finals = [each.final or take(train_state, k) for k, each in enumerate(self.trainings)]
        params, state = train_state.params, train_state.state
        if any(each.final for each in self.trainings):
            weights = [(final.params, final.state) for final in finals]
            params, state = jax.tree.map(lambda *leaves: np.stack(leaves), *weights)
        rows = [each.prepared.run.test_rows for each in self.trainings]
        logs: list[Logs] = [{} for _ in rows]
        train_logs: list[Logs] = [{} for _ in rows]
        outputs = [np.zeros(0, np.float32) for _ in rows]
        if any(map(len, rows)):
            logs, outputs = self.stacked.score(*to_device((params, state)), rows, True)
        if scores_training_rows:
            train_rows = [each.prepared.network_run.train_rows for each in self.trainings]
            train_logs, _ = self.stacked.score(*to_device((params, state)), train_rows)
        scores = zip(logs, train_logs, strict=True)
        parts = zip(self.trainings, finals, scores, outputs, strict=True)
        return [each.finish(model, final, pair, y) for each, final, pair, y in parts]

    def _run_steps(self, steps: np.ndarray) -> bool:
        """Train all runs on their steps of an epoch; return False if the user pressed Ctrl-C."""
        done = 0
        while done < steps.max():
            stop = done + self.pacer.slice_steps
            sent_at = time.perf_counter()
            self.stacked.run_steps(np.minimum(done, steps), np.minimum(stop, steps))
            np.asarray(self.stacked.train_state.finite)  # waits for the steps
            n_steps = int(np.sum(np.minimum(stop, steps) - np.minimum(done, steps)))
            self.pacer.record_slice(min(stop, int(steps.max())) - done, sent_at)
            self.progress.advance(n_steps)
            done = stop
            if self.interrupt.interrupted and done < steps.max():
                return False
        return True

    def _choose_rates(self, epoch: int, active: np.ndarray) -> None:
        """Let the callbacks choose learning rates before an epoch."""
        if not self.has_callbacks:
            return
        state = self.stacked.train_state
        rates, steps = np.array(state.rate), np.asarray(state.step)
        for k in np.flatnonzero(active):
            each = self.trainings[k]
            optimizer = each.program.optimizer
            rate = float(learning_rate_at(optimizer, rates[k], steps[k]))
            chosen = each.callbacks.on_epoch_begin(epoch, rate)
            if chosen is not None:
                rates[k] = rate_for_learning_rate(optimizer, chosen, int(steps[k]))
        self._set_rates(rates)

    def _set_rates(self, rates: np.ndarray) -> None:
        state = self.stacked.train_state
        if not np.array_equal(rates, state.rate):
            self.stacked.train_state = state._replace(rate=to_device(rates))

    def _end_epoch(
        self, epoch: int, active: np.ndarray, before: TrainState, seconds: float
    ) -> None:
        """Log the epoch of every active run, and let its callbacks decide."""
        state = self.stacked.train_state
        losses, sums, finite = jax.device_get((state.losses, state.metric_sums, state.finite))
        validation = self._validate()
        rates = np.array(state.rate)
        for k in active:
            each = self.trainings[k]
            sizes = self.stacked.batch_sizes[k]
            logs = each.compute_logs(losses[k], sizes, take(sums, k))
            logs |= {f"val_{name}": value for name, value in validation[k].items()}
            if not finite[k]:
                each.fail(epoch, losses[k][: self.stacked.steps[k]], seconds)
                each.final = _copy_run(before, k)
                continue
            record = self._make_record(k, epoch, logs, seconds, before)
            decision = each.end_epoch(record)
            if decision.keep_weights:
                each.final = _copy_run(state, k)
            if decision.learning_rate is not None:
                optimizer, step = each.program.optimizer, int(np.asarray(state.step)[k])
                rates[k] = rate_for_learning_rate(optimizer, decision.learning_rate, step)
        self._set_rates(rates)
        self.progress.end_epoch([each.latest_logs() for each in self.trainings])

    def _validate(self) -> list[Logs]:
        if not self.validates:
            return [{} for _ in self.trainings]
        state = self.stacked.train_state
        rows = [each.prepared.validation_rows for each in self.trainings]
        return self.stacked.score(state.params, state.state, rows)[0]

    def _make_record(
        self, k: int, epoch: int, logs: Logs, seconds: float, before: TrainState
    ) -> Record:
        """Return the record of an epoch of run k. It has the weights if there are callbacks."""
        state = self.stacked.train_state
        if not self.has_callbacks:
            return Record(epoch, logs, seconds, before, state)
        unpadded, optimizer = self.trainings[k].prepared.start, self.trainings[k].program.optimizer
        start_state = crop_weights(_take_run(before, k), unpadded)
        train_state = crop_weights(_take_run(state, k), unpadded)
        last = np.int32(max(int(train_state.step) - 1, 0))
        return Record(
            epoch=epoch,
            logs=logs,
            seconds=seconds,
            epoch_start_state=start_state,
            train_state=train_state,
            learning_rate=float(learning_rate_at(optimizer, start_state.rate, last)),
            next_learning_rate=float(
                learning_rate_at(optimizer, train_state.rate, train_state.step)
            ),
            run_state=RunState(epoch + 1, train_state),
        )


class _RunTraining:
    """The training of one run among others.

    Attributes:
        final: the weights that the run ends with, if they are not those of its last step.
    """

    def __init__(self, prepared: PreparedRun, callbacks: Sequence[Callback]) -> None:
        self.prepared, self.program = prepared, prepared.network_run.program
        self.history = History(prepared.network_run.seed, prepared.history_params)
        self.names = self.program.log_names(include_validation=len(prepared.validation_rows) > 0)
        self.callbacks = CallbackList(copy.deepcopy(tuple(callbacks)), self.names)
        self.problem, self.ended = "", False
        self.final: TrainState | None = None
        self.step_losses: list[np.ndarray] = []

    def is_active(self, epoch: int) -> bool:
        """Return whether the run trains in an epoch."""
        return not self.ended and epoch < self.prepared.epochs

    def compute_logs(self, losses: np.ndarray, sizes: np.ndarray, sums: Any) -> Logs:
        """Return the loss averaged over rows in float64, and every metric."""
        steps = self.prepared.network_run.steps
        losses, sizes = losses[:steps].astype(np.float64), sizes[:steps]
        self.step_losses.append(self.program.loss.report_scale * losses)
        mean = self.program.loss.report_scale * float(losses @ sizes / sizes.sum())
        results = zip(self.program.metrics, sums, strict=True)
        return {"loss": mean} | {metric.name: metric.result(acc) for metric, acc in results}

    def end_epoch(self, record: Record) -> Decision:
        """Add an epoch to the history, and return the decision of the callbacks."""
        decision = self.callbacks.on_epoch_end(record)
        self.history.add(replace(record, decision=decision), self.names)
        self.history.steps += self.prepared.network_run.steps
        self.ended = bool(decision.stop)
        return decision

    def fail(self, epoch: int, losses: np.ndarray, seconds: float) -> None:
        """End the run in an epoch in which a loss or a weight was not finite."""
        bad = np.flatnonzero(~np.isfinite(losses))
        what, step = ("the loss", bad[0]) if len(bad) else ("a weight", len(losses) - 1)
        self.problem = f"epoch {epoch + 1}, step {step + 1} of {len(losses)}: {what} is not finite"
        self.step_losses[-1][step + 1 :] = math.nan
        self.history.epoch.append(epoch)
        self.history.seconds.append(seconds)
        for name in self.names:
            value = float(losses[step]) if name == "loss" and len(bad) else math.nan
            self.history.history.setdefault(name, []).append(value)
        self.history.stopped, self.ended = self.problem, True

    def interrupt(self, epoch: int) -> None:
        """End the run in an epoch, because the user pressed Ctrl-C."""
        if self.is_active(epoch):
            self.problem = f"epoch {epoch + 1}: {INTERRUPTED}" if epoch else INTERRUPTED
            self.history.stopped, self.ended = self.problem, True

    def latest_logs(self) -> dict[str, float]:
        """Return the latest numbers of the history."""
        return {name: values[-1] for name, values in self.history.history.items()}

    def finish(
        self,
        model: Sequential,
        final: TrainState,
        scores: tuple[Logs, Logs],
        outputs: np.ndarray,
    ) -> RunResult:
        """Return the result of the run; `scores` are those of the test and training rows."""
        logs, train_logs = scores
        self.history.weights = self.callbacks.get_recorded_weights(self.program.links)
        self.callbacks.on_train_end(self.latest_logs())
        n_steps = self.prepared.network_run.steps
        step_losses = np.full((len(self.step_losses), n_steps), np.nan)
        for row, losses in zip(step_losses, self.step_losses, strict=True):
            row[: len(losses)] = losses
        outputs = self.prepared.decode(outputs) if len(outputs) else outputs
        final = crop_weights(final, self.prepared.start)._replace(optimizer_state=None)
        if self.problem and not self.problem.endswith(INTERRUPTED):
            logs, train_logs = (dict.fromkeys(each, math.nan) for each in (logs, train_logs))
        return RunResult(
            run=self.prepared.run,
            history=self.history,
            scores=logs,
            train_scores=train_logs,
            outputs=outputs,
            problem=self.problem,
            step_losses=step_losses,
            setup=self.prepared.setup,
            train_state=final,
            base_model=self.prepared.run.model or model,
        )


def _make_unstarted_result(run: PreparedRun, model: Sequential) -> RunResult:
    """Return the result of a run that Ctrl-C has prevented."""
    names = run.network_run.program.log_names(include_validation=False)
    return RunResult(
        run=run.run,
        history=History(run.network_run.seed, run.history_params, stopped=INTERRUPTED),
        scores=dict.fromkeys(names, math.nan),
        train_scores={},
        outputs=np.zeros(0, np.float32),
        problem=INTERRUPTED,
        step_losses=np.zeros((0, run.network_run.steps)),
        setup=run.setup,
        train_state=None,
        base_model=run.run.model or model,
    )


def _group_by_structure(runs: Sequence[PreparedRun]) -> list[list[int]]:
    """Return the indices of the runs that can be stacked, group by group."""
    groups: dict[Any, list[int]] = {}
    for i, run in enumerate(runs):
        groups.setdefault(run.network_run.get_structure(), []).append(i)
    return list(groups.values())


def _count_fitting(runs: Sequence[NetworkRun]) -> int:
    """Return how many of the runs fit into memory at the same time, at least one."""
    first, most = runs[0].data, 0
    for run in runs:
        own = [a for a, b in zip(run.data, first, strict=True) if a is not None and a is not b]
        state = jax.tree.leaves(run.start)
        most = max(most, sum(a.nbytes for a in own) + 2 * sum(a.nbytes for a in state))
    return max(1, MAX_BYTES // max(most, 1))


def _take_run(stacked: TrainState, k: int) -> TrainState:
    """Return the train state of run k on the host, as a view."""
    run: TrainState = take(jax.tree.map(np.asarray, stacked), k)
    return run


def _copy_run(stacked: TrainState, k: int) -> TrainState:
    """Return a copy of the train state of run k on the host, without those of the others."""
    run: TrainState = jax.tree.map(np.array, _take_run(stacked, k))
    return run
