import { Button } from '@fluentui/react-components';
import { useLocation } from 'wouter';
import { paths } from '../../app/paths';
import { Anchor, ButtonLink } from '../../components/Anchor';
import styles from './Guide.module.css';
import { currentOf } from './steps';
import { setGuideOn, useGuide, useGuideOn } from './useGuide';

/** The guide walks along: the step that is next, on top of every page. */
export function GuideBar() {
  const on = useGuideOn();
  const [path] = useLocation();
  const { steps } = useGuide(on);
  if (!on || !steps || path === paths.guide) return null;
  const now = currentOf(steps);
  const done = steps.filter((step) => step.done).length;
  return (
    <aside className={styles.bar} aria-label="First steps">
      <Anchor href={paths.guide}>First steps</Anchor>
      <span className={styles.count}>
        {done} of {steps.length} done
      </span>
      <span className={styles.now} role="status">
        {now ? `Next: ${now.title}` : 'All done.'}
      </span>
      {now?.action && path !== now.action.href && (
        <ButtonLink size="small" appearance="primary" href={now.action.href}>
          {now.action.text}
        </ButtonLink>
      )}
      <Button size="small" appearance="subtle" onClick={() => setGuideOn(false)}>
        {now ? 'Leave the guide' : 'Close'}
      </Button>
    </aside>
  );
}
