// What the server gives this page: a device for each phone, and a token for the backend's request.

const CODE_KEY = "godwit-try-code";

/** Names this browser's phones for ever: opening the page again finds the same devices. */
function uniqueCode() {
  let code = localStorage.getItem(CODE_KEY);
  if (!code) {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    code = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    localStorage.setItem(CODE_KEY, code);
  }
  return code;
}

/** The page may not be used from here, and asking again changes nothing. */
export class NotAllowed extends Error {}

export class Session {
  #present = null;

  /** The present session, asked for if there is none. */
  get() {
    this.#present ??= this.#ask().catch((error) => {
      this.#present = null;
      throw error;
    });
    return this.#present;
  }

  /** The server does not take the credentials (any more): the next `get` asks for others. */
  forget() {
    this.#present = null;
  }

  async #ask() {
    const answer = await fetch("/try/session", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ uniqueCode: uniqueCode() }),
    });
    const body = await answer.json();
    if (answer.status === 403) throw new NotAllowed(body.detail);
    if (!answer.ok) throw new Error(body.detail);
    const url = new URL(body.wsPath, location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    return {
      url: url.href,
      phones: Object.fromEntries(body.phones.map((phone) => [phone.name, phone])),
      accessToken: body.rest.accessToken,
      app: body.rest.from,
      simulatesPush: body.simulatesPush,
    };
  }
}
