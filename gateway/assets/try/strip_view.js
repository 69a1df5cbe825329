// How a message's way looks: who to whom, what it says, and four stations that fill up.

import { make } from "./element.js";
import { colourOf, nameOf, span } from "./names.js";

const STATIONS = ["sent", "accepted", "stored", "delivered"];
const SENT = { phone: "over MQTT", rest: "by REST", earlier: "again, with the same id", elsewhere: "outside this page" };

export class JourneyView {
  #says = {};

  constructor(journey) {
    const way = STATIONS.map((name) => {
      this.#says[name] = make("small");
      return make("li", { class: "station", "data-station": name }, make("b", {}, name), this.#says[name]);
    });
    this.root = make("li", { class: "journey" },
      make("p", { class: "what" },
        make("span", { class: `who ${colourOf(journey.from)}` }, nameOf(journey.from)), " → ",
        make("span", { class: `who ${colourOf(journey.to)}` }, nameOf(journey.to)),
        make("q", {}, journey.text)),
      make("ol", { class: "way" }, ...way));
    this.show(journey);
  }

  static note(text) {
    const time = new Date().toLocaleTimeString();
    return make("li", { class: "event" }, make("span", {}, text), make("time", {}, time));
  }

  show(journey) {
    const isStored = journey.seq !== undefined || journey.isDelivered || journey.origin === "rest" && journey.convSeq !== undefined;
    const isAccepted = journey.acceptedMs !== undefined || isStored;
    this.root.dataset.state = journey.refused ? "refused" : journey.isDelivered ? "delivered" : isStored ? "stored" : isAccepted ? "accepted" : "sent";
    if (journey.serverId) this.root.dataset.serverId = journey.serverId;
    const isSent = isAccepted || !journey.isHeld;
    this.#say("sent", isSent, isSent ? SENT[journey.origin] : `waits for ${nameOf(journey.from)} to reconnect`);
    this.#say("accepted", isAccepted, journey.refused ?? accepted(journey, isAccepted));
    this.#say("stored", isStored, stored(journey));
    this.#say("delivered", journey.isDelivered, delivered(journey, isAccepted));
  }

  #say(name, isReached, text) {
    const station = this.#says[name].parentElement;
    station.classList.toggle("reached", isReached === true);
    if (this.#says[name].textContent !== text) this.#says[name].textContent = text;
  }
}

function accepted(journey, isAccepted) {
  if (journey.acceptedMs !== undefined) return span(journey.acceptedMs) + (journey.origin === "rest" ? " · HTTP" : " · PUBACK");
  return isAccepted || journey.isHeld ? "" : "waits for the server";
}

function stored(journey) {
  const numbers = [];
  if (journey.seq !== undefined) numbers.push(`seq ${journey.seq}`);
  if (journey.convSeq !== undefined) numbers.push(`convSeq ${journey.convSeq}`);
  return numbers.join(" · ");
}

function delivered(journey, isAccepted) {
  if (!journey.isDelivered) return isAccepted && !journey.refused ? `waits for ${nameOf(journey.to)}` : "";
  const after = journey.start === undefined ? " after storing" : "";
  return `${span(journey.deliveredMs)}${after} · ${nameOf(journey.to)}’s seq ${journey.peerSeq}`;
}
