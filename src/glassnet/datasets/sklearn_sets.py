"""Datasets bundled with scikit-learn."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import numpy as np

from glassnet.data.dataset import TEST_FRACTION, DatasetFields, DatasetInfo
from glassnet.data.split import random_split, stratified_split


def digits(rng: np.random.Generator) -> DatasetFields:
    """Load handwritten digits; a pixel counts the black points of a 4 x 4 square, 0..16.

    Shapes:
        x (n, 8, 8) uint8, y (n,); a fifth of every class is held out.

    Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI, 1998.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    x, y = bunch.images.astype(np.uint8), bunch.target.astype(np.int64)
    train, test = stratified_split(y, TEST_FRACTION, rng)
    return x[train], y[train], x[test], y[test], (), tuple("0123456789")


def load_table(loader: str, rng: np.random.Generator) -> DatasetFields:
    """Load one of scikit-learn's labeled tables, in the units of its columns.

    Shapes:
        x (n, features) float32, y (n,); a fifth of every class is held out.
    """
    from sklearn import datasets

    bunch = getattr(datasets, loader)()
    x, y = bunch.data.astype(np.float32), bunch.target.astype(np.int64)
    train, test = stratified_split(y, TEST_FRACTION, rng)
    feature_names, class_names = _as_strings(bunch.feature_names), _as_strings(bunch.target_names)
    return x[train], y[train], x[test], y[test], feature_names, class_names


def diabetes(rng: np.random.Generator) -> DatasetFields:
    """Load patients and the progress of their disease, in raw units.

    scikit-learn's default scales the columns with the test rows included.

    Shapes:
        x (n, 10) float32, y (n,) float32; a random fifth is held out.

    Source: B. Efron, T. Hastie, I. Johnstone, R. Tibshirani, "Least angle regression", 2004.
    """
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes(scaled=False)
    x, y = bunch.data.astype(np.float32), bunch.target.astype(np.float32)
    train, test = random_split(len(x), TEST_FRACTION, rng)
    return x[train], y[train], x[test], y[test], _as_strings(bunch.feature_names), ()


def _as_strings(names: Iterable[object]) -> tuple[str, ...]:
    return tuple(str(name) for name in names)


UCI = "UCI Machine Learning Repository, CC BY 4.0."

ENTRIES = (
    DatasetInfo(
        "digits",
        "10 classes",
        1797,
        (8, 8),
        "scikit-learn",
        "Handwritten digits, 8 x 8 pixels of 0..16.",
        f"Ink: black points of 4 x 4. Alpaydin and Kaynak 1998; {UCI}",
        digits,
    ),
    DatasetInfo(
        "iris",
        "3 classes",
        150,
        (4,),
        "scikit-learn",
        "Flowers of three species by their petals and sepals.",
        f"Centimeters. Fisher 1936; {UCI}",
        partial(load_table, "load_iris"),
    ),
    DatasetInfo(
        "wine",
        "3 classes",
        178,
        (13,),
        "scikit-learn",
        "Wines of three growers by chemical analysis.",
        f"Mixed units (alcohol in % by volume). Forina et al. 1988; {UCI}",
        partial(load_table, "load_wine"),
    ),
    DatasetInfo(
        "breast_cancer",
        "2 classes",
        569,
        (30,),
        "scikit-learn",
        "Tumors, malignant or benign, by the shape of their cell nuclei.",
        f"Mixed units. Wolberg, Street, Mangasarian 1993; {UCI}",
        partial(load_table, "load_breast_cancer"),
    ),
    DatasetInfo(
        "diabetes",
        "regression",
        442,
        (10,),
        "scikit-learn",
        "Patients, and the progress of their diabetes a year later.",
        "Age in years, sex coded 1 and 2, bmi in kg/m^2, bp in mm Hg, s1..s6 blood serum; "
        "y a score of 25..346. Efron et al. 2004; no license stated.",
        diabetes,
    ),
)
