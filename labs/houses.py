"""House prices: from three rows and one feature, to the features that tell most, to a combined one,
to all 79 columns.
"""

import numpy as np
from sklearn.linear_model import RidgeCV

import glassnet as gn
from glassnet.layers import Dense, Dropout

three = {"bedrooms": [3, 1, 4], "price": [185_000, 70_000, 250_000]}
neuron = gn.Sequential([Dense(1)], seed=0)
neuron.compile(gn.optimizers.SGD(0.3), "mse")
neuron.fit(three, target="price", batch_size="full", epochs=50, verbose=0)
guess = neuron.predict({"bedrooms": [2, 5]}).ravel()
print(
    f"three houses and one neuron: 2 bedrooms for {guess[0]:,.0f}, 5 bedrooms for {guess[1]:,.0f}"
)

train, test = gn.datasets.load("house_prices", seed=0)
related = train.corr(numeric_only=True)["SalePrice"].drop("SalePrice").sort_values(ascending=False)
print(
    "what goes along with the price:",
    ", ".join(f"{name} {r:.2f}" for name, r in related.head(6).items()),
)

sum_of = "GrLivArea + TotalBsmtSF + GarageArea"
area = {"area": sum_of}
print(f"their sum, {sum_of}: {train.eval(sum_of).corr(train.SalePrice):.2f}")


def miss(log_price: np.ndarray) -> float:
    """Root mean squared error of the logarithm of the price: 0.1 is about ten percent."""
    return float(np.sqrt(np.mean((log_price - np.log(test.SalePrice)) ** 2)))


steps = {
    "bedrooms": (["BedroomAbvGr"], None),
    "quality": (["OverallQual"], None),
    "quality, floors, cellar, garage": (
        ["OverallQual", "GrLivArea", "TotalBsmtSF", "GarageArea"],
        None,
    ),
    "the same and their area": (["OverallQual", "GrLivArea", "TotalBsmtSF", "GarageArea"], area),
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
    found = model.predict(test).ravel()
    off = np.median(np.abs(found - test.SalePrice))
    print(
        f"{name}: {miss(np.log(found)):.3f} (ridge {miss(ridge):.3f}), half the houses within {off:,.0f} dollars"
    )
print(f"always the mean: {miss(np.full(len(test), np.log(train.SalePrice).mean())):.3f}")
