// Short notes on what was done, with a way back where there is one.

import { useSyncExternalStore } from 'react';

export interface Toast {
  id: number;
  text: string;
  intent: 'success' | 'error';
  undo?: () => void | Promise<void>;
}

let toasts: readonly Toast[] = [];
let nextId = 1;
const listeners = new Set<() => void>();

function set(next: readonly Toast[]): void {
  toasts = next;
  listeners.forEach((tell) => tell());
}

const subscribe = (tell: () => void): (() => void) => {
  listeners.add(tell);
  return () => listeners.delete(tell);
};

export const useToasts = (): readonly Toast[] => useSyncExternalStore(subscribe, () => toasts);

export const dismissToast = (id: number): void => set(toasts.filter((toast) => toast.id !== id));

const atMost = 4;
export function toast(text: string, more: { intent?: Toast['intent']; undo?: Toast['undo'] } = {}): void {
  set([...toasts, { id: nextId++, text, intent: more.intent ?? 'success', undo: more.undo }].slice(-atMost));
}
