"""Titanic: predict who survived, from fare and age and then from all columns.

Each network is compared with a logistic regression, and its answers are drawn over fare and age.
Then come its mistakes and the columns that matter. The figures go to the folder of the first
argument, or of the environment variable GLASSNET_FIGURES, or to figures/.
"""

import os
import sys
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

import glassnet as gn
from glassnet.layers import Dense, Dropout

folder = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("GLASSNET_FIGURES", "figures"))
folder.mkdir(parents=True, exist_ok=True)
train, test = gn.datasets.load("titanic", seed=0)
print(f"{len(train)} training passengers, {len(test)} test passengers")
print(f"{train.survived.mean():.0%} of the training passengers survived")


def network() -> gn.Sequential:
    """Return a network with 32 hidden neurons."""
    return gn.Sequential(
        [Dense(32, activation="relu"), Dropout(0.3), Dense(1, activation="sigmoid")], seed=0
    )


model, boundaries = network(), {}
for name, columns in (
    ("fare and age", ["fare", "age", "survived"]),
    ("all columns", list(train.columns)),
):
    model = network()
    model.fit(train[columns], target="survived", epochs=0, verbose=0)
    passenger = test.iloc[:1]
    before = model.predict(passenger).item()
    model.fit(train[columns], epochs=60, verbose=0)
    loss, accuracy = model.evaluate(test, verbose=0)
    rows = model.preprocessor.transform(train), model.preprocessor.transform(test)
    baseline = (
        LogisticRegression(max_iter=1000).fit(rows[0], train.survived).score(rows[1], test.survived)
    )
    majority = 1 - test.survived.mean()
    print(
        f"{name}: accuracy {accuracy:.3f}, "
        f"logistic regression {baseline:.3f}, nobody survives {majority:.3f}"
    )
    after, truth = model.predict(passenger).item(), passenger.survived.item()
    print(
        f"  {passenger.name.item()}: "
        f"{before:.2f} before training, {after:.2f} after, true value {truth}"
    )
    view = boundaries[name] = gn.inspection.decision_boundary(
        model, train, features=("fare", "age"), test=test
    )
    view.plot().savefig(folder / f"titanic_{name.replace(' ', '_')}.png", dpi=110)

invented = [
    {"pclass": 1, "sex": "female", "age": 30, "fare": 80.0, "embarked": "C"},
    {"pclass": 3, "sex": "male", "age": 30, "fare": 8.0, "embarked": "S"},
]
for person in invented:
    person |= {"sibsp": 0, "parch": 0, "cabin": None}
print(
    "two invented passengers:",
    np.round(model.predict(invented).ravel(), 2),
    model.predict_labels(invented),
)

# All columns: a slice of the passengers in the second class, of women and of men.
for sex in ("female", "male"):
    view = boundaries[sex] = gn.inspection.decision_boundary(
        model, train, features=("fare", "age"), at={"sex": sex, "pclass": 2}
    )
    view.plot().savefig(folder / f"titanic_{sex}.png", dpi=110)
    survives = np.mean(view.prediction == 1)
    print(f"{sex}, second class: survival is likelier in {survives:.0%} of the plane")

mistakes = gn.inspection.mistakes(model, test, class_names=["died", "survived"])
print(mistakes)
mistakes.plot().savefig(folder / "titanic_mistakes.png")
importance = gn.inspection.importance(model, test)
print(importance)
importance.plot().savefig(folder / "titanic_importance.png")
