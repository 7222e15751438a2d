// Matches elements against the selectors these tests need: tags, ids, classes, attributes, :not(), :checked, lists,
// and the four combinators.

const PART = /([#.]?[\w-]+|\*)|\[\s*([\w:-]+)\s*(?:([~^$*|]?=)\s*(?:"([^"]*)"|'([^']*)'|([^\]\s]+))\s*)?\]|:([\w-]+)(?:\(([^)]*)\))?/y;

const comparisons = {
  "=": (actual, wanted) => actual === wanted,
  "~=": (actual, wanted) => actual.split(/\s+/).includes(wanted),
  "^=": (actual, wanted) => wanted !== "" && actual.startsWith(wanted),
  "$=": (actual, wanted) => wanted !== "" && actual.endsWith(wanted),
  "*=": (actual, wanted) => wanted !== "" && actual.includes(wanted),
  "|=": (actual, wanted) => actual === wanted || actual.startsWith(`${wanted}-`),
};

const pseudoClasses = {
  not: (element, argument) => !matches(element, argument),
  checked: (element) => element.checked === true,
  disabled: (element) => element.hasAttribute("disabled"),
  required: (element) => element.hasAttribute("required"),
  "first-child": (element) => element.parentNode?.children[0] === element,
  "last-child": (element) => element.parentNode?.children.at(-1) === element,
};

/** Whether `element` matches any selector of a comma-separated list. */
export function matches(element, list) {
  return split(list, ",").some((selector) => matchesComplex(element, tokens(selector.trim())));
}

function split(text, separator) {
  const parts = [""];
  let depth = 0;
  for (const letter of text) {
    if ("[(".includes(letter)) depth += 1;
    if ("])".includes(letter)) depth -= 1;
    if (letter === separator && depth === 0) parts.push("");
    else parts[parts.length - 1] += letter;
  }
  return parts;
}

/** "main > a.b c" -> ["main", ">", "a.b", " ", "c"] */
function tokens(selector) {
  const spaced = split(selector.replace(/\s+/g, " "), " ").filter(Boolean);
  const result = [];
  for (const token of spaced) {
    const combinator = [">", "+", "~"].includes(token);
    if (!combinator && result.length > 0 && ![">", "+", "~"].includes(result.at(-1))) result.push(" ");
    result.push(token);
  }
  return result;
}

function matchesComplex(element, parts) {
  const compound = parts.at(-1);
  if (!element || !matchesCompound(element, compound)) return false;
  if (parts.length === 1) return true;
  const combinator = parts.at(-2);
  const rest = parts.slice(0, -2);
  const siblings = element.parentNode?.children ?? [];
  const before = siblings.slice(0, siblings.indexOf(element));
  switch (combinator) {
    case ">":
      return matchesComplex(element.parentElement, rest);
    case "+":
      return matchesComplex(before.at(-1), rest);
    case "~":
      return before.some((sibling) => matchesComplex(sibling, rest));
    default:
      for (let ancestor = element.parentElement; ancestor; ancestor = ancestor.parentElement) {
        if (matchesComplex(ancestor, rest)) return true;
      }
      return false;
  }
}

function matchesCompound(element, compound) {
  PART.lastIndex = 0;
  while (PART.lastIndex < compound.length) {
    const at = PART.lastIndex;
    const part = PART.exec(compound);
    if (!part) throw new SyntaxError(`cannot read the selector ${JSON.stringify(compound)} at ${at}`);
    const next = PART.lastIndex;
    if (!matchesPart(element, part)) return false;
    PART.lastIndex = next;
  }
  return true;
}

function matchesPart(element, [, name, attribute, operator, double, single, bare, pseudo, argument]) {
  if (name) {
    if (name === "*") return true;
    if (name.startsWith("#")) return element.id === name.slice(1);
    if (name.startsWith(".")) return element.classList.contains(name.slice(1));
    return element.localName === name.toLowerCase();
  }
  if (attribute) {
    const actual = element.getAttribute(attribute);
    if (actual === null) return false;
    return !operator || comparisons[operator](actual, double ?? single ?? bare ?? "");
  }
  if (!(pseudo in pseudoClasses)) throw new SyntaxError(`the selector :${pseudo} is not known here`);
  return pseudoClasses[pseudo](element, argument);
}
