"""Intersection over union and F scores. Oracles: counts by hand, and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from glassnet.errors import ConfigError
from glassnet.metrics import FBetaScore, MeanIoU
from oracles import close

RNG = np.random.default_rng(0)
TRUE, OUT = RNG.integers(0, 3, 50), RNG.random((50, 3)).astype(np.float32)


def test_mean_iou_is_the_jaccard_score():
    expected = sklearn_metrics.jaccard_score(TRUE, OUT.argmax(1), average=None)
    close(MeanIoU(3)(TRUE, OUT), expected.mean())
    close(MeanIoU(3)(np.eye(3)[TRUE], OUT), expected.mean())
    close(MeanIoU(3, class_ids=[2])(TRUE, OUT), expected[2])
    rest = TRUE != 1
    classes = [0, 1, 2]
    expected = sklearn_metrics.jaccard_score(TRUE[rest], OUT[rest].argmax(1), average="macro", labels=classes)  # fmt: skip
    close(MeanIoU(3, ignore_class=1)(TRUE, OUT), expected)


def test_classes_that_do_not_occur_do_not_count():
    assert MeanIoU(5)([0, 0, 1], [0, 0, 1]) == 1
    assert MeanIoU(5)([0, 0, 7], [0, 0, 1]) == 1
    assert MeanIoU(5)([-1], [-1]) == 0


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_fbeta_score_is_scikit_learns(beta):
    for average in ("macro", "micro", "weighted"):
        expected = sklearn_metrics.fbeta_score(TRUE, OUT.argmax(1), beta=beta, average=average)
        close(FBetaScore(beta=beta, average=average)(TRUE, OUT), expected)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: MeanIoU(0), r"MeanIoU: expected num_classes to be an int 1\.\.1,000"),
        (lambda: MeanIoU(2, "half"), "MeanIoU: expected threshold to be None or a number"),
        (lambda: MeanIoU(2, class_ids=[2]), r"MeanIoU: expected class_ids to be ints 0\.\.1"),
        (lambda: MeanIoU(2, ignore_class=0.5), "MeanIoU: expected ignore_class to be None or an"),
        (lambda: FBetaScore(beta=0), "FBetaScore: expected beta to be a number > 0"),
        (lambda: FBetaScore(average="mean"), "FBetaScore: expected average to be None"),
    ],
)
def test_wrong_arguments_are_refused(make, text):
    with pytest.raises(ConfigError, match=text):
        make()
