/* Asks axe-core, which was loaded before. */
async (rules) => {
  const options = rules.length ? { runOnly: rules } : { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] };
  const found = await axe.run(document, { ...options, resultTypes: ["violations"], elementRef: false });
  return found.violations.map(one => ({ id: one.id, impact: one.impact, help: one.help, number: one.nodes.length,
    css: String(one.nodes[0].target.at(-1)), html: one.nodes[0].html.slice(0, 300),
    why: (one.nodes[0].failureSummary ?? "").slice(0, 500) }));
}
