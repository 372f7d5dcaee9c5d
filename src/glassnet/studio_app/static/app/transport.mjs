import { decodeFrame, encodeFrame } from "./frames.mjs";

const KEY = "glassnet-session";
const DELAYS = [200, 500, 1000, 2000, 5000];
const TAKEN_OVER = 4001;

/**
 * Connect to the server with a WebSocket, and again whenever the connection ends.
 *
 * The id of the session is in sessionStorage: a page that is loaded again, or a laptop that slept,
 * goes on with its session.
 * @param {(header: object, arrays: object) => void} onMessage
 * @param {(status: {state: "connecting"|"open"|"lost"|"replaced", attempts: number}) => void} onStatus
 * @returns {{send: (message: object, body?: Uint8Array) => boolean, close: () => void}} `send`
 *   returns whether there was a connection.
 */
export function connect(onMessage, onStatus) {
  let socket = null;
  let attempts = 0;
  let timer = 0;
  let session = sessionStorage.getItem(KEY) ?? "";

  function open() {
    const url = new URL("socket", document.baseURI);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    url.hash = "";
    url.search = `?session=${encodeURIComponent(session)}`;
    onStatus({ state: attempts ? "lost" : "connecting", attempts });
    socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    socket.onmessage = receive;
    socket.onclose = closed;
  }

  function receive({ data }) {
    const { header, arrays } =
      typeof data === "string" ? { header: JSON.parse(data), arrays: {} } : decodeFrame(data);
    if (header.type === "welcome") {
      attempts = 0;
      header.resumed = header.session === session;
      session = header.session;
      sessionStorage.setItem(KEY, session);
      onStatus({ state: "open", attempts });
    }
    onMessage(header, arrays);
  }

  function closed({ code }) {
    if (code === TAKEN_OVER) {
      onStatus({ state: "replaced", attempts: 0 });
      return;
    }
    timer = setTimeout(open, DELAYS[Math.min(attempts, DELAYS.length - 1)]);
    attempts += 1;
    onStatus({ state: "lost", attempts });
  }

  function send(message, body) {
    if (socket?.readyState !== WebSocket.OPEN) return false;
    socket.send(body ? encodeFrame(message, body) : JSON.stringify(message));
    return true;
  }

  open();
  return {
    send,
    close() {
      clearTimeout(timer);
      socket.onclose = null;
      socket.close();
    },
  };
}
