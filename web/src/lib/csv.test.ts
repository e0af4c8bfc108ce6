import { expect, test } from 'vitest';
import { parseCsv, writeCsv } from './csv';

const cells = (text: string) => parseCsv(text).map((row) => row.cells);

test('a cell in quotes keeps commas, quotes and line ends', () => {
  expect(cells('id,note\r\na,"one, ""two""\nthree"\r\n')).toEqual([
    ['id', 'note'],
    ['a', 'one, "two"\nthree'],
  ]);
});

test('semicolons and tabs separate where the first line has more of them', () => {
  expect(cells('id;twin\na;"{""x"":1,""y"":2}"')).toEqual([
    ['id', 'twin'],
    ['a', '{"x":1,"y":2}'],
  ]);
  expect(cells('id\tstatus\na\tenabled')).toEqual([
    ['id', 'status'],
    ['a', 'enabled'],
  ]);
});

test('a byte order mark and empty lines are passed over, and rows know their line', () => {
  expect(parseCsv('\uFEFFid\n\na\n"b\nb"\nc')).toEqual([
    { line: 1, cells: ['id'] },
    { line: 3, cells: ['a'] },
    { line: 4, cells: ['b\nb'] },
    { line: 6, cells: ['c'] },
  ]);
});

test('empty cells stay, at the end of a line too', () => {
  expect(cells('a,b,c\n1,,\n')).toEqual([
    ['a', 'b', 'c'],
    ['1', '', ''],
  ]);
});

test('what is written reads the same', () => {
  const rows = [
    ['id', 'note'],
    ['a', 'x "y", z'],
    ['b', 'two\nlines'],
  ];
  expect(cells(writeCsv(rows))).toEqual(rows);
});

test('a formula is written as text', () => {
  expect(writeCsv([['=1+1', '-5', '@x']])).toBe("'=1+1,-5,'@x\r\n");
});
