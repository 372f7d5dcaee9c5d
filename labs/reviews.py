"""Reviews: word order decides whether a review is praise.

"not good but bad" and "not bad but good" are the same bag of words. An LSTM reads them in order.
"""

import numpy as np
from matplotlib.figure import Figure
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

import glassnet as gn
from glassnet.layers import LSTM, Bidirectional, Dense, Embedding, TextVectorization

EPOCHS = 6

data = gn.datasets.load("reviews")
print(f"{len(data.x):,} training reviews, {len(data.x_test)} test reviews, such as")
for text, label in zip(data.x_test[:2], data.y_test[:2], strict=True):
    print(f"  {data.class_names[label]}: {text}")

bag = CountVectorizer().fit(data.x)
baseline = (
    LogisticRegression(max_iter=1000)
    .fit(bag.transform(data.x), data.y)
    .score(bag.transform(data.x_test), data.y_test)
)
print(f"logistic regression on a bag of words: accuracy {baseline:.3f}")

text = TextVectorization().adapt(data.x)
words = text.get_vocabulary()
model = gn.Sequential(
    [
        text,
        Embedding(len(words), 16, mask_zero=True),
        Bidirectional(LSTM(16)),
        Dense(1, activation="sigmoid"),
    ],
    seed=0,
)
model.compile(gn.optimizers.Adam(0.01), "binary_crossentropy", ["accuracy"])
history = model.fit(
    data.x, data.y, epochs=EPOCHS, validation_data=(data.x_test, data.y_test), verbose=0
)
accuracy = model.evaluate(data.x_test, data.y_test, return_dict=True)["accuracy"]
print(f"bidirectional LSTM, {model.count_params():,} weights: accuracy {accuracy:.3f}")

sentences = [
    "The opera was not boring but clever.",
    "The opera was not clever but boring.",
    "I found it far from dull",
    "I found it far from good",
]
praise = model.predict(sentences).ravel()
for sentence, p in zip(sentences, praise, strict=True):
    print(f"  {p:.2f}  {sentence}")

# The prediction after each word, as if the sentence ended there.
figure = Figure(figsize=(11, 4.5), layout="constrained")
left, right = figure.subplots(1, 2, width_ratios=[1, 2])
left.plot(
    np.arange(1, EPOCHS + 1),
    history.history["val_accuracy"],
    color="#0072B2",
    label="LSTM",
)
left.axhline(baseline, color="#D55E00", label="bag of words")
left.set(xlabel="epoch", ylabel="test accuracy", ylim=(0.45, 1.02))
for sentence, color in zip(data.x_test[:2], ("#D55E00", "#009E73"), strict=True):
    parts = sentence.split()
    so_far = model.predict([" ".join(parts[: i + 1]) for i in range(len(parts))]).ravel()
    right.plot(so_far, color=color, marker="o", markersize=3)
    for i, word in enumerate(parts):
        right.annotate(
            word,
            (i, so_far[i]),
            rotation=55,
            fontsize=8,
            color=color,
            xytext=(2, 4),
            textcoords="offset points",
        )
right.axhline(0.5, color="gray", linewidth=0.5)
right.set(
    xlabel="words read",
    ylabel="probability of praise",
    ylim=(-0.05, 1.3),
    yticks=[0, 0.5, 1],
    xticks=[],
)
left.legend(frameon=False, loc="center right")
for axes in (left, right):
    axes.spines[["top", "right"]].set_visible(False)
figure.savefig("reviews.png", dpi=110)
print("reviews.png shows the accuracy per epoch and the predictions for two reviews")
