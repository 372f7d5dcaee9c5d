"""The studio in a notebook: JupyterLab in Chromium, with a kernel of its own.

Oracles: the step that the page shows, the answers of other cells, the threads of the kernel.
"""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from urllib.parse import urlsplit

import msgspec
import pytest
from studio_pages import wait_until

from glassnet.studio_app.messages import read_link
from glassnet.studio_app.presets import PRESETS

pytestmark = pytest.mark.slow

MODEL = """import threading
import glassnet as gn
moons = gn.datasets.load("moons")
layers = [gn.layers.Dense(3, "tanh"), gn.layers.Dense(1, "sigmoid")]
model = gn.Sequential(layers, seed=0)
gn.Studio(model, moons.x, moons.y)"""
WATCH = """import pathlib, time
def watch():
    while studio._session._experiment is None:
        time.sleep(0.1)
    while True:
        pathlib.Path("step.txt").write_text(str(studio._session.experiment.run.step))
        time.sleep(0.1)
threading.Thread(target=watch, daemon=True).start()"""
COUNT = "len([each for each in threading.enumerate() if each.name == 'studio'])"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab, and its folder."""
    pytest.importorskip("jupyterlab", reason="jupyterlab is not installed")
    folder = tmp_path_factory.mktemp("lab")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    names = ("CONFIG_DIR", "RUNTIME_DIR", "DATA_DIR")
    own = {f"JUPYTER_{name}": str(folder / name) for name in names}
    own |= {f"JUPYTERLAB_{name}_DIR": str(folder / name) for name in ("SETTINGS", "WORKSPACES")}
    own["IPYTHONDIR"] = str(folder / "ipython")
    announcements = "@jupyterlab/apputils-extension:announcements"
    (folder / "CONFIG_DIR/labconfig").mkdir(parents=True)
    settings = {"disabledExtensions": {announcements: True}}
    (folder / "CONFIG_DIR/labconfig/page_config.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    options = {"port": port, "token": "t", "root_dir": folder, "port_retries": 0}
    command += [f"--ServerApp.{name}={value}" for name, value in options.items()]
    command += ["--LabApp.expose_app_in_browser=True"]
    with open(folder / "log.txt", "w") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env=os.environ | own, cwd=folder
        )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: is_running(address), 120)
        yield address, folder
    finally:
        process.terminate()
        process.wait(30)


def is_running(address):
    try:
        with urllib.request.urlopen(f"{address}/api?token=t"):
            return True
    except OSError:
        return False


@pytest.fixture
def notebook(lab, chromium):
    """A function that opens a notebook with cells and runs them all."""
    address, folder = lab
    problems, pages = [], []

    def check_request(request):
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob", "about") and parts.hostname != "127.0.0.1":
            problems.append(request.url)

    def run(*cells):
        name = f"notebook_{len(list(folder.glob('*.ipynb')))}.ipynb"
        (folder / name).write_text(json.dumps(make_notebook(cells)))
        page = chromium.new_page(viewport={"width": 1400, "height": 1200})
        pages.append(page)
        page.set_default_timeout(30_000)
        page.on("request", check_request)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(f"{address}/doc/tree/{name}?token=t")
        ready = "document.querySelector('.jp-Cell') && document.body.innerText.includes('| Idle')"
        page.wait_for_function(f"window.jupyterapp && {ready}")
        page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        return page

    yield run
    for page in pages:
        page.close()
    assert problems == []


def make_notebook(cells):
    """Return a notebook with cells of code."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    empty = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": kernel},
        "cells": [empty | {"id": f"cell{i}", "source": text} for i, text in enumerate(cells)],
    }


class Widget:
    """The studio in the output of a cell."""

    def __init__(self, page, index):
        self.root = page.locator(".jp-Cell").nth(index).locator(".glassnet-studio")
        self.root.locator('[data-testid="network"] canvas').first.wait_for()

    def control(self, name):
        return self.root.get_by_test_id(name)

    @property
    def step(self):
        text = self.control("position_step").inner_text()
        return int(text.replace(",", "")) if text else None  # before the first picture


def output(page, index):
    """Return the text that a cell printed last."""
    return page.locator(".jp-Cell").nth(index).locator(".jp-OutputArea-output pre").inner_text()


def run_cell(page, index):
    """Run a cell."""
    page.locator(".jp-Cell").nth(index).locator(".jp-InputPrompt").click()
    page.keyboard.press("Control+Enter")


def test_a_widget_shows_steps_and_plays_beside_the_cells(notebook):
    page = notebook(MODEL, "6 * 7")
    widget = Widget(page, 0)
    wait_until(lambda: widget.step == 0)
    widget.control("step").click()
    wait_until(lambda: widget.step == 1)
    widget.control("back").click()
    wait_until(lambda: widget.step == 0)
    widget.control("play").click()
    wait_until(lambda: widget.step > 20)
    page.locator(".jp-Cell").nth(1).locator(".cm-content").fill("6 * 8")
    run_cell(page, 1)
    wait_until(lambda: "48" in output(page, 1), 10)  # while the network is trained
    step = widget.step
    wait_until(lambda: widget.step > step)
    widget.control("play").click()


def test_two_widgets_do_not_disturb_each_other(notebook):
    """Keys reach the widget with the focus alone, and do nothing to the notebook."""
    page = notebook(MODEL, "gn.Studio(model, moons.x, moons.y)")
    first, second = Widget(page, 0), Widget(page, 1)
    first.control("step").click()
    first.control("step").click()
    wait_until(lambda: first.step == 2)
    assert second.step == 0
    second.control("step").focus()
    page.keyboard.press("s")
    wait_until(lambda: second.step == 1)
    page.keyboard.press("b")
    wait_until(lambda: second.step == 0)
    assert first.step == 2
    page.keyboard.press("a")  # JupyterLab would insert a cell
    page.wait_for_timeout(500)
    assert page.locator(".jp-Cell").count() == 2


def test_a_notebook_has_no_link_but_a_command(notebook):
    """Oracle: the settings of a preset and one step; its link opens no page of Jupyter."""
    page = notebook(MODEL)
    widget = Widget(page, 0)
    widget.control("share").click()
    assert "There is no link" in page.get_by_test_id("no_link").inner_text()
    assert page.get_by_test_id("link").count() == 0
    page.get_by_test_id("python").click()
    assert "x, y = ..." in page.get_by_test_id("script").input_value()
    page.get_by_test_id("close").click()
    widget.control("presets").click()
    page.get_by_test_id("preset_dying_relu").get_by_role("link").click()
    widget.control("preset_text").wait_for()
    widget.control("step").click()
    wait_until(lambda: widget.step == 1)
    widget.control("share").click()
    command = page.get_by_test_id("link").input_value()
    assert command.startswith("glassnet studio --link eyJ")
    settings = read_link(command.rpartition(" ")[2])
    (preset,) = (each for each in PRESETS if each.name == "dying_relu")
    assert settings == msgspec.structs.replace(preset.settings, steps=1)
    assert page.url.partition("#")[2] == ""


def test_a_page_that_is_closed_pauses_a_run_without_pictures(notebook, lab):
    """Oracle: the steps, which the kernel writes to a file."""
    page = notebook(MODEL.replace("gn.Studio(", "studio = gn.Studio(") + "\nstudio", WATCH)
    widget = Widget(page, 0)
    file = lab[1] / "step.txt"
    wait_until(file.exists)

    def read_step():
        return int(wait_until(file.read_text))

    widget.control("pictures").uncheck()
    widget.control("play").click()
    wait_until(lambda: read_step() > 2000)  # more than two positions
    page.close()
    time.sleep(1.5)
    step = read_step()
    time.sleep(1)
    assert read_step() == step > 2000


def test_a_cell_that_is_run_again_closes_its_old_session(notebook):
    page = notebook(MODEL, COUNT)
    Widget(page, 0).control("step").click()
    wait_until(lambda: output(page, 1) == "1")
    run_cell(page, 0)
    wait_until(lambda: "[3]" in page.locator(".jp-Cell").nth(0).inner_text())
    wait_until(lambda: Widget(page, 0).step == 0)
    run_cell(page, 1)
    wait_until(lambda: "[4]" in page.locator(".jp-Cell").nth(1).inner_text())
    assert output(page, 1) == "1"
