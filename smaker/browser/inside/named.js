/* Whether a field has a name that stays when one types. */
node => !!((node.labels && [...node.labels].some(label => label.textContent.trim())) ||
  (node.getAttribute("aria-label") || "").trim() || (node.title || "").trim() ||
  (node.getAttribute("aria-labelledby") || "").split(/\s+/).some(id =>
    id && (document.getElementById(id)?.textContent ?? "").trim()))
