// The field in the bar: any service, hub or page by its name, from anywhere with the key /.

import { Search16Regular } from '@fluentui/react-icons';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useId, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { useLocation } from 'wouter';
import { keys } from '../api/keys';
import { readOverview } from '../api/service';
import type { Overview } from '../api/types';
import styles from './GoTo.module.css';
import { paths } from './paths';

interface Target {
  name: string;
  kind: string;
  href: string;
}

function targetsOf(overview: Overview | undefined): Target[] {
  const services = overview?.services ?? [];
  return [
    ...services.map(({ name }) => ({ name, kind: 'Provisioning service', href: paths.service(name) })),
    ...(overview?.hubs ?? []).map(({ name }) => ({ name, kind: 'IoT hub', href: paths.hub(name) })),
    ...services.flatMap(({ name }) => [
      { name: 'Manage enrollments', kind: name, href: paths.enrollments(name) },
      { name: 'Registration records', kind: name, href: paths.registrations(name) },
      { name: 'Linked IoT hubs', kind: name, href: paths.links(name) },
      { name: 'Manage allocation policy', kind: name, href: paths.allocation(name) },
      { name: 'Explain', kind: name, href: paths.explain(name) },
    ]),
    { name: 'Live', kind: 'Page', href: paths.live },
    { name: 'First steps', kind: 'Page', href: paths.guide },
  ];
}

const shown = 8;
const isTyping = (at: EventTarget | null): boolean => at instanceof HTMLElement && at.closest('input, textarea, select, [contenteditable]') !== null;

export function GoTo() {
  const [, navigate] = useLocation();
  const [text, setText] = useState('');
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  const overview = useQuery({ queryKey: keys.overview, queryFn: ({ signal }) => readOverview(signal), enabled: open });
  const found = useMemo(() => {
    const words = text.toLowerCase().split(/\s+/);
    return targetsOf(overview.data)
      .filter((target) => words.every((word) => `${target.name} ${target.kind}`.toLowerCase().includes(word)))
      .slice(0, shown);
  }, [overview.data, text]);

  useEffect(() => {
    const focus = (e: globalThis.KeyboardEvent) => {
      if (e.key !== '/' || e.ctrlKey || e.metaKey || e.altKey || isTyping(e.target)) return;
      e.preventDefault();
      input.current?.focus();
    };
    window.addEventListener('keydown', focus);
    return () => window.removeEventListener('keydown', focus);
  }, []);

  const go = (target: Target | undefined) => {
    if (!target) return;
    setText('');
    setOpen(false);
    input.current?.blur();
    navigate(target.href);
  };
  const onKey = (e: KeyboardEvent) => {
    if (e.key === 'ArrowDown') setAt(Math.min(at + 1, found.length - 1));
    else if (e.key === 'ArrowUp') setAt(Math.max(at - 1, 0));
    else if (e.key === 'Enter') go(found[at]);
    else if (e.key === 'Escape') input.current?.blur();
    else return;
    e.preventDefault();
  };
  const isOpen = open && found.length > 0;
  return (
    <div className={styles.box} onBlur={(e) => !e.currentTarget.contains(e.relatedTarget) && setOpen(false)}>
      <Search16Regular className={styles.icon} aria-hidden />
      <input
        ref={input}
        className={styles.input}
        role="combobox"
        aria-label="Go to a resource or page"
        aria-expanded={isOpen}
        aria-controls={`${id}-list`}
        aria-activedescendant={isOpen ? `${id}-${at}` : undefined}
        aria-autocomplete="list"
        placeholder="Go to a resource or page"
        autoComplete="off"
        spellCheck={false}
        value={text}
        onFocus={() => setOpen(true)}
        onChange={(e) => {
          setText(e.target.value);
          setAt(0);
          setOpen(true);
        }}
        onKeyDown={onKey}
      />
      <kbd className={styles.key} aria-hidden="true">
        /
      </kbd>
      <ul id={`${id}-list`} role="listbox" aria-label="Found" className={styles.list} hidden={!isOpen}>
        {found.map((target, i) => (
          <li
            key={target.href}
            id={`${id}-${i}`}
            role="option"
            aria-selected={i === at}
            className={styles.option}
            onMouseDown={(e) => e.preventDefault()}
            onMouseEnter={() => setAt(i)}
            onClick={() => go(target)}
          >
            <span>{target.name}</span>
            <span className={styles.kind}>{target.kind}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
