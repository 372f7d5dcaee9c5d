"""Pictures side by side have the same black and white. Oracle: the drawn arrays."""

import numpy as np
from matplotlib.figure import Figure

from glassnet.plots.images import draw_images, plot_images


def test_a_dark_picture_stays_darker_than_a_bright_one():
    dark, bright = np.zeros((2, 4, 4, 1))
    dark[1:3, 1:3], bright[1:3, 1:3] = 0.2, 0.8
    gallery = Figure()
    draw_images(gallery, np.stack([dark, bright]), ["dark", "bright"])
    for figure in (gallery, plot_images([dark, bright], ["dark", "bright"], "two")):
        drawn = [ax.images[0] for ax in figure.axes]
        assert [image.get_array().max() for image in drawn] == [0.2, 0.8]
        assert {image.get_cmap().name for image in drawn} == {"gray_r"}
        assert {image.get_clim() for image in drawn} == {(0, 1)}
