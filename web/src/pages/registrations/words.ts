// Words of registration records, as sentences.

const substatuses: Record<string, string> = {
  initialAssignment: 'First assignment',
  deviceDataMigrated: 'Moved, with its data',
  deviceDataReset: 'Moved, and begun anew',
  reprovisionedToInitialAssignment: 'Registered again, same hub',
};

export const substatusName = (word: string | undefined): string => (word ? (substatuses[word] ?? word) : '');

const protocols: Record<string, string> = {
  https: 'HTTPS',
  mqtt: 'MQTT',
  mqtts: 'MQTT',
  'mqtt-ws': 'MQTT over WebSockets',
  amqp: 'AMQP',
  amqps: 'AMQP',
  'amqp-ws': 'AMQP over WebSockets',
};

export const protocolName = (word: string | undefined): string => (word ? (protocols[word.toLowerCase()] ?? word) : '');
