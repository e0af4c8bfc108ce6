import { MessageBar, MessageBarBody, MessageBarTitle } from '@fluentui/react-components';
import type { UseMutationResult } from '@tanstack/react-query';
import type { LinkTest } from '../../api/types';
import { ErrorView } from '../../components/ErrorView';
import { formatMilliseconds, plural } from '../../lib/format';

/** What the test of a link has found. */
export function LinkVerdict({ test }: { test: UseMutationResult<LinkTest, Error, void> }) {
  if (test.isError) return <ErrorView error={test.error} title="The link was not tested" />;
  if (!test.data) return null;
  const { reachable, milliseconds, devices, sentence } = test.data;
  return (
    <MessageBar intent={reachable ? 'success' : 'error'} layout="multiline">
      <MessageBarBody>
        <MessageBarTitle>{reachable ? 'The link works.' : 'The link does not work.'}</MessageBarTitle> {sentence}{' '}
        {reachable
          ? `It took ${formatMilliseconds(milliseconds)}${devices == null ? '' : `; ${plural(devices, 'device')} are there`}.`
          : 'Mend it, or save it all the same: devices wait until the hub answers.'}
      </MessageBarBody>
    </MessageBar>
  );
}
