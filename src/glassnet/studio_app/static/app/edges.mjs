/** Edges of the network view: which are drawn, how, and which one is under the pointer. */

const MANY = 200; // of more weights between two layers only the strongest are drawn
const N_STRONGEST = 100;

const MAX_LINE = 7;
const MIN_LINE = 0.6;

/**
 * List the edges to be drawn, the weakest first.
 * @param {{gaps: object[]}} plan
 * @param {Float32Array} weights of the picture.
 * @param {Map<string, {what: string, numbers: Float32Array}>} walked numbers to show instead of the
 *   weights, by the name of the kernel: gradients or updates. The other edges are faint.
 * @returns {object[]} {weight, what, value, isFaint, x0, y0, x1, y1, line, unit, layer}
 */
export function listEdges(plan, weights, walked = new Map()) {
  return plan.gaps.flatMap((gap) => {
    const { name, offset, size } = gap.to.kernel;
    const instead = walked.get(name);
    const own = { what: "", numbers: weights.subarray(offset, offset + size), least: 1 };
    return listGap(gap, instead ?? own, walked.size > 0 && !instead);
  });
}

function listGap({ from, to }, { what, numbers, least = 0 }, isFaint) {
  const { shape, name } = to.kernel;
  const edges = [];
  for (const start of from.tiles)
    for (const end of to.tiles) {
      const value = numbers[start.unit * shape[1] + end.unit];
      edges.push({ start, end, value, size: Math.abs(value) });
    }
  edges.sort((a, b) => a.size - b.size);
  const scale = Math.max(least, edges.at(-1).size) || 1;
  return edges.slice(-countDrawn({ from, to })).map(({ start, end, value, size }) => ({
    weight: { name, index: [start.unit, end.unit] },
    layer: to.layer.name,
    unit: end.unit,
    what,
    isFaint,
    value,
    line: MIN_LINE + (MAX_LINE * size) / scale || MIN_LINE,
    x0: start.x + start.size,
    y0: start.y + start.size / 2,
    x1: end.x,
    y1: end.y + end.size / 2,
  }));
}

function countDrawn({ from, to }) {
  const n = from.n * to.n;
  return n > MANY ? N_STRONGEST : n;
}

/** Return how many weights there are between the drawn layers, and how many of them are drawn. */
export function countEdges({ gaps }) {
  const sum = (values) => values.reduce((a, b) => a + b, 0);
  return { total: sum(gaps.map(({ to }) => to.kernel.size)), drawn: sum(gaps.map(countDrawn)) };
}

/** Draw an edge as a curve that leaves and arrives horizontally. */
export function strokeEdge(context, { x0, y0, x1, y1 }, width) {
  const middle = (x0 + x1) / 2;
  context.lineWidth = width;
  context.beginPath();
  context.moveTo(x0, y0);
  context.bezierCurveTo(middle, y0, middle, y1, x1, y1);
  context.stroke();
}

/** Return the height of an edge's curve at an x, or null beside it. */
export function edgeHeight({ x0, y0, x1, y1 }, x) {
  const share = (x - x0) / (x1 - x0);
  if (!(share >= 0 && share <= 1)) return null;
  let low = 0;
  let high = 1;
  for (let i = 0; i < 20; i++) {
    const t = (low + high) / 2;
    const reached = 1.5 * t * (1 - t) + t ** 3;
    if (reached < share) low = t;
    else high = t;
  }
  const t = (low + high) / 2;
  return y0 + (y1 - y0) * t * t * (3 - 2 * t);
}

/** Return the edge that is nearest to a point, or null if none is within a few pixels. */
export function pickEdge(edges, x, y) {
  let best = null;
  let bestDistance = 7;
  for (const edge of edges) {
    const height = edgeHeight(edge, x);
    if (height === null) continue;
    const distance = Math.abs(height - y) - edge.line / 2;
    if (distance <= bestDistance) {
      best = edge;
      bestDistance = distance;
    }
  }
  return best;
}
