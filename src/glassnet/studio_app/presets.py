"""Presets of the studio: a state that shows one thing, why it does, and what to try."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from glassnet.studio_app.settings import (
    DataSettings,
    LayerSettings,
    Name,
    NetworkSettings,
    Settings,
    TrainingSettings,
)

Text = Annotated[str, Meta(max_length=1000)]


class Preset(Struct, frozen=True, omit_defaults=True):
    """A state of the studio with an explanation.

    Attributes:
        name: in links, `#preset=NAME`.
        title: name for people.
        why: what happens, and why.
        try_this: what to change, and what then happens.
        settings: the state.
    """

    name: Name
    title: Name
    settings: Settings
    why: Text = ""
    try_this: Text = ""


THIRTY_POINTS = DataSettings("moons", n=60, noise=0.35, test_share=0.5)
LARGE_NETWORK = NetworkSettings((LayerSettings(32, "relu"), LayerSettings(32, "relu")))
DROPOUT = NetworkSettings((LayerSettings(32, "relu", 0.5), LayerSettings(32, "relu", 0.5)))
SLOW_ADAM = TrainingSettings("adam", 0.01)
OVERFITTING = Settings(THIRTY_POINTS, LARGE_NETWORK, SLOW_ADAM)
VALLEY = Settings(
    DataSettings("valley"),
    NetworkSettings((), scale=False, weights={"dense_1/kernel": [[-2.0], [1.5]]}),
    TrainingSettings("sgd", 0.25, batch_size=None),
)
PETS = DataSettings("pets")

PRESETS = (
    Preset(
        "xor_without_hidden_layer",
        "XOR without a hidden layer",
        Settings(DataSettings("xor_points"), NetworkSettings(())),
        "Without a hidden layer, the network draws one straight border. No line separates the "
        "classes of XOR, so about half of the points stay on the wrong side.",
        "Add a hidden layer with 4 neurons, and train again.",
    ),
    Preset(
        "rate_too_large",
        "Learning rate too large",
        Settings(
            DataSettings("plane"),
            NetworkSettings(()),
            TrainingSettings("sgd", 0.3),
        ),
        "Each step jumps over the minimum and lands higher on the other side. The loss grows until "
        "the numbers are too large for the computer, and training ends.",
        "Go step by step and watch the loss. Then reset and use a learning rate of 0.03.",
    ),
    Preset(
        "rate_too_small",
        "Learning rate too small",
        Settings(
            DataSettings("circles"),
            NetworkSettings((LayerSettings(8),)),
            TrainingSettings("sgd", 0.0001),
        ),
        "Each step goes in the right direction, but hardly anywhere. After 1,000 steps the loss is "
        "nearly the same.",
        "Multiply the learning rate by 10, again and again, until the loss falls quickly.",
    ),
    Preset(
        "zero_weights",
        "All weights zero",
        Settings(
            DataSettings("circles"),
            NetworkSettings((LayerSettings(4),), initializer="zeros"),
            TrainingSettings("sgd", 0.1),
        ),
        "If all weights are zero, all neurons of a layer compute the same and receive the same "
        "gradient. They stay equal however long you train, so four neurons are worth no more than "
        "one.",
        "Change one weight of one neuron by hand, and train again: that neuron learns, and the "
        "others stay at zero.",
    ),
    Preset(
        "dying_relu",
        "Dying ReLU",
        Settings(
            DataSettings("circles"),
            NetworkSettings((LayerSettings(8, "relu"),)),
            TrainingSettings("sgd", 30.0),
        ),
        "A few huge steps push every ReLU below zero for all points. There its slope is zero, so "
        "the gradient is exactly zero, and the neuron cannot come back.",
        "Reset, and use a learning rate of 1: the neurons stay alive, and learn the circle.",
    ),
    Preset(
        "vanishing_sigmoids",
        "Vanishing gradients",
        Settings(
            DataSettings("circles"),
            NetworkSettings((LayerSettings(8, "sigmoid"),) * 6),
            TrainingSettings("sgd", 0.1),
        ),
        "The slope of a sigmoid is at most 1/4, and backpropagation multiplies by it in every "
        "layer. After six layers hardly any gradient reaches the first one, so it does not learn.",
        "Click a neuron of the first layer and one of the last, and compare their gradients. Then "
        "choose tanh for all layers.",
    ),
    Preset(
        "overfitting",
        "Overfitting thirty points",
        OVERFITTING,
        "The network has over a thousand weights for thirty noisy points, so it can learn each "
        "point by heart. The loss of the training rows goes to zero, while that of the test rows "
        "rises.",
        "Stop at the lowest loss of the test rows. Then try the three cures: penalty, dropout, and "
        "more data.",
    ),
    Preset(
        "overfitting_l2",
        "Cure of overfitting: L2 penalty",
        replace(OVERFITTING, training=replace(SLOW_ADAM, l2=0.03)),
        "The L2 penalty adds the squares of all weights to the loss. Large weights are expensive "
        "now, so the border stays smooth and the loss of the test rows does not rise.",
        "Change the penalty to 0.001, and then to 1: the first is weaker than needed, the second "
        "leaves no weights to learn with.",
    ),
    Preset(
        "overfitting_dropout",
        "Cure of overfitting: dropout",
        replace(OVERFITTING, network=DROPOUT),
        "In every step, dropout switches off a random half of the neurons. No neuron can rely on "
        "another one, so it takes the network longer to learn single points by heart.",
        "Compare the loss of the test rows with that of the preset without dropout after 600 "
        "steps.",
    ),
    Preset(
        "overfitting_more_data",
        "Cure of overfitting: more data",
        replace(OVERFITTING, data=replace(THIRTY_POINTS, n=2000)),
        "The same network sees 1,000 points instead of thirty. It cannot learn them by heart, so "
        "the losses of training and test rows stay close together.",
        "Reduce the number of points step by step, and see when the two curves part.",
    ),
    Preset(
        "raw_inputs",
        "Raw inputs",
        Settings(PETS, NetworkSettings((LayerSettings(8),), scale=False)),
        "The weight is in grams and thousands of times as large as the height in meters. The "
        "weighted sums are huge, every tanh is saturated at once, and nothing is learned.",
        "Switch the scaling of the inputs on.",
    ),
    Preset(
        "scaled_inputs",
        "Scaled inputs",
        Settings(PETS, NetworkSettings((LayerSettings(8),))),
        "These are the same animals, but each input is scaled to mean 0 and standard deviation 1. "
        "Now a few steps are enough.",
        "Switch the scaling of the inputs off, and compare.",
    ),
    Preset(
        "shuffled_labels",
        "Shuffled labels",
        Settings(
            DataSettings("xor_points", n=80, test_share=0.5, shuffle_labels=True),
            NetworkSettings((LayerSettings(64, "relu"), LayerSettings(64, "relu"))),
            SLOW_ADAM,
        ),
        "The labels of the training points are shuffled, so nothing true can be learned. The "
        "network learns them by heart all the same, and guesses on the test points.",
        "Increase the number of points until the network cannot learn them by heart any more.",
    ),
    Preset(
        "valley",
        "A valley without momentum",
        VALLEY,
        "The loss is a long valley: steep along one weight, nearly flat along the other. A rate "
        "that suits the steep direction is slow along the flat one.",
        "Train for 40 steps, click both lines, and compute the landscape: it shows the valley and "
        "the path. Then set the momentum to 0.9.",
    ),
    Preset(
        "momentum",
        "Momentum in a valley",
        replace(VALLEY, training=replace(VALLEY.training, momentum=0.9)),
        "Momentum adds up the steps along the valley, while steps across it cancel out. The "
        "minimum is reached in half as many steps.",
        "Set the momentum to 0.99: the path shoots past the minimum and circles around it.",
    ),
    Preset(
        "lecture_line",
        "The line of the lecture",
        Settings(
            DataSettings("line"),
            NetworkSettings(
                (),
                scale=False,
                weights={"dense_1/kernel": [[8.0]], "dense_1/bias": [3.0]},
            ),
            TrainingSettings("sgd", 0.001, batch_size=None),
        ),
        "One neuron without activation is the line w x + b. With w = 8 and b = 3 its mean squared "
        "error is 599.41.",
        "Click the line between x and the neuron, and set w to 7: the loss is 703.16. Set it to 9: "
        "566.05. So the loss falls to the right, and that is where the next step goes.",
    ),
    Preset(
        "lecture_network",
        "The 2-3-2-1 network of the lecture",
        Settings(
            DataSettings("xor"),
            NetworkSettings((LayerSettings(3, "sigmoid"), LayerSettings(2, "sigmoid"))),
            TrainingSettings("sgd", 0.5, batch_size=1, loss="half_mean_squared_error"),
        ),
        "This is the network on which the lecture computes backpropagation by hand, with sigmoids "
        "and J = 1/2 (y - output)^2. The error of the output goes back through the weights, and "
        "each neuron has its delta.",
        "Walk through one step, and check a delta of the first layer with the formula.",
    ),
    Preset(
        "imbalanced_classes",
        "Imbalanced classes",
        Settings(
            DataSettings("gaussians", n=600, noise=1.5, minority=0.05),
            NetworkSettings(()),
        ),
        "Only one point in twenty belongs to class 1. The accuracy is 95 %, but the confusion "
        "matrix shows that nearly every point of class 1 is missed.",
        "Compare the accuracy with that of the most common class. Then use all of class 1: set its "
        "part to 100 %.",
    ),
)
"""All presets, in the order in which the page lists them."""
