"""Chromium as the reader of a page: what it computes, reports and shows."""

import html
import io
import json
import re
import shutil
import subprocess

import pytest
from PIL import Image

ERRORS = """<script>
const problems = [], report = text => problems.push(String(text));
window.addEventListener("error", event => report(event.message));
window.addEventListener("unhandledrejection", event => report(event.reason));
document.addEventListener("securitypolicyviolation", event => report(event.blockedURI));
console.error = report;
const send = result => {
  const seen = document.createElement("pre");
  seen.id = "seen";
  seen.textContent = JSON.stringify({problems, result});
  document.body.append(seen);
};
</script>"""


def require_chromium():
    """Return the path of Chromium; without it, skip the test."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("Chromium is not installed")
    return chromium


def _run(folder, address, *options):
    command = [require_chromium(), "--headless", "--no-sandbox", "--disable-gpu"]
    command += ["--virtual-time-budget=10000", f"--user-data-dir={folder / 'profile'}"]
    return subprocess.run(
        [*command, *options, address], capture_output=True, text=True, timeout=120, check=True
    ).stdout


def run_script(file, folder, script, fragment=""):
    """Open a page, run a script that calls send(value), and return (problems, value).

    Problems are errors of scripts, messages of console.error, and requests that the page's
    own policy refused.
    """
    copy = folder / f"probe-{file.name}"
    text = file.read_text(encoding="utf-8").replace("<head>", f"<head>{ERRORS}", 1)
    copy.write_text(text.replace("</body>", f"<script>{script}</script></body>"), encoding="utf-8")
    dom = _run(folder, copy.as_uri() + fragment, "--dump-dom")
    (seen,) = re.findall(r'<pre id="seen">(.*?)</pre>', dom, re.S)
    answer = json.loads(html.unescape(seen))
    return answer["problems"], answer["result"]


def take_screenshot(file, folder, fragment="", *, dark=False, size=(900, 800)):
    """Return the picture of a page, as a reader with a light or dark system sees it."""
    picture = folder / f"{file.stem}.png"
    options = [f"--screenshot={picture}", f"--window-size={size[0]},{size[1]}"]
    options += ["--blink-settings=preferredColorScheme=0"] if dark else []
    _run(folder, file.as_uri() + fragment, *options)
    return Image.open(io.BytesIO(picture.read_bytes())).convert("RGB")
