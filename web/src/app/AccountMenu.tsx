import {
  Avatar,
  Button,
  Menu,
  MenuDivider,
  MenuGroup,
  MenuGroupHeader,
  MenuItem,
  MenuItemRadio,
  MenuList,
  MenuPopover,
  MenuTrigger,
} from '@fluentui/react-components';
import { useQueryClient } from '@tanstack/react-query';
import { useLocation } from 'wouter';
import { asFault } from '../api/fault';
import { signOut } from '../api/session';
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
      checkedValues={{ appearance: [appearance] }}
      onCheckedValueChange={(_, data) => setAppearance((data.checkedItems.at(-1) ?? 'system') as Appearance)}
    >
      <MenuTrigger disableButtonEnhancement>
        <Button appearance="transparent" className={styles.button} aria-label={`Account of ${session.name}`}>
          <span className={styles.name}>{session.name}</span>
          <Avatar name={session.name} size={28} color="colorful" aria-hidden />
        </Button>
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          <MenuGroup>
            <MenuGroupHeader>
              {session.name}, {session.role}
            </MenuGroupHeader>
            <MenuItem onClick={() => navigate(paths.account)}>Account and password</MenuItem>
          </MenuGroup>
          <MenuDivider />
          <MenuGroup>
            <MenuGroupHeader>Appearance</MenuGroupHeader>
            {appearances.map(([value, text]) => (
              <MenuItemRadio key={value} name="appearance" value={value}>
                {text}
              </MenuItemRadio>
            ))}
          </MenuGroup>
          <MenuDivider />
          <MenuItem onClick={() => void leave()}>Sign out</MenuItem>
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}
