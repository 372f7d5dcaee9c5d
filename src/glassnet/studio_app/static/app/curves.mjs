import uPlot from "../vendor/uplot.mjs";
import { html, useEffect, useRef, useState } from "../vendor/htm-preact-standalone.mjs";
import { readTheme, useColorScheme } from "./canvas.mjs";
import { capitalize, nameOfScore } from "./names.mjs";
import { formatNumber } from "./numbers.mjs";
import { useHidden, useStore, useStudio } from "./store.mjs";

const HEIGHT = 130;
const DRAW_INTERVAL = 100; // ms

/** Loss and score of training and test rows over the steps. */
export function Curves() {
  const [isLog, setLog] = useState(false);
  const scoreName = useStore(({ state }) => nameOfScore(state.score_name));
  if (useHidden("output.curves")) return null;
  return html`<div class="curves">
    <div class="row">
      <h3>Loss</h3>
      <label class="check">
        <input
          type="checkbox"
          data-testid="log_scale"
          checked=${isLog}
          onChange=${() => setLog(!isLog)}
        />
        <span>logarithmic</span>
      </label>
    </div>
    <${Chart}
      key=${`loss ${isLog}`}
      name="loss"
      title="Loss"
      columns=${["trainLoss", "testLoss"]}
      isLog=${isLog}
    />
    ${
      scoreName &&
      html`<h3>${capitalize(scoreName)}</h3>
      <${Chart}
        name="score"
        title=${capitalize(scoreName)}
        columns=${["trainScore", "testScore"]}
      />`
    }
  </div>`;
}

function Chart({ name, title, columns, isLog = false }) {
  const { store } = useStudio();
  const element = useRef();
  const [values, setValues] = useState([null, null, null]);
  const scheme = useColorScheme();
  useEffect(() => {
    const plot = new uPlot(
      makeOptions(element.current, { isLog, onCursor: read }),
      [[], [], []],
      element.current,
    );
    let timer = 0;
    let shown = null;
    function read() {
      const at = plot.cursor.idx ?? plot.data[0].length - 1;
      setValues(plot.data.map((column) => column[at] ?? null));
    }
    const draw = () => {
      timer = 0;
      shown = store.get().curve;
      const keep = (value) => (Number.isFinite(value) && (!isLog || value > 0) ? value : null);
      plot.setData([shown.step, ...columns.map((column) => shown[column].map(keep))]);
      read();
    };
    const schedule = () => {
      if (store.get().curve !== shown && !timer) timer = setTimeout(draw, DRAW_INTERVAL);
    };
    draw();
    const unsubscribe = store.subscribe(schedule);
    const observer = new ResizeObserver(() =>
      plot.setSize({ width: element.current.clientWidth, height: HEIGHT }),
    );
    observer.observe(element.current);
    return () => {
      unsubscribe();
      clearTimeout(timer);
      observer.disconnect();
      plot.destroy();
    };
  }, [store, isLog, scheme]);
  const [step, train, test] = values;
  return html`<div class="chart">
    <div
      ref=${element}
      role="img"
      aria-label=${`${title} over the steps`}
    ></div>
    <p class="legend">
      <span>step <span class="number">${step ?? ""}</span></span>
      <span><span class="dash solid"></span>training <span
        class="number"
        data-testid=${`train_${name}`}
        data-value=${train}
      >${formatNumber(train)}</span></span>
      <span><span class="dash dotted"></span>test <span
        class="number"
        data-testid=${`test_${name}`}
        data-value=${test}
      >${formatNumber(test)}</span></span>
    </p>
  </div>`;
}

function makeOptions(element, { isLog, onCursor }) {
  const theme = readTheme(element);
  const axis = {
    stroke: theme["text-soft"],
    font: "12px system-ui, sans-serif",
    grid: { stroke: theme.line, width: 1 },
    ticks: { stroke: theme.line, width: 1, size: 4 },
  };
  const label = (plot, ticks) => ticks.map((tick) => (tick === null ? "" : formatNumber(tick, 3)));
  const points = { show: (plot) => plot.data[0].length === 1 }; // alone, it makes no line
  return {
    width: element.clientWidth || 300,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: { x: { time: false }, y: isLog ? { distr: 3 } : {} },
    axes: [
      { ...axis, size: 26, values: label },
      { ...axis, size: 52, values: label },
    ],
    series: [
      {},
      { stroke: theme.text, width: 1.75, points },
      { stroke: theme.accent, width: 1.75, dash: [5, 4], points },
    ],
    hooks: { setCursor: [onCursor] },
  };
}
