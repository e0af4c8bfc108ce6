// Where JSON goes wrong, and in words that say what to mend. JSON.parse tells neither alike in every browser.

export interface JsonFault {
  offset: number;
  line: number;
  column: number;
  message: string;
}

class Fault extends Error {
  constructor(
    readonly offset: number,
    message: string,
  ) {
    super(message);
  }
}

const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const word = /[A-Za-z_$][\w$]*/y;

class Reader {
  private at = 0;
  constructor(private readonly text: string) {}

  private space(): string {
    while (/[ \t\r\n]/.test(this.text[this.at] ?? '')) this.at++;
    return this.text[this.at] ?? '';
  }

  private take(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? '';
    this.at += found.length;
    return found;
  }

  private string(): string {
    const began = this.at++;
    for (; this.at < this.text.length; this.at++) {
      const c = this.text[this.at] as string;
      if (c === '"') return JSON.parse(this.text.slice(began, ++this.at)) as string;
      if (c < ' ') throw new Fault(began, 'This text has no closing quote on its line.');
      if (c !== '\\') continue;
      if (!/^(["\\/bfnrt]|u[0-9a-fA-F]{4})/.test(this.text.slice(this.at + 1, this.at + 6)))
        throw new Fault(this.at, 'A backslash must be followed by ", \\, /, b, f, n, r, t or u and four digits.');
      this.at++;
    }
    throw new Fault(began, 'This text has no closing quote.');
  }

  private object(): void {
    const names = new Set<string>();
    this.at++;
    if (this.space() === '}') return void this.at++;
    for (;;) {
      const began = this.at;
      const c = this.space();
      if (c === '}') throw new Fault(began, 'A comma stands before the closing brace: remove it.');
      if (c === "'") throw new Fault(this.at, 'Names stand in double quotes.');
      if (c !== '"') throw new Fault(this.at, c === '' ? 'A closing brace } is missing.' : 'A name in double quotes is expected here.');
      const nameAt = this.at;
      const name = this.string();
      if (names.has(name)) throw new Fault(nameAt, `The name "${name}" is there twice.`);
      names.add(name);
      if (this.space() !== ':') throw new Fault(this.at, `A colon is missing after "${name}".`);
      this.at++;
      this.value();
      if (this.next('}', 'brace')) return;
    }
  }

  private array(): void {
    this.at++;
    if (this.space() === ']') return void this.at++;
    for (;;) {
      if (this.space() === ']') throw new Fault(this.at, 'A comma stands before the closing bracket: remove it.');
      this.value();
      if (this.next(']', 'bracket')) return;
    }
  }

  private next(end: string, called: string): boolean {
    const c = this.space();
    if (c !== ',' && c !== end)
      throw new Fault(this.at, c === '' ? `A closing ${called} ${end} is missing.` : `A comma or a closing ${called} ${end} is missing before this.`);
    this.at++;
    return c === end;
  }

  private value(): void {
    const c = this.space();
    if (c === '{') return this.object();
    if (c === '[') return this.array();
    if (c === '"') return void this.string();
    if (c === "'") throw new Fault(this.at, 'Text stands in double quotes.');
    const began = this.at;
    if (this.take(number) !== '') {
      if (/[\w.]/.test(this.text[this.at] ?? '')) throw new Fault(began, 'This is no number. Text stands in double quotes.');
      return;
    }
    const found = this.take(word);
    if (found === 'true' || found === 'false' || found === 'null') return;
    if (found !== '') throw new Fault(began, `"${found}" is unknown here. Text stands in double quotes; else there are true, false and null.`);
    throw new Fault(this.at, c === '' || c === '}' || c === ']' || c === ',' ? 'A value is missing here.' : 'This is no value.');
  }

  all(): void {
    this.value();
    if (this.space() !== '') throw new Fault(this.at, 'Nothing may follow the end of the document.');
  }
}

/** Undefined: the text is JSON. */
export function jsonFault(text: string): JsonFault | undefined {
  try {
    new Reader(text).all();
    return undefined;
  } catch (e) {
    if (!(e instanceof Fault)) throw e;
    const before = text.slice(0, e.offset);
    return {
      offset: e.offset,
      line: before.split('\n').length,
      column: e.offset - before.lastIndexOf('\n'),
      message: e.message,
    };
  }
}

export const prettyJson = (value: unknown): string => JSON.stringify(value, null, 2);
