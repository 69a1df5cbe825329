// What a phone shows while its app is closed: the notifications its vendor brought, and the number on the app's icon.

import { make } from "./element.js";

const LOOK_MS = 400;
/** Notifications on the screen. */
const KEPT = 4;

export class LockScreen {
  /** Those that were there when the app was opened: it clears them. */
  #cleared = new Set();
  #drawn = "";

  constructor(title, face) {
    this.title = title;
    this.list = make("ol", { class: "lock-screen", role: "log", "aria-live": "polite", "aria-label": `Notifications on ${title}’s phone`, hidden: true });
    this.badge = make("span", { class: "badge", role: "status", hidden: true });
    face.append(this.badge);
  }

  /**
   * Looks for as long as the page is open.
   * @param token   gives the device's token, or null while there is none
   * @param isOpen  whether the app is in front of its user
   */
  async watch(token, isOpen) {
    for (;;) {
      const asked = token();
      if (asked) await this.#look(asked, isOpen());
      await new Promise((done) => setTimeout(done, LOOK_MS));
    }
  }

  async #look(token, isOpen) {
    try {
      const answer = await fetch("/try/notifications", { headers: { Authorization: `Bearer ${token}` } });
      if (answer.ok) this.#show(await answer.json(), isOpen);
    } catch {
      // The server is away; the vendor's phones go on showing what they show.
    }
  }

  #show({ badge, notifications }, isOpen) {
    if (isOpen) for (const each of notifications) this.#cleared.add(each.id);
    const kept = notifications.filter((each) => each.state !== "replaced" && !this.#cleared.has(each.id)).slice(-KEPT);
    const drawn = JSON.stringify([kept, isOpen ? 0 : badge]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.list.replaceChildren(...kept.map(row));
    this.list.hidden = kept.length === 0;
    this.badge.hidden = isOpen || !badge;
    this.badge.textContent = badge ?? "";
    this.badge.setAttribute("aria-label", `${badge ?? 0} unread on ${this.title}’s icon`);
  }
}

function row(each) {
  const says = each.state === "withdrawn" ? "taken back" : each.rings ? "rings" : "push";
  return make("li", { class: "push", "data-state": each.state, "data-id": each.id },
    make("b", {}, each.title), make("span", { class: "body" }, each.body), make("small", {}, says));
}
