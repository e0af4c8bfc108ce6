// What is asked about allocation without changing anything.

import { faultOf } from './fault';
import { ask, askLines, at } from './http';
import type { PlaceAnswer, PlaceQuestion, RuleTest, RuleVerdict, WhatIfChange, WhatIfLine, WhatIfMove, WhatIfSummary } from './types';

const version = '2021-10-01';
const path = (service: string, rest: string) => at(service, `/berth/allocation/${rest}`, version);

export const testRule = (service: string, test: RuleTest, signal?: AbortSignal) =>
  ask<RuleVerdict>('POST', path(service, 'rule/test'), { body: test, signal });

export const explainPlace = (service: string, question: PlaceQuestion, signal?: AbortSignal) =>
  ask<PlaceAnswer>('POST', path(service, 'explain'), { body: question, signal });

interface WhatIfListener {
  onProgress: (done: number) => void;
  onMove: (move: WhatIfMove) => void;
}

/** Every registered device is judged; each that would move is told of as it is found. Throws a Fault if no summary ends it. */
export async function whatIf(service: string, change: WhatIfChange, { onProgress, onMove }: WhatIfListener, signal: AbortSignal): Promise<WhatIfSummary> {
  let summary: WhatIfSummary | undefined;
  await askLines<WhatIfLine>('POST', path(service, 'whatif'), { body: { ...change, list: true }, signal }, (line) => {
    if ('registrationId' in line) onMove(line);
    else if ('progress' in line) onProgress(line.progress.done);
    else if ('error' in line) throw faultOf(500, line);
    else if ('summary' in line) summary = line.summary;
  });
  if (!summary) throw faultOf(500, { code: 'BrokenOff', message: 'The answer broke off before its end, so it says nothing.' });
  return summary;
}
