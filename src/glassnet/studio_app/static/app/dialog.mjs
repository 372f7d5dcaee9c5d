import { html, useLayoutEffect, useRef } from "../vendor/htm-preact-standalone.mjs";
import { useId } from "./fields.mjs";

/**
 * A window over the page; Escape closes it, and the focus goes back to where it was.
 * @param {{title: string, onClose: () => void}} properties
 */
export function Dialog({ title, onClose, children }) {
  const element = useRef();
  const id = useId();
  useLayoutEffect(() => {
    element.current.showModal();
    return () => element.current?.close();
  }, []);
  return html`<dialog ref=${element} aria-labelledby=${id} onClose=${onClose}>
    <div class="dialog-head">
      <h2 id=${id}>${title}</h2>
      <button
        class="small"
        data-testid="close"
        onClick=${() => element.current.close()}
      >Close</button>
    </div>
    <div class="dialog-body">${children}</div>
  </dialog>`;
}
