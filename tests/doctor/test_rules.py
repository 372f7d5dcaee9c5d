"""The ten rules at their limits. Oracle: evidence made by hand on both sides of each limit."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from made_evidence import make_evidence, make_layer

import glassnet as gn
from glassnet.doctor import judge, rules
from glassnet.doctor.changes import (
    InsertLayer,
    ReplaceActivations,
    ReplaceInitializers,
    ScaleLearningRate,
    SetLearningRate,
    SetOutputActivation,
)
from glassnet.doctor.evidence import LayerEvidence, ValidationEvidence
from glassnet.errors import ConfigError
from glassnet.evaluation.quick_rivals import Rivals
from glassnet.layers import Dropout, Normalization, Rescaling

STUCK = [0.7] * 10
UNEVEN = [0.7, 0.72, 0.69, 0.71, 0.7, 0.73, 0.69, 0.71, 0.7, 0.72]


def first(evidence, **options):
    findings = judge(evidence, **options)
    return findings[0] if findings else None


def name(evidence):
    finding = first(evidence)
    return finding.rule if finding else None


def test_the_list_of_rules():
    rules = gn.doctor.rules()
    assert len({each.name for each in rules}) == len(rules) >= 10
    for each in rules:
        assert each.question.endswith("?")
        assert each.source
        assert each.phase in ("data", "model", "training", "generalization")


def test_a_run_that_learns_has_no_findings_whatever_its_inside_looks_like():
    """A symptom without a consequence is no finding."""
    odd = make_layer("dense_1", ratio=5.0, dead_start=1.0, dead_end=1.0, units_alike=True)
    learned = list(np.linspace(0.69, 0.05, 10))
    evidence = make_evidence(learned, layers=[odd] * 3, inputs=([900.0], [400.0]))
    findings = judge(evidence)
    assert not findings.alarms
    assert set(findings.checked) >= {"raw_scale", "dead_relu", "rate_too_high"}


def test_one_cause_comes_first_and_explains_the_others():
    evidence = make_evidence(UNEVEN, layers=[make_layer("dense_1", ratio=2.0)] * 2)
    finding = first(evidence)
    assert finding.rule == "rate_too_high"
    assert [each.rule for each in finding.also] == ["no_better_than_baseline"]
    assert len(judge(evidence).alarms) == 1


def test_muted_rules_are_left_out():
    evidence = make_evidence(UNEVEN, layers=[make_layer("dense_1", ratio=2.0)] * 2)
    assert first(evidence, mute="rate_too_high").rule == "no_better_than_baseline"
    assert not judge(evidence, mute=["rate_too_high", "no_better_than_baseline"]).alarms
    with pytest.raises(ConfigError, match="rate_too_high"):
        judge(evidence, mute=["rate_to_high"])


def test_findings_and_evidence_can_be_pickled():
    evidence = make_evidence(UNEVEN, layers=[make_layer("dense_1", ratio=2.0)] * 2)
    copy = pickle.loads(pickle.dumps(evidence))
    assert str(judge(copy)) == str(judge(evidence))
    findings = pickle.loads(pickle.dumps(judge(evidence)))
    assert findings[0].change == ScaleLearningRate(0.01)


@pytest.mark.parametrize(
    ("mean", "std", "found"),
    [
        (([11.0, 0.0]), [1.0, 1.0], True),
        (([9.0, 0.0]), [1.0, 1.0], False),
        (([0.0, 0.0]), [1.0, 11.0], True),
        (([0.0, 0.0]), [0.02, 0.02], True),
        (([0.0, 0.0]), [0.02, 0.04], False),
        (([0.0] * 3), [0.02, 0.02, 4.0], True),
        (([0.0] * 3), [0.02, 0.02, 1.9], False),
    ],
    ids=["mean", "mean in range", "deviation", "tiny", "not tiny", "uneven", "even"],
)
def test_raw_scale(mean, std, found):
    finding = first(make_evidence(STUCK, inputs=(mean, std)))
    assert (finding.rule == "raw_scale") == found
    if found:
        tiny = max(std) < 0.03
        layer = Rescaling(1 / 0.06) if tiny else Normalization()
        assert finding.change == InsertLayer(layer)
        assert finding.evidence["largest_std"] == max(std)
        assert ("Rescaling(16.67)" in finding.remedy) == tiny


def test_pixels_are_divided_by_255():
    """Some pixels hardly vary: their deviation would blow up a new row."""
    evidence = make_evidence(STUCK, inputs=([33.0, 50.0, 0.0], [60.0, 70.0, 0.0]))
    inputs = evidence.inputs
    inputs = replace(inputs, low=inputs.mean * 0, high=inputs.mean + 205)
    finding = first(replace(evidence, inputs=inputs))
    assert finding.change == InsertLayer(Rescaling(1 / 255))


def test_scale_is_skipped_if_the_inputs_have_none():
    evidence = make_evidence(STUCK, missing={"inputs": "The inputs are ids, which have no scale."})
    assert judge(evidence).skipped["raw_scale"] == "The inputs are ids, which have no scale."


def test_no_signal_needs_a_network_that_could_have_learned():
    nothing = {"linear": 0.71, "neighbours": 0.74}
    assert name(make_evidence(STUCK, rivals=nothing)) == "no_signal"
    timid = [make_layer("dense_1", ratio=1e-5)] * 2
    assert name(make_evidence(STUCK, rivals=nothing, layers=timid)) == "rate_too_low"
    wild = [make_layer("dense_1", ratio=0.2)] * 2
    assert name(make_evidence(UNEVEN, rivals=nothing, layers=wild)) == "rate_too_high"
    assert name(make_evidence(STUCK, rivals={"linear": 0.71, "neighbours": 0.5})) != "no_signal"


def test_few_rows_say_nothing_about_the_labels():
    """Of XOR's four rows, each has nearest neighbours of the other class."""
    few = {"linear": 5.9, "neighbours": np.inf, "n_fitted": 4, "n_scored": 4}
    assert name(make_evidence(STUCK, rivals=few)) != "no_signal"
    few |= {"neighbours": 0.9, "n_fitted": 19, "n_scored": 100}
    assert name(make_evidence(STUCK, rivals=few)) != "no_signal"
    assert name(make_evidence(STUCK, rivals=few | {"n_fitted": 20})) == "no_signal"


def test_constant_inputs_say_nothing():
    finding = first(make_evidence(STUCK, inputs=([0.0, 0.0], [0.0, 0.0])))
    assert finding.rule == "no_signal"
    assert "the same in every row" in finding.symptom


def test_equal_targets_leave_nothing_to_learn():
    finding = first(make_evidence(STUCK, target={"low": 1.0, "high": 1.0}))
    assert finding.rule == "no_signal"
    assert finding.symptom == "All 1,000 training rows have the same target, 1."
    of_a_sample = make_evidence(STUCK, target={"low": 1.0, "high": 1.0}, run={"n_rows": 5000})
    assert first(of_a_sample) is None


@pytest.mark.parametrize(
    ("loss", "ratio", "found"),
    [
        (UNEVEN, 0.04, True),
        (UNEVEN, 0.02, False),
        (list(np.linspace(0.9, 0.7, 10)), 0.04, False),  # falls smoothly
        ([9.0, 0.7, 0.7, 0.7, 0.7, 0.7], 0.02, True),  # jumped in the first epoch
        ([0.7, 0.7001] * 5, 0.04, False),  # settled: nothing but rounding errors
        ([0.5, 0.1] * 5, 0.003, True),  # jumps
        ([0.5, 0.1] * 5, 0.001, False),
    ],
    ids=["uneven", "small steps", "smooth", "jumped", "settled", "jumps", "tiny steps"],
)
def test_rate_too_high(loss, ratio, found):
    evidence = make_evidence(loss, layers=[make_layer("dense_1", ratio=ratio)] * 2)
    assert (name(evidence) == "rate_too_high") == found


def test_the_rate_is_changed_so_that_steps_are_of_a_good_size():
    """Oracle: 2 % is safe, so 200 % need a hundredth; 0.5 % is usual, so 0.005 % need 100 times."""
    high = first(make_evidence(UNEVEN, layers=[make_layer("dense_1", ratio=2.0)] * 2))
    assert high.change == ScaleLearningRate(0.01)
    assert high.remedy == "Set the learning rate to 0.001."
    assert "one step changes the weights of a typical layer by 200 %" in high.symptom
    timid, rate = [make_layer("dense_1", ratio=5e-5)] * 2, {"learning_rate": 0.001}
    low = first(make_evidence(STUCK, layers=timid, network=rate))
    assert low.change == ScaleLearningRate(100)
    assert low.evidence["suggested_rate"] == pytest.approx(0.1)
    assert low.remedy == "Set the learning rate to 0.1."
    other = first(make_evidence(STUCK, layers=timid, network={"learning_rate": 0.1}))
    assert other.rule == "rate_too_low"
    assert other.change is None
    assert "although the learning rate is 0.1" in other.symptom


def test_a_rate_is_not_low_if_there_is_no_gradient_or_the_weights_moved():
    still = [make_layer("dense_1", ratio=0.0)] * 2
    assert name(make_evidence(STUCK, layers=still)) != "rate_too_low"
    moved = [make_layer("dense_1", ratio=5e-5, moved=0.6)] * 2
    assert name(make_evidence(STUCK, layers=moved)) != "rate_too_low"


def test_the_rate_is_not_high_because_of_the_first_steps_of_adam():
    """On a small layer, they change the weights by some percent."""
    step = {"update": 0.04, "weight": 1.0, "gradient": 0.1}
    layers = [make_layer("dense_1", start=step)] * 2
    assert name(make_evidence(UNEVEN, layers=layers)) != "rate_too_high"


@pytest.mark.parametrize(
    ("ratio", "steps", "found"), [(9e-4, 500, True), (9e-4, 600, False), (2e-3, 100, False)]
)
def test_rate_too_low(ratio, steps, found):
    """All steps together could move the weights by less than half of them, each by 0.1 %."""
    layers = [make_layer("dense_1", ratio=ratio)] * 2
    evidence = make_evidence(STUCK, layers=layers, run={"steps": steps})
    assert (name(evidence) == "rate_too_low") == found


def test_a_rate_that_faded_away_too_early():
    still = {"update": 0.0, "weight": 1.0, "gradient": 0.1}
    layers = [make_layer("dense_1", end=still, moved=0.05)] * 2
    finding = first(make_evidence(STUCK, layers=layers))
    assert finding.rule == "rate_too_low"
    assert "at the start, one changed the weights of a typical layer by 0.5 %" in finding.symptom
    assert finding.change == SetLearningRate(0.1)
    falling = make_evidence(list(np.linspace(0.9, 0.7, 10)), layers=layers)
    assert name(falling) != "rate_too_low"  # a rate that ends at 0, as planned


@pytest.mark.parametrize(
    ("end", "start", "found"), [(0.95, 0.9, True), (0.95, 0.1, False), (0.4, 0.4, False)]
)
def test_dead_relu(end, start, found):
    """Units that a step killed are the fault of the rate, and less than half are none."""
    dead = make_layer("dense_1", dead_end=end, dead_start=start)
    evidence = make_evidence(STUCK, layers=[dead, make_layer("dense_2")])
    finding = first(evidence)
    assert (finding.rule == "dead_relu") == found
    if found:
        assert finding.symptom.startswith("95 % of the ReLU units of dense_1 are dead")
        assert finding.change == ReplaceActivations("relu", "leaky_relu")


def test_units_that_start_dead_from_their_biases_get_others():
    dead = make_layer("dense_1", dead_end=1.0, dead_start=1.0, bias_start=-10.0)
    finding = first(make_evidence(STUCK, layers=[dead, make_layer("dense_2")]))
    assert finding.change == ReplaceInitializers(("dense_1",))
    assert "not at -10" in finding.remedy


def test_all_layers_that_start_dead_are_revived():
    """One that is dead behind another dead one would stay so."""
    names = ("dense_1", "dense_2")
    layers = [make_layer(each, dead_end=1.0, dead_start=1.0, bias_start=-10.0) for each in names]
    healthy = make_layer("dense_3", dead_end=0.1, dead_start=0.1, bias_start=-0.1)
    finding = first(make_evidence(STUCK, layers=[*layers, healthy]))
    assert finding.change == ReplaceInitializers(names)


@pytest.mark.parametrize(("gradient", "found"), [(9e-4, True), (1.1e-3, False)])
def test_vanishing_gradient(gradient, found):
    """The limit is a hundredth of the last layer's gradient, 0.1."""
    layers = [make_layer("dense_1", gradient=gradient), *map(make_layer, ("dense_2", "dense_3"))]
    evidence = make_evidence(STUCK, layers=layers)
    assert (name(evidence) == "vanishing_gradient") == found
    shallow = make_evidence(STUCK, layers=layers[::2])
    assert name(shallow) != "vanishing_gradient"


def test_a_gradient_of_zero_is_no_huge_factor():
    layers = [make_layer("dense_1", gradient=0.0), *map(make_layer, ("dense_2", "dense_3"))]
    finding = first(make_evidence(STUCK, layers=layers))
    assert "that of dense_1 is 0, unlike that of dense_3" in finding.symptom


def test_the_remedy_for_a_vanishing_gradient_replaces_what_saturates():
    names = ("dense_1", "dense_2", "dense_3")
    layers = [make_layer(each, gradient=1e-5 if each == "dense_1" else 0.1) for each in names]
    relu = first(make_evidence(STUCK, layers=layers))
    assert relu.change is None
    layers = [make_layer(x.name, gradient=x.start["gradient"], activation="tanh") for x in layers]
    assert first(make_evidence(STUCK, layers=layers)).change == ReplaceActivations("tanh", "relu")


def test_not_finite_names_the_place_and_the_likely_cause():
    place = "epoch 1, step 3 of 50: the output of dense_2 is not finite"
    wild = [make_layer("dense_1", ratio=30.0)] * 2
    finding = first(make_evidence([], layers=wild, run={"nonfinite": place, "steps": 2}))
    assert finding.rule == "not_finite"
    assert place in finding.symptom
    assert "learning rate 0.1 is too high" in finding.symptom
    assert finding.change == ScaleLearningRate(0.001)
    assert [each.rule for each in finding.also] == ["rate_too_high"]
    raw = first(make_evidence([], inputs=([1e4], [1e6]), run={"nonfinite": place, "steps": 2}))
    assert raw.change == InsertLayer(Normalization())
    wild_too = make_evidence([], layers=wild, run={"nonfinite": place, "steps": 0})
    assert first(wild_too).change is None  # no step was made before
    unknown = first(make_evidence([], run={"nonfinite": place, "steps": 2}))
    assert unknown.change is None
    assert "logarithm of 0" in unknown.remedy


@pytest.mark.parametrize(
    ("loss", "share", "found"),
    [
        ("stuck", 0.011, True),
        ("stuck", 1.2, True),
        ("stuck", 0.009, False),
        ("learned", 0.051, True),
        ("learned", 0.049, False),
    ],
)
def test_targets_out_of_the_range_of_the_outputs(loss, share, found):
    """The share of their variance that no output can reach is a loss by itself."""
    target = {"kind": "numbers", "low": -1.0, "high": 1.0, "out_of_reach": share}
    finding = first(make_evidence(STUCK if loss == "stuck" else LEARNED, target=target))
    assert (finding is not None and finding.rule == "wrong_output") == found
    if found:
        assert "gives numbers from 0 to 1" in finding.symptom
        is_worse = "worse than always giving the mean" in finding.consequence
        assert is_worse == (share >= 1)
        assert finding.change == SetOutputActivation(None)


def test_equal_starting_weights():
    """Units that begin alike part at the first step if the next layer's weights differ."""
    layers = [make_layer("dense_1", units_alike=True), make_layer("dense_2", inputs_alike=True)]
    finding = first(make_evidence(STUCK, layers=layers))
    assert finding.rule == "wrong_output"
    assert finding.change == ReplaceInitializers(("dense_1",))
    layers[1] = make_layer("dense_2")
    assert name(make_evidence(STUCK, layers=layers)) != "wrong_output"


@pytest.mark.parametrize(("before", "found"), [("relu", True), ("leaky_relu", False)])
def test_an_activation_before_the_last_one(before, found):
    last = LayerEvidence("activation_1", "Activation", "sigmoid")
    evidence = make_evidence(STUCK, layers=[make_layer("dense_1", activation=before), last])
    finding = first(evidence)
    assert (finding.rule == "wrong_output") == found
    if found:
        assert finding.remedy == "Remove the relu of dense_1."


LEARNED = list(np.linspace(0.6, 0.05, 30))
RISING = [*np.linspace(0.6, 0.2, 10), *np.linspace(0.22, 0.6, 20)]


def rising(curve=RISING, rise=0.3, error=0.05, **run):
    validation = ValidationEvidence(10, rise, error, 400)
    return make_evidence(LEARNED, curve, validation=validation, run=run)


def test_overfitting():
    finding = first(rising())
    assert finding.rule == "overfitting"
    assert finding.symptom.startswith("Validation loss has risen since epoch 10 (0.2 -> 0.6)")
    assert finding.remedy.startswith("EarlyStopping would have kept epoch 10")
    assert finding.change == InsertLayer(Dropout(0.3), after="dense_1")
    assert finding.fit_arguments == {"epochs": 10}


def test_rows_for_which_nothing_was_ever_learned_are_not_overfitted():
    assert name(rising([*np.linspace(8, 3, 10), *np.linspace(3, 9, 20)])) != "overfitting"


def test_a_rise_within_the_error_of_the_rows_is_no_overfitting():
    assert name(rising(rise=0.14)) is None
    assert name(rising(rise=0.16)) == "overfitting"


def test_no_overfitting_without_a_lasting_rise_or_if_the_best_weights_are_back():
    assert name(rising(best_weights_restored=True)) is None
    assert name(rising([*np.linspace(0.6, 0.2, 26), 0.3, 0.4, 0.5, 0.6])) is None
    assert name(rising([*np.linspace(0.6, 0.2, 10), *[0.21] * 20])) is None
    assert name(make_evidence([0.5] * 30, RISING)) != "overfitting"


def test_no_better_than_baseline_is_the_last_word():
    finding = first(make_evidence(STUCK))
    assert finding.rule == "no_better_than_baseline"
    assert finding.evidence["constant_loss"] == 0.7
    assert not finding.has_applicable_remedy


CONSTANT_LOSS = [0.401, 0.4, 0.4, 0.4]


def test_a_short_run_without_a_failure_is_not_judged():
    """A run of 60 steps that learns: nothing is said, not even that it is healthy."""
    evidence = make_evidence(CONSTANT_LOSS, run={"steps": 60})
    findings = judge(evidence)
    assert list(findings) == []
    assert findings.checked == ("not_finite", "overfitting", "still_improving")
    reason = "a fit of 4 epochs and 60 steps is too short: 3 epochs and 100 steps are needed"
    assert set(findings.skipped.values()) == {reason}
    interrupted = {"is_interrupted": True, "epochs_planned": 50}
    reasons = judge(make_evidence(CONSTANT_LOSS, run=interrupted)).skipped.values()
    assert set(reasons) == {"Ctrl-C ended the fit after 4 of 50 epochs"}
    assert not judge(make_evidence(CONSTANT_LOSS)).skipped


def test_the_list_of_rules_prints_as_a_table():
    lines = str(rules()).splitlines()
    assert len(lines) == len(rules())
    assert lines[0].split(maxsplit=1) == ["not_finite", "Did a number overflow or become NaN?"]
    assert len({line.index(each.question) for line, each in zip(lines, rules(), strict=True)}) == 1


def test_validation_rows_that_differ_from_the_training_rows():
    """Simple models learn something for other training rows, so the labels are not to blame."""
    nothing = {"linear": 0.9, "neighbours": 0.9}
    evidence = make_evidence(LEARNED, [0.75] * 30, rivals=nothing)
    assert name(evidence) == "no_signal"
    other = replace(evidence, training_rivals=Rivals(0.7, 0.7, 0.3, 0.4))
    finding = first(other)
    assert finding.rule == "no_better_than_baseline"
    assert finding.symptom.endswith("0.3 on other training rows, but 0.9 on the validation rows.")


def test_frozen_layers_cannot_learn():
    frozen = [make_layer("dense_1", trainable=False)] * 2
    finding = first(make_evidence(STUCK, layers=frozen))
    assert finding.rule == "no_better_than_baseline"
    assert "No layer is trained" in finding.symptom


def test_a_simple_model_without_a_loss_is_no_evidence():
    """Of four rows, no neighbour has the same label: its loss is infinite."""
    evidence = make_evidence(STUCK, rivals={"neighbours": np.inf, "linear": 5.9})
    (finding,) = judge(evidence)
    assert finding.rule == "no_better_than_baseline"
    assert finding.evidence["linear_loss"] == 5.9
    assert "neighbours_loss" not in finding.evidence
