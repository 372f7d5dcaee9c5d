/** Binary frames, as in frames.py: a JSON header and arrays in one message. */

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  uint8: Uint8Array,
};

const roundUp = (n) => Math.ceil(n / 8) * 8;

/**
 * Read a frame.
 * @param {ArrayBuffer} buffer
 * @returns {{header: object, arrays: Object<string, TypedArray>}} each array has a `shape`.
 */
export function decodeFrame(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const { arrays: entries, ...header } = JSON.parse(
    new TextDecoder().decode(new Uint8Array(buffer, 4, length)),
  );
  const start = roundUp(4 + length);
  const arrays = {};
  for (const { name, dtype, shape, offset } of entries) {
    const size = shape.reduce((product, n) => product * n, 1);
    const array = new ARRAYS[dtype](buffer, start + offset, size);
    array.shape = shape;
    arrays[name] = array;
  }
  return { header, arrays };
}

/**
 * Write a frame whose body is a file.
 * @param {object} message
 * @param {Uint8Array} body
 * @returns {Uint8Array}
 */
export function encodeFrame(message, body) {
  const text = new TextEncoder().encode(JSON.stringify(message));
  const start = roundUp(4 + text.length);
  const frame = new Uint8Array(start + body.length);
  new DataView(frame.buffer).setUint32(0, text.length, true);
  frame.set(text, 4);
  frame.set(body, start);
  return frame;
}
