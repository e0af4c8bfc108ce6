import { expect, test } from 'vitest';
import { jsonFault } from './json';

test('what JSON.parse takes has no fault', () => {
  for (const text of ['{}', ' [1, -2.5e3, "a\\u00e9\\n", true, null, {"x": {}}] ', '"x"', '0', '{"a":[],"b":""}']) {
    expect(jsonFault(text)).toBeUndefined();
    JSON.parse(text);
  }
});

const faults: [string, string, number, number, RegExp][] = [
  ['a comma too many', '{\n  "a": 1,\n}', 2, 10, /comma stands before the closing brace/],
  ['a comma too few', '{\n  "a": 1\n  "b": 2\n}', 3, 3, /comma or a closing brace/],
  ['a name without quotes', '{a: 1}', 1, 2, /name in double quotes/],
  ['single quotes', "{'a': 1}", 1, 2, /double quotes/],
  ['no colon', '{"a" 1}', 1, 6, /colon is missing after "a"/],
  ['no value', '{"a": }', 1, 7, /value is missing/],
  ['an unknown word', '{"a": yes}', 1, 7, /"yes" is unknown/],
  ['an open text', '{"a": "x\n}', 1, 7, /no closing quote/],
  ['an open object', '{"a": 1', 1, 8, /closing brace } is missing/],
  ['an open array', '[1, 2', 1, 6, /closing bracket/],
  ['a name twice', '{"a": 1, "a": 2}', 1, 10, /twice/],
  ['more than one document', '{} {}', 1, 4, /Nothing may follow/],
  ['a number with leading zero', '[012]', 1, 2, /no number/],
  ['a bad escape', '["\\x"]', 1, 3, /backslash/],
  ['nothing at all', '  ', 1, 3, /value is missing/],
];

test.each(faults)('%s is marked where it is', (_name, text, line, column, message) => {
  const fault = jsonFault(text);
  expect(fault).toMatchObject({ line, column });
  expect(fault?.message).toMatch(message);
});
