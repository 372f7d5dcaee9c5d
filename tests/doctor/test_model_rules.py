"""Rules about the network and its loss, on numbers written by hand.

Oracle: the numbers hold the fault by construction; its twin differs in the one number that decides.
"""

from dataclasses import replace

import numpy as np
import pytest

from glassnet.doctor import judge
from glassnet.doctor.changes import (
    CombinedChange,
    InsertLayer,
    LimitDropout,
    ReplaceActivations,
    ReplaceInitializers,
    ScaleLearningRate,
    ScalePenalties,
    SetMomentum,
    SetOutputActivation,
)
from glassnet.doctor.evidence import (
    Evidence,
    LayerEvidence,
    NetworkEvidence,
    OutputEvidence,
    RunEvidence,
    TargetEvidence,
)
from glassnet.evaluation.quick_rivals import Rivals
from glassnet.layers import Rescaling

STEP = {"gradient": 0.01, "weight": 0.3, "update": 0.0015}
EPOCHS = 20


def layer(name, activation="relu", **values):
    facts = {"n_weights": 100, "n_units": 10, "weight_start": 0.3, "weight_end": 0.4, "moved": 0.5}
    return LayerEvidence(name, "Dense", activation, **facts | {"start": STEP, "end": STEP} | values)


def make_evidence(end=0.9, start=1.2, target=None, network=None, run=None, rivals=None, **parts):
    """Return the evidence of a run whose losses fall from `start` to `end` and stay there.

    A constant answer has a loss of 1, a linear model 0.5 and nearest neighbours 0.2.
    """
    losses = np.append(np.linspace(start, end, EPOCHS // 2), np.full(EPOCHS // 2, end))
    ends = {"loss": "MeanSquaredError", "output_activation": "linear"}
    ends |= {"output_range": (-np.inf, np.inf), "optimizer": "Adam", "learning_rate": 0.001}
    layers = layer("dense_1"), layer("dense_2"), layer("dense_3", "linear")
    sizes = {"steps": 640, "steps_per_epoch": 32, "n_rows": 1000, "n_validation_rows": 400}
    curves = {"loss": losses, "val_loss": losses, "logs": {}, "initial_loss": start}
    facts = {"epochs": EPOCHS, "epochs_planned": EPOCHS, "first_epoch": 0, "batch_size": 32}
    models = {"linear": 0.5, "neighbours": 0.2, "n_fitted": 1000, "n_scored": 400}
    return Evidence(
        TargetEvidence("numbers", 1000, None, **{"low": -3, "high": 3, "mean": 0, "std": 1})
        if target is None
        else target,
        NetworkEvidence(**ends | {"n_weights": 300, "layers": layers} | (network or {})),
        RunEvidence(**facts | sizes | curves | (run or {})),
        Rivals(1.0, 1.0, **models | (rivals or {})),
        **{"looked_inside": True, "outputs": OutputEvidence(-1, 1, 0.5, loss=end)} | parts,
    )


def names_of(evidence):
    return [each.rule for each in judge(evidence)]


# ------------------------------------------------------------------------------ target_scale
def scale_targets(mean, std):
    return TargetEvidence("numbers", 1000, None, mean - 3 * std, mean + 3 * std, mean, std)


@pytest.mark.parametrize(
    ("mean", "std", "found"), [(0, 1, False), (9, 1, False), (300, 20, True), (0, 2850, True)]
)
def test_targets_far_from_0_that_were_not_reached(mean, std, found):
    evidence = make_evidence(target=scale_targets(mean, std))
    assert ("target_scale" in names_of(evidence)) == found


def test_a_run_that_reached_large_targets_is_not_blamed_on_their_scale():
    sick, healthy = (make_evidence(end, target=scale_targets(300, 20)) for end in (0.6, 0.29))
    assert names_of(sick)[0] == "target_scale"
    assert "target_scale" not in names_of(healthy)


def test_the_remedy_of_large_targets_is_exact_for_sgd():
    """Oracle: with y = 300 + 20 z, the gradient of the squared error is 20² times that of z."""
    targets = scale_targets(300, 20)
    (adam,) = (f for f in judge(make_evidence(target=targets)) if f.rule == "target_scale")
    assert adam.change == InsertLayer(Rescaling(20.0, 300.0), after="dense_3")
    evidence = make_evidence(target=targets, network={"optimizer": "SGD"})
    assert judge(evidence)[0].change == CombinedChange((adam.change, ScaleLearningRate(0.0025)))


@pytest.mark.parametrize(("mean", "std"), [(1e15, 100.0), (0.0, 1e37), (1e28, np.inf)])
@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_absurd_targets_are_named_without_a_layer_that_scales_them(mean, std, optimizer):
    evidence = make_evidence(target=scale_targets(mean, std), network={"optimizer": optimizer})
    finding = judge(evidence)[0]
    assert (finding.rule, finding.change) == ("target_scale", None)


# ------------------------------------------------------------------------------ linear_stack
def test_a_linear_network_on_data_that_are_not_linear():
    sick = judge(make_evidence(0.5, network={"is_linear": True}))[0]
    assert sick.rule == "linear_stack"
    assert sick.change == ReplaceActivations("linear", "relu")
    assert sick.consequence == (
        "The best loss is 0.5, near the 0.5 of a linear model; nearest neighbours reach 0.2."
    )
    assert "linear_stack" not in names_of(make_evidence(0.5))


@pytest.mark.parametrize(
    ("end", "neighbours", "found"),
    [
        (0.5, 0.2, True),
        (0.5, 0.45, False),  # a network that is not linear would hardly be better
        (0.9, 0.2, False),  # far behind a linear model, so something else is wrong
    ],
)
def test_a_linear_network_is_blamed_only_if_that_is_what_limits_it(end, neighbours, found):
    evidence = make_evidence(
        end, network={"is_linear": True}, rivals={"neighbours": neighbours, "linear": 0.5}
    )
    assert ("linear_stack" in names_of(evidence)) == found


# ------------------------------------------------------------------------------ saturated_units
@pytest.mark.parametrize(("share", "found"), [(0.6, True), (0.4, False)])
def test_units_that_start_saturated(share, found):
    layers = (
        layer("dense_1", "tanh", saturated_start=0.2),
        layer("dense_2", "tanh", saturated_start=share),
        layer("dense_3", "sigmoid", saturated_start=0.9),  # outputs may be near 0 and 1
    )
    findings = judge(make_evidence(network={"layers": layers}))
    assert (findings[0].rule == "saturated_units") == found
    if found:
        assert findings[0].change == ReplaceInitializers(("dense_1", "dense_2"))
        assert findings[0].symptom.startswith("60 % of the tanh units of dense_2 were saturated")


# ------------------------------------------------------------------------------ over_regularized
@pytest.mark.parametrize(
    ("penalty", "weight_end", "factor"),
    [(20.0, 0.001, 0.001), (1.1, 0.14, 0.01), (1.1, 0.2, None), (0.9, 0.14, None)],
)
def test_a_penalty_that_shrinks_the_weights(penalty, weight_end, factor):
    """Oracle: the penalty that is left is at most 5 % of the constant answer's loss of 1."""
    layers = layer("dense_1", weight_end=weight_end), layer("dense_2"), layer("dense_3", "linear")
    network = {"regularizers": True, "layers": layers}
    findings = judge(make_evidence(network=network, run={"initial_penalty": penalty}))
    assert (findings[0].rule == "over_regularized") == (factor is not None)
    assert factor is None or findings[0].change == ScalePenalties(factor)
    assert factor is None or factor * penalty <= 0.05


@pytest.mark.parametrize(
    ("dropout", "end", "found"), [(0.8, 0.9, True), (0.5, 0.9, False), (0.8, 0.25, False)]
)
def test_dropout_that_keeps_the_training_rows_from_being_learned(dropout, end, found):
    network = {"has_noise": True, "dropout": dropout}
    findings = judge(make_evidence(end, network=network, rivals={"neighbours": 0.05}))
    names = {True: "over_regularized", False: "no_better_than_baseline"}
    assert findings[0].rule == names[found]
    assert not found or findings[0].change == LimitDropout(0.3)


def test_noise_that_costs_more_than_it_can_be_worth():
    network = {"has_noise": True}
    outputs = OutputEvidence(-1, 1, 0.5, loss=0.6)
    evidence = make_evidence(network=network, start=1.0, outputs=outputs)
    assert judge(evidence)[0].rule == "over_regularized"
    near = replace(evidence, outputs=replace(outputs, loss=0.75))
    assert "over_regularized" not in names_of(near)


# ------------------------------------------------------------------------------ training_mode_gap
def two_modes(in_training, in_prediction, momentum=0.9999, batch_size=32):
    run = {"loss": np.linspace(1.2, in_training, EPOCHS), "batch_size": batch_size}
    outputs = OutputEvidence(-1, 1, 0.5, loss=in_prediction)
    return make_evidence(0.9, network={"momentum": momentum}, run=run, outputs=outputs)


def test_statistics_that_still_are_those_of_the_start():
    finding = judge(two_modes(0.1, 0.9))[0]
    assert finding.rule == "training_mode_gap"
    assert finding.change == SetMomentum(0.9)
    assert "after 640 steps the moving statistics are still to 94 % those" in finding.symptom
    assert round(0.9999**640, 2) == 0.94


@pytest.mark.parametrize(
    "evidence",
    [
        two_modes(0.1, 0.9, momentum=0.9),  # the statistics are up to date
        two_modes(0.1, 0.9, momentum=0.0),  # no batch normalization
        two_modes(0.85, 0.9),  # the same in both modes
    ],
)
def test_modes_that_agree_or_differ_for_another_reason(evidence):
    assert "training_mode_gap" not in names_of(evidence)


def test_batches_that_are_too_small_for_batch_normalization():
    finding = judge(two_modes(0.8, 0.9, momentum=0.9, batch_size=2))[0]
    assert finding.rule == "training_mode_gap"
    assert finding.fit_arguments == {"batch_size": 32}


# ------------------------------------------------------------------------------ wrong_output
def class_numbers(accuracy, logged="val_accuracy", n_values=10):
    target = TargetEvidence("numbers", 1000, None, 0, n_values - 1, 4.5, 2.9, n_values=n_values)
    rivals = Rivals(2.3, 2.3, linear_accuracy=0.9, neighbours_accuracy=0.8, n_scored=400)
    logs = {logged: np.linspace(0.1, accuracy, EPOCHS)}
    return make_evidence(0.1, 1.0, target, run={"logs": logs}, class_rivals=rivals)


def test_class_numbers_learned_as_one_number():
    finding = judge(class_numbers(0.45))[0]
    assert finding.rule == "wrong_output"
    assert finding.change == SetOutputActivation("softmax", "sparse_categorical_crossentropy", 10)
    assert finding.consequence == (
        "The best accuracy is 0.45; a linear model that knows classes reaches 0.9."
    )


@pytest.mark.parametrize(
    "evidence",
    [
        class_numbers(0.85),
        class_numbers(0.45, logged="val_mean_absolute_error"),  # they may be counts
        class_numbers(0.45, n_values=0),  # not the numbers 0, 1, 2, ...
    ],
)
def test_numbers_that_are_no_classes_or_are_learned_well_enough(evidence):
    assert names_of(evidence) == []


@pytest.mark.parametrize(
    ("accuracy", "end", "found"), [(0.3, -5.0, True), (0.7, -5.0, False), (0.3, 0.2, False)]
)
def test_a_loss_with_a_wrong_sign(accuracy, end, found):
    """60 % of the targets are 1. The loss is the user's own, so no simple model is known."""
    target = TargetEvidence("numbers", 1000, None, 0, 1, 0.6, 0.49, n_values=2)
    nothing = {"linear": np.nan, "neighbours": np.nan}
    evidence = make_evidence(
        end, -0.7, target, run={"logs": {"accuracy": np.full(EPOCHS, accuracy)}}, rivals=nothing
    )
    evidence = replace(evidence, rivals=Rivals(np.nan, np.nan))
    assert (names_of(evidence)[:1] == ["wrong_output"]) == found
