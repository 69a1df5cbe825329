// The backend's side: one REST request, shown as curl, and sent by the button exactly as shown.

import { make } from "./element.js";

export class Rest {
  #token = null;
  #app = null;

  constructor(session, strip) {
    this.session = session;
    this.strip = strip;
    this.form = document.querySelector("#rest");
    this.code = document.querySelector("#curl");
    this.answer = document.querySelector("#answer");
    this.sendButton = document.querySelector("#send-by-rest");
    this.copyButton = document.querySelector("#copy");
    this.form.addEventListener("input", () => this.#showCurl());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.copyButton.addEventListener("click", () => this.#copy());
  }

  /** Shows the request with a token that works now. */
  async refresh() {
    const { accessToken, app } = await this.session.get();
    [this.#token, this.#app] = [accessToken, app];
    this.#showCurl();
    this.sendButton.disabled = this.copyButton.disabled = false;
  }

  #to() {
    return `try-${this.form.elements.to.value}`;
  }

  #body() {
    return JSON.stringify({ to: this.#to(), type: 0, content: { text: this.form.elements.text.value } });
  }

  #showCurl() {
    if (!this.#token) return;
    const parts = [
      `curl ${location.origin}/v1/messages \\\n  -H "Authorization: Bearer `,
      make("span", { class: "token", title: "An access token that works for an hour" }, this.#token),
      `" \\\n  -H "Content-Type: application/json" \\\n  -d ${quoted(this.#body())}`,
    ];
    this.code.replaceChildren(...parts);
  }

  async #send() {
    const ends = this.strip.requested(this.#to(), this.form.elements.text.value, this.#app);
    try {
      let answer = await this.#request();
      if (answer.status === 401) {
        this.session.forget();
        await this.refresh();
        answer = await this.#request();
      }
      const body = await answer.json();
      if (answer.ok) ends.answered(body);
      else ends.failed(body.detail || body.title);
      this.#show(answer.ok, `${answer.status} ${JSON.stringify(body)}`);
    } catch {
      ends.failed("no answer");
      this.#show(false, "No answer: the server is away. Send it again when it is back.");
    }
  }

  #request() {
    return fetch("/v1/messages", {
      method: "POST",
      headers: { Authorization: `Bearer ${this.#token}`, "Content-Type": "application/json" },
      body: this.#body(),
    });
  }

  #show(isGood, text) {
    this.answer.dataset.good = isGood;
    this.answer.textContent = text;
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.code.textContent);
      this.copyButton.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(this.code);
      this.copyButton.textContent = "Marked: copy it with the keyboard";
    }
    setTimeout(() => {
      this.copyButton.textContent = "Copy curl";
    }, 2000);
  }
}

/** As one word of a POSIX shell. */
function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
