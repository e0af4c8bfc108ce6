// Import a list of enrollments: choose a file, look at what would happen, then let it happen.

import { Button, Field, MessageBar, MessageBarBody, ProgressBar, Textarea } from '@fluentui/react-components';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { asFault, type Fault } from '../../api/fault';
import { keys } from '../../api/keys';
import { paths } from '../../app/paths';
import { useMayChange } from '../../app/session';
import { ButtonLink } from '../../components/Anchor';
import { Empty } from '../../components/Empty';
import { ErrorView } from '../../components/ErrorView';
import { FileDrop } from '../../components/FileDrop';
import { Page } from '../../components/Page';
import { Section } from '../../components/Section';
import { Step, Steps } from '../../components/Steps';
import { download } from '../../lib/download';
import { formatNumber, plural } from '../../lib/format';
import { ImportReportView } from './ImportReport';
import { importRows, sender, type Report } from './importRun';
import styles from './Import.module.css';
import { columns, readImport, template, type ImportRow } from './table';

function Source({ onText }: { onText: (name: string, text: string) => void }) {
  const [text, setText] = useState('');
  return (
    <div className={styles.source}>
      <FileDrop what="a CSV or JSON file" accept=".csv,.json,.txt" onFile={(file) => void file.text().then((content) => onText(file.name, content))} />
      <Field label="Or paste it" hint={`Columns: ${columns.join(', ')}. Only registrationId is needed; keys that are left out are generated. A row whose ID is there already takes the place of that enrollment.`}>
        <Textarea value={text} onChange={(_, data) => setText(data.value)} rows={5} resize="vertical" spellCheck={false} placeholder="registrationId,deviceId,tags" />
      </Field>
      <div className={styles.buttons}>
        <Button disabled={text.trim() === ''} onClick={() => onText('what was pasted', text)}>
          Use this
        </Button>
        <Button appearance="subtle" onClick={() => download([template], 'enrollments.csv')}>
          Download a template
        </Button>
      </div>
    </div>
  );
}

export default function Import({ service }: { service: string }) {
  const mayChange = useMayChange();
  const client = useQueryClient();
  const [source, setSource] = useState<{ name: string; rows: ImportRow[] }>();
  const [fault, setFault] = useState<string>();
  const [failure, setFailure] = useState<Fault>();
  const [running, setRunning] = useState<{ done: number; dry: boolean }>();
  const [trial, setTrial] = useState<Report>();
  const [final, setFinal] = useState<Report>();
  const stop = useRef<AbortController>();
  useEffect(() => () => stop.current?.abort(), []);

  const run = async (rows: ImportRow[], dry: boolean) => {
    stop.current?.abort();
    const controller = new AbortController();
    stop.current = controller;
    setFailure(undefined);
    setRunning({ done: 0, dry });
    try {
      const report = await importRows(rows, sender(service, dry, controller.signal), (done) => setRunning({ done, dry }));
      if (dry) setTrial(report);
      else setFinal(report);
    } catch (e) {
      if (!controller.signal.aborted) setFailure(asFault(e));
    } finally {
      if (!controller.signal.aborted) setRunning(undefined);
      if (!dry) {
        void client.invalidateQueries({ queryKey: keys.enrollments(service) });
        void client.invalidateQueries({ queryKey: keys.overview });
      }
    }
  };
  const take = (name: string, text: string) => {
    try {
      const rows = readImport(text);
      if (rows.length === 0) throw new Error('There is no row in it.');
      setFault(undefined);
      setSource({ name, rows });
      void run(rows, true);
    } catch (e) {
      setFault(e instanceof Error ? e.message : 'The file could not be read.');
    }
  };
  const restart = () => {
    stop.current?.abort();
    setSource(undefined);
    setTrial(undefined);
    setFinal(undefined);
    setRunning(undefined);
    setFailure(undefined);
  };
  const willWrite = (trial?.counts.created ?? 0) + (trial?.counts.updated ?? 0);
  const total = source?.rows.length ?? 0;

  const progress = running && (
    <Field label={`${formatNumber(running.done)} of ${plural(total, 'row')}`}>
      <ProgressBar value={running.done / Math.max(1, total)} />
    </Field>
  );

  return (
    <Page
      narrow
      title="Import enrollments"
      crumbs={[
        { name: service, href: paths.service(service) },
        { name: 'Manage enrollments', href: paths.enrollments(service) },
      ]}
      lead="From a CSV or JSON file. Nothing is written before you have seen what would happen to every row."
    >
      {!mayChange ? (
        <Empty title="Importing is for administrators" />
      ) : (
        <Section title="In three steps">
          <Steps>
            <Step title="Choose the list" state={source ? 'done' : 'now'}>
              {source ? (
                <div className={styles.buttons}>
                  <span>
                    {source.name}: {plural(total, 'row')}
                  </span>
                  <Button size="small" onClick={restart}>
                    {final ? 'Import another list' : 'Choose another'}
                  </Button>
                </div>
              ) : (
                <>
                  <Source onText={take} />
                  {fault && (
                    <MessageBar intent="error" layout="multiline" role="alert">
                      <MessageBarBody>{fault}</MessageBarBody>
                    </MessageBar>
                  )}
                </>
              )}
            </Step>
            <Step title="Look at what would happen" state={final ? 'done' : source ? 'now' : 'later'}>
              {running?.dry && progress}
              {failure && <ErrorView error={failure} title="The import stopped" onRetry={() => source && void run(source.rows, trial === undefined)} />}
              {trial && !final && (
                <>
                  <ImportReportView report={trial} tense="would" />
                  <div className={styles.buttons}>
                    <Button appearance="primary" disabled={willWrite === 0 || running !== undefined} onClick={() => source && void run(source.rows, false)}>
                      Import {plural(willWrite, 'enrollment')}
                    </Button>
                  </div>
                </>
              )}
            </Step>
            <Step title="Import" state={final ? 'now' : 'later'}>
              {running && !running.dry && progress}
              {final && (
                <>
                  <ImportReportView report={final} tense="did" />
                  <div className={styles.buttons}>
                    <ButtonLink appearance="primary" href={paths.enrollments(service)}>
                      Manage enrollments
                    </ButtonLink>
                  </div>
                </>
              )}
            </Step>
          </Steps>
        </Section>
      )}
    </Page>
  );
}
