// How a phone looks: its bar, its conversation in the order of `seq`, its text field.

import { make } from "./element.js";
import { LockScreen } from "./lock_screen.js";
import { nameOf, textOf } from "./names.js";

const SAYS = { connecting: "connecting…", online: "online", offline: "offline", elsewhere: "open in another tab" };
const BUTTON = { offline: "Reconnect", elsewhere: "Use it here" };
/** Bubbles kept on the screen. */
const KEPT = 300;

export class PhoneView {
  #drafts = new Map();
  #followsEnd = true;

  constructor(name, act) {
    this.title = name === "alice" ? "Alice" : "Bob";
    this.peer = name === "alice" ? "Bob" : "Alice";
    this.root = document.querySelector(`[data-phone="${name}"]`);
    this.status = make("p", { class: "status", role: "status" });
    this.switch = make("button", { type: "button", class: "switch" });
    this.entries = make("ol", { class: "entries", role: "log", "aria-live": "polite", "aria-label": `${this.title}’s conversation`, tabindex: "0", "data-hint": `What ${this.title} sees. Say something!` });
    this.waits = make("p", { class: "waits", role: "status", hidden: true });
    this.field = make("input", {
      "aria-label": `Write as ${this.title}`, placeholder: `Write to ${this.peer}`,
      autocomplete: "off", maxlength: "2000", enterkeyhint: "send",
    });
    this.form = make("form", { class: "composer" }, this.field, make("button", { class: "send", "aria-label": `Send as ${this.title}` }, "➤"));
    const face = make("span", { class: "face" }, make("span", { "aria-hidden": "true" }, this.title[0]));
    this.lockScreen = new LockScreen(this.title, face);
    this.root.append(
      make("div", { class: "bar" }, face, make("div", {}, make("h2", {}, this.title), this.status), this.switch),
      this.lockScreen.list, this.entries, this.waits, this.form);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = this.field.value.trim();
      if (!text) return;
      this.field.value = "";
      act.write(text);
    });
    this.switch.addEventListener("click", act.toggle);
    this.entries.addEventListener("scroll", () => {
      this.#followsEnd = this.entries.scrollHeight - this.entries.scrollTop - this.entries.clientHeight < 40;
    });
    new ResizeObserver(() => this.#followsEnd && this.#toEnd()).observe(this.entries);
    this.showState("connecting");
  }

  showState(state) {
    this.root.dataset.state = state;
    this.status.textContent = SAYS[state];
    this.switch.textContent = BUTTON[state] ?? `Take ${this.title} offline`;
  }

  /** Says how many messages wait for this phone while it cannot hear them. */
  showWaiting(count) {
    this.waits.hidden = count === 0;
    this.waits.dataset.count = count;
    const text = count === 1 ? `1 message waits for ${this.title}` : `${count} messages wait for ${this.title}`;
    if (this.waits.textContent !== text) this.waits.textContent = text;
  }

  clear() {
    this.entries.replaceChildren();
    this.#drafts.clear();
  }

  showDraft(draft) {
    const bubble = this.#bubble("mine", textOf(draft), "waits to be sent");
    bubble.dataset.draft = draft.id;
    this.#drafts.set(draft.id, bubble);
    this.entries.append(bubble);
    this.#toEnd();
  }

  markAccepted(id) {
    this.#mark(id, "accepted", "stored");
  }

  markRefused(id, why) {
    this.#mark(id, "refused", `refused: ${why}`);
    this.#drafts.delete(id);
  }

  /** Puts an entry before the one that follows it; a draft gives its place up to its entry. */
  showEntry(entry, self, nextSeq) {
    if (entry.refused) return this.#showRefused(entry, nextSeq);
    const bubble = entry.serverId ? this.#message(entry, self) : this.#note(entry);
    if (entry.from === self) this.#takeDraft(entry.id);
    this.#insert(bubble, entry.seq, nextSeq);
  }

  #message(entry, self) {
    const isMine = entry.from === self;
    const isPeer = nameOf(entry.from) === this.peer;
    const when = new Date(entry.serverTime).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    const bubble = this.#bubble(isMine ? "mine" : isPeer ? "theirs" : "theirs app", textOf(entry), `${when} · seq ${entry.seq}`);
    if (!isMine && !isPeer) bubble.prepend(make("span", { class: "from" }, nameOf(entry.from)));
    bubble.dataset.serverId = entry.serverId;
    return bubble;
  }

  #showRefused(entry, nextSeq) {
    this.#takeDraft(entry.refused.id);
    this.#insert(make("li", { class: "note" }, `refused: ${entry.refused.detail || entry.refused.code}`), entry.seq, nextSeq);
  }

  #note(entry) {
    const text = entry.gap ? `messages ${entry.gap.from} to ${entry.gap.to} are no longer kept` : `this message is gone: ${entry.gone}`;
    return make("li", { class: "note" }, text);
  }

  #bubble(kind, text, small) {
    return make("li", { class: `bubble ${kind}` }, make("span", { class: "text" }, text), make("small", {}, small));
  }

  #insert(bubble, seq, nextSeq) {
    bubble.dataset.seq = seq;
    const next = nextSeq === undefined ? this.entries.querySelector("[data-draft]") : this.entries.querySelector(`[data-seq="${nextSeq}"]`);
    this.entries.insertBefore(bubble, next);
    while (this.entries.children.length > KEPT) this.entries.firstElementChild.remove();
    if (this.#followsEnd) this.#toEnd();
  }

  #takeDraft(id) {
    this.#drafts.get(id)?.remove();
    this.#drafts.delete(id);
  }

  #mark(id, state, text) {
    const bubble = this.#drafts.get(id);
    if (!bubble) return;
    bubble.dataset.state = state;
    bubble.querySelector("small").textContent = text;
  }

  #toEnd() {
    this.entries.scrollTop = this.entries.scrollHeight;
  }
}
