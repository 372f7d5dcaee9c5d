"""Sequential: the only mutable class, the Keras-shaped face of everything above it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from typing import Any

import numpy as np

from glassnet import fingerprinting
from glassnet.callbacks import Callback
from glassnet.callbacks.callback_list import CallbackList, normalize_callbacks
from glassnet.data import arrays
from glassnet.engine import inference, network, objective
from glassnet.engine.epoch_runner import BatchSource, RunState
from glassnet.engine.network import BuiltNetwork
from glassnet.errors import DataWarning, is_int, require, rollback_on_error
from glassnet.inspection.trace import Trace, record_trace
from glassnet.layers import functional
from glassnet.models import forecast
from glassnet.models.base import BaseModel
from glassnet.models.forecast import Forecast
from glassnet.pipeline import batches, encoding, memmap, sources, streams
from glassnet.preprocessing import base, tabular
from glassnet.storage import model_file
from glassnet.training.history import History
from glassnet.training.progress import Progress
from glassnet.training.resume import ResumableRun, describe_callback
from glassnet.training.trainer import Trainer


class Sequential(BaseModel):
    """Layers in a row, with their weights.

    Args:
        layers: in the order in which they run. With an `Input` in front the model knows its shapes
            at once, else from the first data.
        seed: of the starting weights, the validation split, the order of rows and the noise; None
            draws one when it is needed.

    Raises:
        ConfigError: something that is no layer, a layer class without its dataclass decorator, two
            layers of one name.

    Example:
        >>> from glassnet.layers import Dense, Input
        >>> model = Sequential([Input(784), Dense(16, activation="relu"), Dense(16, activation="relu"), Dense(10)], seed=0)
        >>> model.count_params()
        13002

    Source: lecture 001, the 784-16-16-10 network.
    """

    def fit(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | str = 32,
        epochs: int = 1,
        verbose: str | int = "auto",
        callbacks: Callback | Sequence[Callback] | None = (),
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict[int, float] | str | None = None,
        sample_weight: Any = None,
        *,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        target: str | None = None,
        column_types: Mapping[str, str] | None = None,
        derive: Mapping[str, str] | None = None,
        target_transform: str | None = None,
        validation_from: str = "random",
        seed: int | None = None,
        observe: bool | None = None,
        resume: str | os.PathLike[str] | None = None,
    ) -> History:
        """Train, and return the epochs' numbers. A second fit carries on where the first ended:
        fit(5), fit(5) is fit(10), bit for bit.

        Where no loss was named, it is inferred from the targets and the last layer
        (`objective.infer_loss`), Adam is used, and both are said.
        A loss or weight that is no longer a number ends the run: a `TrainingWarning` names the step
            and the link, and the weights that
        last gave a finite loss are kept. Ctrl-C ends it too, with the weights as they are.

        Of a table, `target` names the column to be learned; the others become numbers as the
        training rows teach it (`data.encoder`),
        and from then on the model takes tables: `predict` rows in any order of columns,
            `predict_labels` answers in the table's labels.
        Targets that are numbers are standardised inside; the loss, the metrics and `predict` are in
        their own units.

        What does not fit into memory comes in batches (x, y) or (x, y, weights): a list of them,
        any iterable, an object with a length and items, a PyTorch DataLoader, a tf.data.Dataset, a
        function that gives a new iterator for every epoch, or an iterator, which goes on from where
        it is. They are trained on in the order in which they come (shuffle there), the next being
        read in a thread. The first says how many rows a batch has; later ones may have fewer.
        Batches may be dicts of columns, as a Hugging Face data set
        gives them: `target` names one, and the others are the features. Where the iterable ends too
            early, raises, or gives what cannot
        be used, a `DataError` names the batch, and what was learned by then is kept. A NumPy memory
        map as x is read batch by batch too, in the order and with the result of the same rows in
        memory.

        Args:
            x: rows (n, ...); (n,) counts as (n, 1). uint8 stays uint8 until it is used, all else
                becomes float32. Or a table: a CSV, TSV, Parquet or Arrow file, a frame of pandas,
                polars or Arrow. Or batches. Or `data.Images`.
            y: targets (n,) or (n, ...); whole floats may be labels. None for a table, batches or
                `Images`.
            batch_size: rows per step; "full" for all. Batches are taken as they are, but those of a
                Hugging Face data set.
            epochs: passes over the rows, or of `steps_per_epoch` batches each.
            verbose: "auto" or 1 for a live line (without a terminal, some twenty plain ones), 2 for
                a plain line per epoch, 0 for silence.
            callbacks: asked after every epoch.
            validation_split: fraction of the rows held out; the same rows at every fit on the same
                rows.
            validation_data: (x, y) or (x, y, weights), or a table with its target, or batches, to
                validate on instead.
            shuffle: whether each epoch has an order of its own, a function of the seed and the
                epoch's number; batches keep theirs.
            class_weight: {class: weight}, or "balanced", not with batches.
            sample_weight: a weight per row, (n,).
            steps_per_epoch: of batches, how many make an epoch, drawn round and round, the next
                epoch going on where the last ended; None for one pass.
            validation_steps: how many of `validation_data`'s batches are validated on, the first of
                a new pass each time; None for all.
            target: the table's column to learn; rows that lack it are left out, and counted. Or the
                column of targets in batches.
            column_types: what a column of the table is where that is not to be inferred: {"cabin":
                "drop", "pclass": "category"}; or "number", "boolean", "date".
            derive: new columns by expressions of others: {"area": "GrLivArea + TotalBsmtSF"}
                (`data.derive`).
            target_transform: "log" to learn the logarithm of the target; the loss is then of
                logarithms, the metrics are not.
            validation_from: "random" (stratified by class), or "end" for the last rows, as it
                always is for a series.
            seed: of order and noise; None takes the model's. A model without a seed or weights
                takes it for its own.
            observe: whether to look inside single steps (`history.observations`); None does so in
                runs expected to last beyond 5 s.
            resume: a folder for this run. It keeps the newest two checkpoints, written after every
                epoch and every 30 seconds within long ones; the same call carries on from there, in
                another process too, and a run that is finished is returned. Killed at any moment,
                it ends with the bits of a run that was not, on the same machine, versions and
                number of CPUs (another is a `TrainingWarning`). More epochs may be asked for.
                Batches must come again: not from an iterator, and each epoch beginning with the
                same batch, or as a function of the epoch's number gives them, `lambda epoch: ...`.
                A memory map is known by its file's size and time of change. Of callbacks, what
                `update` hands on is kept; what they keep elsewhere is not.

        Raises:
            DataError: rows or targets that cannot be used, with the place and the remedy.
            ConfigError: an argument out of range; a last layer that does not fit the loss; a
                monitor that is not logged; a folder that another fit uses, or that holds a run of
                other data, layers or settings (the difference is said).
            ModelFileError: the folder cannot be written, holds damaged checkpoints alone, or
                something in the model cannot be saved.
        """
        require(is_int(epochs, least=0), "fit", "epochs to be an int >= 0", epochs=epochs)
        require(
            batch_size == "full" or is_int(batch_size, least=1),
            "fit",
            'batch_size to be an int >= 1 or "full"',
            batch_size=batch_size,
        )
        require(
            seed is None or is_int(seed, least=0),
            "fit",
            "seed to be an int >= 0 or None",
            seed=seed,
        )
        require(
            isinstance(shuffle, bool) and observe in (None, True, False),
            "fit",
            "True or False",
            shuffle=shuffle,
            observe=observe,
        )
        callbacks, progress = normalize_callbacks(callbacks), Progress(verbose, epochs)
        asked = tabular.check_table_request(target, column_types, derive, target_transform)
        with rollback_on_error(self), ExitStack() as opened:
            run = (
                None
                if resume is None
                else opened.enter_context(closing(ResumableRun(resume, self.epoch)))
            )
            if self._network is None and self.seed is None:
                self.seed = int(seed) if seed is not None else run.seed if run else None
            if run:
                self._replace_drawn_seed(run.seed)
            first = run.first_epoch if run else self.epoch
            split = (
                0.0 if validation_data is not None else validation_split,
                validation_from,
                self._ensure_seed(),
            )
            order_seed = self._ensure_seed() if seed is None else int(seed)
            taken = reading = None
            if batches.is_stream(x, y):
                streams.reject_array_arguments(
                    y,
                    sample_weight,
                    split[0],
                    asked != tabular.TableRequest(target) or self._has_named_columns,
                )
                read = partial(
                    streams.BatchStream,
                    x,
                    steps_per_epoch,
                    batch_size=batch_size,
                    target=target,
                    steps_argument="steps_per_epoch",
                    vectorizer=self._text_vectorization,
                )
                stream = read(first_epoch=first, repeatable=run is not None)
                reading = opened.enter_context(closing(streams.StreamReader(stream, first)))
                x, y = reading.peek()
            elif y is None and tabular.has_own_targets(x):
                fix = 'Write fit(table["review"], table["label"]), say.'
                require(
                    self._text_vectorization is None,
                    "fit",
                    "no table, where texts are taken: TextVectorization stands in front",
                    fix=fix,
                )
                taken = tabular.prepare_table(
                    self.preprocessor, x, asked, functional.unfold(self._layers), self._loss, split
                )
                self.preprocessor, x, y, sample_weight = (
                    taken.preprocessor,
                    taken.x,
                    taken.y,
                    tabular.select_sample_weight(sample_weight, taken.has_target),
                )
                progress.log("\n".join(taken.messages))
            else:
                require(
                    asked == tabular.TableRequest(),
                    "fit",
                    "x to be a table, and no y, where a target is named",
                    x=type(x).__name__,
                )
                x, y, _ = self._encode_xy(x, y)
            ready, built, said = self._build_for(x, y)
            progress.log(said)
            program = self._make_program()
            again = run is not None
            validation = (
                self._encode_validation(validation_data),
                validation_steps,
                batch_size,
                target,
                again,
                program.loss,
                built,
                self._text_vectorization,
            )
            if self.preprocessor is not None:
                class_weight = self.preprocessor.target.class_weight_by_index(class_weight)
            if reading:
                source: BatchSource = reading.make_source(program.loss, built, class_weight)
                held = sources.validation_blocks(*validation)
            else:
                data, labels = encoding.encode_examples(
                    ready, y, program.loss, built.shapes[-1], sample_weight
                )
                if taken is None:
                    arrays.check_precision(x=x, y=y)
                encoding.check_unmasked(built.links, data.x)
                kept, apart = (
                    (taken.train_index, taken.validation_index)
                    if taken
                    else encoding.train_validation_split(len(data.x), labels, *split)
                )
                if apart is not None:
                    encoding.check_steps(
                        "validation_steps", validation_steps, len(apart), batch_size
                    )
                    data, held = data.take(kept), sources.evaluation_blocks(data.take(apart))
                else:
                    held = sources.validation_blocks(*validation)
                data = encoding.apply_class_weight(data, program.loss, class_weight)
                source = sources.make_source(
                    data, batch_size, steps_per_epoch, seed=order_seed, shuffle=shuffle
                )
            opened.enter_context(closing(source))
            before, self._state = (
                self._state,
                inference.adapt_state(
                    built.links, self._params, self._state, None if reading else data.x
                ),
            )
            progress.log(network.describe_adaptation(built.links, before, self._state))
            asked_for = {
                "epochs": epochs,
                "batch_size": source.batch_size,
                "steps": source.steps,
                "rows": source.n_samples,
            }
            start, history, memories = (
                RunState(self.epoch, self._make_train_state(program, order_seed)),
                History(order_seed, asked_for),
                None,
            )
            if run:
                told: dict[str, Any] = {
                    "layers": self._layers,
                    "input": built.shapes[0],
                    "loss": self._loss,
                    "optimizer": self._optimizer,
                }
                told |= {
                    "metrics": self._metrics,
                    "table": self.preprocessor,
                    "batch_size": source.batch_size,
                    "shuffle": shuffle,
                    "seed": order_seed,
                }
                told |= {
                    "data": source.fingerprint(),
                    "validation": sources.blocks_fingerprint(held),
                    "callbacks": [describe_callback(each) for each in callbacks],
                }
                run.attach(
                    told,
                    fingerprinting.tree_fingerprint(
                        (self._params, self._state, np.float32(self._rate))
                    ),
                    self._last_run_id,
                )
                start, memories = (
                    run.restore(program, built, start, first + epochs),
                    run.load_memories(callbacks),
                )
            panel = CallbackList(
                callbacks, program.log_names(include_validation=held is not None), memories
            )
            if run and run.history:
                history = self._resume_from(run, start, asked_for)
                progress.resume(start.epoch - first, run.describe_status(start))
                if reading:
                    reading.seek(first, start.epoch, len(start.losses))
            if panel.saves_models:
                model_file.dump_spec(self._export()[0])
            self.history, self._last_run_id = history, run.info.id if run else None
            opened.pop_all()
        trainer = Trainer(
            program=program,
            callbacks=panel,
            progress=progress,
            apply_record=self._apply_record,
            set_learning_rate=self._set_learning_rate,
            export_model=self._export,
            run=run,
            observe=observe,
        )
        return trainer.fit(start, source, held, end_epoch=first + epochs, history=history)

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        return_dict: bool = False,
        *,
        steps: int | None = None,
        target: str | None = None,
    ) -> Any:
        """The loss over all rows, exactly, in inference mode; with metrics [loss, metric, ...].

        Args:
            x: rows, or a table where the model was fitted to one, or batches (see `fit`).
            y: targets; None for a table or batches that hold them.
            sample_weight: a weight per row, for the loss.
            return_dict: {"loss": ..., "accuracy": ...} rather than a list.
            steps: how many batches to take; None for all.
            target: the column of targets, where batches are columns by name.

        Raises:
            DataError: see `fit`.
            NotReadyError: no weights or no loss yet.
        """
        program, built = self._make_program(), self._require_built("evaluate")
        network.require_learned(built.links, self._state)
        if batches.is_stream(x, y):
            streams.reject_array_arguments(y, sample_weight, 0.0, self._has_named_columns)
            blocks: Any = streams.make_stream_blocks(
                x, steps, program.loss, built, target=target, vectorizer=self._text_vectorization
            )
        else:
            fix = "They are for batches: rows are all taken, once."
            require(
                steps is None and target is None,
                "evaluate",
                "no steps or target with rows",
                steps=steps,
                target=target,
                fix=fix,
            )
            x, y, there = self._encode_xy(x, y)
            if there is not None:
                warnings.warn(
                    f"evaluate: {np.sum(~there):,} of {len(there):,} rows lack the target: left out",
                    DataWarning,
                    stacklevel=2,
                )
            weight = tabular.select_sample_weight(sample_weight, there)
            blocks = inference.iter_padded_blocks(
                encoding.encode_examples(
                    self._encode_x(x), y, program.loss, built.shapes[-1], weight
                )[0]
            )
        logs = inference.evaluate_blocks(program, self._params, self._state, blocks)
        return logs if return_dict else list(logs.values()) if len(logs) > 1 else logs["loss"]

    def predict(self, x: Any, *, steps: int | None = None) -> np.ndarray:
        """What the last layer outputs for any number of rows x: (n, ...) to (n, *output shape),
        float32; numbers in the target's own units.

        Args:
            x: rows, or a table where the model was fitted to one: with the columns that it uses, in
                any order. Or batches x, (x, y) or dicts of columns, all of which are features; a
                list of arrays is rows.
            steps: how many batches to take; None for all.

        Raises:
            DataError: rows that cannot be used.
            NotReadyError: a Normalization has learned nothing yet.
        """
        if batches.is_stream(x):
            with closing(streams.BatchStream(x, steps)) as stream:
                return stream.predict_batches(self.predict)
        require(
            steps is None,
            "predict",
            "steps=None with rows",
            steps=steps,
            fix="It is for batches: rows are all taken, once.",
        )
        examples = self._encode_x(self._vectorize_text(base.transform(self.preprocessor, x)))
        built = self._build(examples.shape[1:])
        network.require_learned(built.links, self._state)
        body, head = (
            network.split_head(built.links, self._loss) if self._loss else (built.links, ())
        )
        out = inference.predict(body, head, self._params, self._state, examples)
        return self.preprocessor.inverse_transform(out, x) if self.preprocessor else out

    def predict_labels(self, x: Any) -> np.ndarray:
        """The class of every row: the largest of K outputs (n,); 0 or 1 for a sigmoid (n,), or for
        each of K sigmoids (n, K).

        Of a model that was fitted to a table, the label, as the table spells it.

        Raises:
            DataError, NotReadyError: see `predict`.
            ConfigError: the network gives numbers, not classes.
        """
        labels = objective.to_class_labels(
            self.predict(x), self._require_built("predict_labels").links, self._loss
        )
        return self.preprocessor.target.decode_labels(labels) if self.preprocessor else labels

    def forecast(self, steps: int | None = None, series: Any = None) -> Forecast:
        """What follows the end of the series that the model was fitted to, step by step, with the
        seasonal naive forecast beside it.

        Beyond the horizon it goes on from its own forecasts.

        Args:
            steps: how many; None for the horizon.
            series: a newer one to go on from the end of, or the table that holds it; None for the
                one of the last fit.

        Raises:
            ConfigError: steps that are no int >= 1.
            NotReadyError: the model was not fitted to a series.
            DataError: a series that is too short, or of other steps.
        """
        return forecast.forecast_series(self.predict, self.preprocessor, steps, series)

    def trace(self, x: Any, y: Any = None, training: bool = False) -> Trace:
        """Every number of one forward and backward pass over the rows, and the update that would
        follow; nothing changes.

        Args:
            x: rows, few of them: everything is kept; or a table of them, where the model was fitted
                to one.
            y: their targets; None for a table that holds them.
            training: whether to draw noise and use batch statistics, as the next step would.

        Raises:
            DataError, ConfigError: see `fit`. Without `compile` the loss is inferred, as `fit`
                does.

        Example:
            >>> import numpy as np
            >>> from glassnet.layers import Dense
            >>> model = Sequential([Dense(1, activation="sigmoid")], seed=0)
            >>> model.compile("sgd", "binary_crossentropy")
            >>> trace = model.trace([[2.0, 3.0]], [1])
            >>> bool(np.allclose(trace.links[-1].delta, trace.output - 1))
            True

        Source: lecture 003, backpropagation by hand.
        """
        with rollback_on_error(self):
            x, y, _ = self._encode_xy(x, y)
            x, built, _ = self._build_for(x, y)
            network.require_learned(built.links, self._state)
            program = self._make_program()
            data, _ = encoding.encode_examples(np.asarray(x), y, program.loss, built.shapes[-1])
        return record_trace(
            program,
            self._make_train_state(program, self._ensure_seed()),
            data,
            training,
            built.weight_paths,
            self.preprocessor,
        )

    @property
    def _has_named_columns(self) -> bool:
        """Whether it was fitted to columns by name."""
        return self.preprocessor is not None and bool(self.preprocessor.feature_names)

    def _encode_xy(self, x: Any, y: Any) -> tuple[Any, Any, np.ndarray | None]:
        """Rows and targets as the network takes them, and which of a table's rows have a target,
        None for all.
        """
        x, y, there = base.transform_xy(self.preprocessor, x, y)
        return self._vectorize_text(x), y, there

    def _encode_validation(self, validation_data: Any) -> Any:
        whole = tabular.has_own_targets(validation_data)
        parts = isinstance(validation_data, tuple | list) and len(validation_data) in (2, 3)
        if (
            batches.is_stream(validation_data)
            or not (whole or parts)
            or (self.preprocessor is None and tabular.is_table(validation_data))
        ):
            return validation_data
        x, y, *weight = (validation_data, None) if whole else (*validation_data,)
        x, y, there = self._encode_xy(x, y)
        return x, y, *(tabular.select_sample_weight(w, there) for w in weight)

    def _vectorize_text(self, x: Any) -> Any:
        """Of texts."""
        return self._text_vectorization(x) if self._text_vectorization else x

    def _encode_x(self, x: Any) -> Any:
        return memmap.as_features(x, self._example_shape, links=functional.unfold(self._layers))

    def _build_for(self, x: Any, y: Any) -> tuple[Any, BuiltNetwork, str]:
        """The rows, the network built for them, and what was inferred about the loss, if anything
        had to be.
        """
        x = self._encode_x(x)
        arrays.check_consistent_length(x=x, y=y)
        built = self._build(x.shape[1:])
        if self.preprocessor is not None:
            self.preprocessor.target.check_network(built.links, built.shapes[-1], self._loss)
        if self._loss is not None:
            return x, built, ""
        loss, metrics, because = objective.infer_loss(
            built.links, built.shapes[-1], arrays.check_numeric(y, "y")
        )
        wanted = self._metrics or metrics or (("mae",) if self.preprocessor else ())
        if self._optimizer is None:
            self.compile("adam", loss, wanted)
        self._loss, self._metrics = loss, wanted
        return (
            x,
            built,
            f"no loss was named: {loss.display_name}, as {because}; optimizer {type(self._optimizer).__name__}",
        )
