// Shows /openapi.json to people. Text only enters the page as text.
"use strict";

const METHODS = ["get", "post", "put", "delete"];
let schemas = {};

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Text in which `code` stands between backticks. */
function prose(text) {
  return (text || "").split("`").map((part, at) => (at % 2 ? element("code", {}, part) : part));
}

function resolve(schema) {
  const name = schema && schema.$ref && schema.$ref.split("/").pop();
  return name ? { name, ...schemas[name] } : schema || {};
}

function typeOf(schema) {
  const of = resolve(schema);
  const choices = of.oneOf || of.anyOf;
  if (choices) return choices.map(typeOf).join(" or ");
  if (of.type === "array" || (of.type || []).includes("array")) return "list of " + typeOf(of.items);
  if (of.name && of.properties) return of.name;
  return [].concat(of.type || "any JSON").filter((type) => type !== "null").join(" or ");
}

function row(...cells) {
  return element("tr", {}, ...cells.map((cell) => element("td", {}, ...[].concat(cell))));
}

function table(heads, rows) {
  const head = element("tr", {}, ...heads.map((text) => element("th", {}, text)));
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
}

/** The fields of a schema, and below it those of the schemas it names. */
function fields(schema, seen = new Set()) {
  const of = resolve(schema);
  if (of.items) return fields(of.items, seen);
  const inner = (of.oneOf || of.anyOf || []).flatMap((choice) => fields(choice, seen));
  if (!of.properties || seen.has(of.name)) return inner;
  seen.add(of.name);
  const rows = Object.entries(of.properties).map(([name, property]) =>
    row(
      element("code", {}, name),
      typeOf(property) + ((of.required || []).includes(name) ? "" : ", optional"),
      prose(property.description || resolve(property).description),
    ));
  const below = Object.values(of.properties).flatMap((property) => fields(property, seen));
  const title = of.name ? [element("h3", {}, of.name)] : [];
  return [...title, table(["field", "type", "meaning"], rows), ...below, ...inner];
}

function contents(content) {
  return Object.entries(content || {}).flatMap(([kind, { schema }]) => {
    const shown = fields(schema);
    return [element("p", {}, element("code", {}, kind), shown.length ? "" : ": " + typeOf(schema)), ...shown];
  });
}

function credentials(security) {
  const ways = (security || []).flatMap((way) => Object.entries(way));
  if (!ways.length) return "none";
  return ways
    .map(([who, scopes]) => (who === "app" ? "an app with the scope " + scopes.join(" ") : "the device’s own token"))
    .join(", or ");
}

function call(path, method, operation) {
  const summary = element(
    "summary", {},
    element("span", { class: "method" }, method.toUpperCase()),
    element("span", { class: "path" }, path),
    element("span", { class: "says" }, operation.summary || ""),
  );
  const body = element("div", {}, element("p", {}, "Credentials: " + credentials(operation.security)));
  const parameters = (operation.parameters || []).map((of) =>
    row(element("code", {}, of.name), of.in + (of.required ? "" : ", optional"), prose(of.description)));
  if (parameters.length) body.append(table(["parameter", "where", "meaning"], parameters));
  if (operation.requestBody) body.append(element("h3", {}, "Body"), ...contents(operation.requestBody.content));
  for (const [status, answer] of Object.entries(operation.responses)) {
    if (status === "default") continue;
    body.append(element("h3", {}, "Answer " + status), element("p", {}, ...prose(answer.description)), ...contents(answer.content));
  }
  return element("details", { id: operation.operationId }, summary, body);
}

function show(description) {
  schemas = description.components.schemas;
  document.getElementById("title").textContent = description.info.title + " REST API " + description.info.version;
  document.getElementById("about").append(...prose(description.info.description));
  const calls = [];
  const index = element("ul", {});
  for (const [path, item] of Object.entries(description.paths)) {
    for (const method of METHODS.filter((name) => item[name])) {
      const operation = item[method];
      calls.push(call(path, method, operation));
      const link = element("a", { href: "#" + operation.operationId }, method.toUpperCase() + " " + path);
      index.append(element("li", {}, link));
    }
  }
  document.getElementById("calls").replaceChildren(...calls);
  document.getElementById("index").append(index);
  const codes = description["x-problems"].map(({ code, status, meaning }) => {
    const made = row(element("code", {}, code), String(status), meaning);
    made.id = code;
    return made;
  });
  document.getElementById("codes").append(...codes);
  openTarget();
}

function openTarget() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (!target) return;
  if (target.tagName === "DETAILS") target.open = true;
  target.scrollIntoView();
}

window.addEventListener("hashchange", openTarget);
fetch("/openapi.json")
  .then((answer) => answer.json())
  .then(show)
  .catch((error) => {
    document.getElementById("calls").textContent = "The description could not be read: " + error;
  });
