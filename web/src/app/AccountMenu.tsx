import { Avatar } from '@fluentui/react-components';
import { useQueryClient } from '@tanstack/react-query';
import { useLocation } from 'wouter';
import { asFault } from '../api/fault';
import { signOut } from '../api/session';
import { Menu } from '../components/Menu';
import { toast } from '../components/toasts';
import styles from './AccountMenu.module.css';
import { setAppearance, useAppearance, type Appearance } from './appearance';
import { paths } from './paths';
import { useSession } from './session';

const appearances: [Appearance, string][] = [
  ['system', 'As the system has it'],
  ['light', 'Light'],
  ['dark', 'Dark'],
];

export function AccountMenu() {
  const session = useSession();
  const appearance = useAppearance();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const leave = async () => {
    try {
      await signOut();
      client.clear();
      window.location.assign('/');
    } catch (e) {
      toast(`You are still signed in: ${asFault(e).message}`, { intent: 'error' });
    }
  };
  return (
    <Menu
      appearance="transparent"
      className={styles.button}
      align="end"
      parts={[
        { title: `${session.name}, ${session.role}`, entries: [{ text: 'Account and password', run: () => navigate(paths.account) }] },
        {
          title: 'Appearance',
          entries: appearances.map(([value, text]) => ({ text, chosen: value === appearance, run: () => setAppearance(value) })),
        },
        { entries: [{ text: 'Sign out', run: () => void leave() }] },
      ]}
    >
      <span className={styles.name}>
        <span className="unseen">Account of </span>
        {session.name}
      </span>
      <Avatar name={session.name} size={28} color="colorful" aria-hidden />
    </Menu>
  );
}
