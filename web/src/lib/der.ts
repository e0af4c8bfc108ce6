// As much of an X.509 certificate as is needed to show which one it is. Whether it is any good is for the server to say.

export interface CertificateSketch {
  subject: string;
  issuer: string;
  notAfter?: Date;
}

interface Node {
  tag: number;
  content: Uint8Array;
}

const notCertificate = () => new Error('The file is damaged, or it is no certificate.');

function* nodesOf(bytes: Uint8Array): Generator<Node> {
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at] as number;
    let length = bytes[at + 1];
    at += 2;
    if (length === undefined) throw notCertificate();
    if (length > 0x80) {
      let n = length & 0x7f;
      if (n > 4) throw notCertificate();
      length = 0;
      while (n-- > 0) length = length * 256 + (bytes[at++] ?? 0);
    }
    if (at + length > bytes.length) throw notCertificate();
    yield { tag, content: bytes.subarray(at, at + length) };
    at += length;
  }
}

const children = (node: Node | undefined): Node[] => {
  if (!node) throw notCertificate();
  return [...nodesOf(node.content)];
};

const shortNames: Record<string, string> = { '55.4.3': 'CN', '55.4.a': 'O', '55.4.b': 'OU', '55.4.6': 'C' };
const textOf = (node: Node | undefined): string => new TextDecoder().decode(node?.content);

/** The common name; without one, all attributes that have a short name. */
function nameOf(node: Node | undefined): string {
  const attributes = children(node)
    .flatMap(children)
    .map((pair) => {
      const [type, value] = children(pair);
      return { type: shortNames[[...(type?.content ?? [])].map((b) => b.toString(16)).join('.')] ?? '', value: textOf(value) };
    })
    .filter(({ type }) => type !== '');
  return attributes.find(({ type }) => type === 'CN')?.value ?? attributes.map(({ type, value }) => `${type}=${value}`).join(', ');
}

const utcTime = 0x17;

function timeOf(node: Node | undefined): Date | undefined {
  const digits = textOf(node);
  const year = node?.tag === utcTime ? (Number(digits.slice(0, 2)) < 50 ? '20' : '19') + digits.slice(0, 2) : digits.slice(0, 4);
  const rest = digits.slice(node?.tag === utcTime ? 2 : 4);
  const at = new Date(`${year}-${rest.slice(0, 2)}-${rest.slice(2, 4)}T${rest.slice(4, 6)}:${rest.slice(6, 8)}:${rest.slice(8, 10)}Z`);
  return Number.isNaN(at.getTime()) ? undefined : at;
}

const explicitVersion = 0xa0;

export function readCertificate(der: Uint8Array): CertificateSketch {
  const [certificate] = nodesOf(der);
  if (certificate?.tag !== 0x30) throw notCertificate();
  const parts = children(children(certificate)[0]);
  // version (explicit), serial number, algorithm, issuer, validity, subject
  const from = parts[0]?.tag === explicitVersion ? 1 : 0;
  return {
    issuer: nameOf(parts[from + 2]),
    notAfter: timeOf(children(parts[from + 3])[1]),
    subject: nameOf(parts[from + 4]),
  };
}
