import type { IncomingMessage } from 'node:http';
import type { Operator, Session } from '../src/api/types';
import { nothing, ok, record, refuse, type Asked, type Route } from './reply';

const session: Session = {
  name: 'admin',
  role: process.env['MOCK_ROLE'] === 'reader' ? 'reader' : 'administrator',
  csrf: 'mock-token',
  domain: 'berth.test',
  version: '0.1.0',
  deviceEndpoint: 'global.berth.test',
  ports: { https: 443, mqtts: 8883, amqps: 5671 },
};

const operators = new Map<string, Operator>([
  ['admin', { name: 'admin', role: 'administrator', created: '2026-01-05T08:00:00Z', lastSignIn: new Date().toISOString() }],
  ['night-shift', { name: 'night-shift', role: 'reader', created: '2026-02-11T14:20:00Z', lastSignIn: new Date(Date.now() - 7.2e6).toISOString() }],
]);

export const hasSession = (request: IncomingMessage): boolean => /(^|; )berth=mock/.test(request.headers.cookie ?? '');

export const forged = ({ request, method }: Asked): boolean =>
  method !== 'GET' && method !== 'HEAD' && request.headers['x-berth-csrf'] !== session.csrf;

export const signIn = ({ body }: Asked) =>
  record(body)['password'] === 'berth'
    ? ok(session, { 'Set-Cookie': 'berth=mock; HttpOnly; SameSite=Strict; Path=/' })
    : refuse(401, 'SignInFailed', 'Name or password is wrong.');

export const sessionRoutes: Route[] = [
  ['GET', /^\/berth\/session$/, () => ok(session)],
  ['DELETE', /^\/berth\/session$/, () => ({ ...nothing, headers: { 'Set-Cookie': 'berth=; Path=/; Max-Age=0' } })],
  [
    'PUT',
    /^\/berth\/session\/password$/,
    ({ body }) => (record(body)['current'] === 'berth' ? nothing : refuse(403, 'WrongPassword', 'The current password is wrong.')),
  ],
  ['GET', /^\/berth\/operators$/, () => ok([...operators.values()])],
  [
    'PUT',
    /^\/berth\/operators\/([^/]+)$/,
    ({ body }, [name = '']) => {
      const role = record(body)['role'] as Operator['role'];
      const was = operators.get(name);
      operators.set(name, { name, role, created: was?.created ?? new Date().toISOString(), lastSignIn: was?.lastSignIn ?? null });
      return ok(operators.get(name));
    },
  ],
  [
    'DELETE',
    /^\/berth\/operators\/([^/]+)$/,
    (_, [name = '']) => {
      const administrators = [...operators.values()].filter((o) => o.role === 'administrator');
      if (administrators.length === 1 && administrators[0]?.name === name)
        return refuse(409, 'LastAdministrator', 'The last administrator cannot be removed.');
      operators.delete(name);
      return nothing;
    },
  ],
];
