// The pages that are looked at, and what is done on them first.

export async function signIn(context, base) {
  if ((await context.cookies(base)).some(({ name, value }) => name === 'berth' && value)) return;
  await context.request.post(`${base}/berth/session`, { data: { name: 'admin', password: 'berth' } });
}

const button = (page, name) => page.getByRole('button', { name, exact: true });

export const pages = [
  { name: 'sign-in', path: '/', signedOut: true, expects: /401/ },
  { name: 'resources', path: '/resources' },
  {
    name: 'resources-delete',
    path: '/resources',
    viewport: true,
    async act(page) {
      await page.getByRole('checkbox', { name: 'Choose hub hub-spare' }).check();
      await button(page, 'Delete').click();
    },
  },
  { name: 'new-service', path: '/resources/new-service' },
  { name: 'new-hub', path: '/resources/new-hub' },
  { name: 'overview', path: '/services/harbour/overview' },
  { name: 'overview-new', path: '/services/workshop/overview' },
  { name: 'live', path: '/services/harbour/live', wait: 3000 },
  { name: 'live-all', path: '/live', wait: 2500 },
  { name: 'enrollments', path: '/services/harbour/enrollments', viewport: true },
  { name: 'enrollments-empty', path: '/services/workshop/enrollments' },
  {
    name: 'enrollments-chosen',
    path: '/services/harbour/enrollments?prefix=press-00000',
    viewport: true,
    async act(page) {
      await page.getByRole('checkbox', { name: 'Choose press-0000001' }).check();
      await page.getByRole('checkbox', { name: 'Choose press-0000002' }).check();
      await button(page, 'Disable').click();
    },
  },
  { name: 'groups', path: '/services/harbour/enrollment-groups' },
  { name: 'enrollment-new', path: '/services/harbour/enrollments/add' },
  {
    name: 'enrollment-faults',
    path: '/services/harbour/enrollments/add',
    async act(page) {
      await page.getByRole('radio', { name: /X.509/ }).check();
      await page.getByLabel('Allocation policy').selectOption('static');
      await page.getByLabel('Tags and desired properties').fill('{\n  "tags": { "line": 4, },\n  "properties": {}\n}');
      await button(page, 'Save').click();
    },
  },
  {
    name: 'enrollment-rule',
    path: '/services/harbour/enrollments/add',
    async act(page) {
      await page.getByRole('textbox', { name: 'Registration ID' }).fill('press-07');
      await page.getByLabel('Allocation policy').selectOption('custom');
      await page.getByRole('radio', { name: /^Rule/ }).check();
      await page.getByText('What a rule can say').click();
      await button(page, 'Use this: One model goes to one hub, the rest spread').click();
      await page.getByLabel('Payload it sends').fill('{"model":"P9"}');
      await button(page, 'Run').click();
    },
  },
  {
    name: 'enrollment-rule-faults',
    path: '/services/harbour/enrollments/add',
    async act(page) {
      await page.getByRole('textbox', { name: 'Registration ID' }).fill('press-07');
      await page.getByLabel('Allocation policy').selectOption('custom');
      await page.getByRole('radio', { name: /^Rule/ }).check();
      await page.getByRole('textbox', { name: 'Rule' }).fill('-- by model\npayload.model == "P9" ? "hub-eu" : hashed(hubs)\n');
      await button(page, 'Run').click();
    },
  },
  {
    name: 'enrollment-webhook-clear',
    path: '/services/harbour/enrollments/add',
    async act(page) {
      await page.getByLabel('Allocation policy').selectOption('custom');
      await page.getByRole('textbox', { name: 'Web hook' }).fill('http://10.0.0.7:7071/api/allocate');
    },
  },
  {
    name: 'enrollment',
    path: '/services/harbour/enrollments/entry/press-0000008',
    async act(page) {
      const keys = button(page, 'Get keys');
      if (await keys.count()) await keys.click();
    },
  },
  { name: 'enrollment-tpm', path: '/services/harbour/enrollments/add', act: (page) => page.getByRole('radio', { name: /^TPM/ }).check() },
  { name: 'group-rule', path: '/services/harbour/enrollment-groups/group/models' },
  { name: 'group-keys', path: '/services/harbour/enrollment-groups/group/pumps', act: (page) => button(page, 'Get keys').click() },
  { name: 'group-x509', path: '/services/harbour/enrollment-groups/group/line-6' },
  { name: 'import', path: '/services/harbour/enrollments/import' },
  {
    name: 'import-trial',
    path: '/services/harbour/enrollments/import',
    async act(page) {
      await page.getByLabel('Or paste it').fill('registrationId,tags\nnew-1,\nnew-2,"{""line"":4}"\nbad-3,\nnew 4,\npress-0000001,\n');
      await button(page, 'Use this').click();
    },
  },
  { name: 'allocation', path: '/services/harbour/allocation-policy' },
  { name: 'allocation-empty', path: '/services/workshop/allocation-policy', act: (page) => button(page, 'See what would move').click() },
  {
    name: 'whatif-running',
    path: '/services/harbour/allocation-policy?add=hub-spare.berth.test:2&remove=quay.example.org',
    wait: 1500,
  },
  {
    name: 'whatif',
    path: '/services/harbour/allocation-policy?add=hub-spare.berth.test:2&remove=quay.example.org&weight=hub-north.berth.test:3',
    act: (page) => page.getByText('devices would move').waitFor({ timeout: 30_000 }),
  },
  { name: 'explain-address', path: '/services/harbour/allocation-policy?address=203.0.113.7&id=press-07&as=geoLatency', wait: 900 },
  { name: 'links', path: '/services/harbour/linked-hubs' },
  { name: 'links-edit', path: '/services/harbour/linked-hubs', viewport: true, act: (page) => page.getByRole('button', { name: 'Edit hub-north.berth.test' }).click() },
  {
    name: 'links-weight',
    path: '/services/harbour/linked-hubs',
    viewport: true,
    async act(page) {
      await page.getByRole('button', { name: 'Edit hub-north.berth.test' }).click();
      await page.getByRole('spinbutton', { name: 'Weight' }).fill('5');
    },
  },
  { name: 'links-unlink', path: '/services/harbour/linked-hubs', viewport: true, act: (page) => page.getByRole('button', { name: 'Unlink quay.example.org' }).click() },
  {
    name: 'link-new',
    path: '/services/harbour/linked-hubs/add',
    async act(page) {
      await page.getByRole('radio', { name: /Elsewhere/ }).check();
      await page.getByRole('textbox', { name: 'Connection string' }).fill('HostName=nowhere.example.org;SharedAccessKeyName=iothubowner;SharedAccessKey=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=');
      await button(page, 'Test the link').click();
    },
  },
  { name: 'certificates', path: '/services/harbour/certificates', act: (page) => button(page, 'Add').click() },
  { name: 'certificates-root', path: '/services/harbour/certificates', act: (page) => button(page, 'Add a root').click() },
  {
    name: 'certificates-list',
    path: '/services/harbour/certificates',
    async act(page) {
      await button(page, 'Add a list').click();
      await page.getByRole('textbox', { name: 'Address of the list' }).fill('crl.chips.example/7.crl');
    },
  },
  { name: 'certificates-list-change', path: '/services/harbour/certificates', act: (page) => button(page, 'Change the list works-tpm').click() },
  { name: 'certificates-empty', path: '/services/workshop/certificates' },
  { name: 'certificate', path: '/services/harbour/certificates/line-7', act: (page) => button(page, 'Generate verification code').click() },
  { name: 'policies', path: '/services/harbour/access-policies', act: (page) => button(page, 'Add').click() },
  { name: 'registrations', path: '/services/harbour/registrations', viewport: true },
  { name: 'registrations-failed', path: '/services/harbour/registrations?status=failed&hub=hub-north.berth.test', wait: 2500 },
  { name: 'registration', path: '/services/harbour/registrations/press-0000008' },
  { name: 'registration-missing', path: '/services/harbour/registrations/nobody', expects: /404/ },
  { name: 'explain', path: '/services/harbour/explain?id=press-0000017' },
  { name: 'explain-empty', path: '/services/harbour/explain' },
  { name: 'hub', path: '/hubs/hub-north/overview' },
  { name: 'hub-empty', path: '/hubs/hub-spare/overview' },
  { name: 'devices', path: '/hubs/hub-north/devices', viewport: true },
  { name: 'device', path: '/hubs/hub-north/devices/press-0000037' },
  { name: 'hub-policies', path: '/hubs/hub-north/access-policies' },
  { name: 'guide', path: '/first-steps' },
  { name: 'account', path: '/account' },
  { name: 'operators', path: '/operators' },
  { name: 'not-found', path: '/nowhere' },
  { name: 'error', path: '/services/nobody/overview', expects: /404/ },
  { name: 'menu', path: '/resources', viewport: true, act: (page) => page.getByRole('button', { name: /^Account of/ }).click() },
  {
    name: 'navigation',
    path: '/services/harbour/overview',
    viewport: true,
    async act(page) {
      const burger = page.getByRole('button', { name: 'Open navigation' });
      if (await burger.isVisible()) await burger.click();
    },
  },
];
