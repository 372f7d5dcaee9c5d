"""The report in a real browser: what Chromium loads, logs, lays out and paints."""

import json
import re
import shutil
import subprocess
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from test_report import SECTIONS, fit_digits

import glassnet as gn

pytestmark = pytest.mark.slow

PHONE, DESKTOP = 390, 1100
DARK = "--blink-settings=preferredColorScheme=0"
MEASURE = """<script>window.onload = () => {
const texts = [...document.querySelectorAll("h1, h2, p, dd, dt, th, td, figcaption, svg text, a")]
  .filter(e => !e.closest('[id="mistakes-confusion-figure_1"]'));  // its numbers are on colored cells
const seen = {
  width: document.documentElement.scrollWidth,
  background: getComputedStyle(document.body).backgroundColor,
  headings: [...document.querySelectorAll("h2")].map(e => e.innerText),
  figures: [...document.querySelectorAll("svg, img")].map(e => {
    const r = e.getBoundingClientRect();
    return [e.tagName, r.left, r.right, r.width, r.height, e.complete ?? true];
  }),
  colors: texts.map(e => {
    const style = getComputedStyle(e);
    return e.closest("svg") && style.fill !== "none" ? style.fill : style.color;
  }),
};
const pre = document.createElement("pre");
pre.id = "seen";
pre.textContent = JSON.stringify(seen);
document.body.append(pre);
}</script>"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    """Return a function that runs Chromium without a window."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("Chromium is not installed")
    profile = tmp_path_factory.mktemp("profile")

    def run(*options, width=DESKTOP):
        command = [program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        command += [f"--user-data-dir={profile}", f"--window-size={width},4000", *options]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    return run


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """The report of the digits."""
    model, data = fit_digits(epochs=2)
    return gn.report(model, data, tmp_path_factory.mktemp("page") / "digits.html")


def measure(chromium, path, *options, width=DESKTOP):
    """Return what Chromium lays out, with a script that the page itself does not allow."""
    source = path.read_text(encoding="utf-8")
    source = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", source)
    twin = path.with_name("measured.html")
    twin.write_text(source.replace("</head>", f"{MEASURE}</head>"), encoding="utf-8")
    dom = chromium(*options, "--dump-dom", twin.as_uri(), width=width).stdout
    (seen,) = re.findall(r'<pre id="seen">(.*?)</pre>', dom, re.S)
    return json.loads(seen)


def luminance(color):
    """Return the relative luminance of WCAG 2."""
    rgb = np.array([float(part) for part in re.findall(r"[\d.]+", color)[:3]]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(color, background):
    bright, dark = sorted((luminance(color), luminance(background)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_wcag():
    assert contrast("rgb(0, 0, 0)", "rgb(255, 255, 255)") == pytest.approx(21)
    assert contrast("rgb(119, 119, 119)", "rgb(255, 255, 255)") == pytest.approx(4.48, abs=0.01)


def requests_of(chromium, path, folder):
    """Return the addresses that Chromium asked for, and what it logged about the page."""
    log = folder / "net.json"
    result = chromium(
        f"--log-net-log={log}", "--enable-logging=stderr", "--dump-dom", path.as_uri()
    )
    addresses = re.findall(r'"url":"([^"]+)"', log.read_text(encoding="utf-8"))
    return addresses, [line for line in result.stderr.splitlines() if "CONSOLE" in line]


def test_chromium_asks_for_nothing_and_logs_nothing(chromium, path, tmp_path):
    """Oracle: Chromium's log of the network. Its own services are not the page's."""
    addresses, console = requests_of(chromium, path, tmp_path)
    own = ("google", "gvt1", "googleapis")
    hosts = {urlsplit(a).hostname or "" for a in addresses if a.startswith("http")}
    assert [host for host in hosts if not any(name in host for name in own)] == []
    assert console == []


def test_a_page_that_asks_for_something_is_noticed(chromium, path, tmp_path):
    """The same, for a page whose policy forbids what it asks for, and for one without a policy."""
    source, twin = path.read_text(encoding="utf-8"), tmp_path / "twin.html"
    image = '<img src="http://127.0.0.1:9/pixel.png" alt="">'
    twin.write_text(source.replace("<main>", f"<main>{image}"), encoding="utf-8")
    addresses, console = requests_of(chromium, twin, tmp_path)
    assert not [a for a in addresses if "pixel" in a]
    assert any("Content Security Policy" in line for line in console)
    free = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", source)
    twin.write_text(free.replace("<main>", f"<main>{image}"), encoding="utf-8")
    addresses, _ = requests_of(chromium, twin, tmp_path)
    assert [a for a in addresses if "pixel" in a]


@pytest.mark.parametrize("width", [DESKTOP, 500])
def test_the_page_fits_its_window(chromium, path, width):
    seen = measure(chromium, path, width=width)
    assert seen["width"] <= width
    assert seen["headings"] == SECTIONS
    for name, left, _, figure_width, height, complete in seen["figures"]:
        assert complete, name
        assert left >= 0
        assert figure_width > 30
        assert height > 30


@pytest.mark.parametrize(("options", "is_dark"), [((), False), ((DARK,), True)])
def test_texts_can_be_read_in_light_and_dark(chromium, path, options, is_dark):
    """Oracle: the contrast of 4.5 that WCAG 2 asks for at level AA, of the computed colors."""
    seen = measure(chromium, path, *options)
    assert (luminance(seen["background"]) < 0.2) == is_dark
    assert len(seen["colors"]) > 100
    low = {c for c in seen["colors"] if contrast(c, seen["background"]) < 4.5}
    assert not low


def test_the_screenshot_has_ink_in_both_themes(chromium, path, tmp_path):
    shares = []
    for options in ((), (DARK,)):
        picture = tmp_path / "page.png"
        chromium(*options, f"--screenshot={picture}", path.as_uri())
        pixels = np.asarray(Image.open(picture).convert("L"), float)
        shares.append(float(np.mean(np.abs(pixels - np.median(pixels)) > 60)))
    assert all(0.005 < share < 0.3 for share in shares)


def test_the_page_can_be_printed(chromium, path, tmp_path):
    """Oracle: the format of the file."""
    file = tmp_path / "page.pdf"
    chromium(DARK, "--no-pdf-header-footer", f"--print-to-pdf={file}", path.as_uri())
    assert file.read_bytes().startswith(b"%PDF")
    assert 20_000 < file.stat().st_size < 3_000_000
