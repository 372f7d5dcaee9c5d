import { html } from "../vendor/htm-preact-standalone.mjs";
import { useStore, useStudio } from "./store.mjs";

/** A button that looks for mistakes, and a card for each finding. */
export function Doctor() {
  const { send } = useStudio();
  const message = useStore((content) => content.findings);
  const isBusy = useStore((content) => content.busy !== null);
  return html`
    <div class="row">
      <button
        data-testid="diagnose"
        disabled=${isBusy}
        onClick=${() => send({ type: "diagnose" })}
      >Diagnose</button>
      <span class="hint">Looks for mistakes in data, network and training.</span>
    </div>
    <div aria-live="polite" class="findings">
      ${
        message &&
        message.findings.length === 0 &&
        html`<p data-testid="no_findings">No mistake found in ${message.checked} checks.</p>`
      }
      ${message?.findings.map(
        (finding, index) =>
          html`<${Card}
            key=${`${index} ${finding.title}`}
            finding=${finding}
            index=${index}
            isBusy=${isBusy}
          />`,
      )}
    </div>
  `;
}

function Card({ finding, index, isBusy }) {
  const { send } = useStudio();
  const verification = useStore(({ verifications }) => verifications[index] ?? null);
  const isAlarm = finding.confidence === "alarm";
  return html`<article
    class=${`card finding ${isAlarm ? "alarm" : ""}`}
    data-testid=${`finding_${index}`}
  >
    <h3>${finding.title}</h3>
    <p>${finding.symptom} ${finding.consequence}</p>
    <p class="hint">Evidence: ${finding.evidence}</p>
    <p><b>Remedy:</b> ${finding.remedy}</p>
    ${
      finding.can_apply &&
      html`<div class="row">
      <button
        data-testid="apply"
        disabled=${isBusy}
        title="Change the settings and start again."
        onClick=${() => send({ type: "apply_remedy", finding: index })}
      >Apply</button>
      <button
        data-testid="verify"
        disabled=${isBusy}
        title="Train with and without the remedy, and compare."
        onClick=${() => send({ type: "verify_remedy", finding: index })}
      >Verify</button>
    </div>`
    }
    ${
      verification &&
      html`<p class=${verification.helped ? "helped" : "not-helped"} data-testid="verification">
      <b>${verification.helped ? "It helps." : "It does not help."}</b> ${verification.title}
    </p>`
    }
  </article>`;
}
