"""Fixed table of the classes that a file may name.

Custom classes come from `custom_objects`; no class is ever imported by its name. The table contains
every name in a file, so renaming a class or a field in Python does not change the format.
"""

from __future__ import annotations

import functools

from glassnet import (
    activations,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedules,
)
from glassnet.data import time_index
from glassnet.doctor.changes import ScaledSchedule
from glassnet.preprocessing import base, encoder, images, tabular, targets, time_series
from glassnet.storage.json_codec import Tag

TAGS = (
    Tag("layers/Activation", layers.Activation, "name trainable activation"),
    Tag("layers/AlphaDropout", layers.AlphaDropout, "name trainable rate noise_shape?"),
    Tag(
        "layers/AveragePooling1D",
        layers.AveragePooling1D,
        "name trainable pool_size strides padding",
    ),
    Tag(
        "layers/AveragePooling2D",
        layers.AveragePooling2D,
        "name trainable pool_size strides padding",
    ),
    Tag(
        "layers/BatchNormalization",
        layers.BatchNormalization,
        "name trainable momentum epsilon center scale beta_constraint? gamma_constraint?",
    ),
    Tag("layers/Bidirectional", layers.Bidirectional, "name trainable layer merge_mode"),
    Tag("layers/CenterCrop", layers.CenterCrop, "name trainable height width"),
    Tag(
        "layers/Conv1D",
        layers.Conv1D,
        "name trainable filters kernel_size strides padding dilation_rate activation use_bias "
        "kernel_initializer bias_initializer kernel_regularizer bias_regularizer groups? "
        "kernel_constraint? bias_constraint?",
    ),
    Tag(
        "layers/Conv1DTranspose",
        layers.Conv1DTranspose,
        "name trainable filters kernel_size strides padding dilation_rate activation use_bias "
        "kernel_initializer bias_initializer kernel_regularizer bias_regularizer output_padding "
        "kernel_constraint? bias_constraint?",
    ),
    Tag(
        "layers/Conv2D",
        layers.Conv2D,
        "name trainable filters kernel_size strides padding dilation_rate activation use_bias "
        "kernel_initializer bias_initializer kernel_regularizer bias_regularizer groups? "
        "kernel_constraint? bias_constraint?",
    ),
    Tag(
        "layers/Conv2DTranspose",
        layers.Conv2DTranspose,
        "name trainable filters kernel_size strides padding dilation_rate activation use_bias "
        "kernel_initializer bias_initializer kernel_regularizer bias_regularizer "
        "output_padding? "
        "kernel_constraint? bias_constraint?",
    ),
    Tag("layers/Cropping1D", layers.Cropping1D, "name trainable cropping"),
    Tag("layers/Cropping2D", layers.Cropping2D, "name trainable cropping"),
    Tag(
        "layers/Dense",
        layers.Dense,
        "name trainable units activation use_bias kernel_initializer bias_initializer "
        "kernel_regularizer bias_regularizer "
        "kernel_constraint? bias_constraint?",
    ),
    Tag(
        "layers/DepthwiseConv1D",
        layers.DepthwiseConv1D,
        "name trainable kernel_size strides padding depth_multiplier dilation_rate activation "
        "use_bias depthwise_initializer bias_initializer depthwise_regularizer bias_regularizer "
        "depthwise_constraint? bias_constraint?",
    ),
    Tag(
        "layers/DepthwiseConv2D",
        layers.DepthwiseConv2D,
        "name trainable kernel_size strides padding depth_multiplier dilation_rate activation "
        "use_bias depthwise_initializer bias_initializer depthwise_regularizer bias_regularizer "
        "depthwise_constraint? bias_constraint?",
    ),
    Tag("layers/Dropout", layers.Dropout, "name trainable rate noise_shape?"),
    Tag(
        "layers/Embedding",
        layers.Embedding,
        "name trainable input_dim output_dim embeddings_initializer embeddings_regularizer "
        "mask_zero "
        "embeddings_constraint?",
    ),
    Tag("layers/Flatten", layers.Flatten, "name trainable"),
    Tag(
        "layers/GRU",
        layers.GRU,
        "name trainable units activation recurrent_activation use_bias kernel_initializer "
        "recurrent_initializer bias_initializer kernel_regularizer recurrent_regularizer "
        "bias_regularizer dropout recurrent_dropout return_sequences go_backwards reset_after "
        "zero_output_for_mask "
        "kernel_constraint? recurrent_constraint? bias_constraint?",
    ),
    Tag("layers/GaussianDropout", layers.GaussianDropout, "name trainable rate"),
    Tag("layers/GaussianNoise", layers.GaussianNoise, "name trainable stddev"),
    Tag("layers/GlobalAveragePooling1D", layers.GlobalAveragePooling1D, "name trainable keepdims"),
    Tag("layers/GlobalAveragePooling2D", layers.GlobalAveragePooling2D, "name trainable keepdims"),
    Tag("layers/GlobalMaxPooling1D", layers.GlobalMaxPooling1D, "name trainable keepdims"),
    Tag("layers/GlobalMaxPooling2D", layers.GlobalMaxPooling2D, "name trainable keepdims"),
    Tag(
        "layers/GroupNormalization",
        layers.GroupNormalization,
        "name trainable groups epsilon center scale beta_initializer gamma_initializer "
        "beta_constraint? gamma_constraint?",
    ),
    Tag("layers/Input", layers.Input, "name trainable shape"),
    Tag(
        "layers/LSTM",
        layers.LSTM,
        "name trainable units activation recurrent_activation use_bias kernel_initializer "
        "recurrent_initializer bias_initializer unit_forget_bias kernel_regularizer "
        "recurrent_regularizer bias_regularizer dropout recurrent_dropout return_sequences "
        "go_backwards zero_output_for_mask "
        "kernel_constraint? recurrent_constraint? bias_constraint?",
    ),
    Tag("layers/Layer", layers.Layer, "name trainable"),
    Tag(
        "layers/LayerNormalization",
        layers.LayerNormalization,
        "name trainable axis epsilon center scale beta_initializer gamma_initializer "
        "beta_constraint? gamma_constraint?",
    ),
    Tag("layers/Masking", layers.Masking, "name trainable mask_value"),
    Tag("layers/MaxPooling1D", layers.MaxPooling1D, "name trainable pool_size strides padding"),
    Tag("layers/MaxPooling2D", layers.MaxPooling2D, "name trainable pool_size strides padding"),
    Tag(
        "layers/Maxout",
        layers.Maxout,
        "name trainable units pieces use_bias kernel_initializer bias_initializer "
        "kernel_regularizer bias_regularizer",
    ),
    Tag(
        "layers/Normalization",
        layers.Normalization,
        "name trainable axis mean? variance? invert?",
    ),
    Tag(
        "layers/PReLU",
        layers.PReLU,
        "name trainable alpha_initializer alpha_regularizer shared_axes alpha_constraint?",
    ),
    Tag("layers/Parallel", layers.Parallel, "name trainable branches merge"),
    Tag("layers/Permute", layers.Permute, "name trainable dims"),
    Tag("layers/RandomBrightness", layers.RandomBrightness, "name trainable factor value_range"),
    Tag("layers/RandomContrast", layers.RandomContrast, "name trainable factor value_range"),
    Tag("layers/RandomCrop", layers.RandomCrop, "name trainable height width"),
    Tag("layers/RandomFlip", layers.RandomFlip, "name trainable mode"),
    Tag(
        "layers/RandomRotation",
        layers.RandomRotation,
        "name trainable factor fill_mode interpolation fill_value",
    ),
    Tag(
        "layers/RandomShear",
        layers.RandomShear,
        "name trainable x_factor y_factor interpolation fill_mode fill_value",
    ),
    Tag(
        "layers/RandomTranslation",
        layers.RandomTranslation,
        "name trainable height_factor width_factor fill_mode interpolation fill_value",
    ),
    Tag(
        "layers/RandomZoom",
        layers.RandomZoom,
        "name trainable height_factor width_factor fill_mode interpolation fill_value",
    ),
    Tag("layers/RepeatVector", layers.RepeatVector, "name trainable n"),
    Tag("layers/Rescaling", layers.Rescaling, "name trainable scale offset"),
    Tag("layers/Reshape", layers.Reshape, "name trainable target_shape"),
    Tag(
        "layers/Resizing",
        layers.Resizing,
        "name trainable height width interpolation crop_to_aspect_ratio pad_to_aspect_ratio "
        "fill_value antialias",
    ),
    Tag("layers/Residual", layers.Residual, "name trainable layers"),
    Tag(
        "layers/SeparableConv1D",
        layers.SeparableConv1D,
        "name trainable filters kernel_size strides padding dilation_rate depth_multiplier "
        "activation use_bias depthwise_initializer pointwise_initializer bias_initializer "
        "depthwise_regularizer pointwise_regularizer bias_regularizer "
        "depthwise_constraint? pointwise_constraint? bias_constraint?",
    ),
    Tag(
        "layers/SeparableConv2D",
        layers.SeparableConv2D,
        "name trainable filters kernel_size strides padding dilation_rate depth_multiplier "
        "activation use_bias depthwise_initializer pointwise_initializer bias_initializer "
        "depthwise_regularizer pointwise_regularizer bias_regularizer "
        "depthwise_constraint? pointwise_constraint? bias_constraint?",
    ),
    Tag(
        "layers/SimpleRNN",
        layers.SimpleRNN,
        "name trainable units activation use_bias kernel_initializer recurrent_initializer "
        "bias_initializer kernel_regularizer recurrent_regularizer bias_regularizer dropout "
        "recurrent_dropout return_sequences go_backwards zero_output_for_mask "
        "kernel_constraint? recurrent_constraint? bias_constraint?",
    ),
    Tag(
        "layers/TextVectorization",
        layers.TextVectorization,
        "name trainable max_tokens standardize split ngrams output_mode output_sequence_length "
        "vocabulary idf_weights",
    ),
    Tag("layers/TimeDistributed", layers.TimeDistributed, "name trainable layer"),
    Tag("layers/UnitNormalization", layers.UnitNormalization, "name trainable axis"),
    Tag("layers/UpSampling1D", layers.UpSampling1D, "name trainable size"),
    Tag("layers/UpSampling2D", layers.UpSampling2D, "name trainable size interpolation"),
    Tag("layers/ZeroPadding1D", layers.ZeroPadding1D, "name trainable padding"),
    Tag("layers/ZeroPadding2D", layers.ZeroPadding2D, "name trainable padding"),
    Tag("activations/Parametric", activations.ParametricActivation, "function parameters"),
    Tag("initializers/Constant", initializers.Constant, "value shape?"),
    Tag("initializers/GlorotNormal", initializers.GlorotNormal, ""),
    Tag("initializers/GlorotUniform", initializers.GlorotUniform, ""),
    Tag("initializers/HeNormal", initializers.HeNormal, ""),
    Tag("initializers/HeUniform", initializers.HeUniform, ""),
    Tag("initializers/Identity", initializers.Identity, "gain"),
    Tag("initializers/LecunNormal", initializers.LecunNormal, ""),
    Tag("initializers/LecunUniform", initializers.LecunUniform, ""),
    Tag("initializers/Ones", initializers.Ones, ""),
    Tag("initializers/Orthogonal", initializers.Orthogonal, "gain"),
    Tag("initializers/RandomNormal", initializers.RandomNormal, "mean stddev"),
    Tag("initializers/RandomUniform", initializers.RandomUniform, "minval maxval"),
    Tag("initializers/TruncatedNormal", initializers.TruncatedNormal, "mean stddev"),
    Tag("initializers/VarianceScaling", initializers.VarianceScaling, "scale mode distribution"),
    Tag("initializers/Zeros", initializers.Zeros, ""),
    Tag("regularizers/L1", regularizers.L1, "l1"),
    Tag("regularizers/L1L2", regularizers.L1L2, "l1 l2"),
    Tag("regularizers/L2", regularizers.L2, "l2"),
    Tag(
        "regularizers/OrthogonalRegularizer",
        regularizers.OrthogonalRegularizer,
        "factor mode",
    ),
    Tag("constraints/MaxNorm", constraints.MaxNorm, "max_value axis"),
    Tag("constraints/MinMaxNorm", constraints.MinMaxNorm, "min_value max_value rate axis"),
    Tag("constraints/NonNeg", constraints.NonNeg, ""),
    Tag("constraints/UnitNorm", constraints.UnitNorm, "axis"),
    Tag("losses/BinaryCrossentropy", losses.BinaryCrossentropy, "from_logits label_smoothing"),
    Tag(
        "losses/BinaryFocalCrossentropy",
        losses.BinaryFocalCrossentropy,
        "from_logits apply_class_balancing alpha gamma label_smoothing",
    ),
    Tag(
        "losses/CategoricalCrossentropy",
        losses.CategoricalCrossentropy,
        "from_logits label_smoothing",
    ),
    Tag(
        "losses/CategoricalFocalCrossentropy",
        losses.CategoricalFocalCrossentropy,
        "from_logits alpha gamma label_smoothing",
    ),
    Tag("losses/CategoricalHinge", losses.CategoricalHinge, ""),
    Tag("losses/CosineSimilarity", losses.CosineSimilarity, ""),
    Tag("losses/FunctionLoss", losses.FunctionLoss, "function"),
    Tag("losses/HalfMeanSquaredError", losses.HalfMeanSquaredError, ""),
    Tag("losses/Hinge", losses.Hinge, ""),
    Tag("losses/Huber", losses.Huber, "delta"),
    Tag("losses/KLDivergence", losses.KLDivergence, ""),
    Tag("losses/LogCosh", losses.LogCosh, ""),
    Tag("losses/MeanAbsoluteError", losses.MeanAbsoluteError, ""),
    Tag("losses/MeanAbsolutePercentageError", losses.MeanAbsolutePercentageError, ""),
    Tag("losses/MeanSquaredError", losses.MeanSquaredError, ""),
    Tag("losses/MeanSquaredLogarithmicError", losses.MeanSquaredLogarithmicError, ""),
    Tag("losses/Poisson", losses.Poisson, ""),
    Tag(
        "losses/SparseCategoricalCrossentropy", losses.SparseCategoricalCrossentropy, "from_logits"
    ),
    Tag("losses/SquaredHinge", losses.SquaredHinge, ""),
    Tag(
        "metrics/AUC",
        metrics.AUC,
        "name num_thresholds curve multi_label from_logits link=output_activation outputs",
    ),
    Tag("metrics/Accuracy", metrics.Accuracy, "name threshold"),
    Tag("metrics/ConfusionMatrix", metrics.ConfusionMatrix, "num_classes"),
    Tag("metrics/F1Score", metrics.F1Score, "name threshold class_id average outputs"),
    Tag("metrics/FBetaScore", metrics.FBetaScore, "name threshold class_id average outputs beta"),
    Tag("metrics/FalseNegatives", metrics.FalseNegatives, "name threshold class_id"),
    Tag("metrics/FalsePositives", metrics.FalsePositives, "name threshold class_id"),
    Tag("metrics/FunctionMetric", metrics.FunctionMetric, "name function"),
    Tag("metrics/MeanAbsoluteError", metrics.MeanAbsoluteError, "name"),
    Tag("metrics/MeanIoU", metrics.MeanIoU, "name num_classes threshold class_ids ignore_class"),
    Tag("metrics/MeanSquaredError", metrics.MeanSquaredError, "name"),
    Tag("metrics/Precision", metrics.Precision, "name threshold class_id top_k?"),
    Tag("metrics/R2Score", metrics.R2Score, "name class_aggregation shift outputs"),
    Tag("metrics/Recall", metrics.Recall, "name threshold class_id top_k?"),
    Tag("metrics/RootMeanSquaredError", metrics.RootMeanSquaredError, "name"),
    Tag("metrics/TopKCategoricalAccuracy", metrics.TopKCategoricalAccuracy, "name k"),
    Tag("metrics/TrueNegatives", metrics.TrueNegatives, "name threshold class_id"),
    Tag("metrics/TruePositives", metrics.TruePositives, "name threshold class_id"),
    Tag(
        "optimizers/Adadelta",
        optimizers.Adadelta,
        "learning_rate clipnorm clipvalue global_clipnorm rho epsilon",
    ),
    Tag(
        "optimizers/Adagrad",
        optimizers.Adagrad,
        "learning_rate clipnorm clipvalue global_clipnorm initial_accumulator_value epsilon",
    ),
    Tag(
        "optimizers/Adam",
        optimizers.Adam,
        "learning_rate clipnorm clipvalue global_clipnorm beta_1 beta_2 epsilon amsgrad",
    ),
    Tag(
        "optimizers/AdamW",
        optimizers.AdamW,
        "learning_rate clipnorm clipvalue global_clipnorm weight_decay beta_1 beta_2 epsilon "
        "amsgrad",
    ),
    Tag(
        "optimizers/Adamax",
        optimizers.Adamax,
        "learning_rate clipnorm clipvalue global_clipnorm beta_1 beta_2 epsilon",
    ),
    Tag(
        "optimizers/Lion",
        optimizers.Lion,
        "learning_rate clipnorm clipvalue global_clipnorm beta_1 beta_2",
    ),
    Tag(
        "optimizers/Nadam",
        optimizers.Nadam,
        "learning_rate clipnorm clipvalue global_clipnorm beta_1 beta_2 epsilon",
    ),
    Tag(
        "optimizers/Optax", optimizers.Optax, "learning_rate clipnorm clipvalue global_clipnorm tx"
    ),
    Tag(
        "optimizers/RMSprop",
        optimizers.RMSprop,
        "learning_rate clipnorm clipvalue global_clipnorm rho momentum epsilon centered",
    ),
    Tag(
        "optimizers/SGD",
        optimizers.SGD,
        "learning_rate clipnorm clipvalue global_clipnorm momentum nesterov",
    ),
    Tag(
        "schedules/CosineDecay",
        schedules.CosineDecay,
        "initial_learning_rate decay_steps alpha warmup_target warmup_steps",
    ),
    Tag(
        "schedules/CosineDecayRestarts",
        schedules.CosineDecayRestarts,
        "initial_learning_rate first_decay_steps t_mul m_mul alpha",
    ),
    Tag(
        "schedules/ExponentialDecay",
        schedules.ExponentialDecay,
        "initial_learning_rate decay_steps decay_rate staircase",
    ),
    Tag(
        "schedules/InverseTimeDecay",
        schedules.InverseTimeDecay,
        "initial_learning_rate decay_steps decay_rate staircase",
    ),
    Tag(
        "schedules/OneCycle",
        schedules.OneCycle,
        "max_learning_rate total_steps pct_start div_factor final_div_factor",
    ),
    Tag("schedules/PiecewiseConstantDecay", schedules.PiecewiseConstantDecay, "boundaries values"),
    Tag(
        "schedules/PolynomialDecay",
        schedules.PolynomialDecay,
        "initial_learning_rate decay_steps end_learning_rate power cycle",
    ),
    Tag("schedules/ScaledSchedule", ScaledSchedule, "schedule factor"),
    Tag("schedules/Warmup", schedules.Warmup, "learning_rate warmup_steps"),
    Tag("data/Boolean", encoder.BooleanColumn, "name median flagged=add_indicator"),
    Tag(
        "data/Category",
        encoder.CategoricalColumn,
        "name levels=categories shares=frequencies others=has_other",
    ),
    Tag("data/Date", encoder.DateColumn, "name parts spelling=date_format"),
    Tag("data/Dropped", encoder.DroppedColumn, "name reason"),
    Tag("data/Encoder", encoder.Encoder, "columns derive"),
    Tag(
        "data/Number",
        encoder.NumericColumn,
        "name mean scale median flagged=add_indicator lenient=coerce",
    ),
    Tag("answers/Labels", targets.ClassTarget, "name labels"),
    Tag("answers/Quantity", targets.NumericTarget, "name mean scale log"),
    Tag("intake/Intake", tabular.TabularPreprocessor, "encoder target wishes=request"),
    Tag(
        "intake/Wishes",
        base.TableRequest,
        "target columns=column_types derive transform=target_transform",
    ),
    Tag("images/Pictures", images.ImagePreprocessor, "size channels target pixel_range?"),
    Tag("forecaster/Change", time_series.SeasonalTarget, "name season horizon scale log"),
    Tag(
        "forecaster/Forecaster",
        time_series.TimeSeriesPreprocessor,
        "target length learned=trained_on times recent fill? time_zone?",
    ),
    Tag("times/Times", time_index.TimeIndex, "columns unit first step zones?"),
)
"""Tag, class and field keys of each class; `key=field` if key and field differ; see `Tag`.

Callbacks are excluded because they write to paths.
"""


@functools.cache
def by_tag() -> dict[str, Tag]:
    """Return the table by tag: {"layers/Dense": Tag(...), ...}."""
    return {tag.name: tag for tag in TAGS}


@functools.cache
def by_class() -> dict[type, Tag]:
    """Return the table by class."""
    return {tag.kind: tag for tag in TAGS}
