import { Button } from '@fluentui/react-components';
import { CheckmarkCircle20Filled, Dismiss20Regular, ErrorCircle20Filled } from '@fluentui/react-icons';
import { useEffect, useState } from 'react';
import { asFault } from '../api/fault';
import { dismissToast, toast, useToasts, type Toast } from './toasts';
import styles from './Toasts.module.css';

const shownFor = { success: 8_000, error: 20_000 };

function Note({ note }: { note: Toast }) {
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held) return;
    const timer = setTimeout(() => dismissToast(note.id), shownFor[note.intent]);
    return () => clearTimeout(timer);
  }, [held, note]);

  const undo = async () => {
    dismissToast(note.id);
    try {
      await note.undo?.();
      toast('Undone.');
    } catch (e) {
      toast(`It could not be undone: ${asFault(e).message}`, { intent: 'error' });
    }
  };

  return (
    <li
      className={styles.note}
      data-intent={note.intent}
      onMouseEnter={() => setHeld(true)}
      onMouseLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      {note.intent === 'success' ? <CheckmarkCircle20Filled aria-hidden /> : <ErrorCircle20Filled aria-hidden />}
      <span className={styles.text}>{note.text}</span>
      {note.undo && (
        <Button size="small" onClick={() => void undo()}>
          Undo
        </Button>
      )}
      <Button size="small" appearance="transparent" icon={<Dismiss20Regular />} aria-label="Dismiss" onClick={() => dismissToast(note.id)} />
    </li>
  );
}

export function Toasts() {
  const notes = useToasts();
  return (
    <section aria-label="Notes" aria-live="polite">
      <ul className={styles.all}>
        {notes.map((note) => (
          <Note key={note.id} note={note} />
        ))}
      </ul>
    </section>
  );
}
