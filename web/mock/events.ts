// The stream of what happens: four batches a second, by default of 2,000 registrations a second.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { statistics } from './insight';
import { services } from './world';

const perSecond = Number(process.env['MOCK_RATE'] ?? 2000);
const beat = 250;
const protocols = ['mqtt', 'https', 'amqp', 'mqtt-ws'];
const refusals = [
  { code: 401002, sentence: 'The signature was made with another key.' },
  { code: 401002, sentence: 'No certificate of the chain is one that an enrollment names.' },
  { code: 404201, sentence: 'No enrollment has this registration ID.' },
];

let landed = 812_340;
const pick = <T>(from: readonly T[]): T => from[Math.floor(Math.random() * from.length)] as T;

function batch(service: string) {
  const hubs = (services.get(service)?.properties.iotHubs ?? []).filter((hub) => hub.applyAllocationPolicy !== false);
  if (hubs.length === 0) return undefined;
  const assigned = Math.round((perSecond * beat * (0.85 + Math.random() * 0.3)) / 1000);
  const lots = hubs.flatMap((hub) => Array<string>(hub.allocationWeight ?? 1).fill(hub.name));
  const counts: Record<string, number> = {};
  for (let i = 0; i < assigned; i++) {
    const hub = pick(lots);
    counts[hub] = (counts[hub] ?? 0) + 1;
  }
  const sample = Array.from({ length: Math.min(20, assigned) }, () => ({
    id: `press-${String(landed++).padStart(7, '0')}`,
    hub: pick(lots),
    ms: Math.round(4 + Math.random() * 30),
    protocol: pick(protocols),
  }));
  const refused = Math.random() < 0.4 ? 1 : 0;
  return {
    at: new Date().toISOString(),
    service,
    assigned,
    refused,
    failed: Math.random() < 0.1 ? 1 : 0,
    hubs: counts,
    sample,
    refusals: refused ? [{ id: `press-${String(Math.floor(Math.random() * 1e6)).padStart(7, '0')}`, ...pick(refusals) }] : [],
  };
}

export function streamEvents(request: IncomingMessage, response: ServerResponse, url: URL): void {
  const wanted = url.searchParams.get('services');
  const names = () => (wanted ? wanted.split(',') : [...services.keys()]).filter((name) => services.has(name));
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  const send = (event: string, data: unknown) => response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  const state = () => names().forEach((service) => send('state', { at: new Date().toISOString(), service, ...statistics(service, 60).totals }));
  state();
  const beats = setInterval(() => {
    for (const service of names()) {
      const happened = service === 'workshop' && Math.random() < 0.9 ? undefined : batch(service);
      if (happened) send('batch', happened);
    }
  }, beat);
  const states = setInterval(state, 10_000);
  request.on('close', () => {
    clearInterval(beats);
    clearInterval(states);
  });
}
