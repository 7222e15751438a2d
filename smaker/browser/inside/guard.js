/* Before any script of a page: counts what a click may do that the page itself does not show, and keeps floods short. */
(() => {
  const state = { effects: 0, ran: [] };
  Object.defineProperty(window, Symbol.for("smaker"), { value: state });
  const counts = (owner, name, answer) => {
    const original = owner?.[name];
    if (typeof original !== "function") return;
    owner[name] = function (...words) {
      state.effects += 1;
      return answer === undefined ? original.apply(this, words) : answer();
    };
  };
  counts(window, "print", () => undefined);
  counts(window, "open", () => null);
  counts(window.Clipboard?.prototype, "writeText", () => Promise.resolve());
  counts(window.Clipboard?.prototype, "write", () => Promise.resolve());
  counts(window.Navigator?.prototype, "share", () => Promise.resolve());
  counts(window.Navigator?.prototype, "sendBeacon");
  counts(window.Storage?.prototype, "setItem");
  counts(window.Storage?.prototype, "removeItem");
  counts(window.HTMLMediaElement?.prototype, "play");
  counts(window.WebSocket?.prototype, "send");
  counts(window.Element?.prototype, "requestFullscreen", () => Promise.resolve());
  for (const name of Object.keys(console)) {
    const original = console[name];
    let left = 50;
    if (typeof original === "function")
      console[name] = function (...words) {
        if (left > 0) { left -= 1; return original.apply(this, words); }
      };
  }
})();
