"""What to write instead of names of Keras that Glassnet does not have, by name."""

ARRAYS = "Change the images with NumPy or Pillow, in keras.data.Dataset.map or before fit."
OWN_LOSS = "Write a function (y_true, y_pred) with keras.ops, and pass it to compile(loss=...)."
PATHS = "model.save(path) stores a complete model; keras.models.load_model(path) opens it."

ADVICE = {
    "deserialize serialize deserialize_keras_object serialize_keras_object": (
        "Store the call that makes the part. " + PATHS
    ),
    "get_registered_name get_registered_object": (
        "Pass your classes and functions to load_model(path, custom_objects={name: part})."
    ),
    "KerasFileEditor load_weights save_weights": (
        "Write model.save_weights(path), model.load_weights(path)."
    ),
    "InputSpec": "Set the shape with keras.Input(shape); model.input_shape returns it.",
    "Variable": "A layer's weights are layer.variables; write layer.kernel.assign(value).",
    "KerasTensor": "keras.Input(shape) makes one.",
    "Wrapper": "Write a function that returns the layers.",
    "get_uid": "Pass name= to the layer.",
    "is_float_dtype is_int_dtype result_type standardize_dtype": (
        "Networks compute in float32; numpy.result_type and numpy.issubdtype answer for arrays."
    ),
    "is_keras_tensor": "Write isinstance(value, numpy.ndarray) for a result.",
    "ProgbarLogger Progbar": "fit(..., verbose=1) shows the progress.",
    "is_interactive_logging_enabled is_traceback_filtering_enabled": (
        "Pass verbose= to fit, evaluate and predict; tracebacks are complete."
    ),
    "RemoteMonitor": "Write a callback with on_epoch_end(epoch, logs) that sends the numbers.",
    "SwapEMAWeights": (
        "Keep the best weights: keras.callbacks.EarlyStopping(restore_best_weights=True)."
    ),
    "max_epochs set_max_epochs max_steps_per_epoch set_max_steps_per_epoch": (
        "Write fit(..., epochs=..., steps_per_epoch=...)."
    ),
    "set_backend": "The backend is always JAX.",
    "enable_unsafe_deserialization": "Model files contain no code.",
    "AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveMaxPooling1D AdaptiveMaxPooling2D": (
        "Write AveragePooling or MaxPooling with pool_size, or GlobalAveragePooling."
    ),
    "AugMix AutoContrast ContrastLimitedAdaptiveHistogramEqualization CutMix Equalization MixUp "
    "RandAugment RandomColorDegeneration RandomColorJitter RandomElasticTransform RandomErasing "
    "RandomGaussianBlur RandomGrayscale RandomHue RandomInvert RandomPerspective "
    "RandomPosterization RandomSaturation RandomSharpness Solarization elastic_transform "
    "perspective_transform": ARRAYS,
    "fold unfold": "Write keras.ops.image.extract_patches.",
    "Dot dot EinsumDense": (
        "Write a layer of your own, a subclass of glassnet.layers.Layer, with jax.numpy.einsum."
    ),
    "HashedCrossing": "Make the column before fit, with pandas.",
    "RMSNormalization": "Write LayerNormalization().",
    "SpectralNormalization": "Write kernel_constraint=keras.constraints.max_norm(...).",
    "Circle circle Dice dice Tversky tversky CategoricalGeneralizedCrossEntropy "
    "categorical_generalized_cross_entropy": OWN_LOSS,
    "ConcordanceCorrelation concordance_correlation PearsonCorrelation pearson_correlation": (
        "Write numpy.corrcoef(y, model.predict(x)), or a function (y_true, y_pred) as the metric."
    ),
    "FBetaScore": "Write sklearn.metrics.fbeta_score(y, labels, beta=...).",
    "PrecisionAtRecall RecallAtPrecision": (
        "Write sklearn.metrics.precision_recall_curve(y, model.predict(x))."
    ),
    "SensitivityAtSpecificity SpecificityAtSensitivity": (
        "Write sklearn.metrics.roc_curve(y, model.predict(x))."
    ),
    "top_k_categorical_accuracy": "Write keras.metrics.TopKCategoricalAccuracy(k=...).",
    "sparse_top_k_categorical_accuracy": (
        "Write keras.metrics.SparseTopKCategoricalAccuracy(k=...)."
    ),
    "Adafactor Ftrl Lamb Muon MultiOptimizer OptimizerMap ScheduleFreeAdamW": (
        "Write keras.optimizers.AdamW(...), or glassnet.optimizers.Optax(transformation) of optax."
    ),
    "OrthogonalRegularizer orthogonal_regularizer": (
        "Write kernel_initializer='orthogonal', or a function of the weights as regularizer."
    ),
    "FeatureSpace Config": "Prepare tables with pandas or sklearn.compose.ColumnTransformer.",
    "get_source_inputs": "Write model.inputs.",
    "pack_x_y_sample_weight unpack_x_y_sample_weight": "Write the tuple (x, y, sample_weight).",
}
"""Names, and what to write instead."""

NAME_ADVICE = {name: text for names, text in ADVICE.items() for name in names.split()}

ATTRIBUTE_ADVICE = {
    "add_metric metrics": "Pass a function (y_true, y_pred) to compile(metrics=[...]).",
    "add_variable add_weight variable_serialization_spec": (
        "Declare weights in a layer of your own, a subclass of glassnet.layers.Layer."
    ),
    "compute_dtype dtype input_dtype variable_dtype": (
        "Everything is float32; Embedding takes integers, TextVectorization texts."
    ),
    "compute_mask supports_masking": "Masks pass through the network by themselves.",
    "compute_output_shape": "Write keras.Sequential([keras.Input(shape), layer]).output_shape.",
    "enable_lora": "Freeze layers with layer.trainable = False.",
    "from_config": "model.save(path) stores the complete model; keras.models.load_model(path) "
    "opens it.",
    "input_spec": "Write input_shape.",
    "jit_compile run_eagerly": "Networks are always compiled; trace(x, y) shows every value.",
    "path": "Write name.",
    "reset_metrics": "evaluate and every epoch of fit begin at zero.",
}
"""Attributes of Keras's models and layers, and what to write instead."""
