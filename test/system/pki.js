// Certificates for tests, made by openssl in a folder of their own: NAME.pem and NAME.key.
'use strict';
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'berth-x509-'));
const at = (name) => path.join(folder, name);
const pem = (...names) => names.map((name) => fs.readFileSync(at(`${name}.pem`), 'utf8')).join('');
const openssl = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
const CA = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n';
const DEVICE = 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n';

// NAME.pem and NAME.key; issuer undefined: self-signed.
function make(name, subject, issuer, { extensions = DEVICE, key = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'], dates } = {}) {
  openssl('genpkey', ...key, '-out', `${name}.key`);
  openssl('req', '-new', '-key', `${name}.key`, '-subj', subject, '-out', `${name}.csr`);
  fs.writeFileSync(at('extensions'), extensions);
  if (dates) {
    // Validity in the past or the future wants the "ca" command.
    fs.writeFileSync(at('index.txt'), '');
    fs.writeFileSync(at('serial'), '01\n');
    fs.writeFileSync(at('ca.conf'), '[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n');
    openssl('ca', '-batch', '-config', 'ca.conf', '-in', `${name}.csr`, '-out', `${name}.pem`, '-cert', `${issuer}.pem`, '-keyfile', `${issuer}.key`,
      '-startdate', dates[0], '-enddate', dates[1], '-extfile', 'extensions', '-notext');
  } else if (issuer) {
    openssl('x509', '-req', '-in', `${name}.csr`, '-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`, '-CAcreateserial', '-days', '30', '-extfile', 'extensions', '-out', `${name}.pem`);
  } else {
    openssl('x509', '-req', '-in', `${name}.csr`, '-signkey', `${name}.key`, '-days', '30', '-extfile', 'extensions', '-out', `${name}.pem`);
  }
}

const secret = (name) => fs.readFileSync(at(`${name}.key`), 'utf8');
const thumbprint = (name) => openssl('x509', '-in', `${name}.pem`, '-noout', '-fingerprint', '-sha256').toString().split('=')[1].replace(/[:\n]/g, '');

// NAME.crl: what ISSUER has withdrawn; good for a day from now, or from one date to another (YYYYMMDDHHMMSSZ).
function revoke(name, issuer, certificates, dates) {
  fs.writeFileSync(at('crl-index.txt'), '');
  fs.writeFileSync(at('crl.conf'), '[ca]\ndefault_ca=d\n[d]\ndatabase=crl-index.txt\ndefault_md=sha256\n');
  const as = ['ca', '-config', 'crl.conf', '-cert', `${issuer}.pem`, '-keyfile', `${issuer}.key`];
  for (const certificate of certificates) openssl(...as, '-revoke', `${certificate}.pem`);
  const validity = dates ? ['-crl_lastupdate', dates[0], '-crl_nextupdate', dates[1]] : ['-crlhours', '24'];
  openssl(...as, '-gencrl', ...validity, '-out', `${name}.crl`);
}

const crl = (name) => fs.readFileSync(at(`${name}.crl`), 'utf8');

module.exports = { CA, DEVICE, folder, at, pem, secret, thumbprint, openssl, make, revoke, crl };
