/** The link of a page: settings in the hash of its address. */

const START = "eyJ"; // of a link: '{"' in base64
const INCOMPLETE = "The link of this page cannot be read: a part of it is missing or was changed.";

/** Return whether the settings use data of the user, which no link stores. */
export function isPrivate(settings) {
  return settings.data?.name === "own";
}

/**
 * Return the hash of a link that opens these settings.
 * Data of the user are left out: the link opens the start data instead.
 */
export function encodeLink(settings) {
  const shared = isPrivate(settings) ? withoutOwnData(settings) : settings;
  const bytes = new TextEncoder().encode(JSON.stringify(shared));
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return `#${btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "")}`;
}

function withoutOwnData(settings) {
  const network = { ...settings.network, weights: undefined };
  return { ...settings, network, data: undefined, events: undefined, steps: undefined };
}

/**
 * Return what a hash asks for: {preset}, {settings}, or {} if it is empty or not a link, or
 * {problem}, a sentence, if a part of the link is missing.
 * @param {string} hash such as "#preset=xor" or the result of `encodeLink`
 */
export function decodeLink(hash) {
  const text = hash.replace(/^#/, "");
  if (!text) return {};
  if (text.startsWith("preset=")) return { preset: readComponent(text.slice("preset=".length)) };
  try {
    const binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    const settings = JSON.parse(new TextDecoder().decode(bytes));
    return settings !== null && typeof settings === "object" ? { settings } : {};
  } catch {
    return text.startsWith(START) ? { problem: INCOMPLETE } : {};
  }
}

function readComponent(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
