import { html } from "../vendor/htm-preact-standalone.mjs";
import { Dialog } from "./dialog.mjs";
import { KEYS } from "./keys.mjs";
import { useStore, useStudio } from "./store.mjs";

/** A button that opens the list of keys and what the colours mean. */
export function Help() {
  const { store } = useStudio();
  const isOpen = useStore((content) => content.isHelpOpen);
  return html`
    <button
      data-testid="help"
      title="Key: ?"
      onClick=${() => store.set({ isHelpOpen: true })}
    >Help</button>
    ${
      isOpen &&
      html`<${Dialog} title="Help" onClose=${() => store.set({ isHelpOpen: false })}>
      <h3>Keys</h3>
      <table class="keys">
        <tbody>
          ${KEYS.map(
            ([keys, effect]) => html`<tr key=${keys}>
              <th scope="row">${keys}</th>
              <td>${effect}</td>
            </tr>`,
          )}
        </tbody>
      </table>
      <h3>Colours and shapes</h3>
      <ul>
        <li>
          Weights and neurons: blue is positive, orange is negative, white is zero. The thicker a
          line, the larger its weight.
        </li>
        <li>
          Output: each class has its colour. The stronger the colour, the surer the network. White
          is the boundary.
        </li>
        <li>
          Points: a circle is a training row, a square is a test row. The network never trains on
          test rows.
        </li>
        <li>Curves: a solid line is the training rows, a dashed line the test rows.</li>
      </ul>
      <h3>Words</h3>
      <ul>
        <li>Batch: the training rows of one step. The batch size says how many they are.</li>
        <li>Step: one change of the weights, from the gradient of one batch.</li>
        <li>Epoch: as many steps as it takes to use every training row once.</li>
        <li>Loss: how wrong the predictions are. Training makes it smaller.</li>
      </ul>
    <//>`
    }
  `;
}
