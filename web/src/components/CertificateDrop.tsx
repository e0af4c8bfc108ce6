import { Button, Field, type FieldProps } from '@fluentui/react-components';
import { Certificate24Regular } from '@fluentui/react-icons';
import { useState } from 'react';
import { readCertificateFile, readCertificateText } from '../lib/pem';
import { formatDay } from '../lib/time';
import { FileDrop } from './FileDrop';
import styles from './CertificateDrop.module.css';

export interface DroppedCertificate {
  pem: string;
  subject: string;
  issuer: string;
  notAfter?: Date;
}

interface CertificateDropProps {
  label: string;
  hint?: FieldProps['hint'];
  value?: DroppedCertificate;
  onChange: (value: DroppedCertificate | undefined) => void;
}

/** A certificate that is stored already, PEM or base64, as if it had been dropped; undefined: there is none. */
export function droppedOf(text: string): DroppedCertificate | undefined {
  if (text.trim() === '') return undefined;
  try {
    const first = readCertificateText(text).sketches[0];
    return first && { pem: text, ...first };
  } catch {
    return { pem: text, subject: 'A certificate that cannot be read here', issuer: '' };
  }
}

/** A certificate that was dropped, and which one it is. */
export function CertificateDrop({ label, hint, value, onChange }: CertificateDropProps) {
  const [fault, setFault] = useState<string>();
  const take = async (file: File) => {
    try {
      const { pem, sketches } = readCertificateFile(new Uint8Array(await file.arrayBuffer()));
      const first = sketches[0];
      if (!first) return;
      setFault(undefined);
      onChange({ pem, ...first });
    } catch (e) {
      setFault(e instanceof Error ? e.message : 'The file could not be read.');
    }
  };
  return (
    <Field label={label} hint={hint} validationState={fault ? 'error' : 'none'} validationMessage={fault}>
      {value ? (
        <div className={styles.held}>
          <Certificate24Regular aria-hidden />
          <div className={styles.words}>
            <strong>{value.subject || 'Without a subject'}</strong>
            <span>
              issued by {value.issuer || 'unknown'}
              {value.notAfter && `, ends ${formatDay(value.notAfter)}`}
            </span>
          </div>
          <Button size="small" onClick={() => onChange(undefined)}>
            Remove
          </Button>
        </div>
      ) : (
        <FileDrop what="a certificate (PEM or DER)" accept=".pem,.cer,.crt,.der" onFile={(file) => void take(file)} />
      )}
    </Field>
  );
}
