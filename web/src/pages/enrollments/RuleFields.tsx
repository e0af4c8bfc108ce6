// A rule of a custom allocation: written, helped with, and tried out before it is saved.

import { Button } from '@fluentui/react-components';
import { useState } from 'react';
import type { LinkedHubEntry } from '../../api/types';
import { CodeEditor, type CodeFault } from '../../components/CodeEditor';
import { Stack } from '../../components/Section';
import { toast } from '../../components/toasts';
import type { FieldsProps } from './AttestationFields';
import { RuleTrial } from './RuleTrial';
import { ruleExamples, ruleWords } from './rules';
import styles from './Rule.module.css';

function Examples({ links, use }: { links: LinkedHubEntry[]; use: (rule: string) => void }) {
  return (
    <details className={styles.help}>
      <summary>What a rule can say, with examples</summary>
      <Stack>
        <p>
          A rule is an expression in Lua 5.4, or a few lines that end with <code>return</code>. Its value is the hub of the device; <code>nil</code> turns the
          device away.
        </p>
        <dl className={styles.words}>
          {ruleWords.map(([word, meaning]) => (
            <div key={word}>
              <dt>
                <code>{word}</code>
              </dt>
              <dd>{meaning}</dd>
            </div>
          ))}
        </dl>
        {ruleExamples(links.map((hub) => hub.name)).map(({ title, rule }) => (
          <div key={title} className={styles.example}>
            <div className={styles.exampleHead}>
              <span>{title}</span>
              <Button size="small" onClick={() => use(rule)} aria-label={`Use this: ${title}`}>
                Use this
              </Button>
            </div>
            <pre tabIndex={0} aria-label={`Example: ${title}`}>
              {rule}
            </pre>
          </div>
        ))}
      </Stack>
    </details>
  );
}

export function RuleFields(props: FieldsProps & { links: LinkedHubEntry[] }) {
  const { draft, faults, links, onChange } = props;
  const [found, setFound] = useState<CodeFault>();
  const write = (rule: string) => {
    setFound(undefined);
    onChange({ rule });
  };
  const use = (rule: string) => {
    const before = draft.rule;
    write(rule);
    if (before.trim() !== '') toast('The example took the place of your rule.', { undo: () => write(before) });
  };
  return (
    <>
      <div className={styles.beside}>
        <CodeEditor
          label="Rule"
          required
          hint="The name of a hub, or what comes to one."
          value={draft.rule}
          onChange={write}
          fault={faults.rule ? { message: faults.rule } : found}
          rows={14}
        />
        <RuleTrial {...props} onFault={setFound} />
      </div>
      <Examples links={links} use={use} />
    </>
  );
}
