// Drafts the server has not acknowledged yet. They outlive the connection, and the page.

export class Drafts {
  #key;
  #waiting;

  constructor(account) {
    this.#key = `godwit-try-drafts-${account}`;
    try {
      this.#waiting = JSON.parse(localStorage.getItem(this.#key)) ?? [];
    } catch {
      this.#waiting = [];
    }
  }

  /** In the order they were written. */
  all() {
    return [...this.#waiting];
  }

  has(id) {
    return this.#waiting.some((draft) => draft.id === id);
  }

  add(draft) {
    this.#waiting.push(draft);
    this.#keep();
  }

  remove(id) {
    this.#waiting = this.#waiting.filter((draft) => draft.id !== id);
    this.#keep();
  }

  #keep() {
    localStorage.setItem(this.#key, JSON.stringify(this.#waiting));
  }
}
