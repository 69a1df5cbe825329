// One phone made of mqtt.js: logs in, talks, goes away, comes back. What it sees goes to standard output, a line each.
// Arguments: URL, MQTT version (3 or 5), certificate to trust, account, device id, device token, draft to send.
"use strict";

const fs = require("node:fs");
const readline = require("node:readline");
const mqtt = require("mqtt");

const [url, version, trusted, account, device, token, draft] = process.argv.slice(2);
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

function say(...words) {
  process.stdout.write(`${words.join(" ")}\n`);
}

function connect(password) {
  const client = mqtt.connect(url, {
    protocolVersion: version === "5" ? 5 : 4,
    clientId: device,
    username: account,
    password,
    clean: false,
    reconnectPeriod: 0,
    ca: /^(mqtts|wss):/.test(url) ? fs.readFileSync(trusted) : undefined,
    properties: version === "5" ? { sessionExpiryInterval: 3600 } : undefined,
  });
  client.on("message", (_, payload) => say("heard", payload.toString()));
  return client;
}

function entered(client) {
  return new Promise((resolve, reject) => {
    // Not "connect": that comes late, after messages that were in one frame with the answer.
    client.on("packetreceive", (packet) => {
      if (packet.cmd === "connack") say("entered", packet.sessionPresent);
    });
    client.once("connect", resolve);
    client.once("error", reject);
  });
}

async function main() {
  const wrong = connect("gwd_wrong");
  await new Promise((resolve) => {
    wrong.once("error", (error) => {
      say("refused", error.code);
      resolve();
    });
  });
  wrong.end(true);

  let client = connect(token);
  await entered(client);
  const [granted] = await client.subscribeAsync(`im/${account}/inbox`, { qos: 1 });
  say(granted.qos === 1 ? "subscribed" : `granted ${granted.qos}`);
  await client.publishAsync(`im/${account}/outbox`, draft, { qos: 1 });
  say("published");
  await lines.next();
  await client.endAsync();
  say("left");
  await lines.next();
  client = connect(token);
  await entered(client);
  await lines.next();
  await client.endAsync();
  lines.return();
}

main().then(
  () => process.exit(0),
  (error) => {
    say("failed", error.stack);
    process.exit(1);
  },
);
