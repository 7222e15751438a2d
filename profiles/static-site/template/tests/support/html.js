// Reads HTML into the document object model of dom.js and notes where it is not well-formed.
import { Document, Text } from "./dom.js";

const VOID = new Set("area base br col embed hr img input link meta source track wbr".split(" "));
const RAW = new Set(["script", "style", "textarea", "title"]);
const ENTITIES = {
  amp: "&", apos: "'", copy: "©", euro: "€", gt: ">", hellip: "…", laquo: "«", ldquo: "“", lsquo: "‘", lt: "<",
  mdash: "—", middot: "·", nbsp: "\u00a0", ndash: "–", pound: "£", quot: '"', raquo: "»", rarr: "→", rdquo: "”",
  rsquo: "’", times: "×",
};
const TAG = /<!--[\s\S]*?-->|<!doctype[^>]*>|<(\/?)([a-zA-Z][\w:-]*)((?:"[^"]*"|'[^']*'|[^'">])*)>/gi;
const ATTRIBUTE = /([^\s=/"'<>]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+)))?/g;

/** Returns { document, errors }; an error is { line, message }. */
export function parseHtml(source) {
  const document = new Document();
  const errors = [];
  let current = document;
  let position = 0;
  const lineOf = (index) => source.slice(0, index).split("\n").length;
  const fail = (index, message) => errors.push({ line: lineOf(index), message });
  const addText = (text) => {
    if (text !== "") current.append(new Text(decode(text)));
  };

  TAG.lastIndex = 0;
  for (let match = TAG.exec(source); match; match = TAG.exec(source)) {
    addText(source.slice(position, match.index));
    position = TAG.lastIndex;
    const [, closing, written, attributes] = match;
    if (!written) continue;
    const name = written.toLowerCase();
    if (closing) {
      const opened = current.closest(name);
      if (current.localName !== name) fail(match.index, `</${name}> does not close <${current.localName}>`);
      if (opened) current = opened.parentNode;
      continue;
    }
    const element = document.createElement(name);
    element.line = lineOf(match.index);
    for (const [, key, double, single, bare] of attributes.replace(/\/\s*$/, "").matchAll(ATTRIBUTE)) {
      if (element.hasAttribute(key)) fail(match.index, `<${name}> has two attributes ${key}`);
      element.setAttribute(key, decode(double ?? single ?? bare ?? ""));
    }
    current.append(element);
    if (VOID.has(name) || /\/\s*$/.test(attributes)) continue;
    if (RAW.has(name)) {
      const end = source.toLowerCase().indexOf(`</${name}`, position);
      if (end < 0) fail(match.index, `<${name}> is never closed`);
      const text = source.slice(position, end < 0 ? source.length : end);
      element.append(new Text(name === "script" || name === "style" ? text : decode(text)));
      position = end < 0 ? source.length : source.indexOf(">", end) + 1;
      TAG.lastIndex = position;
      continue;
    }
    current = element;
  }
  addText(source.slice(position));
  for (; current !== document; current = current.parentNode) {
    errors.push({ line: current.line, message: `<${current.localName}> is never closed` });
  }
  return { document, errors };
}

function decode(text) {
  return text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (whole, decimal, hex, name) => {
    if (name) return ENTITIES[name] ?? whole;
    return String.fromCodePoint(decimal ? Number(decimal) : Number.parseInt(hex, 16));
  });
}
