/* What to say of the element that takes a control's clicks, where it contains the control. */
node => {
  const box = node.getBoundingClientRect();
  const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  if (!top || top === node || !top.contains(node)) return "";
  const parts = ["::before", "::after"].filter(part => {
    const style = getComputedStyle(top, part);
    return !["none", "normal"].includes(style.content) && style.display !== "none" && style.position !== "static";
  });
  return ", and contains it" + (parts.length ? `: its ${parts.join(" or ")} takes the clicks` : "");
}
