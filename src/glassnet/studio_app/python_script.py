"""A run of the studio as a Python script that trains the same network to the same weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

import glassnet._version as version
from glassnet.optimizers import Optimizer
from glassnet.studio_app import networks
from glassnet.studio_app.experiment import Experiment
from glassnet.studio_app.python_values import quote, write_array, write_call, write_value
from glassnet.studio_app.settings import Event, Settings, TrainingSettings
from glassnet.studio_app.studio_data import StudioData

IMPORTS = ("import numpy as np", "", "import glassnet as gn")


def make_script(experiment: Experiment) -> str:
    """Return a script that repeats the run of an experiment: its weights are equal bit for bit.

    If a change in the middle of the run cannot be repeated by `fit`, the script writes the weights
    out, and says why.

    Args:
        experiment: at the moment that the script ends in.
    """
    return "\n".join(_Script(experiment).write()) + "\n"


@dataclass
class _Part:
    """Steps that one call of `fit` trains.

    Attributes:
        n_steps: their number.
        rates: learning rates by the number of steps before, counted from the start of the call.
        before: lines before the call.
    """

    n_steps: int = 0
    rates: dict[int, float] = field(default_factory=dict)
    before: list[str] = field(default_factory=list)


class _Script:
    """The lines of a script."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.settings: Settings = experiment.link
        self.first = experiment.run.first
        self.data: StudioData = experiment.data
        self.is_own_model = experiment.own_model is not None
        self.is_built = bool(self.settings.network.weights) or self.is_own_model

    def write(self) -> list[str]:
        """Return the lines of the script."""
        problem, parts = self._plan()
        body = [*self._write_model(), *self._write_start()]
        if problem:
            body += self._write_weights(problem)
        else:
            body.append("# Training")
            for part, training in parts:
                body += self._write_part(part, training)
            body += [] if self.settings.steps or self.is_built else self._fit()
        return [*self._write_head(body), *self._write_data(), *body, *self._write_end()]

    def _write_head(self, body: Sequence[str]) -> list[str]:
        steps = self.settings.steps
        head = [
            f"# A run of Glassnet's studio: {self.data.title!r}, {steps:,} steps.",
            f"# Made by Glassnet {version.__version__}. It needs: pip install glassnet",
            "",
        ]
        needs_base64 = any("base64." in line for line in body)
        return [*head, *(["import base64", ""] if needs_base64 else []), *IMPORTS]

    def _write_data(self) -> list[str]:
        lines = self.data.code
        imports = sorted({line for line in lines if line.startswith("from ")})
        others = [line for line in lines if not line.startswith("from ")]
        return [*imports, "", "# Data", *others, ""]

    def _write_model(self) -> list[str]:
        training = self.settings.training
        if self.experiment.own_model is not None:
            return ["# Network", *self.experiment.own_model.code, ""]
        model = networks.build_model(
            self.settings, self.data, training.count_steps(self.data.n_train)
        )
        setup = model.get_settings()
        layers = [f"        {write_value(layer)}," for layer in setup.layers]
        lines = ["# Network", "model = gn.Sequential(", "    [", *layers, "    ],"]
        lines += [f"    seed={self.settings.seed},", ")"]
        return [*lines, *self._compile(training), ""]

    def _compile(self, training: TrainingSettings) -> list[str]:
        steps = training.count_steps(self.data.n_train)
        optimizer = write_value(networks.make_optimizer(training, steps))
        loss = training.loss or self._default_loss()
        metrics = '["accuracy"]' if self.data.class_names else '["mae"]'
        return write_call("model.compile", [optimizer, quote(loss), metrics])

    def _default_loss(self) -> str:
        return self.data.output_head(self.settings.network.output_activation)[2]

    def _write_start(self) -> list[str]:
        """Return lines that set the starting weights, if there are any."""
        weights = self.settings.network.weights
        if not weights or self.is_own_model:
            return []
        names = list(self.experiment.make_model().weights_named())
        lines = ["# Starting weights", *self._fit(), "weights = model.get_weights()"]
        for name, values in weights.items():
            array = np.array(values, np.float32)
            lines.append(f"weights[{names.index(name)}] = {write_array(array)}  # {name}")
        return [*lines, "model.set_weights(weights)", ""]

    def _fit(self, arguments: Sequence[str] = (), epochs: int = 0) -> list[str]:
        """Return a call of `fit`; that of 0 epochs only draws the weights."""
        rows, test = ["x", "y"], "(x_test, y_test)"
        if self.data.is_table:
            rows, test = ["train", f"target={quote(self.data.target_name)}"], "test"
            types = self.data.column_types
            rows += [f"column_types={types!r}"] if types else []
        arguments = [*rows, f"epochs={epochs}", *arguments]
        if epochs and self.data.n_test:
            arguments.append(f"validation_data={test}")
        return write_call("model.fit", [*arguments, "verbose=0"])

    def _plan(self) -> tuple[str, list[tuple[_Part, TrainingSettings]]]:
        """Return why `fit` cannot repeat the run, or "", and the calls of `fit`."""
        plan = _Plan(self.settings.training, self.data.n_train)
        for event in self.settings.events:
            plan.advance_to(event.step - self.first)
            if problem := plan.apply(event, self):
                return problem, []
        plan.advance_to(self.settings.steps)
        plan.close()
        return "", plan.parts

    def write_change(self, event: Event) -> list[str]:
        """Return lines that change one number of the weights."""
        assert event.weight is not None
        change = event.weight
        names = list(self.experiment.make_model().weights_named())
        index = ", ".join(map(str, change.index))
        build = [] if self.is_built else self._fit()
        self.is_built = True
        return [
            *build,
            "weights = model.get_weights()",
            f"weights[{names.index(change.name)}][{index}] = {change.value!r}  # {change.name}",
            "model.set_weights(weights)",
        ]

    def write_compile(
        self, compiled: TrainingSettings, before: TrainingSettings, after: TrainingSettings
    ) -> str | list[str]:
        """Return lines that change how the network is trained, or why a script cannot.

        Args:
            compiled: what the network is compiled with.
            before: the same, with the learning rate of now.
            after: the new settings.
        """
        if self.is_own_model:
            return "the training of your model was changed"
        if (compiled.l1, compiled.l2) != (after.l1, after.l2):
            return "a penalty was changed in the middle of the run"
        if self._make_optimizer(compiled) != self._make_optimizer(after):
            return self._compile(after)
        if compiled.loss != after.loss:
            return "the loss was changed in the middle of the run"
        if before.learning_rate == after.learning_rate:
            return []
        return [f"model.learning_rate = {after.learning_rate!r}"]

    def _make_optimizer(self, training: TrainingSettings) -> Optimizer:
        return networks.make_optimizer(training, training.count_steps(self.data.n_train))

    def _write_part(self, part: _Part, training: TrainingSettings) -> list[str]:
        if not part.n_steps:
            return part.before
        steps = training.count_steps(self.data.n_train)
        epochs, rest = -(-part.n_steps // steps), part.n_steps % steps
        arguments = [f"batch_size={write_value(training.fit_batch_size)}"]
        scheduled = [repr(part.rates)] if part.rates else []
        if rest:
            scheduled.append(f"stop_after={part.n_steps}")
        if scheduled:
            callback = f"gn.callbacks.StepScheduler({', '.join(scheduled)})"
            arguments.append(f"callbacks={callback}")
        return [*part.before, *self._fit(arguments, epochs)]

    def _write_weights(self, problem: str) -> list[str]:
        weights = self.experiment.make_model().get_weights()
        written = [f"    {write_array(array)}," for array in weights]
        return [
            f"# The weights are written out, because {problem},",
            "# which a script cannot repeat.",
            *self._fit(),
            "weights = [",
            *written,
            "]",
            "model.set_weights(weights)",
        ]

    def _write_end(self) -> list[str]:
        names = ("test", "train") if self.data.is_table else ("x_test, y_test", "x, y")
        rows = names[0] if self.data.n_test else names[1]
        return ["", f"print(model.evaluate({rows}, return_dict=True, verbose=0))"]


class _Plan:
    """Divides a run into calls of `fit`."""

    def __init__(self, training: TrainingSettings, n_rows: int) -> None:
        self.training, self.n_rows = training, n_rows
        self.parts: list[tuple[_Part, TrainingSettings]] = []
        self.part = _Part()
        self.compiled = training
        self.step = 0

    @property
    def step_in_epoch(self) -> int:
        return self.part.n_steps % self.training.count_steps(self.n_rows)

    def advance_to(self, step: int) -> None:
        """Train to a step."""
        self.part.n_steps += step - self.step
        self.step = step

    def close(self) -> None:
        """End the call of `fit`."""
        self.parts.append((self.part, self.training))
        self.part = _Part()

    def apply(self, event: Event, script: _Script) -> str:
        """Apply a change, and return why `fit` cannot repeat it, or ""."""
        if event.data is not None:
            return "the data were changed in the middle of the run"
        if event.weight is not None:
            if self.step_in_epoch:
                return "a weight was changed in the middle of an epoch"
            self.close()
            script.is_built |= event.step > script.first
            self.part.before += script.write_change(event)
        if event.learning_rate is not None:
            self._set_rate(event.learning_rate)
        if event.training is not None:
            return self._set_training(event.training, script)
        return ""

    def _set_rate(self, rate: float) -> None:
        self.training = msgspec.structs.replace(self.training, learning_rate=rate)
        if self.step_in_epoch:
            self.part.rates[self.part.n_steps] = rate
            return
        self.close()
        self.part.before.append(f"model.learning_rate = {rate!r}")

    def _set_training(self, training: TrainingSettings, script: _Script) -> str:
        is_partial = bool(self.step_in_epoch)
        self.close()
        if is_partial:
            self.part.before.append("model.epoch += 1  # the next step begins an epoch")
        lines = script.write_compile(self.compiled, self.training, training)
        if isinstance(lines, str):
            return lines
        self.part.before += lines
        self.training = self.compiled = training
        return ""
