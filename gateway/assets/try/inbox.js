// An account's inbox as this page knows it: every entry once, in the order of `seq`.

/** How many entries are kept; older ones are left to the server. */
const KEPT = 300;

export class Inbox {
  #entries = [];
  #serverIds = new Set();

  /** Takes an entry; false when it was here already. */
  add(entry) {
    if (entry.serverId && this.#serverIds.has(entry.serverId)) return false;
    const at = this.#placeOf(entry.seq);
    if (this.#entries[at]?.seq === entry.seq) return false;
    this.#entries.splice(at, 0, entry);
    if (entry.serverId) this.#serverIds.add(entry.serverId);
    if (this.#entries.length > KEPT) this.#serverIds.delete(this.#entries.shift().serverId);
    return true;
  }

  all() {
    return this.#entries;
  }

  /** The entry that follows this number, if any: what a new entry is put before. */
  next(seq) {
    const at = this.#placeOf(seq);
    return this.#entries[this.#entries[at]?.seq === seq ? at + 1 : at];
  }

  #placeOf(seq) {
    let [low, high] = [0, this.#entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#entries[middle].seq < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
