import { useEffect, useState } from 'react';
import styles from './Loading.module.css';

/** Grey lines where content is about to be; shown only when it takes long enough to be noticed. */
export function Loading({ rows = 4 }: { rows?: number }) {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), 150);
    return () => clearTimeout(timer);
  }, []);
  if (!shown) return null;
  return (
    <div role="status" className={styles.all}>
      <span className="unseen">Loading</span>
      {Array.from({ length: rows }, (_, i) => (
        <span key={i} className={styles.line} />
      ))}
    </div>
  );
}
