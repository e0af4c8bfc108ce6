// One device on any transport, by hand: it registers and polls, and tells what came back as { status, text, wait } whatever brought it.
// Who it is: { scope, id, key } or { scope, id, shown: { cert, key } }.
'use strict';
const assert = require('node:assert');
const berth = require('./berth.js');
const amqp = require('./amqp_bytes.js');
const mqtt = require('./mqtt_bytes.js');
const websocket = require('./websocket_bytes.js');
const { Wire, httpHead } = require('./wire.js');

class HttpsDevice {
  constructor(wire, { scope, id, key }) {
    Object.assign(this, { wire, at: `/${scope}/registrations/${id}` });
    this.token = key && berth.sas(`${scope}/registrations/${id}`, key, { name: 'registration' });
  }

  // The head and the text of an answer.
  async ask(method, target, body = '') {
    const all = ['Host: global.berth.test:443', ...(this.token ? [`Authorization: ${this.token}`] : []), `Content-Length: ${Buffer.byteLength(body)}`];
    this.wire.write(`${method} ${target} HTTP/1.1\r\n${all.map((line) => `${line}\r\n`).join('')}\r\n${body}`);
    const head = await this.wire.read(httpHead);
    return { head, text: (await this.wire.take(Number(head.headers['content-length']))).toString() };
  }

  async told(asked) {
    const { head, text } = await asked;
    return { status: head.status, head, text, wait: head.headers['retry-after'] && Number(head.headers['retry-after']) };
  }

  register(body = '{}') {
    return this.told(this.ask('PUT', `${this.at}/register?api-version=2019-03-31`, body));
  }

  poll(operation) {
    return this.told(this.ask('GET', `${this.at}/operations/${operation}?api-version=2019-03-31`, '{}'));
  }
}

class MqttDevice {
  constructor(device) {
    Object.assign(this, { device, wire: device.wire });
  }

  async told(topic, body) {
    await this.device.send(topic, body);
    const { payload, topic: answer, id } = await this.device.expect('PUBLISH');
    this.wire.write(mqtt.puback(id));
    const [, status, , wait] = /res\/(\d+)\/\?\$rid=([^&]*)(?:&retry-after=(\d+))?$/.exec(answer) || assert.fail(answer);
    return { status: Number(status), topic: answer, text: payload, wait: wait && Number(wait) };
  }

  register(body = '{}') {
    return this.told(mqtt.registerTopic('1'), body);
  }

  poll(operation) {
    return this.told(mqtt.statusTopic('2', operation), ' ');
  }
}

class AmqpDevice {
  constructor(device) {
    Object.assign(this, { device, wire: device.wire });
  }

  // A rejection has its text in the description, and .NET takes its status from that (12.6).
  async told(asked) {
    const { answer, outcome } = await asked;
    const [error] = answer ? [] : outcome.value;
    const text = answer ? answer.text : error.value[1].value;
    const status = JSON.parse(text).errorCode ? Math.floor(JSON.parse(text).errorCode / 1000) : undefined;
    const more = answer ? answer.properties : error.value[2] && error.value[2].value ? amqp.members(error.value[2]) : {};
    return { status, text, error, wait: more['retry-after'] && more['retry-after'].value };
  }

  register(body = '{}') {
    return this.told(this.device.register(body, { correlation: amqp.string('one') }));
  }

  poll(operation) {
    return this.told(this.device.poll(operation, { correlation: amqp.string('two') }));
  }
}

const wireTo = (door, who) => Wire.open(door, who.shown);
const socketFor = (subprotocol, who) => websocket.Stream.open({ subprotocol, credentials: who.shown });
const transports = {
  https: async (who) => new HttpsDevice(await wireTo('https', who), who),
  mqtt: async (who) => new MqttDevice(await new mqtt.Device(await wireTo('mqtts', who), who).begin()),
  'mqtt-ws': async (who) => new MqttDevice(await new mqtt.Device(await socketFor('mqtt', who), who).begin()),
  amqp: async (who) => new AmqpDevice(await new amqp.Device(await wireTo('amqps', who), who).begin()),
  'amqp-ws': async (who) => new AmqpDevice(await new amqp.Device(await socketFor('AMQPWSB10', who), who).begin()),
};

module.exports = { HttpsDevice, transports };
