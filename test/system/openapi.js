// Validate answers against the vendor's published descriptions (Swagger 2.0), where they are on this machine: the folder is
// ../shared/openapi beside the project, or BERTH_OPENAPI. Without it, load() gives undefined and tests skip.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const Ajv = require('ajv').default;
const formats = require('ajv-formats').default;

const folder = process.env.BERTH_OPENAPI || path.join(__dirname, '..', '..', '..', 'shared', 'openapi');

// Swagger's schema is an older dialect: x-nullable becomes a type list, read-only and the like mean nothing here; and what
// service-api.md 14 allows (nulls that the real service sends, a key attestation without keys) is allowed.
function modern(schema, where = '') {
  if (Array.isArray(schema)) return schema.map((s) => modern(s, where));
  if (schema === null || typeof schema !== 'object') return schema;
  const out = {};
  for (const [name, value] of Object.entries(schema)) {
    if (name.startsWith('x-') || ['discriminator', 'example', 'readOnly', 'title', 'externalDocs'].includes(name)) continue;
    out[name] = modern(value, name);
  }
  if (schema['x-nullable'] && out.type) out.type = [out.type, 'null'];
  if (['provisioningStatus', 'idScope', 'certificate', 'applyAllocationPolicy', 'allocationWeight'].includes(where) && typeof out === 'object')
    return { anyOf: [out, { type: 'null' }] };
  return out;
}

function inline(text, base) {
  return text.replace(/"\$ref":\s*"([^"#]*)#\/definitions\/([^"]+)"/g, (whole, file, name) =>
    file === '' ? `"$ref":"#/definitions/${name}"` : `"$ref":"${common(file, base)}#/definitions/${name}"`);
}

const common = (file) => path.basename(path.dirname(file)) + '-' + path.basename(file);

function load(file) {
  const at = path.join(folder, file);
  if (!fs.existsSync(at)) return undefined;
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  formats(ajv);
  for (const version of ['v2', 'v3', 'v5']) {
    const shared = path.join(folder, 'common-types', 'resource-management', version);
    if (!fs.existsSync(shared)) continue;
    for (const name of fs.readdirSync(shared)) {
      const document = JSON.parse(inline(fs.readFileSync(path.join(shared, name), 'utf8')));
      ajv.addSchema({ $id: `${version}-${name}`, definitions: modern(document.definitions || {}) });
    }
  }
  const document = JSON.parse(inline(fs.readFileSync(at, 'utf8')));
  const definitions = modern(document.definitions);
  ajv.addSchema({ $id: file, definitions });
  return (value, name) => {
    assert.ok(definitions[name], `${file} has no ${name}`);
    const validate = ajv.compile({ $ref: `${file}#/definitions/${name}` });
    assert.ok(validate(value), `${name}: ${ajv.errorsText(validate.errors)}\n${JSON.stringify(value, null, 1)}`);
  };
}

module.exports = { load };
