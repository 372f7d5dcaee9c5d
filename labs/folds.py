"""Folds: a score on every row of a small table, and why one split is a matter of luck.

The passengers of the Titanic are divided into five folds with equal shares of survivors. Each fold
is scored by a network that was trained on the others. Beside them, one split into training and test
rows is drawn again and again, and so are the folds. The figures go to the folder of the first
argument, or of the environment variable GLASSNET_FIGURES, or to figures/.
"""

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.model_selection import StratifiedShuffleSplit

import glassnet as gn
from glassnet.layers import Dense, Dropout

FOLDS, EPOCHS, SPLITS, REPEATS = 5, 60, 30, 6
TRAINING, TEST, DIED, SURVIVED = "#2b6cb0", "#dd6b20", "#56B4E9", "#CC79A7"

folder = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("GLASSNET_FIGURES", "figures"))
folder.mkdir(parents=True, exist_ok=True)
table = pd.concat(gn.datasets.load("titanic", seed=0), ignore_index=True)
survived = table.survived.to_numpy()
print(f"{len(table)} passengers, {survived.mean():.1%} of them survived")

model = gn.Sequential(
    [Dense(32, activation="relu"), Dropout(0.3), Dense(1, activation="sigmoid")], seed=0
)
model.compile("adam", "binary_crossentropy", ["accuracy"])
options = {"target": "survived", "epochs": EPOCHS, "verbose": 0}

# Each passenger is tested once, by a network that was trained on the passengers of other folds.
result = gn.selection.cross_validate(model, table, folds=FOLDS, **options)
for k, (train, test) in enumerate(zip(result.train_rows, result.test_rows, strict=True)):
    print(
        f"fold {k + 1}: {len(train)} training and {len(test)} test rows, "
        f"{survived[test].mean():.1%} of the test rows survived, accuracy {result.scores[k]:.1%}"
    )
print(result.title)

# One split, drawn again and again: the same network and the same table, but other luck.
one_split = StratifiedShuffleSplit(SPLITS, test_size=1 / FOLDS, random_state=0)
splits = gn.selection.cross_validate(model, table, folds=one_split, **options).scores
repeated = gn.selection.cross_validate(model, table, folds=FOLDS, repeats=REPEATS, **options)
means = repeated.scores.reshape(REPEATS, FOLDS).mean(axis=1)
for name, scores in ((f"{SPLITS} single splits", splits), (f"{REPEATS} x {FOLDS} folds", means)):
    print(
        f"{name}: accuracy {scores.min():.1%} to {scores.max():.1%}, "
        f"standard deviation {scores.std(ddof=1):.1%}"
    )

figure = Figure(figsize=(10, 4.6), layout="constrained")
grid = figure.add_gridspec(2, 2, height_ratios=(FOLDS, 0.5), width_ratios=(2.2, 1))
rows, strip, scores = (figure.add_subplot(grid[place]) for place in ((0, 0), (1, 0), (0, 1)))
edges = np.cumsum([0, *map(len, result.test_rows)])
for k in range(FOLDS):
    rows.barh(k, len(table), color=TRAINING, label="training rows" if k == 0 else None)
    width = edges[k + 1] - edges[k]
    rows.barh(k, width, left=edges[k], color=TEST, label="test rows" if k == 0 else None)
    place = (edges[k] + edges[k + 1]) / 2
    rows.text(place, k, str(width), ha="center", va="center", color="black", fontsize=9)
rows.set_yticks(range(FOLDS), [f"fold {k + 1}" for k in range(FOLDS)])
rows.set(ylim=(FOLDS - 0.5, -0.5), xlim=(0, len(table)))
rows.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
rows.tick_params(left=False, bottom=False, labelbottom=False)

# Below: the passengers in the same order, those of each fold sorted by what became of them.
order = np.concatenate([test[np.argsort(survived[test])] for test in result.test_rows])
for value, color, label in ((0, DIED, "died"), (1, SURVIVED, "survived")):
    chosen = survived[order] == value
    strip.fill_between(
        np.arange(len(order) + 1), 0, np.append(chosen, chosen[-1]), step="post", color=color, lw=0
    )
    strip.plot([], color=color, lw=7, label=label)
strip.set(xlim=(0, len(table)), ylim=(0, 1), yticks=[])
strip.set_xlabel("passengers, sorted by the fold that tests them")
strip.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)

scores.axvline(result.mean, color=TRAINING, lw=2, label="mean")
scores.axvspan(*result.interval, color=TRAINING, alpha=0.25, lw=0, label="95 % interval")
scores.plot(result.scores, range(FOLDS), "o", color=TEST, ms=9, label="score of a fold")
scores.set(ylim=rows.get_ylim(), yticks=[], xlabel="accuracy of the test rows")
scores.xaxis.set_major_formatter("{x:.0%}")
scores.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, frameon=False, fontsize=8)
low, high = result.interval
figure.suptitle(
    f"Each passenger is tested once: accuracy {result.mean:.1%}, "
    f"95 % interval {low:.1%} to {high:.1%}"
)
for axes in figure.axes:
    axes.spines[["top", "right", "left"]].set_visible(False)
rows.spines[["bottom"]].set_visible(False)
figure.savefig(folder / "folds.png", dpi=110)

figure = Figure(figsize=(8, 3.4), layout="constrained")
axes = figure.subplots()
rng = np.random.default_rng(0)
names = (f"one split,\n{SPLITS} seeds", f"mean of {FOLDS} folds,\n{REPEATS} seeds")
for y, (values, color) in enumerate(((splits, TEST), (means, TRAINING))):
    axes.plot(
        [values.min(), values.max()], [y, y], color=color, alpha=0.25, lw=16, solid_capstyle="butt"
    )
    axes.plot(values, y + rng.uniform(-0.12, 0.12, len(values)), "o", color=color, ms=7, alpha=0.8)
    for value, align, shift in ((values.min(), "right", -14), (values.max(), "left", 14)):
        place = {"xytext": (shift, 0), "textcoords": "offset points", "ha": align, "va": "center"}
        axes.annotate(f"{value:.1%}", (value, y), **place)
axes.set_yticks((0, 1), names)
axes.set(ylim=(1.6, -0.6), xlabel="accuracy of the test rows")
axes.margins(x=0.12)
axes.xaxis.set_major_formatter("{x:.0%}")
axes.set_title(
    f"One split scores {splits.min():.1%} to {splits.max():.1%}, "
    f"the mean of {FOLDS} folds {means.min():.1%} to {means.max():.1%}"
)
axes.spines[["top", "right", "left"]].set_visible(False)
axes.tick_params(left=False)
figure.savefig(folder / "folds_luck.png", dpi=110)
print(f"{folder / 'folds.png'} shows the folds, {folder / 'folds_luck.png'} the luck of one split")
