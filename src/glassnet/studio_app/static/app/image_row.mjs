import { html, useEffect, useRef } from "../vendor/htm-preact-standalone.mjs";
import { useRows } from "./row_details.mjs";
import { useDrawing, useStore } from "./store.mjs";

/** The image of the row that is looked at: the first test row at the start. */
export function ImageRow() {
  const canvas = useRef();
  const { row, press, show } = useRows();
  const start = useStore(({ state }) => (state.data.n_test > 0 ? state.data.n_train : 0));
  useEffect(() => {
    if (row === null) show(start);
  }, [row === null, start]);
  useDrawing(({ arrays }) => arrays.row_image && drawImage(canvas.current, arrays.row_image));
  return html`<canvas
    ref=${canvas}
    class="image-row"
    data-testid="row_image"
    data-arrows
    tabindex="0"
    role="application"
    aria-label=${`Image of row ${row === null ? "" : row + 1}. Arrow keys go from row to row.`}
    onKeyDown=${press}
  ></canvas>`;
}

/** Draw an image (h, w) or (h, w, channels) with its smallest value black and its largest white. */
function drawImage(canvas, values) {
  const [height, width, channels = 1] = values.shape;
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) {
      const value = values[i * channels + Math.min(c, channels - 1)];
      image.data[4 * i + c] = (255 * (value - low)) / (high - low || 1);
    }
    image.data[4 * i + 3] = 255;
  }
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d").putImageData(image, 0, 0);
}
