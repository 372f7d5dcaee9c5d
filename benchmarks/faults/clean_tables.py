"""Clean runs on points and tables."""

from __future__ import annotations

import numpy as np
from cases import Case, Parts
from clean_data import (
    bundled,
    clouds,
    frame,
    friedman,
    network,
    noisy_choice,
    rare_class,
    register,
    standardize,
)

import glassnet as gn
from glassnet.callbacks import EarlyStopping, ReduceLROnPlateau
from glassnet.layers import (
    BatchNormalization,
    Dense,
    Dropout,
    LayerNormalization,
    Normalization,
    PReLU,
    Residual,
)
from glassnet.losses import CategoricalCrossentropy
from glassnet.optimizers import SGD, Adam, AdamW, Lion, Nadam, RMSprop
from glassnet.schedules import CosineDecay, ExponentialDecay

CASES: list[Case] = []
table = register(CASES, "table")
BINARY = "binary_crossentropy"


def _two_classes(*hidden: object) -> list[object]:
    return [*hidden, Dense(1, "sigmoid")]


@table
def xor_full_batch() -> Parts:
    x, y = bundled("xor")
    x, y = x[:4], y[:4]
    model = network(_two_classes(Dense(8, "tanh")), Adam(0.05), BINARY)
    return model, x, y, {"epochs": 150, "batch_size": "full"}


@table
def moons_relu() -> Parts:
    x, y = bundled("moons")
    model = network(_two_classes(Dense(16, "relu"), Dense(16, "relu")), Adam(0.01), BINARY)
    return model, x, y, {"epochs": 40, "validation_split": 0.2}


@table
def moons_sigmoid() -> Parts:
    x, y = bundled("moons")
    model = network(_two_classes(Dense(16, "sigmoid")), Adam(0.1), BINARY)
    return model, x, y, {"epochs": 80, "batch_size": 16}


@table
def circles_tanh_momentum() -> Parts:
    x, y = bundled("circles")
    model = network(_two_classes(Dense(16, "tanh")), SGD(0.2, momentum=0.9), BINARY)
    return model, x, y, {"epochs": 60, "validation_split": 0.25}


@table
def circles_full_batch() -> Parts:
    x, y = bundled("circles")
    model = network(_two_classes(Dense(32, "relu")), Adam(0.03), BINARY)
    return model, x, y, {"epochs": 150, "batch_size": "full", "validation_split": 0.2}


@table
def spiral_deep() -> Parts:
    x, y = bundled("spiral")
    layers = [Dense(48, "relu"), Dense(48, "relu"), Dense(3, "softmax")]
    return network(layers, Adam(0.01)), x, y, {"epochs": 60, "validation_split": 0.2}


@table
def blobs_without_hidden_layer() -> Parts:
    x, y = bundled("blobs")
    return network([Dense(3, "softmax")], SGD(0.3)), x, y, {"epochs": 20, "validation_split": 0.2}


@table
def moons_with_much_noise() -> Parts:
    data = gn.datasets.load("moons", n=800, noise=0.4)
    model = network(_two_classes(Dense(8, "relu")), Adam(0.01), BINARY)
    return model, data.x, data.y, {"epochs": 40, "validation_split": 0.25}


@table
def hard_choice_dropout() -> Parts:
    x, y = noisy_choice(2000, 0.8, seed=1)
    layers = _two_classes(Dense(32, "relu"), Dropout(0.3))
    model = network(layers, Adam(0.003), BINARY)
    return model, x, y, {"epochs": 25, "validation_split": 0.25}


@table
def hard_choice_l2() -> Parts:
    x, y = noisy_choice(1500, 0.7, seed=2)
    penalty = gn.regularizers.L2(0.005)
    layers = _two_classes(Dense(16, "tanh", kernel_regularizer=penalty))
    model = network(layers, Adam(0.01), BINARY)
    return model, x, y, {"epochs": 60, "batch_size": 64, "validation_split": 0.2}


@table
def plane_one_neuron() -> Parts:
    x, y = bundled("plane")
    model = network([Dense(1)], SGD(0.05), "mse", ["mae"])
    return model, x, y, {"epochs": 20, "validation_split": 0.2}


@table
def line_normalization() -> Parts:
    x, y = bundled("line")
    model = network([Normalization(), Dense(1)], SGD(0.1), "mse", ())
    return model, x, y, {"epochs": 60, "batch_size": 16}


@table
def iris_in_centimetres() -> Parts:
    x, y = bundled("iris")
    model = network([Dense(16, "tanh"), Dense(3, "softmax")], Adam(0.02))
    return model, x, y, {"epochs": 60, "batch_size": 16, "validation_split": 0.2}


@table
def iris_normalization() -> Parts:
    x, y = bundled("iris")
    hidden = Dense(16, "relu", kernel_regularizer=gn.regularizers.L2(0.01))
    model = network([Normalization(), hidden, Dense(3, "softmax")], Adam(0.01))
    return model, x, y, {"epochs": 60, "validation_split": 0.3}


@table
def wine_early_stopping() -> Parts:
    x, y = bundled("wine")
    model = network([Normalization(), Dense(24, "relu"), Dense(3, "softmax")], Adam(0.005))
    stop = EarlyStopping(patience=8)
    return model, x, y, {"epochs": 60, "validation_split": 0.25, "callbacks": stop}


@table
def wine_standardized() -> Parts:
    x, y = bundled("wine")
    model = network([Dense(16, "gelu"), Dense(3, "softmax")], RMSprop(0.005))
    return model, standardize(x), y, {"epochs": 45, "validation_split": 0.2}


@table
def cancer_dropout_l2() -> Parts:
    x, y = bundled("breast_cancer")
    penalty = gn.regularizers.L2(0.001)
    hidden = Dense(32, "relu", kernel_regularizer=penalty)
    model = network(_two_classes(Normalization(), hidden, Dropout(0.3)), Adam(0.003), BINARY)
    return model, x, y, {"epochs": 30, "validation_split": 0.2}


@table
def cancer_batch_normalization() -> Parts:
    x, y = bundled("breast_cancer")
    hidden = [Dense(16), BatchNormalization(momentum=0.9), gn.layers.Activation("relu")]
    model = network(_two_classes(Normalization(), *hidden), Adam(0.002), BINARY)
    return model, x, y, {"epochs": 25, "validation_split": 0.25}


@table
def cancer_full_batch() -> Parts:
    x, y = bundled("breast_cancer")
    model = network(_two_classes(Dense(8, "tanh")), Adam(0.02), BINARY)
    return model, standardize(x), y, {"epochs": 60, "batch_size": "full"}


DIABETES = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")


@table
def diabetes_frame() -> Parts:
    penalty = gn.regularizers.L2(0.02)
    layers = [Dense(16, "relu", kernel_regularizer=penalty), Dense(1)]
    model = network(layers, Adam(0.003), "mse", ["mae"])
    options = {"target": "target", "validation_split": 0.25, "callbacks": EarlyStopping(patience=6)}
    return model, frame("diabetes", DIABETES), None, {"epochs": 40, **options}


@table
def diabetes_linear() -> Parts:
    x, y = bundled("diabetes")
    model = network([Normalization(), Dense(1)], Adam(0.03), "mse", ["mae"])
    return model, x, standardize(y), {"epochs": 25, "validation_split": 0.2}


@table
def titanic_frame() -> Parts:
    train, _ = gn.datasets.load("titanic")
    model = network(_two_classes(Dense(24, "relu"), Dropout(0.4)), Adam(0.002), BINARY)
    options = {"target": "survived", "column_types": {"name": "drop", "ticket": "drop"}}
    return model, train, None, {"epochs": 25, "validation_split": 0.2, **options}


@table
def titanic_class_weights() -> Parts:
    train, _ = gn.datasets.load("titanic")
    features = train[["pclass", "sex", "age", "fare", "embarked", "survived"]]
    model = network(_two_classes(Dense(12, "tanh")), Adam(0.005), BINARY)
    return model, features, None, {"epochs": 25, "target": "survived", "class_weight": "balanced"}


HOUSE_COLUMNS = (
    "OverallQual GrLivArea Neighborhood GarageCars TotalBsmtSF YearBuilt LotArea KitchenQual "
    "ExterQual FullBath Fireplaces BsmtFinSF1 LotFrontage SalePrice"
)


@table
def houses_log_price() -> Parts:
    houses = gn.datasets.load("house_prices").frame[HOUSE_COLUMNS.split()]
    penalty = gn.regularizers.L2(0.003)
    layers = [Dense(32, "relu", kernel_regularizer=penalty), Dense(1)]
    model = network(layers, Adam(0.003), "mse", ["mae"])
    options = {"target": "SalePrice", "target_transform": "log", "validation_split": 0.2}
    stop = EarlyStopping(patience=6)
    return model, houses, None, {"epochs": 40, "callbacks": stop, **options}


@table
def houses_in_dollars() -> Parts:
    houses = gn.datasets.load("house_prices").frame[HOUSE_COLUMNS.split()]
    model = network([Dense(24, "relu"), Dropout(0.1), Dense(1)], Adam(0.003), "mae", ())
    return model, houses, None, {"epochs": 25, "target": "SalePrice", "validation_split": 0.2}


@table
def friedman_relu() -> Parts:
    x, y = friedman(1500, 1.0, seed=3)
    model = network([Dense(32, "relu"), Dense(32, "relu"), Dense(1)], Adam(0.003), "mse", ["mae"])
    return model, x, y, {"epochs": 25, "validation_split": 0.2}


@table
def friedman_huber_outliers() -> Parts:
    x, y = friedman(1500, 1.0, seed=4)
    outliers = np.random.default_rng(0).standard_t(1.5, len(y)).astype(np.float32)
    model = network([Dense(32, "tanh"), Dense(1)], Adam(0.01), "huber", ())
    return model, x, y + 0.1 * outliers, {"epochs": 25, "validation_split": 0.2}


@table
def friedman_mae() -> Parts:
    x, y = friedman(1200, 1.0, seed=5)
    model = network([Dense(48, "gelu"), Dense(1)], AdamW(0.01, weight_decay=0.01), "mae", ())
    return model, x, y, {"epochs": 25, "validation_data": friedman(300, 1.0, seed=6)}


@table
def friedman_wide() -> Parts:
    x, y = friedman(1500, 2.0, seed=7)
    model = network([Dense(512, "relu"), Dropout(0.2), Dense(1)], Adam(0.001), "mse", ["mae"])
    return model, x, y, {"epochs": 20, "validation_split": 0.2}


@table
def friedman_residual() -> Parts:
    x, y = friedman(1500, 1.0, seed=8)
    blocks = [Residual([LayerNormalization(), Dense(32, "gelu"), Dense(32)]) for _ in range(3)]
    rate = CosineDecay(0.003, decay_steps=20 * 38)
    model = network([Dense(32), *blocks, Dense(1)], Adam(rate), "mse", ["mae"])
    return model, x, y, {"epochs": 20, "validation_split": 0.2}


@table
def friedman_few_noisy_rows() -> Parts:
    x, y = friedman(180, 3.0, seed=9)
    penalty = gn.regularizers.L2(0.04)
    model = network([Dense(8, "tanh", kernel_regularizer=penalty), Dense(1)], Adam(0.01), "mse", ())
    return model, x, y, {"epochs": 30, "batch_size": 16, "validation_split": 0.25}


@table
def several_targets() -> Parts:
    rng = np.random.default_rng(10)
    x = rng.normal(size=(1200, 6)).astype(np.float32)
    y = np.tanh(x @ rng.normal(size=(6, 3))) + 0.2 * rng.normal(size=(1200, 3))
    model = network([Dense(32, "tanh"), Dense(3)], Adam(0.01), "mse", ["mae"])
    return model, x, y.astype(np.float32), {"epochs": 20, "validation_split": 0.2}


@table
def several_labels() -> Parts:
    rng = np.random.default_rng(11)
    x = rng.normal(size=(1200, 10)).astype(np.float32)
    y = (x @ rng.normal(size=(10, 5)) + rng.normal(size=(1200, 5)) > 1).astype(np.float32)
    model = network([Dense(24, "relu"), Dense(5, "sigmoid")], Adam(0.005), BINARY)
    return model, x, y, {"epochs": 20, "validation_split": 0.2}


@table
def rare_class_weighted() -> Parts:
    x, y = rare_class(2000, 0.08, seed=12)
    rate = CosineDecay(0.02, decay_steps=30 * 50)
    model = network(_two_classes(Dense(16, "relu")), Adam(rate), BINARY)
    return model, x, y, {"epochs": 30, "class_weight": "balanced", "validation_split": 0.2}


@table
def rare_class_plain() -> Parts:
    x, y = rare_class(2000, 0.12, seed=13)
    model = network(_two_classes(Dense(24, "relu")), Adam(0.01), BINARY)
    return model, x, y, {"epochs": 25, "validation_split": 0.2}


@table
def weighted_rows() -> Parts:
    x, y = friedman(1000, 1.0, seed=14)
    rng = np.random.default_rng(14)
    spread = rng.uniform(0.1, 1.5, len(y))
    y = (y + 0.5 * spread * rng.normal(size=len(y))).astype(np.float32)
    model = network([Dense(24, "relu"), Dense(1)], Adam(0.01), "mse", ())
    weights = (1 / (0.05 + 0.25 * spread**2)).astype(np.float32)
    weights /= weights.mean()
    return model, x, y, {"epochs": 25, "sample_weight": weights, "validation_split": 0.2}


@table
def clouds_rmsprop() -> Parts:
    x, y = clouds(1500, 12, 4, 0.8, seed=15)
    model = network([Dense(32, "relu"), Dense(4, "softmax")], RMSprop(0.003))
    return model, x, y, {"epochs": 20, "validation_split": 0.2}


@table
def clouds_batch_8() -> Parts:
    x, y = clouds(1000, 10, 3, 0.8, seed=16)
    layers = [Dense(32, "relu"), Dense(32, "relu"), Dense(3, "softmax")]
    model = network(layers, SGD(0.02))
    return model, x, y, {"epochs": 15, "batch_size": 8, "validation_split": 0.2}


@table
def clouds_label_smoothing() -> Parts:
    x, y = clouds(1200, 10, 5, 0.7, seed=17)
    one_hot = np.eye(5, dtype=np.float32)[y]
    loss = CategoricalCrossentropy(label_smoothing=0.1)
    model = network([Dense(32, "silu"), Dense(5, "softmax")], Nadam(0.003), loss)
    return model, x, one_hot, {"epochs": 20, "validation_split": 0.2}


@table
def clouds_logits_in_z_scores() -> Parts:
    x, y = clouds(1500, 20, 3, 1.5, seed=18)
    loss = gn.losses.SparseCategoricalCrossentropy(from_logits=True)
    model = network([Dense(64, "selu"), Dropout(0.3), Dense(3)], SGD(0.05, momentum=0.9), loss)
    return model, x, y, {"epochs": 30, "batch_size": 64, "validation_split": 0.2}


@table
def clouds_lion_prelu() -> Parts:
    x, y = clouds(1200, 8, 3, 0.7, seed=19)
    model = network([Dense(24), PReLU(), Dense(3, "softmax")], Lion(0.001))
    return model, x, y, {"epochs": 25, "validation_split": 0.2}


@table
def clouds_few_rows_dropout() -> Parts:
    x, y = clouds(240, 8, 2, 1.0, seed=20)
    model = network(_two_classes(Dense(16, "relu"), Dropout(0.4)), Adam(0.005), BINARY)
    return model, x, y, {"epochs": 30, "batch_size": 16, "validation_split": 0.25}


@table
def counts_poisson() -> Parts:
    rng = np.random.default_rng(21)
    x = rng.normal(size=(1500, 4)).astype(np.float32)
    y = rng.poisson(np.exp(0.5 * x[:, 0] - 0.3 * x[:, 1] * x[:, 2] + 0.5)).astype(np.float32)
    model = network([Dense(24, "relu"), Dense(1, "exponential")], Adam(0.005), "poisson", ())
    return model, x, y, {"epochs": 25, "validation_split": 0.2}


@table
def second_fit() -> Parts:
    x, y = clouds(1200, 10, 3, 0.8, seed=22)
    model = network([Dense(24, "relu"), Dense(3, "softmax")], Adam(0.003))
    model.fit(x, y, epochs=10, validation_split=0.2, verbose=0)
    return model, x, y, {"epochs": 10, "validation_split": 0.2}


@table
def rate_on_plateau() -> Parts:
    x, y = friedman(1200, 1.5, seed=23)
    model = network([Dense(32, "elu"), Dense(1)], Adam(0.02), "mse", ["mae"])
    slower = ReduceLROnPlateau(factor=0.3, patience=3)
    return model, x, y, {"epochs": 30, "validation_split": 0.2, "callbacks": slower}


@table
def decaying_rate_sgd() -> Parts:
    x, y = clouds(1500, 10, 4, 0.9, seed=24)
    rate = ExponentialDecay(0.1, decay_steps=38 * 5, decay_rate=0.5)
    model = network([Dense(32, "tanh"), Dense(4, "softmax")], SGD(rate, momentum=0.9))
    return model, x, y, {"epochs": 20, "validation_split": 0.2}


@table
def probability_by_mse() -> Parts:
    x, y = clouds(800, 6, 2, 0.8, seed=25)
    model = network(_two_classes(Dense(16, "tanh")), Adam(0.01), "mse")
    return model, x, y, {"epochs": 25, "validation_split": 0.2}


@table
def margin_by_hinge() -> Parts:
    x, y = clouds(800, 6, 2, 0.8, seed=26)
    signs = (2 * y - 1).astype(np.float32)
    model = network([Dense(16, "relu"), Dense(1)], Adam(0.005), "hinge", ())
    return model, x, signs, {"epochs": 25, "validation_split": 0.2}


@table
def steady_gap() -> Parts:
    x, y = clouds(300, 20, 3, 1.6, seed=27)
    penalty = gn.regularizers.L2(0.03)
    layers = [Dense(32, "relu", kernel_regularizer=penalty), Dense(3, "softmax")]
    return network(layers, Adam(0.005)), x, y, {"epochs": 40, "validation_split": 0.3}
