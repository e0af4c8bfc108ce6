// Asks before a page with unsaved input is left.

import { Button, Dialog, DialogActions, DialogBody, DialogContent, DialogSurface, DialogTitle } from '@fluentui/react-components';
import { useEffect, useState } from 'react';
import type { AroundNavHandler } from 'wouter';

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
  return (
    <Dialog open={proceed !== undefined} onOpenChange={(_, data) => !data.open && setProceed(undefined)} modalType="alert">
      <DialogSurface>
        <DialogBody>
          <DialogTitle>Leave without saving?</DialogTitle>
          <DialogContent>What you entered on this page is not saved yet.</DialogContent>
          <DialogActions>
            <Button appearance="primary" onClick={() => setProceed(undefined)}>
              Stay
            </Button>
            <Button onClick={leave}>Leave</Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}
