import { Button } from '@fluentui/react-components';
import { ChevronLeft20Regular, ChevronRight20Regular } from '@fluentui/react-icons';
import { formatNumber } from '../lib/format';
import styles from './Pager.module.css';

interface PagerProps {
  page: number;
  size: number;
  count: number;
  total?: number;
  more: boolean;
  /** "enrollments" */
  what: string;
  onFirst?: () => void;
  onPrevious?: () => void;
  onNext?: () => void;
}

/** From page to page of a list that may have a million rows. */
export function Pager({ page, size, count, total, more, what, onFirst, onPrevious, onNext }: PagerProps) {
  const from = (page - 1) * size + 1;
  return (
    <nav className={styles.pager} aria-label={`Pages of ${what}`}>
      <span className={styles.where} role="status">
        {count === 0 ? 'None' : `${formatNumber(from)} to ${formatNumber(from + count - 1)}`}
        {total !== undefined && ` of ${formatNumber(total)} ${what}`}
      </span>
      <Button size="small" appearance="subtle" disabled={page <= 1} onClick={onFirst}>
        First
      </Button>
      <Button size="small" appearance="subtle" icon={<ChevronLeft20Regular />} disabled={page <= 1} onClick={onPrevious}>
        Previous
      </Button>
      <Button size="small" appearance="subtle" icon={<ChevronRight20Regular />} iconPosition="after" disabled={!more} onClick={onNext}>
        Next
      </Button>
    </nav>
  );
}
