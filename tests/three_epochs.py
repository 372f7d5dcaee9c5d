"""A fit of three epochs with a folder."""

from nets import X, Y, plain_model


def fit(folder, model=plain_model, epochs=3, **options):
    model = model() if callable(model) else model
    return model, model.fit(
        X, Y, **{"batch_size": 8, "verbose": 0} | options, epochs=epochs, resume=folder
    )
