// Rights of shared access policies, and what they let somebody do.

export interface Right {
  word: string;
  meaning: string;
}

export const rights: Record<'service' | 'hub', readonly Right[]> = {
  service: [
    { word: 'ServiceConfig', meaning: 'change the service' },
    { word: 'DeviceConnect', meaning: 'act as a device' },
    { word: 'EnrollmentRead', meaning: 'read enrollments' },
    { word: 'EnrollmentWrite', meaning: 'read and change enrollments and registration records' },
    { word: 'RegistrationStatusRead', meaning: 'read registration records' },
    { word: 'RegistrationStatusWrite', meaning: 'read and delete registration records' },
  ],
  hub: [
    { word: 'RegistryRead', meaning: 'read identities' },
    { word: 'RegistryWrite', meaning: 'read and change identities' },
    { word: 'ServiceConnect', meaning: 'twins, messages and methods' },
    { word: 'DeviceConnect', meaning: 'act as a device' },
  ],
};

/** "RegistryWrite (read and change identities), ServiceConnect (…)". */
export const rightsOf = (owner: 'service' | 'hub', text: string): string =>
  text
    .split(/,\s*/)
    .map((word) => {
      const known = rights[owner].find((right) => right.word === word);
      return known ? `${word} (${known.meaning})` : word;
    })
    .join(', ');
