"""House prices: regression with one feature, the best ones, a combined one, and all columns.

Figures are written to the folder named by the first argument, or by the environment variable
GLASSNET_FIGURES, or to figures/.
"""

import os
import sys
from pathlib import Path

import numpy as np
from sklearn.linear_model import RidgeCV

import glassnet as gn
from glassnet.layers import Dense, Dropout

folder = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("GLASSNET_FIGURES", "figures"))
folder.mkdir(parents=True, exist_ok=True)

three = {"bedrooms": [3, 1, 4], "price": [185_000, 70_000, 250_000]}
neuron = gn.Sequential([Dense(1)], seed=0)
neuron.compile(gn.optimizers.SGD(0.3), "mse")
neuron.fit(three, target="price", batch_size="full", epochs=50, verbose=0)
prices = neuron.predict({"bedrooms": [2, 5]}).ravel()
print("one neuron, trained on three houses:")
print(f"  2 bedrooms cost {prices[0]:,.0f}, 5 bedrooms cost {prices[1]:,.0f}")

train, test = gn.datasets.load("house_prices", seed=0)
sum_of = "GrLivArea + TotalBsmtSF + GarageArea"
area = {"area": sum_of}
relations = gn.inspection.correlations(train, target="SalePrice", derive=area)
numbers = relations.to_frame().query("measure == 'r'").set_index("column")["value"]
highest = ", ".join(f"{name} {r:.2f}" for name, r in numbers.drop("area").head(6).items())
print(f"highest correlation with the price: {highest}")
print(f"correlation of {sum_of}: {numbers['area']:.2f}")
shown = ["BedroomAbvGr", "OverallQual", "GrLivArea", "area", "Neighborhood", "KitchenQual"]
relations.plot_rows(shown).savefig(folder / "houses_columns.png")
relations.plot().savefig(folder / "houses_correlations.png")


def rmse(log_price: np.ndarray) -> float:
    """Return the RMSE of the logarithm of the price; 0.1 is about ten percent."""
    return float(np.sqrt(np.mean((log_price - np.log(test.SalePrice)) ** 2)))


steps = {
    "bedrooms": (["BedroomAbvGr"], None),
    "quality": (["OverallQual"], None),
    "quality, floors, basement, garage": (
        ["OverallQual", "GrLivArea", "TotalBsmtSF", "GarageArea"],
        None,
    ),
    "the same and the total area": (
        ["OverallQual", "GrLivArea", "TotalBsmtSF", "GarageArea"],
        area,
    ),
    "all columns": (list(train.columns.drop("SalePrice")), None),
}
for name, (columns, derive) in steps.items():
    model = gn.Sequential([Dense(128, activation="relu"), Dropout(0.5), Dense(1)], seed=0)
    model.fit(
        train[[*columns, "SalePrice"]],
        target="SalePrice",
        target_transform="log",
        derive=derive,
        epochs=60,
        verbose=0,
    )
    rows = model.preprocessor.transform(train), model.preprocessor.transform(test)
    ridge = RidgeCV(np.logspace(-1, 3, 9)).fit(rows[0], np.log(train.SalePrice)).predict(rows[1])
    predicted = model.predict(test).ravel()
    median_error = np.median(np.abs(predicted - test.SalePrice))
    print(
        f"{name}: RMSE {rmse(np.log(predicted)):.3f} (ridge {rmse(ridge):.3f}), "
        f"median error {median_error:,.0f} dollars"
    )
mean = np.log(train.SalePrice).mean()
print(f"mean of the training rows: RMSE {rmse(np.full(len(test), mean)):.3f}")

mistakes = gn.inspection.mistakes(model, test)
print(mistakes)
mistakes.plot().savefig(folder / "houses_mistakes.png")
importance = gn.inspection.importance(model, test)
print(importance.title)
importance.plot().savefig(folder / "houses_importance.png")
print(f"figures are in {folder}")
