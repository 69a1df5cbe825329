// Sets the page up: two phones, the backend's request, the strip, and the lamp that tells of the server.

import { Phone } from "./phone.js";
import { Rest } from "./rest.js";
import { NotAllowed, Session } from "./session.js";
import { Strip } from "./strip.js";
import { span } from "./names.js";

const session = new Session();
const strip = new Strip(showWaiting, (user) => phones.some((phone) => phone.user === user && phone.state === "offline"));
const lamp = document.querySelector("#server");
const rest = new Rest(session, strip);

const told = {
  sent: (phone, draft, isAgain) => strip.sent(phone.user, draft, isAgain),
  accepted: (id) => strip.accepted(id),
  refused: (id, why) => strip.refused(id, why),
  arrived: (phone, entry) => strip.arrived(phone.user, entry),
  line: (phone) => lineChanged(phone),
};
const phones = ["alice", "bob"].map((name) => new Phone(name, session, told));

/** When the server was last seen to go; null while it is there. */
let awaySince = null;
let wasThere = false;

function lineChanged(phone) {
  if (phone.state === "offline") strip.note(`${phone.view.title} went offline`);
  if (phone.state === "online" && phone.wasOffline) strip.note(`${phone.view.title} is back`);
  phone.wasOffline = phone.state === "offline" || (phone.wasOffline && phone.state !== "online");
  serverSeen();
  strip.lineChanged();
  showWaiting();
}

/** The server is there when a phone is online, and away when all that want to be online are not. */
function serverSeen() {
  const isThere = phones.some((phone) => phone.state === "online");
  const isWanted = phones.some((phone) => phone.state === "connecting");
  if (isThere && awaySince !== null) {
    strip.note(`The server is back after ${span(performance.now() - awaySince)}`);
    rest.refresh().catch(() => {});
  }
  if (!isThere && isWanted && wasThere) strip.note("The server is gone; the phones keep trying");
  if (isThere) awaySince = null;
  else if (isWanted && wasThere) awaySince = performance.now();
  wasThere = isThere;
  if (isThere) showLamp("there", "The server is up");
  else if (isWanted) showLamp("away", awaySince === null ? "Looking for the server…" : "The server is away; trying again…");
  else if (phones.some((phone) => phone.state === "elsewhere")) showLamp("waiting", "The phones are open in another tab");
  else showLamp("waiting", "Both phones are offline");
}

function showLamp(state, text) {
  lamp.dataset.state = state;
  lamp.querySelector(".says").textContent = text;
}

function showWaiting() {
  for (const phone of phones) phone.view.showWaiting(phone.state === "online" ? 0 : strip.waitingFor(phone.user));
}

async function start() {
  try {
    await rest.refresh();
  } catch (error) {
    if (error instanceof NotAllowed) return showLamp("refused", error.message);
    setTimeout(start, 1000);
  }
  for (const phone of phones) phone.start();
}

addEventListener("online", () => phones.forEach((phone) => phone.connection.hurry()));
addEventListener("visibilitychange", () => document.hidden || phones.forEach((phone) => phone.connection.hurry()));
start();
