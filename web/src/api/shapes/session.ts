// Sessions and operators.

export type Role = 'administrator' | 'reader';

export interface Session {
  name: string;
  role: Role;
  csrf: string;
  domain: string;
  version: string;
  deviceEndpoint: string;
  ports: { https: number; mqtts: number; amqps: number };
}

export interface Operator {
  name: string;
  role: Role;
  created: string;
  lastSignIn?: string | null;
}
