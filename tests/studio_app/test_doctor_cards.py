"""The doctor in the studio.

Oracle 6: the findings are those of `gn.diagnose` and of a `fit` with the same settings, and after a
remedy the experiment has the network that `Finding.apply` returns.
"""

import msgspec
import pytest

import glassnet as gn
from glassnet.errors import DataError
from glassnet.studio_app.doctor_cards import DoctorCards
from glassnet.studio_app.experiment import Experiment
from glassnet.studio_app.settings import (
    DataSettings,
    LayerSettings,
    NetworkSettings,
    Settings,
    TrainingSettings,
)

TOO_FAST = Settings(
    data=DataSettings("plane", n=100),
    network=NetworkSettings((), scale=False),
    training=TrainingSettings("sgd", learning_rate=100.0),
)
SLOW = Settings(
    data=DataSettings("moons", n=300), training=TrainingSettings("sgd", learning_rate=0.05)
)
DEAD = Settings(
    data=DataSettings("moons", n=100),
    network=NetworkSettings((LayerSettings(4, "relu"),), initializer="zeros"),
    training=TrainingSettings("sgd", learning_rate=0.1),
)


@pytest.fixture(scope="module")
def too_fast():
    return Experiment(TOO_FAST)


def test_a_diagnosis_is_that_of_the_library_and_its_remedy_can_be_applied():
    experiment, cards = Experiment(TOO_FAST), DoctorCards()
    answer = cards.diagnose(experiment)
    data = experiment.data
    x, y = data.x, data.y
    expected = gn.diagnose(experiment.make_model(), x, y, batch_size=10, validation_data=data.test)
    assert [card["rule"] for card in answer["findings"]] == [each.rule for each in expected]
    first = answer["findings"][0]
    assert first["rule"] == "not_finite"
    assert first["can_apply"]
    cards.apply(experiment, 0)
    rate = expected[0].apply(experiment.make_model()).learning_rate
    assert experiment.run.learning_rate == pytest.approx(experiment.make_model().learning_rate)
    assert experiment.settings.training.learning_rate < 100
    assert experiment.run.step == 0
    experiment.run.advance(50)
    assert not experiment.run.problem
    assert rate < 100


def test_a_run_that_ends_at_a_loss_that_is_not_finite_has_a_finding(too_fast):
    cards = DoctorCards()
    assert cards.examine(too_fast) is None
    too_fast.run.advance(500)
    assert "is not finite" in too_fast.run.problem
    answer = cards.examine(too_fast)
    assert answer["during"] == "training"
    assert answer["findings"][0]["rule"] == "not_finite"
    assert cards.examine(too_fast) is None  # nothing new


def test_a_run_that_still_learns_is_not_compared_with_simple_methods():
    experiment = Experiment(msgspec.structs.replace(SLOW, seed=1))
    experiment.run.advance(143)
    history = experiment.run.make_history()
    assert history.history["val_loss"][-1] > 0.3  # nearest neighbours have 0.05
    assert DoctorCards().examine(experiment) is None


def test_weights_that_are_all_zero_are_found_and_their_remedy_helps():
    experiment, cards = Experiment(DEAD), DoctorCards()
    answer = cards.diagnose(experiment)
    assert "All units of dense_1 began with the same weights" in answer["findings"][0]["symptom"]
    assert cards.verify(experiment, 0)["helped"]
    cards.apply(experiment, 0)
    assert experiment.own_model is not None
    experiment.run.advance(300)
    train, _ = experiment.scene.evaluate(experiment.run.state.train_state)
    assert train["accuracy"] > 0.8


def test_only_remedies_that_exist_can_be_applied(too_fast):
    with pytest.raises(DataError, match="a finding whose remedy the studio can apply"):
        DoctorCards().apply(too_fast, 0)
