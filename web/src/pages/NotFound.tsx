import { paths } from '../app/paths';
import { ButtonLink } from '../components/Anchor';
import { Empty } from '../components/Empty';
import { Page } from '../components/Page';

export function NotFound() {
  return (
    <Page title="There is no such page">
      <Empty title="This address leads nowhere" actions={<ButtonLink href={paths.resources} appearance="primary">All resources</ButtonLink>}>
        The link may be old, or a part of it is missing.
      </Empty>
    </Page>
  );
}
