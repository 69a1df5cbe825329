// The way of each message: sent, accepted, stored, delivered. Knows what happened when; strip_view.js shows it.

import { JourneyView } from "./strip_view.js";
import { textOf } from "./names.js";

/** Rows kept on the screen. */
const KEPT = 40;

export class Strip {
  #journeys = [];
  #requestsUnderWay = 0;
  #early = [];

  /**
   * @param changed   called when the number of messages that wait for a phone may have changed
   * @param isOffline tells whether a user's phone was taken offline
   */
  constructor(changed, isOffline) {
    this.changed = changed;
    this.isOffline = isOffline;
    this.list = document.querySelector("#journeys");
    this.empty = document.querySelector("#empty");
  }

  /** A phone wrote a draft, or found one of an earlier visit that had no acknowledgement. */
  sent(user, draft, isAgain) {
    this.#add({ id: draft.id, from: user, to: draft.to, text: textOf(draft), start: performance.now(), origin: isAgain ? "earlier" : "phone" });
  }

  accepted(id) {
    this.#update(this.#byId(id), (journey) => {
      journey.acceptedMs ??= performance.now() - journey.start;
    });
  }

  refused(id, why) {
    this.#update(this.#byId(id), (journey) => {
      journey.refused = why;
    });
  }

  /** An entry reached a phone. Those that came before their REST answer wait for it: the answer says whose they are. */
  arrived(user, entry, at = performance.now()) {
    let journey = this.#find(entry);
    if (!journey && this.#requestsUnderWay > 0) return void this.#early.push([user, entry, at]);
    journey ??= this.#add({ id: entry.id, from: entry.from, to: entry.to, text: textOf(entry), origin: "elsewhere" });
    this.#update(journey, () => {
      journey.serverId = entry.serverId;
      journey.convSeq = entry.convSeq;
      if (user === journey.from) journey.seq = entry.seq;
      else this.#delivered(journey, entry, at);
    });
  }

  /** The backend's request leaves; the returned functions say how it ended. */
  requested(to, text, appName) {
    const journey = this.#add({ from: appName, to, text, start: performance.now(), origin: "rest" });
    this.#requestsUnderWay++;
    const ended = (change) => {
      this.#update(journey, change);
      this.#requestsUnderWay--;
      for (const early of this.#early.splice(0)) this.arrived(...early);
    };
    return {
      answered: (answer) => ended(() => {
        Object.assign(journey, { id: answer.id, serverId: answer.serverId, convSeq: answer.convSeq });
        journey.acceptedMs = performance.now() - journey.start;
      }),
      failed: (why) => ended(() => {
        journey.refused = why;
      }),
    };
  }

  /** How many stored messages this user's phone has not got yet. */
  waitingFor(user) {
    return this.#journeys.filter((journey) => journey.to === user && journey.acceptedMs !== undefined && !journey.isDelivered).length;
  }

  /** A phone or the server came or went: what still waits now waits for something else. */
  lineChanged() {
    for (const journey of this.#journeys) if (!journey.isDelivered) this.#update(journey, () => {});
  }

  /** A line between the messages: something happened to a phone or to the server. */
  note(text) {
    this.#show(JourneyView.note(text));
  }

  #delivered(journey, entry, at) {
    if (journey.isDelivered) return;
    journey.isDelivered = true;
    journey.peerSeq = entry.seq;
    journey.deliveredMs = journey.start === undefined ? Math.max(0, Date.now() - entry.serverTime) : at - journey.start;
  }

  #byId(id) {
    return this.#journeys.find((journey) => journey.id === id);
  }

  #find(entry) {
    return this.#journeys.find((journey) => journey.serverId === entry.serverId || (journey.id === entry.id && journey.from === entry.from));
  }

  #add(journey) {
    if (journey.id && journey.origin !== "elsewhere" && this.#byId(journey.id)) return this.#byId(journey.id);
    journey.isHeld = this.isOffline(journey.from);
    journey.view = new JourneyView(journey);
    this.#journeys.unshift(journey);
    if (this.#journeys.length > KEPT * 5) this.#journeys.pop();
    this.#show(journey.view.root);
    return journey;
  }

  #update(journey, change) {
    if (!journey) return;
    change(journey);
    journey.isHeld = this.isOffline(journey.from);
    journey.view.show(journey);
    this.changed();
  }

  #show(row) {
    this.empty.hidden = true;
    this.list.prepend(row);
    while (this.list.children.length > KEPT) this.list.lastElementChild.remove();
  }
}
