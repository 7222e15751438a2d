/* What a page holds, as data: links, controls and forms, each with role, accessible name and a selector. Defines one
   function, which the explorer calls; nothing of it stays in the page. */
(want) => {
  const MOST = 400;
  const clean = (text) => (text ?? "").replace(/\s+/g, " ").trim().slice(0, 200);
  const visible = (node) =>
    node.checkVisibility({ visibilityProperty: true, opacityProperty: false }) && node.getClientRects().length > 0 &&
    !node.closest("[inert],[aria-hidden=true]");
  const one = (selector) => {
    try { return document.querySelectorAll(selector).length === 1; } catch { return false; }
  };
  const selector = (node) => {
    if (node.id && !/\d/.test(node.id) && one("#" + CSS.escape(node.id))) return "#" + CSS.escape(node.id);
    const tag = node.localName;
    for (const name of ["name", "aria-label", "placeholder"]) {
      const value = node.getAttribute(name);
      const found = value && !/\d/.test(value) && `${tag}[${name}=${JSON.stringify(value)}]`;
      if (found && one(found)) return found;
    }
    const steps = [];
    for (let at = node; at && at !== document.documentElement; at = at.parentElement) {
      if (at !== node && at.id && !/\d/.test(at.id) && one("#" + CSS.escape(at.id))) {
        steps.unshift("#" + CSS.escape(at.id));
        break;
      }
      const same = [...(at.parentElement?.children ?? [])].filter((other) => other.localName === at.localName);
      steps.unshift(same.length > 1 ? `${at.localName}:nth-of-type(${same.indexOf(at) + 1})` : at.localName);
    }
    return steps.join(" > ");
  };
  const text = (node) => {
    const parts = [];
    for (const child of node.childNodes) {
      if (child.nodeType === 3) parts.push(child.data);
      else if (child.nodeType === 1 && !child.matches("[aria-hidden=true],script,style,[hidden]")) {
        if (child.hasAttribute("aria-label")) parts.push(child.getAttribute("aria-label"));
        else if (child.localName === "img") parts.push(child.alt);
        else if (child.localName === "svg") parts.push(child.querySelector("title")?.textContent ?? "");
        else if (!child.matches("select,textarea")) parts.push(text(child));
      }
    }
    return parts.join(" ");
  };
  const labelled = (node) => {
    const ids = (node.getAttribute("aria-labelledby") ?? "").split(/\s+/).filter(Boolean);
    const named = ids.map((id) => document.getElementById(id)).filter(Boolean).map(text).join(" ");
    return clean(named) || clean(node.getAttribute("aria-label")) ||
      clean([...(node.labels ?? [])].map(text).join(" "));
  };
  const name = (node) => {
    const given = labelled(node);
    if (given) return given;
    if (node.matches("input[type=submit],input[type=reset],input[type=button]"))
      return clean(node.value) || { submit: "Submit", reset: "Reset" }[node.type] || "";
    if (node.matches("input[type=image]")) return clean(node.alt);
    if (node.matches("a,button,summary,[role]")) { const own = clean(text(node)); if (own) return own; }
    return clean(node.title) || clean(node.placeholder);
  };
  const role = (node) => {
    const given = node.getAttribute("role");
    if (given) return given.split(" ")[0];
    const tag = node.localName;
    if (tag === "a") return "link";
    if (tag === "button" || tag === "summary") return tag === "button" ? "button" : "";
    if (tag === "textarea") return "textbox";
    if (tag === "select") return node.multiple || node.size > 1 ? "listbox" : "combobox";
    return {
      submit: "button", button: "button", reset: "button", image: "button", checkbox: "checkbox", radio: "radio",
      range: "slider", number: "spinbutton", search: "searchbox", text: "textbox", email: "textbox", tel: "textbox",
      url: "textbox", password: "textbox",
    }[node.type] ?? "";
  };
  const field = (node) => ({
    css: selector(node), role: role(node), name: name(node), label: labelled(node) || clean(node.title),
    key: clean(node.getAttribute("name") ?? node.id), tag: node.localName, type: node.type, value: node.value.slice(0, 200),
    required: node.required, disabled: node.matches(":disabled") || node.readOnly === true,
    shown: visible(node), min: node.min ?? "", max: node.max ?? "", step: node.step ?? "", pattern: node.pattern ?? "",
    shortest: node.minLength ?? -1, longest: node.maxLength ?? -1, hint: clean(node.placeholder),
    auto: clean(node.getAttribute("autocomplete")), checked: node.checked === true,
    options: node.localName === "select" ? [...node.options].slice(0, 50).map((o) => o.disabled ? "" : o.value) : [],
  });
  const FIELDS = "input:not([type=hidden],[type=submit],[type=button],[type=reset],[type=image]),select,textarea";
  const forms = [...document.forms].slice(0, 50).filter(visible);
  const controls = [...document.querySelectorAll("button,[role=button],[role=tab],[role=switch],[role=menuitem],summary," +
    "input[type=submit],input[type=button],input[type=image],input[type=reset],[onclick]")].filter((node) =>
    !node.matches("a[href],input[type=hidden]") && visible(node)).slice(0, MOST);
  const control = (node) => ({
    css: selector(node), role: role(node), name: name(node), type: node.type ?? "", tag: node.localName,
    disabled: node.matches(":disabled,[aria-disabled=true]"),
    chosen: node.matches("[aria-pressed=true],[aria-selected=true],[aria-checked=true],[aria-current],.active,.selected"),
    form: node.form ? forms.indexOf(node.form) : -1, sends: node.form?.getAttribute("action") ?? "",
    common: !!node.closest("header,nav,footer,[role=banner],[role=navigation],[role=contentinfo]"),
    submits: !!node.form && (node.type === "submit" || node.type === "image"),
  });
  const here = new URL(document.baseURI);
  const links = [...document.querySelectorAll("a[href],area[href]")].filter(visible).slice(0, MOST).map((node) => ({
    css: selector(node), role: role(node), name: name(node), href: node.href, raw: node.getAttribute("href").trim(),
    download: node.hasAttribute("download"), lands: node.hash.length < 2 || node.hash === "#top" ||
      !!document.getElementById(decodeURIComponent(node.hash.slice(1))) ||
      document.getElementsByName(decodeURIComponent(node.hash.slice(1))).length > 0,
  }));
  return {
    type: document.contentType, url: location.href, base: here.href, title: clean(document.title),
    heading: clean(document.querySelector("h1")?.textContent), links,
    size: document.getElementsByTagName("*").length, text: (document.body?.innerText ?? "").slice(0, want.text),
    passwords: document.querySelectorAll("input[type=password]").length,
    probes: [...document.querySelectorAll("[data-probe]")].slice(0, 5).map((node) => node.dataset.probe),
    forms: forms.map((form) => ({
      css: selector(form), method: (form.getAttribute("method") ?? "get").toLowerCase(),
      action: form.getAttribute("action") ?? "", scripted: !form.hasAttribute("action"),
      fields: [...form.elements].filter((node) => node.matches(FIELDS)).slice(0, 60).map(field),
      submits: controls.filter((node) => node.form === form && (node.type === "submit" || node.type === "image")).map(control),
    })),
    loose: [...document.querySelectorAll(FIELDS)].filter((node) => !node.form && visible(node)).slice(0, 60).map(field),
    controls: controls.map(control),
  };
}
