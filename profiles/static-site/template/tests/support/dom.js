// A small document object model, enough to run the site's own scripts against the site's own HTML without a browser.
import { DomEvent, Target } from "./events.js";
import { matches } from "./selectors.js";

export class Text {
  parentNode = null;

  constructor(data) {
    this.data = String(data);
  }

  get textContent() {
    return this.data;
  }
}

const REFLECTED = ["id", "name", "title", "type", "href", "src", "alt", "lang", "method", "target", "rel"];
const SWITCHES = { hidden: "hidden", disabled: "disabled", required: "required", noValidate: "novalidate", open: "open" };
const FIELDS = new Set(["input", "select", "textarea", "button"]);

export class Element extends Target {
  parentNode = null;
  childNodes = [];
  #attributes = new Map();
  #value = null;
  #checked = null;
  style = { setProperty(name, value) { this[name] = value; }, removeProperty(name) { delete this[name]; } };

  constructor(localName, ownerDocument) {
    super();
    this.localName = localName;
    this.ownerDocument = ownerDocument;
  }

  get tagName() {
    return this.localName.toUpperCase();
  }

  // --- attributes

  getAttribute(name) {
    return this.#attributes.get(name.toLowerCase()) ?? null;
  }

  setAttribute(name, value) {
    this.#attributes.set(name.toLowerCase(), String(value));
  }

  removeAttribute(name) {
    this.#attributes.delete(name.toLowerCase());
  }

  hasAttribute(name) {
    return this.#attributes.has(name.toLowerCase());
  }

  toggleAttribute(name, force = !this.hasAttribute(name)) {
    if (force) this.setAttribute(name, this.getAttribute(name) ?? "");
    else this.removeAttribute(name);
    return force;
  }

  getAttributeNames() {
    return [...this.#attributes.keys()];
  }

  get className() {
    return this.getAttribute("class") ?? "";
  }

  set className(value) {
    this.setAttribute("class", value);
  }

  get classList() {
    const names = () => this.className.split(/\s+/).filter(Boolean);
    const write = (list) => this.setAttribute("class", [...new Set(list)].join(" "));
    return {
      add: (...added) => write([...names(), ...added]),
      remove: (...removed) => write(names().filter((name) => !removed.includes(name))),
      contains: (name) => names().includes(name),
      toggle: (name, force = !names().includes(name)) => {
        write(force ? [...names(), name] : names().filter((other) => other !== name));
        return force;
      },
    };
  }

  get dataset() {
    const attribute = (key) => `data-${String(key).replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    return new Proxy({}, {
      get: (_, key) => this.getAttribute(attribute(key)) ?? undefined,
      set: (_, key, value) => (this.setAttribute(attribute(key), value), true),
      has: (_, key) => this.hasAttribute(attribute(key)),
      deleteProperty: (_, key) => (this.removeAttribute(attribute(key)), true),
    });
  }

  // --- the tree

  get children() {
    return this.childNodes.filter((node) => node instanceof Element);
  }

  get parentElement() {
    return this.parentNode instanceof Element ? this.parentNode : null;
  }

  get eventParent() {
    return this.parentNode ?? null;
  }

  get firstElementChild() {
    return this.children[0] ?? null;
  }

  get nextElementSibling() {
    const siblings = this.parentNode?.children ?? [];
    return siblings[siblings.indexOf(this) + 1] ?? null;
  }

  get previousElementSibling() {
    const siblings = this.parentNode?.children ?? [];
    return siblings[siblings.indexOf(this) - 1] ?? null;
  }

  get textContent() {
    return this.childNodes.map((node) => node.textContent).join("");
  }

  set textContent(value) {
    this.replaceChildren(...(value === "" || value === null ? [] : [value]));
  }

  append(...nodes) {
    for (const node of nodes) this.#insert(node, this.childNodes.length);
  }

  prepend(...nodes) {
    nodes.forEach((node, index) => this.#insert(node, index));
  }

  appendChild(node) {
    this.append(node);
    return node;
  }

  insertBefore(node, reference) {
    this.#insert(node, reference ? this.childNodes.indexOf(reference) : this.childNodes.length);
    return node;
  }

  after(...nodes) {
    for (const node of nodes.toReversed?.() ?? [...nodes].reverse()) {
      this.parentNode.insertBefore(node, this.parentNode.childNodes[this.parentNode.childNodes.indexOf(this) + 1]);
    }
  }

  replaceChildren(...nodes) {
    for (const node of [...this.childNodes]) node.parentNode = null;
    this.childNodes = [];
    this.append(...nodes);
  }

  removeChild(node) {
    this.childNodes = this.childNodes.filter((child) => child !== node);
    node.parentNode = null;
    return node;
  }

  remove() {
    this.parentNode?.removeChild(this);
  }

  contains(node) {
    for (let current = node; current; current = current.parentNode) if (current === this) return true;
    return false;
  }

  #insert(node, index) {
    const child = typeof node === "string" || typeof node === "number" ? new Text(node) : node;
    child.parentNode?.removeChild?.(child);
    child.parentNode = this;
    this.childNodes.splice(index, 0, child);
  }

  // --- finding

  *descendants() {
    for (const child of this.children) {
      yield child;
      yield* child.descendants();
    }
  }

  matches(selector) {
    return matches(this, selector);
  }

  closest(selector) {
    for (let element = this; element; element = element.parentElement) if (element.matches(selector)) return element;
    return null;
  }

  querySelectorAll(selector) {
    return [...this.descendants()].filter((element) => element.matches(selector));
  }

  querySelector(selector) {
    for (const element of this.descendants()) if (element.matches(selector)) return element;
    return null;
  }

  // --- forms

  get form() {
    const owner = this.getAttribute("form");
    return owner ? this.ownerDocument.getElementById(owner) : this.closest("form");
  }

  get elements() {
    const fields = this.querySelectorAll("*").filter((element) => FIELDS.has(element.localName));
    for (const field of fields) if (field.name && !(field.name in fields)) fields[field.name] = field;
    fields.namedItem = (name) => fields.find((field) => field.name === name || field.id === name) ?? null;
    return fields;
  }

  get labels() {
    const labels = this.ownerDocument.querySelectorAll("label");
    return labels.filter((label) => (this.id && label.getAttribute("for") === this.id) || label.contains(this));
  }

  get value() {
    if (this.#value !== null) return this.#value;
    if (this.localName === "textarea") return this.textContent;
    if (this.localName === "select") {
      const options = this.querySelectorAll("option");
      const chosen = options.find((option) => option.hasAttribute("selected")) ?? options[0];
      return chosen ? (chosen.getAttribute("value") ?? chosen.textContent) : "";
    }
    return this.getAttribute("value") ?? "";
  }

  set value(value) {
    this.#value = String(value);
  }

  get checked() {
    return this.#checked ?? this.hasAttribute("checked");
  }

  set checked(value) {
    this.#checked = Boolean(value);
  }

  get action() {
    return this.getAttribute("action") ?? "";
  }

  set action(value) {
    this.setAttribute("action", value);
  }

  reset() {
    for (const field of this.elements) {
      field.#value = null;
      field.#checked = null;
    }
  }

  requestSubmit(submitter = null) {
    const event = new DomEvent("submit", { bubbles: true, cancelable: true, submitter });
    if (this.dispatchEvent(event)) this.ownerDocument.submitted.push(this.action);
  }

  // --- what a person does

  focus() {
    this.ownerDocument.activeElement = this;
    this.dispatchEvent(new DomEvent("focus"));
  }

  blur() {
    this.dispatchEvent(new DomEvent("blur"));
    this.dispatchEvent(new DomEvent("focusout", { bubbles: true }));
  }

  scrollIntoView() {}

  click() {
    if (this.hasAttribute("disabled")) return;
    const box = this.localName === "input" && ["checkbox", "radio"].includes(this.type);
    if (box) this.checked = this.type === "radio" || !this.checked;
    const allowed = this.dispatchEvent(new DomEvent("click", { bubbles: true, cancelable: true }));
    if (!allowed) {
      if (box) this.checked = !this.checked;
      return;
    }
    if (box) {
      this.dispatchEvent(new DomEvent("input", { bubbles: true }));
      this.dispatchEvent(new DomEvent("change", { bubbles: true }));
    } else if (this.localName === "button" && (this.type || "submit") === "submit") {
      this.form?.requestSubmit(this);
    } else if (this.localName === "summary") {
      this.parentElement.toggleAttribute("open");
    }
  }
}

for (const name of REFLECTED) {
  Object.defineProperty(Element.prototype, name, {
    get() { return this.getAttribute(name) ?? ""; },
    set(value) { this.setAttribute(name, value); },
  });
}
for (const [property, attribute] of Object.entries(SWITCHES)) {
  Object.defineProperty(Element.prototype, property, {
    get() { return this.hasAttribute(attribute); },
    set(value) { this.toggleAttribute(attribute, Boolean(value)); },
  });
}

export class Document extends Element {
  activeElement = null;
  submitted = []; // where forms went that no script stopped
  readyState = "loading";
  defaultView = null;

  constructor() {
    super("#document", null);
    this.ownerDocument = this;
  }

  get eventParent() {
    return this.defaultView;
  }

  get documentElement() {
    return this.children[0] ?? null;
  }

  get head() {
    return this.querySelector("head");
  }

  get body() {
    return this.querySelector("body");
  }

  get title() {
    return this.querySelector("title")?.textContent.trim() ?? "";
  }

  createElement(name) {
    return new Element(name.toLowerCase(), this);
  }

  createTextNode(text) {
    return new Text(text);
  }

  getElementById(id) {
    return this.querySelectorAll("[id]").find((element) => element.id === id) ?? null;
  }
}
