// Signing in and out, and the operators who may.

import { ask } from './http';
import type { Operator, Role, Session } from './types';

export const signIn = (name: string, password: string) => ask<Session>('POST', '/berth/session', { body: { name, password } });
export const readSession = (signal?: AbortSignal) => ask<Session>('GET', '/berth/session', { signal });
export const signOut = (everywhere = false) => ask<void>('DELETE', everywhere ? '/berth/session?everywhere=true' : '/berth/session');
export const changePassword = (current: string, next: string) =>
  ask<void>('PUT', '/berth/session/password', { body: { current, new: next } });

export const listOperators = (signal?: AbortSignal) => ask<Operator[]>('GET', '/berth/operators', { signal });
export const putOperator = (name: string, role: Role, password?: string) =>
  ask<Operator>('PUT', `/berth/operators/${encodeURIComponent(name)}`, { body: { role, ...(password ? { password } : {}) } });
export const deleteOperator = (name: string) => ask<void>('DELETE', `/berth/operators/${encodeURIComponent(name)}`);
