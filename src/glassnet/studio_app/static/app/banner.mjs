import { html } from "../vendor/htm-preact-standalone.mjs";
import { PresetText } from "./presets.mjs";
import { useStore, useStudio } from "./store.mjs";

const MANY_ATTEMPTS = 5;

/** What the user must know first: no connection, an error, or what the preset shows. */
export function Banner() {
  return html`<div>
    <${Connection} />
    <${ErrorMessage} />
    <${PresetText} />
  </div>`;
}

function Connection() {
  const { state, attempts } = useStore(({ status }) => status);
  const hasState = useStore((content) => content.state !== null);
  const { options } = useStudio();
  if (state === "open") return null;
  if (state === "replaced") {
    return html`<div class="message banner" role="alert" data-testid="connection">
      <p>
        This run is now in another tab. That tab goes on with it; this one shows the last picture
        that it got.
      </p>
      ${
        !options.isNotebook &&
        html`<button
          data-testid="take_over"
          onClick=${() => location.reload()}
        >Use it in this tab</button>`
      }
    </div>`;
  }
  if (state === "connecting") {
    return html`<p
      class="message banner"
      role="status"
      data-testid="connection"
    >Connecting to the studio.</p>`;
  }
  return html`<div class="message bad banner" role="alert" data-testid="connection">
    <p>
      The connection to the studio is lost. The page tries again.
      ${hasState && " The run is paused, and everything on this page stays."}
      ${
        attempts >= MANY_ATTEMPTS &&
        ` Perhaps the studio was ended: start it again with "glassnet studio --link" and the address
        of this page.`
      }
    </p>
  </div>`;
}

function ErrorMessage() {
  const { store } = useStudio();
  const error = useStore((content) => content.error);
  if (!error) return null;
  return html`<div class="message bad banner" role="alert" data-testid="error">
    <p>${error.message}</p>
    <button class="small" aria-label="Close the message" onClick=${() => store.set({ error: null })}>
      <span aria-hidden="true">✕</span>
    </button>
  </div>`;
}
