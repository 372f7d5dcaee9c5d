import { html, useEffect, useRef } from "../vendor/htm-preact-standalone.mjs";
import { fillImage } from "./colors.mjs";
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

function drawImage(canvas, values) {
  const [height, width] = values.shape;
  const image = new ImageData(width, height);
  fillImage(new Uint32Array(image.data.buffer), values);
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d").putImageData(image, 0, 0);
}
