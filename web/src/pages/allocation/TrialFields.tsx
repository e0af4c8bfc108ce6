// The change that is tried: another policy, hubs that go, weights, hubs that come.

import { Button, Checkbox, Field, Input, Select } from '@fluentui/react-components';
import { Add20Regular } from '@fluentui/react-icons';
import { useId, useState, type KeyboardEvent } from 'react';
import type { LinkedHubEntry, Overview, ServicePolicy } from '../../api/types';
import { hostOf, useSession } from '../../app/session';
import { LocationField } from '../../components/LocationField';
import { faultOfWeight } from '../../lib/ids';
import { faultOfLocation } from '../../lib/places';
import { policies, policyNamed } from './policies';
import { isRemoved, weightIn, type AddedHub, type Trial } from './trial';
import styles from './WhatIf.module.css';

interface TrialFieldsProps {
  links: LinkedHubEntry[];
  hubs: Overview['hubs'];
  stored: ServicePolicy;
  trial: Trial;
  onChange: (trial: Trial) => void;
}

function Weight({ hub, value, disabled, onChange }: { hub: string; value: string; disabled?: boolean; onChange: (value: string) => void }) {
  const fault = disabled ? undefined : faultOfWeight(value);
  return (
    <Field validationState={fault ? 'error' : 'none'} validationMessage={fault} className={styles.weight}>
      <Input type="number" min={1} max={1000} aria-label={`Weight of ${hub}`} value={value} disabled={disabled} onChange={(_, data) => onChange(data.value)} />
    </Field>
  );
}

/** A hub of this server by its label, another by its host name. */
function AddHub({ links, hubs, trial, onAdd }: { links: LinkedHubEntry[]; hubs: Overview['hubs']; trial: Trial; onAdd: (name: string, location: string) => void }) {
  const session = useSession();
  const id = useId();
  const [text, setText] = useState('');
  const [location, setLocation] = useState('');
  const there = [...links, ...trial.added].map((hub) => hub.name.toLowerCase());
  const free = hubs.filter((hub) => !there.includes(hostOf(session, hub.name).toLowerCase()));
  const name = text.includes('.') ? text : hostOf(session, text);
  const fault = text === '' ? undefined : !/^[a-z0-9.-]+$/i.test(text) ? 'Letters, digits, - and . only.' : there.includes(name.toLowerCase()) ? 'It is there already.' : undefined;
  const isNowhere = faultOfLocation(location.trim()) !== undefined;
  const add = () => {
    if (text === '' || fault || isNowhere) return;
    onAdd(name, location.trim());
    setText('');
    setLocation('');
  };
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.key !== 'Enter') return;
    e.preventDefault();
    add();
  };
  return (
    <div className={styles.addHub}>
      <Field
        label="A hub more"
        hint="One of this server that is not linked, or the name of one there may be."
        validationState={fault ? 'error' : 'none'}
        validationMessage={fault}
      >
        <Input list={id} value={text} onChange={(_, data) => setText(data.value.trim())} onKeyDown={onKeyDown} autoComplete="off" spellCheck={false} />
      </Field>
      <datalist id={id}>
        {free.map((hub) => (
          <option key={hub.name} value={hub.name} />
        ))}
      </datalist>
      <LocationField value={location} onChange={setLocation} />
      <Button icon={<Add20Regular />} onClick={add} disabled={text === '' || fault !== undefined || isNowhere}>
        Try with it
      </Button>
    </div>
  );
}

export function TrialFields({ links, hubs, stored, trial, onChange }: TrialFieldsProps) {
  const setAdded = (name: string, weight: string | undefined) =>
    onChange({ ...trial, added: trial.added.flatMap((hub) => (hub.name !== name ? [hub] : weight === undefined ? [] : [{ ...hub, weight }])) });
  const labelOf = ({ name, location }: AddedHub) => `${name} (${['new', location].filter(Boolean).join(', ')})`;
  return (
    <>
      <Field label="Policy to try">
        <Select value={trial.policy ?? stored} onChange={(_, data) => onChange({ ...trial, policy: data.value as ServicePolicy })}>
          {policies.map(({ word }) => (
            <option key={word} value={word}>
              {policyNamed(word).name}
              {word === stored ? ' (as it is)' : ''}
            </option>
          ))}
        </Select>
      </Field>
      <fieldset className={styles.hubs}>
        <legend>Hubs, and their weight</legend>
        {links.length === 0 && <p className={styles.quiet}>No hub is linked.</p>}
        {links.map((hub) => {
          const gone = isRemoved(trial, hub.name);
          const others = trial.removed.filter((name) => name.toLowerCase() !== hub.name.toLowerCase());
          return (
            <div key={hub.name} className={styles.hub}>
              <Checkbox
                label={`${hub.name}${hub.applyAllocationPolicy === false ? ' (only if an enrollment names it)' : ''}`}
                checked={!gone}
                onChange={(_, data) => onChange({ ...trial, removed: data.checked ? others : [...others, hub.name] })}
              />
              <Weight
                hub={hub.name}
                value={weightIn(trial, hub)}
                disabled={gone}
                onChange={(weight) => onChange({ ...trial, weights: { ...trial.weights, [hub.name]: weight } })}
              />
            </div>
          );
        })}
        {trial.added.map((hub) => (
          <div key={hub.name} className={styles.hub}>
            <Checkbox label={labelOf(hub)} checked onChange={() => setAdded(hub.name, undefined)} />
            <Weight hub={hub.name} value={hub.weight} onChange={(next) => setAdded(hub.name, next)} />
          </div>
        ))}
      </fieldset>
      <AddHub links={links} hubs={hubs} trial={trial} onAdd={(name, location) => onChange({ ...trial, added: [...trial.added, { name, weight: '1', location }] })} />
    </>
  );
}
