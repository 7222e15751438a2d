// Opens the site's page as a browser would: reads index.html, runs its module scripts, and lets a test act on it.
import { readFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { DomEvent, Target } from "./events.js";
import { parseHtml } from "./html.js";

export const root = new URL("../../", import.meta.url);

let opened = 0;

/** The entries of a form, in the shape of the browser's own. */
class PageFormData {
  #entries = [];

  constructor(form) {
    for (const field of form?.elements ?? []) {
      const box = ["checkbox", "radio"].includes(field.type);
      if (field.name && field.localName !== "button" && !field.disabled && (!box || field.checked)) {
        this.append(field.name, field.value);
      }
    }
  }

  append(name, value) {
    this.#entries.push([name, String(value)]);
  }

  delete(name) {
    this.#entries = this.#entries.filter(([other]) => other !== name);
  }

  get(name) {
    return this.#entries.find(([other]) => other === name)?.[1] ?? null;
  }

  has(name) {
    return this.get(name) !== null;
  }

  entries() {
    return this.#entries[Symbol.iterator]();
  }

  [Symbol.iterator]() {
    return this.entries();
  }
}

/**
 * Opens index.html with its scripts run.
 *
 * `respond` answers requests the page makes: (url, options) -> { ok, status }. The page returned has the document, and
 * what left it: `visited` (links and mail the page opened) and `requests` (what it fetched).
 */
export async function openPage({ respond = () => ({ ok: true, status: 200 }) } = {}) {
  const { document, errors } = parseHtml(await readFile(new URL("index.html", root), "utf8"));
  const visited = [];
  const requests = [];
  const window = new Target();
  document.defaultView = window;
  const location = {
    hash: "", pathname: "/", search: "",
    get href() { return "http://localhost/"; },
    set href(url) { visited.push(String(url)); },
    assign: (url) => visited.push(String(url)),
    replace: (url) => visited.push(String(url)),
  };
  const memory = new Map();
  const globals = {
    document,
    window,
    location,
    Event: DomEvent,
    CustomEvent: DomEvent,
    FormData: PageFormData,
    localStorage: {
      getItem: (key) => memory.get(key) ?? null,
      setItem: (key, value) => memory.set(key, String(value)),
      removeItem: (key) => memory.delete(key),
    },
    matchMedia: () => Object.assign(new Target(), { matches: false }),
    requestAnimationFrame: (callback) => setTimeout(callback, 0),
    IntersectionObserver: class { observe() {} unobserve() {} disconnect() {} },
    fetch: async (url, options = {}) => {
      requests.push({ url: String(url), ...options });
      return respond(String(url), options);
    },
  };
  Object.assign(window, globals, { open: (url) => visited.push(String(url)) });
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }

  opened += 1;
  for (const script of document.querySelectorAll('script[type="module"][src]')) {
    await import(new URL(`${script.getAttribute("src").replace(/^\//, "")}?opened=${opened}`, root).href);
  }
  document.readyState = "complete";
  document.dispatchEvent(new DomEvent("DOMContentLoaded", { bubbles: true }));
  window.dispatchEvent(new DomEvent("load"));
  return { document, errors, visited, requests, settle: () => wait(5) };
}

/** Types into a field as a person does, and leaves it. */
export function type(field, text) {
  field.focus();
  field.value = text;
  field.dispatchEvent(new DomEvent("input", { bubbles: true }));
  field.dispatchEvent(new DomEvent("change", { bubbles: true }));
  field.blur();
}

/** Presses a key on an element. */
export function press(element, key) {
  return element.dispatchEvent(new DomEvent("keydown", { key, bubbles: true, cancelable: true }));
}

/** Whether a person sees the element: neither it nor anything around it is hidden. */
export function isVisible(element) {
  for (let current = element; current?.localName; current = current.parentElement) {
    if (current.hidden || current.getAttribute("aria-hidden") === "true") return false;
  }
  return true;
}

/** The text of an element without runs of white space. */
export function textOf(element) {
  return element?.textContent.replace(/\s+/g, " ").trim() ?? "";
}

/** The name assistive technology reads for an element: its label, by reference, by attribute, or its text. */
export function nameOf(element) {
  const references = (element.getAttribute("aria-labelledby") ?? "").split(/\s+/).filter(Boolean);
  if (references.length > 0) {
    return references.map((id) => textOf(element.ownerDocument.getElementById(id))).join(" ").trim();
  }
  return element.getAttribute("aria-label") ?? (element.labels.map(textOf).join(" ") || textOf(element));
}
