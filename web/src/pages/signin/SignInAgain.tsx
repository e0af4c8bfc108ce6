import type { Session } from '../../api/types';
import { Dialog } from '../../components/Dialog';
import { SignInForm } from './SignInForm';

/** The session ended while a page was open: it goes on where it was. */
export function SignInAgain({ name, onEnter }: { name: string; onEnter: (session: Session) => void }) {
  return (
    <Dialog alert title="Sign in again">
      <p>The session of {name} has ended. What is on this page stays as it is.</p>
      <SignInForm name={name} onEnter={onEnter} />
    </Dialog>
  );
}
