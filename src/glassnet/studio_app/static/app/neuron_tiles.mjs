import { html, useRef, useState } from "../vendor/htm-preact-standalone.mjs";
import { useStudio } from "./store.mjs";
import { changeView } from "./view.mjs";

/** A button on each neuron; the arrow keys move between them. */
export function NeuronTiles({ plan, view, labels }) {
  const studio = useStudio();
  const buttons = useRef(new Map());
  const [focus, setFocus] = useState(null);
  const columns = plan.columns.filter(({ kind }) => kind === "dense");
  const isThere = columns.some(
    ({ layer, n }) => layer.name === focus?.layer && focus.unit < n,
  );
  const entry = isThere ? focus : { layer: columns[0]?.layer.name, unit: 0 };

  const point = (pointed) => studio.store.set({ pointed });

  function move(event, k, unit) {
    const steps = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
    if (!steps[event.key]) return;
    event.preventDefault();
    const [across, down] = steps[event.key];
    const column = columns[Math.max(0, Math.min(columns.length - 1, k + across))];
    const target = Math.max(0, Math.min(column.n - 1, unit + down));
    setFocus({ layer: column.layer.name, unit: target });
    buttons.current.get(`${column.layer.name}-${target}`).focus();
  }

  return columns.map(({ layer, tiles, hasBiasText }, k) =>
    tiles.map(({ x, y, size, unit }) => {
      const key = `${layer.name}-${unit}`;
      const isSelected = view.layer === layer.name && view.unit === unit;
      const style = { left: `${x}px`, top: `${y}px`, width: `${size}px`, height: `${size}px` };
      return html`<button
          key=${key}
          type="button"
          class="tile"
          data-testid=${`neuron-${key}`}
          aria-label=${`${layer.name}, neuron ${unit}`}
          aria-pressed=${isSelected}
          tabindex=${entry.layer === layer.name && entry.unit === unit ? 0 : -1}
          style=${style}
          ref=${(button) => buttons.current.set(key, button)}
          onKeyDown=${(event) => move(event, k, unit)}
          onPointerEnter=${() => point({ layer: layer.name, unit })}
          onPointerLeave=${() => point(null)}
          onBlur=${() => point(null)}
          onFocus=${({ currentTarget }) => {
            setFocus({ layer: layer.name, unit });
            if (currentTarget.matches(":focus-visible")) point({ layer: layer.name, unit });
          }}
          onClick=${() => changeView(studio, isSelected
            ? { layer: null, unit: 0 }
            : { layer: layer.name, unit })}
        ></button>
        <span
          key=${`bias-${key}`}
          class=${hasBiasText ? "bias" : "hidden"}
          data-testid=${`bias-${key}`}
          style=${{ left: `${x + 8}px`, top: `${y + size + 1}px` }}
          ref=${(label) => label ? labels.set(key, label) : labels.delete(key)}
        ></span>`;
    }),
  );
}
