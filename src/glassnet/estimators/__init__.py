"""Estimators with scikit-learn's interface, for `cross_val_score`, `GridSearchCV` and `Pipeline`.

They have the settings of scikit-learn's MLPClassifier and MLPRegressor:

    cross_val_score(NeuralClassifier(hidden_layer_sizes=(32,), dropout=0.3), X, y)

Importing this module imports scikit-learn; `import glassnet` does not.
"""

from glassnet.estimators.classifier import NeuralClassifier
from glassnet.estimators.regressor import NeuralRegressor
from glassnet.suggestions import publish

__all__ = ["NeuralClassifier", "NeuralRegressor"]

publish(__name__, __all__)
