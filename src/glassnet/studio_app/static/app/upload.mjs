import { html, useEffect, useRef, useState } from "../vendor/htm-preact-standalone.mjs";
import { formatNumber } from "./numbers.mjs";
import { useHidden, useStudio } from "./store.mjs";

const SUFFIXES = ".csv,.tsv,.txt,.parquet,.feather,.arrow";
const MIB = 2 ** 20;

/**
 * A table of the user: by file choice, or dropped anywhere on the page.
 * @param {{limit: number, children: object}} properties the largest number of bytes, and what stands
 *   beside the button.
 */
export function Upload({ limit, children }) {
  const { send } = useStudio();
  const [problem, setProblem] = useState("");
  const [isOver, setOver] = useState(false);
  const zone = useRef();
  const read = async (file) => {
    if (!file) return;
    if (file.size > limit) {
      setProblem(
        `${file.name} has ${formatNumber(file.size / MIB, 3)} MiB. The page takes files of up to ` +
          `${formatNumber(limit / MIB, 3)} MiB. For larger ones, start "glassnet studio FILE".`,
      );
      return;
    }
    setProblem("");
    let bytes;
    try {
      bytes = new Uint8Array(await file.arrayBuffer());
    } catch {
      setProblem(`The browser cannot read ${file.name}. It may be a folder: choose a file.`);
      return;
    }
    send({ type: "upload", name: file.name, target: null }, bytes);
  };
  useDrop(zone, read, setOver);
  if (useHidden("data.upload")) return children && html`<div>${children}</div>`;
  return html`<div ref=${zone} class=${isOver ? "upload over" : "upload"}>
    <h3>Your own data</h3>
    <label class="button">
      <input
        class="hidden"
        type="file"
        accept=${SUFFIXES}
        data-testid="file"
        onChange=${(event) => {
          read(event.currentTarget.files[0]);
          event.currentTarget.value = "";
        }}
      />
      Open a table…
    </label>
    ${children}
    <span class="hint">or drop a CSV file on this page. It stays on this computer.</span>
    ${problem && html`<p class="problem" role="alert">${problem}</p>`}
  </div>`;
}

/** Read the file that is dropped anywhere on the page: a browser would open it instead. */
function useDrop(zone, read, setOver) {
  const latest = useRef();
  latest.current = read;
  useEffect(() => {
    const page = zone.current?.closest(".glassnet-studio");
    if (!page) return undefined;
    const over = (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event) => {
      if (!page.contains(event.relatedTarget)) setOver(false);
    };
    const drop = (event) => {
      event.preventDefault();
      setOver(false);
      latest.current(event.dataTransfer.files[0]);
    };
    page.addEventListener("dragover", over);
    page.addEventListener("dragleave", leave);
    page.addEventListener("drop", drop);
    return () => {
      page.removeEventListener("dragover", over);
      page.removeEventListener("dragleave", leave);
      page.removeEventListener("drop", drop);
    };
  }, [zone, setOver]);
}
