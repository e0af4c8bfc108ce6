// A button that opens a list of commands: arrows walk through it, Escape and Tab close it.

import { Button, type ButtonProps } from '@fluentui/react-components';
import { Checkmark16Regular } from '@fluentui/react-icons';
import { Fragment, useEffect, useId, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import styles from './Menu.module.css';

export interface MenuEntry {
  text: string;
  run: () => void;
  /** One of several of which one is chosen. */
  chosen?: boolean;
}

export interface MenuPart {
  title?: string;
  entries: MenuEntry[];
}

type MenuProps = Pick<ButtonProps, 'appearance' | 'icon' | 'className'> & {
  label?: string;
  parts: MenuPart[];
  align?: 'start' | 'end';
  children: ReactNode;
};

export function Menu({ label, parts, align = 'start', children, ...button }: MenuProps) {
  const [open, setOpen] = useState(false);
  const id = useId();
  const trigger = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);

  const items = () => [...(list.current?.querySelectorAll<HTMLElement>('[role^="menuitem"]') ?? [])];
  useEffect(() => {
    if (!open) return;
    items()[0]?.focus();
    const away = (e: PointerEvent) => {
      const inside = e.target instanceof Node && (list.current?.contains(e.target) || trigger.current?.contains(e.target));
      if (!inside) setOpen(false);
    };
    document.addEventListener('pointerdown', away);
    return () => document.removeEventListener('pointerdown', away);
  }, [open]);

  const close = () => {
    setOpen(false);
    trigger.current?.focus();
  };
  const onKey = (e: KeyboardEvent) => {
    const all = items();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, Home: 0, End: all.length - 1 }[e.key];
    if (e.key === 'Escape') close();
    else if (e.key === 'Tab') setOpen(false);
    else if (to !== undefined) all[to % all.length]?.focus();
    if (e.key === 'Escape' || to !== undefined) e.preventDefault();
  };

  return (
    <div className={styles.box}>
      <Button
        {...button}
        ref={trigger}
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        onClick={() => setOpen(!open)}
        onKeyDown={(e) => {
          if (e.key !== 'ArrowDown') return;
          e.preventDefault();
          setOpen(true);
        }}
      >
        {children}
      </Button>
      {open && (
        <div ref={list} id={id} role="menu" className={styles.list} data-align={align} onKeyDown={onKey}>
          {parts.map((part, i) => (
            <Fragment key={part.title ?? i}>
              {i > 0 && <div role="separator" className={styles.line} />}
              <div role="group" aria-label={part.title}>
                {part.title && (
                  <div className={styles.title} aria-hidden="true">
                    {part.title}
                  </div>
                )}
                {part.entries.map((entry) => (
                  <button
                    key={entry.text}
                    type="button"
                    className={styles.item}
                    role={entry.chosen === undefined ? 'menuitem' : 'menuitemradio'}
                    aria-checked={entry.chosen}
                    tabIndex={-1}
                    onClick={() => {
                      close();
                      entry.run();
                    }}
                  >
                    <span className={styles.check}>{entry.chosen && <Checkmark16Regular aria-hidden />}</span>
                    {entry.text}
                  </button>
                ))}
              </div>
            </Fragment>
          ))}
        </div>
      )}
    </div>
  );
}
