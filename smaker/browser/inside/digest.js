/* Everything of a page that a visitor could notice changing, condensed to a few words. */
() => {
  const number = (text) => {
    let sum = 5381;
    for (let at = 0; at < text.length && at < 4e6; at += 1) sum = (sum * 33 + text.charCodeAt(at)) | 0;
    return `${text.length}:${sum}`;
  };
  const inner = (root, depth) => [...root.querySelectorAll("*")].slice(0, 5000).flatMap((node) =>
    node.shadowRoot && depth < 5 ? [node.shadowRoot.innerHTML, ...inner(node.shadowRoot, depth + 1)] : []);
  const fields = [...document.querySelectorAll("input,select,textarea")].slice(0, 500);
  const media = [...document.querySelectorAll("canvas")].slice(0, 5).map((canvas) => {
    try { return canvas.toDataURL(); } catch { return ""; }
  });
  const focused = document.activeElement;
  return [
    location.href.replace(/#$/, ""), document.title, number(document.documentElement.outerHTML), number(inner(document, 0).join("\n")),
    number(fields.map((node) => `${node.value}${node.checked}${node.selectedIndex}`).join("\n")),
    number(media.join("\n")), `${Math.round(scrollX)},${Math.round(scrollY)}`,
    focused && focused.matches("input,select,textarea") ? `${focused.name}#${focused.id}` : "",
    String(window[Symbol.for("smaker")]?.effects ?? 0),
    String(document.querySelectorAll(":popover-open,dialog[open]").length),
  ].join("|");
}
