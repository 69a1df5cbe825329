// A phone's line to the server: MQTT 5 over a WebSocket that comes back by itself.
//
// Every attempt is a fresh client, so that nothing but the phone's own drafts is ever sent again: the phone is the one
// owner of resending, and the server's stored session brings back what was missed.

import mqtt from "../vendor/mqtt/mqtt-5.16.0.esm.js";

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 4000;
const REQUEST_PATIENCE_MS = 10_000;
const NEVER_EXPIRES = 0xffffffff;
// Reason codes of MQTT 5.
const TAKEN_OVER = 0x8e;
const BAD_CREDENTIALS = [0x85, 0x86, 0x87];
const COMES_AGAIN_LATER = [0x97];

/** A draft the server said no to; `later` when the same draft may be taken another time. */
export class Refused extends Error {
  constructor(text, later) {
    super(text);
    this.later = later;
  }
}

/** The line broke before the answer came. */
export class Lost extends Error {}

export class Connection {
  #client = null;
  #wanted = false;
  #timer = 0;
  #pause = FIRST_PAUSE_MS;
  #lastRequest = 0;
  /** What waits for an answer over the present line; rejected when it breaks. */
  #waiting = new Set();
  #requests = new Map();

  /**
   * @param credentials () => Promise<{url, account, deviceId, deviceToken}>; called before each attempt
   * @param told {up(), down(pauseMs), takenOver(), refused(), entry(entry)}
   */
  constructor(credentials, told) {
    this.credentials = credentials;
    this.told = told;
  }

  get isUp() {
    return this.#client?.connected ?? false;
  }

  start() {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#pause = FIRST_PAUSE_MS;
    this.#attempt();
  }

  /** Goes away without a word, as a phone in a tunnel does. */
  stop() {
    this.#wanted = false;
    clearTimeout(this.#timer);
    this.#drop();
  }

  /** Tries at once instead of waiting out the pause. */
  hurry() {
    if (!this.#wanted || this.#client || !this.#timer) return;
    clearTimeout(this.#timer);
    this.#attempt();
  }

  /** Publishes a draft; resolves when the server says it is stored. */
  publish(draft) {
    return this.#send("outbox", JSON.stringify(draft));
  }

  /** Asks by JSON-RPC; resolves with the result. */
  request(method, params) {
    const id = `r${++this.#lastRequest}`;
    const answer = this.#untilBroken((resolve, reject) => {
      const timer = setTimeout(() => reject(new Lost(`no answer to ${method}`)), REQUEST_PATIENCE_MS);
      this.#requests.set(id, (reply) => {
        clearTimeout(timer);
        reply.error ? reject(new Refused(reply.error.data?.detail || reply.error.message, false)) : resolve(reply.result);
      });
    });
    const sent = this.#send("request", JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    return Promise.all([answer, sent])
      .then(([result]) => result)
      .finally(() => this.#requests.delete(id));
  }

  async #attempt() {
    this.#timer = 0;
    let who;
    try {
      who = await this.credentials();
    } catch {
      return this.#again();
    }
    if (!this.#wanted || this.#client) return;
    const client = mqtt.connect(who.url, {
      protocolVersion: 5,
      clientId: who.deviceId,
      username: who.account,
      password: who.deviceToken,
      clean: false,
      properties: { sessionExpiryInterval: NEVER_EXPIRES },
      keepalive: 120,
      connectTimeout: 8000,
      reconnectPeriod: 0,
      resubscribe: false,
      timerVariant: "native",
    });
    this.#client = client;
    this.topic = (name) => `im/${who.account}/${name}`;
    client.on("connect", () => this.#isUp(client));
    client.on("message", (topic, payload) => client === this.#client && this.#hear(topic, payload));
    client.on("disconnect", (packet) => packet.reasonCode === TAKEN_OVER && this.#lose(client, TAKEN_OVER));
    client.on("error", (error) => this.#lose(client, error.code));
    client.on("close", () => this.#lose(client));
  }

  #isUp(client) {
    if (client !== this.#client) return;
    client.subscribe(this.topic("#"), { qos: 1 }, (error) => {
      if (error) return this.#lose(client);
      if (client !== this.#client) return;
      this.#pause = FIRST_PAUSE_MS;
      this.told.up();
    });
  }

  #hear(topic, payload) {
    const heard = JSON.parse(new TextDecoder().decode(payload));
    if (topic === this.topic("inbox")) this.told.entry(heard);
    if (topic === this.topic("reply")) this.#requests.get(heard.id)?.(heard);
  }

  #lose(client, code) {
    if (client !== this.#client) return;
    this.#drop();
    if (!this.#wanted) return;
    if (code === TAKEN_OVER) {
      this.#wanted = false;
      return this.told.takenOver();
    }
    if (BAD_CREDENTIALS.includes(code)) this.told.refused();
    this.#again();
  }

  #again() {
    if (!this.#wanted) return;
    const pause = this.#pause * (0.8 + 0.4 * Math.random());
    this.#pause = Math.min(this.#pause * 1.6, LONGEST_PAUSE_MS);
    this.#timer = setTimeout(() => this.#attempt(), pause);
    this.told.down(pause);
  }

  #drop() {
    const client = this.#client;
    this.#client = null;
    client?.end(true);
    for (const reject of [...this.#waiting]) reject(new Lost("the connection is gone"));
  }

  #send(name, text) {
    const client = this.#client;
    return this.#untilBroken((resolve, reject) => {
      if (!client?.connected) return reject(new Lost("not connected"));
      client.publish(this.topic(name), text, { qos: 1 }, (error, packet) => {
        if (!error) return resolve();
        if (typeof error.code !== "number") return reject(new Lost(error.message));
        reject(new Refused(packet?.properties?.reasonString || error.message, COMES_AGAIN_LATER.includes(error.code)));
      });
    });
  }

  #untilBroken(start) {
    let reject;
    const promise = new Promise((resolve, rejectPromise) => {
      reject = rejectPromise;
      this.#waiting.add(reject);
      start(resolve, rejectPromise);
    });
    return promise.finally(() => this.#waiting.delete(reject));
  }
}
