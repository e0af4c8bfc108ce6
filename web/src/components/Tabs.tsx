import { Anchor } from './Anchor';
import styles from './Tabs.module.css';

interface TabsProps {
  label: string;
  tabs: { name: string; href: string; current: boolean }[];
}

/** Pages side by side: each has an address of its own. */
export function Tabs({ label, tabs }: TabsProps) {
  return (
    <nav aria-label={label} className={styles.tabs}>
      {tabs.map((tab) => (
        <Anchor key={tab.href} href={tab.href} aria-current={tab.current ? 'page' : undefined} className={styles.tab}>
          {tab.name}
        </Anchor>
      ))}
    </nav>
  );
}
