import { decodeFrame, encodeFrame } from "./frames.mjs";
import { mount } from "./layout.mjs";

/**
 * Return the function that connects a page to a session in the kernel of a notebook.
 *
 * All views of a widget receive all messages, so that a view ignores the welcome of another.
 * @param {object} model the widget's model: https://anywidget.dev/en/afm
 * @returns {Function} see `connect` in transport.mjs
 */
export function connectTo(model) {
  return (onMessage, onStatus) => {
    const view = crypto.randomUUID();
    let isWelcome = false;

    function receive(content, buffers) {
      if (content.view !== undefined && content.view !== view) return;
      if (content.view === view) {
        isWelcome = true;
        onStatus({ state: "open", attempts: 0 });
      }
      if (!isWelcome) return;
      if (content.text !== undefined) onMessage(JSON.parse(content.text), {});
      else {
        const { header, arrays } = decodeFrame(copyBytes(buffers[0]));
        onMessage(header, arrays);
      }
    }

    function send(message, body) {
      if (body) model.send({ frame: true }, undefined, [encodeFrame(message, body).buffer]);
      else model.send({ text: JSON.stringify(message) });
      return true;
    }

    onStatus({ state: "connecting", attempts: 0 });
    model.on("msg:custom", receive);
    model.send({ hello: view });
    return {
      send,
      close() {
        model.off("msg:custom", receive);
        model.send({ bye: view });
      },
    };
  };
}

/** Return the bytes of a DataView as an ArrayBuffer of their own, in which arrays are aligned. */
function copyBytes({ buffer, byteOffset, byteLength }) {
  return buffer.slice(byteOffset, byteOffset + byteLength);
}

/** Keep keys from the notebook, in which a inserts a cell; it still gets Ctrl+S and the like. */
function keepKey(event) {
  if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
}

/** Show the studio in the output of a cell: the function that anywidget calls. */
export function render({ model, el }) {
  const root = document.createElement("div");
  root.addEventListener("keydown", keepKey);
  el.append(root);
  return mount(root, connectTo(model), { isNotebook: true });
}
