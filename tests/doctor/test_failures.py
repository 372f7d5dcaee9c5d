"""How runs fail. Oracle: losses drawn by hand, on both sides of each limit."""

import numpy as np
import pytest
from made_evidence import make_evidence

from glassnet.doctor import failures
from glassnet.doctor.failures import count_rises, estimate_noise, find_failure, get_end_loss

FALLING = list(np.linspace(0.69, 0.1, 20))


def name_of(evidence):
    failure = find_failure(evidence)
    return failure.name if failure else None


def test_a_run_that_learns_does_not_fail():
    assert find_failure(make_evidence(FALLING)) is None
    assert find_failure(make_evidence(FALLING, FALLING)) is None


def test_the_noise_of_a_curve_is_that_around_its_trend():
    """Oracle: noise of a known deviation on a straight line, which itself has none."""
    noise = np.random.default_rng(0).normal(scale=0.1, size=4000)
    assert estimate_noise(np.linspace(5, 1, 4000) + noise) == pytest.approx(0.1, rel=0.05)
    assert estimate_noise(np.linspace(5, 1, 40)) == pytest.approx(0, abs=1e-12)
    assert estimate_noise(np.array([1.0, 9.0, 1.0])) == 0


def test_rises_are_counted_after_the_first_quarter():
    assert count_rises(np.array([1.0, 2.0, 3.0, 2.5, 2.0, 1.5, 1.6, 1.4])) == pytest.approx(1 / 5)
    assert count_rises(np.array([1.0])) == 0


def test_the_end_is_the_median_of_three_epochs_without_penalties():
    evidence = make_evidence([1.0, 0.6, 0.5, 9.0], run={"penalty": 0.2})
    assert get_end_loss(evidence.run) == pytest.approx(0.4)


def test_few_epochs_have_learned_something_if_the_last_one_has():
    """As an autoencoder after 3 epochs: the second is near the constant answer, 0.7."""
    run = {"epochs": 3, "steps": 189}
    assert name_of(make_evidence([0.95, 0.69, 0.6], run=run)) != "learned nothing"
    assert name_of(make_evidence([0.95, 0.69, 0.69], run=run)) == "learned nothing"


@pytest.mark.parametrize(("end", "name"), [(0.70, "learned nothing"), (0.67, None)])
def test_learning_nothing(end, name):
    """The constant answer has 0.7, and 2 % of it is the limit."""
    evidence = make_evidence([end] * 10, rivals={"linear": np.nan, "neighbours": np.nan})
    assert name_of(evidence) == name


def test_penalties_are_not_the_fault_of_the_network():
    loss, none = [0.9] * 10, {"linear": np.nan, "neighbours": np.nan}
    assert name_of(make_evidence(loss, rivals=none)) == "learned nothing"
    assert name_of(make_evidence(loss, rivals=none, run={"penalty": 0.5})) is None


@pytest.mark.parametrize("changes", [{"epochs": 2}, {"steps": 99}])
def test_a_short_run_may_have_learned_nothing_yet(changes):
    assert name_of(make_evidence([0.7] * 10, run=changes)) is None


def test_a_run_that_the_user_ended_early_is_not_judged_by_what_it_has_not_learned():
    def run(epochs_planned):
        return make_evidence([0.7] * 10, run={"is_interrupted": True} | epochs_planned)

    assert name_of(run({"epochs_planned": 100})) is None
    assert name_of(run({"epochs_planned": 12})) == "learned nothing"
    rising = make_evidence([1.0, 9.0, 99.0], run={"is_interrupted": True, "epochs_planned": 100})
    assert name_of(rising) == "diverged"


def test_divergence_from_the_start_and_from_the_best():
    failure = find_failure(make_evidence([1.0, 5.0, 8.0, 9.0]))
    assert failure.name == "diverged"
    assert failure.text == "The training loss rose from 0.8 to 8."
    failure = find_failure(make_evidence([0.6, 0.1, 1.0, 1.1, 1.2]))
    assert failure.text == "The training loss rose from its best, 0.1, to 1.1."


def test_learning_nothing_for_new_rows():
    """A rival that learns shows that the rows can be learned; then noise is allowed for."""
    failure = find_failure(make_evidence(FALLING, [0.71] * 20, rivals={"linear": 0.7}))
    assert failure.name == "learned nothing for new rows" or failure.name.startswith("behind")
    silent = {"linear": 0.72, "neighbours": 0.75}
    failure = find_failure(make_evidence(FALLING, [0.71] * 20, rivals=silent))
    assert failure.name == "learned nothing for new rows"
    assert failure.numbers == {"val_loss": 0.71, "val_constant_loss": 0.7}


@pytest.mark.parametrize(("loss", "name"), [(0.37, "behind a simple model"), (0.35, None)])
def test_being_behind_a_simple_model(loss, name):
    """Rival 0.3: behind by 10 % of its gain 0.4, and 0.6 * 0.7 / sqrt(400) for 400 rows: 0.361."""
    assert name_of(make_evidence(FALLING, [loss] * 20)) == name


def test_the_error_of_paired_rows_widens_the_margin():
    def run(error):
        return name_of(make_evidence(FALLING, [0.4] * 20, rivals={"linear_error": error}))

    assert run(0.02) == "behind a simple model"
    assert run(0.04) is None


def test_training_rows_are_compared_if_there_are_no_others():
    behind = {"rows": "training half", "n_scored": 10_000}
    failure = find_failure(make_evidence([0.5] * 10, rivals=behind))
    assert failure.name == "behind a simple model"
    assert failure.text == (
        "The best training loss is 0.5; a linear model reaches 0.3 on the same data, and always "
        "giving the same answer 0.7."
    )


def test_jumps_between_epochs():
    jumps = np.array(FALLING) + 0.15 * np.array([1, -1] * 10)
    failure = find_failure(make_evidence(jumps, FALLING))
    assert failure.name == "unstable"
    assert failure.numbers["noise"] > failures.UNSTABLE * failure.numbers["gain"]
    small = np.array(FALLING) + 0.01 * np.array([1, -1] * 10)
    assert find_failure(make_evidence(small, FALLING)) is None


def test_a_loss_without_a_lowest_value():
    failure = find_failure(make_evidence([-5.0, -50.0, -500.0]))
    assert failure.name == "unbounded"
    bounded = make_evidence(-np.linspace(0.2, 0.98, 15), run={"initial_loss": -0.1})
    assert find_failure(bounded) is None


def test_numbers_that_are_not_finite_come_first():
    place = "epoch 1, step 3 of 50: the output of dense_1 is not finite"
    failure = find_failure(make_evidence([9.0] * 5, run={"nonfinite": place}))
    assert failure.name == "not finite"
    assert place in failure.text


def test_equal_targets_are_no_failure_of_the_run():
    assert find_failure(make_evidence([0.7] * 10, target={"low": 1, "high": 1})) is None


def test_a_penalty_that_grew_is_not_taken_from_the_best_epoch():
    """The cross-entropy was 0.5 at best; the penalty of the last weights is 3."""
    curve = [0.9, 0.5, 2.0, 5.0, 5.0, 5.0]
    run = {"penalty": 3.0, "initial_penalty": 0.0}
    failure = find_failure(make_evidence(curve, run=run))
    assert failure.name == "diverged"
    assert failure.numbers["best_loss"] == 0.5
