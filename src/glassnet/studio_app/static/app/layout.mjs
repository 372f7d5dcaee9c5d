import { html, render } from "../vendor/htm-preact-standalone.mjs";
import { Banner } from "./banner.mjs";
import { DataControls } from "./data_controls.mjs";
import { Doctor } from "./doctor.mjs";
import { Help } from "./help.mjs";
import { Landscape } from "./landscape.mjs";
import { Network } from "./network.mjs";
import { NetworkControls } from "./network_controls.mjs";
import { NeuronDetails } from "./neuron.mjs";
import { Output } from "./output.mjs";
import { Presets } from "./presets.mjs";
import { createReceiver } from "./receive.mjs";
import { Share, readLink } from "./share.mjs";
import { StudioContext, createStore, useHidden, useStore, useStudio } from "./store.mjs";
import { TimeBar } from "./time_bar.mjs";
import { TrainingControls } from "./training_controls.mjs";
import { START_VIEW } from "./view.mjs";
import { StartWalk, Walk } from "./walk.mjs";

/** A titled part of the page, unless the lesson hides it; `beside` stands in the line of the title. */
function Part({ name, title, beside, children }) {
  if (useHidden(name)) return null;
  return html`<section class="part part-${name}" aria-labelledby="part-${name}">
    <div class="part-head">
      <h2 id="part-${name}" tabindex="-1">${title}</h2>
      ${beside}
    </div>
    ${children}
  </section>`;
}

function Studio() {
  const title = useStore(({ lesson }) => lesson?.title ?? null);
  const isReady = useStore(({ state }) => state !== null);
  return html`
    <header class="top">
      <h1>${title ?? html`Glassnet <span>studio</span>`}</h1>
      <div class="top-actions"><${ToData} /><${Presets} /><${Share} /><${Help} /></div>
    </header>
    <${Banner} />
    ${isReady ? html`<${Body} />` : html`<${Waiting} />`}
  `;
}

/** What the session does before there is anything to show. */
function Waiting() {
  const busy = useStore((content) => content.busy);
  return busy && html`<p class="message banner" role="status">${busy}</p>`;
}

/** A button to the data, which are far below the network on a small screen. */
function ToData() {
  const { root } = useStudio();
  const isReady = useStore(({ state }) => state !== null);
  if (useHidden("data") || !isReady) return null;
  const show = () => {
    const title = root.querySelector(".part-data h2");
    title.scrollIntoView();
    title.focus({ preventScroll: true });
  };
  return html`<button class="to-data" data-testid="to_data" onClick=${show}>Data</button>`;
}

function Body() {
  const isTimeHidden = useHidden("time");
  return html`
    ${!isTimeHidden && html`<div class="time"><${TimeBar} /></div>`}
    <main class="columns">
      <${Part} name="training" title="Training"><${TrainingControls} /><//>
      <div class="column column-data">
        <${Part} name="data" title="Data"><${DataControls} /><//>
      </div>
      <div class="column column-network">
        <${Part} name="network" title="Network" beside=${html`<${NetworkControls} />`}>
          <${StartWalk} />
          <${Network} />
          <${Walk} />
          <${NeuronDetails} />
        <//>
        <${Part} name="landscape" title="Loss landscape"><${Landscape} /><//>
      </div>
      <div class="column column-output">
        <${Part} name="output" title="Output"><${Output} /><//>
        <${Part} name="doctor" title="Doctor"><${Doctor} /><//>
      </div>
    </main>
  `;
}

/**
 * Show the studio in an element.
 * @param {HTMLElement} root gets the class `glassnet-studio`.
 * @param {Function} connect connects to a session: see transport.mjs.
 * @param {{isNotebook?: boolean}} options a notebook has no address bar for the link.
 * @returns {() => void} a function that takes the page away.
 */
export function mount(root, connect, options = {}) {
  root.classList.add("glassnet-studio");
  const store = createStore();
  const receiver = createReceiver(store, (message) => transport.send(message), readLink);
  const transport = connect(receiver.receive, (status) => store.set({ status }));
  const send = (message, body) => {
    if (message.type === "open") store.set({ view: START_VIEW, edge: null, axes: [] });
    if (message.type !== "set_view") store.set({ error: null }); // it was about something before
    return transport.send(message, body);
  };
  const studio = { store, send, root, options, onPicture: receiver.onPicture };
  render(html`<${StudioContext.Provider} value=${studio}><${Studio} /><//>`, root);
  return () => {
    render(null, root);
    transport.close();
  };
}
