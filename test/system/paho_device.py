"""A device on Debian's Paho client: HOST CA ID USER TOKEN tcp|websockets 3.1|3.1.1|5. Prints the answer to its register."""
import sys
import paho.mqtt.client as mqtt

host, ca, device, user, token, transport, version = sys.argv[1:]
protocol = {"3.1": mqtt.MQTTv31, "3.1.1": mqtt.MQTTv311, "5": mqtt.MQTTv5}[version]
client = mqtt.Client(device, protocol=protocol, transport=transport)
client.username_pw_set(user, token)
client.tls_set(ca)
if transport == "websockets":
    client.ws_set_options(path="/$iothub/websocket")


def on_connect(client, _userdata, _flags, code, _properties=None):
    if code != 0:
        print("refused:", code if protocol == mqtt.MQTTv5 else mqtt.connack_string(code))
        sys.exit(1)
    client.subscribe("$dps/registrations/res/#", 1)


def on_subscribe(client, *_):
    client.publish("$dps/registrations/PUT/iotdps-register/?$rid=1", '{"registrationId":"%s"}' % device, 1)


def on_message(client, _userdata, message):
    print(message.payload.decode())
    client.disconnect()


client.on_connect, client.on_subscribe, client.on_message = on_connect, on_subscribe, on_message
client.connect(host, 443 if transport == "websockets" else 8883)
client.loop_forever(retry_first_connection=False)
