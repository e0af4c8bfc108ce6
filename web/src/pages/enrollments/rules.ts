// What a rule of a custom allocation can say, for the help beside its editor.

export const ruleWords: readonly (readonly [word: string, meaning: string])[] = [
  ['device.id', 'The name under which the device registers.'],
  ['payload', 'What the device has sent along, as JSON has it; an empty table if it sent nothing.'],
  ['hubs', 'The hubs that may be chosen, a list; each has name, location and weight.'],
  ['hashed(hubs)', 'Spreads devices over these hubs by weight; the same device always gets the same.'],
  ['nearest(hubs)', 'The hub that lowest latency would choose.'],
  ['bucket(20)', '1 to 20, always the same for a device: one in twenty has 1.'],
  ['starts(text, with)', 'Also ends, contains, lower, and match(text, "press-*").'],
];

export interface RuleExample {
  title: string;
  rule: string;
}

/** With names of hubs that are linked, so that what is inserted can run. */
export function ruleExamples(linked: readonly string[]): RuleExample[] {
  const [first = 'hub-eu', second = first] = linked;
  return [
    { title: 'One model goes to one hub, the rest spread', rule: `payload.model == "P9" and "${first}" or hashed(hubs)\n` },
    {
      title: 'By the name of the device',
      rule: `if starts(device.id, "press-") then\n  return "${first}"\nelseif payload.region == "south" then\n  return "${second}"\nend\nreturn nearest(hubs)\n`,
    },
  ];
}
