import { Dialog, DialogBody, DialogContent, DialogSurface, DialogTitle } from '@fluentui/react-components';
import type { Session } from '../../api/types';
import { SignInForm } from './SignInForm';

/** The session ended while a page was open: it goes on where it was. */
export function SignInAgain({ name, onEnter }: { name: string; onEnter: (session: Session) => void }) {
  return (
    <Dialog open modalType="alert">
      <DialogSurface>
        <DialogBody>
          <DialogTitle>Sign in again</DialogTitle>
          <DialogContent>
            <p>The session of {name} has ended. What is on this page stays as it is.</p>
            <SignInForm name={name} onEnter={onEnter} />
          </DialogContent>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}
