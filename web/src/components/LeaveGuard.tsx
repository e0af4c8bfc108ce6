// Asks before a page with unsaved input is left.

import { Button } from '@fluentui/react-components';
import { useEffect, useState } from 'react';
import type { AroundNavHandler } from 'wouter';
import { Dialog } from './Dialog';

let unsaved = 0;
let ask: ((proceed: () => void) => void) | undefined;

/** While `dirty`, leaving asks first. */
export function useLeaveGuard(dirty: boolean): void {
  useEffect(() => {
    if (!dirty) return;
    unsaved++;
    const warn = (e: BeforeUnloadEvent) => e.preventDefault();
    window.addEventListener('beforeunload', warn);
    return () => {
      unsaved--;
      window.removeEventListener('beforeunload', warn);
    };
  }, [dirty]);
}

const samePage = (to: string): boolean => to.split('?')[0] === window.location.pathname;

export const guardNavigation: AroundNavHandler = (navigate, to, options) => {
  const go = () => navigate(to, options);
  if (unsaved > 0 && ask && !samePage(to)) ask(go);
  else go();
};

export function LeaveGuard() {
  const [proceed, setProceed] = useState<() => void>();
  useEffect(() => {
    ask = (go) => setProceed(() => go);
    return () => {
      ask = undefined;
    };
  }, []);
  const leave = () => {
    unsaved = 0;
    setProceed(undefined);
    proceed?.();
  };
  if (!proceed) return null;
  const stay = () => setProceed(undefined);
  return (
    <Dialog
      alert
      title="Leave without saving?"
      onClose={stay}
      actions={
        <>
          <Button appearance="primary" onClick={stay} autoFocus>
            Stay
          </Button>
          <Button onClick={leave}>Leave</Button>
        </>
      }
    >
      <p>What you entered on this page is not saved yet.</p>
    </Dialog>
  );
}
