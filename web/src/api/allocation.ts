// What is asked about allocation without changing anything.

import { ask, at } from './http';
import type { RuleTest, RuleVerdict } from './types';

const version = '2021-10-01';
const path = (service: string, rest: string) => at(service, `/berth/allocation/${rest}`, version);

export const testRule = (service: string, test: RuleTest, signal?: AbortSignal) =>
  ask<RuleVerdict>('POST', path(service, 'rule/test'), { body: test, signal });
