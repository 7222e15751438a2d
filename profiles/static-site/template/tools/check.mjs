// Checks the whole site without any package: scripts parse, the page is well-formed and accessible, links and files
// exist, styles are consistent. Prints one line per problem and exits with 1 if there is any.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseHtml } from "../tests/support/html.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const skipped = new Set([".git", ".smaker", "node_modules", "reports"]);
const problems = [];

function report(file, line, message) {
  problems.push(`${relative(root, file)}:${line}: ${message}`);
}

function* files(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (skipped.has(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* files(path);
    else if (entry.isFile()) yield path;
  }
}

function checkText(file, source) {
  source.split("\n").forEach((line, index) => {
    if (/[ \t]$/.test(line)) report(file, index + 1, "white space at the end of the line");
    if (line.includes("\t")) report(file, index + 1, "a tab; indent with spaces");
    if (line.length > 140 && !file.endsWith(".html")) report(file, index + 1, `${line.length} characters in a line; keep to 140`);
  });
  if (!source.endsWith("\n")) report(file, source.split("\n").length, "no line end at the end of the file");
}

function checkScript(file) {
  const checked = spawnSync(process.execPath, ["--check", file], { encoding: "utf8" });
  if (checked.status !== 0) {
    const line = /:(\d+)\n/.exec(checked.stderr)?.[1] ?? 1;
    report(file, line, /^\w*Error: .*$/m.exec(checked.stderr)?.[0] ?? "does not parse");
  }
}

function checkStyles(file, source) {
  const plain = source.replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, " "));
  const lineOf = (index) => plain.slice(0, index).split("\n").length;
  const count = (letter) => plain.split(letter).length - 1;
  if (count("{") !== count("}")) report(file, 1, `${count("{")} opening and ${count("}")} closing braces`);
  const defined = new Set([...plain.matchAll(/(--[\w-]+)\s*:/g)].map((match) => match[1]));
  for (const match of plain.matchAll(/var\(\s*(--[\w-]+)/g)) {
    if (!defined.has(match[1])) report(file, lineOf(match.index), `${match[1]} is used and never defined`);
    defined.add(match[1]);
  }
}

function checkPage(file, source) {
  const { document, errors } = parseHtml(source);
  for (const { line, message } of errors) report(file, line, message);
  const all = document.querySelectorAll("*");
  const ids = new Map();
  for (const element of all) {
    if (!element.id) continue;
    if (ids.has(element.id)) report(file, element.line, `the id ${element.id} is used twice`);
    ids.set(element.id, element);
  }
  if (!document.documentElement?.lang) report(file, 1, "<html> has no language");
  if (!document.title) report(file, 1, "the page has no title");
  if (!document.querySelector('meta[name="viewport"]')) report(file, 1, "the page has no viewport for small screens");
  if (!document.querySelector('meta[name="description"]')) report(file, 1, "the page has no description");
  if (document.querySelectorAll("h1").length !== 1) report(file, 1, "the page needs exactly one <h1>");
  checkHeadings(file, document);
  for (const element of all) checkElement(file, element, ids);
}

function checkHeadings(file, document) {
  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    const next = Number(heading.localName[1]);
    if (next > level + 1) report(file, heading.line, `<h${next}> follows <h${level}>; do not leave levels out`);
    level = next;
  }
}

function checkElement(file, element, ids) {
  for (const name of ["aria-labelledby", "aria-describedby", "aria-controls", "for"]) {
    for (const id of (element.getAttribute(name) ?? "").split(/\s+/).filter(Boolean)) {
      if (!ids.has(id)) report(file, element.line, `${name} names the id ${id}, which does not exist`);
    }
  }
  const hidden = element.closest('[aria-hidden="true"]');
  if (element.localName === "img" && !element.hasAttribute("alt")) report(file, element.line, "an image without alt text");
  if (["input", "select", "textarea"].includes(element.localName) && element.type !== "hidden" && !hidden) {
    const named = element.labels.length > 0 || element.getAttribute("aria-label") || element.getAttribute("aria-labelledby");
    if (!named) report(file, element.line, `<${element.localName}> has no label`);
  }
  if (["a", "button"].includes(element.localName)) {
    const name = element.textContent.trim() || element.getAttribute("aria-label") || element.getAttribute("aria-labelledby");
    if (!name) report(file, element.line, `<${element.localName}> has no name`);
  }
  for (const address of [element.href, element.src]) {
    if (address.startsWith("#")) {
      if (address.length > 1 && !ids.has(address.slice(1))) report(file, element.line, `nothing has the id of the link ${address}`);
    } else if (address && !/^[a-z][a-z0-9+.-]*:/i.test(address)) {
      const target = join(root, address.replace(/[?#].*$/, ""));
      if (!existsSync(target)) report(file, element.line, `${address} does not exist`);
    }
  }
}

for (const file of files(root)) {
  const kind = /\.(css|html|js|mjs|svg|md)$/.exec(file)?.[1];
  if (!kind) continue;
  const source = readFileSync(file, "utf8");
  if (kind !== "md") checkText(file, source);
  if (kind === "js" || kind === "mjs") checkScript(file);
  if (kind === "css") checkStyles(file, source);
  if (kind === "html") checkPage(file, source);
}
for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? "No problems found." : `${problems.length} problems found.`);
process.exitCode = problems.length === 0 ? 0 : 1;
