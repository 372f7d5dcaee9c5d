"""The studio as its user sees it: `glassnet studio` and its page in headless Chromium.

`python benchmarks/studio.py [--seconds 3]`

The network is 2-4-2-1 on 500 points of XOR, with the map of the output (100 x 100) and of every
neuron in each picture. A picture counts when the page shows its step. Steps without pictures are
compared with a `fit` of the same network with the same validation rows, in the same run. It needs
the packages of the extra `dev`, and Chromium.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from playwright.sync_api import Page, sync_playwright

from glassnet.studio_app.data_sources import make_data
from glassnet.studio_app.networks import build_model
from glassnet.studio_app.settings import (
    DataSettings,
    LayerSettings,
    NetworkSettings,
    Settings,
)

SMALL = Settings(
    data=DataSettings(n=500),
    network=NetworkSettings((LayerSettings(4), LayerSettings(2))),
)
DIGITS = Settings(
    data=DataSettings("digits"), network=NetworkSettings((LayerSettings(32, "relu"),))
)

COUNT_PICTURES = """async seconds => {
  const shown = document.querySelector('[data-testid="position_step"]');
  const times = [];
  const observer = new MutationObserver(() => times.push(performance.now()));
  observer.observe(shown, {childList: true, characterData: true, subtree: true});
  await new Promise(done => setTimeout(done, 1000 * seconds));
  observer.disconnect();
  return times.length / seconds;
}"""

TIME_STEPS = """async n => {
  const shown = document.querySelector('[data-testid="position_step"]');
  const button = document.querySelector('[data-testid="step"]');
  const times = [];
  for (let i = 0; i < n; i++) {
    const start = performance.now();
    const change = new Promise(done => {
      const observer = new MutationObserver(() => { observer.disconnect(); done(); });
      observer.observe(shown, {childList: true, characterData: true, subtree: true});
    });
    button.click();
    await change;
    times.push(performance.now() - start);
    await new Promise(done => setTimeout(done, 20));
  }
  return times;
}"""


@contextlib.contextmanager
def run_studio() -> Iterator[tuple[str, int]]:
    """Run the command, and yield its URL and its process number."""
    command = [str(Path(sys.executable).parent / "glassnet"), "studio", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        url = next(found[0] for line in lines if (found := re.search(r"http://\S+", line)))
        try:
            yield url, process.pid
        finally:
            process.terminate()


def make_fragment(settings: Settings) -> str:
    """Return the part of a link after #."""
    return base64.urlsafe_b64encode(msgspec.json.encode(settings)).decode().rstrip("=")


def show(page: Page, settings: Settings) -> None:
    """Open settings by their link, paused, and wait for the picture."""
    page.evaluate("hash => { location.hash = hash }", make_fragment(settings))
    page.wait_for_function(
        "n => document.querySelector('[data-testid=n_train]')?.dataset.value == n",
        arg=make_data(settings.data).n_train,
    )
    page.wait_for_timeout(1500)


def choose(page: Page, name: str, value: str) -> None:
    """Choose a value of a control."""
    page.get_by_test_id(name).select_option(value)


def read_memory(process: int) -> float:
    """Return the resident memory of a process in MB."""
    status = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    assert found
    return int(found[1]) / 1024


def read_step(page: Page) -> int:
    """Return the step that the page shows."""
    return int(page.get_by_test_id("position_step").inner_text())


def time_fit(n_epochs: int) -> float:
    """Return the steps per second of `fit` with the small network."""
    data = make_data(SMALL.data)
    model = build_model(SMALL, data, 35)
    options: dict[str, Any] = {"batch_size": 10, "verbose": 0, "validation_data": data.test}
    x, y = data.x, data.y
    model.fit(x, y, epochs=2, **options)
    start = time.perf_counter()
    model.fit(x, y, epochs=n_epochs, **options)
    return 35 * n_epochs / (time.perf_counter() - start)


def time_first_picture(browser: Any) -> float:
    """Return the seconds from the command to the first picture on the page."""
    start = time.perf_counter()
    page = browser.new_page()
    with run_studio() as (url, _):
        page.goto(url)
        page.wait_for_function(
            "() => document.querySelector('[data-testid=position_step]')?.textContent"
        )
        seconds = time.perf_counter() - start
        page.close()
    return seconds


def measure_small(page: Page, process: int, seconds: float) -> dict[str, float]:
    """Return the figures of the small network."""
    show(page, SMALL)
    figures = {"one step, to its picture (ms)": statistics.median(page.evaluate(TIME_STEPS, 50))}
    for steps in (1, 10, 100, 1000):
        choose(page, "steps_per_picture", str(steps))
        page.get_by_test_id("play").click()
        page.wait_for_timeout(1000)
        figures[f"pictures a second, {steps:,} steps each"] = page.evaluate(COUNT_PICTURES, seconds)
        page.get_by_test_id("play").click()
        page.wait_for_timeout(500)
    figures |= measure_memory(page, process)
    page.get_by_test_id("pictures").uncheck()
    speeds = {"studio": 0.0, "fit": 0.0}
    for _ in range(3):
        before, start = read_step(page), time.perf_counter()
        page.get_by_test_id("play").click()
        page.wait_for_timeout(1000 * seconds)
        page.get_by_test_id("play").click()
        page.wait_for_timeout(1500)
        elapsed = time.perf_counter() - start - 1.5
        speeds["studio"] = max(speeds["studio"], (read_step(page) - before) / elapsed)
        speeds["fit"] = max(speeds["fit"], time_fit(int(600 * seconds)))
    figures["steps a second without pictures"] = speeds["studio"]
    figures["steps a second of fit"] = speeds["fit"]
    figures["speed without pictures / fit"] = speeds["studio"] / speeds["fit"]
    return figures


def measure_memory(page: Page, process: int) -> dict[str, float]:
    """Return how much the memory of the server grows over 10,000 steps, each with a picture."""
    choose(page, "steps_per_picture", "1")
    page.get_by_test_id("reset").click()
    page.wait_for_timeout(500)
    sizes = []
    page.get_by_test_id("play").click()
    for step in (500, 10_500):
        page.wait_for_function(
            "n => +document.querySelector('[data-testid=position_step]').dataset.value > n",
            arg=step,
            timeout=600_000,
        )
        sizes.append(read_memory(process))
    page.get_by_test_id("play").click()
    page.wait_for_timeout(500)
    growth = 100 * (sizes[1] / sizes[0] - 1)
    return {"memory of the server (MB)": sizes[1], "growth over 10,000 steps (%)": growth}


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    seconds = parser.parse_args().seconds
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        starts = [time_first_picture(browser) for _ in range(4)]
        figures = {"first picture after the command (s)": statistics.median(starts[1:])}
        with run_studio() as (url, process):
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            page.goto(url)
            page.get_by_test_id("play").wait_for()
            figures |= measure_small(page, process, seconds)
            page.get_by_test_id("pictures").check()
            show(page, DIGITS)
            page.get_by_test_id("play").click()
            page.wait_for_timeout(1500)
            figures["pictures a second, digits 64-32-10"] = page.evaluate(COUNT_PICTURES, seconds)
        browser.close()
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
