// The navigation at the side: that of the whole portal, or of the service or hub that the page is about.

import {
  Apps20Regular,
  ArrowLeft16Regular,
  BookQuestionMark20Regular,
  Certificate20Regular,
  DataUsage20Regular,
  DocumentBulletList20Regular,
  Key20Regular,
  Link20Regular,
  Navigation20Regular,
  People20Regular,
  PersonKey20Regular,
  Pulse20Regular,
  QuestionCircle20Regular,
  Router20Regular,
  Settings20Regular,
  Scales20Regular,
} from '@fluentui/react-icons';
import type { ComponentType } from 'react';
import { useLocation } from 'wouter';
import { Anchor } from '../components/Anchor';
import styles from './Nav.module.css';
import { paths } from './paths';
import { useSession } from './session';

interface Item {
  name: string;
  href: string;
  icon: ComponentType;
  /** The item is current on every page whose address begins so. */
  under?: string[];
}

interface Group {
  title?: string;
  items: Item[];
}

const portal = (isAdministrator: boolean): Group[] => [
  {
    items: [
      { name: 'All resources', href: paths.resources, icon: Apps20Regular },
      { name: 'Live', href: paths.live, icon: Pulse20Regular },
      { name: 'First steps', href: paths.guide, icon: BookQuestionMark20Regular },
    ],
  },
  {
    title: 'Settings',
    items: [
      { name: 'Account', href: paths.account, icon: Settings20Regular },
      ...(isAdministrator ? [{ name: 'Operators', href: paths.operators, icon: People20Regular }] : []),
    ],
  },
];

const service = (name: string): Group[] => [
  {
    items: [
      { name: 'Overview', href: paths.service(name), icon: DataUsage20Regular },
      { name: 'Live', href: paths.serviceLive(name), icon: Pulse20Regular },
    ],
  },
  {
    title: 'Devices',
    items: [
      { name: 'Manage enrollments', href: paths.enrollments(name), icon: DocumentBulletList20Regular, under: [paths.groups(name)] },
      { name: 'Registration records', href: paths.registrations(name), icon: Navigation20Regular },
      { name: 'Explain', href: paths.explain(name), icon: QuestionCircle20Regular },
    ],
  },
  {
    title: 'Settings',
    items: [
      { name: 'Linked IoT hubs', href: paths.links(name), icon: Link20Regular },
      { name: 'Manage allocation policy', href: paths.allocation(name), icon: Scales20Regular },
      { name: 'Certificates', href: paths.certificates(name), icon: Certificate20Regular },
      { name: 'Shared access policies', href: paths.servicePolicies(name), icon: Key20Regular },
    ],
  },
];

const hub = (name: string): Group[] => [
  {
    items: [
      { name: 'Overview', href: paths.hub(name), icon: DataUsage20Regular },
      { name: 'Devices', href: paths.devices(name), icon: Router20Regular },
    ],
  },
  { title: 'Settings', items: [{ name: 'Shared access policies', href: paths.hubPolicies(name), icon: PersonKey20Regular }] },
];

const isUnder = (path: string, href: string): boolean => path === href || path.startsWith(`${href}/`);

function NavLink({ item, path }: { item: Item; path: string }) {
  const current = [item.href, ...(item.under ?? [])].some((href) => isUnder(path, href));
  const Icon = item.icon;
  return (
    <li>
      <Anchor href={item.href} className={styles.item} aria-current={current ? 'page' : undefined}>
        <Icon aria-hidden />
        {item.name}
      </Anchor>
    </li>
  );
}

/** Whose pages these are: ["service", "dps1"]. */
function placeOf(path: string): [kind: 'service' | 'hub', name: string] | undefined {
  const found = /^\/(service|hub)s\/([^/]+)/.exec(path);
  return found ? [found[1] as 'service' | 'hub', decodeURIComponent(found[2] ?? '')] : undefined;
}

export function Nav() {
  const [path] = useLocation();
  const { role } = useSession();
  const place = placeOf(path);
  const groups = place ? (place[0] === 'service' ? service(place[1]) : hub(place[1])) : portal(role === 'administrator');
  return (
    <nav aria-label={place ? place[1] : 'Portal'} className={styles.nav}>
      {place && (
        <div className={styles.place}>
          <Anchor href={paths.resources} className={styles.back}>
            <ArrowLeft16Regular aria-hidden />
            All resources
          </Anchor>
          <strong className={styles.name}>{place[1]}</strong>
          <span className={styles.kind}>{place[0] === 'service' ? 'Provisioning service' : 'IoT hub'}</span>
        </div>
      )}
      {groups.map((group, i) => (
        <div key={group.title ?? i} className={styles.group}>
          {group.title && <h2 className={styles.title}>{group.title}</h2>}
          <ul>
            {group.items.map((item) => (
              <NavLink key={item.href} item={item} path={path} />
            ))}
          </ul>
        </div>
      ))}
    </nav>
  );
}
