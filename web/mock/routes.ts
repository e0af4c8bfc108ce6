import { allocationRoutes } from './allocation';
import { hubRoutes } from './hubApi';
import { insightRoutes } from './insight';
import { manageRoutes } from './manage';
import { refuse, type Asked, type Reply, type Route } from './reply';
import { revocationRoutes } from './revocation';
import { rootRoutes } from './roots';
import { serviceRoutes } from './serviceApi';
import { forged, hasSession, sessionRoutes, signIn } from './session';

const routes: Route[] = [...sessionRoutes, ...insightRoutes, ...allocationRoutes, ...rootRoutes, ...revocationRoutes, ...serviceRoutes, ...hubRoutes, ...manageRoutes];

export function answer(asked: Asked): Reply {
  if (asked.method === 'POST' && asked.path === '/berth/session') return signIn(asked);
  if (!hasSession(asked.request)) return refuse(401, 'SignedOut', 'Nobody is signed in.');
  if (forged(asked)) return refuse(403, 'Forged', 'The token against forged requests is missing.');
  for (const [method, path, run] of routes) {
    const found = method === asked.method ? path.exec(asked.path) : null;
    if (found) return run(asked, found.slice(1).map(decodeURIComponent));
  }
  return refuse(404, 'NotFound', `The mock has nothing at ${asked.method} ${asked.path}.`);
}
