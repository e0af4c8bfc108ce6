import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { checkName } from '../../api/manage';
import { faultOfResourceName } from '../../lib/ids';

export interface NameVerdict {
  state: 'none' | 'error' | 'success';
  message?: string;
  good: boolean;
}

/** Whether a name can be taken: by its letters at once, and after a pause by asking the server. */
export function useNameCheck(name: string): NameVerdict {
  const [settled, setSettled] = useState('');
  useEffect(() => {
    const timer = setTimeout(() => setSettled(name), 300);
    return () => clearTimeout(timer);
  }, [name]);
  const fault = faultOfResourceName(name);
  const check = useQuery({
    queryKey: ['name', settled],
    queryFn: ({ signal }) => checkName(settled, signal),
    enabled: settled !== '' && settled === name && fault === undefined,
    staleTime: 0,
  });
  if (name === '') return { state: 'none', good: false };
  if (fault) return { state: 'error', message: fault, good: false };
  if (settled !== name || check.data === undefined) return { state: 'none', good: check.isError };
  return check.data.nameAvailable
    ? { state: 'success', message: 'The name is free.', good: true }
    : { state: 'error', message: check.data.message ?? 'The name is taken.', good: false };
}
