"""Draw the pictures of docs/studio.md from the studio itself: `python docs/images/studio.py`.

They are screenshots of `glassnet studio` in headless Chromium, in the folder `studio` beside this
file.
"""

import base64
import json
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent / "studio"
WIDE, PHONE = {"width": 1360, "height": 900}, {"width": 360, "height": 800}
COLORS = 128
"""Colors of a picture: fewer make a small file."""


@contextmanager
def run_studio():
    """Run the command and yield its URL."""
    command = [str(Path(sys.executable).parent / "glassnet"), "studio", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        lines = iter(process.stdout.readline, "")
        try:
            yield next(found[0] for line in lines if (found := re.search(r"http://\S+", line)))
        finally:
            process.terminate()


def link(**settings):
    """Return the part of a link after #, which opens settings."""
    return "#" + base64.urlsafe_b64encode(json.dumps(settings).encode()).decode().rstrip("=")


def show_neuron(page):
    """Show the arithmetic of a neuron."""
    page.get_by_test_id("neuron-dense_1-0").click()
    page.get_by_test_id("neuron").get_by_text("backward").wait_for()
    page.mouse.move(0, 0)


def wait_for_row(page):
    """Wait for the prediction of the row that is looked at."""
    page.get_by_test_id("row_target").wait_for()


XOR = link(steps=250)
DIGITS = link(
    data={"name": "digits"},
    network={"layers": [{"units": 12, "activation": "relu"}]},
    training={"learning_rate": 0.01, "batch_size": 32},
    steps=400,
)

PICTURES = {
    "xor": (XOR, WIDE, "light", None),
    "neuron": (XOR, WIDE, "dark", show_neuron),
    "digits": (DIGITS, WIDE, "light", wait_for_row),
    "phone": (XOR, PHONE, "light", None),
}
"""Fragment of the address, size of the window, color scheme, and what to do before, by name."""


def main(names):
    """Draw the pictures of some names, or all."""
    HERE.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        for name in names or PICTURES:
            fragment, size, scheme, prepare = PICTURES[name]
            with run_studio() as url:
                page = browser.new_page(viewport=size, color_scheme=scheme)
                page.goto(url + fragment)
                page.wait_for_function(
                    "() => document.querySelector('[data-testid=position_step]')?.dataset.value > 0"
                )
                if prepare:
                    prepare(page)
                page.wait_for_timeout(1500)
                picture = Image.open(BytesIO(page.screenshot())).convert("RGB")
                page.close()
            path = HERE / f"{name}.png"
            picture.quantize(COLORS).save(path, optimize=True)
            print(path.relative_to(HERE.parent), path.stat().st_size // 1000, "kB")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
