"""What to write instead of Keras's names, parameters and attributes that Glassnet does not have."""

PARAMETER_HINTS = {
    "activity_regularizer": "The loss has penalties of weights only: write kernel_regularizer=.",
    "backward_layer": "The backward layer is a copy of the layer you pass.",
    "axis": "It is always the last axis; Permute moves another axis there.",
    "batch_size": "Pass the batch size to fit.",
    "data_format": "Images are (height, width, channels). "
    "For channels first, put Permute((2, 3, 1)) before the layer.",
    "dtype": "Everything is float32; prepare the data with NumPy.",
    "ignore_class": "Give those rows a sample_weight of 0.",
    "return_state": "return_sequences=True returns h of every step; "
    "trace(x, y).steps(name) shows all states.",
    "stateful": "Every row starts from zero: pass complete sequences.",
    "weights": "Call layer.set_weights(weights) when the layer is part of a model.",
    "weight_decay": "Write AdamW, or kernel_regularizer=keras.regularizers.l2(...) in the layers.",
}
"""What to write instead of a parameter."""

ARRAYS = "Change the images with NumPy or Pillow, in keras.data.Dataset.map or before fit."
OWN_LOSS = "Write a function (y_true, y_pred) with keras.ops, and pass it to compile(loss=...)."
PATHS = "model.save(path) stores a complete model; keras.models.load_model(path) opens it."

HINTS = {
    "AdditiveAttention applications Attention distillation distribute_tensor GroupQueryAttention "
    "LayoutMap mixed_precision ModelParallel MultiHeadAttention TensorLayout visualization": (
        "docs/not-for.md lists alternatives."
    ),
    "DataParallel DeviceMesh distribution set_distribution": (
        'Write fit(..., devices="all"). docs/larger.md is about several devices and machines.'
    ),
    "initialize": "Write glassnet.distribute() in the first line of the script.",
    "get_device_count list_devices": "Write jax.devices().",
    "audio_dataset_from_directory": (
        "Read the files with scipy.io.wavfile.read, and pass arrays to "
        "keras.data.Dataset.from_tensor_slices."
    ),
    "BackupAndRestore": (
        'Write model.fit(..., resume="folder"): run again after an interruption, it continues '
        "exactly."
    ),
    "custom_gradient": "Write a JAX function with jax.custom_vjp.",
    "History": "fit returns it, and model.history stores it.",
    "model_from_json": "model.save(path) stores the complete model; load_model(path) opens it.",
    "model_to_dot": 'Write keras.utils.plot_model(model, to_file="model.png").',
    "wrappers": "Write glassnet.estimators.NeuralClassifier(...) or NeuralRegressor(...).",
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
    "FeatureSpace Config": "Prepare tables with pandas or sklearn.compose.ColumnTransformer.",
    "get_source_inputs": "Write model.inputs.",
    "pack_x_y_sample_weight unpack_x_y_sample_weight": "Write the tuple (x, y, sample_weight).",
}
NAME_HINTS = {name: text for names, text in HINTS.items() for name in names.split()}
"""What to write instead of a name of a module."""

ATTRIBUTE_HINTS = {
    "to_json get_config": "model.save(path) stores the complete model in one file.",
    "train_on_batch train_step call": (
        "Write fit(x, y); docs/not-for.md lists alternatives for other loops."
    ),
    "export": "docs/not-for.md lists alternatives.",
    "predict_proba": "Write predict(x).",
    "predict_classes": "Write predict_labels(x).",
    "add_loss": (
        "Penalties are included in the loss; a metric with the loss's name leaves them out."
    ),
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
"""What to write instead of an attribute of a model or a layer."""


def find_attribute_hint(name: str) -> str:
    """Return what to write instead of an attribute of a model or a layer; "" if unknown."""
    return next((fix for words, fix in ATTRIBUTE_HINTS.items() if name in words.split()), "")
