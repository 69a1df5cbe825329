// One phone: its conversation, its drafts, and the switch that takes it offline.

import { Connection, Lost, Refused } from "./connection.js";
import { Drafts } from "./drafts.js";
import { Inbox } from "./inbox.js";
import { newMessageId } from "./message_id.js";
import { PhoneView } from "./phone_view.js";

const HISTORY_ENTRIES = 50;
const LATER_MS = 1000;

export class Phone {
  #account = null;
  #drafts = null;
  #inbox = new Inbox();
  #isOffline = false;
  #hasHistory = false;
  #token = null;
  #simulatesPush = false;
  /** The highest `convSeq` of each conversation that was read; the account's other phones are told. */
  #read = new Map();
  /** Drafts that are on their way over the present connection. */
  #sent = new Set();

  /**
   * @param name    alice or bob
   * @param told    {sent(phone, draft, again), accepted(id), refused(id, why), arrived(phone, entry), line(phone)}
   */
  constructor(name, session, told) {
    this.name = name;
    this.user = `try-${name}`;
    this.peer = name === "alice" ? "try-bob" : "try-alice";
    this.told = told;
    this.state = "connecting";
    this.view = new PhoneView(name, {
      write: (text) => this.write(text),
      toggle: () => this.#toggle(),
    });
    this.connection = new Connection(() => this.#credentials(session), {
      up: () => this.#up(),
      down: () => this.#down(),
      takenOver: () => this.#show("elsewhere"),
      refused: () => session.forget(),
      entry: (entry) => this.#hear(entry),
    });
  }

  start() {
    this.connection.start();
    this.view.lockScreen.watch(() => (this.#simulatesPush ? this.#token : null), () => this.state === "online");
  }

  /** Keeps the draft and sends it, now or when the phone is back. */
  write(text) {
    if (!this.#drafts) return;
    const draft = { id: newMessageId(), to: this.peer, type: 0, content: { text }, timestamp: Date.now() };
    this.#drafts.add(draft);
    this.view.showDraft(draft);
    this.told.sent(this, draft, false);
    this.#send(draft);
  }

  async #credentials(session) {
    const { url, phones, simulatesPush } = await session.get();
    const phone = phones[this.name];
    [this.#token, this.#simulatesPush] = [phone.deviceToken, simulatesPush];
    if (this.#account !== phone.account) this.#becomes(phone.account);
    return { url, ...phone };
  }

  /** Another account means another data folder behind the same address: nothing of the old one is there. */
  #becomes(account) {
    this.#account = account;
    this.#inbox = new Inbox();
    this.#hasHistory = false;
    this.#read.clear();
    this.#drafts = new Drafts(account);
    this.view.clear();
    for (const draft of this.#drafts.all()) {
      this.view.showDraft(draft);
      this.told.sent(this, draft, true);
    }
  }

  #toggle() {
    if (this.state === "elsewhere" || this.#isOffline) {
      this.#isOffline = false;
      this.#show("connecting");
      this.connection.start();
    } else {
      this.#isOffline = true;
      this.connection.stop();
      this.#sent.clear();
      this.#show("offline");
    }
  }

  #up() {
    this.#show("online");
    this.#sent.clear();
    for (const draft of this.#drafts.all()) this.#send(draft);
    if (!this.#hasHistory) this.#loadHistory();
  }

  #down() {
    this.#sent.clear();
    this.#show("connecting");
  }

  #show(state) {
    if (this.state === state) return;
    this.state = state;
    this.view.showState(state);
    this.told.line(this);
  }

  async #send(draft) {
    if (!this.connection.isUp || this.#sent.has(draft.id)) return;
    this.#sent.add(draft.id);
    try {
      await this.connection.publish(draft);
      this.#drafts.remove(draft.id);
      this.view.markAccepted(draft.id);
      this.told.accepted(draft.id);
    } catch (error) {
      if (error instanceof Lost) return; // It is sent again, with the same id, when the line is back.
      this.#sent.delete(draft.id);
      if (error instanceof Refused && error.later) setTimeout(() => this.#drafts.has(draft.id) && this.#send(draft), LATER_MS);
      else this.#giveUp(draft.id, error.message);
    }
  }

  #giveUp(id, why) {
    this.#drafts.remove(id);
    this.view.markRefused(id, why);
    this.told.refused(id, why);
  }

  async #loadHistory() {
    try {
      const page = await this.connection.request("inbox", { limit: HISTORY_ENTRIES });
      for (const entry of page.items) if (this.#inbox.add(entry)) this.#place(entry);
      this.#hasHistory = true;
    } catch {
      // Without history the phone still hears everything new; it is asked for again with the next connection.
    }
  }

  #hear(entry) {
    if (!this.#inbox.add(entry)) return;
    this.#place(entry);
    if (entry.serverId && !entry.refused) this.told.arrived(this, entry);
  }

  /** What is on the screen was read: the number on the icon is of what was not. */
  async #tellRead(entry) {
    const known = this.#read.get(entry.conv) ?? 0;
    if (!this.#simulatesPush || !entry.convSeq || entry.from === this.user || entry.convSeq <= known) return;
    this.#read.set(entry.conv, entry.convSeq);
    try {
      await this.connection.request("conversation.read", { conv: entry.conv, upTo: entry.convSeq });
    } catch {
      // It is read with the next message.
      this.#read.set(entry.conv, known);
    }
  }

  #place(entry) {
    this.#tellRead(entry);
    // The entry itself proves that its draft is stored, even if the acknowledgement was lost.
    if (entry.from === this.user && this.#drafts.has(entry.id)) {
      this.#drafts.remove(entry.id);
      this.told.accepted(entry.id);
    }
    this.view.showEntry(entry, this.user, this.#inbox.next(entry.seq)?.seq);
  }
}
