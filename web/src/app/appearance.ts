// Whether the reader wants it light, dark, or as the system has it. Kept in the browser.

import { useSyncExternalStore } from 'react';

export type Appearance = 'system' | 'light' | 'dark';

const key = 'berth.appearance';
const listeners = new Set<() => void>();
const system = window.matchMedia('(prefers-color-scheme: dark)');

const stored = (): Appearance => {
  const value = localStorage.getItem(key);
  return value === 'light' || value === 'dark' ? value : 'system';
};

export function setAppearance(wanted: Appearance): void {
  if (wanted === 'system') localStorage.removeItem(key);
  else localStorage.setItem(key, wanted);
  listeners.forEach((tell) => tell());
}

// Heard once, and not looked at otherwise: a browser that is asked between the change and its event keeps the event to itself.
let systemIsDark = system.matches;
system.addEventListener('change', ({ matches }) => {
  systemIsDark = matches;
  listeners.forEach((tell) => tell());
});

function subscribe(tell: () => void): () => void {
  listeners.add(tell);
  return () => {
    listeners.delete(tell);
  };
}

export const useAppearance = (): Appearance => useSyncExternalStore(subscribe, stored);

export const useIsDark = (): boolean =>
  useSyncExternalStore(subscribe, () => stored() === 'dark' || (stored() === 'system' && systemIsDark));
