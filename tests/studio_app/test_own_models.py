"""A model of the user in the studio: what the controls do not show stays as the user wrote it.

Oracles: the settings and weights of the model itself, and `fit` (6).
"""

import numpy as np
import pytest

import glassnet as gn
from glassnet.doctor.changes import InsertLayer, SetLearningRate
from glassnet.errors import ConfigError
from glassnet.studio_app.experiment import Experiment
from glassnet.studio_app.networks import read_network
from glassnet.studio_app.settings import DataSettings, NetworkSettings, Settings
from glassnet.studio_app.starts import start_with_model
from glassnet.studio_app.state_message import describe_state

DATA = gn.datasets.load("moons", n=60)
SGD = gn.optimizers.SGD


def make_experiment(optimizer, loss="binary_crossentropy", *, units=1, **options):
    activation = "sigmoid" if units == 1 else None
    layers = [gn.layers.Dense(3, "tanh", **options), gn.layers.Dense(units, activation)]
    model = gn.Sequential(layers, seed=4)
    model.compile(optimizer, loss)
    model.fit(DATA.x, DATA.y, epochs=1, verbose=0)
    start = start_with_model(model, DATA.x, DATA.y)
    return Experiment(start.settings, start.own_data, start.own_model), model


def change(experiment, **changes):
    training = experiment.settings.training
    values = {name: getattr(training, name) for name in training.__struct_fields__} | changes
    experiment.set_training(type(training)(**values))
    return experiment.training_run.program


def test_other_batches_and_rates_keep_the_options_of_optimizer_and_loss():
    loss = gn.losses.SparseCategoricalCrossentropy(from_logits=True)
    experiment, _ = make_experiment(SGD(0.1, clipnorm=0.5), loss, units=2)
    program = change(experiment, batch_size=7)
    assert (program.optimizer.clipnorm, program.loss) == (0.5, loss)
    program = change(experiment, momentum=0.9, learning_rate=0.2)
    assert (program.optimizer.clipnorm, program.optimizer.momentum) == (0.5, 0.9)
    assert experiment.run.learning_rate == pytest.approx(0.2)
    assert change(experiment, l2=0.1).loss == loss


def test_a_penalty_of_the_user_is_shown_and_can_be_removed():
    experiment, _ = make_experiment("adam", kernel_regularizer=gn.regularizers.L2(0.25))
    assert experiment.settings.training.l2 == 0.25
    program = change(experiment, batch_size=7)
    assert program.links[0].kernel_regularizer == gn.regularizers.L2(0.25)
    assert change(experiment, l2=0.0).links[0].kernel_regularizer is None


def test_trained_weights_stay_if_the_optimizer_changes_before_the_first_step():
    experiment, model = make_experiment("adam")
    change(experiment, optimizer="rmsprop")
    mine = experiment.make_model().get_weights()
    for weights, expected in zip(mine, model.get_weights(), strict=True):
        np.testing.assert_array_equal(weights, expected)


def test_a_refused_change_leaves_model_and_data_as_they_were():
    experiment, _ = make_experiment("adam")
    before = experiment.own_model, experiment.own_data, experiment.settings
    with pytest.raises(ConfigError, match="moons"):
        experiment.set_data(DataSettings("mooons"))
    with pytest.raises(ConfigError, match="softmax"):
        experiment.set_network(NetworkSettings((), "softmaxx"))
    assert (experiment.own_model, experiment.own_data, experiment.settings) == before


def test_a_seed_draws_other_weights_and_leaves_the_users_model():
    experiment, model = make_experiment("adam")
    own, before = experiment.own_model.model, model.get_weights()
    experiment.set_seed(9)
    assert own.seed == 4
    assert not np.array_equal(experiment.make_model().get_weights()[0], before[0])


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([gn.layers.Dense(70), gn.layers.Dense(1)], None),
        ([gn.layers.Dense(3, lambda x: x), gn.layers.Dense(1)], None),
        ([gn.layers.Dense(3, "relu"), gn.layers.Conv1D(2, 2)], None),
        ([], None),
    ],
)
def test_layers_that_the_page_cannot_build_are_not_read(layers, expected):
    assert read_network(layers) is expected


def test_a_last_layer_that_scales_numbers_back_is_part_of_the_page():
    layers = [gn.layers.Dense(3, "relu"), gn.layers.Dense(1), gn.layers.Rescaling(2.0, 1.0)]
    network = read_network(layers)
    assert [(each.units, each.activation) for each in network.layers] == [(3, "relu")]
    assert network.output_activation is None


def test_between_a_dataset_and_own_data_a_new_run_begins():
    """Own data must not become an event of a link."""
    experiment, _ = make_experiment("adam")
    experiment.run.advance(3)
    experiment.set_data(DataSettings("moons", n=60))
    assert experiment.run.step == experiment.run.first
    assert experiment.link.data.name == "moons"
    assert not experiment.link.events


def test_a_remedy_that_the_controls_show_needs_no_model_of_its_own():
    """Oracle 6: then a link that builds from the settings leads to the same weights."""
    experiment = Experiment(Settings(DataSettings("moons", n=60)))
    model = experiment.make_model()
    model.reset()
    experiment.adopt(model.make_changed_copy(SetLearningRate(0.5)))
    assert experiment.own_model is None
    assert experiment.settings.training.learning_rate == 0.5
    experiment.adopt(model.make_changed_copy(InsertLayer(gn.layers.LayerNormalization())))
    assert experiment.own_model is not None


def test_the_page_knows_that_a_link_holds_no_model_of_the_user():
    experiment, _ = make_experiment("adam")
    state = describe_state(experiment, playing=False, rivals=None)
    assert state["network"]["is_own_model"]
    built = Experiment(Settings(DataSettings("moons", n=60)))
    assert not describe_state(built, playing=False, rivals=None)["network"]["is_own_model"]
