// Events that travel from an element up to the window, as they do in a browser.

export class DomEvent {
  constructor(type, { bubbles = false, cancelable = false, ...details } = {}) {
    Object.assign(this, { type, bubbles, cancelable, defaultPrevented: false, target: null, currentTarget: null });
    Object.assign(this, details);
    this.stopped = false;
  }

  preventDefault() {
    if (this.cancelable) this.defaultPrevented = true;
  }

  stopPropagation() {
    this.stopped = true;
  }

  stopImmediatePropagation() {
    this.stopped = true;
  }
}

export class Target {
  #listeners = new Map();

  addEventListener(type, listener, options) {
    const once = typeof options === "object" && options?.once === true;
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), { listener, once }]);
  }

  removeEventListener(type, listener) {
    this.#listeners.set(type, (this.#listeners.get(type) ?? []).filter((entry) => entry.listener !== listener));
  }

  /** Runs the listeners of this target and, where the event bubbles, of its ancestors; false if it was prevented. */
  dispatchEvent(event) {
    event.target = this;
    for (let target = this; target && !event.stopped; target = event.bubbles ? target.eventParent : null) {
      event.currentTarget = target;
      for (const entry of target.#listeners.get(event.type) ?? []) {
        if (entry.once) target.removeEventListener(event.type, entry.listener);
        if (typeof entry.listener === "function") entry.listener.call(target, event);
        else entry.listener.handleEvent(event);
      }
    }
    return !event.defaultPrevented;
  }

  get eventParent() {
    return null;
  }
}
