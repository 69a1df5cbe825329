// What people see for the addresses of the platform.

const PHONES = { "try-alice": "Alice", "try-bob": "Bob" };

/** Alice for `try-alice`, "your backend" for an app, everybody else as the address says. */
export function nameOf(address) {
  if (Array.isArray(address)) return address.map(nameOf).join(", ");
  if (PHONES[address]) return PHONES[address];
  return address?.startsWith("a:") ? "your backend" : (address ?? "somebody");
}

/** The class that colours a name. */
export function colourOf(address) {
  if (address === "try-alice") return "alice";
  if (address === "try-bob") return "bob";
  return "app";
}

/** What a message says, for eyes. */
export function textOf(message) {
  const content = message.content ?? {};
  if (typeof content === "string") return content;
  return typeof content.text === "string" ? content.text : JSON.stringify(content);
}

/** 4 ms, 1.3 s, 2 min. */
export function span(ms) {
  if (ms < 1) return "under 1 ms";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.round(ms / 60_000);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
