"""Sequential: the only mutable class, the Keras-shaped face of everything above it."""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from glassnet import evaluation, losses, network, optimizers, pairing, summary, training
from glassnet.callbacks import Callback, decider
from glassnet.data import arrays, rows
from glassnet.epochs import Decision, Record, run
from glassnet.errors import ConfigError, DataError, NotReadyError, TrainingWarning, is_int, is_number, lookup, message, require
from glassnet.history import History
from glassnet.layers import Input, Layer
from glassnet.losses import Loss
from glassnet.metrics import Metric
from glassnet.metrics import get as resolve_metric
from glassnet.network import Built
from glassnet.optimizers import Optimizer
from glassnet.progress import CtrlC, Progress
from glassnet.training import Carry, Data, Program
from glassnet.types import Params, Shape, State
from glassnet.views import LayerView


class Sequential:
    """Layers in a row, with their weights.

    Args:
        layers: in the order in which they run. With an `Input` in front the model has its shapes and weights at once, else from the first data.
        seed: of the starting weights, the validation split, the order of rows and the noise; None draws one when it is needed.

    Raises:
        ConfigError: something that is no layer, a layer class without its dataclass decorator, two layers of one name.

    Example:
        >>> from glassnet.layers import Dense, Input
        >>> model = Sequential([Input(784), Dense(16, activation="relu"), Dense(16, activation="relu"), Dense(10)], seed=0)
        >>> model.count_params()
        13002

    Source: lecture 001, the 784-16-16-10 network.
    """

    def __init__(self, layers: Sequence[Layer] = (), seed: int | None = None):
        require(seed is None or is_int(seed, least=0), "Sequential", "seed to be an int >= 0 or None", seed=seed)
        self.seed = seed
        self.history: History | None = None
        self._input: Input | None = None
        self._layers: tuple[Layer, ...] = ()
        self._optimizer: Optimizer | None = None
        self._loss: Loss | None = None
        self._metrics: tuple[str | Metric, ...] = ()
        self._rate = 0.0
        self._forget()
        for layer in layers:
            self.add(layer)

    def _forget(self) -> None:
        self.epoch = 0
        self._built: Built | None = None
        self._params: tuple[Params, ...] = ()
        self._state: tuple[State, ...] = ()
        self._optimizer_state: Any = None
        self._step = 0

    def add(self, layer: Layer) -> None:
        """Append a layer.

        Raises:
            ConfigError: see `Sequential`; or the model has weights already.
        """
        require(self._built is None, "add", "a model without weights", fix="Add all layers before the first fit, or make a new model.")
        network.check_layer_class(layer)
        if isinstance(layer, Input):
            require(self._input is None and not self._layers, "Sequential", "Input only in front", layers=[*self._layers, layer])
            self._input = layer
        else:
            self._layers = network.named((*self._layers, layer))

    def compile(self, optimizer: str | Optimizer = "adam", loss: str | Loss | None = None, metrics: Sequence[str | Metric] = ()) -> None:
        """Say what to train for. Weights stay; what an earlier optimizer remembered is forgotten. May be left out: see `fit`.

        Args:
            optimizer: a name ("sgd", "rmsprop", "adam") or an optimizer.
            loss: a name or a loss; None has `fit` infer it.
            metrics: names or metrics; "accuracy" becomes the one that fits the loss.

        Raises:
            ConfigError: an unknown name (the nearest match is given); a cross-entropy without its softmax or sigmoid; two softmaxes.
        """
        chosen, target = optimizers.get(optimizer), None if loss is None else losses.get(loss)
        wanted = (metrics,) if isinstance(metrics, str | Metric) else tuple(metrics)
        for metric in wanted:
            resolve_metric(metric, target or losses.MeanSquaredError(), 2)
        if target is not None:
            pairing.check(network.unfold(self._layers), target, self._built and self._built.shapes[-1])
        self._optimizer, self._loss, self._metrics = chosen, target, wanted
        self._rate, self._optimizer_state = chosen.learning_rate, None

    @property
    def learning_rate(self) -> float:
        """The optimizer's rate as it stands; set it to train on at another: nothing is compiled again.

        Raises:
            NotReadyError: the model is not compiled.
            ConfigError: set to something that is no number > 0.
        """
        require(self._optimizer, "learning_rate", "a compiled model", error=NotReadyError, fix="Call compile or fit first.")
        return self._rate

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        require(is_number(rate) and rate > 0, "learning_rate", "a number > 0", learning_rate=rate)
        self._rate = float(rate)

    def fit(
        self,
        x: Any,
        y: Any,
        batch_size: int | str = 32,
        epochs: int = 1,
        verbose: str | int = "auto",
        callbacks: Sequence[Callback] = (),
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict[int, float] | str | None = None,
        sample_weight: Any = None,
        *,
        validation_from: str = "random",
        seed: int | None = None,
        observe: bool | None = None,
    ) -> History:
        """Train. A second fit carries on where the first ended: fit(5) and fit(5) is fit(10), bit for bit.

        Where no loss was named, it is inferred from the targets and the last layer (`pairing.infer`), Adam is used, and both are said.
        A loss or weight that is no longer a number ends the run: a `TrainingWarning` names the step and the link, and the weights from
        before that step are kept. Ctrl-C ends it too, with the weights as they are.

        Args:
            x: rows (n, ...); (n,) counts as (n, 1). uint8 stays uint8 until it is used, all else becomes float32.
            y: targets (n,) or (n, ...); whole floats may be labels.
            batch_size: rows per step; "full" for all.
            epochs: passes over the rows.
            verbose: "auto" or 1 for a live line (some twenty plain lines where there is no terminal), 2 for a plain line per epoch, 0 for silence.
            callbacks: asked after every epoch.
            validation_split: fraction of the rows held out; the same rows at every fit on the same rows.
            validation_data: (x, y) or (x, y, weights) to validate on instead.
            shuffle: whether each epoch has an order of its own, a function of the seed and the epoch's number.
            class_weight: {class: weight}, or "balanced".
            sample_weight: a weight per row, (n,).
            validation_from: "random" (stratified by class), or "end" for the last rows.
            seed: of order and noise, and of the weights where there are none yet; None takes the model's.
            observe: whether to look inside single steps (`history.observations`); None does so in runs expected to last beyond 5 s.

        Returns:
            The epochs' numbers.

        Raises:
            DataError: rows or targets that cannot be used, with the place and the remedy.
            ConfigError: an argument out of range; a last layer that does not fit the loss; a monitor that is not logged.
        """
        require(is_int(epochs, least=0), "fit", "epochs to be an int >= 0", epochs=epochs)
        require(batch_size == "full" or is_int(batch_size, least=1), "fit", 'batch_size to be an int >= 1 or "full"', batch_size=batch_size)
        require(seed is None or is_int(seed, least=0), "fit", "seed to be an int >= 0 or None", seed=seed)
        progress = Progress(verbose, epochs)
        if self._built is None and seed is not None:
            self.seed = int(seed)
        x = self._examples(x)
        arrays.same_length(x=x, y=y)
        built = self._build(x.shape[1:])
        if self._loss is None:
            progress.say(self._infer(y))
        program = self._program()
        data, labels = rows.encode(x, y, program.loss, built.shapes[-1], sample_weight, class_weight)
        if validation_data is None:
            data, held = rows.hold_out(data, labels, validation_split, validation_from, self._known_seed())
        else:
            held = self._held(*validation_data)
        self._state = evaluation.learn(built.links, self._params, self._state, data.x)
        order_seed = self._known_seed() if seed is None else int(seed)
        n = len(data.x)
        size = n if batch_size == "full" else min(int(batch_size), n)
        blocks = evaluation.to_blocks(held) if held else []
        names = ("loss", *(metric.name for metric in program.metrics))
        decide = decider(callbacks, names + tuple(f"val_{name}" for name in names if held))
        self.history = history = History(order_seed, {"epochs": epochs, "batch_size": size, "steps": -(-n // size), "rows": n})
        carry = training.new_carry(
            program, self._params, self._state, rate=self._rate, seed=order_seed, optimizer=self._optimizer_state, step=self._step
        )

        def judge(record: Record) -> Decision:
            self._adopt(record)
            return decide(record)

        def watch(done: int, steps: int, carry: Carry) -> str | None:
            progress.slice(done, steps, carry.losses)
            return "interrupted by Ctrl-C" if ctrl_c.pressed else None

        record = None
        with CtrlC() as ctrl_c, progress:
            for record in run(
                program,
                carry,
                jax.tree.map(jnp.asarray, data),
                plan=lambda epoch: training.make_plan(n, size, seed=order_seed, epoch=epoch, shuffle=shuffle),
                first=self.epoch,
                last=self.epoch + epochs,
                validate=lambda carry: evaluation.score(program, carry.params, carry.state, blocks, "val_") if blocks else {},
                decide=judge,
                watch=watch,
                observing=observe,
            ):
                self._adopt(record)
                history.add(record)
                progress.epoch(record)
        for callback in callbacks:
            callback.on_train_end({name: values[-1] for name, values in history.history.items()})
        if record and not record.finite:
            warnings.warn(f"Training stopped in {history.stopped}. The weights from before that step are kept.", TrainingWarning, stacklevel=2)
        elif history.stopped:
            progress.say(f"stopped: {history.stopped}")
        return history

    def evaluate(self, x: Any, y: Any, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """The loss and the metrics over all rows, exactly, in inference mode.

        Args:
            x: rows.
            y: targets.
            sample_weight: a weight per row, for the loss.
            return_dict: {"loss": ..., "accuracy": ...} rather than a list.

        Returns:
            The loss where there are no metrics, else [loss, metric, ...], as Keras.

        Raises:
            DataError: see `fit`.
            NotReadyError: no weights or no loss yet.
        """
        program = self._program()
        data, _ = rows.encode(self._examples(x), y, program.loss, self._built.shapes[-1], sample_weight)
        logs = evaluation.score(program, self._params, self._state, evaluation.to_blocks(data))
        return logs if return_dict else list(logs.values()) if len(logs) > 1 else logs["loss"]

    def predict(self, x: Any) -> np.ndarray:
        """What the last layer outputs for the rows x: (n, ...) to (n, *output shape), float32. Any number of rows runs without compiling again.

        Raises:
            DataError: rows that cannot be used.
            NotReadyError: no weights yet (give the model an `Input`, or fit it), or a Normalization that has learned nothing.
        """
        array = self._examples(x)
        built = self._build(array.shape[1:])
        for link, state in zip(built.links, self._state, strict=True):
            if not network.has_learned(link, state):
                raise NotReadyError(message(str(link.name), "statistics learned from data", fix="Fit the model, or give it layer.adapt(x)."))
        body, head = network.split_head(built.links, self._loss) if self._loss else (built.links, ())
        return evaluation.outputs(body, head, self._params, self._state, array)

    def predict_labels(self, x: Any) -> np.ndarray:
        """The class of every row: the largest of K outputs (n,); 0 or 1 for a sigmoid (n,), or for each of K sigmoids (n, K).

        Raises:
            DataError, NotReadyError: see `predict`.
            ConfigError: the network gives numbers, not classes.
        """
        output = self.predict(x)
        ends, link = pairing.last_activation(self._built.links), self._loss.link if self._loss else None
        fix = "For numbers use predict; classes need a softmax or sigmoid at the end, or a cross-entropy from_logits."
        require("softmax" in (ends, link) or "sigmoid" in (ends, link), "predict_labels", "a network that gives classes", ends_in=ends, fix=fix)
        if "softmax" in (ends, link):
            return output.argmax(-1)
        labels = (output > (0.5 if ends == "sigmoid" else 0.0)).astype(np.int64)
        return labels[..., 0] if labels.shape[-1] == 1 else labels

    def summary(self) -> None:
        """Print a row per layer: its name, its output's shape and how many numbers it holds; all derived.

        Raises:
            NotReadyError: the shape of the input is not known yet.
        """
        built = self._require_built("summary")
        print(summary.text(built, self._params, self._state))

    def count_params(self) -> int:
        """How many numbers the model holds, learned or not.

        Raises:
            NotReadyError: the shape of the input is not known yet.
        """
        self._require_built("count_params")
        return network.count((self._params, self._state))

    @property
    def params(self) -> dict[str, dict[str, np.ndarray]]:
        """Copies of what every layer has learned by gradient: {"dense_1": {"kernel": ..., "bias": ...}}.

        Raises:
            NotReadyError: the shape of the input is not known yet.
        """
        built = self._require_built("params")
        found: dict[str, dict[str, np.ndarray]] = {}
        for kind, i, key in built.weights:
            if kind == "params":
                found.setdefault(str(built.links[i].name), {})[key] = np.array(self._params[i][key])
        return found

    def get_weights(self) -> list[np.ndarray]:
        """Copies of all weights, layer by layer: each one's params, then its statistics, as Keras orders them.

        Raises:
            NotReadyError: the shape of the input is not known yet.
        """
        return network.get_weights(self._require_built("get_weights").weights, self._params, self._state)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Put weights in, in the order of `get_weights`.

        Raises:
            NotReadyError: the shape of the input is not known yet.
            DataError: another number of arrays, or another shape.
        """
        built = self._require_built("set_weights")
        self._params, self._state = network.set_weights(built, built.weights, self._params, self._state, weights)

    @property
    def layers(self) -> list[LayerView]:
        """The layers as they were written (without `Input`), each with a view of its weights."""
        return [LayerView(self, i) for i in range(len(self._layers))]

    def get_layer(self, name: str) -> LayerView:
        """The layer of that name.

        Raises:
            ConfigError: there is none; the nearest name is given.
        """
        return self.layers[lookup("layer", name, {str(layer.name): i for i, layer in enumerate(self._layers)})]

    def reset(self, seed: int | None = None) -> None:
        """Forget all that was learned; the next use draws new weights from `seed`, or from the model's seed where it is None."""
        require(seed is None or is_int(seed, least=0), "reset", "seed to be an int >= 0 or None", seed=seed)
        self.seed = self.seed if seed is None else int(seed)
        self._forget()
        self._rate = self._optimizer.learning_rate if self._optimizer else 0.0

    def _examples(self, x: Any) -> np.ndarray:
        return arrays.features(x, self._built.shapes[0] if self._built else self._input.shape if self._input else None)

    def _held(self, x: Any, y: Any, sample_weight: Any = None) -> Data:
        x = arrays.features(x, self._built.shapes[0], "validation x")
        return rows.encode(x, y, self._loss, self._built.shapes[-1], sample_weight, prefix="validation ")[0]

    def _known_seed(self) -> int:
        if self.seed is None:
            self.seed = secrets.randbits(31)
        return self.seed

    def _build(self, shape: Shape) -> Built:
        if self._built is None:
            require(self._layers, "Sequential", "at least one layer", layers=[])
            rng = np.random.default_rng(self._known_seed())
            self._built, self._params, self._state = network.build(self._layers, shape, rng)
        return self._built

    def _require_built(self, who: str) -> Built:
        if self._built is None and self._input is None:
            fix = "Put Input(shape) in front, or fit the model first."
            raise NotReadyError(message(who, "a model that knows the shape of its input", fix=fix))
        return self._built or self._build(self._input.shape)

    def _infer(self, y: Any) -> str:
        inferred = pairing.infer(self._built.links, self._built.shapes[-1], arrays.numbers(y, "y"))
        self._loss, self._metrics = inferred.loss, self._metrics or inferred.metrics
        if self._optimizer is None:
            self._optimizer = optimizers.Adam()
            self._rate = self._optimizer.learning_rate
        return f"no loss was named: {type(self._loss).__name__}, as {inferred.because}; optimizer {type(self._optimizer).__name__}"

    def _program(self) -> Program:
        built = self._require_built("evaluate")
        require(self._loss and self._optimizer, "evaluate", "a model with a loss", error=NotReadyError, fix="Call compile or fit first.")
        pairing.check(built.links, self._loss, built.shapes[-1])
        wanted = tuple(resolve_metric(metric, self._loss, built.shapes[-1][-1]) for metric in self._metrics)
        return Program(built.links, self._loss, self._optimizer, wanted)

    def _adopt(self, record: Record) -> None:
        carry = record.carry
        self._params, self._state, self._optimizer_state, self._step = carry.params, carry.state, carry.optimizer, int(carry.step)
        if np.float32(self._rate) != carry.rate:
            self._rate = float(carry.rate)
        self.epoch = record.epoch + record.complete
