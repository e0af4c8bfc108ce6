// A TPM 2.0 in software (swtpm), as the SDK's TPM library sees one. That library knows devices and Microsoft's simulator; swtpm takes bare
// commands over TCP, so here is a device that does.
'use strict';
const crypto = require('node:crypto');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { Tpm } = require('tss.js');

const HEADER = 10; // of a response: tag, size, code
const SIZE_AT = 2;

// What tss.js asks of a device: one command at a time, and the whole response to it.
class SwtpmDevice {
  constructor(port) {
    this.port = port;
  }

  connect(done) {
    this.socket = net.connect(this.port, '127.0.0.1', () => done(null));
    this.socket.on('error', (error) => this.failed && this.failed(error));
  }

  dispatchCommand(command, done) {
    let response = Buffer.alloc(0);
    const end = (error) => {
      this.socket.removeAllListeners('data');
      this.failed = undefined;
      setImmediate(done, error, response);
    };
    this.failed = end;
    this.socket.on('data', (part) => {
      response = Buffer.concat([response, part]);
      if (response.length >= HEADER && response.length >= response.readUInt32BE(SIZE_AT)) end(null);
    });
    this.socket.write(command);
  }

  close() {
    if (this.socket) this.socket.destroy();
  }
}

// An endorsement key as TPMs have one (the standard template for RSA 2048), of no TPM: the modulus is any odd number. Base64.
function endorsementKeyOfNobody() {
  const head = '013a0001000b000300b20020837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa00060080004300100800000000000100';
  const modulus = crypto.randomBytes(256);
  modulus[0] |= 0x80;
  modulus[255] |= 1;
  return Buffer.concat([Buffer.from(head, 'hex'), modulus]).toString('base64');
}

// Start one with fresh keys: {connect() -> a Tpm of tss.js, stop()}.
async function softwareTpm(port) {
  const state = fs.mkdtempSync(path.join(os.tmpdir(), 'swtpm-'));
  const process_ = spawn('swtpm', ['socket', '--tpm2', '--tpmstate', `dir=${state}`, '--server', `type=tcp,port=${port}`,
    '--flags', 'not-need-init,startup-clear'], { stdio: 'ignore' });
  const devices = [];
  await listening(port);
  return {
    connect() {
      const tpm = new Tpm(false);
      tpm.device = new SwtpmDevice(port);
      devices.push(tpm.device);
      return tpm;
    },
    stop() {
      for (const device of devices) device.close();
      process_.kill();
      fs.rmSync(state, { recursive: true, force: true });
    },
  };
}

async function listening(port) {
  for (let i = 0; i < 200; i++) {
    const there = await new Promise((resolve) => {
      const probe = net.connect(port, '127.0.0.1', () => (probe.destroy(), resolve(true)));
      probe.on('error', () => resolve(false));
    });
    if (there) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`swtpm does not listen on port ${port}`);
}

module.exports = { endorsementKeyOfNobody, softwareTpm };
