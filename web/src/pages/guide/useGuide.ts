import { useQuery } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { keys } from '../../api/keys';
import { readService } from '../../api/manage';
import { readLinkedHubs, readOverview, readStatistics } from '../../api/service';
import { stepsOf, type GuideStep } from './steps';

const onKey = 'berth.guide';
const serviceKey = 'berth.guide.service';
const listeners = new Set<() => void>();
const subscribe = (tell: () => void) => {
  listeners.add(tell);
  return () => listeners.delete(tell);
};
const store = (key: string, value: string | undefined) => {
  if (value === undefined) localStorage.removeItem(key);
  else localStorage.setItem(key, value);
  listeners.forEach((tell) => tell());
};

/** Whether the guide walks along on every page. */
export const useGuideOn = (): boolean => useSyncExternalStore(subscribe, () => localStorage.getItem(onKey) === 'on');
export const setGuideOn = (on: boolean): void => store(onKey, on ? 'on' : undefined);
export const setGuideService = (name: string): void => store(serviceKey, name);

export interface Guide {
  services: string[];
  service?: string;
  steps?: GuideStep[];
  error: unknown;
}

const fresh = 4_000;

/** The steps for one service: the one that was chosen, else the first. */
export function useGuide(enabled = true): Guide {
  const chosen = useSyncExternalStore(subscribe, () => localStorage.getItem(serviceKey) ?? '');
  const overview = useQuery({ queryKey: keys.overview, queryFn: ({ signal }) => readOverview(signal), enabled, refetchInterval: fresh });
  const services = (overview.data?.services ?? []).map(({ name }) => name);
  const service = services.includes(chosen) ? chosen : services[0];
  const known = enabled && service !== undefined;
  const name = service ?? '';
  const resource = useQuery({ queryKey: keys.resource(name), queryFn: ({ signal }) => readService(name, signal), enabled: known, refetchInterval: fresh });
  const statistics = useQuery({ queryKey: keys.statistics(name, 60), queryFn: ({ signal }) => readStatistics(name, 60, signal), enabled: known, refetchInterval: fresh });
  const links = useQuery({ queryKey: keys.links(name), queryFn: ({ signal }) => readLinkedHubs(name, signal), enabled: known, refetchInterval: fresh });
  const ready = overview.data !== undefined && (service === undefined || resource.data !== undefined);
  return {
    services,
    service,
    steps: ready
      ? stepsOf({
          overview: overview.data,
          service: resource.data,
          totals: statistics.data?.totals,
          hubsWithDevices: (links.data ?? []).filter((hub) => (hub.devices ?? 0) > 0).length,
        })
      : undefined,
    error: overview.error ?? resource.error,
  };
}
