"""What a model learns of its data, kept with the model: encoders of tables, images, time series and
targets.
"""
