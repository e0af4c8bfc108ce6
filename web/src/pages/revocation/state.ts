// How a revocation list stands, in a word, and in a sentence where something is wrong.

import type { RevocationList } from '../../api/types';
import type { Tone } from '../../components/State';
import { readTime } from '../../lib/time';

export interface ListState {
  tone: Tone;
  word: string;
  sentence?: string;
}

/** It has an address, and nothing is known of it yet: neither a list, nor why there is none. */
export const isAwaited = ({ url, issuer, lastError }: RevocationList): boolean => Boolean(url) && !issuer && !lastError;

function consequenceOf(strict: boolean, isKnown: boolean): string {
  if (strict) return isKnown ? 'Until there is a current one, nobody below its issuer passes.' : 'Until it is there, nobody passes.';
  return isKnown ? 'Who is on it is still refused.' : 'Nobody is refused by it.';
}

export function stateOf(list: RevocationList, now = new Date()): ListState {
  const isKnown = Boolean(list.issuer);
  const next = readTime(list.nextUpdateUtc);
  const isCurrent = isKnown && (next === undefined || next > now);
  if (isCurrent && !list.lastError) return { tone: 'good', word: 'Current' };
  if (isAwaited(list)) return { tone: 'busy', word: 'Being fetched', sentence: list.strict ? consequenceOf(true, false) : undefined };
  const why = list.lastError && (/[.!?]$/.test(list.lastError) ? list.lastError : `${list.lastError}.`);
  const word = isCurrent ? 'Not fetched again' : isKnown ? 'Out of date' : 'Not fetched';
  return {
    tone: list.strict && !isCurrent ? 'bad' : 'warn',
    word,
    sentence: [why, isCurrent ? 'The one that is known is current.' : consequenceOf(list.strict, isKnown)].filter(Boolean).join(' '),
  };
}
