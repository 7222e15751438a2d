/* What to say of an element that takes a control's clicks: the control lets them through, or is contained in it. */
node => {
  if (getComputedStyle(node).pointerEvents === "none") return ", or seems to: by `pointer-events: none` clicks go through";
  const box = node.getBoundingClientRect();
  const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  if (!top || top === node || !top.contains(node)) return "";
  const parts = ["::before", "::after"].filter(part => {
    const style = getComputedStyle(top, part);
    return !["none", "normal"].includes(style.content) && style.display !== "none" && style.position !== "static";
  });
  return ", and contains it" + (parts.length ? `: its ${parts.join(" or ")} takes the clicks` : "");
}
