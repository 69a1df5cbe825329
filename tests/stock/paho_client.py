"""One phone made of paho-mqtt: logs in, talks, goes away, comes back. What it sees goes to standard output, a line each.

Arguments: URL, MQTT version (3 or 5), certificate to trust, account, device id, device token, draft to send.
"""

import sys
import threading
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

URL, VERSION, TRUSTED, ACCOUNT, DEVICE, TOKEN, DRAFT = sys.argv[1:]
PATIENCE_S = 20
place = urlsplit(URL)
is_v5 = VERSION == "5"


def say(*words):
    # In one piece: two threads say things.
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


class Phone:
    def __init__(self, token):
        self.answered = threading.Event()
        self.subscribed = threading.Event()
        self.ended = threading.Event()
        options = {} if is_v5 else {"clean_session": False}
        self.client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2,
            client_id=DEVICE,
            protocol=mqtt.MQTTv5 if is_v5 else mqtt.MQTTv311,
            transport="websockets" if place.scheme in ("ws", "wss") else "tcp",
            reconnect_on_failure=False,
            **options,
        )
        self.client.username_pw_set(ACCOUNT, token)
        if place.scheme in ("mqtts", "wss"):
            self.client.tls_set(ca_certs=TRUSTED)
        if place.path:
            self.client.ws_set_options(path=place.path)
        self.client.on_connect = self.on_connect
        self.client.on_message = lambda client, data, message: say("heard", message.payload.decode())
        self.client.on_subscribe = lambda client, data, mid, codes, properties: self.subscribed.set()
        self.client.on_disconnect = lambda client, data, flags, code, properties: self.ended.set()
        more = {}
        if is_v5:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 3600
            more = {"clean_start": False, "properties": properties}
        self.client.connect(place.hostname, place.port, keepalive=30, **more)
        self.client.loop_start()
        assert self.answered.wait(PATIENCE_S), "no CONNACK"

    def on_connect(self, client, data, flags, code, properties):
        say("refused" if code.is_failure else "entered", str(code) if code.is_failure else flags.session_present)
        self.answered.set()

    def leave(self):
        self.client.disconnect()
        assert self.ended.wait(PATIENCE_S), "the connection does not end"
        self.client.loop_stop()


Phone("gwd_wrong").client.loop_stop()
phone = Phone(TOKEN)
phone.client.subscribe(f"im/{ACCOUNT}/inbox", qos=1)
assert phone.subscribed.wait(PATIENCE_S), "no SUBACK"
say("subscribed")
sent = phone.client.publish(f"im/{ACCOUNT}/outbox", DRAFT, qos=1)
sent.wait_for_publish(PATIENCE_S)
assert sent.is_published(), "no PUBACK"
say("published")
sys.stdin.readline()
phone.leave()
say("left")
sys.stdin.readline()
phone = Phone(TOKEN)
sys.stdin.readline()
phone.leave()
