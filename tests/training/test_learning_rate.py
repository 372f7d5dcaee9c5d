"""The learning rate of every step: schedules, assignments and callbacks."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import pytest

import glassnet as gn
from glassnet.callbacks import LambdaCallback
from glassnet.engine.epoch_runner import ArraySource, RunState
from glassnet.engine.loop import Decision, LoopHooks, run_epochs
from glassnet.engine.placement import to_device
from glassnet.engine.train_step import OBSERVED_STATISTICS, Data, Program, make_plan_fn
from glassnet.errors import ConfigError
from glassnet.optimizers import SGD, Adam
from glassnet.schedules import CosineDecay, ExponentialDecay, PolynomialDecay, Schedule, Warmup
from glassnet.testing import check_optimizer, compilations
from nets import X, Y, line_model, plain_model, same_bits
from oracles import close

HALVES = ExponentialDecay(0.1, decay_steps=1, decay_rate=0.5)
"""0.1, 0.05, 0.025, ..."""


def moved(model, steps=1):
    """Return the rates of the next steps, measured from the updates.

    At w = 2, x = 1 and y = 0 without a bias the gradient of w is 4. The weight is reset after each
    step.
    """
    rates = []
    for _ in range(steps):
        model.set_weights([[[2.0]], [0.0]])
        model.fit([1.0], [0.0], verbose=0)
        rates.append((2 - model.get_weights()[0].item()) / 4)
    return rates


def test_every_step_has_the_rate_of_the_schedule():
    """Oracle: gradient descent by hand on (w x + b)^2 over three epochs of three steps, with the
    formula.
    """
    x, w, b = np.linspace(-1, 1, 9), 2.0, 0.5
    model = line_model(SGD(HALVES))
    model.fit(x, np.zeros(9), batch_size=3, epochs=3, shuffle=False, verbose=0)
    for t in range(9):
        rows = x[3 * (t % 3) :][:3]
        z = w * rows + b
        w, b = w - 0.1 * 0.5**t * (2 * z * rows).mean(), b - 0.1 * 0.5**t * (2 * z).mean()
    close([np.ravel(weight)[0] for weight in model.get_weights()], [w, b])


def test_a_second_fit_carries_the_schedule_on_and_reset_starts_it_again():
    model, once = (
        plain_model(Adam(CosineDecay(0.05, 20))),
        plain_model(Adam(CosineDecay(0.05, 20))),
    )
    once.fit(X, Y, epochs=5, verbose=0)
    for epochs in (2, 3):
        model.fit(X, Y, epochs=epochs, verbose=0)
    assert same_bits(model, once)
    assert model.learning_rate == pytest.approx(
        0.05 * (1 + np.cos(np.pi / 2)) / 2
    )  # 5 epochs of 2 steps are half of 20
    model.reset()
    assert model.learning_rate == pytest.approx(0.05)


def test_the_rate_is_that_of_the_step_to_come():
    model = line_model(SGD(HALVES))
    close(model.learning_rate, 0.1)
    close(moved(model, 3), [0.1, 0.05, 0.025])
    close(model.learning_rate, 0.0125)


def test_a_rate_that_is_set_scales_what_follows():
    """Oracle: by hand. At step 2 the schedule is 0.025; 1.0 is 40 times that, and so are the next
    rates: 0.5, 0.25.
    """
    model = line_model(SGD(HALVES))
    moved(model, 2)
    model.learning_rate = 1.0
    assert model.learning_rate == pytest.approx(1.0)
    close(moved(model, 3), [1.0, 0.5, 0.25])
    model.compile(SGD(HALVES), "mse")  # steps are counted over the model's life; the factor is gone
    close(model.learning_rate, 0.1 * 0.5**5)


def test_a_callback_sets_the_rate_and_the_records_tell_it():
    """Oracle: by hand. Epochs have two steps; after the second, at 0.00625, the rate is set to 0.4."""
    model = line_model(SGD(HALVES))
    seen = []

    def decide(record):
        seen.append(record.learning_rate)
        return Decision(learning_rate=0.4 if record.epoch == 1 else None)

    model.fit([0.0, 0.0], [0.0, 0.0], batch_size=1, verbose=0)
    model.reset()
    program = model._make_program()
    train_state = model._get_setup().make_train_state(program, 0, 0)
    data, plan = (
        to_device(Data(np.zeros((2, 1), np.float32), np.zeros((2, 1), np.float32))),
        make_plan_fn(2, 1, seed=0, shuffle=False),
    )
    records = list(
        run_epochs(
            program,
            RunState(0, train_state),
            ArraySource(data, plan, plan(0).mask.shape[1]),
            end_epoch=4,
            hooks=LoopHooks(on_epoch_end=decide),
        )
    )
    close(seen, [0.05, 0.0125, 0.2, 0.05])
    assert seen == [record.learning_rate for record in records]
    assert all(isinstance(rate, float) for rate in seen)


def test_a_callback_of_a_fit_sets_the_rate():
    model = line_model(SGD(HALVES))
    twice = LambdaCallback(lambda epoch, logs: Decision(learning_rate=0.4) if epoch == 1 else None)
    model.fit([1.0, 1.0], [0.0, 0.0], batch_size=1, epochs=3, callbacks=twice, verbose=0)
    close(model.learning_rate, 0.1)  # 0.4 for step 4, then 0.2 and 0.1
    close(moved(model, 2), [0.1, 0.05])


def test_records_tell_a_number_too_and_the_first_step_of_an_epoch_broken_off_at_once():
    model = line_model(SGD(0.25))
    program = model._make_program()
    train_state = model._get_setup().make_train_state(program, 0, 0)
    huge = to_device(Data(np.full((2, 1), 1e30, np.float32), np.zeros((2, 1), np.float32)))
    (record,) = run_epochs(
        program,
        RunState(0, train_state),
        ArraySource(huge, make_plan_fn(2, 1, seed=0, shuffle=False), 1),
        end_epoch=3,
    )
    assert (record.finite, record.learning_rate) == (False, 0.25)


@pytest.mark.parametrize("where", ["setter", "callback"])
def test_a_schedule_at_0_cannot_be_scaled(where):
    model = line_model(SGD(PolynomialDecay(0.1, 2, 0.0)))
    to_1 = LambdaCallback(
        lambda epoch, logs: (
            Decision(learning_rate=1.0) if where == "callback" and epoch == 1 else None
        )
    )
    expected = r"^PolynomialDecay: expected a rate > 0 at step 2\. Received: rate=0\.0\. A rate of 0 cannot be scaled"
    with pytest.raises(ConfigError, match=expected):  # noqa: PT012
        model.fit([1.0], [0.0], epochs=3 if where == "callback" else 2, callbacks=to_1, verbose=0)
        model.learning_rate = 1.0
    assert model.learning_rate == 0
    assert moved(model) == [0]


def test_a_schedule_that_ends_at_0_with_the_fit_lets_a_last_decision_be():
    """A learning rate that no step would use is ignored at the end of a run."""
    model = line_model(SGD(PolynomialDecay(0.1, 2, 0.0)))
    halved = LambdaCallback(
        lambda epoch, logs: Decision(learning_rate=0.05 if epoch == 1 else None)
    )
    assert len(model.fit([1.0], [0.0], epochs=2, callbacks=halved, verbose=0).epoch) == 2
    assert model.learning_rate == 0


def test_a_rate_behind_the_fits_back_is_refused_under_a_schedule_too():
    model = line_model(SGD(HALVES))
    meddling = LambdaCallback(lambda epoch, logs: setattr(model, "learning_rate", 1.0))
    with pytest.raises(
        ConfigError,
        match=r"during a fit: return Decision\(learning_rate=\.\.\.\)\. Received: learning_rate=1\.0",
    ):
        model.fit([1.0], [0.0], epochs=2, callbacks=meddling, verbose=0)


def test_a_schedule_is_compiled_once_whatever_the_factor():
    model = plain_model(SGD(Warmup(0.3, 7)))
    model.fit(X, Y, verbose=0)
    model.learning_rate = 0.2
    with compilations() as compiled:
        for rate in (0.1, 0.3):
            model.learning_rate = rate
            model.fit(X, Y, verbose=0)
        again = plain_model(SGD(Warmup(0.3, 7)))
        again.fit(X, Y, verbose=0)
    assert compiled == []


def test_a_number_is_no_part_of_a_program_and_a_schedule_is():
    model = plain_model()
    program = model._make_program()

    def of(optimizer):
        return Program(program.links, program.loss, optimizer, program.metrics)

    assert of(SGD(0.1)) == of(SGD(0.2)) != of(SGD(HALVES))
    assert of(SGD(HALVES)).optimizer == SGD(HALVES)
    assert of(SGD(HALVES)) != of(SGD(ExponentialDecay(0.1, 1, 0.6)))


def test_the_trace_shows_the_rate_of_the_step_to_come():
    model = line_model(SGD(HALVES))
    moved(model, 2)
    model.set_weights([[[2.0]], [0.0]])
    trace = model.trace([1.0], [0.0])
    close(trace.rate, 0.025)
    close(trace["dense_1"].update["kernel"], [[-0.1]])  # 0.025 times a gradient of 4
    assert "SGD at 0.025 adds" in repr(trace)


def test_observations_are_at_the_rate_of_their_step():
    """Oracle: by hand. From w = 2, b = 0 at x = 1, y = 0 every gradient is 2 (w + b); update /
    gradient is the rate.
    """
    model = line_model(SGD(HALVES))
    seen = model.fit(np.ones(4), np.zeros(4), batch_size=1, observe=True, verbose=0).observations
    columns = [OBSERVED_STATISTICS.index(name) for name in ("gradient", "update")]
    rates = [look.values[0, columns[1]] / look.values[0, columns[0]] for look in seen]
    assert [look.step for look in seen] == [1, 2, 3, 3]
    # the last observation repeats the last step, at the rate of the next one
    np.testing.assert_allclose(rates, [0.05, 0.025, 0.0125, 0.00625], rtol=1e-4)


@dataclass(frozen=True)
class Sawtooth(Schedule):
    high: float = 0.2

    def __call__(self, step):
        return self.high * (1 - (step % 4) / 4)


def test_a_schedule_of_a_user():
    gn.testing.check_schedule(Sawtooth())
    close(moved(line_model(SGD(Sawtooth())), 5), [0.2, 0.15, 0.1, 0.05, 0.2])


@pytest.mark.parametrize(
    "optimizer",
    [
        SGD(CosineDecay(0.0, 500, warmup_target=0.1, warmup_steps=10)),
        Adam(Warmup(0.01, 50), clipnorm=1.0),
    ],
)
def test_the_contract_of_optimizers_holds_with_a_schedule(optimizer):
    check_optimizer(optimizer)


@dataclass(frozen=True)
class TurnsNegative(Schedule):
    def __call__(self, step):
        return 0.0995 - 0.001 * step


@dataclass(frozen=True)
class DividesByZero(Schedule):
    def __call__(self, step):
        return 0.1 / jnp.asarray(step, jnp.float32)


@dataclass(frozen=True)
class Overflows(Schedule):
    def __call__(self, step):
        return 0.1 / (step + 1)


@dataclass(frozen=True)
class MixesSteps(Schedule):
    def __call__(self, step):
        return 0.1 * jnp.mean(jnp.asarray(step) > 3) + 0 * step


class NoValue(Schedule):
    def __call__(self, step):
        return 0.1 + 0 * step


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        (TurnsNegative, r"finite rates >= 0\. Received: step=100"),
        (DividesByZero, r"finite rates >= 0\. Received: step=0, rate=inf"),
        (Overflows, r"finite rates >= 0\. Received: step=2147483647"),
        (MixesSteps, "an equal rate for step 0 alone and, compiled, among many"),
        (NoValue, "a frozen dataclass"),
    ],
)
def test_check_schedule_catches(schedule, says):
    with pytest.raises(AssertionError, match=says):
        gn.testing.check_schedule(schedule())
