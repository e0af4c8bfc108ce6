// Rules of a custom allocation tried out.

export interface RuleTest {
  rule: string;
  registrationId: string;
  payload?: unknown;
  /** Of which the rule is; neither: of none that is stored yet. */
  enrollment?: string;
  group?: string;
  /** Undefined: all that are linked and take part. */
  iotHubs?: string[];
}

export interface RuleVerdict {
  hub: string | null;
  sentence: string;
  instructions: number;
  /** Bytes. */
  memory: number;
  error?: { line: number; message: string };
}
